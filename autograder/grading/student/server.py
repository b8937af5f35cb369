"""The student process: runs the cells it is sent, and in forks of itself answers what tests ask of the notebook.

Whoever speaks on the channel is the grader; what this process answers is data to it and nothing more. Student code may
do with this process what it likes: the grader believes nothing but the values, and judges those.
"""

import contextlib
import operator
import os
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import torch

from autograder.grading.protocol import CellAnswer, ForkEnded, Request
from autograder.grading.seeding import seed
from autograder.grading.student.shell import StudentShell
from autograder.grading.wire import NUMBER, Message, Wire
from autograder.sandbox.channel import Channel, Closed
from autograder.sandbox.service import Printed

# Seconds that a test's fork has to end by itself, and between two looks whether it has.
_PATIENCE, _PAUSE = 1.0, 0.0005
_MESSAGE_LENGTH = 2000
_TRACEBACK_LENGTH = 10_000

_DATA_ONLY = Wire(to_reference=repr, from_reference=str)


def _call(function: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> Any:
    return function(*arguments, **keywords)


def _next(iterator: Any) -> list[Any]:
    """The next item in a list, an empty list at the end: a ``StopIteration`` would not survive the journey."""
    for item in iterator:
        return [item]
    return []


def _as_array(value: Any) -> Any:
    import numpy as np

    return np.asarray(value)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": _call, "getattr": getattr, "setattr": setattr, "delattr": delattr, "getitem": operator.getitem,
    "setitem": operator.setitem, "delitem": operator.delitem, "len": len, "iter": iter,
    "next": _next, "repr": repr, "str": str, "bool": bool, "int": int, "float": float, "index": operator.index,
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv, "neg": operator.neg,
    "matmul": operator.matmul, "pow": operator.pow, "array": _as_array, "dir": dir,
}  # fmt: skip


class NotebookServer:
    """Answers one grader over one channel: runs cells, and forks for tests."""

    def __init__(self, shell: StudentShell, channel: Channel, printed: Printed) -> None:
        self._shell, self._channel, self._printed = shell, channel, printed
        self._interruptible = False
        self._test: int | None = None
        self._ending: set[int] = set()
        signal.signal(signal.SIGINT, self._interrupt)

    def serve(self) -> None:
        """Serve until the grader closes the channel."""
        with contextlib.suppress(Closed):
            while True:
                match _DATA_ONLY.decode(self._channel.receive()):
                    case [Request.CELL, str(source)]:
                        self._kill_test()
                        self._answer(self._run_cell(source))
                    case [Request.FORK]:
                        self._kill_test()
                        self._fork()
                    case [Request.END_FORK]:
                        self._answer(ForkEnded(self._end_test()))

    def _answer(self, value: CellAnswer | ForkEnded) -> None:
        try:
            message = _DATA_ONLY.encode(vars(value))
        except Exception as error:  # an output that raises when it is looked at, too
            message = _DATA_ONLY.encode(vars(CellAnswer(error=(type(error).__name__, str(error)))))
        self._channel.send(message)

    def _run_cell(self, source: str) -> CellAnswer:
        with self._may_be_interrupted():
            try:
                answer = self._shell.run(source)
            except BaseException as error:  # an interrupt, or what a cell did to IPython
                answer = CellAnswer(self._shell.outputs.take(), error=(type(error).__name__, ""))
        if text := self._printed.since_last_time(self._shell.outputs.limit // 2):
            answer.outputs.insert(0, {"output_type": "stream", "name": "stdout", "text": text})
        return answer

    def _fork(self) -> None:
        """Serve one test in a fork, while this process waits for what the grader says next."""
        _, descriptors, *_ = socket.recv_fds(self._channel.socket, 1, 1)
        with contextlib.suppress(OSError), _reserve():  # no memory, or more processes than there should be
            self._test = os.fork()
        if self._test == 0:
            self._in_fork(Channel(socket.socket(fileno=descriptors[0])))
        os.close(descriptors[0])

    def _end_test(self) -> int:
        """The exit status of the last fork, which ends by itself once the grader has closed its channel."""
        if self._test is None:
            return os.EX_OSERR << 8
        child, self._test = self._test, None
        status = 0
        with contextlib.suppress(ChildProcessError):  # a cell has told the kernel to forget this process's children
            status = _status_of(child)
        _kill_group(child)
        return status

    def _kill_test(self) -> None:
        """End the last fork and what it started, without waiting for it: its memory takes a while to be given back."""
        if self._test is not None:
            _kill_group(self._test)
            with contextlib.suppress(ProcessLookupError, PermissionError):  # before it had a group of its own
                os.kill(self._test, signal.SIGKILL)
            self._ending.add(self._test)
            self._test = None
        for child in list(self._ending):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(child, os.WNOHANG) == (0, 0):
                    continue
            self._ending.discard(child)

    def _in_fork(self, channel: Channel) -> None:
        code = 1
        try:
            os.setpgid(0, 0)
            self._channel.close()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self._printed.drop()
            torch.set_num_threads(1)  # the parent's pool of threads, if it has one, is not in this fork
            seed()
            NamespaceServer(self._shell.user_ns, channel).serve()
            code = 0
        finally:
            os._exit(code)

    @contextlib.contextmanager
    def _may_be_interrupted(self) -> Iterator[None]:
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def _interrupt(self, *_ignored: object) -> None:
        if self._interruptible:
            raise KeyboardInterrupt


@contextlib.contextmanager
def _reserve() -> Iterator[None]:
    """Within, a fork is possible although the notebook has as many processes as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _status_of(child: int) -> int:
    """Wait until a process has ended, by force if it takes too long, and return its exit status."""
    patience = time.monotonic() + _PATIENCE
    while time.monotonic() < patience:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(_PAUSE)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


class NamespaceServer:
    """Answers one test: names looked up, functions called; what is not data stays here and is known by a number."""

    def __init__(self, namespace: dict[str, Any], channel: Channel) -> None:
        self._namespace, self._channel = namespace, channel
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._wire = Wire(self._refer, self._referred)
        self._operands_wire = Wire(lambda value: {NUMBER: self._number_of(value)}, self._referred)

    def serve(self) -> None:
        with contextlib.suppress(Closed):
            while True:
                request = self._channel.receive()
                try:
                    answer = self._wire.encode(self._answer(request))
                except BaseException as error:  # whatever the student's code raises, SystemExit too
                    answer = self._wire.encode({"error": _describe(error)})
                self._channel.send(answer)

    def _answer(self, request: Message) -> dict[str, Any]:
        operation, *operands = self._wire.decode(request)
        if operation == "look up":
            (name,) = operands
            found = name in self._namespace
            return {"found": found, "value": self._namespace.get(name)}
        answer = {"value": OPERATIONS[operation](*operands)}
        # In a plain kernel the test would see what a function did to its arguments.
        if self._operands_wire.encode([operation, *operands]) != request:
            answer["operands"] = operands
        return answer

    def _number_of(self, value: Any) -> int:
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)
        return self._numbers[id(value)]

    def _refer(self, value: Any) -> dict[str, Any]:
        return {
            NUMBER: self._number_of(value),
            "callable": callable(value),
            "classes": [f"{kind.__module__}.{kind.__qualname__}"[:200] for kind in type(value).__mro__][:32],
        }

    def _referred(self, reference: dict[str, Any]) -> Any:
        return self._objects[reference[NUMBER]]


def _describe(error: BaseException) -> dict[str, Any]:
    """An exception as data: its class, the builtin classes it extends, its text and where the student's code was."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    try:
        text = str(error)[:_MESSAGE_LENGTH]
        lines = traceback.format_exception(type(error), error, frames)
    except BaseException:
        text, lines = "", []
    return {
        "type": type(error).__name__[:200],
        "kinds": kinds,
        "message": text,
        "traceback": "".join(lines)[-_TRACEBACK_LENGTH:],
    }
