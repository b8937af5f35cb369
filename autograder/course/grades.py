"""What grading a notebook gives, whichever framework did it."""

from dataclasses import dataclass, field
from enum import Enum

from autograder.course.submissions import Submission


class Status(Enum):
    """How grading a notebook ended."""

    GRADED = "graded"
    ABSENT = "not handed in"
    UNREADABLE = "unreadable"
    TIMEOUT = "out of time"
    FAILED = "the framework failed"


@dataclass(frozen=True)
class Grade:
    """Points per question name; ``message`` says what happened when ``status`` is not GRADED (all points are 0).

    ``feedback`` says for each question without full points what happened, where the framework tells.
    """

    student: str
    notebook: str
    framework: str
    status: Status
    points: dict[str, float] = field(default_factory=dict)
    message: str = ""
    feedback: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return sum(self.points.values())


def status_of(submission: Submission) -> Status:
    """How grading ends for a submission of which nothing could be read."""
    return Status.UNREADABLE if submission.problem else Status.ABSENT
