"""Support package of Homework 4: what its notebooks import besides ``kit``, torch, numpy and matplotlib.

``plots``        one look for every figure
``signals``      stem plots and tables of problem 3
``networks``     the network of problem 4(f) as a formula
``images``       the photograph of problem 5
``edges``        the data set of problem 6
``models``       its networks
``training``     their training, in which ``stacked`` computes several networks together
``places``       how well they see a band at each place
``edge_plots``   its figures
``experiments``  results that are kept while their inputs are unchanged, which ``fingerprint`` tells
``trials``       tries a function of its notebook on plain data, for the tests
"""
