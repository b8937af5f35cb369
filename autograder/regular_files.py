"""Reads files from folders into which students can put what they like: regular files only, and no link is followed.

A link may lead to solutions, the gradebook, another student's work or a key. Who copies what it points to does so with
the permissions of the account that grades, and hands it to the student. Pipes and devices never end. So each file is
opened through the folder that was opened before it, and judged when it is open, so nobody can exchange it in between.
https://docs.python.org/3/library/os.html#dir-fd
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Told the path of what is left out, below the folder, and why: the rest of a sentence that begins with its name.
Refused = Callable[[PurePosixPath, str], None]

_MAX_DEPTH = 20
# Systems open paths of up to 4096 bytes, and files are copied to deeper places.
_LONGEST_PATH = 1000
_CHUNK = 1 << 20
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = {
    stat.S_IFIFO: "is a named pipe",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFCHR: "is a device",
    stat.S_IFBLK: "is a device",
    stat.S_IFDIR: "is a folder",
}


@dataclass(frozen=True)
class RegularFile:
    """An open file: its path below the folder, what the system says of it. Closed when the next one is asked for."""

    path: PurePosixPath
    status: os.stat_result
    descriptor: int

    @property
    def size(self) -> int:
        """In bytes, when it was opened."""
        return self.status.st_size

    def read(self) -> bytes:
        """The content, as long as ``size`` says or shorter: look at that first."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The same in pieces. A file that grows meanwhile ends where it ended when it was opened."""
        left = self.size
        while left and (chunk := os.read(self.descriptor, min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk


def regular_files(folder: Path, refused: Refused, owner: int | None = None) -> Iterator[RegularFile]:
    """The regular files below a folder, open, in order; ``refused`` is told of everything else but folders.

    With ``owner`` (a user id) a file of anybody else's is refused, too: a hard link, say. A folder that is itself a
    link, or does not exist, has no files; ``refused`` is told that with an empty path.
    """
    yield from _walk(str(folder), None, PurePosixPath(), refused, owner)


def _walk(
    name: str, above: int | None, inside: PurePosixPath, refused: Refused, owner: int | None
) -> Iterator[RegularFile]:
    """The files of the folder ``name`` in the open folder ``above``, then those of its folders."""
    try:
        folder = os.open(name, _OPEN | os.O_DIRECTORY, dir_fd=above)
    except OSError as error:
        refused(inside, f"cannot be read: {error.strerror}")
        return
    try:
        folders = []
        for entry in sorted(os.listdir(folder)):
            path = inside / entry
            if len(os.fsencode(path)) > _LONGEST_PATH:
                refused(path, f"has a path of more than {_LONGEST_PATH} bytes")
            elif _is_folder(entry, folder):
                folders.append(entry)
            else:
                yield from _opened(entry, folder, path, refused, owner)
        for entry in folders:
            if len(inside.parts) >= _MAX_DEPTH:
                refused(inside / entry, f"lies more than {_MAX_DEPTH} folders deep")
            else:
                yield from _walk(entry, folder, inside / entry, refused, owner)
    finally:
        os.close(folder)


def _opened(name: str, folder: int, path: PurePosixPath, refused: Refused, owner: int | None) -> Iterator[RegularFile]:
    try:
        opened, status = _open(name, folder, owner)
    except _NotRegular as problem:
        refused(path, str(problem))
        return
    try:
        yield RegularFile(path, status, opened)
    finally:
        os.close(opened)


def read_regular(path: Path, most: int) -> bytes:
    """A regular file's content; empty when there is none of that name, it is a link, or larger than ``most`` bytes."""
    try:
        opened, status = _open(str(path), None, None)
    except _NotRegular:
        return b""
    try:
        file = RegularFile(PurePosixPath(path), status, opened)
        return file.read() if file.size <= most else b""
    finally:
        os.close(opened)


def printable(text: object) -> str:
    """Text that every terminal and file can show: control characters and bytes that are no text are escaped.

    Students name files, and what links lead to, as they like.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


class _NotRegular(Exception):
    """Why something is not read, as the rest of a sentence that begins with its name."""


def _open(name: str, folder: int | None, owner: int | None) -> tuple[int, os.stat_result]:
    try:
        _assert_regular(os.lstat(name, dir_fd=folder), name, folder)  # opening a device may do something by itself
        opened = os.open(name, _OPEN, dir_fd=folder)
    except OSError as error:
        raise _NotRegular(f"cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(opened)
        _assert_regular(status, name, folder)
        if owner is not None and status.st_uid != owner:
            raise _NotRegular(f"belongs to user {status.st_uid}, not to user {owner}")
    except _NotRegular:
        os.close(opened)
        raise
    return opened, status


def _assert_regular(status: os.stat_result, name: str, folder: int | None) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise _NotRegular(f"is a link to {printable(os.readlink(name, dir_fd=folder))}")
    if not stat.S_ISREG(status.st_mode):
        raise _NotRegular(_KINDS.get(stat.S_IFMT(status.st_mode), "is not a regular file"))


def _is_folder(name: str, folder: int) -> bool:
    """Whether it is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode)
    except OSError:  # gone meanwhile
        return False
