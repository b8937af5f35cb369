"""`make compare`: the sample class through the engine, and through stock nbgrader and stock otter."""

import shutil
import sys

from harness import HW4
from places import ROOT
from rich.console import Console
from sampleclass import STOCK_TIMEOUT, TIMEOUT, write_class

from autograder.course.compare import disagreements
from autograder.course.grade import STOCK, ClassRun, Options, print_tables
from autograder.grading.policy import policy_for
from autograder.grading.results import Status
from autograder.sandbox.limits import Isolation

# The stock frameworks take 10 s for a notebook.
NOTEBOOKS = ("HandDesignFilters", "cnn_gradients")


def main() -> int:
    """Grade two notebooks with all three; the exit code says whether they agree wherever each came to an end."""
    console = Console(soft_wrap=True, highlight=False)
    folder = ROOT / "build" / "sample_class"
    shutil.rmtree(folder, ignore_errors=True)
    write_class(HW4, folder)
    console.print(
        f"This grades {' and '.join(NOTEBOOKS)} of a made-up class\n"
        "with the engine, then with stock nbgrader and stock otter,\n"
        "which run students' code unprotected.\n"
        "It takes about ten minutes on two cores.\n"
    )
    engine = Options(policy_for(HW4.settings, notebook_seconds=TIMEOUT), only=NOTEBOOKS)
    unprotected = policy_for(HW4.settings, Isolation.NONE, STOCK_TIMEOUT)
    grades = ClassRun(HW4, folder, engine, console).grades()
    grades += ClassRun(HW4, folder, Options(unprotected, STOCK, NOTEBOOKS), console).grades()
    print_tables(HW4.notebooks(), grades, console)
    late = sum(grade.status is Status.TIMEOUT for grade in grades)
    found = disagreements(grades)
    console.print("\n".join(map(str, found)) or "Wherever all three came to an end, they give the same points.")
    if late:
        console.print(f"{late} notebooks ran out of time. Their rows show no points; that is a result, too.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
