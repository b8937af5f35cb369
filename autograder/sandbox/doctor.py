"""Which isolation this host gives: each layer looked for, then the whole tried out on a box."""

import contextlib
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AutograderError
from autograder.sandbox.box import Box, Zygote
from autograder.sandbox.limits import Limits, Policy
from autograder.sandbox.messages import Message

_SERVED = "autograder.sandbox.probe"
_FORK = "import os; child = os.fork(); child or os._exit(0); print(os.waitpid(child, 0)[1])"
_SECONDS = 20.0
_SECRET = "the host's secret"


@dataclass(frozen=True)
class HostCheck:
    """One line of the report: ``advice`` says what to do when it is not ``ok``; others can stand in for a layer that is
    not ``required``."""

    name: str
    ok: bool
    text: str
    advice: str = ""
    required: bool = False


def diagnose() -> Iterator[HostCheck]:
    """Look for the layers, cheap things first; the last findings are what a box really keeps out."""
    yield _system()
    if sys.platform != "linux":
        return
    from autograder.sandbox import landlock, seccomp

    version = landlock.version()
    advice = (
        "needs Linux 5.13 or later, started with landlock among `lsm=`; containers must not filter its system calls"
    )
    yield HostCheck("Landlock", version > 0, f"version {version}" if version else "not there", advice)
    yield HostCheck("seccomp", seccomp.is_known(), platform.machine(), "there is a filter for x86_64 and aarch64 only")
    yield _namespaces()
    is_root = os.geteuid() == 0
    text = "started as root: student code runs as another user" if is_root else "student code runs as you"
    yield HostCheck("own user", is_root, text, "start the grader as root, in a container or virtual machine")
    yield from _trial()


def _system() -> HostCheck:
    advice = (
        "isolation needs Linux: use a virtual machine or a container (`docker run` with this repository works), "
        "or grade without it by `--isolation none`, only what you would run yourself"
    )
    return HostCheck("system", sys.platform == "linux", f"{platform.system()} {platform.release()}", advice, True)


def _namespaces() -> HostCheck:
    """Try it in a child: namespaces cannot be left again."""
    advice = (
        "as root in a container: give it `--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt "
        "apparmor=unconfined`; as a user: `sysctl kernel.unprivileged_userns_clone=1` and, on Ubuntu, "
        "`kernel.apparmor_restrict_unprivileged_userns=0`. Landlock and seccomp stand in where it cannot be had"
    )
    child = os.fork()
    if child == 0:
        from autograder.sandbox.cage import unshare

        os._exit(0 if unshare() else 1)
    ok = os.waitpid(child, 0)[1] == 0
    return HostCheck("namespaces", ok, "mount, network, process" if ok else "refused by this host", advice)


def _trial() -> Iterator[HostCheck]:
    """Put a box up and let it try what it must not be able to do."""
    folder = Path(tempfile.mkdtemp(prefix="doctor-"))
    secret = folder / "secret.txt"
    secret.write_text(_SECRET)
    (folder / "files").mkdir()
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    local, address = socket.socket(socket.AF_UNIX), str(folder / "socket")
    local.bind(address)
    local.listen()
    for path in (folder, Path(address)):
        path.chmod(0o777)
    probes = {
        "reads the host's files": f"print(open({str(secret)!r}).read())",
        "writes to the host's files": f"open({str(secret)!r}, 'a').write('x'); print('wrote')",
        "reaches the network": f"import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('connected')",
        "signals other processes": f"import os; os.kill({os.getpid()}, 0); print('could')",
        "talks to the host's sockets": f"import socket; socket.socket(1).connect({address!r}); print('connected')",
        "sees the grader's environment": "import os; print(os.environ.get('PWD', '') + os.environ.get('SHELL', ''))",
    }
    try:
        zygote = Zygote(_SERVED)
        with contextlib.closing(zygote), Box(zygote, folder / "files", Policy(Limits())) as box:
            for protected, how in box.in_force.items():
                yield HostCheck(f"{protected} protected", True, how, required=True)
            can_fork = _printed(box, _FORK) == "0"
            text = "yes" if can_fork else "no: this user has too many processes"
            yield HostCheck(
                "tests get a process", can_fork, text, "raise the user's limit on processes (`ulimit -u`)", True
            )
            for deed, code in probes.items():
                could = bool(_printed(box, code))
                yield HostCheck(f"student code {deed}", not could, "yes" if could else "no", "please report this", True)
    except AutograderError as error:
        yield HostCheck("box", False, str(error), required=True)
    finally:
        server.close()
        local.close()
        shutil.rmtree(folder)


def _printed(box: Box, code: str) -> str:
    """What code prints when it runs in the box."""
    deadline = time.monotonic() + _SECONDS
    box.channel.send(Message(code.encode()), deadline)
    return bytes(box.channel.receive(deadline).skeleton).decode().strip()
