"""`make demo`: grade the sample class through both frameworks and compare with what its manifests say."""

import shutil
import sys

from harness import ROOT
from rich.console import Console
from sampleclass import write_class

from autograder.authoring.project import Project
from autograder.course.grade import FRAMEWORKS, collect_grades, disagreements, print_tables

TIMEOUT = 60.0


def main() -> int:
    """Grade the class in ``build/sample_class``; the exit code says whether every score is as expected."""
    project, console = Project(ROOT), Console()
    folder = ROOT / "build" / "sample_class"
    shutil.rmtree(folder, ignore_errors=True)
    expected = write_class(project, folder)
    console.print(
        f"Grading the {len(expected)} notebooks of {folder.relative_to(ROOT)} with {' and '.join(FRAMEWORKS)}."
    )
    grades = collect_grades(project, folder, FRAMEWORKS, (), TIMEOUT, None, console)
    print_tables(project, grades, console)

    got = {(g.student, g.notebook, g.framework): (g.status.value, g.points) for g in grades}
    wrong = [
        f"{e.student}, {e.notebook}: {framework} should have given {e.points} ({e.status})"
        for e in expected
        for framework in FRAMEWORKS
        if got[e.student, e.notebook, framework] != (e.status, e.points)
    ]
    wrong += map(str, disagreements(grades))
    console.print("\n".join(wrong) or "Every score is what the class's manifests say, in both frameworks.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
