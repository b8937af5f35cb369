"""What an otter zip holds of the reference answers is enough to grade its notebook, and no more."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import HW4
from sampleclass import reference_answers
from submitted import as_file

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, nbgrader_metadata, read_node
from autograder.grading.engine import grade_notebook
from autograder.grading.results import Verdict

NOTEBOOKS = {notebook.name: notebook for notebook in HW4.notebooks() if notebook.questions}
SLOW = {"edge_detection"}  # it trains for a minute


def _course(notebook: Notebook, root: Path) -> Assignment:
    """A course with nothing in it but what grading this notebook needs."""
    course = Assignment(root, HW4.name)
    files = [
        notebook.path,
        HW4.release / notebook.path.name,
        *HW4.solution_files(notebook),
        *HW4.package_files().values(),
    ]
    for path in files:
        copy = root / path.relative_to(HW4.root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return course


@pytest.mark.parametrize("notebook", NOTEBOOKS.values(), ids=NOTEBOOKS)
def test_every_module_that_is_there_can_be_imported(notebook, tmp_path):
    course = _course(notebook, tmp_path)
    names = [path.stem for path in course.solutions.glob("*.py") if path.stem != "__init__"]
    assert names
    code = f"import sys; sys.path[:0] = {[str(course.root), str(course.source)]!r}\n"
    code += "\n".join(f"import solutions.{course.name}.{name}" for name in names)
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "notebook",
    [pytest.param(n, id=n.name, marks=[pytest.mark.slow] if n.name in SLOW else []) for n in NOTEBOOKS.values()],
)
def test_reference_answers_get_full_points(notebook, tmp_path):
    course = _course(notebook, tmp_path)
    node = read_node(HW4.release / notebook.path.name)
    answers = reference_answers(notebook)
    for cell in node.cells:
        cell.source = answers.get(nbgrader_metadata(cell).get("grade_id", ""), cell.source)
    graded = grade_notebook(course, notebook, as_file(node))
    assert {result.question: result.verdict for result in graded.results} == dict.fromkeys(answers, Verdict.PASSED)


@pytest.mark.parametrize("notebook", NOTEBOOKS.values(), ids=NOTEBOOKS)
def test_a_zip_holds_nothing_that_only_authors_and_manual_graders_need(notebook):
    assert {path.parent.name for path in HW4.solution_files(notebook)} <= {"solutions", HW4.name, "mistakes"}


def test_a_zip_holds_no_other_notebooks_answers():
    names = {path.name for path in HW4.solution_files(NOTEBOOKS["HandDesignFilters"])}
    assert names == {"__init__.py", "hand_design_filters.py"}
    paths = {path.relative_to(HW4.solutions).as_posix() for path in HW4.solution_files(NOTEBOOKS["edge_detection"])[1:]}
    assert paths == {"__init__.py", "edge_detection.py", "edge_detection_helpers.py", "mistakes/edge_detection.py"}
