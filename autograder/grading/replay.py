"""Asks two notebooks the same things: records what a test asks of one, repeats it with another, compares the outcomes.

A test is kept as the messages that went to the notebook and what came back. Nothing in them depends on the kind of
question: functions, classes, values and configurations are all asked for over the same wire.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from autograder.assignment.notebook import Question
from autograder.grading.notebook_box import NotebookBox
from autograder.grading.questions import CourseModules, run_tests
from autograder.grading.remote import CallableRemote, Remote, Session, StudentError
from autograder.grading.results import Verdict
from autograder.grading.wire import Message, Wire, WireError
from autograder.sandbox.channel import Channel
from autograder.sandbox.messages import MAX_BLOB

# Two answers agree when no number differs by more than this share of the largest one: float32 against float64 differs
# by 4e-7 (see kit.checks), two different answers by far more.
_TOLERANCE = 1e-5
_SMALLEST = 1e-6
# Of larger arrays this many numbers are kept, evenly spaced: outcomes stay in memory for a whole class.
_MOST_NUMBERS = 100_000
_NO_ANSWER = "no answer"
# Answers that are as large as a known mistake's: 16 times this many bytes in all.
REPLY = 16 << 20


@dataclass(frozen=True)
class Exchange:
    """One question of a test and the answer to it. ``numbers`` are those of the objects that the answer refers to."""

    request: Message
    numbers: tuple[int, ...]


@dataclass
class RecordingChannel(Channel):
    """A channel that keeps what goes over it."""

    exchanges: list[Exchange] = field(default_factory=list)
    _request: Message | None = None

    def send(self, message: Message, deadline: float | None = None) -> None:
        self._request = message
        super().send(message, deadline)

    def receive(self, deadline: float | None = None, max_blob: int = MAX_BLOB) -> Message:
        answer = super().receive(deadline, max_blob)
        if self._request is not None:
            numbers = _objects(Wire(repr, lambda reference: _Object(reference["number"])).decode(answer))
            self.exchanges.append(Exchange(self._request, tuple(one.number for one in numbers)))
        return answer


@dataclass(frozen=True)
class Outcome:
    """What an exchange gave: a value (with what became of the arguments), or the kind of an exception."""

    value: Any = None
    error: str = ""


def record(
    question: Question, box: NotebookBox, cells: list[str], course: CourseModules, deadline: float
) -> list[Exchange]:
    """What the tests of a question ask of the notebook in ``box``; nothing when its answer does not pass.

    Raises ``ForkLost``.
    """
    test = box.fork()
    channel = RecordingChannel(test.channel.socket)
    try:
        result = run_tests(question, Session(channel, deadline, 4 * REPLY, cells), course)
    finally:
        test.close()
    return channel.exchanges if result.verdict is Verdict.PASSED else []


def repeat(exchanges: list[Exchange], box: NotebookBox, deadline: float) -> list[Outcome]:
    """The outcomes of ``exchanges`` with the notebook in ``box``, in a fork of it. Raises ``ForkLost``."""
    test = box.fork()
    try:
        return list(replay(exchanges, Session(test.channel, deadline, REPLY)))
    finally:
        test.close()


def replay(exchanges: list[Exchange], session: Session) -> Iterator[Outcome]:
    """Ask again what was asked in ``exchanges``, of whoever answers ``session``.

    An object that the recorded answer held and this one does not has no outcome of its own. Raises ``ForkLost``.
    """
    objects: dict[int, Remote] = {}
    wire = Wire(to_reference=repr, from_reference=lambda reference: objects[reference["number"]])
    for exchange in exchanges:
        try:
            request = wire.decode(exchange.request)
        except WireError:  # it is about an object that this notebook did not give
            yield Outcome(error=_NO_ANSWER)
            continue
        try:
            answer = session.exchange(request)
        except StudentError as error:
            yield Outcome(error=error.kind)
            continue
        # The reference answered in this order too; where the two differ, later requests find no object.
        objects.update(zip(exchange.numbers, _objects(answer), strict=False))
        yield Outcome(_plain([answer.get("value"), answer.get("operands"), answer.get("found")]))


def changed(exchange: Exchange, change: Callable[[list[Any]], list[Any]]) -> Exchange:
    """The exchange with another request: ``change`` makes it from the decoded one."""
    wire = Wire(lambda one: {"number": one.number}, lambda reference: _Object(reference["number"]))
    return Exchange(wire.encode(change(wire.decode(exchange.request))), exchange.numbers)


def agree(first: Outcome, second: Outcome) -> bool:
    """Whether two outcomes are the same, as far as a test could tell: types of numbers and containers do not count."""
    return first.error == second.error and _same(first.value, second.value)


@dataclass(frozen=True)
class _Object:
    """Something that stays in its process; only what a test asks of it can be compared."""

    number: int = 0


@dataclass(frozen=True)
class _Numbers:
    """An array's shape, and its numbers in order, or some of them."""

    shape: tuple[int, ...]
    values: np.ndarray


def _objects(value: Any) -> list[Any]:
    """The objects that a decoded value refers to, in order."""
    if type(value) in (Remote, CallableRemote, _Object):
        return [value]
    if type(value) is np.ndarray and value.dtype.hasobject:
        value = value.ravel().tolist()
    if type(value) is dict:
        value = list(value.values())
    return [found for item in value for found in _objects(item)] if type(value) in (list, tuple) else []


def _plain(value: Any) -> Any:
    """``value`` in terms of ``_Numbers``, lists, dictionaries and what is compared by ``==``."""
    if type(value) in (Remote, CallableRemote):
        return _Object()
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, torch.Generator):
        value = value.get_state()
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = [list(value.shape), value.ravel().tolist()]
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=hash)
    if (array := _array(value)) is not None:
        flat = array.ravel()
        return _Numbers(array.shape, flat[:: -(-flat.size // _MOST_NUMBERS) or 1].copy())
    return [_plain(item) for item in value] if type(value) in (list, tuple) else value


def _array(value: Any) -> np.ndarray | None:
    """Numbers, and sequences of numbers of one shape, as a float64 or complex128 array; None for anything else."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        value = value.to(torch.complex128 if value.is_complex() else torch.float64).numpy()
    if type(value) in (list, tuple):
        value = _stacked(value)
    if isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
        array = np.asarray(value)
        if array.dtype.kind in "biuf":
            return array.astype(np.float64)
        return array.astype(np.complex128) if array.dtype.kind == "c" else None
    return None


def _stacked(items: list[Any] | tuple[Any, ...]) -> np.ndarray | None:
    """Numbers, or arrays of one shape, in one array; None when they are something else."""
    if all(type(item) in (bool, int, float) for item in items):
        return np.asarray(items)
    arrays = [_array(item) for item in items]
    shapes = {None if array is None else array.shape for array in arrays}
    return np.array(arrays) if len(shapes) == 1 and None not in shapes else None


def _same(first: Any, second: Any) -> bool:
    if type(first) is not type(second):
        return False
    if isinstance(first, _Object):
        return True
    if isinstance(first, _Numbers):
        return first.shape == second.shape and _close(first.values, second.values)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    return bool(first == second) if not isinstance(first, np.ndarray) else first.tolist() == second.tolist()


def _close(first: np.ndarray, second: np.ndarray) -> bool:
    finite = np.abs(second[np.isfinite(second)])
    tolerance = _TOLERANCE * finite.max(initial=0.0) + _SMALLEST
    return bool(np.isclose(first, second, rtol=0.0, atol=tolerance, equal_nan=True).all())
