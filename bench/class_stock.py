"""A class through the frameworks' own commands and through `autograder grade`, in one run, start and end included.

Every student hands in the reference answers to HandDesignFilters. otter-grader grades a class in a container for each
submission; without one it is a command for each, of which a few are enough to know.

    python bench/class_stock.py [--students 60] [--rounds 1] [--write]
"""

import shutil
import statistics
import sys
import time
from pathlib import Path

from class_growth import NOTEBOOK, course_copy, grade
from grading import hand_in
from results import HW4, arguments, publish, table

from autograder.assignment.assignment import Assignment
from autograder.authoring.release import build_release
from autograder.course.stock import Stock
from autograder.course.submissions import find_submissions
from autograder.grading.policy import NotebookLimits
from autograder.process import run_module
from autograder.sandbox.limits import Isolation, Policy

_SECONDS = 3600.0
_OTTER = 6


def main() -> None:
    """Measure and print a table."""
    parser = arguments(__doc__)
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    runs = {
        "stock `nbgrader autograde`": lambda assignment: _nbgrader(assignment, Isolation.NONE),
        "`nbgrader autograde` with the engine": lambda assignment: _nbgrader(assignment, Isolation.STRICT),
        f"stock `otter run`, {_OTTER} of them": _otter,
        "`autograder grade`, one worker": lambda assignment: grade(assignment, 1).seconds / options.students,
        "`autograder grade`, two workers": lambda assignment: grade(assignment, 2).seconds / options.students,
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            with course_copy() as assignment:
                hand_in(assignment, options.students)
                times[name].append(run(assignment))
                print(name, times[name], file=sys.stderr, flush=True)
    each = {name: statistics.median(seconds) for name, seconds in times.items()}
    nbgrader, *_ = each.values()
    rows = [
        [name, f"{seconds:.2f}", f"{60 / seconds:.0f}", f"{nbgrader / seconds:.1f}"] for name, seconds in each.items()
    ]
    text = f"{options.students} submissions of {NOTEBOOK}, reference answers, whole commands from start to end."
    header = ["", "s each", "per minute", "times nbgrader's throughput"]
    publish("A class through the frameworks", f"{text}\n\n{table(header, rows)}", options.write)


def _released(assignment: Assignment) -> Path:
    """An nbgrader course with the release, below the assignment."""
    course = assignment.root / "nbgrader"
    course.mkdir()
    build_release(assignment, assignment.notebooks(), course)
    return course


def _nbgrader(assignment: Assignment, isolation: Isolation) -> float:
    """Seconds that `nbgrader autograde` takes for each submission of a class."""
    course = _released(assignment)
    shutil.copytree(assignment.submitted, course / "submitted")
    command = ["autograde", assignment.name, "--notebook", NOTEBOOK, f"--GradeInSandbox.isolation={isolation.value}"]
    started = time.perf_counter()
    done = run_module("nbgrader", command, course, _SECONDS, import_from=assignment.root)
    seconds = time.perf_counter() - started
    students, graded = (
        len(list(folder.glob("*/*/*.ipynb"))) for folder in (assignment.submitted, course / "autograded")
    )
    if done.code != 0 or graded != students:
        raise SystemExit(f"nbgrader autograded {graded} of {students}: {done.reason}")
    return seconds / students


def _otter(assignment: Assignment) -> float:
    """Seconds of one `otter run`, median of a few."""
    (notebook,) = (notebook for notebook in assignment.notebooks() if notebook.name == NOTEBOOK)
    course = _released(assignment)
    stock = Stock(HW4, course, Policy(NotebookLimits(total_seconds=_SECONDS), Isolation.NONE))
    times = []
    for submission in find_submissions(assignment, assignment.submitted, [NOTEBOOK])[:_OTTER]:
        started = time.perf_counter()
        found = stock.otter(notebook, submission)
        times.append(time.perf_counter() - started)
        if found.total != sum(question.points for question in notebook.questions):
            raise SystemExit(f"otter run: not a full score: {found}")
    return statistics.median(times)


if __name__ == "__main__":
    main()
