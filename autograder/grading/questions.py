"""Runs the tests of one question in the grader, with the student's names as data and remotes."""

import builtins
import contextlib
import io
import random
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from autograder.authoring.model import Question
from autograder.authoring.names import free_names
from autograder.grading.box import Box, BoxLost
from autograder.grading.remote import Session, StudentError, TestEnded
from autograder.grading.results import Limits, QuestionResult, Verdict

_SEED = 182
_MEMORY_WORDS = ("can't allocate memory", "Unable to allocate", "Cannot allocate memory")


def run_question(
    question: Question, box: Box, cells: list[str], limits: Limits, deadline: float
) -> tuple[QuestionResult, bool]:
    """Run both parts of the tests in one fork of the student process.

    Returns the result and whether the student process is still there to go on with. ``deadline`` is the submission's,
    in the time of ``time.monotonic()``.
    """
    seconds = min(limits.test_seconds, deadline - time.monotonic())
    try:
        test = box.fork()
    except BoxLost:
        return _result(question, Verdict.CRASHED, "the notebook's process ended before this test."), False
    session = Session(test.channel, time.monotonic() + seconds, limits.reply << 20, cells)
    ended: TestEnded | None = None
    result = _result(question, Verdict.PASSED)
    try:
        for part, code in (("visible", question.visible), ("hidden", question.hidden)):
            result = _run_part(question, part, code, session)
            if result.verdict is not Verdict.PASSED:
                break
    except TestEnded as error:
        ended = error
    try:
        status, alive = test.close(), True
    except BoxLost:
        status, alive = 1, False
    if ended:
        result = _explained(question, ended, status, seconds)
    return result, alive


def _run_part(question: Question, part: str, code: str, session: Session) -> QuestionResult:
    """Run one part; everything a test can raise becomes a verdict, but ``TestEnded``."""
    namespace: dict[str, object] = {"__name__": "__main__", "__builtins__": builtins}
    try:
        for name in free_names(code):
            found, value = session.look_up(name)
            if not found:
                message = f"`{name}` is not defined: does its cell run without an error?"
                return _result(question, Verdict.MISSING, message, part)
            namespace[name] = value
        _seed()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(code, f"<{question.test_id}>", "exec", dont_inherit=True), namespace)  # the course's own code
    except StudentError as error:
        verdict = Verdict.MEMORY if _is_memory(error) else Verdict.ERROR
        message = (
            f"your code raised {error.kind}: {error.message}" if error.message else f"your code raised {error.kind}."
        )
        return _result(question, verdict, message, part, error.traceback)
    except AssertionError as error:
        return _result(question, Verdict.FAILED, str(error) or "a test did not hold.", part)
    except Exception as error:
        message = f"what your code returned could not be used: {type(error).__name__}: {str(error)[:500]}"
        return _result(question, Verdict.FAILED, message, part)
    return _result(question, Verdict.PASSED)


def _explained(question: Question, ended: TestEnded, status: int, seconds: float) -> QuestionResult:
    """The result of a test during which the student process stopped answering."""
    if ended.reason == "late":
        text = (
            f"your code did not come to an end within {seconds:.0f} s when the tests called it. Does a loop never stop?"
        )
        return _result(question, Verdict.TIMEOUT, text)
    if ended.reason == "reply":
        return _result(question, Verdict.REPLY, f"what your code returned cannot be judged: {ended}.")
    how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    return _result(question, Verdict.CRASHED, f"your code ended its own process when the tests called it ({how}).")


def _result(
    question: Question, verdict: Verdict, message: str = "", part: str = "", traceback: str = ""
) -> QuestionResult:
    points = question.points if verdict is Verdict.PASSED else 0.0
    return QuestionResult(question.name, verdict, points, question.points, message, part, traceback)


def _is_memory(error: StudentError) -> bool:
    return isinstance(error, MemoryError) or any(words in error.message for words in _MEMORY_WORDS)


def _seed() -> None:
    random.seed(_SEED)
    np.random.seed(_SEED)
    torch.manual_seed(_SEED)


@contextlib.contextmanager
def importing_from(folders: Iterable[Path]) -> Iterator[None]:
    """Let tests import the course's packages (``solutions``, ``hw4kit``) from ``folders`` first."""
    before = sys.path[:]
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before
