"""The student release, made by nbgrader's own ``generate_assignment``."""

import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import HIDDEN_TESTS, SOLUTION, Kind, Notebook, split_region
from autograder.authoring.contents import write_contents
from autograder.errors import NotebookError
from autograder.process import run_module

# A line this short (`return result`, `pass`) may well stand in both a solution and the text around it.
_TELLING_LINE = 25


def build_release(assignment: Assignment, notebooks: tuple[Notebook, ...], course: Path) -> Path:
    """Generate the release of an assignment inside the empty folder ``course``.

    ``course`` becomes an nbgrader course: ``source/``, ``release/`` and a ``gradebook.db`` that knows the assignment,
    which is what ``nbgrader autograde`` needs. Returns the release folder.

    Raises ``NotebookError`` when nbgrader refuses, or when the release holds a solution or a hidden test.
    """
    source = course / "source" / assignment.name
    copy_inputs(assignment, notebooks, source)
    for path in assignment.student_files():
        shutil.copy(path, source)
    shutil.copy(assignment.nbgrader_config, course)

    _generate(course, assignment.name)
    release = course / "release" / assignment.name
    for notebook in notebooks:
        _assert_no_secrets(assignment, notebook, nbformat.read(release / notebook.path.name, as_version=4))
    write_contents(release)
    return release


def copy_inputs(assignment: Assignment, notebooks: tuple[Notebook, ...], target: Path) -> None:
    """Copy the source notebooks and what they need beside them; nothing else of the source folder reaches students."""
    target.mkdir(parents=True)
    for notebook in notebooks:
        shutil.copy(notebook.path, target)
    for place, path in assignment.package_files().items():
        copy = target / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def _generate(course: Path, assignment: str) -> None:
    run = run_module("nbgrader", ["generate_assignment", assignment, "--force"], course)
    if run.code != 0:
        raise NotebookError(f"nbgrader could not generate the release of {assignment}: {run.reason}")


def _assert_no_secrets(assignment: Assignment, notebook: Notebook, released: NotebookNode) -> None:
    """Raise when a telling line of a solution, a written model answer or a hidden test is still in the release."""
    text = "\n".join(cell.source for cell in released.cells)
    for cell_id, line in _secret_lines(assignment, notebook):
        if line in text:
            raise NotebookError(
                f"{notebook.name}, cell {cell_id}: the release would show students the line `{line}`. "
                "It stands outside its region too: remove it there."
            )


def _secret_lines(assignment: Assignment, notebook: Notebook) -> list[tuple[str, str]]:
    secrets = []
    no_secrets = ("#", "import ", *(f"from {package.name}" for package in assignment.packages))
    for cell in notebook.cells:
        if cell.kind is Kind.WRITTEN:
            given, secret = "", cell.source
        elif cell.kind is Kind.TEST:
            given, secret = split_region(cell.source, HIDDEN_TESTS)
        elif cell.kind is Kind.SOLUTION:
            given, secret = split_region(cell.source, SOLUTION)
        else:
            continue
        for line in map(str.strip, secret.splitlines()):
            # A hidden test may begin as its visible part does: that much is no secret.
            if len(line) >= _TELLING_LINE and line not in given and not line.startswith(no_secrets):
                secrets.append((cell.grade_id, line))
    return secrets
