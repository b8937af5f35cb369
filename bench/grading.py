"""What grading one submission costs: engine, stock nbgrader, stock otter, side by side in one run.

The *limit* is the time that the submission's own cells take, figures included, when they are plainly run in a process
that has everything imported. What a grader takes beyond that is its overhead. Rounds alternate between the graders, and
the figures are medians and their ratios: machines are noisy.

    python bench/grading.py [--notebook HandDesignFilters] [--rounds 5] [--no-stock] [--write]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from results import HELPERS, HW4, arguments, publish, table

sys.path[:0] = HELPERS

from sampleclass import reference_answers  # noqa: E402

from autograder.assignment.assignment import Assignment  # noqa: E402
from autograder.assignment.notebook import Kind, Notebook, kind_of, nbgrader_metadata  # noqa: E402
from autograder.authoring.release import build_release  # noqa: E402
from autograder.course.stock import Stock  # noqa: E402
from autograder.course.submissions import Submission  # noqa: E402
from autograder.grading.engine import grade_notebook  # noqa: E402
from autograder.grading.notebook_box import NotebookBox, zygote  # noqa: E402
from autograder.grading.policy import NotebookLimits  # noqa: E402
from autograder.sandbox.limits import Isolation, Policy  # noqa: E402

_SECONDS = 600.0


def main() -> None:
    """Measure and print a table."""
    parser = arguments(__doc__)
    parser.add_argument("--notebook", default="HandDesignFilters")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-stock", action="store_true", help="only the engine and the limit")
    options = parser.parse_args()
    notebook = next(notebook for notebook in HW4.notebooks() if notebook.name == options.notebook)
    node = answered(HW4, notebook)
    with tempfile.TemporaryDirectory() as work:
        submission = Submission("student", notebook.name, Path(work) / notebook.path.name)
        nbformat.write(node, submission.path)
        runs: dict[str, Callable[[], float]] = {
            "the cells alone": lambda: _plain(node),
            "engine": lambda: _timed(lambda: grade_notebook(HW4, notebook, submission.read_bytes())),
        }
        if not options.no_stock:
            runs |= _frameworks(notebook, submission, Path(work))
        for name in ("the cells alone", "engine"):  # the zygote's start is no submission's cost
            runs[name]()
        times = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                times[name].append(run())
    publish(f"A submission of {notebook.name}", _table(times), options.write)


def answered(assignment: Assignment, notebook: Notebook) -> NotebookNode:
    """The release with the reference answers."""
    node = nbformat.read(assignment.release / notebook.path.name, as_version=4)
    answers = reference_answers(notebook)
    for cell in node.cells:
        cell.source = answers.get(nbgrader_metadata(cell).get("grade_id"), cell.source)
    return node


def hand_in(assignment: Assignment, students: int, name: str = "HandDesignFilters") -> None:
    """Reference answers of that many students, no two files the same, into an assignment's ``submitted/``."""
    (notebook,) = (notebook for notebook in assignment.notebooks() if notebook.name == name)
    node = answered(assignment, notebook)
    (first, *_) = (cell for cell in node.cells if kind_of(cell) is Kind.SOLUTION)
    answer = first.source
    for number in range(students):
        first.source = f"# s{number:04}\n{answer}"
        path = assignment.submitted / f"s{number:04}" / assignment.name / notebook.path.name
        path.parent.mkdir(parents=True)
        nbformat.write(node, path)


def _frameworks(notebook: Notebook, submission: Submission, work: Path) -> dict[str, Callable[[], float]]:
    """The frameworks' own commands, as they come and with the engine as their grader."""
    course = work / "course"
    course.mkdir()
    build_release(HW4, HW4.notebooks(), course)

    def run(command: str, isolation: Isolation) -> Callable[[], float]:
        stock = Stock(HW4, course, Policy(NotebookLimits(total_seconds=_SECONDS), isolation))

        def timed() -> float:
            started = time.perf_counter()
            grade = getattr(stock, command)(notebook, submission)
            seconds = time.perf_counter() - started
            full = sum(question.points for question in notebook.questions)
            if grade.total != full:
                raise SystemExit(f"{command}, isolation {isolation.value}: not a full score: {grade}")
            return seconds

        return timed

    return {
        "stock nbgrader autograde": run("nbgrader", Isolation.NONE),
        "stock otter run": run("otter", Isolation.NONE),
        "nbgrader autograde with the engine": run("nbgrader", Isolation.STRICT),
        "otter run with the engine": run("otter", Isolation.STRICT),
    }


def _plain(node: NotebookNode) -> float:
    """Seconds that the cells take in a warm process without a cage, tests left out."""
    with tempfile.TemporaryDirectory() as files:
        for package in HW4.packages:
            (Path(files) / package.name).symlink_to(package)
        with NotebookBox(zygote(), Path(files), Policy(NotebookLimits(), Isolation.NONE)) as box:
            box.run_cell("pass", time.monotonic() + _SECONDS)
            started = time.perf_counter()
            for cell in node.cells:
                if cell.cell_type == "code" and kind_of(cell) is not Kind.TEST and "submission" not in cell.source:
                    box.run_cell(cell.source, time.monotonic() + _SECONDS)
            return time.perf_counter() - started


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _table(times: dict[str, list[float]]) -> str:
    limit = times["the cells alone"]
    median = {key: statistics.median(values) for key, values in times.items()}
    overhead = {
        key: statistics.median(value - least for value, least in zip(values, limit, strict=True))
        for key, values in times.items()
    }
    rows = []
    for key, values in times.items():
        row = [key, f"{median[key]:.2f}", f"{min(values):.2f} to {max(values):.2f}"]
        row.append("" if values is limit else f"{overhead[key]:.3f}")
        row.append(f"{median[key] / median['engine']:.1f}")
        rows.append([*row, "" if values is limit else f"{overhead[key] / overhead['engine']:.0f}"])
    header = ["", "seconds, median", "least to most", "overhead", "whole / engine", "overhead / engine"]
    text = (
        f"Reference answers, one submission at a time, {len(limit)} rounds, alternating. The overhead is what a\n"
        "grader takes beyond the cells alone, which run in a warm process without tests and walls."
    )
    return f"{text}\n\n{table(header, rows)}"


if __name__ == "__main__":
    main()
