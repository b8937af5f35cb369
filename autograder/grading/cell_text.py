"""What a cell's text says, however an editor changed its form."""

import ast
import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

from autograder.assignment.names import defined_names

# More than any cell of a homework has: longer code is not looked into, which takes time.
_MAX_CODE = 200_000
_MAX_LINES = 2000
# Of more new lines than that none is taken for a correction of a given one.
_MAX_CORRECTED = 40
# A line that begins with one so short need not be that one, prolonged.
_TELLING = 10
_ALIKE = 0.9
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_MAGIC_LINE = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)


def plain(text: str) -> str:
    """A text without what editors change: space at its ends and at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def unfenced(text: str) -> str:
    """The code in the fenced blocks of a Markdown text, and the rest as comments; a text without blocks as it is."""
    lines: list[str] = []
    fence = ""
    found = False
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence and mark and mark.group(1).startswith(fence) and not mark.group(2).strip("`~ "):
            fence = ""
        elif mark and not fence:
            fence, found = mark.group(1), True
        else:
            lines.append(line if fence or not line.strip() else f"# {line}")
    return "\n".join(lines) if found else text


@lru_cache(maxsize=256)
def names_defined(code: str) -> frozenset[str]:
    """Names that a cell's code defines at its top level; magics and shell commands are passed over."""
    try:
        return frozenset(defined_names(_without_magics(code))) if len(code) <= _MAX_CODE else frozenset()
    except (ValueError, RecursionError, MemoryError):
        return frozenset()


def parsed(code: str) -> ast.Module | None:
    """The syntax tree of a cell's code, magics aside; None where it is no Python, or more than a cell has."""
    if len(code) > _MAX_CODE:
        return None
    try:
        return ast.parse(_without_magics(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_code(text: str) -> bool:
    """Whether a text is Python, magics aside, that does something."""
    tree = parsed(text)
    return tree is not None and bool(tree.body)


def is_stub(text: str, released: str, name: str) -> bool:
    """Whether an answer is still the released cell, or a definition of ``name`` that does nothing but say so."""
    if plain(text) in ("", plain(released)):
        return True
    tree = parsed(text)
    if tree is None:
        return False
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
    steps = definitions[-1].body if definitions else tree.body
    steps = [step for step in steps if not (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))]
    return all(_says_unanswered(step) for step in steps)


def leaves_stub_line(code: str) -> bool:
    """Whether code that does more still has a line that raises ``NotImplementedError``."""
    tree = parsed(code)
    return tree is not None and any(_says_unanswered(node) for node in ast.walk(tree))


def added(released: str, text: str) -> str:
    """What a student typed into a given text: new lines, and what stands behind the end of a given line.

    A line that resembles a given one is a correction of it, and none of this.
    """
    given = [line for line in plain(released).splitlines() if line]
    known = set(given)
    lines = [line for line in plain(text).splitlines()[:_MAX_LINES] if line not in known]
    may_correct = sum(map(bool, lines)) <= _MAX_CORRECTED
    new = [_beyond(given, line, may_correct) for line in lines]
    return "\n".join(line for line in new if line is not None).strip("\n")


def _beyond(given: list[str], line: str, may_correct: bool) -> str | None:
    for old in given:
        if len(old) > _TELLING and line.startswith(old):
            return line[len(old) :].lstrip()
    if line and may_correct and any(_resembles(old, line) for old in given):
        return None
    return line


def _resembles(old: str, line: str) -> bool:
    if 2 * min(len(old), len(line)) <= _ALIKE * (len(old) + len(line)):  # which bounds the ratio
        return False
    return difflib.SequenceMatcher(None, old, line).quick_ratio() > _ALIKE


class Cutter:
    """Finds whole given texts in others, line by line."""

    def __init__(self, texts: Iterable[str]) -> None:
        """``texts`` are as ``plain`` has them."""
        self._by_first: dict[str, list[list[str]]] = {}
        for text in sorted(set(texts), key=len, reverse=True):
            lines = text.splitlines()
            self._by_first.setdefault(lines[0], []).append(lines)

    def cut(self, text: str) -> list[tuple[bool, str]]:
        """The parts of a text, in order, and of each whether it is a given text; blank ones are left out."""
        lines = [line.rstrip() for line in text.splitlines()]
        parts: list[tuple[bool, str]] = []
        begin = number = 0
        while number < len(lines):
            fits = (given for given in self._by_first.get(lines[number], ()) if _stands_at(lines, number, given))
            given = next(fits, None)
            if given is None:
                number += 1
                continue
            parts += [(False, "\n".join(lines[begin:number])), (True, "\n".join(given))]
            begin = number = number + len(given)
        parts.append((False, "\n".join(lines[begin:])))
        return [(is_given, part.strip("\n")) for is_given, part in parts if part.strip()]


def _stands_at(lines: list[str], start: int, given: list[str]) -> bool:
    """Whether a given text stands at a line; compared line by line, since most differ soon."""
    if start + len(given) > len(lines):
        return False
    return all(lines[start + number] == line for number, line in enumerate(given))


def _without_magics(code: str) -> str:
    first, _, rest = code.lstrip().partition("\n")
    return _MAGIC_LINE.sub(r"\1pass", rest if first.startswith("%%") else code)


def _says_unanswered(step: ast.AST) -> bool:
    """Whether a statement is ``raise NotImplementedError``, with a message or without."""
    if not isinstance(step, ast.Raise) or step.exc is None:
        return False
    raised = step.exc.func if isinstance(step.exc, ast.Call) else step.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
