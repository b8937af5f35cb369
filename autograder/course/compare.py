"""Grades with the frameworks' own commands, and compares what they and the engine give."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from autograder.assignment.notebook import Notebook
from autograder.course.records import Framework, Grade
from autograder.course.stock import Stock
from autograder.course.submissions import Submission
from autograder.grading.results import Status

_GRADE = {Framework.NBGRADER: Stock.nbgrader, Framework.OTTER: Stock.otter}


@dataclass(frozen=True)
class Disagreement:
    """A question that the frameworks score differently."""

    student: str
    notebook: str
    question: str
    points: dict[Framework, float]

    def __str__(self) -> str:
        scores = ", ".join(f"{framework.value} {points:g}" for framework, points in self.points.items())
        return f"{self.student}, {self.notebook}, {self.question}: the frameworks disagree ({scores})"


def grade_with_stock(
    stock: Stock,
    frameworks: Iterable[Framework],
    notebooks: Iterable[Notebook],
    submissions: Iterable[Submission],
    workers: int,
) -> Iterator[Grade]:
    """Grade every submission with every framework; yields each grade when it is there, in no fixed order.

    The frameworks run as processes of their own, so threads are enough to wait for them.
    """
    by_name = {notebook.name: notebook for notebook in notebooks}
    with ThreadPoolExecutor(workers) as threads:
        jobs = [
            threads.submit(_GRADE[framework], stock, by_name[submission.notebook], submission)
            for submission in submissions
            for framework in frameworks
        ]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def disagreements(grades: Iterable[Grade]) -> list[Disagreement]:
    """Questions scored differently by frameworks that both graded the notebook to its end."""
    found = []
    by_notebook: dict[tuple[str, str], list[Grade]] = {}
    for grade in grades:
        by_notebook.setdefault((grade.student, grade.notebook), []).append(grade)
    for (student, notebook), both in sorted(by_notebook.items()):
        # Stock otter has no time limit: ended from outside it says nothing about any question.
        if any(grade.status is Status.TIMEOUT for grade in both):
            continue
        for question in both[0].points:
            points = {
                grade.framework: grade.points[question] for grade in sorted(both, key=lambda g: g.framework.value)
            }
            if len(set(points.values())) > 1:
                found.append(Disagreement(student, notebook, question, points))
    return found
