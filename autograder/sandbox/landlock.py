"""Landlock: which files a process may use from now on (https://docs.kernel.org/userspace-api/landlock.html).

The rules hold for the process and all its children and can never be loosened. No privilege is needed.
"""

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from autograder.sandbox import libc

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# How many of the rights, in order, each version of the interface knows.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK = 0b11  # since version 4: bind and connect TCP
_SCOPES = 0b11  # since version 6: no abstract Unix sockets of others, no signals to others


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The interface's version on this host, 0 where there is none."""
    try:
        return libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except OSError:
        return 0


def scopes_signals() -> bool:
    """Whether it also keeps signals inside."""
    return version() >= 6


def restrict(readable: Iterable[Path], writable: Iterable[Path], listable: Iterable[Path] = ()) -> None:
    """Allow reading and running below ``readable``, everything below ``writable``, nothing else; no TCP.

    Below ``listable`` the names of files may be read, not what is in them. Paths that do not exist are passed over.
    ``no_new_privs`` must be set. Raises ``OSError``.
    """
    known = version()
    everything = (1 << _RIGHTS.get(known, 16)) - 1
    rules = _Ruleset(everything, _NETWORK if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    size = ctypes.sizeof(_Ruleset) if known >= 6 else 16 if known >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        for path in listable:
            _allow(ruleset, path, _READ_DIR)
        for path in writable:
            _allow(ruleset, path, everything)
        libc.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _ON_FILES
        rights &= (1 << _RIGHTS.get(version(), 16)) - 1
        rule = _PathBeneath(rights, opened)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(opened)
