"""Reference answers of Homework 4, for the hidden tests.

One module per notebook. Each is an independent oracle: float64, written from the definition and not from the code of
the source notebook, and checked in the tests against scipy, torch's autograd and the hand-out's numbers.
``misconceptions`` is the catalogue of known wrong answers.

Students never get this package.
"""

import os

import torch

_DEFAULT_SEED = 182


def generator() -> torch.Generator:
    """A fresh generator for the inputs of one hidden test.

    Its seed is fixed, so that a grade can be reproduced; ``HW4_HIDDEN_SEED`` replaces it, so that the tests can be
    shown not to depend on it.
    """
    return torch.Generator().manual_seed(int(os.environ.get("HW4_HIDDEN_SEED", _DEFAULT_SEED)))
