"""Support package of Homework 4: what the notebooks import besides torch, numpy and matplotlib.

``images``        the photograph of problem 5
``plots``         one look for every figure
``checks``        comparisons that explain a failure; the visible and the hidden tests use them
``probes``        measurements on the student's own functions and layers, for tests and figures
``memory_limit``  a call that must do with a certain amount of memory
``signals``       stem plots and tables of problem 3
``networks``      the network of problem 4(f) as a formula
``by_hand``       the static check of questions that forbid library routines
``installation``  the first cell of every notebook: what is missing on this computer
``explain``       from a failure to what a student should read about it
``boxes``         shows that in place of a test's traceback
``submission``    the last cell of every notebook: check the notebook, write the zip to hand in
"""
