"""What grading a notebook gives, whichever framework did it."""

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from autograder.authoring.model import Notebook
from autograder.grading.results import GradedNotebook, Verdict


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


@dataclass(frozen=True)
class Record:
    """What the engine found out about one notebook, as it is kept: plain data, whoever handed it in.

    ``questions`` holds for each question ``question``, ``verdict``, ``points``, ``maximum``, ``message``, ``part``
    and ``diagnosis``; ``usage`` the fields of ``grading.results.Usage``.
    """

    notebook: str
    status: Status
    message: str = ""
    questions: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    usage: dict[str, float] = field(default_factory=dict)
    isolation: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, notebook: Notebook, graded: GradedNotebook) -> "Record":
        """The record of a notebook that was graded."""
        questions = []
        for result in graded.results:
            question = asdict(result) | {"verdict": result.verdict.value}
            del question["traceback"]  # long; it stands in the executed notebook
            questions.append(question)
        usage = asdict(graded.usage)
        return cls(notebook.name, Status.GRADED, "", tuple(questions), graded.notes, usage, graded.isolation)

    def to_data(self) -> dict[str, Any]:
        return asdict(self) | {"status": self.status.value}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> "Record":
        """Raises ``KeyError``, ``TypeError`` or ``ValueError`` when ``data`` is not what ``to_data`` gave."""
        sequences = {name: tuple(data[name]) for name in ("questions", "notes")}
        return cls(**(data | sequences | {"status": Status(data["status"])}))

    def grade(self, student: str, notebook: Notebook, framework: str) -> Grade:
        """The student's points and messages; no points where nothing was graded."""
        points = {question.name: 0.0 for question in notebook.questions}
        points |= {question["question"]: question["points"] for question in self.questions}
        feedback = {
            q["question"]: f"{q['message']} {q['diagnosis']}".rstrip()
            for q in self.questions
            if q["verdict"] != Verdict.PASSED.value
        }
        return Grade(student, self.notebook, framework, self.status, points, self.message, feedback)
