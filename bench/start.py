"""What it takes to start and to build: commands, builds from nothing and with nothing to do, sizes, memory.

python bench/start.py [--rounds 5] [--write]
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from class_growth import NOTEBOOK, course_copy
from grading import answered, hand_in
from results import HW4, arguments, publish, table

from autograder.grading.engine import grade_notebook
from autograder.grading.notebook_box import NotebookBox


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with course_copy() as assignment:
        cold = [_command("--root", assignment.root, "build", "--no-solved")]
        nothing = [_command("--root", assignment.root, "build", "--no-solved") for _ in range(options.rounds)]
    help_ = [_command("--help") for _ in range(options.rounds)]
    first = [_first_graded() for _ in range(options.rounds)]
    times = {
        "`autograder --help`": help_,
        "`autograder grade` to the first graded submission": first,
        "`autograder build --no-solved`, nothing built": cold,
        "`autograder build --no-solved`, nothing to do": nothing,
    }
    rows = [
        [name, f"{statistics.median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"]
        for name, values in times.items()
    ]
    publish("Starting and building", table(["", "seconds, median", "least to most"], rows), options.write)
    zips = [[path.name, f"{path.stat().st_size >> 10}"] for path in sorted(HW4.dist.glob("*.zip"))]
    publish("Sizes", table(["zip", "KiB"], zips), options.write)
    text = (
        "The largest amount of memory that a student's process has for itself, after any cell of the reference answers."
    )
    publish("Memory of a submission", f"{text}\n\n{table(['notebook', 'MiB'], _memory())}", options.write)


def _command(*arguments: object) -> float:
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "autograder.cli", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def _first_graded() -> float:
    """Seconds from the command to the first recorded grade: reference answers, a course without a gradebook."""
    with course_copy() as assignment:
        hand_in(assignment, 1)
        arguments = ["--root", str(assignment.root), "grade", "--notebook", NOTEBOOK]
        command = [sys.executable, "-m", "autograder.cli", *arguments]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        while not any((assignment.graded / "recorded").glob("*/*.json")):
            if process.poll():
                raise SystemExit("`autograder grade` failed.")
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        process.wait()
        return seconds


def _memory() -> list[list[str]]:
    peak = 0.0
    run_cell = NotebookBox.run_cell

    def measured(box: NotebookBox, *parts):
        nonlocal peak
        answer = run_cell(box, *parts)
        peak = max(peak, _private_memory(box._pid))
        return answer

    NotebookBox.run_cell = measured
    rows = []
    for notebook in HW4.notebooks():
        if not notebook.questions:
            continue
        peak = 0.0
        grade_notebook(HW4, notebook, nbformat.writes(answered(HW4, notebook)).encode())
        rows.append([notebook.name, f"{peak:.0f}"])
    return rows


def _private_memory(pid: int) -> float:
    """MiB of a process that it shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return (sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024


if __name__ == "__main__":
    main()
