"""``released.json``: what a release holds, for the submission cell, which compares a student's notebook with it."""

import hashlib
import json
from pathlib import Path

from nbformat import NotebookNode

from autograder.assignment.assignment import KIT, released_files
from autograder.assignment.notebook import Kind, kind_of, nbgrader_metadata, read_node

_NAME = "released.json"
_ANSWERS = {Kind.SOLUTION: "code", Kind.WRITTEN: "written"}


def write_contents(release: Path) -> None:
    """Write the list into the released kit. What it says of cells is made from the released ones."""
    if not (release / KIT).is_dir():
        return
    notebooks = {path.stem: _cells(read_node(path)) for path in sorted(release.glob("*.ipynb"))}
    names = [path.relative_to(release).as_posix() for path in released_files(release)]
    content = {"files": sorted([*names, f"{KIT}/{_NAME}"]), "notebooks": notebooks}
    (release / KIT / _NAME).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _cells(node: NotebookNode) -> list[dict[str, str]]:
    return [
        {
            "grade_id": nbgrader_metadata(cell)["grade_id"],
            "id": cell.id,
            "kind": _ANSWERS.get(kind_of(cell), "given"),
            "digest": _digest(cell.source),
        }
        for cell in node.cells
        if nbgrader_metadata(cell).get("grade_id")
    ]


def _digest(source: str) -> str:
    """The same as in ``kit/released.py``."""
    return hashlib.sha256("".join(source.split()).encode()).hexdigest()[:16]
