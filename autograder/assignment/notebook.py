"""The typed model of a source notebook: ``Notebook`` > ``Question`` > ``Cell``.

nbgrader's metadata decides what a cell is (https://nbgrader.readthedocs.io, "Creating and grading assignments").
A *question* is one locked grade cell, the tests, with the solution cell that has the question's name before it.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.warnings import MissingIDFieldWarning

from autograder.errors import NotebookError

TEST_PREFIX = "test_"
HIDDEN_TESTS = "HIDDEN TESTS"
SOLUTION = "SOLUTION"
MARK_SCHEME = "MARK SCHEME"


class Kind(Enum):
    """What a cell is for."""

    TEST = "autograder tests"
    SOLUTION = "code that the student writes"
    WRITTEN = "an answer graded by hand"
    LOCKED = "given code or prose that students cannot edit"
    PLAIN = "neither graded nor locked"


@dataclass(frozen=True)
class Cell:
    """One cell of a source notebook; ``index`` counts from 0, ``grade_id`` is empty for a plain cell."""

    index: int
    cell_type: str
    kind: Kind
    grade_id: str
    points: float
    source: str


@dataclass(frozen=True)
class Question:
    """A question graded by tests; ``visible`` and ``hidden`` are the two parts of the test cell's code."""

    name: str
    test_id: str
    points: float
    visible: str
    hidden: str
    solution: str


@dataclass(frozen=True)
class Notebook:
    """A source notebook: ``node`` is what nbformat read, the rest is derived from it.

    ``setup_cells`` is the code that the tests of any question build on: what is given before the first answer, and the
    reference answers.
    """

    name: str
    path: Path
    node: NotebookNode
    cells: tuple[Cell, ...]
    questions: tuple[Question, ...]
    setup_cells: tuple[str, ...]

    @property
    def points(self) -> float:
        """Points that tests award; written answers come on top."""
        return sum(question.points for question in self.questions)


def read_notebook(path: Path) -> Notebook:
    """Read one source notebook. Raises ``NotebookError`` when it is missing, no notebook, or wrongly delimited."""
    node = read_node(path)
    cells = tuple(_cell(index, cell) for index, cell in enumerate(node.cells))
    return Notebook(path.stem, path, node, cells, tuple(_questions(path.stem, cells)), tuple(_setup_cells(cells)))


def read_node(path: Path) -> NotebookNode:
    """A notebook file in nbformat 4, a byte order mark allowed. Raises ``NotebookError``: one line that says why."""
    try:
        with warnings.catch_warnings():
            # Older notebooks have no cell ids. That matters in our own source only, where the linter asks for them.
            warnings.simplefilter("ignore", MissingIDFieldWarning)
            node: NotebookNode = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
            nbformat.validate(node)
        return node
    except FileNotFoundError:
        raise NotebookError(f"{path}: there is no such notebook.") from None
    except OSError as error:
        raise NotebookError(f"{path} cannot be read: {error.strerror}.") from None
    except Exception as error:  # nbformat raises whatever its JSON, version and schema readers raise
        text = str(error).encode(errors="replace").decode()  # it quotes the file, half characters too
        reason = text.splitlines()[0][:200] if text else type(error).__name__
        raise NotebookError(f"{path} is not a valid notebook: {reason}") from None


def split_region(source: str, region: str) -> tuple[str, str]:
    """Split code into what lies outside and inside the ``BEGIN region`` / ``END region`` lines.

    Raises ``NotebookError`` when the lines do not pair up.
    """
    outside: list[str] = []
    inside: list[str] = []
    is_open = False
    for number, line in enumerate(source.splitlines(), start=1):
        if f"BEGIN {region}" in line or f"END {region}" in line:
            opens = f"BEGIN {region}" in line
            if opens == is_open:
                word = "opened twice" if opens else "closed but not open"
                raise NotebookError(f"line {number}: the {region} region is {word}.")
            is_open = opens
        else:
            (inside if is_open else outside).append(line)
    if is_open:
        raise NotebookError(f"the {region} region is never closed: add a line `### END {region}`.")
    return "\n".join(outside).strip("\n"), "\n".join(inside).strip("\n")


def nbgrader_metadata(cell: Mapping[str, Any]) -> dict[str, Any]:
    """The nbgrader metadata of a cell, empty where there is none."""
    metadata = cell.get("metadata", {}).get("nbgrader", {})
    return metadata if isinstance(metadata, dict) else {}


def kind_of(cell: NotebookNode) -> Kind:
    """What nbgrader takes the cell for."""
    metadata = nbgrader_metadata(cell)
    graded, solution = metadata.get("grade", False), metadata.get("solution", False)
    if graded and solution:
        return Kind.WRITTEN
    if graded:
        return Kind.TEST
    if solution:
        return Kind.SOLUTION
    return Kind.LOCKED if metadata.get("locked", False) else Kind.PLAIN


def _cell(index: int, cell: NotebookNode) -> Cell:
    metadata = nbgrader_metadata(cell)
    return Cell(
        index=index,
        cell_type=cell.cell_type,
        kind=kind_of(cell),
        grade_id=str(metadata.get("grade_id", "")),
        points=float(metadata.get("points") or 0.0),
        source=cell.source,
    )


def _setup_cells(cells: tuple[Cell, ...]) -> list[str]:
    code = [cell for cell in cells if cell.cell_type == "code" and cell.kind is not Kind.TEST]
    first = next((number for number, cell in enumerate(code) if cell.kind is Kind.SOLUTION), len(code))
    return [cell.source for number, cell in enumerate(code) if number < first or cell.kind is Kind.SOLUTION]


def _questions(notebook: str, cells: tuple[Cell, ...]) -> list[Question]:
    solutions = {cell.grade_id: cell.source for cell in cells if cell.kind is Kind.SOLUTION}
    questions = []
    for cell in cells:
        if cell.kind is not Kind.TEST:
            continue
        name = cell.grade_id.removeprefix(TEST_PREFIX)
        try:
            visible, hidden = split_region(cell.source, HIDDEN_TESTS)
        except NotebookError as error:
            raise NotebookError(f"{notebook}, cell {cell.grade_id}: {error}") from None
        questions.append(Question(name, cell.grade_id, cell.points, visible, hidden, solutions.get(name, "")))
    return questions
