"""Holds everything a notebook imports, loaded once, and forks a caged process from itself for each submission.

Importing torch, numpy, matplotlib and IPython takes seconds, a fork milliseconds. The zygote runs no student code, has
one thread (forking with more is not safe), and no secret in its memory: its forks inherit all of it.

For each submission it forks a *keeper*, which enters new namespaces and forks the student process; the keeper's only
work is to be its parent, so that the process namespace begins with the student process and ends with it.
"""

import contextlib
import gc
import io
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

from autograder.grading.channel import Channel, Closed
from autograder.grading.student import libc
from autograder.grading.student.cage import RESERVED, Cage, CageError, enter, unshare, visible_paths
from autograder.grading.student.cgroup import Cgroup, create
from autograder.grading.student.server import Printed, Server
from autograder.grading.student.shell import StudentShell, attach_streams, new_shell
from autograder.grading.wire import MAX_SKELETON, Wire

_WIRE = Wire(to_reference=repr, from_reference=str)
_HUGE_PAGE = 2 << 20
_OBJECTS_PER_COLLECTION = 10_000  # Python's own 700 is for small programs: a figure has more, and they outlive it all
_keepers: set[int] = set()


def main(descriptor: int) -> None:
    """Serve the grader on an inherited socket until it closes it."""
    channel = Channel(socket.socket(fileno=descriptor))
    if sys.platform == "linux":
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
    shell = _warm_up()
    groups: dict[int, Cgroup] = {}
    channel.send(_WIRE.encode({"ready": os.getpid(), "threads": _threads()}))
    with contextlib.suppress(Closed):
        while True:
            match _WIRE.decode(channel.receive()):
                case ["start", dict(cage)]:
                    _, descriptors, *_ = socket.recv_fds(channel.socket, 1, 1)
                    answer = _start(Cage.from_data(cage), descriptors[0], channel, shell, groups)
                    os.close(descriptors[0])
                case ["end", int(pid)]:
                    answer = _end(pid, groups.pop(pid, None))
            channel.send(_WIRE.encode(answer))


def _warm_up() -> StudentShell:
    """Import what notebooks import, and do once what is slow the first time."""
    shell = new_shell()
    import matplotlib.pyplot as plt
    import scipy.ndimage  # noqa: F401
    import torch.nn.functional

    torch.set_num_threads(1)
    layer = torch.nn.Conv2d(1, 1, 3)
    layer(torch.zeros(1, 1, 5, 5)).sum().backward()
    torch.optim.SGD(layer.parameters(), lr=0.1).step()  # the first optimizer imports 800 modules
    figure, axis = plt.subplots()
    axis.set_title("$x$")
    figure.colorbar(axis.imshow([[0.0]]))
    shell.format_figure(figure)
    plt.close(figure)
    _close_fonts()
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run("%time 1 + 1")
    shell.run("1 / 0")
    shell.forget()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    _use_huge_pages()
    return shell


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


def _close_fonts() -> None:
    """Let matplotlib open its font files anew in each fork: forks would share the place where they read."""
    from matplotlib import font_manager, mathtext

    font_manager._get_font.cache_clear()  # type: ignore[attr-defined]
    mathtext.MathTextParser._parse_cached.cache_clear()  # type: ignore[attr-defined]
    gc.collect()


def _threads() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return 1


def _start(
    cage: Cage, descriptor: int, channel: Channel, shell: StudentShell, groups: dict[int, Cgroup]
) -> dict[str, Any]:
    """Fork keeper and student process; the answer says what is in force, or why it was not started."""
    name = f"{Path(cage.work).parent.name}-{os.getpid()}"
    group = None if cage.isolation == "none" else create(name, cage.memory + cage.disk, cage.processes + RESERVED)
    visible_paths(cage.hidden)  # once for all submissions: what is known here need not be found out in each fork
    reader, writer = os.pipe()
    keeper = os.fork()
    _keepers.add(keeper)
    if keeper == 0:
        os.close(reader)
        channel.close()
        _keep(cage, descriptor, writer, shell, group)
    os.close(writer)
    # The keeper writes the student process's number, that process what is in force, before any of a student's code
    # runs. Then both close the pipe, which ends the reading.
    with open(reader, encoding="utf-8") as lines:
        report = dict(json.loads(line) for line in lines)
    if "force" not in report:
        _end(keeper, group)
        return {"error": report.get("error", "the student process ended before it had begun")}
    if group:
        groups[keeper] = group
        report["force"]["resources"] = "limits per process, control group"
    return {"keeper": keeper, "student": report["student"], "force": report["force"]}


def _report(writer: int, name: str, value: Any) -> None:
    os.write(writer, json.dumps([name, value]).encode() + b"\n")


def _keep(cage: Cage, descriptor: int, writer: int, shell: StudentShell, group: Cgroup | None) -> NoReturn:
    """The keeper's life."""
    try:
        os.setsid()
        if group:
            group.join()
        _die_with_parent()
        namespaces = {} if cage.isolation == "none" else unshare()
        student = os.fork()
        if student == 0:
            _be_student(cage, namespaces, descriptor, writer, shell)
        os.close(descriptor)
        _report(writer, "student", student)
        os.close(writer)
        status = os.waitpid(student, 0)[1]
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    finally:
        os._exit(1)


def _be_student(cage: Cage, namespaces: dict[str, str], descriptor: int, writer: int, shell: StudentShell) -> NoReturn:
    """The student process's life, the part before the student's code and then that."""
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
        _report(writer, "error", f"the student process could not be set up: {type(error).__name__}: {error}")
        os._exit(1)
    try:
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        keep = sorted({0, 1, 2, printed.file, descriptor})
        for low, high in zip(keep, [*keep[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(low + 1, high)
        shell.outputs.limit = min(cage.output << 20, MAX_SKELETON // 2)  # as much again may come past Python
        attach_streams(shell)
        Server(shell, Channel(socket.socket(fileno=descriptor)), printed).serve()
        os._exit(0)
    finally:
        os._exit(1)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(keeper: int, group: Cgroup | None) -> dict[str, Any]:
    """Kill a submission's processes, all of them, and say what they used.

    With a process namespace the kernel ends everything in it. Without, what a student's code left behind has become
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
    return {
        "out_of_memory": out_of_memory,
        "status": os.waitstatus_to_exitcode(status),
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / (1 << 10 if sys.platform == "linux" else 1 << 20),
        "left": left,
    }


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    import psutil

    with contextlib.suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children()]
    return []
