"""What a student should read where a question failed for a reason outside of its answer's idea."""

import re
from collections.abc import Mapping
from dataclasses import replace

from autograder.grading.cell_text import is_stub, leaves_stub_line, names_defined
from autograder.grading.results import QuestionResult, Verdict

_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_NAME = re.compile(r"name '(\w+)' is not defined")
# Cell magics whose cells leave no names behind (https://ipython.readthedocs.io/en/stable/interactive/magics.html).
_DISCARDING = re.compile(r"\s*(%%(?:timeit|prun|script|bash|sh|writefile|python3?|html|latex|javascript|capture_))")

# By grade id, empty for a student's own cells: how a cell ended that did not end well.
Broken = Mapping[str, tuple[Verdict, str]]


def advised(result: QuestionResult, answer: str, broken: Broken, missing_modules: frozenset[str]) -> QuestionResult:
    """The result with the sentence that names the real cause, where it is one of these.

    ``answer`` is the text of the question's cell, ``missing_modules`` what cells tried to import in vain.
    """
    if result.verdict is Verdict.PASSED:
        return result
    if result.verdict is Verdict.MISSING:
        result = _with_cause(result, answer, broken)
    elif result.verdict is Verdict.ERROR and leaves_stub_line(answer) and not is_stub(answer, "", result.question):
        text = "Your code is there, but so is the line `raise NotImplementedError(...)`: delete that line."
        result = replace(result, message=text, diagnosis="")
    module = _missing_module(result.message, missing_modules)
    return replace(result, message=f"{result.message.rstrip('.')}. {not_installed(module)}") if module else result


def missing_module(error: str) -> str:
    """The module that an error says is not installed; empty where it says nothing of the kind."""
    found = _NO_MODULE.search(error)
    return found.group(1).partition(".")[0] if found else ""


def not_installed(module: str) -> str:
    return (
        f"{module} is not installed where your work is graded, and no file of that name came with your notebook: use "
        "what requirements.txt lists."
    )


def _with_cause(result: QuestionResult, answer: str, broken: Broken) -> QuestionResult:
    """A name is missing because its cell failed, or discards it: then that is what the student should read."""
    if result.question in broken:
        verdict, text = broken[result.question]
        message = f"`{result.question}` is not defined: {text}"
        return QuestionResult(result.question, verdict, 0.0, result.maximum, message, result.part)
    magic = _DISCARDING.match(answer)
    if magic and result.question in names_defined(answer):
        text = f"`{magic.group(1)}` discards the names that its cell defines: delete that line."
        return replace(result, message=f"`{result.question}` is not defined: {text}")
    return result


def _missing_module(message: str, missing_modules: frozenset[str]) -> str:
    if module := missing_module(message):
        return module
    found = _NO_NAME.search(message)
    return found.group(1) if found and found.group(1) in missing_modules else ""
