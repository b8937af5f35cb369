"""`make demo`: grade the sample class through engine, nbgrader and otter; compare with what its manifests say."""

import shutil
import sys

from harness import ROOT
from rich.console import Console
from sampleclass import STOCK_TIMEOUT, TIMEOUT, write_class

from autograder.authoring.build import read_linted
from autograder.authoring.project import Project
from autograder.course.compare import disagreements
from autograder.course.grade import ENGINE, STOCK, Options, collect_grades, print_tables

# The stock frameworks take 10 s for a notebook, so they grade two; the engine grades all.
NOTEBOOKS = ("HandDesignFilters", "cnn_gradients")


def main() -> int:
    """Grade the class in ``build/sample_class``; the exit code says whether every score is as expected."""
    project, console = Project(ROOT), Console()
    assignment = read_linted(project)
    folder = ROOT / "build" / "sample_class"
    shutil.rmtree(folder, ignore_errors=True)
    expected = write_class(project, folder)
    console.print(
        f"Grading {folder.relative_to(ROOT)} with the engine, which keeps students' code away from the tests."
    )
    grades = collect_grades(project, assignment, folder, Options((ENGINE,), timeout=TIMEOUT), console)
    console.print(f"Grading {' and '.join(NOTEBOOKS)} with nbgrader and otter as they come, for comparison.")
    stock = Options(STOCK, NOTEBOOKS, STOCK_TIMEOUT, isolation="none")
    grades += collect_grades(project, assignment, folder, stock, console)
    print_tables(assignment, grades, console)

    wanted = {(e.student, e.notebook): e for e in expected}
    wrong = [
        f"{g.student}, {g.notebook}: {g.framework} gave {g.points} ({g.status.value})"
        for g in grades
        if (g.status.value, g.points) != wanted[g.student, g.notebook].outcome(g.framework)
    ]
    wrong += map(str, disagreements(grades))
    console.print("\n".join(wrong) or "Every score is what the class's manifests say, in engine, nbgrader and otter.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
