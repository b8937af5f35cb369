"""Reference answers of Homework 4, for the hidden tests.

One module per notebook. Each is an independent oracle: float64, written from the definition and not from the code of
the source notebook, and checked in the tests against scipy, torch's autograd and the handout's numbers. ``mistakes``
is the catalogue of known wrong answers, ``variants`` are correct ones in other styles.
"""
