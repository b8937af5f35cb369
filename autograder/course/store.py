"""Keeps what was graded, each result under the hash of all that it depends on.

A result is two files: the executed notebook, and the record of it, which is written last and so says that both are
there. Each is written whole or not at all, so whoever is killed, whenever, leaves results that are right.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from autograder.course.records import Record
from autograder.errors import CourseError
from autograder.schema import DecodeError, Schema

_RECORD: Schema[Record] = Schema(Record)


class ResultStore:
    """The results in ``folder``, which need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, key: str) -> Record | None:
        """The record under ``key``; None when there is none, or none that makes sense."""
        try:
            return _RECORD.from_json(self._path(key, "json").read_bytes())
        except (OSError, DecodeError):
            return None

    def load_notebook(self, key: str) -> str:
        """The executed notebook as JSON; empty when there is none."""
        path = self._path(key, "ipynb")
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def save(self, key: str, record: Record, notebook: str) -> None:
        """Keep a result. Raises ``CourseError`` when it cannot be written."""
        if notebook:
            write_atomically(self._path(key, "ipynb"), notebook)
        write_atomically(self._path(key, "json"), _RECORD.to_json(record, indent=1))

    def _path(self, key: str, suffix: str) -> Path:
        return self.folder / key[:2] / f"{key}.{suffix}"


def write_atomically(path: Path, content: str | bytes, permissions: int = 0o644) -> None:
    """Write a file so that it is there whole, or as it was before. Raises ``CourseError``.

    What a killed process left half written beside it has a name of its own, which the next attempt takes again.
    """
    temporary = path.with_name(f".{digest([os.fsencode(path.name)])[:16]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, permissions)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise CourseError(
            f"{path} cannot be written: {error.strerror}. What was graded before is kept. Fix that, and run the same "
            "command again."
        ) from None


def digest(parts: Iterable[bytes]) -> str:
    """A hash of a sequence of byte strings, each with its length, so that no two sequences look alike."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()
