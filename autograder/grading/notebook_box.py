"""A box in which a notebook runs: its cells one after the other, and each test in a fork of it."""

import atexit
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from typing import TypeVar

from autograder.grading.protocol import CELL_ANSWER, FORK_ENDED, CellAnswer, Request
from autograder.grading.wire import Wire, WireError
from autograder.sandbox.box import UNINTERRUPTED, Box, BoxLost, Loss, Zygote
from autograder.sandbox.channel import Channel, Closed, Late
from autograder.schema import DecodeError, Schema

# The module that runs in these boxes, and what its libraries read from the environment.
_SERVED = "autograder.grading.student.service"
_VARIABLES = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
# How long a student process may take to answer an interrupt.
_GRACE = 2.0
_NO_BLOB = 0
_DATA_ONLY = Wire(to_reference=lambda value: _no_reference(value), from_reference=lambda parts: _no_reference(parts))

T = TypeVar("T")


class NotebookBox(Box):
    """A student process with a notebook's files. Use as a context manager."""

    def run_cell(self, source: str, deadline: float) -> tuple[CellAnswer, bool]:
        """Run a cell: what the process answers, and whether it ran out of time.

        At ``deadline`` (in the time of ``time.monotonic()``) the cell is interrupted as Jupyter's stop button does.
        Raises ``BoxLost`` when the process does not answer that, or is gone.
        """
        try:
            self.channel.send(_DATA_ONLY.encode([Request.CELL.value, source]), deadline)
            return self._receive(CELL_ANSWER, deadline), False
        except Late:
            self.interrupt()
        except Closed:
            raise BoxLost(Loss.CRASHED) from None
        with _lost_when_over():
            return self._receive(CELL_ANSWER, time.monotonic() + _GRACE), True

    def fork(self) -> "Fork":
        """A fork of the process as it is now, for one test. Raises ``BoxLost``."""
        ours, theirs = socket.socketpair()
        try:
            with UNINTERRUPTED:
                self.channel.send(_DATA_ONLY.encode([Request.FORK.value]))
                socket.send_fds(self.channel.socket, [b"x"], [theirs.fileno()])
        except (Closed, OSError):
            raise BoxLost(Loss.CRASHED) from None
        finally:
            theirs.close()
        return Fork(self, Channel(ours))

    def end_fork(self) -> int:
        """Wait until the last fork is gone, by force if need be, and return its exit status. Raises ``BoxLost``."""
        with _lost_when_over():
            self.channel.send(_DATA_ONLY.encode([Request.END_FORK.value]))
            status = self._receive(FORK_ENDED, time.monotonic() + _GRACE).status
        return os.waitstatus_to_exitcode(status) if 0 <= status < 1 << 16 else 1

    def _receive(self, schema: Schema[T], deadline: float) -> T:
        try:
            return schema.from_python(_DATA_ONLY.decode(self.channel.receive(deadline, _NO_BLOB)))
        except WireError as error:
            raise BoxLost(Loss.REPLY, str(error)) from None
        except DecodeError:
            raise BoxLost(Loss.REPLY, "not an answer") from None


class Fork:
    """The grader's end of one test: questions to a fork of the student process."""

    def __init__(self, box: NotebookBox, channel: Channel) -> None:
        self._box, self.channel = box, channel

    def close(self) -> None:
        """Let the fork end. Nobody waits for that here: the process it came from does, before its next cell or test."""
        self.channel.close()

    def end(self) -> int:
        """Wait until the fork is gone, and return its exit status: 0, or how it died. Raises ``BoxLost``."""
        self.close()
        return self._box.end_fork()


@contextlib.contextmanager
def _lost_when_over() -> Iterator[None]:
    try:
        yield
    except Closed:
        raise BoxLost(Loss.CRASHED) from None
    except Late:
        raise BoxLost(Loss.LATE) from None


def _no_reference(value: object) -> object:
    raise WireError(f"a {type(value).__name__} where only data may be")


_zygote: Zygote | None = None


def zygote() -> Zygote:
    """This grader's zygote, which has imported what notebooks import; started when there is none."""
    global _zygote
    if _zygote is None or not _zygote.is_alive():
        if _zygote is None:
            atexit.register(lambda: _zygote.close() if _zygote else None)
        _zygote = Zygote(_SERVED, _VARIABLES)
    return _zygote
