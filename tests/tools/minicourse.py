"""A course of one tiny notebook, for tests of the tools: builds and grades in seconds, needs no torch."""

import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from places import ROOT

from autograder.assignment.assignment import Assignment

ASSIGNMENT = "hw1"
NAME = "Mini"
SOLUTION = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x + 0 * len(str(x))\n    ### END SOLUTION"
TESTS = """assert double(1) == 2, "double(1) should be 2"
### BEGIN HIDDEN TESTS
import solutions.hw1.mini as reference
for _x in (-3, 0.5, 10_000_000):
    assert double(_x) == reference.double(_x), f"double({_x}) is wrong"
### END HIDDEN TESTS"""
MODEL_ANSWER = "Because doubling is adding a number to itself."
PROMPT = "Why?\n<!-- BEGIN MARK SCHEME -->\nOne point for *itself*.\n<!-- END MARK SCHEME -->"


def cell(source: str, grade_id: str = "", points: float | None = None, **kind: bool) -> NotebookNode:
    """A code cell; with a grade id also its nbgrader metadata (``grade``, ``solution``, ``locked``)."""
    return _with_metadata(new_code_cell(source), grade_id, points, kind)


def markdown(source: str, grade_id: str = "", points: float | None = None, **kind: bool) -> NotebookNode:
    return _with_metadata(new_markdown_cell(source), grade_id, points, kind)


def cells() -> list[NotebookNode]:
    """The cells of a correct source notebook."""
    return [
        markdown("# Doubling"),
        cell("import math", "setup", locked=True),
        cell(SOLUTION, "double", solution=True),
        cell(TESTS, "test_double", 3, grade=True, locked=True),
        markdown(PROMPT, "prompt_why", locked=True),
        markdown(MODEL_ANSWER, "written_why", 1, grade=True, solution=True),
    ]


def make_course(root: Path, source_cells: list[NotebookNode] | None = None) -> Assignment:
    """Lay out a repository in ``root`` whose only notebook is ``Mini``, with tools and settings of this one."""
    assignment = Assignment(root, ASSIGNMENT)
    write(assignment, cells() if source_cells is None else source_cells)
    for package in (assignment.kit, assignment.source / "minikit"):
        package.mkdir()
        (package / "__init__.py").write_text('"""Nothing."""\n')
    assignment.solutions.mkdir(parents=True)
    for package in (assignment.solutions, assignment.solutions.parent):
        (package / "__init__.py").write_text("")
    (assignment.solutions / "mini.py").write_text("def double(x):\n    return x + x\n")
    (assignment.source / "requirements.txt").write_text("numpy==2.4.6\n")
    for name in ("nbgrader_config.py", "environment.yml"):
        shutil.copy(ROOT / name, root)
    return assignment


def write(assignment: Assignment, source_cells: list[NotebookNode]) -> Path:
    """Write the cells as the source notebook, with ids in order, and return its path."""
    assignment.source.mkdir(parents=True, exist_ok=True)
    for index, source_cell in enumerate(source_cells):
        source_cell["id"] = f"cell-{index}"
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    path = assignment.source / f"{NAME}.ipynb"
    nbformat.write(new_notebook(cells=source_cells, metadata={"kernelspec": kernel}), path)
    return path


def _with_metadata(node: NotebookNode, grade_id: str, points: float | None, kind: dict[str, bool]) -> NotebookNode:
    if grade_id or kind:
        metadata: dict[str, Any] = {"schema_version": 3, "grade": False, "solution": False, "locked": False}
        metadata |= {"task": False, "grade_id": grade_id, **kind}
        if points is not None:
            metadata["points"] = points
        node.metadata["nbgrader"] = metadata
    return node
