"""A control group for each submission: limits for all of its processes together, where this host lets us make one.

Limits per process come first: a failed allocation is an exception that a student can read. The group is for many
processes at a time, whose memory no limit of a single one holds.
https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/
"""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("memory", "pids")
_MEBIBYTE = 1 << 20
# A group can be removed once the kernel has let go of its last process, which takes a moment.
_TRIES, _PAUSE = 50, 0.002


@dataclass(frozen=True)
class Cgroup:
    """The folders of one group: one with version 2, one per controller with version 1."""

    folders: tuple[Path, ...]

    def join(self) -> None:
        """Put the calling process, and with it all that it will start, into the group. Raises ``OSError``.

        The process must have one thread: version 1 then takes it as a task, for which the kernel need not wait until
        no process of the host is about to fork, as it does for milliseconds with ``cgroup.procs``.
        """
        for folder in self.folders:
            tasks = folder / "tasks"
            (tasks if tasks.exists() else folder / "cgroup.procs").write_text("0")

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel ended a process of the group because of its memory limit."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    counts = dict(line.split() for line in (folder / name).read_text().splitlines())
                    if int(counts.get("oom_kill", 0)) > 0:
                        return True
        return False

    def remove(self) -> None:
        """Remove the group once its processes are gone."""
        for folder in self.folders:
            for _ in range(_TRIES):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(_PAUSE)


def create(name: str, memory: int, processes: int) -> Cgroup | None:
    """A new group with limits on memory (MiB) and the number of processes; None where it cannot be had."""
    folders = [parent / name for parent in _parents()]
    group = Cgroup(tuple(folders))
    try:
        for folder in folders:
            folder.mkdir()
            for file, value in (
                ("memory.max", memory * _MEBIBYTE),
                ("memory.swap.max", 0),
                ("memory.limit_in_bytes", memory * _MEBIBYTE),
                ("pids.max", processes),
            ):
                if (folder / file).exists():
                    (folder / file).write_text(str(value))
    except OSError:
        group.remove()
        return None
    return group if folders else None


def _parents() -> list[Path]:
    """The folders of this process's own groups that hand out both controllers; empty where none does."""
    try:
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    for _, controllers, path in lines:
        if controllers == "":
            for root in (_ROOT, _ROOT / "unified"):
                with contextlib.suppress(OSError):
                    given = (root / path.lstrip("/") / "cgroup.subtree_control").read_text().split()
                    if set(_CONTROLLERS) <= set(given):
                        return [root / path.lstrip("/")]
    found = [_ROOT / controllers / path.lstrip("/") for _, controllers, path in lines if controllers in _CONTROLLERS]
    return found if len(found) == len(_CONTROLLERS) and all(folder.is_dir() for folder in found) else []
