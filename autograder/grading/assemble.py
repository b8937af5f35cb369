"""A submission is data: what of it counts is put into the cells we released.

Tests, given code and prose come from the release; from the submission come the answers and the student's own cells,
each kept behind the cell that it followed. Whatever else happened to the notebook changes nothing.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.assignment.notebook import Kind, nbgrader_metadata
from autograder.grading.cell_text import plain
from autograder.grading.intake import Submitted, SubmittedCell
from autograder.grading.matching import Matching
from autograder.grading.pieces import Piece

_BEFORE_ALL = -1
_MAX_NOTES = 100
_ELSEWHERE = "# The answer to this question was found in another cell of this notebook."
_MISSING = 'raise NotImplementedError("This question is not answered: its cell is missing.")'
LOOK = "*No answer was found here, but the notebook was changed around this cell: please look at all of it.*"
# The name of a notebook in its last cell.
_HAND_IN = re.compile(r"submission\.make\([\"']([\w-]+)[\"']")

Notebooks = Callable[[], Mapping[str, NotebookNode]]


@dataclass(frozen=True)
class Assembled:
    """The notebook to run, and a sentence on each thing in the submission that was not as released.

    ``tests_after`` has, by grade id, tests that run only after a cell that stands behind them (its index).
    ``stranger`` says which notebook it is where it is not this one; then nothing is to be run.
    """

    node: NotebookNode
    notes: tuple[str, ...] = ()
    tests_after: dict[str, int] = field(default_factory=dict)
    stranger: str = ""


def assemble(released: NotebookNode, submitted: Submitted, others: Notebooks = lambda: {}) -> Assembled:
    """Put the answers and own cells of ``submitted`` into a copy of ``released``; no argument is changed.

    ``others`` reads the course's other notebooks as released, by name, among which a stranger is looked for.
    """
    matching = Matching(released, submitted.cells)
    node = deepcopy(released)
    own_cells = defaultdict(list)
    own_index: dict[int, NotebookNode] = {}
    last = _BEFORE_ALL
    for piece in matching.pieces:
        if piece.is_dropped:
            continue
        if piece.place is None:
            own = _own_cell(piece)
            own_index[id(piece)] = own
            own_cells[last].append(own)
            continue
        last = piece.place
        cell = node.cells[piece.place]
        own_index[id(piece)] = cell
        if matching.places[piece.place].is_students:
            cell.source = piece.text
            if piece.attachments and cell.cell_type == "markdown":
                cell.attachments = piece.attachments
    _fill_gaps(matching, node)

    cells = own_cells[_BEFORE_ALL]
    for index, cell in enumerate(node.cells):
        cells += [cell, *own_cells[index]]
    node.cells = cells
    late = _late_tests(matching, node, own_index)
    stranger = _stranger(matching, released, submitted, others)
    notes = [*submitted.notes, *matching.notes]
    return Assembled(node, tuple(notes[:_MAX_NOTES]), late, stranger)


def _fill_gaps(matching: Matching, node: NotebookNode) -> None:
    """Answers that no piece gave: their cells must not undo what stands elsewhere, nor count as left empty."""
    for place in matching.answers():
        piece = matching.piece_at(place.index)
        is_open = piece is None or place.is_blank(piece.text)
        if is_open and place.index in matching.elsewhere:
            node.cells[place.index].source = _ELSEWHERE
        elif piece is None and place.kind is Kind.SOLUTION:
            node.cells[place.index].source = _MISSING  # and no stub: it would define the name
        elif is_open and place.kind is Kind.WRITTEN and matching.may_answer(place):
            node.cells[place.index].source = LOOK
    lost = [place for place in matching.missing() if place.index not in matching.elsewhere]
    if answers := [place for place in lost if place.is_answer]:
        matching.notes.append(f"Answer cells are missing: {matching.names(answers)}.")
    if given := [place for place in lost if not place.is_answer]:
        matching.notes.append(f"Given cells are missing, and were put back: {matching.names(given)}.")


def _late_tests(matching: Matching, node: NotebookNode, made: Mapping[int, NotebookNode]) -> dict[str, int]:
    """Tests whose answer stands behind them."""
    where = {id(cell): index for index, cell in enumerate(node.cells)}
    tests = {str(nbgrader_metadata(cell).get("grade_id", "")): index for index, cell in enumerate(node.cells)}
    late = {}
    for answer, piece in matching.elsewhere.items():
        test = f"test_{matching.places[answer].grade_id}"
        index = where[id(made[id(piece)])]
        if index > tests.get(test, index):
            late[test] = index
    return late


def _stranger(matching: Matching, released: NotebookNode, submitted: Submitted, others: Notebooks) -> str:
    """Which notebook this is, a part of a sentence; empty where it is the one that it should be."""
    recognized, questions = matching.recognized(), len(matching.answers())
    if 2 * recognized >= questions or not any(cell.source.strip() for cell in submitted.cells):
        return ""
    ids = {cell.grade_id for cell in submitted.cells} - {""}
    texts = {plain(cell.source) for cell in submitted.cells}
    fits = {name: _likeness(other, ids, texts) for name, other in others().items()}
    best = max(fits, key=lambda name: fits[name], default="")
    if best and fits[best] > _likeness(released, ids, texts):
        return f"this is {best}"
    names = _handed_in_as(submitted.cells)
    is_ours = bool(names & _handed_in_as(released.cells))
    if names and not is_ours:
        return f"this is {sorted(names)[0]}"
    if not recognized and not is_ours:
        return "none of its questions is there: is it from another course or term?"
    matching.notes.append(f"Only {recognized} of the {questions} questions were recognized in this notebook.")
    return ""


def _handed_in_as(cells: Iterable[SubmittedCell | NotebookNode]) -> set[str]:
    return {name for cell in cells for name in _HAND_IN.findall(cell.source)}


def _likeness(released: NotebookNode, ids: set[str], texts: set[str]) -> int:
    """How many cells of a released notebook a submission has, by grade id or text."""
    return sum(nbgrader_metadata(cell).get("grade_id") in ids or plain(cell.source) in texts for cell in released.cells)


def _own_cell(piece: Piece) -> NotebookNode:
    """A student's own cell: its text, without tags, metadata or outputs."""
    if piece.kind == "code":
        code: NotebookNode = new_code_cell(piece.text)
        return code
    text: NotebookNode = new_markdown_cell(piece.text)
    if piece.attachments:
        text.attachments = piece.attachments
    return text
