"""The catalogue of known wrong answers, one module per notebook.

Each is a short function ``<question>__<mistake>`` whose docstring is the sentence a good teaching assistant would
say to the student. ``autograder.assignment.catalogue`` reads them.
"""
