"""A submission is data: what of it counts is put into the cells we released.

Tests, given code and prose come from the release; from the submission come the answers, matched by grade id, and the
student's own cells, each kept behind the cell that it followed. Whatever else happened to the notebook (test cells
deleted or edited, cells copied, retyped or moved, metadata lost) changes nothing.
"""

from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.assignment.notebook import Kind, kind_of, nbgrader_metadata

_ANSWERS = (Kind.SOLUTION, Kind.WRITTEN)
_BEFORE_ALL = -1
_SHOWN = 100
_MAX_NOTES = 100


@dataclass(frozen=True)
class Assembled:
    """The notebook to run, and a sentence on each thing in the submission that was not as released."""

    node: NotebookNode
    notes: tuple[str, ...]


def assemble(released: NotebookNode, submitted: NotebookNode) -> Assembled:
    """Put the answers and own cells of ``submitted`` into a copy of ``released``; neither argument is changed."""
    places, notes = _match(released, submitted)
    node = deepcopy(released)
    own_cells = defaultdict(list)
    last = _BEFORE_ALL
    for cell, place in zip(submitted.cells, places, strict=True):
        if place is None:
            own_cells[last].append(_own_cell(cell))
            continue
        last = place
        if _belongs_to_student(node.cells[place]):
            node.cells[place].source = _text(cell)

    cells = own_cells[_BEFORE_ALL]
    for index, cell in enumerate(node.cells):
        cells += [cell, *own_cells[index]]
    node.cells = cells
    return Assembled(node, tuple(notes[:_MAX_NOTES]))


def _match(released: NotebookNode, submitted: NotebookNode) -> tuple[list[int | None], list[str]]:
    """For each submitted cell the index of the released cell it is, None for a student's own.

    A cell is recognised by its grade id, or by its cell id where an editor dropped the metadata. Of several copies
    the first counts; the others run as the student's own cells.
    """
    by_grade_id = {_grade_id(cell): index for index, cell in enumerate(released.cells) if _grade_id(cell)}
    by_cell_id = {cell.get("id"): index for index, cell in enumerate(released.cells)}
    places: list[int | None] = []
    notes: list[str] = []
    taken: set[int] = set()
    for cell in submitted.cells:
        grade_id = _grade_id(cell)
        place = by_grade_id.get(grade_id) if grade_id else by_cell_id.get(cell.get("id"))
        if grade_id and place is None:
            notes.append(f"cell {grade_id} is unknown: it runs as the student's own cell.")
        elif place in taken:
            notes.append(f"cell {_label(released, place)} is there twice: the first counts as the answer.")
            place = None
        if place is not None:
            taken.add(place)
        places.append(place)
    for index, cell in enumerate(released.cells):
        if index not in taken and _grade_id(cell):
            lost = "counts as not answered" if kind_of(cell) in _ANSWERS else "was put back"
            notes.append(f"cell {_grade_id(cell)} was deleted: it {lost}.")
    return places, notes


def _belongs_to_student(cell: NotebookNode) -> bool:
    """Whether the student's text of this released cell counts: answers, and given scratch cells."""
    return kind_of(cell) in _ANSWERS or (kind_of(cell) is Kind.PLAIN and cell.cell_type == "code")


def _own_cell(cell: NotebookNode) -> NotebookNode:
    """A student's own cell: its text, without tags, metadata or outputs."""
    text = _text(cell)
    own: NotebookNode = new_code_cell(text) if cell.cell_type == "code" else new_markdown_cell(text)
    return own


def _text(cell: NotebookNode) -> str:
    """A cell's text as it can be written to a file: half characters (lone surrogates) become question marks."""
    return str(cell.get("source", "")).encode(errors="replace").decode()


def _grade_id(cell: NotebookNode) -> str:
    grade_id = nbgrader_metadata(cell).get("grade_id")
    return grade_id.encode(errors="replace").decode()[:_SHOWN] if isinstance(grade_id, str) else ""


def _label(released: NotebookNode, place: int | None) -> str:
    return _grade_id(released.cells[place]) or f"number {place + 1}" if place is not None else ""
