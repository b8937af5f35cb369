"""What stays in the student process, as the tests see it.

A *remote* stands for a function, class, module or object of the student's: calling it, asking it for an attribute or
an item goes to the student process and comes back as data or as another remote. What the student's code raises there
is raised here as a ``StudentError`` that is also an instance of the builtin exception it extends.

A student's object may lie about itself in every way. It is asked for its values, and those are judged here: what the
test compares or computes them with, such as the expected values, is not shown to it. So ``result == expected`` and
``abs(result - expected) < 1e-6`` mean what they say. A method of the object is the student's word all the same: a test
must not write ``result.equals(expected)`` before it knows what ``result`` is.
"""

import builtins
import numbers
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from autograder.grading.wire import NUMBER, Wire, WireError
from autograder.sandbox.box import Loss
from autograder.sandbox.channel import Channel, Closed, Late

_Plain = TypeVar("_Plain")
# So that ``isinstance(model, torch.nn.Module)`` holds for a remote; names are looked up here and nowhere else.
_CLASSES = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for kind in vars(torch.nn).values()
    if isinstance(kind, type) and issubclass(kind, torch.nn.Module)
}
# Those that end an iteration would end the test's own loops.
_EXCEPTIONS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, (StopIteration, StopAsyncIteration))
}
_MAX_REPLIES = 16
_NAME_LENGTH, _MESSAGE_LENGTH, _TRACEBACK_LENGTH = 200, 2000, 10_000
_SHOWN_ATTRIBUTES = ("__doc__", "__module__", "__qualname__", "__defaults__")


class StudentError(Exception):
    """An exception that the student's code raised: its class name, its text, and the student's own traceback."""

    def __init__(self, kind: str, message: str, traceback: str) -> None:
        self.kind, self.message, self.traceback = kind, message, traceback

    def __str__(self) -> str:
        return self.message


class ForkLost(BaseException):
    """The student process can no longer answer; not an ``Exception``, so that no test takes it for the student's."""

    def __init__(self, loss: Loss, text: str = "") -> None:
        super().__init__(text)
        self.loss = loss


class Session:
    """One test's conversation with a fork of the student process.

    ``cells`` are the student's code cells so far, for checks that read code; ``max_blob`` limits a reply, in bytes.
    All replies together may have 16 times as much, for a test that collects what an iterator gives.
    ``has_changed`` says whether an argument was changed in place.
    """

    def __init__(self, channel: Channel, deadline: float, max_blob: int, cells: Sequence[str] = ()) -> None:
        self._channel, self.deadline, self._max_blob = channel, deadline, max_blob
        self._room = _MAX_REPLIES * max_blob
        self.cells = list(cells)
        self.has_changed = False
        self._wire = Wire(self._number_of, self._remote)

    def look_up(self, name: str) -> tuple[bool, Any]:
        """Whether the notebook defines ``name``, and its value or a remote that has this name."""
        answer = self.exchange(["look up", name])
        value = answer.get("value")
        if isinstance(value, Remote):
            object.__setattr__(value, "_name", name)
        return answer.get("found") is True, value

    def ask(self, operation: str, *operands: Any) -> Any:
        """The result of an operation there; arguments that it changed in place are changed here too."""
        answer = self.exchange([operation, *operands])
        changed = answer.get("operands")
        if type(changed) is list and len(changed) == len(operands):
            self.has_changed = True
            for ours, theirs in zip(operands, changed, strict=True):
                _write_back(ours, theirs)
        return answer.get("value")

    def exchange(self, request: list[Any]) -> dict[str, Any]:
        """What the other side answers. Raises ``StudentError`` when its code raised, ``ForkLost`` when it is over."""
        try:
            self._channel.send(self._wire.encode(request), self.deadline)
            message = self._channel.receive(self.deadline, self._max_blob)
            self._room -= len(message.skeleton) + len(message.blob)
            if self._room < 0:
                raise WireError(f"over {_MAX_REPLIES * self._max_blob >> 20} MB in all")
            answer = self._wire.decode(message)
        except Late:
            raise ForkLost(Loss.LATE) from None
        except Closed:
            raise ForkLost(Loss.CRASHED) from None
        except WireError as error:
            raise ForkLost(Loss.REPLY, str(error)) from None
        if type(answer) is not dict:
            raise ForkLost(Loss.REPLY, "not an answer")
        if "error" in answer:
            raise _student_error(answer["error"])
        return answer

    def _number_of(self, value: Any) -> dict[str, int]:
        if type(value) in (Remote, CallableRemote):
            return {NUMBER: object.__getattribute__(value, "_number")}
        raise TypeError(
            f"a test cannot hand a {type(value).__name__} to student code: only data, and what came from it."
        )

    def _remote(self, reference: Any) -> "Remote":
        match reference:
            case {"number": int(number), "callable": bool(is_callable), "classes": list(classes)}:
                return (CallableRemote if is_callable else Remote)(self, number, classes)
        raise WireError("not a reference")


def _operation(name: str) -> Callable[..., Any]:
    def method(self: "Remote", *operands: Any) -> Any:
        return object.__getattribute__(self, "_session").ask(name, self, *operands)

    return method


def _judged(name: str) -> Callable[["Remote", Any], Any]:
    """An operator whose other operand stays here, unless it is the student's too."""
    compute, is_equality = getattr(operator, name), name in ("eq", "ne")

    def method(self: "Remote", other: Any) -> Any:
        if type(other) in (Remote, CallableRemote):
            return object.__getattribute__(self, "_session").ask(name, self, other)
        if not isinstance(other, (numbers.Number, np.ndarray, np.generic, torch.Tensor)):
            return NotImplemented
        try:
            value = _values(self)
        except (StudentError, TypeError, ValueError):
            if is_equality:
                return NotImplemented
            raise
        return compute(torch.as_tensor(value) if isinstance(other, torch.Tensor) else value, other)

    return method


def _values(remote: "Remote") -> Any:
    """The numbers that an object stands for, as an array or a float. Raises ``TypeError`` when it is no number."""
    array = remote._ask("array")
    return array if isinstance(array, np.ndarray) and not array.dtype.hasobject else float(remote)


def _as(kind: type[_Plain], name: str) -> Callable[..., _Plain]:
    def method(self: "Remote", *operands: Any) -> _Plain:
        value: _Plain = object.__getattribute__(self, "_session").ask(name, self, *operands)
        if type(value) is not kind:
            raise TypeError(f"expected a {kind.__name__}, got {type(value).__name__}")
        return value

    return method


class Remote:
    """An object in the student process. It has the methods below and no state of its own."""

    def __init__(self, session: Session, number: int, classes: list[Any]) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_known_class", next((_CLASSES[name] for name in classes if _known(name)), None))
        object.__setattr__(self, "_name", "")

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return object.__getattribute__(self, "_known_class") or type(self)

    @property
    def __name__(self) -> str:
        return object.__getattribute__(self, "_name") or str(self._ask("getattr", "__name__"))

    @property
    def notebook_cells(self) -> list[str]:
        """The code cells of the notebook that this object comes from, as far as they ran."""
        return list(object.__getattribute__(self, "_session").cells)

    def _ask(self, operation: str, *operands: Any) -> Any:
        return object.__getattribute__(self, "_session").ask(operation, self, *operands)

    def __getattr__(self, name: str) -> Any:
        # numpy, torch and Python ask every object for protocols by such names; a remote has those defined below only.
        if name.startswith("__") and name.endswith("__") and name not in _SHOWN_ATTRIBUTES:
            raise AttributeError(name)
        return self._ask("getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self._ask("delattr", name)

    def __iter__(self) -> Iterator[Any]:
        iterator = self._ask("iter")
        if not isinstance(iterator, Remote):  # an iterator is never data
            raise ForkLost(Loss.REPLY, "not an iterator")
        while item := iterator._ask("next"):
            yield item[0]

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        array = self._ask("array")
        if not isinstance(array, np.ndarray):
            raise TypeError(f"expected an array, got {type(array).__name__}")
        return array if dtype is None else array.astype(dtype)

    def __contains__(self, item: Any) -> bool:
        return any(own is item or own == item for own in self)

    def __hash__(self) -> int:
        return hash(object.__getattribute__(self, "_number"))

    __getitem__, __setitem__, __delitem__ = _operation("getitem"), _operation("setitem"), _operation("delitem")
    __eq__, __ne__ = _judged("eq"), _judged("ne")
    __lt__, __le__, __gt__, __ge__ = _judged("lt"), _judged("le"), _judged("gt"), _judged("ge")
    __add__, __sub__, __mul__ = _judged("add"), _judged("sub"), _judged("mul")
    __truediv__, __matmul__, __pow__ = _judged("truediv"), _judged("matmul"), _judged("pow")
    __neg__ = _operation("neg")
    __len__, __int__, __index__ = _as(int, "len"), _as(int, "int"), _as(int, "index")
    __bool__, __float__ = _as(bool, "bool"), _as(float, "float")
    __repr__, __str__ = _as(str, "repr"), _as(str, "str")


class CallableRemote(Remote):
    """A remote that can be called: a function, a class, a module of a network."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self._ask("call", list(arguments), keywords)


def _known(name: Any) -> bool:
    return type(name) is str and name in _CLASSES


def _student_error(described: Any) -> StudentError:
    """The exception that a description stands for; of an odd description only what is text is taken."""
    described = described if type(described) is dict else {}

    def text(key: str) -> str:
        return value if type(value := described.get(key)) is str else ""

    kind = text("type").replace("\0", "")[:_NAME_LENGTH] or "Exception"
    message, traceback = text("message")[:_MESSAGE_LENGTH], text("traceback")[-_TRACEBACK_LENGTH:]
    kinds = described.get("kinds") if type(described.get("kinds")) is list else []
    base = next((_EXCEPTIONS[name] for name in kinds if type(name) is str and name in _EXCEPTIONS), Exception)
    bases = (StudentError,) if base is Exception else (StudentError, base)
    # Named as the student's own class: what a test says of it reads as it would in a notebook.
    error: StudentError = type(kind, bases, {"__str__": StudentError.__str__})(kind, message, traceback)
    return error


def _write_back(ours: Any, theirs: Any) -> None:
    """Do to ``ours`` what the student's code did to its copy, ``theirs``."""
    if isinstance(ours, Remote) or type(ours) is not type(theirs):
        return
    if isinstance(ours, np.ndarray):
        if ours.shape == theirs.shape and ours.flags.writeable:
            ours[...] = theirs
    elif isinstance(ours, torch.Tensor):
        with torch.no_grad():
            if ours.shape == theirs.shape:
                ours.copy_(theirs)
            else:
                ours.data = theirs
    elif isinstance(ours, torch.Generator):
        ours.set_state(theirs.get_state())
    elif isinstance(ours, np.random.Generator):
        ours.bit_generator.state = theirs.bit_generator.state
    elif isinstance(ours, list):
        if len(ours) == len(theirs):
            ours[:] = [_kept(mine, other) for mine, other in zip(ours, theirs, strict=True)]
        else:
            ours[:] = theirs
    elif isinstance(ours, dict):
        merged = {key: _kept(ours[key], value) if key in ours else value for key, value in theirs.items()}
        ours.clear()
        ours.update(merged)
    elif isinstance(ours, tuple) and len(ours) == len(theirs):
        for mine, other in zip(ours, theirs, strict=True):
            _write_back(mine, other)
    elif isinstance(ours, set):
        ours.clear()
        ours.update(theirs)


def _kept(ours: Any, theirs: Any) -> Any:
    """``ours`` changed in place where that can be, so that others who hold it see the change; else ``theirs``."""
    if isinstance(ours, (np.ndarray, torch.Tensor, list, dict, set)) and type(ours) is type(theirs):
        _write_back(ours, theirs)
        return ours
    return theirs
