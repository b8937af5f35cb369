"""Makes of a result what ``nbgrader autograde`` would: the autograded notebook, scores and comments.

The configured pipeline runs but for the steps that execute (the engine did), write to the database (``record`` does) or
check nbgrader's metadata (which here are the release's, checked once for the class; it takes longer than all the rest).
"""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, reads
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, Execute, OverwriteCells, SaveAutoGrades
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_locked, is_solution, is_task
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from autograder.assignment.notebook import nbgrader_metadata
from autograder.course.records import Record
from autograder.grading.results import Status, notes_on

_DONE_ELSEWHERE = (Execute, OverwriteCells, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata)
_NO_RESPONSE = "No response."
# Grade id to source and checksum, as the gradebook has them.
MasterCells = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Autograded:
    """What to record: ``scores`` by grade cell (None: for a human to give), ``comments`` by answer cell.

    ``needs_review`` asks a human to look at every score, since there was nothing that could be graded.
    """

    node: NotebookNode
    scores: dict[str, float | None] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    needs_review: bool = False


class Pipeline:
    """The end of the autograde pipeline for one course."""

    def __init__(
        self, config: Config, assignment: str, released: dict[str, NotebookNode], master: dict[str, MasterCells]
    ) -> None:
        """``config`` is nbgrader's; ``released`` are the notebooks as students got them, ``master`` their cells."""
        self._assignment = assignment
        configured = Autograde(config=config).autograde_preprocessors
        classes = [import_item(step) if isinstance(step, str) else step for step in configured]
        self._steps = [step(config=config) for step in classes if not issubclass(step, _DONE_ELSEWHERE)]
        self._released, self._master = released, master

    def autograded(self, record: Record, executed: str) -> Autograded:
        """What to record of a result; ``executed`` is its notebook as JSON, empty where nothing could be run."""
        if executed:
            node = reads(executed)
        else:
            node = deepcopy(self._released[record.notebook])
            node.cells.insert(0, new_markdown_cell(f"**This notebook was not graded:** {record.message}", id="problem"))
        self._overwrite_cells(record.notebook, node)
        resources: dict[str, Any] = {"nbgrader": {"notebook": record.notebook, "assignment": self._assignment}}
        for step in self._steps:
            node, resources = step(node, resources)
        scores = {_id(cell): determine_grade(cell)[0] for cell in node.cells if is_grade(cell)}
        if record.status.needs_review:  # it earns nothing until a human has looked
            scores = dict.fromkeys(scores, 0.0)
        elif not executed:  # we failed to grade it
            scores = dict.fromkeys(scores, None)
        comments = {
            _id(cell): _comment(cell, record)
            for cell in node.cells
            if record.status is Status.GRADED and (is_solution(cell) or is_task(cell))
        }
        return Autograded(node, scores, comments, needs_review=not executed or record.status.needs_review)

    def _overwrite_cells(self, notebook: str, node: NotebookNode) -> None:
        """As OverwriteCells: locked cells get the tests and rubrics back that students did not see."""
        master = self._master[notebook]
        for cell in node.cells:
            if (grade_id := _id(cell)) in master:
                source, cell.metadata.nbgrader["checksum"] = master[grade_id]
                if is_locked(cell):
                    cell.source = source


def _comment(cell: NotebookNode, record: Record) -> str | None:
    """nbgrader's comment on an answer that is not there, or what was noted about where it was found."""
    if not is_task(cell) and _is_as_released(cell):
        return _NO_RESPONSE
    return notes_on(_id(cell), record.notes) or None


def _is_as_released(cell: NotebookNode) -> bool:
    return bool(cell.metadata.nbgrader.get("checksum") == compute_checksum(cell))


def _id(cell: NotebookNode) -> str:
    return str(nbgrader_metadata(cell).get("grade_id", ""))
