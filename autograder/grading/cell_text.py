"""What a cell's text says, however an editor changed its form."""

import ast
import difflib
import re
from functools import lru_cache

from autograder.assignment.names import defined_names

# More than any cell of a homework has: no more is compared with what was given, which takes time.
_MAX_LINES = 2000
_MAX_LINE = 400
# A line that begins with one so short need not be that one, prolonged.
_TELLING = 10
_ALIKE = 0.9
_FENCE = re.compile(r"\A(`{3,}|~{3,})[^\n`]*\n(.*?)\n?\1[`~]*\s*\Z", re.DOTALL)
_MAGIC_LINE = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)


def plain(text: str) -> str:
    """A text without what editors change: space at its ends and at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def unfenced(text: str) -> str:
    """Code without the fence that makes it a block of Markdown; any other text as it is."""
    found = _FENCE.match(text.strip())
    return found.group(2) if found else text


@lru_cache(maxsize=4096)
def names_defined(code: str) -> frozenset[str]:
    """Names that a cell's code defines at its top level; magics and shell commands are passed over."""
    first, _, rest = code.lstrip().partition("\n")
    return frozenset(defined_names(_MAGIC_LINE.sub(r"\1pass", rest if first.startswith("%%") else code)))


def is_code(text: str) -> bool:
    """Whether a text is Python, magics aside."""
    try:
        return bool(ast.parse(_MAGIC_LINE.sub(r"\1pass", text)).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def is_stub(text: str, released: str, name: str) -> bool:
    """Whether an answer is still the released cell, or a definition of ``name`` that does nothing but say so."""
    if plain(text) in ("", plain(released)):
        return True
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    definitions = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name]
    steps = definitions[-1].body if definitions else body
    steps = [step for step in steps if not (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))]
    return all(_says_unanswered(step) for step in steps)


def leaves_stub_line(code: str) -> bool:
    """Whether code that does more still has a line that raises ``NotImplementedError``."""
    try:
        return any(_says_unanswered(node) for node in ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def added(released: str, text: str) -> str:
    """What a student typed into a given text: new lines, and what stands behind the end of a given line.

    A line that resembles a given one is a correction of it, and none of this.
    """
    given = [line for line in plain(released).splitlines() if line]
    lines = [_beyond(given, line) for line in plain(text).splitlines()[:_MAX_LINES]]
    return "\n".join(line for line in lines if line is not None).strip("\n")


def without(text: str, given: str) -> str:
    """A text without a given one, where that stands in it as a whole; both as ``plain`` has them."""
    before, found, behind = text.partition(given)
    return f"{before.rstrip()}\n\n{behind.lstrip()}".strip("\n") if found else text


def _beyond(given: list[str], line: str) -> str | None:
    if line in given:
        return None
    for old in given:
        if len(old) > _TELLING and line.startswith(old):
            return line[len(old) :].lstrip()
    is_short = 0 < len(line) < _MAX_LINE
    if is_short and any(difflib.SequenceMatcher(None, old, line).quick_ratio() > _ALIKE for old in given):
        return None
    return line


def _says_unanswered(step: ast.AST) -> bool:
    """Whether a statement is ``raise NotImplementedError``, with a message or without."""
    if not isinstance(step, ast.Raise) or step.exc is None:
        return False
    raised = step.exc.func if isinstance(step.exc, ast.Call) else step.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
