"""What is known of a graded class: the gradebook's scores with the engine's records beside them."""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import TEST_PREFIX
from autograder.authoring.build import read_linted
from autograder.course.gradebook import CellGrade, CourseGradebook
from autograder.course.record import read_receipt, results_folder
from autograder.course.records import Record
from autograder.course.store import ResultStore
from autograder.errors import CourseError
from autograder.grading.results import QuestionResult, Status, Verdict

# Verdicts that say more about the grading than about the answer: someone should look.
_TROUBLE = {Verdict.TIMEOUT, Verdict.MEMORY, Verdict.CRASHED, Verdict.REPLY}


@dataclass(frozen=True)
class HandedIn:
    """One student's notebook: grades and comments by cell, and the record where the engine graded it."""

    student: str
    notebook: str
    grades: dict[str, CellGrade]
    comments: dict[str, str]
    penalty: float
    record: Record | None

    @property
    def score(self) -> float:
        return sum(grade.score for grade in self.grades.values()) - self.penalty

    @property
    def maximum(self) -> float:
        return sum(grade.maximum for grade in self.grades.values())

    @property
    def needs_manual_grade(self) -> bool:
        return any(grade.needs_manual_grade for grade in self.grades.values())

    @property
    def is_graded(self) -> bool:
        """Whether anything of it is; nbgrader has a row for each notebook from the first one that is graded."""
        return self.record is not None or not all(grade.needs_manual_grade for grade in self.grades.values())

    def comments_on(self, cell: str) -> list[str]:
        """Comments on a graded answer, or on the answer that a test cell tests."""
        return [self.comments[name] for name in dict.fromkeys((cell, question_name(cell))) if name in self.comments]

    @cached_property
    def questions(self) -> dict[str, QuestionResult]:
        """The engine's results by question, those that a test cell of this name stands for; none where nothing ran."""
        if self.record is None or self.record.status is not Status.GRADED:
            return {}
        return {result.question: result for result in self.record.questions}

    @property
    def trouble(self) -> list[str]:
        """Why someone should look at this notebook, a sentence each."""
        if self.record and self.record.status is not Status.GRADED:
            return [self.record.message]
        ended = [f"{name}: {result.message}" for name, result in self.questions.items() if result.verdict in _TROUBLE]
        return [*ended, *(self.record.notes if self.record else ())]


@dataclass(frozen=True)
class QuestionStatistics:
    """How a class did on one question.

    ``difficulty`` is the mean share of the points (1: everyone has them all), None where nobody has a grade yet;
    ``discrimination`` the correlation of the question's score with that of the rest of the assignment, None where one
    of them does not vary.
    """

    notebook: str
    question: str
    maximum: float
    difficulty: float | None
    discrimination: float | None
    verdicts: Counter[Verdict]


@dataclass(frozen=True)
class Mistake:
    """Something that went wrong for several students: its diagnosis, or what the tests said where none is known."""

    notebook: str
    question: str
    text: str
    is_diagnosis: bool
    students: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """A class, by student and notebook."""

    assignment: str
    handed_in: dict[str, dict[str, HandedIn]]
    order: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def totals(self) -> dict[str, float]:
        """Each student's score, penalties taken off."""
        return {student: sum(one.score for one in of.values()) for student, of in self.handed_in.items()}

    @cached_property
    def shares(self) -> dict[str, float]:
        """Each student's share of those points that are graded."""
        found = {}
        for student, of in self.handed_in.items():
            possible = sum(g.maximum for one in of.values() for g in one.grades.values() if not g.needs_manual_grade)
            found[student] = self.totals[student] / possible if possible else 0.0
        return found

    @cached_property
    def maximum(self) -> float:
        return max((sum(one.maximum for one in of.values()) for of in self.handed_in.values()), default=0.0)

    @cached_property
    def graded_notebooks(self) -> list[str]:
        """The notebooks of which somebody's is graded."""
        found = {one.notebook for one in self.each() if one.is_graded}
        return [name for name in self.order if name in found]

    def each(self) -> list[HandedIn]:
        return [one for of in self.handed_in.values() for one in of.values()]

    def questions(self) -> list[QuestionStatistics]:
        """Every graded cell of the notebooks of which some are graded, in their order."""
        return [self._statistics(name, cell) for name in self.graded_notebooks for cell in self.order[name]]

    def _statistics(self, notebook: str, cell: str) -> QuestionStatistics:
        all_of = {student: of[notebook] for student, of in self.handed_in.items() if notebook in of}
        grades = {student: one.grades[cell] for student, one in all_of.items() if cell in one.grades}
        maximum = max((grade.maximum for grade in grades.values()), default=0.0)
        known = {student: grade.score for student, grade in grades.items() if not grade.needs_manual_grade}
        scores = list(known.values())
        rest = [self.totals[student] - score for student, score in known.items()]
        share = statistics.fmean(scores) / maximum if scores and maximum else None
        results = (one.questions.get(question_name(cell)) for one in all_of.values())
        verdicts = Counter(result.verdict for result in results if result)
        return QuestionStatistics(notebook, question_name(cell), maximum, share, _correlation(scores, rest), verdicts)

    def mistakes(self) -> list[Mistake]:
        """What went wrong, the most common first; the same message for the same question counts as the same."""
        found: dict[tuple[str, str, str, bool], list[str]] = {}
        for one in self.each():
            for name, result in one.questions.items():
                if result.verdict is not Verdict.PASSED:
                    text = result.diagnosis or result.message
                    found.setdefault((one.notebook, name, text, bool(result.diagnosis)), []).append(one.student)
        mistakes = [Mistake(*key, tuple(students)) for key, students in found.items()]
        return sorted(mistakes, key=lambda m: (-len(m.students), not m.is_diagnosis, m.notebook, m.question, m.text))


def read_overview(assignment: Assignment, db_url: str = "") -> Overview:
    """Read gradebook and results. Raises ``CourseError`` when nothing is recorded."""
    store = ResultStore(results_folder(assignment))
    notebooks = read_linted(assignment)
    handed_in: dict[str, dict[str, HandedIn]] = {}
    with CourseGradebook(assignment, db_url) as gradebook:
        comments = gradebook.comments()
        for (student, notebook), (grades, penalty) in sorted(gradebook.grades().items()):
            receipt = read_receipt(assignment, student, notebook)
            record = store.load(receipt.key) if receipt and receipt.key else None
            if receipt and record is None:
                record = Record(notebook, receipt.status, receipt.message)
            of_notebook = comments.get((student, notebook), {})
            one = HandedIn(student, notebook, grades, of_notebook, penalty, record)
            handed_in.setdefault(student, {})[notebook] = one
    if not handed_in:
        raise CourseError(f"{gradebook.shown_url} has no grades of {assignment.name}: run `autograder grade` first.")
    order = {
        notebook.name: [cell.grade_id for cell in notebook.cells if cell.points and cell.grade_id]
        for notebook in notebooks
    }
    return Overview(assignment.name, handed_in, order)


def question_name(cell: str) -> str:
    """The question that a graded cell belongs to: ``test_sharpen`` to ``sharpen``."""
    return cell.removeprefix(TEST_PREFIX)


def _correlation(first: list[float], second: list[float]) -> float | None:
    try:
        return statistics.correlation(first, second)
    except statistics.StatisticsError:  # fewer than two, or all the same
        return None
