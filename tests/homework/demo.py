"""`make demo`: a class from submissions to report and feedback, in a folder of its own."""

import shutil
import sys
from pathlib import Path

from harness import HW4
from places import ROOT
from rich.console import Console
from sampleclass import STUDENTS, write_class

from autograder.assignment.assignment import Assignment
from autograder.course.grade import Options, grade_class
from autograder.course.overview import read_overview
from autograder.course.pages import write_feedback, write_report
from autograder.errors import AutograderError
from autograder.grading.policy import policy_for

# What grading needs of a course; the rest of the checkout stays untouched.
_COURSE = ("source", "release", "solutions", "kit", "nbgrader_config.py", "environment.yml")
# Seconds for a notebook. A cell gets a quarter of it: one student's never ends.
_TIMEOUT = 120.0
_TRAINS_FOR_A_MINUTE = "hasty_training"
_SHOWN = "wrong_border"


def main(folder: Path = ROOT / "build" / "demo") -> int:
    """Grade the sample class in ``folder``. A slow machine lets more run out of time, and changes nothing else."""
    console = Console(soft_wrap=True, highlight=False)
    assignment = Assignment(folder, HW4.name)
    console.print(
        f"This grades a made-up class of {len(list(STUDENTS.glob('*.toml'))) - 1} students:\n"
        "right, wrong, and broken in many ways.\n"
        "It takes about two minutes on two cores.\n"
        f"Everything goes into {_shown(folder)}; nothing else changes.\n"
    )
    shutil.rmtree(assignment.root, ignore_errors=True)
    for name in _COURSE:
        _copy(name, assignment)
    write_class(HW4, assignment.submitted)
    shutil.rmtree(assignment.submitted / _TRAINS_FOR_A_MINUTE)
    try:
        grade_class(
            assignment, assignment.submitted, Options(policy_for(assignment.settings, notebook_seconds=_TIMEOUT))
        )
        overview = read_overview(assignment)
        pages = list(write_feedback(assignment, overview))
        report, scores = write_report(assignment, overview, assignment.report)  # which links to the pages
    except AutograderError as error:
        console.print(f"Error: {error}", markup=False)
        return 1
    page = next(path for path in pages if path.parent.name == _SHOWN)
    console.print(
        "\nOpen these in a browser:\n"
        f"  the instructor's report  {_shown(report)}\n"
        f"  a student's feedback     {_shown(page)}\n"
        f"All scores are in {_shown(scores)}.\n"
        f"The pages of all {len(pages)} students are in {_shown(page.parents[1])}.",
        markup=False,
    )
    return 0


def _shown(path: Path) -> Path:
    """A path as short as it can be typed here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _copy(name: str, assignment: Assignment) -> None:
    source, target = ROOT / name, assignment.root / name
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("results", "__pycache__", ".ipynb_checkpoints"))
    else:
        shutil.copy(source, target)


if __name__ == "__main__":
    sys.exit(main())
