"""The grader's handles: on the zygote, on a student process (a box), on one test in a fork of it.

Everything here is the trusted side. What comes over a channel is decoded with limits and treated as data.
"""

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import AutograderError
from autograder.grading.alarm import UNINTERRUPTED
from autograder.grading.channel import Channel, Closed, Late
from autograder.grading.results import Limits
from autograder.grading.wire import Wire, WireError

_PROJECT = Path(__file__).parents[2]
_START = "import sys; sys.path.insert(0, {root!r}); from autograder.grading.student.zygote import main; " \
         "sys.path.remove({root!r}); main({descriptor})"  # fmt: skip
# How long a process may take to answer an interrupt before it is killed, and to start.
_GRACE = 2.0
_START_SECONDS = 120.0
_CONTROL_BLOB = 0
# Users from the first of these on own nothing; a container may know none above 65,535.
_USERS = ((200_000, 200_000), (60_000, 5_000))

_WIRE = Wire(to_reference=lambda value: _no_reference(value), from_reference=lambda parts: _no_reference(parts))


class IsolationError(AutograderError):
    """Students' code cannot be kept away from this host; the text says what is missing and how to go on."""


class ZygoteLost(Exception):
    """The process that forks boxes is gone, and its boxes with it: nothing a notebook can do, but a host can."""


class BoxLost(Exception):
    """The student process is gone or no longer makes sense; ``reason`` is one of ``crashed``, ``late``, ``reply``."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Ended:
    """How a box ended: its exit status (negative: the signal), CPU seconds, MiB of its largest process, and how many
    processes were left to be killed. ``out_of_memory``: the kernel ended one, for the memory of all together."""

    status: int
    cpu: float
    memory: float
    left: int
    out_of_memory: bool

    def out_of_time(self, cpu_seconds: int) -> bool:
        """Whether the limit on processor time ended it: by the signal for that, or, when it ignored that, by force."""
        return self.status == -signal.SIGXCPU or self.cpu >= cpu_seconds


class Zygote:
    """The warm process from which boxes are forked; started at the first box, ended with the grader."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = _START.format(root=str(_PROJECT), descriptor=theirs.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", command],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        self._channel = Channel(ours)
        try:
            self.ready = _WIRE.decode(self._channel.receive(time.monotonic() + _START_SECONDS))
        except (Closed, Late) as error:
            self._process.kill()
            raise AutograderError(f"the process that runs notebooks did not start: {error}.") from None

    def ask(self, *request: Any, send: socket.socket | None = None) -> Any:
        """Send a request, with a descriptor if need be, and wait for its answer. Raises ``ZygoteLost``."""
        try:
            with UNINTERRUPTED:
                self._channel.send(_WIRE.encode(list(request)))
                if send:
                    socket.send_fds(self._channel.socket, [b"x"], [send.fileno()])
                return _WIRE.decode(self._channel.receive(time.monotonic() + _START_SECONDS))
        except (Closed, Late, OSError) as error:
            self.close()
            raise ZygoteLost("the process that runs notebooks ended") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def user(self) -> int:
        """The user that students' processes of this zygote get when the grader is root; 0 when there is none."""
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


class Box:
    """A student process with a notebook's files, from start to end. Use as a context manager."""

    def __init__(self, zygote: Zygote, files: Path, limits: Limits, hidden: tuple[Path, ...], isolation: str) -> None:
        self._zygote, self._limits = zygote, limits
        self._folder = Path(tempfile.mkdtemp(prefix="box-"))
        self._folder.chmod(0o711)
        work = self._folder / "work"
        work.mkdir()
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        try:
            with theirs:
                answer = zygote.ask("start", self._cage(files, work, hidden, isolation), send=theirs)
            if "error" in answer:
                raise IsolationError(answer["error"])
        except (ZygoteLost, IsolationError):
            self._channel.close()
            self._forget()
            raise
        self._keeper, self._pid = answer["keeper"], answer["student"]
        self.isolation: dict[str, str] = answer["force"]
        self.ended: Ended | None = None

    def _cage(self, files: Path, work: Path, hidden: tuple[Path, ...], isolation: str) -> dict[str, Any]:
        limits = self._limits
        return {
            "files": str(files), "work": str(work), "hidden": [str(path) for path in hidden],
            "user": self._zygote.user, "memory": limits.memory, "disk": limits.disk,
            "file": limits.file, "processes": limits.processes, "open_files": limits.open_files,
            "cpu_seconds": limits.cpu_seconds, "output": limits.output,
            "isolation": isolation,
        }  # fmt: skip

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *_ignored: object) -> None:
        self.end()

    def run_cell(self, source: str, deadline: float) -> tuple[dict[str, Any], bool]:
        """Run a cell: what the process answers (unchecked data), and whether it ran out of time.

        At ``deadline`` the cell is interrupted as Jupyter's stop button does. Raises ``BoxLost`` when the process does
        not answer that, or is gone.
        """
        try:
            self._channel.send(_WIRE.encode(["cell", source]), deadline)
            return self._receive(deadline), False
        except Late:
            self.interrupt()
        except Closed:
            raise BoxLost("crashed", "") from None
        try:
            return self._receive(time.monotonic() + _GRACE), True
        except Late:
            raise BoxLost("late", "") from None
        except Closed:
            raise BoxLost("crashed", "") from None

    def fork(self) -> "TestChannel":
        """A fork of the process as it is now, for one test."""
        ours, theirs = socket.socketpair()
        try:
            with UNINTERRUPTED:
                self._channel.send(_WIRE.encode(["fork"]))
                socket.send_fds(self._channel.socket, [b"x"], [theirs.fileno()])
        except (Closed, OSError):
            raise BoxLost("crashed", "") from None
        finally:
            theirs.close()
        return TestChannel(self, Channel(ours))

    def end_test(self) -> int:
        """Wait until the last fork is gone, by force if need be, and return its exit status."""
        try:
            self._channel.send(_WIRE.encode(["end test"]))
            answer = self._receive(time.monotonic() + _GRACE)
        except Closed:
            raise BoxLost("crashed", "") from None
        except Late:
            raise BoxLost("late", "") from None
        status = answer.get("status")
        return os.waitstatus_to_exitcode(status) if type(status) is int and 0 <= status < 1 << 16 else 1

    def is_lost(self) -> bool:
        """Whether the process is gone, or has something to say when nothing was asked."""
        return self._channel.has_news()

    def interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGINT)

    def end(self) -> Ended:
        """End every process of the box and remove its files. Raises ``ZygoteLost``."""
        with UNINTERRUPTED:
            if self.ended is None:
                self._channel.close()
                try:
                    answer = self._zygote.ask("end", self._keeper)
                finally:
                    self._forget()
                code = answer["status"]
                status = code - 256 if code > 127 else code
                self.ended = Ended(status, answer["cpu"], answer["memory"], answer["left"], answer["out_of_memory"])
            return self.ended

    def _forget(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _receive(self, deadline: float) -> dict[str, Any]:
        try:
            answer = _WIRE.decode(self._channel.receive(deadline, _CONTROL_BLOB))
        except WireError as error:
            raise BoxLost("reply", str(error)) from None
        if type(answer) is not dict:
            raise BoxLost("reply", "not an answer")
        return answer


class TestChannel:
    """The grader's end of one test: questions to a fork of the student process."""

    __test__ = False

    def __init__(self, box: Box, channel: Channel) -> None:
        self._box, self.channel = box, channel

    def close(self) -> None:
        """Let the fork end. Nobody waits for that here: the process it came from does, before its next cell or test."""
        self.channel.close()

    def end(self) -> int:
        """Wait until the fork is gone, and return its exit status: 0, or how it died. Raises ``BoxLost``."""
        self.close()
        return self._box.end_test()


def _environment() -> dict[str, str]:
    """The zygote's environment: enough for Python and its libraries, nothing of the grader's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ") if name in os.environ}
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **one_thread, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def _known_users() -> int:
    """How many users there are here: all, or what a container was given."""
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return 1 << 32
    return max((first + count for first, _, count in (map(int, line.split()) for line in lines)), default=1 << 32)


def _no_reference(value: Any) -> Any:
    raise WireError(f"a {type(value).__name__} where only data may be")


_zygote: Zygote | None = None


def zygote() -> Zygote:
    """This grader's zygote, started when there is none."""
    global _zygote
    if _zygote is None or not _zygote.is_alive():
        if _zygote is None:
            atexit.register(lambda: _zygote.close() if _zygote else None)
        _zygote = Zygote()
    return _zygote
