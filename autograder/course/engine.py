"""Grades submissions with the engine, each worker process with a zygote of its own."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from autograder.authoring.model import Notebook
from autograder.course.grades import Grade, Status, status_of
from autograder.course.submissions import Submission
from autograder.grading.engine import grade_notebook
from autograder.grading.results import Limits, Verdict

NAME = "engine"


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Processes to grade in. Fresh ones, not forks: tests change the import path and the random state."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def grade_with_engine(notebook: Notebook, submission: Submission, timeout: float, isolation: str) -> Grade:
    """Grade one submission; ``timeout`` is what it may take in all, in seconds, a quarter of it for one cell.

    Raises ``IsolationError``.
    """
    if submission.node is None:
        nothing = {question.name: 0.0 for question in notebook.questions}
        return Grade(submission.student, notebook.name, NAME, status_of(submission), nothing, submission.problem)
    limits = Limits(total_seconds=timeout, cell_seconds=min(Limits.cell_seconds, timeout / 4))
    graded = grade_notebook(notebook, submission.node, submission.results, limits, isolation)
    feedback = {result.question: result.feedback for result in graded.results if result.verdict is not Verdict.PASSED}
    return Grade(submission.student, notebook.name, NAME, Status.GRADED, graded.points, feedback=feedback)
