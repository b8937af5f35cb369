"""What the download holds, and how a notebook to be submitted differs from it.

The build writes ``released.json`` into the released kit: the files of the release and, for each notebook, the cells
that count. What nbgrader's metadata in a student's notebook says may be lost, copied, or from another homework.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from kit.code_names import statements
from kit.explain import UNANSWERED

LIST = Path(__file__).with_name("released.json")
# What stands in an answer's cell at first, by the type of the cell.
STUBS = {"code": UNANSWERED, "markdown": "YOUR ANSWER HERE"}


@dataclass(frozen=True)
class ReleasedCell:
    """A cell of a released notebook: ``kind`` is ``code`` or ``written`` for answers, and ``given`` for all others."""

    grade_id: str
    id: str
    kind: str
    digest: str


@dataclass(frozen=True)
class Release:
    """The files of a download, by path, and the cells that count of each of its notebooks."""

    files: frozenset[str]
    notebooks: dict[str, tuple[ReleasedCell, ...]]


@dataclass
class Compared:
    """The cells with the student's answers, by question; what needs attention; and what graders forgive."""

    answers: dict[str, NotebookNode] = field(default_factory=dict)
    given: list[NotebookNode] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)


def read_release() -> Release | None:
    """What the download holds; None outside a download: the course's own sources have no such list."""
    try:
        content = json.loads(LIST.read_text(encoding="utf-8"))
    except OSError:
        return None
    notebooks = {name: tuple(ReleasedCell(**cell) for cell in cells) for name, cells in content["notebooks"].items()}
    return Release(frozenset(content["files"]), notebooks)


def digest(source: str) -> str:
    """A hash of a cell's text, spaces and line ends aside. The build has the same."""
    return hashlib.sha256("".join(source.split()).encode(errors="replace")).hexdigest()[:16]


def compare(notebook: NotebookNode, name: str, release: Release | None) -> Compared:
    """Find the answers in a notebook, and what was retyped, lost, copied, or is from elsewhere.

    Without a list for ``name``, nbgrader's metadata in the notebook has to do.
    """
    if release is None or name not in release.notebooks:
        return _by_metadata(notebook)
    comparison = _Comparison(notebook, release.notebooks[name])
    found = comparison.compared
    others = {other: {cell.grade_id for cell in cells} for other, cells in release.notebooks.items() if other != name}
    if foreign := comparison.foreign():
        best = max(others, key=lambda other: len(others[other].intersection(foreign)), default="")
        from_ = best if best and others[best].intersection(foreign) else "another course or term"
        found.findings.append(f"cells from {from_}, which are not graded here: {', '.join(foreign)}. Delete them.")
    return found


def _by_metadata(notebook: NotebookNode) -> Compared:
    answers = {_grade_id(cell): cell for cell in notebook.cells if _metadata(cell).get("solution")}
    return Compared(answers, [cell for cell in notebook.cells if _metadata(cell).get("locked")])


class _Comparison:
    """Finds for each released cell what stands for it, as graders do: by grade id, cell id, text, or name."""

    def __init__(self, notebook: NotebookNode, released: Iterable[ReleasedCell]) -> None:
        self._cells, self._released = notebook.cells, tuple(released)
        self._known = {cell.grade_id for cell in self._released}
        self.compared = Compared()
        found = {cell.grade_id: self._find(cell) for cell in self._released}
        taken = {id(match) for matches in found.values() for match in matches}
        own = [cell for cell in self._cells if id(cell) not in taken]
        lost = {cell.grade_id: cell.kind for cell in self._released if not self._place(cell, found[cell.grade_id], own)}
        self._tell_of_lost(lost)
        unmarked = [name for name, matches in found.items() if matches and not any(map(_grade_id, matches))]
        if unmarked:
            self._forgive(f"{len(unmarked)} cells lost their metadata: graders know them by their ids or their text.")

    def foreign(self) -> list[str]:
        """Graded cells of other notebooks, by grade id."""
        ids = [
            _grade_id(cell) for cell in self._cells if _metadata(cell).get("grade") or _metadata(cell).get("solution")
        ]
        return sorted({grade_id for grade_id in ids if grade_id not in self._known})

    def _find(self, released: ReleasedCell) -> list[NotebookNode]:
        marked = [cell for cell in self._cells if _grade_id(cell) == released.grade_id]
        unmarked = [cell for cell in self._cells if not _grade_id(cell)]
        same_id = [cell for cell in unmarked if cell.get("id") == released.id]
        same_text = [cell for cell in unmarked if released.kind == "given" and digest(cell.source) == released.digest]
        return marked or same_id or same_text[:1]

    def _place(self, released: ReleasedCell, matches: list[NotebookNode], own: list[NotebookNode]) -> bool:
        """Take a released cell's part from the cells that match; False when nothing stands for it."""
        name, compared = released.grade_id, self.compared
        if released.kind == "given":
            compared.given += matches
            if any(digest(cell.source) != released.digest for cell in matches):
                self._forgive(f"{name} was changed: graders use the original.")
            return bool(matches)
        if len(matches) > 1:
            compared.findings.append(
                f"{name} is there {len(matches)} times: the first answer counts. Delete the others."
            )
        answered = [cell for cell in matches if not is_stub(cell)]
        retyped = [cell for cell in own if released.kind == "code" and name in _defined(cell)]
        if answered or not retyped:
            if matches:
                compared.answers[name] = [*answered, *matches][0]
            return bool(matches)
        compared.answers[name] = retyped[-1]
        self._forgive(f"{name} is answered in a cell of your own: graders take that one.")
        return True

    def _tell_of_lost(self, lost: dict[str, str]) -> None:
        if answers := [name for name, kind in lost.items() if kind != "given"]:
            self.compared.findings.append(
                f"no cell for {', '.join(answers)}. Copy it from the download's notebook, and put your answer there."
            )
        if given := [name for name, kind in lost.items() if kind == "given"]:
            self._forgive(f"given cells are missing ({', '.join(given)}): graders put them back.")

    def _forgive(self, text: str) -> None:
        self.compared.forgiven.append(text)


def is_stub(cell: NotebookNode) -> bool:
    """Whether an answer's cell still holds the text that was there in the beginning."""
    return STUBS.get(cell.cell_type, UNANSWERED) in cell.source


def _defined(cell: NotebookNode) -> set[str]:
    """The names that a cell defines at its top level."""
    names = set()
    for node in statements(cell.source) if cell.cell_type == "code" else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return names


def _grade_id(cell: NotebookNode) -> str:
    return str(_metadata(cell).get("grade_id", ""))


def _metadata(cell: NotebookNode) -> dict[str, Any]:
    found = cell.metadata.get("nbgrader", {})
    return found if isinstance(found, dict) else {}
