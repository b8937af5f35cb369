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

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook
from autograder.authoring.build import read_linted, stale
from autograder.authoring.release import build_release
from autograder.course.cluster import RemoteScheduler
from autograder.course.compare import disagreements, grade_with_stock
from autograder.course.record import Recorder
from autograder.course.records import Framework, Grade
from autograder.course.scheduling import ClassGrader
from autograder.course.stock import Stock
from autograder.course.store import ResultStore
from autograder.course.submissions import Report, Submission, find_submissions
from autograder.course.table import print_grades, problems
from autograder.errors import CourseError
from autograder.grading.policy import NotebookPolicy
from autograder.grading.results import Status
from autograder.regular_files import printable
from autograder.sandbox.limits import Isolation

STOCK = (Framework.NBGRADER, Framework.OTTER)
# Kernels use two threads or so each: more at a time only makes each slower.
_WORKERS = max(1, os.cpu_count() or 1)


@dataclass(frozen=True)
class Options:
    """How to grade, with ``policy``; ``only`` names notebooks, ``students`` students (none: all).

    Without isolation nbgrader and otter work as they do by themselves, with the student's code in one process with the
    tests, and the engine leaves out the sandbox. ``scheduler`` is None for a cluster of ``workers`` processes here.
    ``regrade``: also what was graded before.
    """

    policy: NotebookPolicy
    frameworks: tuple[Framework, ...] = (Framework.ENGINE,)
    only: tuple[str, ...] = ()
    students: tuple[str, ...] = ()
    workers: int = _WORKERS
    scheduler: RemoteScheduler | None = None
    regrade: bool = False


def grade_class(assignment: Assignment, folder: Path, options: Options, db_url: str = "") -> bool:
    """Grade a folder of submissions with the engine, keep the results, record them in nbgrader's gradebook.

    Prints tables and problems; returns whether everything was graded. ``db_url`` stands in for the gradebook that
    ``nbgrader_config.py`` names. Raises ``CourseError`` as ``ClassRun.grades`` does, and when recording fails.
    """
    console = _console(options)
    with _interruptible() as check, Recorder(assignment, db_url) as recorder:
        run = ClassRun(assignment, folder, options, console, recorder, check)
        grades = run.grades()
        recorder.finish()
    print_tables(run.assigned, grades, console)
    console.print(recorder.summary, highlight=False, markup=False)
    return _all_graded(grades)


def compare_frameworks(assignment: Assignment, folder: Path, options: Options) -> bool:
    """Grade a folder of submissions with several frameworks; print tables, problems and disagreements.

    Nothing is kept or recorded. Returns whether everything was graded and the frameworks agree. Raises as
    ``ClassRun.grades`` does.
    """
    console = _console(options)
    run = ClassRun(assignment, folder, options, console)
    grades = run.grades()
    print_tables(run.assigned, grades, console)
    found = disagreements(grades)
    for disagreement in found:
        console.print(str(disagreement), style="red", highlight=False, markup=False)
    return not found and _all_graded(grades)


def _all_graded(grades: list[Grade]) -> bool:
    """Whether all that was handed in was graded to its end."""
    return all(grade.status in (Status.GRADED, Status.ABSENT) for grade in grades)


def print_tables(notebooks: tuple[Notebook, ...], grades: list[Grade], console: Console) -> None:
    """Print a table for each notebook that was graded, then a line for each that could not be."""
    graded = {grade.notebook for grade in grades}
    for notebook in notebooks:
        if notebook.name in graded and notebook.questions:
            print_grades(console, notebook, grades)
    for problem in problems(grades):
        console.print(problem, style="red", highlight=False, markup=False)


class ClassRun:
    """One run over a folder of submissions.

    With a ``recorder`` results are kept and recorded as they come, also of notebooks that graders grade. ``check`` is
    called after each, and may raise to end it all. ``assigned`` are all of the assignment's notebooks.
    """

    def __init__(
        self,
        assignment: Assignment,
        folder: Path,
        options: Options,
        console: Console,
        recorder: Recorder | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Raises ``NotebookError`` when the sources have problems."""
        self._assignment, self._folder, self._options, self._console = assignment, folder, options, console
        self._recorder, self._check, self._report = recorder, check, _red_lines(console)
        self.assigned = read_linted(assignment)

    def grades(self) -> list[Grade]:
        """Grade, with a progress bar.

        Raises ``CourseError`` when the folder holds no submissions, a notebook or student that is named does not exist,
        an otter zip is out of date, the cluster fails or results cannot be written.
        """
        options = self._options
        notebooks = _chosen(self.assigned, options.only, needs_tests=self._recorder is None)
        names = [notebook.name for notebook in notebooks]
        submissions = find_submissions(self._assignment, self._folder, names, options.students, self._report)
        if Framework.OTTER in options.frameworks:
            self._assert_zips_are_fresh(notebooks)
        columns = (*Progress.get_default_columns(), MofNCompleteColumn(), _Rate(), TimeElapsedColumn())
        with tempfile.TemporaryDirectory() as work, Progress(*columns, console=self._console) as bar:
            task = bar.add_task("grading", total=len(submissions) * len(options.frameworks))
            grades = []
            for grade in self._graded(notebooks, submissions, Path(work)):
                grades.append(grade)
                bar.advance(task)
                self._check()
        return grades

    def _graded(self, notebooks: tuple[Notebook, ...], submissions: list[Submission], work: Path) -> Iterator[Grade]:
        """Grade with one framework after the other; ``work`` is an empty folder for what need not be kept."""
        if Framework.ENGINE in self._options.frameworks:
            yield from self._by_engine(notebooks, submissions, work)
        if frameworks := [one for one in self._options.frameworks if one is not Framework.ENGINE]:
            course = work / "course"
            course.mkdir()
            build_release(self._assignment, self.assigned, course)
            stock = Stock(self._assignment, course, self._options.policy)
            yield from grade_with_stock(stock, frameworks, notebooks, submissions, self._options.workers)

    def _by_engine(self, notebooks: tuple[Notebook, ...], submissions: list[Submission], work: Path) -> Iterator[Grade]:
        options, recorder = self._options, self._recorder
        store = recorder.store if recorder else ResultStore(work / "results")
        grader = ClassGrader(
            self._assignment,
            store,
            options.policy,
            options.workers,
            options.scheduler,
            options.regrade,
            self._report,
        )
        by_name = {notebook.name: notebook for notebook in notebooks}
        with grader.grading(submissions) as results:
            if recorder:
                recorder.open(self.assigned)  # which takes seconds too
            for graded in results:
                if recorder:
                    recorder.add(graded)
                notebook = by_name[graded.submission.notebook]
                yield graded.record.grade(graded.submission.student, notebook, Framework.ENGINE)

    def _assert_zips_are_fresh(self, notebooks: Iterable[Notebook]) -> None:
        old = {product.target for product in stale(self._assignment, self.assigned)}
        for notebook in notebooks:
            if (path := self._assignment.zip_path(notebook.name)) in old:
                raise CourseError(f"{path} is not there or out of date: run `autograder build` first.")


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
    if options.policy.isolation is Isolation.NONE:
        console.print("NO ISOLATION: students' code runs unprotected, with your rights.", style="bold red")
    return console


def _chosen(all_notebooks: tuple[Notebook, ...], only: tuple[str, ...], needs_tests: bool) -> tuple[Notebook, ...]:
    """The notebooks to grade; where tests are needed without those that have written answers only."""
    names = [notebook.name for notebook in all_notebooks]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise CourseError(f"there is no notebook {', '.join(unknown)}: the assignment has {', '.join(names)}.")
    chosen = tuple(n for n in all_notebooks if (n.questions or not needs_tests) and (not only or n.name in only))
    if not chosen:
        raise CourseError(f"nothing to do: tests grade no question of {', '.join(only or names)}, graders do that.")
    return chosen


class _Rate(ProgressColumn):
    """How many notebooks a minute are graded."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed * 60:.0f}/min" if task.speed else "", style="progress.data.speed")
