"""Reads collections of alternative answers: functions named ``<question>__<what is special about it>``.

The known wrong answers (``mistakes`` in the reference package) and the correct ``variants`` are both written so. The
function's docstring says what it is; its source, renamed to the question, can stand in a solution cell. Questions named
in the module's ``VALUES`` ask for a variable: their functions take no argument and return its value.

A collection is read as text: nothing in it is imported or run.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

_SEPARATOR = "__"


@dataclass(frozen=True)
class Entry:
    """One alternative answer to ``question``; ``source`` defines it under the question's own name."""

    question: str
    name: str
    sentence: str
    source: str


def read(path: Path) -> list[Entry]:
    """All entries of a module, in the order they are written.

    An entry's source carries the module's own helpers (names starting with ``_``) and imports in front of it, so
    that it needs nothing from the notebook.
    """
    text = path.read_text(encoding="utf-8")
    module = ast.parse(text)
    definitions = [node for node in module.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    written = [node for node in definitions if _SEPARATOR in node.name.strip("_") and not node.name.startswith("_")]
    if not written:
        return []
    lines = text.splitlines()
    preamble = "\n".join(lines[_first_line(module) : _start(written[0])]).strip()
    values = _values(module)
    return [_entry(node, lines, preamble, values) for node in written]


def module_name(notebook: str) -> str:
    """The Python module of a notebook's answers: ``HandDesignFilters`` -> ``hand_design_filters``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in notebook).lstrip("_")


def _entry(node: ast.FunctionDef | ast.ClassDef, lines: list[str], preamble: str, values: tuple[str, ...]) -> Entry:
    question, name = node.name.split(_SEPARATOR, 1)
    source = re.sub(rf"\b{node.name}\b", question, "\n".join(lines[_start(node) : node.end_lineno])) + "\n"
    if question in values:
        source += f"\n\n{question} = {question}()\n"
    sentence = ast.get_docstring(node) or ""
    return Entry(question, name, sentence, f"{preamble}\n\n\n{source}" if preamble else source)


def _start(node: ast.FunctionDef | ast.ClassDef) -> int:
    """The index of the first line of a definition, its decorators included."""
    return min(part.lineno for part in (node, *node.decorator_list)) - 1


def _first_line(module: ast.Module) -> int:
    """The index of the line behind the module's docstring."""
    return module.body[0].end_lineno or 0 if ast.get_docstring(module) is not None else 0


def _values(module: ast.Module) -> tuple[str, ...]:
    for node in module.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["VALUES"]:
            return tuple(ast.literal_eval(node.value))
    return ()
