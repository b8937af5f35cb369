"""Where the time of a submission goes: in the engine, and in recording what it gives.

Methods are timed while they work, each without those that it calls, so that the parts add up; medians over submissions.

    python bench/parts.py [--rounds 15] [--write]
"""

import functools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import nbformat
from class_growth import NOTEBOOK, course_copy
from click.testing import CliRunner
from grading import answered, hand_in
from results import HW4, arguments, publish, table

from autograder.cli import main as command
from autograder.course import record
from autograder.course.autograded import Pipeline
from autograder.course.gradebook import CourseGradebook
from autograder.course.record import Recorder
from autograder.course.store import ResultStore
from autograder.grading import engine, questions, remote
from autograder.grading.notebook_box import NotebookBox
from autograder.grading.wire import Wire
from autograder.sandbox.box import Box
from autograder.sandbox.channel import Channel

_ENGINE = (
    (Box, "__init__", "start of a box: forks, namespaces, files"),
    (Box, "end", "end of a box: its processes' memory given back"),
    (NotebookBox, "run_cell", "the cells in the box, figures included"),
    (remote.Session, "exchange", "tests, the student's side: forks, and what is called in them"),
    (questions, "run_tests", "tests, the grader's side: reference answers and comparisons"),
    (engine, "grade_notebook", "all else: assembling, staging, outputs"),
)
_WIRE = ((Wire, "encode"), (Wire, "decode"), (Channel, "send"))
_RECORDING = (
    (ResultStore, "save", "keeping the result"),
    (Pipeline, "autograded", "nbgrader's pipeline"),
    (CourseGradebook, "write", "the gradebook"),
    (record, "write_atomically", "writing the notebook"),
    (Recorder, "add", "all else"),
)


class Clock:
    """Seconds spent in methods, those that they call left out, since the last ``take``."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def watch(self, place: Any, name: str, label: str) -> None:
        """Time a method or function from here on."""
        function: Callable = getattr(place, name)

        @functools.wraps(function)
        def timed(*arguments: Any, **keywords: Any) -> Any:
            started = time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*arguments, **keywords)
            finally:
                seconds = time.perf_counter() - started
                self._spent[label] += seconds - self._inner.pop()
                self._inner[-1] += seconds

        setattr(place, name, timed)

    def take(self) -> dict[str, float]:
        spent, self._spent = self._spent, defaultdict(float)
        return spent


def main() -> None:
    """Measure and print both tables."""
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    parts = table(["in the engine", "ms"], _rows(_engine(options.rounds)))
    recording = table(["recording, beside the worker", "ms"], _rows(_recording(options.rounds)))
    text = f"Milliseconds of a submission of {NOTEBOOK}, reference answers, medians of {options.rounds}."
    publish("Where the time goes", f"{text}\n\n{parts}\n{recording}", options.write)


def _engine(rounds: int) -> list[dict[str, float]]:
    clock = Clock()
    (notebook,) = (notebook for notebook in HW4.notebooks() if notebook.name == NOTEBOOK)
    data = nbformat.writes(answered(HW4, notebook)).encode()
    for place, name, label in _ENGINE:
        clock.watch(place, name, label)
    for place, name in _WIRE:
        clock.watch(place, name, "wire and channel")
    spent = []
    for _ in range(rounds + 1):
        engine.grade_notebook(HW4, notebook, data)
        spent.append(clock.take())
    return spent[1:]  # the first starts the zygote


def _recording(rounds: int) -> list[dict[str, float]]:
    clock, spent = Clock(), []
    for place, name, label in _RECORDING:
        clock.watch(place, name, label)
    add = Recorder.add

    def recorded(recorder: Recorder, *arguments: Any) -> None:
        add(recorder, *arguments)
        spent.append(clock.take())

    Recorder.add = recorded  # type: ignore[method-assign]
    with course_copy() as assignment:
        hand_in(assignment, rounds)
        arguments = ["--root", str(assignment.root), "grade", "--notebook", NOTEBOOK, "--workers", "1"]
        done = CliRunner().invoke(command, arguments)
    if done.exit_code or len(spent) != rounds:
        raise SystemExit(done.output)
    return spent


def _rows(spent: list[dict[str, float]]) -> list[list[str]]:
    median = {name: statistics.median(one[name] for one in spent) for name in spent[0]}
    ordered = sorted(median.items(), key=lambda item: -item[1])
    return [[name, f"{1000 * seconds:.1f}"] for name, seconds in ordered]


if __name__ == "__main__":
    main()
