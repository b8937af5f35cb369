"""What grading a notebook gives, whichever framework did it."""

from dataclasses import dataclass, field, replace
from enum import Enum

from autograder.assignment.notebook import Notebook
from autograder.grading.results import GradedNotebook, QuestionResult, Status, Usage, Verdict


class Framework(Enum):
    """What can grade a notebook: our engine, and the stock frameworks with their own commands."""

    ENGINE = "engine"
    NBGRADER = "nbgrader"
    OTTER = "otter"


@dataclass(frozen=True)
class Grade:
    """Points per question name; ``message`` says what happened when ``status`` is not GRADED (all points are 0).

    ``feedback`` says for each question without full points what happened, where the framework tells.
    """

    student: str
    notebook: str
    framework: Framework
    status: Status
    points: dict[str, float] = field(default_factory=dict)
    message: str = ""
    feedback: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return sum(self.points.values())


@dataclass(frozen=True)
class Record:
    """What the engine found out about one notebook, in a form that is kept.

    ``questions`` have no tracebacks, which are long and stand in the executed notebook; ``usage`` is None where nothing
    ran; ``isolation`` maps each layer that was in force to how it was done.
    """

    notebook: str
    status: Status
    message: str = ""
    questions: tuple[QuestionResult, ...] = ()
    notes: tuple[str, ...] = ()
    usage: Usage | None = None
    isolation: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, notebook: Notebook, graded: GradedNotebook) -> "Record":
        """The record of what the engine found."""
        questions = tuple(replace(result, traceback="") for result in graded.results)
        status, message = graded.status, graded.message
        usage = graded.usage if status is Status.GRADED else None
        return cls(notebook.name, status, message, questions, graded.notes, usage, graded.isolation)

    def grade(self, student: str, notebook: Notebook, framework: Framework) -> Grade:
        """The student's points and messages; no points where nothing was graded."""
        points = {question.name: 0.0 for question in notebook.questions}
        points |= {result.question: result.points for result in self.questions}
        feedback = {
            result.question: result.feedback for result in self.questions if result.verdict is not Verdict.PASSED
        }
        return Grade(student, self.notebook, framework, self.status, points, self.message, feedback)
