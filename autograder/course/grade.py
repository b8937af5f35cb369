"""Grades a folder of submissions with the engine, nbgrader or otter, several notebooks at a time."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from autograder.authoring.build import read_linted, stale
from autograder.authoring.model import Notebook
from autograder.authoring.project import Project
from autograder.authoring.release import build_release
from autograder.course.engine import NAME as ENGINE
from autograder.course.engine import grade_with_engine, worker_pool
from autograder.course.grades import Grade, Status
from autograder.course.stock import Stock
from autograder.course.submissions import Submission, find_submissions
from autograder.course.table import print_grades, problems
from autograder.errors import CourseError

STOCK = ("nbgrader", "otter")
FRAMEWORKS = (ENGINE, *STOCK)
# Kernels use two threads or so each: more at a time only makes each slower.
_WORKERS = max(1, os.cpu_count() or 1)


@dataclass(frozen=True)
class Disagreement:
    """A question that the frameworks score differently."""

    student: str
    notebook: str
    question: str
    points: dict[str, float]

    def __str__(self) -> str:
        scores = ", ".join(f"{framework} {points:g}" for framework, points in self.points.items())
        return f"{self.student}, {self.notebook}, {self.question}: the frameworks disagree ({scores})"


@dataclass(frozen=True)
class Options:
    """How to grade. ``only`` names notebooks (none: all), ``timeout`` is in seconds for each notebook.

    ``isolation`` is ``strict``, or ``none``: then nbgrader and otter work as they do by themselves, with the student's
    code in one process with the tests, and the engine leaves out the cage.
    """

    frameworks: tuple[str, ...] = (ENGINE,)
    only: tuple[str, ...] = ()
    timeout: float = 900.0
    workers: int = _WORKERS
    isolation: str = "strict"


def grade_folder(project: Project, folder: Path, options: Options) -> bool:
    """Grade a folder of submissions and print tables, problems and disagreements.

    Returns whether everything was graded and the frameworks agree. Raises ``CourseError`` when the folder holds no
    submissions, a notebook named in ``only`` does not exist, or an otter zip is out of date.
    """
    console = Console(soft_wrap=True)
    if options.isolation == "none":
        console.print("NO ISOLATION: students' code runs unprotected, with your rights.", style="bold red")
    grades = collect_grades(project, folder, options, console)
    print_tables(project, grades, console)
    found = disagreements(grades)
    for disagreement in found:
        console.print(str(disagreement), style="red", highlight=False, markup=False)
    return not found and not problems(grades)


def print_tables(project: Project, grades: list[Grade], console: Console) -> None:
    """Print a table for each notebook that was graded, then a line for each that could not be."""
    graded = {grade.notebook for grade in grades}
    for notebook in read_linted(project):
        if notebook.name in graded:
            print_grades(console, notebook, grades)
    for problem in problems(grades):
        console.print(problem, style="red", highlight=False, markup=False)


def collect_grades(project: Project, folder: Path, options: Options, console: Console) -> list[Grade]:
    """Grade a folder of submissions with a progress bar; errors as for ``grade_folder``."""
    notebooks = _chosen(project, options.only)
    submissions = find_submissions(folder, [notebook.name for notebook in notebooks])
    if "otter" in options.frameworks:
        _assert_zips_are_fresh(project, notebooks)
    bar = Progress(*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
    with tempfile.TemporaryDirectory() as work, bar:
        task = bar.add_task("grading", total=len(submissions) * len(options.frameworks))
        course = Path(work) / "course"
        if set(options.frameworks) - {ENGINE}:
            course.mkdir()
            build_release(project, read_linted(project), course)
        stock = Stock(project, course, options.timeout, options.isolation)
        grades = []
        for grade in grade_all(stock, notebooks, submissions, options):
            grades.append(grade)
            bar.advance(task)
    return grades


def grade_all(
    stock: Stock, notebooks: Iterable[Notebook], submissions: Iterable[Submission], options: Options
) -> Iterator[Grade]:
    """Grade every submission with every framework; yields each grade when it is there, in no fixed order.

    The stock frameworks run as processes of their own, so threads are enough to wait for them.
    """
    by_name = {notebook.name: notebook for notebook in notebooks}
    with ThreadPoolExecutor(options.workers) as threads, worker_pool(options.workers) as processes:

        def submit(framework: str, submission: Submission) -> Future[Grade]:
            notebook = by_name[submission.notebook]
            if framework == ENGINE:
                arguments = (notebook, submission, options.timeout, options.isolation)
                return processes.submit(grade_with_engine, *arguments)
            return threads.submit(getattr(stock, framework), notebook, submission)

        jobs = [submit(framework, submission) for submission in submissions for framework in options.frameworks]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            for pool in (threads, processes):
                pool.shutdown(wait=True, cancel_futures=True)


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
            points = {grade.framework: grade.points[question] for grade in sorted(both, key=lambda g: g.framework)}
            if len(set(points.values())) > 1:
                found.append(Disagreement(student, notebook, question, points))
    return found


def _chosen(project: Project, only: tuple[str, ...]) -> tuple[Notebook, ...]:
    """The notebooks to grade, without those that have written answers only."""
    notebooks = read_linted(project)
    names = [notebook.name for notebook in notebooks]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise CourseError(f"there is no notebook {', '.join(unknown)}: the assignment has {', '.join(names)}.")
    chosen = tuple(n for n in notebooks if n.questions and (not only or n.name in only))
    if not chosen:
        raise CourseError(f"nothing to do: tests grade no question of {', '.join(only or names)}, graders do that.")
    return chosen


def _assert_zips_are_fresh(project: Project, notebooks: Iterable[Notebook]) -> None:
    old = {product.target for product in stale(project, read_linted(project))}
    for notebook in notebooks:
        if (path := project.zip_path(notebook.name)) in old:
            raise CourseError(f"{path} is not there or out of date: run `autograder build` first.")
