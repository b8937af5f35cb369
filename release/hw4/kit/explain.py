"""From an exception in a notebook cell to what a student should read about it.

Three things go wrong in the cells that the notebook gives: a question is not answered yet, an answer is not what a
test expects, or the student's own code raises. Everything else keeps Python's traceback.
"""

import json
import linecache
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from kit.checks import Mismatch

# What the release puts in place of an answer raises NotImplementedError with this; torch raises it for other reasons.
UNANSWERED = "This question is not answered yet"
# The first line of every test cell.
_TESTS_OF = re.compile(r"# Tests of (\w+)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Explanation:
    """What a student should read: a title, labelled lines (``("hint", "...")``), and Python's traceback as text."""

    title: str
    lines: tuple[tuple[str, str], ...]
    traceback: str


def explain(error: BaseException, cell: str, folder: Path) -> Explanation | None:
    """Why ``cell`` (its source) ended with ``error``; None where Python's traceback says it best.

    ``folder`` is where the notebook is: the section to read is looked up in it.
    """
    question = tested(cell)
    section, is_given = _place(cell, folder)
    if isinstance(error, NotImplementedError) and UNANSWERED in str(error):
        missing = _missing(error, question)
        title, lines = _unanswered(missing)
        section = _section_of(missing, folder) or section  # a figure may need an answer of another section
    elif question and isinstance(error, AssertionError):
        title, lines = f"{question} does not pass its tests yet", _mismatch(error)
    elif question and isinstance(error, NameError) and not _answer_frame(error):
        title, lines = f"{question} cannot be tested yet", [("what", f"{error}."), ("hint", _RUN_FIRST)]
    elif question:
        title, lines = f"{question} ends with an error", _raised(error, _NOT_USABLE)
    elif is_given and not isinstance(error, ImportError):
        title, lines = "This cell needs answers that pass their tests", _raised(error, _TESTS_FIRST)
    else:
        return None
    if section:
        lines.append(("read", f"the section “{section}”, above"))
    return Explanation(title, tuple(lines), _plain_traceback(error))


def tested(cell: str) -> str:
    """The question whose tests are in ``cell``; empty for any other cell."""
    found = _TESTS_OF.match(cell)
    return found[1] if found else ""


_NOT_USABLE = "The test could not use what your code returned."
_TESTS_FIRST = "Make the tests above pass first, then run all cells above: Run > Run All Above Selected Cell."
_RUN_FIRST = (
    "Run the cell of the answer (Shift+Enter) when it is written, then this one. After a restart of the kernel, run "
    "all cells above: Run > Run All Above Selected Cell."
)


def _missing(error: NotImplementedError, question: str) -> str:
    """The question whose stub was called, which is named by the function that holds it; may be empty."""
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    missing = next((name for name in reversed(names) if name.isidentifier()), question)
    return missing if not missing.startswith("__") else question


def _unanswered(missing: str) -> tuple[str, list[tuple[str, str]]]:
    if not missing:
        return UNANSWERED, [("hint", "Write your code in this cell, and run it again.")]
    hint = f"Write your code in the cell of {missing}, run that cell, then this one."
    return f"{missing} is not answered yet", [("hint", hint)]


def _mismatch(error: AssertionError) -> list[tuple[str, str]]:
    if not isinstance(error, Mismatch):
        return [("what", str(error))]
    parts = {"what": error.what, "expected": error.expected, "got": error.got, "hint": error.hint}
    return [(label, text) for label, text in parts.items() if text]


def _raised(error: BaseException, hint: str) -> list[tuple[str, str]]:
    """The student's own line that raised, or that called what raised; ``hint`` when there is none."""
    message = f"{type(error).__name__}: {error}"
    frame = _answer_frame(error)
    if frame is None:
        return [("what", message), ("hint", hint)]
    return [("what", message), ("where", f"in {frame.name}, line {frame.lineno} of its cell: {frame.line}")]


def _answer_frame(error: BaseException) -> traceback.FrameSummary | None:
    """The innermost frame in a notebook cell other than the one that ran; None when there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    cells = [frame for frame in frames[1:] if _is_cell(frame.filename) and frame.filename != frames[0].filename]
    return cells[-1] if cells else None


def _is_cell(filename: str) -> bool:
    """Whether this is code of a cell: IPython keeps its text in ``linecache`` and nowhere on disk."""
    return filename in linecache.cache and not Path(filename).is_file()


def _plain_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()


def without_shell(error: BaseException) -> BaseException:
    """``error`` with IPython's own frame, which is the first, taken off its traceback."""
    found: TracebackType | None = error.__traceback__
    return error.with_traceback(found.tb_next) if found is not None else error


def _place(cell: str, folder: Path) -> tuple[str, bool]:
    """The heading above ``cell`` in the notebook in ``folder`` that has it, and whether it is one of the given cells.

    Empty and False when no notebook has it, as in Colab.
    """
    found = ((heading, bool(nbgrader.get("locked"))) for heading, source, nbgrader in _code_cells(folder)
             if source.strip() == cell.strip())  # fmt: skip
    return next(found, ("", False))


def _section_of(question: str, folder: Path) -> str:
    """The heading above the answer cell of ``question``; empty when no notebook has it."""
    found = (heading for heading, _, nbgrader in _code_cells(folder) if nbgrader.get("grade_id") == question)
    return next(found, "") if question else ""


def _code_cells(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Of each code cell of the notebooks in ``folder``: the heading above it, its source, nbgrader's metadata."""
    for path in sorted(folder.glob("*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            known = [("".join(c["source"]), c["cell_type"], c["metadata"].get("nbgrader", {})) for c in cells]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        heading = ""
        for source, kind, nbgrader in known:
            if kind == "markdown" and (headings := _HEADING.findall(source)):
                heading = headings[-1].replace("`", "")
            elif kind == "code":
                yield heading, source, nbgrader
