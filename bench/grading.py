"""What grading one submission costs: engine, stock nbgrader, stock otter, side by side in one run.

The *limit* is the time that the submission's own cells take, figures included, when they are plainly run in a process
that has everything imported. What a grader takes beyond that is its overhead. Rounds alternate between the graders, and
the figures are medians and their ratios: machines are noisy.

    python bench/grading.py [--notebook HandDesignFilters] [--rounds 5]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from sampleclass import reference_answers  # noqa: E402

from autograder.authoring.model import Kind, Notebook, kind_of, nbgrader_metadata, read_assignment  # noqa: E402
from autograder.authoring.project import Project  # noqa: E402
from autograder.authoring.release import build_release  # noqa: E402
from autograder.course.stock import Stock  # noqa: E402
from autograder.course.submissions import Submission  # noqa: E402
from autograder.grading.box import Box, zygote  # noqa: E402
from autograder.grading.engine import grade_notebook  # noqa: E402
from autograder.grading.results import Limits  # noqa: E402

_SECONDS = 600.0


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebook", default="HandDesignFilters")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-stock", action="store_true", help="only the engine and the limit")
    options = parser.parse_args()
    project = Project(ROOT)
    notebooks = read_assignment(project.source)
    notebook = next(notebook for notebook in notebooks if notebook.name == options.notebook)
    node = _answered(project, notebook)
    with tempfile.TemporaryDirectory() as work:
        submission = Submission("student", notebook.name, Path(work) / notebook.path.name)
        nbformat.write(node, submission.path)
        course = Path(work) / "course"
        course.mkdir()
        runs: dict[str, Callable[[], float]] = {
            "limit": lambda: _plain(notebook, node),
            "engine": lambda: _timed(lambda: grade_notebook(notebook, node)),
        }
        if not options.no_stock:
            build_release(project, notebooks, course)
            stock = Stock(project, course, _SECONDS)
            runs["nbgrader"] = lambda: _timed(lambda: stock.nbgrader(notebook, submission))
            runs["otter"] = lambda: _timed(lambda: stock.otter(notebook, submission))
        for name in ("limit", "engine"):  # the zygote's start is no submission's cost
            runs[name]()
        times = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                times[name].append(run())
    _print(notebook.name, times)


def _answered(project: Project, notebook: Notebook):
    """The release with the reference answers."""
    node = nbformat.read(project.release / notebook.path.name, as_version=4)
    answers = reference_answers(notebook)
    for cell in node.cells:
        cell.source = answers.get(nbgrader_metadata(cell).get("grade_id"), cell.source)
    return node


def _plain(notebook: Notebook, node: NotebookNode) -> float:
    """Seconds that the cells take in a warm process without a cage, tests left out."""
    limits = Limits()
    with tempfile.TemporaryDirectory() as files:
        (Path(files) / "hw4kit").symlink_to(notebook.path.parent / "hw4kit")
        with Box(zygote(), Path(files), limits, (), "none") as box:
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


def _print(name: str, times: dict[str, list[float]]) -> None:
    median = {key: statistics.median(values) for key, values in times.items()}
    overhead = {
        key: statistics.median(value - limit for value, limit in zip(values, times["limit"], strict=True))
        for key, values in times.items()
    }
    print(f"{name}, reference answers, {len(times['limit'])} rounds, one at a time; seconds (median, least to most)")
    for key, values in times.items():
        spread = f"{median[key]:7.2f}  {min(values):6.2f} to {max(values):6.2f}   overhead {overhead[key]:7.3f}"
        ratio = "" if key in ("limit", "engine") else f"   {overhead[key] / overhead['engine']:5.0f} times the engine's"
        whole = "" if key in ("limit", "engine") else f", whole {median[key] / median['engine']:.1f} times"
        print(f"{key:10}{spread}{ratio}{whole}")


if __name__ == "__main__":
    main()
