"""Assignments of the same course that these tools did not build: nbgrader does with them what it always does."""

import shutil
from pathlib import Path

import nbgrader
from nbgrader.api import Gradebook
from places import ROOT

from autograder.assignment.notebook import read_node
from autograder.process import run_module

EXAMPLE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
STUDENT = "bitdiddle"


def _nbgrader(root, *arguments):
    done = run_module("nbgrader", arguments, root, import_from=ROOT)
    assert done.code == 0, done.output
    return done.output


def test_nbgraders_own_example_is_left_alone(mini):
    """Its tests have other names, its cells no ids."""
    for place in ("source/ps1", f"submitted/{STUDENT}/ps1"):
        shutil.copytree(EXAMPLE / place, mini.root / place)
    _nbgrader(mini.root, "generate_assignment", "ps1", "--create", "--IncludeHeaderFooter.header=")
    released = read_node(mini.root / "release" / "ps1" / "problem1.ipynb")
    assert not any("otter" in cell.metadata or "tags" in cell.metadata for cell in released.cells)
    printed = _nbgrader(mini.root, "autograde", "ps1", "--create", "--notebook", "problem1")
    assert "NO ISOLATION" in printed  # and so it says
    with Gradebook(f"sqlite:///{mini.root / 'gradebook.db'}", mini.course_id) as gradebook:
        graded = gradebook.find_submission_notebook("problem1", "ps1", STUDENT)
        scores = {grade.name: grade.auto_score for grade in graded.grades}
    assert (scores["squares_invalid_input"], scores["sum_of_squares_uses_squares"]) == (1.0, 0.5)
