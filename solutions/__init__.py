"""Reference answers, a package for each assignment, and what their hidden tests draw inputs with.

Students never get this package.
"""

import os

import torch

_DEFAULT_SEED = 182


def generator() -> torch.Generator:
    """A fresh generator for the inputs of one hidden test.

    Its seed is the assignment's, which the grader puts into ``AUTOGRADER_HIDDEN_SEED``, so that a grade can be
    reproduced; another value there shows that the tests do not depend on it.
    """
    return torch.Generator().manual_seed(int(os.environ.get("AUTOGRADER_HIDDEN_SEED", _DEFAULT_SEED)))
