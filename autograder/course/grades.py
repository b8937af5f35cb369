"""What grading a notebook gives, whichever framework did it."""

from dataclasses import dataclass, field
from enum import Enum


class Status(Enum):
    """How grading a notebook ended."""

    GRADED = "graded"
    MISSING = "missing or unreadable"
    TIMEOUT = "out of time"
    FAILED = "the framework failed"


@dataclass(frozen=True)
class Grade:
    """Points per question name; ``message`` says what happened when ``status`` is not GRADED (all points are 0)."""

    student: str
    notebook: str
    framework: str
    status: Status
    points: dict[str, float] = field(default_factory=dict)
    message: str = ""

    @property
    def total(self) -> float:
        return sum(self.points.values())
