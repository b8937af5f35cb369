"""A notebook that runs in a box, whose questions can be tried with one answer after the other."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Question
from autograder.grading.notebook_box import NotebookBox, zygote
from autograder.grading.policy import NotebookLimits, NotebookPolicy
from autograder.grading.questions import CourseModules, run_question
from autograder.grading.results import QuestionResult
from autograder.grading.staging import staged
from autograder.sandbox.limits import Policy

POLICY: NotebookPolicy = Policy(NotebookLimits(cell_seconds=60, test_seconds=60, total_seconds=600))


class Running:
    """Cells that ran in a box, and the tests of answers to be run."""

    def __init__(self, box: NotebookBox, course: CourseModules, policy: NotebookPolicy) -> None:
        self._box, self._course, self._limits = box, course, policy.limits
        self.cells: list[str] = []

    def run(self, source: str) -> tuple[str, str] | None:
        """Run a cell; the error that it ended with, if any."""
        answer, late = self._box.run_cell(source, time.monotonic() + self._limits.cell_seconds)
        assert not late
        self.cells.append(source)
        return answer.error

    def grade(self, question: Question) -> QuestionResult:
        deadline = time.monotonic() + self._limits.total_seconds
        result, alive = run_question(question, self._box, self.cells, self._limits, deadline, self._course)
        assert alive
        return result

    def check(self, test: str) -> QuestionResult:
        """Run a test of one part."""
        return self.grade(Question("answer", "test_answer", 1.0, test, "pass", ""))


@contextmanager
def running_in(assignment: Assignment, policy: NotebookPolicy = POLICY) -> Iterator[Running]:
    """A box with the kits of an assignment."""
    with (
        CourseModules(assignment) as course,
        staged(assignment, {}, policy.limits.disk) as files,
        NotebookBox(zygote(), files, policy, assignment.secret_paths) as box,
    ):
        yield Running(box, course, policy)
