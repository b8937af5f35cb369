"""The keeper: enters new namespaces and forks the boxed process from them.

Its only work is to be its parent, so that the process namespace begins with the boxed process and ends with it.
"""

import json
import os
import signal
import socket
import sys
from typing import Any, NoReturn

from autograder.sandbox import libc
from autograder.sandbox.cage import Cage, CageError, enter, unshare
from autograder.sandbox.cgroup import Cgroup
from autograder.sandbox.channel import Channel
from autograder.sandbox.limits import Isolation
from autograder.sandbox.messages import MAX_SKELETON
from autograder.sandbox.service import Printed, Service


def keep(cage: Cage, descriptor: int, writer: int, service: Service, group: Cgroup | None) -> NoReturn:
    """The keeper's life, in a fork of the zygote. ``writer`` is a pipe on which it reports to the zygote."""
    try:
        os.setsid()
        if group:
            group.join()
        _die_with_parent()
        namespaces = {} if cage.policy.isolation is Isolation.NONE else unshare()
        boxed = os.fork()
        if boxed == 0:
            _be_boxed(cage, namespaces, descriptor, writer, service)
        os.close(descriptor)
        _report(writer, "boxed", boxed)
        os.close(writer)
        status = os.waitpid(boxed, 0)[1]
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    finally:
        os._exit(1)


def _be_boxed(cage: Cage, namespaces: dict[str, str], descriptor: int, writer: int, service: Service) -> NoReturn:
    """The boxed process's life: the part before any untrusted code runs in it, and then the service."""
    try:
        os.setsid()
        printed = Printed()
        force = enter(cage, namespaces)
        _die_with_parent()
        _report(writer, "force", force)
    except CageError as error:
        _report(writer, "error", str(error))
        os._exit(1)
    except BaseException as error:
        _report(writer, "error", f"the boxed process could not be set up: {type(error).__name__}: {error}")
        os._exit(1)
    try:
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        kept = sorted({0, 1, 2, printed.file, descriptor})
        for low, high in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(low + 1, high)
        output = min(cage.policy.limits.output << 20, MAX_SKELETON // 2)  # as much again may come past Python
        service.serve(Channel(socket.socket(fileno=descriptor)), printed, output)
        os._exit(0)
    finally:
        os._exit(1)


def _report(writer: int, name: str, value: Any) -> None:
    os.write(writer, json.dumps([name, value]).encode() + b"\n")


def _die_with_parent() -> None:
    if sys.platform == "linux":
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
