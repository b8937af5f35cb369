"""`make compare`: the sample class through the engine, and through stock nbgrader and stock otter."""

import shutil
import sys

from harness import ROOT
from rich.console import Console
from sampleclass import STOCK_TIMEOUT, TIMEOUT, write_class

from autograder.authoring.build import read_linted
from autograder.assignment.assignment import Assignment
from autograder.course.compare import disagreements
from autograder.course.grade import ENGINE, STOCK, Options, collect_grades, print_tables
from autograder.course.records import Status

# The stock frameworks take 10 s for a notebook.
NOTEBOOKS = ("HandDesignFilters", "cnn_gradients")


def main() -> int:
    """Grade two notebooks with all three; the exit code says whether they agree wherever each came to an end."""
    assignment, console = Assignment(ROOT), Console(soft_wrap=True, highlight=False)
    assignment = read_linted(assignment)
    folder = ROOT / "build" / "sample_class"
    shutil.rmtree(folder, ignore_errors=True)
    write_class(assignment, folder)
    console.print(
        f"This grades {' and '.join(NOTEBOOKS)} of a made-up class\n"
        "with the engine, then with stock nbgrader and stock otter,\n"
        "which run students' code unprotected.\n"
        "It takes about ten minutes on two cores.\n"
    )
    grades = collect_grades(assignment, assignment, folder, Options((ENGINE,), NOTEBOOKS, TIMEOUT), console)
    stock = Options(STOCK, NOTEBOOKS, STOCK_TIMEOUT, isolation="none")
    grades += collect_grades(assignment, assignment, folder, stock, console)
    print_tables(assignment, grades, console)
    late = sum(grade.status is Status.TIMEOUT for grade in grades)
    found = disagreements(grades)
    console.print("\n".join(map(str, found)) or "Wherever all three came to an end, they give the same points.")
    if late:
        console.print(f"{late} notebooks ran out of time. Their rows show no points; that is a result, too.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
