"""How a notebook is graded: with which isolation, and what it may use."""

import math
from dataclasses import dataclass

from autograder.assignment.assignment import Settings
from autograder.sandbox.limits import Isolation, Limits, Policy


@dataclass(frozen=True)
class NotebookLimits(Limits):
    """What one submission may use. Seconds are wall-clock time, sizes are MiB.

    ``diagnosis_seconds`` is what looking for the reasons of its failures may take on top of ``total_seconds``;
    ``reply`` is the size of the largest value that a test may get.
    """

    cell_seconds: float = 120.0
    test_seconds: float = 120.0
    total_seconds: float = 900.0
    diagnosis_seconds: float = 60.0
    reply: int = 64


NotebookPolicy = Policy[NotebookLimits]


def policy_for(
    settings: Settings, isolation: Isolation = Isolation.STRICT, notebook_seconds: float | None = None
) -> NotebookPolicy:
    """How an assignment's notebooks are graded.

    ``notebook_seconds`` is what a notebook may take in all, where it is not what the settings say; one cell may take a
    quarter of it at most.
    """
    seconds = notebook_seconds or settings.notebook_seconds
    limits = NotebookLimits(
        cell_seconds=min(settings.cell_seconds, seconds / 4),
        total_seconds=seconds,
        cpu_seconds=max(Limits.cpu_seconds, math.ceil(seconds)),
    )
    return Policy(limits, isolation)
