"""Executed source notebooks: the instructor's answer key with figures, and proof that the reference passes."""

import os
import subprocess
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.assignment.assignment import SEED_VARIABLE, Assignment
from autograder.assignment.notebook import Notebook, nbgrader_metadata
from autograder.authoring.release import copy_inputs
from autograder.errors import NotebookError

_SECONDS_PER_CELL = 600


def build_solved(assignment: Assignment, notebook: Notebook, work: Path) -> Path:
    """Execute a source notebook top to bottom in the empty folder ``work``; returns the executed copy.

    Raises ``NotebookError`` naming the cell when one fails: then the reference answers fail their own tests.
    """
    from nbclient import NotebookClient  # slow to import, and not needed when nothing changed
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    folder = work / "run"
    copy_inputs(assignment, (notebook,), folder)
    node = nbformat.read(notebook.path, as_version=4)
    client = NotebookClient(
        node,
        timeout=_SECONDS_PER_CELL,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        # Hidden tests import this assignment's `solutions`.
        client.execute(
            env={**os.environ, "PYTHONPATH": str(assignment.root), SEED_VARIABLE: str(assignment.settings.hidden_seed)},
            stderr=subprocess.DEVNULL,
        )
    except (CellExecutionError, CellTimeoutError) as error:
        message = str(error).strip().splitlines()[-1]
        raise NotebookError(f"{notebook.name}, cell {_failed(node)}: the reference fails: {message}") from None
    target = work / f"{notebook.name}-solution.ipynb"
    nbformat.write(node, target)
    return target


def _failed(node: NotebookNode) -> str:
    """The cell that ended the run: the last one with an output of type error, or the last that started."""
    ran = [cell for cell in node.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)]
    return nbgrader_metadata(ran[-1]).get("grade_id", ran[-1].get("id", "")) if ran else "number 1"
