"""Support package of Homework 4: what the notebooks import besides torch, numpy and matplotlib.

``images``      the photograph of problem 5
``plots``       one look for every figure
``checks``      comparisons that explain a failure; the visible and the hidden tests use them
``by_hand``     the static check of questions that forbid library routines
``submission``  the last cell of every notebook: check the notebook, write the zip to hand in
"""
