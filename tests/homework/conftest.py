"""Fixtures of the tests of homework 4."""

import pytest
from harness import HW4

from autograder.assignment.assignment import Assignment


@pytest.fixture(scope="session")
def assignment() -> Assignment:
    """Homework 4 in this repository."""
    return HW4
