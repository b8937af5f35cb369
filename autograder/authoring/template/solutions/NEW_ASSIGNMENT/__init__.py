"""Reference answers, for the hidden tests: a module for each notebook.

``mistakes`` is the catalogue of known wrong answers, ``variants`` are correct ones in other styles.
"""
