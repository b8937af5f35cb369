"""How grading a class grows: time per submission at a small and a large size, one worker against two, peak memory.

Each run grades a fresh class of ``make_class`` (HandDesignFilters, half of it reference answers), records it, and is
measured from outside: the time is that of the whole command less what it takes to start and end, which a run on one
submission gives; memory is that of all its processes together, pages that they share counted once (PSS), every second.

    python bench/class_growth.py [--sizes 100 1000] [--workers 1 2]
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from make_class import ROOT, make_class

from autograder.authoring.project import Project

NOTEBOOK = "HandDesignFilters"


@dataclass(frozen=True)
class Run:
    """One class graded: seconds in all, and MiB of all processes, every second."""

    seconds: float
    memory: list[float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print("workers  students  seconds  per minute  s/submission  peak MiB  last tenth / first tenth")
    most: dict[int, float] = {}
    each: dict[tuple[int, int], float] = {}
    for workers in options.workers:
        start = grade_class(1, workers).seconds
        for size in options.sizes:
            run = grade_class(size, workers)
            seconds = run.seconds - start
            each[workers, size] = seconds / (size - 1)
            most[workers] = max(run.memory)
            tenth = max(1, len(run.memory) // 10)
            middle = run.memory[tenth:-tenth] or run.memory
            growth = statistics.median(middle[-tenth:]) / statistics.median(middle[:tenth])
            row = f"{workers:7}  {size:8}  {run.seconds:7.0f}  {60 * size / run.seconds:10.1f}"
            print(f"{row}  {each[workers, size]:12.3f}  {max(run.memory):8.0f}  {growth:.2f}", flush=True)
    small, large = min(options.sizes), max(options.sizes)
    for workers in options.workers:
        change = each[workers, large] / each[workers, small] - 1
        print(f"{workers} workers: a submission takes {change:+.1%} at {large} compared with {small}")
    if {1, 2} <= set(options.workers):
        print(f"two workers are {each[1, large] / each[2, large]:.2f} times as fast as one at {large}")


def grade_class(size: int, workers: int) -> Run:
    """Grade a new class of ``size`` in a copy of this course."""
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        for name in ("source", "release", "solutions"):
            shutil.copytree(ROOT / name, course / name)
        for name in ("nbgrader_config.py", "environment.yml"):
            shutil.copy(ROOT / name, course)
        make_class(Project(course), NOTEBOOK, size, course / "submitted")
        arguments = ["--root", str(course), "grade", "--notebook", NOTEBOOK, "--workers", str(workers)]
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "autograder.cli", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        memory = []
        while True:
            try:
                code = process.wait(1)
                break
            except subprocess.TimeoutExpired:
                memory.append(tree_memory(process.pid))
        seconds = time.perf_counter() - started
        graded = len(list((course / "graded" / "recorded").glob("*/*.json")))
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
