"""Grades a folder of submissions with the engine, nbgrader or otter, several notebooks at a time."""

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, ProgressColumn, Task, TimeElapsedColumn
from rich.text import Text

from autograder.authoring.build import read_linted, stale
from autograder.authoring.model import Notebook
from autograder.authoring.project import Project
from autograder.authoring.release import build_release
from autograder.course.cluster import RemoteScheduler
from autograder.course.compare import disagreements, grade_with_stock
from autograder.course.engine import NAME as ENGINE
from autograder.course.engine import Engine
from autograder.course.grades import Grade, Status
from autograder.course.record import Recorder
from autograder.course.results import ResultStore
from autograder.course.stock import Stock
from autograder.course.submissions import Report, Submission, find_submissions
from autograder.course.table import print_grades, problems
from autograder.errors import CourseError
from autograder.regular_files import printable

STOCK = ("nbgrader", "otter")
FRAMEWORKS = (ENGINE, *STOCK)
# Kernels use two threads or so each: more at a time only makes each slower.
_WORKERS = max(1, os.cpu_count() or 1)


@dataclass(frozen=True)
class Options:
    """How to grade. ``only`` names notebooks, ``students`` students (none: all), ``timeout`` is in seconds for each.

    ``isolation`` is ``strict``, or ``none``: then nbgrader and otter work as they do by themselves, with the student's
    code in one process with the tests, and the engine leaves out the sandbox. ``scheduler`` is None for a cluster of
    ``workers`` processes here. ``regrade``: also what was graded before.
    """

    frameworks: tuple[str, ...] = (ENGINE,)
    only: tuple[str, ...] = ()
    timeout: float = 900.0
    workers: int = _WORKERS
    isolation: str = "strict"
    students: tuple[str, ...] = ()
    scheduler: RemoteScheduler | None = None
    regrade: bool = False


def grade_class(project: Project, folder: Path, options: Options, db_url: str = "") -> bool:
    """Grade a folder of submissions with the engine, keep the results, record them in nbgrader's gradebook.

    Prints tables and problems; returns whether everything was graded. ``db_url`` stands in for the gradebook that
    ``nbgrader_config.py`` names. Raises ``CourseError`` as ``collect_grades`` does, and when recording fails.
    """
    console, assignment = _console(options), read_linted(project)
    with _interruptible() as check, Recorder(project, db_url) as recorder:
        grades = collect_grades(project, assignment, folder, options, console, recorder, check)
        recorder.finish()
    print_tables(assignment, grades, console)
    console.print(recorder.summary, highlight=False, markup=False)
    return _all_graded(grades)


def compare_frameworks(project: Project, folder: Path, options: Options) -> bool:
    """Grade a folder of submissions with several frameworks; print tables, problems and disagreements.

    Nothing is kept or recorded. Returns whether everything was graded and the frameworks agree. Raises as
    ``collect_grades`` does.
    """
    console, assignment = _console(options), read_linted(project)
    grades = collect_grades(project, assignment, folder, options, console)
    print_tables(assignment, grades, console)
    found = disagreements(grades)
    for disagreement in found:
        console.print(str(disagreement), style="red", highlight=False, markup=False)
    return not found and _all_graded(grades)


def _all_graded(grades: list[Grade]) -> bool:
    """Whether all that was handed in was graded to its end."""
    return all(grade.status in (Status.GRADED, Status.ABSENT) for grade in grades)


def print_tables(assignment: tuple[Notebook, ...], grades: list[Grade], console: Console) -> None:
    """Print a table for each notebook that was graded, then a line for each that could not be."""
    graded = {grade.notebook for grade in grades}
    for notebook in assignment:
        if notebook.name in graded and notebook.questions:
            print_grades(console, notebook, grades)
    for problem in problems(grades):
        console.print(problem, style="red", highlight=False, markup=False)


def collect_grades(
    project: Project,
    assignment: tuple[Notebook, ...],
    folder: Path,
    options: Options,
    console: Console,
    recorder: Recorder | None = None,
    check: Callable[[], None] = lambda: None,
) -> list[Grade]:
    """Grade a folder of submissions with a progress bar; ``assignment`` are all the notebooks of the project.

    With a ``recorder`` results are kept and recorded as they come, also of notebooks that graders grade. ``check`` is
    called after each, and may raise to end it all. Raises
    ``CourseError`` when the folder holds no submissions, a notebook or student that is named does not exist, an otter
    zip is out of date, the cluster fails or results cannot be written.
    """
    notebooks = _chosen(assignment, options.only, needs_tests=recorder is None)
    report = _red_lines(console)
    submissions = find_submissions(folder, [notebook.name for notebook in notebooks], options.students, report)
    if "otter" in options.frameworks:
        _assert_zips_are_fresh(project, assignment, notebooks)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as work, Progress(*columns, console=console) as bar:
        task = bar.add_task("grading", total=len(submissions) * len(options.frameworks))
        grades = []
        for grade in _grade_all(project, assignment, notebooks, submissions, options, recorder, report, Path(work)):
            grades.append(grade)
            bar.advance(task)
            check()
    return grades


def _grade_all(
    project: Project,
    assignment: tuple[Notebook, ...],
    notebooks: tuple[Notebook, ...],
    submissions: list[Submission],
    options: Options,
    recorder: Recorder | None,
    report: Report,
    work: Path,
) -> Iterator[Grade]:
    """Grade with one framework after the other; ``work`` is an empty folder for what need not be kept."""
    if ENGINE in options.frameworks:
        store = recorder.store if recorder else ResultStore(work / "results")
        engine = Engine(
            project,
            store,
            options.timeout,
            options.isolation,
            options.workers,
            options.scheduler,
            options.regrade,
            report,
        )
        by_name = {notebook.name: notebook for notebook in notebooks}
        with engine.grading(submissions) as results:
            if recorder:
                recorder.open(assignment)  # which takes seconds too
            for graded in results:
                if recorder:
                    recorder.add(graded)
                yield graded.record.grade(graded.submission.student, by_name[graded.submission.notebook], ENGINE)
    if frameworks := [framework for framework in options.frameworks if framework != ENGINE]:
        course = work / "course"
        course.mkdir()
        build_release(project, assignment, course)
        stock = Stock(project, course, options.timeout, options.isolation)
        yield from grade_with_stock(stock, frameworks, notebooks, submissions, options.workers)


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """Make one line of Ctrl-C, and give a function that raises it again where a library has swallowed it."""
    pressed = False

    def press(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield check
    except KeyboardInterrupt:
        raise CourseError("interrupted. What was graded is kept: run the same command again to go on.") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _red_lines(console: Console) -> Report:
    """Print each line in red, once: notebooks of one student share a folder, and what is odd in it."""
    told: set[str] = set()

    def report(text: str) -> None:
        if text not in told:
            told.add(text)
            console.print(printable(text), style="red", highlight=False, markup=False)

    return report


def _console(options: Options) -> Console:
    console = Console(soft_wrap=True)
    if options.isolation == "none":
        console.print("NO ISOLATION: students' code runs unprotected, with your rights.", style="bold red")
    return console


def _chosen(assignment: tuple[Notebook, ...], only: tuple[str, ...], needs_tests: bool) -> tuple[Notebook, ...]:
    """The notebooks to grade; where tests are needed without those that have written answers only."""
    names = [notebook.name for notebook in assignment]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise CourseError(f"there is no notebook {', '.join(unknown)}: the assignment has {', '.join(names)}.")
    chosen = tuple(n for n in assignment if (n.questions or not needs_tests) and (not only or n.name in only))
    if not chosen:
        raise CourseError(f"nothing to do: tests grade no question of {', '.join(only or names)}, graders do that.")
    return chosen


def _assert_zips_are_fresh(project: Project, assignment: tuple[Notebook, ...], notebooks: Iterable[Notebook]) -> None:
    old = {product.target for product in stale(project, assignment)}
    for notebook in notebooks:
        if (path := project.zip_path(notebook.name)) in old:
            raise CourseError(f"{path} is not there or out of date: run `autograder build` first.")


class _Rate(ProgressColumn):
    """How many notebooks a minute are graded."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed * 60:.0f}/min" if task.speed else "", style="progress.data.speed")
