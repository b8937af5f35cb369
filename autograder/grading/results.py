"""What grading a notebook gives: a verdict per question, and the executed notebook."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from nbformat import NotebookNode

# The folder beside a notebook in which it keeps what it saves.
RESULTS = "results"


class Verdict(Enum):
    """How a question ended; only PASSED earns its points."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    MISSING = "missing"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    REPLY = "invalid reply"


class Status(Enum):
    """How grading a notebook ended."""

    GRADED = "graded"
    ABSENT = "not handed in"
    UNREADABLE = "unreadable"
    STRANGER = "another notebook"
    TIMEOUT = "out of time"
    FAILED = "the framework failed"

    @property
    def needs_review(self) -> bool:
        """Whether a human must look at what was handed in before it is worth nothing."""
        return self in (Status.UNREADABLE, Status.STRANGER)


@dataclass(frozen=True)
class QuestionResult:
    """One question: ``message`` says to the student what happened, ``part`` which tests it happened in.

    ``diagnosis`` says which known mistake explains it, where one does; ``feedback`` is both.
    """

    question: str
    verdict: Verdict
    points: float
    maximum: float
    message: str = ""
    part: str = ""
    traceback: str = ""
    diagnosis: str = ""

    @property
    def feedback(self) -> str:
        return f"{self.message} {self.diagnosis}".rstrip()


@dataclass(frozen=True)
class Usage:
    """What the submission used: wall-clock seconds, CPU seconds, the largest process in MiB, restarts after a crash."""

    wall: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    restarts: int = 0


@dataclass(frozen=True)
class GradedNotebook:
    """``node`` holds the outputs of every cell, ``notes`` what was odd about the submission, a sentence each.

    ``isolation`` maps each layer that was in force to how it was done; it is empty without a sandbox. ``message`` says
    why nothing ran where ``status`` is not GRADED.
    """

    node: NotebookNode
    results: tuple[QuestionResult, ...]
    notes: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    isolation: dict[str, str] = field(default_factory=dict)
    status: Status = Status.GRADED
    message: str = ""

    @property
    def points(self) -> dict[str, float]:
        return {result.question: result.points for result in self.results}


def notes_on(cell: str, notes: Iterable[str]) -> str:
    """Those notes that name a cell, by its grade id, a line each."""
    return "\n".join(note for note in notes if f"`{cell}`" in note)
