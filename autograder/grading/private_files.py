"""Recognizes files that only graders have, should a submission hold one.

Who collects submissions with a tool that follows links (nbgrader's own `collect` does) makes of a student's link to the
solutions a plain copy of them, in the student's name. All that is left of it is its content.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from autograder.assignment.assignment import SOLUTIONS, Assignment
from autograder.grading.results import RESULTS
from autograder.regular_files import read_regular

# Nothing shorter tells anything; "{}" and the like may well be a student's own.
_SHORTEST = 16
# The gradebook changes with every grade: yesterday's copy has another content. No homework asks for a database.
_DATABASE = b"SQLite format 3\x00"


class PrivateFiles:
    """The files of a course that students were not given. Read when first needed, hashed where a size is the same."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment

    def name_of(self, content: bytes) -> str:
        """The file of the course that has this content, by its path in it; empty for any other content."""
        if content.startswith(_DATABASE):
            return "a database such as the gradebook"
        if len(content) not in self._by_size:
            return ""
        digest = _digest(content)
        if digest in self._released:
            return ""
        same = (path for path in self._by_size[len(content)] if _digest(read_regular(path, len(content))) == digest)
        return next((path.relative_to(self._assignment.root).as_posix() for path in same), "")

    @cached_property
    def _by_size(self) -> dict[int, list[Path]]:
        found: dict[int, list[Path]] = {}
        for path in self._paths():
            with contextlib.suppress(OSError):  # gone meanwhile
                size = path.lstat().st_size
                if size >= _SHORTEST:
                    found.setdefault(size, []).append(path)
        return found

    @cached_property
    def _released(self) -> set[bytes]:
        """Students have these, under whatever name: the kits are in source and release alike."""
        released = self._assignment.release.parent.rglob("*")
        return {_digest(path.read_bytes()) for path in released if path.is_file()}

    def _paths(self) -> Iterator[Path]:
        """Only what graders alone can have made: students may have the same saved results, or the same stray files."""
        root = self._assignment.root
        for name in ("source", SOLUTIONS, "tests", self._assignment.dist.parent.relative_to(root)):
            for folder, folders, names in os.walk(root / name):
                folders[:] = [name for name in folders if name != RESULTS]
                yield from (path for name in names if not (path := Path(folder, name)).is_symlink())
        yield from (root / "graded").rglob("*.ipynb")
        yield from (root / "autograded").rglob("*.ipynb")  # beside them lie files that students submitted
        yield from (root / ".git" / "objects" / "pack").glob("*.pack")


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
