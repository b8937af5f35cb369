"""What runs in boxes: the interface of the modules that a zygote can be told to serve."""

import contextlib
import os
import sys
import tempfile
from importlib import import_module
from typing import Protocol

from autograder.sandbox.channel import Channel


class Printed:
    """A file that takes what this process prints past Python's ``sys.stdout``, and what programs it starts print."""

    def __init__(self) -> None:
        if sys.platform == "linux":
            self.file = os.memfd_create("printed")
        else:
            self.file, path = tempfile.mkstemp()
            os.unlink(path)
        for stream in (1, 2):
            os.dup2(self.file, stream)

    def since_last_time(self, limit: int) -> str:
        """What was written since the last call, at most ``limit`` bytes of it."""
        try:
            data = os.pread(self.file, limit, 0)
            os.ftruncate(self.file, 0)
            os.lseek(self.file, 0, os.SEEK_SET)
        except OSError:  # the code in the box closed it
            return ""
        return data.decode(errors="replace")

    def drop(self) -> None:
        """From here on what this process prints is lost."""
        nowhere = os.open("/dev/null", os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)


class Service(Protocol):
    """What a box does. A served module has a function ``warm_up() -> Service``, which is called once in the zygote.

    It imports what boxes need, and does once what is slow the first time. It must not start threads.
    """

    def serve(self, channel: Channel, printed: Printed, output: int) -> None:
        """Answer whoever is at the other end of ``channel`` until it is closed; called in each boxed process.

        ``output`` is how many bytes of what is printed may be sent at a time.
        """


def warm_up(module: str) -> Service:
    """Let a module get ready to serve."""
    service: Service = import_module(module).warm_up()
    return service


def thread_count() -> int:
    """How many threads this process has; 1 where the host does not tell."""
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return 1
