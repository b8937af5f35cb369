"""Starts nbgrader and otter in a tenth of the time: from a process that has imported them.

Their commands take seconds to import what they need, and most of them less to do their work. Here a server imports it
once, without a thread, and forks itself for each command, which then runs as `python -m nbgrader` does: in its own
folder, with its own environment and import path. What `autograder.process` does with a command stays as it is.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MODULES = ("nbgrader", "otter")


class Server:
    """The trusted end."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd="/")
        self._socket = ours
        self._one_at_a_time = threading.Lock()

    def start(self, request: dict[str, Any], output: int) -> "Command":
        ours, theirs = socket.socketpair()
        with theirs:
            data = json.dumps(request).encode()
            with self._one_at_a_time:
                socket.send_fds(self._socket, [len(data).to_bytes(8, "big")], [output, theirs.fileno()])
                self._socket.sendall(data)
        return Command(ours)

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


class Command:
    """What ``subprocess.Popen`` gives, as far as ``autograder.process`` asks for it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.pid = int.from_bytes(_received(end, 8), "big")
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("command", timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int.from_bytes(_received(self._end, 8), "big"))
            self._end.close()
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None


@contextmanager
def warm_commands(process: types.ModuleType) -> Iterator[None]:
    """Within, the module ``autograder.process`` starts these commands from one server."""
    server = Server()

    def popen(command: Sequence[str], **options: Any) -> Any:
        if command[1] != "-m" or command[2] not in MODULES:
            return subprocess.Popen(command, **options)
        request = {"arguments": command[2:], "folder": str(options["cwd"]), "environment": options["env"]}
        return server.start(request, options["stdout"].fileno())

    before = process.subprocess
    process.subprocess = types.SimpleNamespace(**{**vars(subprocess), "Popen": popen})
    try:
        yield
    finally:
        process.subprocess = before
        server.close()


def _serve(requests: socket.socket) -> None:
    # What both import in the end, and what is slow to import.
    import nbgrader.apps
    import nbgrader.converters
    import nbgrader.exchange.default  # noqa: F401
    import otter.cli
    import otter.generate
    import otter.run  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        header, descriptors, *_ = socket.recv_fds(requests, 8, 2)
        if not header:
            return
        request = json.loads(_received(requests, int.from_bytes(header, "big")))
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _watch(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _watch(request: dict[str, Any], output: int, end: int) -> None:
    """Tell which process runs the command, and how it ended."""
    child = os.fork()
    if child == 0:
        os.close(end)
        _run(request, output)
    with socket.socket(fileno=end) as teller:
        teller.sendall(child.to_bytes(8, "big"))
        teller.sendall(os.waitpid(child, 0)[1].to_bytes(8, "big"))
    os._exit(0)


def _run(request: dict[str, Any], output: int) -> None:
    """What the interpreter does for `python -m MODULE ARGUMENTS`."""
    import runpy
    import traceback

    code: Any = 1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        imports = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        sys.path[:] = [os.getcwd(), *imports, *sys.path[1:]]
        sys.argv = request["arguments"]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if isinstance(code, str):
            os.write(2, f"{code}\n".encode())
        os._exit(code if isinstance(code, int) else int(code is not None))


def _received(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := end.recv(size - len(data))):
        data += part
    return data


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())  # not this folder: a command's own comes first
    _serve(socket.socket(fileno=int(sys.argv[1])))
