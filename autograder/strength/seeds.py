"""The seed with which hidden tests draw: the variable that ``solutions.generator`` reads, in the grader only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from autograder.assignment.assignment import SEED_VARIABLE


@contextmanager
def hidden_seed(seed: int) -> Iterator[None]:
    """Let hidden tests draw with this seed."""
    before = os.environ.get(SEED_VARIABLE)
    os.environ[SEED_VARIABLE] = str(seed)
    try:
        yield
    finally:
        os.environ.pop(SEED_VARIABLE)
        if before is not None:
            os.environ[SEED_VARIABLE] = before
