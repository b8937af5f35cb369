"""Takes from a submitted file what counts, the cells, and forgives the rest.

A notebook arrives after many editors and tools, and slips of format that Jupyter, nbgrader or otter forgive must not
cost a student anything. So nothing is validated that grading throws away: of a cell only its kind, text, ids and
attached pictures are read. https://nbformat.readthedocs.io/en/latest/format_description.html
"""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from autograder.errors import NotebookError

# The file, most of which are outputs, and what is taken from it.
MAX_FILE = 128 << 20
_MAX_CELLS = 10_000
_MAX_TEXT = 32 << 20
_MAX_PICTURES = 32 << 20
# Pictures that a browser shows and that hold no script, as SVG does.
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_LONGEST_NAME = 200
_LONGEST_NUMBER = 40
_NEEDED = {"code": ("metadata", "source", "outputs", "execution_count")}
_TEXT_KINDS = ("markdown", "raw")
_FILES = {
    b"PK\x03\x04": "a zip archive: unpack it and hand in the notebook",
    b"%PDF": "a PDF: hand in the notebook itself",
    b"\x1f\x8b": "a gzip archive: unpack it and hand in the notebook",
    b"7z\xbc\xaf": "a 7z archive: unpack it and hand in the notebook",
    b"Rar!": "a RAR archive: unpack it and hand in the notebook",
    b"\x89PNG": "a picture: hand in the notebook",
    b"<": "a web page (or another text that begins with `<`): download the notebook itself",
}


@dataclass(frozen=True)
class SubmittedCell:
    """A cell as it was handed in: ``kind`` is ``code``, ``markdown`` or ``raw``; ids are empty where there are none.

    ``attachments`` maps the name of a picture to its media type and base64 text.
    """

    kind: str
    source: str
    id: str = ""
    grade_id: str = ""
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Submitted:
    """The cells of a submitted file, and a sentence on each thing that was forgiven."""

    cells: tuple[SubmittedCell, ...]
    notes: tuple[str, ...] = ()


def read_submission(data: bytes) -> Submitted:
    """Read a notebook of any format since 2, in any encoding of Unicode.

    Raises ``NotebookError`` where it is none: why, a part of a sentence.
    """
    if len(data) > MAX_FILE:
        raise NotebookError(f"it has over {MAX_FILE >> 20} MB. Clear its outputs.")
    notes: list[str] = []
    content = _parsed(data, notes)
    cells = tuple(_cells(content, notes))
    if sum(len(cell.source) for cell in cells) > _MAX_TEXT:
        raise NotebookError(f"its cells hold over {_MAX_TEXT >> 20} MB of text.")
    return Submitted(cells, tuple(notes))


def _parsed(data: bytes, notes: list[str]) -> dict[str, Any]:
    start = data.lstrip()[:8]
    if not start:
        raise NotebookError("the file is empty.")
    for begin, what in _FILES.items():
        if start.startswith(begin):
            raise NotebookError(f"the file is {what}.")
    text = _decoded(data, notes)
    try:
        content, end = json.JSONDecoder(parse_int=_number).raw_decode(text)
    except RecursionError:
        raise NotebookError("it is nested too deeply.") from None
    except ValueError as error:
        raise NotebookError(f"it is not JSON ({str(error)[:200]}).") from None
    if text[end:].strip(" \t\r\n\0"):
        notes.append("Text behind the end of the notebook was left out.")
    if not isinstance(content, dict):
        raise NotebookError("it is JSON, but has no cells.")
    return content


def _number(digits: str) -> int:
    """A whole number; what is longer than any that a notebook has is cut, since Python refuses to read it."""
    return int(digits[:_LONGEST_NUMBER])


def _decoded(data: bytes, notes: list[str]) -> str:
    encoding = json.detect_encoding(data)
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"The file is {encoding.upper()}; notebooks are UTF-8.")
    try:
        text = data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
        notes.append("The file is not UTF-8: it was read as Windows text (cp1252).")
    if text.startswith("\ufeff"):
        text = text[1:]
    return text.lstrip()


def _cells(content: dict[str, Any], notes: list[str]) -> Iterator[SubmittedCell]:
    found = _list_of_cells(content, notes)
    if len(found) > _MAX_CELLS:
        notes.append(f"The notebook has over {_MAX_CELLS:,} cells: the rest was left out.")
    slip = ""
    pictures = _Pictures(notes)
    for number, cell in enumerate(found[:_MAX_CELLS], 1):
        if not isinstance(cell, dict):
            slip = slip or f"cell {number} is none"
            continue
        slip = slip or _slip(number, cell, "cells" in content)
        yield _cell(cell, pictures)
    if slip:
        notes.append(f"The file has faults of format that do not matter for grading ({slip}).")


def _list_of_cells(content: dict[str, Any], notes: list[str]) -> list[Any]:
    cells = content.get("cells")
    if isinstance(cells, list):
        return cells
    sheets = content.get("worksheets")  # until format 3
    if isinstance(sheets, list):
        notes.append("The notebook has an old format (before 4), and was converted.")
        lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        return [cell for cells in lists if isinstance(cells, list) for cell in cells]
    raise NotebookError("it is JSON, but has no cells.")


def _cell(cell: dict[str, Any], pictures: "_Pictures") -> SubmittedCell:
    kind = cell.get("cell_type")
    source = _text(cell.get("source", cell.get("input")))
    if kind == "heading":  # format 3
        level = cell.get("level")
        marks = "#" * level if isinstance(level, int) and 1 <= level <= 6 else "#"
        kind, source = "markdown", f"{marks} {source}"
    elif kind not in ("code", *_TEXT_KINDS):
        # What no version of the format knows: code has outputs, or its old name for the text.
        kind = "code" if "outputs" in cell or "input" in cell else "markdown"
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return SubmittedCell(kind, source, _short(cell.get("id")), _short(grade_id), pictures.of(cell))


def _text(source: Any) -> str:
    """A cell's text, its line ends as Python's, half characters (lone surrogates) as question marks."""
    if isinstance(source, list):
        lines = [line for line in source if isinstance(line, str)]
        # Every line but the last ends in a line end, unless a tool split the text without them.
        is_bare = len(lines) > 1 and not any(line.endswith(("\n", "\r")) for line in lines[:-1])
        source = ("\n" if is_bare else "").join(lines)
    text = source if isinstance(source, str) else ""
    return text.replace("\r\n", "\n").replace("\r", "\n").encode(errors="replace").decode()


def _short(value: Any) -> str:
    return value.encode(errors="replace").decode()[:_LONGEST_NAME] if isinstance(value, str) else ""


def _slip(number: int, cell: dict[str, Any], is_current: bool) -> str:
    """The first thing that the format asks for and the cell has not; outputs are not looked at."""
    kind = cell.get("cell_type")
    if not is_current:
        return ""
    if kind not in ("code", *_TEXT_KINDS):
        return f"cell {number} has no kind that is known"
    needed = _NEEDED.get(kind, ("metadata", "source"))
    if lacking := [key for key in needed if key not in cell]:
        return f"cell {number} has no {lacking[0]}"
    if extra := [key for key in ("outputs", "execution_count") if kind != "code" and key in cell]:
        return f"cell {number} is text and has {extra[0]}"
    return ""


class _Pictures:
    """Attached pictures, as long as there is room for them."""

    def __init__(self, notes: list[str]) -> None:
        self._left, self._notes = _MAX_PICTURES, notes

    def of(self, cell: dict[str, Any]) -> dict[str, dict[str, str]]:
        attachments = cell.get("attachments")
        kept = {}
        for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
            picture = self._picture(bundle)
            if picture:
                kept[_short(name)] = picture
            else:
                self._notes.append(f"The attachment {_short(name)[:60]} is no picture that can be kept.")
        return kept

    def _picture(self, bundle: Any) -> dict[str, str]:
        for kind in _PICTURES:
            data = bundle.get(kind) if isinstance(bundle, dict) else None
            data = "".join(data) if isinstance(data, list) and all(isinstance(part, str) for part in data) else data
            if not isinstance(data, str) or len(data) > self._left:
                continue
            try:
                base64.b64decode("".join(data.split()), validate=True)
            except (binascii.Error, ValueError):
                continue
            self._left -= len(data)
            return {kind: "".join(data.split())}
        return {}
