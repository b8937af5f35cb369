"""Files that students handed in, out of folders and zips, as data: nothing is unpacked to disk, no link is followed.

A name that is not what a student's own file is called (absolute, with ``..``, a link, a device) is refused and named.
So is a zip that would become too large; the sizes that it states are not believed.
"""

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from autograder.regular_files import read_regular

# One submission's zips, one within the other, may hold so much together. A notebook has 3 MB, its results some more.
MAX_BYTES = 256 << 20
MAX_MEMBERS = 10_000
MAX_DEPTH = 3
_CHUNK = 1 << 20
_LONGEST_NAME = 255
# Of a whole path. Grading puts folders before it, and the system ends at 4096.
_LONGEST_PATH, _MOST_FOLDERS = 1000, 20

Report = Callable[[str], None]


@dataclass(frozen=True)
class File:
    """One file: its path below where it was found, when it was changed (UTC), how to read it, the zip that held it."""

    path: PurePosixPath
    modified: datetime
    read: Callable[[], bytes]
    archive: PurePosixPath | None = None

    @property
    def is_zip(self) -> bool:
        return self.path.suffix.lower() == ".zip"


class ArchiveError(Exception):
    """A zip that is none, is encrypted, or too large; the text says which."""


def folder_files(folder: Path, report: Report) -> Iterator[File]:
    """The regular files below a folder, sorted; links and special files are reported and left out."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted([*names, *(name for name in folders if Path(parent, name).is_symlink())]):
            path = Path(parent, name)
            shown = path.relative_to(folder).as_posix()
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                report(f"{shown} is a link or a special file: refused.")
            elif problem := name_problem(shown):
                report(f"{shown!r} {problem}: refused.")
            elif status.st_size > MAX_BYTES:
                report(f"{shown} has over {MAX_BYTES >> 20} MB: refused.")
            else:
                modified = datetime.fromtimestamp(status.st_mtime, UTC)
                yield File(PurePosixPath(shown), modified, partial(read_regular, path, MAX_BYTES))


def zip_files(source: Path | bytes, report: Report, most: int = MAX_MEMBERS) -> Iterator[File]:
    """The regular files of a zip, ``most`` at most, in its order; what must not be unpacked is reported and left out.

    Raises ``ArchiveError``, also when a file is read.
    """
    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        archive = zipfile.ZipFile(opened)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ArchiveError(f"is not a zip that can be read: {error}") from None
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > most:
        raise ArchiveError(f"holds over {most} files")
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if problem := name_problem(member.orig_filename):
            report(f"{member.orig_filename!r} {problem}: refused.")
        elif kind not in (0, stat.S_IFREG):
            report(f"{member.filename} is a link or a special file: refused.")
        else:
            yield File(PurePosixPath(member.filename), _modified(member), partial(_read, archive, member))


def name_problem(name: str) -> str:
    """What is odd about a file's path; empty when nothing is."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    if path.is_absolute() or windows.drive or windows.root:
        return "is an absolute path"
    if ".." in windows.parts:
        return "leads out of its folder"
    if "\\" in name or any(not character.isprintable() for character in name):
        return "has characters that no file name here has"
    if not path.name or any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts):
        return "is no name of a file"
    if len(os.fsencode(name)) > _LONGEST_PATH or len(path.parts) > _MOST_FOLDERS:
        return "lies too deep in folders"
    return ""


def _modified(member: zipfile.ZipInfo) -> datetime:
    try:
        return datetime(*member.date_time, tzinfo=UTC)
    except ValueError:
        return datetime(1980, 1, 1, tzinfo=UTC)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return _read_limited(file, member.filename)
    except ArchiveError:
        raise
    except Exception as error:  # zipfile, zlib, lzma and bz2 each have their own
        raise ArchiveError(f"holds {member.filename}, which cannot be read: {error or type(error).__name__}") from None


def _read_limited(file: IO[bytes], name: str) -> bytes:
    data = bytearray()
    while chunk := file.read(_CHUNK):
        data += chunk
        if len(data) > MAX_BYTES:
            raise ArchiveError(f"holds {name}, which becomes larger than {MAX_BYTES >> 20} MB")
    return bytes(data)
