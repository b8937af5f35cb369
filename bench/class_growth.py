"""How grading a class grows: time per submission at a small and a large size, one worker against two, peak memory.

Each run grades a fresh class of ``make_class`` (HandDesignFilters, half of it reference answers), records it, and is
measured from outside: the time is that of the whole command less what it takes to start and end, which a run on one
submission gives; memory is that of all its processes together, pages that they share counted once (PSS), at times.

    python bench/class_growth.py [--runs 1:10 1:100 1:1000 2:10 2:100 2:1000] [--title "A class"] [--write]

Machines are noisy: a run that is named several times counts with its median. Two workers against one:

    python bench/class_growth.py --runs 2:120 1:120 2:120 --title "Two workers"
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from make_class import make_class
from results import HW4, ROOT, arguments, publish, table

from autograder.assignment.assignment import Assignment

NOTEBOOK = "HandDesignFilters"
_PERIOD = 5.0
_RUNS = ("1:10", "1:100", "1:1000", "2:10", "2:100", "2:1000")


@dataclass(frozen=True)
class Run:
    """One class graded: seconds in all, and MiB of all processes, every few seconds."""

    seconds: float
    memory: list[float]


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--runs", nargs="+", default=_RUNS, metavar="WORKERS:SUBMISSIONS")
    parser.add_argument("--title", default="A class", help="of the section in docs/benchmarks.md")
    options = parser.parse_args()
    rows = []
    start: dict[int, float] = {}
    times: dict[tuple[int, int], list[float]] = {}
    for workers, size in (map(int, run.split(":")) for run in options.runs):
        start[workers] = start.get(workers) or grade_class(1, workers).seconds
        run = grade_class(size, workers)
        each = (run.seconds - start[workers]) / (size - 1)
        times.setdefault((workers, size), []).append(each)
        row = [f"{workers}", f"{size}", f"{run.seconds:.0f}", f"{60 * size / run.seconds:.1f}"]
        rows.append([*row, f"{each:.3f}", f"{max(run.memory):.0f}", f"{_growth(run.memory):.2f}"])
        print(rows[-1], file=sys.stderr, flush=True)
    header = ["workers", "submissions", "seconds", "per minute", "s each", "peak MiB", "memory, last tenth / first"]
    text = f"`autograder grade` from start to end, recording included, a class of {NOTEBOOK}; the seconds of each are\n"
    text += "without start and end of the command.\n\n"
    publish(options.title, f"{text}{table(header, rows)}\n{_verdict(times)}", options.write)


def _growth(memory: list[float]) -> float:
    """Memory near the end as a multiple of memory near the beginning."""
    tenth = max(1, len(memory) // 10)
    middle = memory[tenth:-tenth] or memory
    return statistics.median(middle[-tenth:]) / statistics.median(middle[:tenth])


def _verdict(times: dict[tuple[int, int], list[float]]) -> str:
    each = {run: statistics.median(seconds) for run, seconds in times.items()}
    lines = [
        f"With {workers} workers a submission takes {each[workers, large] / each[workers, small] - 1:+.1%} in a class "
        f"of {large} compared with one of {small}."
        for workers, small in each
        for large in sorted(size for others, size in each if others == workers and size > small)
    ]
    both = {size for workers, size in each if workers == 1} & {size for workers, size in each if workers == 2}
    lines += [f"Two workers are {each[1, size] / each[2, size]:.2f} times as fast as one at {size}." for size in both]
    return "\n".join(lines)


def grade_class(size: int, workers: int) -> Run:
    """Grade a new class of ``size``, right and wrong answers, in a copy of this course."""
    with course_copy() as assignment:
        make_class(assignment, NOTEBOOK, size, assignment.submitted)
        return grade(assignment, workers)


@contextmanager
def course_copy() -> Iterator[Assignment]:
    """A copy of this course, nothing built but the release."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("source", "release", "solutions", "kit"):
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("nbgrader_config.py", "environment.yml"):
            shutil.copy(ROOT / name, folder)
        yield Assignment(Path(folder), HW4.name)


def grade(assignment: Assignment, workers: int) -> Run:
    """`autograder grade` on what is handed in. Exits when it does not record everything."""
    arguments = ["--root", str(assignment.root), "grade", "--notebook", NOTEBOOK, "--workers", str(workers)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.cli", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    memory = []
    while True:
        try:
            code = process.wait(_PERIOD)
            break
        except subprocess.TimeoutExpired:
            memory.append(tree_memory(process.pid))
    seconds = time.perf_counter() - started
    recorded = assignment.graded / "recorded"
    graded, size = (len(list(folder.glob("*/*"))) for folder in (recorded, assignment.submitted))
    if code not in (0, 1) or graded != size:
        raise SystemExit(f"only {graded} of {size} were recorded (exit code {code})")
    return Run(seconds, memory)


def tree_memory(pid: int) -> float:
    """MiB of a process and all below it; what they share counts once."""
    total = 0
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / (1 << 20)


if __name__ == "__main__":
    main()
