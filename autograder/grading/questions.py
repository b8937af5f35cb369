"""Runs the tests of one question in the grader, with the student's names as data and remotes."""

import builtins
import contextlib
import functools
import io
import os
import resource
import sys
import time
from collections.abc import Iterator
from types import CodeType, ModuleType

from autograder.assignment.assignment import SEED_VARIABLE, SOLUTIONS, Assignment
from autograder.assignment.names import free_names
from autograder.assignment.notebook import Question
from autograder.grading.alarm import Alarm
from autograder.grading.notebook_box import NotebookBox
from autograder.grading.policy import NotebookLimits
from autograder.grading.remote import ForkLost, Session, StudentError
from autograder.grading.results import QuestionResult, Verdict
from autograder.grading.seeding import seed
from autograder.grading.wire import WireError
from autograder.sandbox.box import BoxLost, Loss

_MEMORY_WORDS = ("can't allocate memory", "Unable to allocate", "Cannot allocate memory")
# What a test may take here beyond what the grader has already, and its time beyond that of the student's code: a small
# reply can become large in a comparison (a column against a row), or slow.
_TEST_MEMORY = 4 << 30
_TEST_SECONDS = 30.0
_CANNOT_BE_JUDGED = "what your code returned cannot be judged"


def run_question(
    question: Question,
    box: NotebookBox,
    cells: list[str],
    limits: NotebookLimits,
    deadline: float,
    course: "CourseModules",
) -> tuple[QuestionResult, bool]:
    """Run both parts of the tests in one fork of the student process.

    Returns the result and whether the student process is still there to go on with. ``deadline`` is the submission's,
    in the time of ``time.monotonic()``. ``course`` is imported anew after a test in which an argument was changed in
    place: it may have been one of the course's own tensors.
    """
    seconds = min(limits.test_seconds, deadline - time.monotonic())
    try:
        test = box.fork()
    except BoxLost:
        return _result(question, Verdict.CRASHED, "the notebook's process ended before this test."), False
    session = Session(test.channel, time.monotonic() + seconds, limits.reply << 20, cells)
    ended: ForkLost | None = None
    result = _result(question, Verdict.PASSED)
    try:
        with bounded(seconds + _TEST_SECONDS):
            result = run_tests(question, session, course)
    except ForkLost as error:
        ended = error
        course.forget()
    if ended is None:
        test.close()
        return result, not box.is_lost()
    try:
        status, alive = test.end(), True
    except BoxLost:
        status, alive = 1, False
    whole = limits.total_seconds if seconds < limits.test_seconds else 0.0
    return _explained(question, ended, status, seconds, whole), alive


def run_tests(question: Question, session: Session, course: "CourseModules") -> QuestionResult:
    """Run the visible and then the hidden tests, as far as they pass. Raises ``ForkLost``."""
    result = _result(question, Verdict.PASSED)
    for part, code in (("visible", question.visible), ("hidden", question.hidden)):
        result = _run_part(question, part, code, session)
        if session.has_changed:
            course.forget()
        if result.verdict is not Verdict.PASSED:
            break
    return result


def _run_part(question: Question, part: str, code: str, session: Session) -> QuestionResult:
    """Run one part; everything a test can raise becomes a verdict, but ``ForkLost``."""
    namespace: dict[str, object] = {"__name__": "__main__", "__builtins__": builtins}
    try:
        names, compiled = _compiled(question.test_id, code)
        for name in names:
            found, value = session.look_up(name)
            if not found:
                message = f"`{name}` is not defined: does its cell run without an error?"
                return _result(question, Verdict.MISSING, message, part)
            namespace[name] = value
        seed()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compiled, namespace)  # the course's own code
    except StudentError as error:
        if error.kind == WireError.__name__:
            return _result(question, Verdict.REPLY, f"{_CANNOT_BE_JUDGED}: {error.message}.", part)
        verdict = Verdict.MEMORY if is_memory_error(f"{error.kind}: {error.message}") else Verdict.ERROR
        message = (
            f"your code raised {error.kind}: {error.message}" if error.message else f"your code raised {error.kind}."
        )
        if verdict is Verdict.MEMORY:
            message = f"your code needs more memory than there is when the tests call it: {error.message or error.kind}"
        return _result(question, verdict, message, part, error.traceback)
    except AssertionError as error:
        return _result(question, Verdict.FAILED, str(error) or "a test did not hold.", part)
    except Exception as error:
        message = f"what your code returned could not be used: {type(error).__name__}: {str(error)[:500]}"
        return _result(question, Verdict.FAILED, message, part)
    return _result(question, Verdict.PASSED)


@functools.cache
def _compiled(test_id: str, code: str) -> tuple[list[str], CodeType]:
    """The names that a part takes from the notebook, and the part ready to run: the same for a whole class."""
    return free_names(code), compile(code, f"<{test_id}>", "exec", dont_inherit=True)


def _explained(question: Question, ended: ForkLost, status: int, seconds: float, whole: float) -> QuestionResult:
    """The result of a test during which the student process stopped answering.

    ``whole`` is what the notebook may take in all, when that was what left the test ``seconds``; else 0.
    """
    if ended.loss is Loss.LATE and whole:
        text = f"the notebook took over {whole:.0f} s in all, of which the tests of this question had {seconds:.0f}."
        return _result(question, Verdict.TIMEOUT, text)
    if ended.loss is Loss.LATE:
        text = (
            f"your code did not come to an end within {seconds:.0f} s when the tests called it. Does a loop never stop?"
        )
        return _result(question, Verdict.TIMEOUT, text)
    if ended.loss is Loss.REPLY:
        return _result(question, Verdict.REPLY, f"{_CANNOT_BE_JUDGED}: {ended}.")
    if status == os.EX_OSERR:
        text = "no process could be started for the tests: the notebook's own processes and threads are too many."
        return _result(question, Verdict.CRASHED, text)
    how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    return _result(question, Verdict.CRASHED, f"your code ended its own process when the tests called it ({how}).")


def _result(
    question: Question, verdict: Verdict, message: str = "", part: str = "", traceback: str = ""
) -> QuestionResult:
    points = question.points if verdict is Verdict.PASSED else 0.0
    return QuestionResult(question.name, verdict, points, question.points, message, part, traceback)


def is_memory_error(text: str) -> bool:
    """Whether an exception, described as ``Kind: message``, says that there is not enough memory."""
    return text.startswith("MemoryError") or any(words in text for words in _MEMORY_WORDS)


@contextlib.contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Limit what a test takes of the grader itself: its time, and on Linux its memory.

    Raises ``ForkLost`` when it is over.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if used := _data_in_use():
        limit = used + _TEST_MEMORY if soft == resource.RLIM_INFINITY else min(soft, used + _TEST_MEMORY)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        with Alarm(seconds):
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_in_use() -> int:
    """What the limit counts of this process, in bytes; 0 where the host does not tell."""
    with contextlib.suppress(OSError), open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[5]) * resource.getpagesize()
    return 0


class CourseModules:
    """The course's packages (reference answers, kits) as the tests of one submission import them.

    Used as a context manager: within it tests find them in these folders first, and fresh, whatever earlier tests did
    to them. Afterwards the grader's own are back.
    """

    def __init__(self, assignment: Assignment) -> None:
        self._folders = [str(assignment.source), str(assignment.root)]
        self._packages = {SOLUTIONS, *(package.name for package in assignment.packages)}
        self._seed = str(assignment.settings.hidden_seed)

    def __enter__(self) -> "CourseModules":
        self._path = sys.path[:]
        self._is_seeded = SEED_VARIABLE not in os.environ
        os.environ.setdefault(SEED_VARIABLE, self._seed)
        self._before = self.forget()
        sys.path[:0] = self._folders
        return self

    def __exit__(self, *_ignored: object) -> None:
        self.forget()
        sys.modules.update(self._before)
        sys.path[:] = self._path
        if self._is_seeded:
            os.environ.pop(SEED_VARIABLE, None)

    def forget(self) -> dict[str, ModuleType]:
        """Let the next import of a course's package read it anew; returns what was there."""
        inside = tuple(f"{package}." for package in self._packages)
        names = [name for name in sys.modules if name in self._packages or name.startswith(inside)]
        return {name: sys.modules.pop(name) for name in names}
