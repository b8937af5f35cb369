"""The handles of the trusted side: on the zygote, and on a boxed process.

What comes over a channel is decoded with limits and treated as data.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Self

from autograder.errors import AutograderError
from autograder.sandbox.cage import PACKAGE, Cage
from autograder.sandbox.channel import Channel, Closed, Late
from autograder.sandbox.limits import Limits, Policy
from autograder.sandbox.messages import Message
from autograder.sandbox.protocol import ANSWER, READY, REQUEST, BoxEnded, BoxRefused, BoxStarted, EndBox, StartBox

# How long the zygote may take to end before it is killed, and to start or to answer.
_GRACE = 2.0
_START_SECONDS = 120.0
# Users from the first of these on own nothing; a container may know none above 65,535.
_USERS = ((200_000, 200_000), (60_000, 5_000))
# Held while a request waits for its answer: interrupted between the two, the next request would get that answer.
UNINTERRUPTED = threading.RLock()


class Loss(Enum):
    """Why a boxed process can no longer answer."""

    CRASHED = "crashed"
    LATE = "late"
    REPLY = "reply"  # what it said makes no sense


class IsolationError(AutograderError):
    """The code in boxes cannot be kept away from this host; the text says what is missing and how to go on."""


class ZygoteLost(AutograderError):
    """The process that forks boxes is gone, and its boxes with it: nothing that ran in them can do that, but a host."""


class BoxLost(Exception):
    """The boxed process is gone or no longer makes sense."""

    def __init__(self, loss: Loss, text: str = "") -> None:
        super().__init__(text)
        self.loss = loss


class Zygote:
    """The warm process from which boxes are forked; it ends with the process that made it."""

    def __init__(self, served: str, variables: Mapping[str, str] | None = None) -> None:
        """``served`` is the module that runs in boxes (``service``), which see the environment ``variables``.

        Raises ``AutograderError``.
        """
        self.variables = dict(variables or {})
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(PACKAGE / "sandbox" / "__main__.py"), str(theirs.fileno()), served],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**_environment(), **self.variables},
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        self._channel = Channel(ours)
        try:
            self.ready = READY.from_json(self._channel.receive(time.monotonic() + _START_SECONDS).skeleton)
        except (Closed, Late) as error:
            self._process.kill()
            raise AutograderError(f"the process from which sandboxes are forked did not start: {error}.") from None

    def start(self, cage: Cage, end: socket.socket) -> BoxStarted:
        """Start a boxed process that serves ``end``. Raises ``IsolationError`` and ``ZygoteLost``."""
        answer = self._ask(StartBox(cage), end)
        if isinstance(answer, BoxRefused):
            raise IsolationError(answer.reason)
        if not isinstance(answer, BoxStarted):
            raise self._lost()
        return answer

    def end(self, keeper: int) -> BoxEnded:
        """End every process of a box. Raises ``ZygoteLost``."""
        answer = self._ask(EndBox(keeper))
        if not isinstance(answer, BoxEnded):
            raise self._lost()
        return answer

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def user(self) -> int:
        """The user that boxed processes of this zygote get when the grader is root; 0 when there is none."""
        known = _known_users()
        return next((first + self.pid % count for first, count in _USERS if first + count <= known), 0)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End the zygote, and with it whatever still runs in boxes of it."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._process.kill()
        self._process.wait()

    def _ask(self, request: StartBox | EndBox, end: socket.socket | None = None) -> BoxStarted | BoxRefused | BoxEnded:
        """Send a request, with a descriptor if need be, and wait for its answer."""
        try:
            with UNINTERRUPTED:
                self._channel.send(Message(REQUEST.to_json(request)))
                if end:
                    socket.send_fds(self._channel.socket, [b"x"], [end.fileno()])
                return ANSWER.from_json(self._channel.receive(time.monotonic() + _START_SECONDS).skeleton)
        except (Closed, Late, OSError, ValueError) as error:
            self.close()
            raise self._lost() from error

    def _lost(self) -> ZygoteLost:
        return ZygoteLost("the process from which sandboxes are forked ended")


class Box:
    """A boxed process with some files, from start to end. Use as a context manager.

    What is said over ``channel`` is between the caller and the service. ``in_force`` says which layers protect what.
    """

    def __init__(self, zygote: Zygote, files: Path, policy: Policy[Limits], hidden: tuple[Path, ...] = ()) -> None:
        """Copy ``files`` into the box's work folder and start; what lies below ``hidden`` is not seen in the box.

        Raises ``IsolationError`` when this host cannot protect what must be protected, and ``ZygoteLost``.
        """
        self._zygote = zygote
        self._folder = Path(tempfile.mkdtemp(prefix="box-"))
        self._folder.chmod(0o711)
        work = self._folder / "work"
        work.mkdir()
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours)
        cage = Cage(str(files), str(work), tuple(map(str, hidden)), zygote.user, zygote.variables, policy)
        try:
            with theirs:
                started = zygote.start(cage, theirs)
        except (ZygoteLost, IsolationError):
            self.channel.close()
            self._forget()
            raise
        self._keeper, self._pid = started.keeper, started.boxed
        self.in_force = started.in_force
        self.ended: BoxEnded | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_ignored: object) -> None:
        self.end()

    def is_lost(self) -> bool:
        """Whether the process is gone, or has something to say when nothing was asked."""
        return self.channel.has_news()

    def interrupt(self) -> None:
        """Interrupt the boxed process, as Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGINT)

    def end(self) -> BoxEnded:
        """End every process of the box and remove its files. Raises ``ZygoteLost``."""
        with UNINTERRUPTED:
            if self.ended is None:
                self.channel.close()
                try:
                    self.ended = self._zygote.end(self._keeper)
                finally:
                    self._forget()
            return self.ended

    def _forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _environment() -> dict[str, str]:
    """The zygote's environment: enough for Python and its libraries, nothing of the grader's own."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ") if name in os.environ}


def _known_users() -> int:
    """How many users there are here: all, or what a container was given."""
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return 1 << 32
    return max((first + count for first, _, count in (map(int, line.split()) for line in lines)), default=1 << 32)
