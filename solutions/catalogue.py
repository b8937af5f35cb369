"""Reads collections of alternative answers: functions named ``<question>__<what is special about it>``.

The known wrong answers (``solutions.misconceptions``) and the correct variants of the tests are both written so. The
function's docstring says what it is; its source, renamed to the question, can stand in a solution cell. Questions named
in the module's ``VALUES`` ask for a variable: their functions take no argument and return its value.
"""

import inspect
import re
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Entry:
    """One alternative answer to ``question``; ``source`` defines it under the question's own name."""

    question: str
    name: str
    sentence: str
    source: str


def read(module: ModuleType) -> list[Entry]:
    """All entries of a module, in the order they are written.

    An entry's source carries the module's own helpers (names starting with ``_``) and imports in front of it, so
    that it needs nothing from the notebook.
    """
    preamble = _preamble(module)
    entries = []
    for full_name, value in vars(module).items():
        if "__" not in full_name.strip("_") or full_name.startswith("_") or not callable(value):
            continue
        question, name = full_name.split("__", 1)
        source = re.sub(rf"\b{full_name}\b", question, inspect.getsource(value))
        if question in getattr(module, "VALUES", ()):
            source += f"\n\n{question} = {question}()\n"
        sentence = inspect.cleandoc(value.__doc__ or "")
        entries.append(Entry(question, name, sentence, f"{preamble}\n\n{source}" if preamble else source))
    return entries


def _preamble(module: ModuleType) -> str:
    """The module's source from behind its docstring up to its first entry."""
    source = inspect.getsource(module)
    start = re.search(r"^(def|class) [a-z][A-Za-z0-9_]*__", source, re.MULTILINE)
    head = source[: start.start()] if start else source
    return head.replace(f'"""{module.__doc__}"""', "", 1).strip()
