"""Holds what the code in boxes needs, loaded once, and forks a boxed process from itself for each box.

The zygote runs no untrusted code, has one thread (forking with more is not safe), and no secret in its memory: its
forks inherit all of it.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
from pathlib import Path

from autograder.sandbox import libc
from autograder.sandbox.cage import RESERVED, Cage, visible_paths
from autograder.sandbox.cgroup import Cgroup, create
from autograder.sandbox.channel import Channel, Closed
from autograder.sandbox.keeper import keep
from autograder.sandbox.limits import Isolation
from autograder.sandbox.messages import Message
from autograder.sandbox.protocol import (
    ANSWER,
    READY,
    REQUEST,
    BoxEnded,
    BoxRefused,
    BoxStarted,
    EndBox,
    Ready,
    StartBox,
)
from autograder.sandbox.service import Service, thread_count, warm_up

_HUGE_PAGE = 2 << 20
_OBJECTS_PER_COLLECTION = 10_000  # Python's own 700 is for small programs: a figure has more, and they outlive it all
_keepers: set[int] = set()


def main(descriptor: int, served: str) -> None:
    """Serve the grader on an inherited socket until it closes it; in boxes, ``served`` answers."""
    channel = Channel(socket.socket(fileno=descriptor))
    if sys.platform == "linux":
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
    service = warm_up(served)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    _use_huge_pages()
    groups: dict[int, Cgroup] = {}
    with contextlib.suppress(Closed):  # whoever started this is gone
        channel.send(Message(READY.to_json(Ready(os.getpid(), thread_count()))))
        while True:
            answer: BoxStarted | BoxRefused | BoxEnded
            match REQUEST.from_json(channel.receive().skeleton):
                case StartBox(cage):
                    _, descriptors, *_ = socket.recv_fds(channel.socket, 1, 1)
                    answer = _start(cage, descriptors[0], channel, service, groups)
                    os.close(descriptors[0])
                case EndBox(keeper):
                    answer = _end(keeper, groups.pop(keeper, None))
            channel.send(Message(ANSWER.to_json(answer)))


def _use_huge_pages() -> None:
    """Gather memory in pages of 2 MiB: a fork copies a table entry per page, and then takes less than half the time.

    What a fork writes to is copied in small pages all the same.
    https://docs.kernel.org/admin-guide/mm/transhuge.html, https://man7.org/linux/man-pages/man2/madvise.2.html
    """
    if sys.platform != "linux":
        return
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, _, _, inode, *_ = line.split()
        first, last = (int(address, 16) for address in span.split("-"))
        start, end = -(-first // _HUGE_PAGE) * _HUGE_PAGE, last // _HUGE_PAGE * _HUGE_PAGE
        if rights == "rw-p" and inode == "0" and start < end:
            for advice in (libc.MADV_HUGEPAGE, libc.MADV_COLLAPSE):
                with contextlib.suppress(OSError):  # a kernel without it, or memory not in use
                    libc.madvise(start, end - start, advice)


def _start(
    cage: Cage, descriptor: int, channel: Channel, service: Service, groups: dict[int, Cgroup]
) -> BoxStarted | BoxRefused:
    """Fork keeper and boxed process; the answer says what is in force, or why it was not started."""
    name, limits = f"{Path(cage.work).parent.name}-{os.getpid()}", cage.policy.limits
    is_open = cage.policy.isolation is Isolation.NONE
    group = None if is_open else create(name, limits.memory + limits.disk, limits.processes + RESERVED)
    visible_paths(cage.hidden)  # once for all boxes: what is known here need not be found out in each fork
    reader, writer = os.pipe()
    keeper = os.fork()
    _keepers.add(keeper)
    if keeper == 0:
        os.close(reader)
        channel.close()
        keep(cage, descriptor, writer, service, group)
    os.close(writer)
    # The keeper writes the boxed process's number, that process what is in force, before any untrusted code runs. Then
    # both close the pipe, which ends the reading.
    with open(reader, encoding="utf-8") as lines:
        report = dict(json.loads(line) for line in lines)
    if "force" not in report:
        _end(keeper, group)
        return BoxRefused(report.get("error", "the boxed process ended before it had begun"))
    if group:
        groups[keeper] = group
        report["force"]["resources"] = "limits per process, control group"
    return BoxStarted(keeper, report["boxed"], report["force"])


def _end(keeper: int, group: Cgroup | None) -> BoxEnded:
    """Kill a box's processes, all of them, and say what they used.

    With a process namespace the kernel ends everything in it. Without, what the code in the box left behind has become
    a child of ours, and is killed here until there is none.
    """
    for child in _children(keeper):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        if not _children(keeper):
            os.kill(keeper, signal.SIGKILL)
    _, status, usage = os.wait4(keeper, 0)
    _keepers.discard(keeper)
    left = 0
    while children := set(_children(os.getpid())) - _keepers:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)
            left += 1
    out_of_memory = group is not None and group.ran_out_of_memory()
    if group:
        group.remove()
    code = os.waitstatus_to_exitcode(status)
    return BoxEnded(
        status=code - 256 if code > 127 else code,
        cpu=usage.ru_utime + usage.ru_stime,
        memory=usage.ru_maxrss / (1 << 10 if sys.platform == "linux" else 1 << 20),
        left=left,
        out_of_memory=out_of_memory,
    )


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    import psutil

    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []
