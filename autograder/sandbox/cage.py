"""Puts a process into a cage, layer by layer, before any untrusted code runs in it.

Each layer that this host allows is used, and reported. At least one must stand between the code and each thing worth
protecting, else the process is not started (``CageError``):

- files: a root file system of its own with nothing in it but what Python needs, and Landlock rules
- network: a network namespace without interfaces, and a seccomp filter
- processes: a process namespace, and a user of its own (as root), and Landlock's scope for signals

``no_new_privs``, resource limits and a clean environment are always in force, a control group where one can be made.
"""

import contextlib
import functools
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from autograder.sandbox import landlock, libc, seccomp
from autograder.sandbox.limits import Isolation, Limits, Policy


class Protected(StrEnum):
    """What of the host must be protected."""

    FILES = "files"
    NETWORK = "network"
    PROCESSES = "processes"


# Which layers are in force for each.
Force = dict[Protected, list[str]]

PACKAGE = Path(__file__).parents[1]
# Of the system Python needs programs, libraries, fonts, time zones. Nothing here is anybody's data.
_SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache",
    "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/ssl",
    "/etc/timezone",
)  # fmt: skip
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# Not /dev/zero: mapped as shared it is memory that no limit counts.
_WRITABLE_DEVICES = ("/dev/null", "/dev/full")
_LINKS = {"fd": "/proc/self/fd", **{name: f"/proc/self/fd/{n}" for n, name in enumerate(("stdin", "stdout", "stderr"))}}
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ")
_MEBIBYTE = 1 << 20
# Processes that the code in a box cannot use up: a fork that the service makes, and the one before, about to end.
RESERVED = 2
HOME = ".home"


class CageError(RuntimeError):
    """This host cannot keep the code in a box from something that must be protected."""


@dataclass(frozen=True)
class Cage:
    """``files`` is copied to ``work``, the folder in which the boxed process works; nothing below ``hidden`` is seen.

    ``user`` is whom the process becomes when the grader is root, ``variables`` are its environment's.
    """

    files: str
    work: str
    hidden: tuple[str, ...]
    user: int
    variables: dict[str, str]
    policy: Policy[Limits]

    @property
    def limits(self) -> Limits:
        return self.policy.limits


def unshare() -> dict[str, str]:
    """Leave the host's namespaces where allowed; the process namespace begins with the next child."""
    if sys.platform != "linux":
        return {}
    flags = libc.CLONE_NEWNS | libc.CLONE_NEWNET | libc.CLONE_NEWIPC | libc.CLONE_NEWUTS | libc.CLONE_NEWPID
    if os.geteuid() == 0:
        return _namespaces(lambda: libc.unshare(flags), "namespace")
    user, group = os.geteuid(), os.getegid()

    def with_user_namespace() -> None:
        libc.unshare(flags | libc.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")

    return _namespaces(with_user_namespace, "namespace of a user namespace")


def _namespaces(enter: Callable[[], None], how: str) -> dict[str, str]:
    try:
        enter()
    except OSError:
        return {}
    return {kind: f"{kind} {how}" for kind in ("mount", "network", "process")}


def enter(cage: Cage, namespaces: dict[str, str]) -> dict[str, str]:
    """Put this process into the cage, in its work folder; called in the boxed process.

    Returns what is in force, by thing protected. Raises ``CageError`` when something would stand open.
    """
    if cage.policy.isolation is Isolation.NONE:
        shutil.copytree(cage.files, cage.work, dirs_exist_ok=True)
        _settle(cage)
        return {}
    # Folders on the way to its own are made here, and the user that this process becomes passes through them.
    os.umask(0o022)
    changes_user = os.geteuid() == 0 and bool(cage.user)
    others = 0 if changes_user else _tasks_of_user()  # asked while all of them can be seen
    force: Force = {protected: [] for protected in Protected}
    if "network" in namespaces:
        force[Protected.NETWORK].append("network namespace")
    if "process" in namespaces:
        force[Protected.PROCESSES].append("process namespace")
    readable = visible_paths(cage.hidden)
    if "mount" in namespaces:
        with _reporting("a root of its own"):
            _new_root(cage, readable)
        force[Protected.FILES].append("root of its own")
    else:
        shutil.copytree(cage.files, cage.work, dirs_exist_ok=True)
    if changes_user:
        with _reporting("a user of its own"):
            _change_user(cage)
        force[Protected.PROCESSES].append("user of its own")
    _settle(cage)
    _limit(cage, others)
    force = _restrict(cage, readable, force)
    if open_to := [protected for protected in Protected if not force[protected]]:
        raise CageError(
            f"this host gives no way to keep students' code from the host's {' and '.join(open_to)}. "
            "`autograder doctor` says what is missing and how to get it; `--isolation none` grades without protection."
        )
    return {protected.value: ", ".join(layers) for protected, layers in force.items()}


@functools.cache
def visible_paths(hidden: tuple[str, ...]) -> list[Path]:
    """Files and folders that the code in a box may read: the system's and Python's, less the ``hidden`` ones."""
    paths = [Path(path) for path in _SYSTEM]
    paths += [
        Path(path) for path in dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix))
    ]
    # Virtual environments may borrow from one another, and link to an interpreter elsewhere.
    paths += [Path(path) for path in sys.path if path.endswith("site-packages")]
    paths.append(Path(os.path.realpath(sys.executable)).parent.parent)
    # Installed rather than checked out, this package, or another copy of it, lies among the libraries.
    installed = [Path(path) / PACKAGE.name for path in sys.path if path]
    secret = [
        Path(os.path.realpath(path)) for path in [*map(Path, hidden), PACKAGE, *installed] if os.path.exists(path)
    ]
    return [seen for path in dict.fromkeys(paths) for seen in _without(path, secret)]


def _partly_visible(readable: list[Path]) -> list[Path]:
    """Folders of Python's of which only some entries are visible: an import lists them before it looks for a file."""
    return [Path(path) for path in sys.path if path and Path(path) not in readable and _has_entry_of(path, readable)]


def _has_entry_of(path: str, readable: list[Path]) -> bool:
    return any(seen.parent == Path(path) for seen in readable)


def _without(path: Path, secret: list[Path]) -> list[Path]:
    """``path`` itself, or its entries where something secret lies below it."""
    if path in secret:
        return []
    if not any(path in entry.parents for entry in secret):
        return [path] if path.exists() else []
    return [seen for entry in sorted(path.iterdir()) for seen in _without(entry, secret)]


def _new_root(cage: Cage, readable: list[Path]) -> None:
    """A root file system in memory that shows ``readable`` at their places, read-only, and takes ``disk`` MiB."""
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    root = Path(cage.work).parent / "root"
    root.mkdir(exist_ok=True)
    quota = f"size={cage.limits.disk}m,nr_inodes=100k,mode=755"
    libc.mount("tmpfs", str(root), "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, quota)
    for path in sorted(readable, key=lambda path: len(path.parts)):
        _show(path, root)
    for device in _DEVICES:
        _bind(Path(device), root, 0)
    work = root / cage.work.lstrip("/")
    shutil.copytree(cage.files, work, dirs_exist_ok=True)
    for folder in ("tmp", "dev/shm"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder).chmod(0o1777)
    for name, target in _LINKS.items():
        (root / "dev" / name).symlink_to(target)
    (root / "proc").mkdir()
    libc.mount("proc", str(root / "proc"), "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(f"student:x:{cage.user}:{cage.user}::{cage.work}/{HOME}:/bin/sh\n")
    (root / "old").mkdir()
    libc.pivot_root(str(root), str(root / "old"))
    os.chdir("/")
    libc.umount("/old")
    os.rmdir("/old")


def _show(path: Path, root: Path) -> None:
    """Show ``path`` in the new root: links as links, the rest bound read-only."""
    target = root / str(path).lstrip("/")
    if target.exists() or target.is_symlink():
        return
    if path.is_symlink():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.readlink(path))
    else:
        _bind(path, root, libc.MS_RDONLY)


def _bind(path: Path, root: Path, flags: int) -> None:
    target = root / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    libc.mount(str(path), str(target), flags=libc.MS_BIND | libc.MS_REC)
    if flags:
        flags |= libc.MS_NOSUID | libc.MS_BIND | libc.MS_REMOUNT
        libc.mount("none", str(target), flags=flags | _locked_flags(target))


def _locked_flags(path: Path) -> int:
    """Flags of the mount that a user namespace may not take away when it mounts anew."""
    flags = os.statvfs(path).f_flag
    return flags & (os.ST_NODEV | os.ST_NOEXEC | os.ST_NOSUID)


def _change_user(cage: Cage) -> None:
    """From root to a user that owns nothing but the work folder."""
    for folder, _, names in os.walk(cage.work):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, cage.user, cage.user, follow_symlinks=False)
    os.setgroups([])
    os.setresgid(cage.user, cage.user, cage.user)
    os.setresuid(cage.user, cage.user, cage.user)  # which drops all capabilities


def _settle(cage: Cage) -> None:
    """Work folder, environment, import path: those of a program started there, and nothing of the grader's."""
    os.chdir(cage.work)
    home = Path(cage.work) / HOME
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    os.environ.clear()
    os.environ.update(
        kept | cage.variables,
        HOME=str(home),
        TMPDIR=str(home / "tmp"),
        USER="student",
        LOGNAME="student",
    )
    sys.path[:] = ["", *(path for path in sys.path if path and path not in cage.hidden)]


def _tasks_of_user() -> int:
    """How many processes and threads this process's user has on the host."""
    tasks = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError, KeyError):  # ended meanwhile
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            tasks += int(lines["Threads"]) if int(lines["Uid"].split()[0]) == os.getuid() else 0
    return tasks


def _limit(cage: Cage, others: int) -> None:
    """Limits per process. Memory counts from what the process shares with its parent already.

    The limit on processes is the user's: where that is the grader's, ``others`` are those that he has already.
    """
    data = _status("VmData") + cage.limits.memory * _MEBIBYTE
    processes = cage.limits.processes + others
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: data,
        resource.RLIMIT_FSIZE: cage.limits.file * _MEBIBYTE,
        resource.RLIMIT_NOFILE: cage.limits.open_files,
    }
    for name, value in limits.items():
        resource.setrlimit(name, (value, value))
    resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes + RESERVED))
    # First the signal that tells why, a second later the end for a process that ignores it.
    resource.setrlimit(resource.RLIMIT_CPU, (cage.limits.cpu_seconds, cage.limits.cpu_seconds + 1))


def _status(name: str) -> int:
    """A size in bytes from /proc/self/status; 0 where the host does not tell."""
    with contextlib.suppress(OSError, StopIteration), open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(name))
    return 0


def _restrict(cage: Cage, readable: list[Path], force: Force) -> Force:
    """The layers that a process lays upon itself; what they allow must be settled before."""
    if sys.platform != "linux":
        return force
    libc.drop_capabilities()  # a user namespace gives its first process all of them
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    if version := landlock.version():
        readable = [*readable, Path("/etc/passwd"), *([Path("/proc")] if force[Protected.FILES] else [])]
        own = [Path("/tmp"), Path("/dev/shm")] if force[Protected.FILES] else []
        with _reporting("Landlock"):
            landlock.restrict(
                [*readable, *map(Path, _DEVICES)],
                [Path(cage.work), *map(Path, _WRITABLE_DEVICES), *own],
                _partly_visible(readable),
            )
        force[Protected.FILES].append(f"Landlock {version}")
        if landlock.scopes_signals():
            force[Protected.PROCESSES].append("Landlock signal scope")
    if seccomp.is_known():
        with _reporting("seccomp"):
            # Landlock does not know about sockets in folders: without a root of its own, the host's can be seen.
            seccomp.restrict(unix_sockets="root of its own" in force[Protected.FILES])
        force[Protected.NETWORK].append("seccomp filter")
    return force


@contextlib.contextmanager
def _reporting(layer: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CageError(f"{layer} could not be set up on this host: {error}") from None
