"""Puts what students handed in where nbgrader wants it: ``submitted/<student>/<assignment>/``."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.adapters import TIMESTAMP
from autograder.assignment.assignment import Assignment, assignment_names
from autograder.assignment.notebook import Notebook
from autograder.course.archives import ArchiveError, File
from autograder.course.sources import Upload, read_source, unzipped
from autograder.course.store import write_atomically
from autograder.course.submissions import Submission, parse_moment
from autograder.grading.intake import MAX_FILE
from autograder.grading.own_files import OwnFileRules, Room, comes_first

# What browsers and Canvas put behind the name of a file that is there already: " (1)", "-2".
_COPY = re.compile(r"(?: ?\(\d+\)|-\d+)$")
# Of a renamed notebook's graded cells so many must be those of one of ours.
_SHARE = 0.5


@dataclass
class Collected:
    """What became of a source: counts, and a sentence for each thing that could not be placed."""

    students: set[str] = field(default_factory=set)
    placed: int = 0
    unchanged: int = 0
    older: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.placed} notebooks of {len(self.students)} students placed"]
        if self.unchanged:
            parts.append(f"{self.unchanged} were there already")
        if self.older:
            parts.append(f"{self.older} left out, since a newer one was there")
        return ", ".join(parts)


class Collector:
    """Places the uploads of one source."""

    def __init__(self, assignment: Assignment, notebooks: Iterable[Notebook]) -> None:
        self._assignment = assignment
        self._names = {notebook.name.lower(): notebook.name for notebook in notebooks}
        self._grade_ids = {
            notebook.name: {cell.grade_id for cell in notebook.cells if cell.grade_id} for notebook in notebooks
        }
        self._rules = OwnFileRules.of(assignment)
        self.result = Collected()

    def collect(self, source: Path) -> Collected:
        """Place everything in ``source``. Raises ``CourseError`` when it holds no submissions, or a disk is full."""
        report = self.result.problems.append
        elsewhere = set(assignment_names(self._assignment.root)) - {self._assignment.name}
        for upload in read_source(source, self._assignment.name, self._names.values(), report, elsewhere):
            self._place(upload)
        return self.result

    def _place(self, upload: Upload) -> None:
        files = list(unzipped(upload, self.result.problems.append))
        found: dict[str, list[tuple[File, bytes]]] = {}
        for file in files:
            if file.path.suffix.lower() == ".ipynb" and (data := self._read(upload, file)):
                if name := self._recognised(file.path, data):
                    found.setdefault(name, []).append((file, data))
                else:
                    self.result.problems.append(f"{upload.label}: {file.path} is no notebook of this assignment.")
        folders = []
        for name, copies in found.items():
            file, data = self._chosen(upload, name, copies)
            folders.append(file.path.parent)
            self._write(upload, name, data, self._own_files(upload, file, files))
        for file in files if found else ():
            is_beside = any(file.path.is_relative_to(folder) for folder in folders)
            if not (is_beside or self._rules.ignores(file.path) or self._rules.problem(file.path)):
                self._leave_out(upload, file.path, "lies in no folder of a notebook")
        if not found:
            self.result.problems.append(f"{upload.label}: no notebook of {self._assignment.name} in it.")

    def _chosen(self, upload: Upload, name: str, copies: list[tuple[File, bytes]]) -> tuple[File, bytes]:
        """The copy to grade: of the right name, loose rather than in a zip, in the fewest folders, newest.

        A student who mends an answer after making the zip hands in both.
        """

        def rank(copy: tuple[File, bytes]) -> tuple[bool, bool, int, float]:
            file, _ = copy
            is_renamed = file.path.stem.lower() != name.lower()
            return is_renamed, file not in upload.files, len(file.path.parts), -file.modified.timestamp()

        chosen, *others = sorted(copies, key=rank)
        if different := [str(file.path) for file, data in others if data != chosen[1]]:
            where = "" if chosen[0] in upload.files else " in a zip"
            text = f"{len(different) + 1} different copies of {name}: took {chosen[0].path}{where}, not"
            self.result.problems.append(f"{upload.label}: {text} {', '.join(different)}.")
        return chosen

    def _own_files(self, upload: Upload, notebook: File, files: list[File]) -> dict[PurePosixPath, bytes]:
        """The student's own files beside a notebook, by path below its folder; what is left out is reported."""
        places: dict[PurePosixPath, list[File]] = {}
        for file in files:
            if file.path.is_relative_to(notebook.path.parent):
                places.setdefault(file.path.relative_to(notebook.path.parent), []).append(file)
        room = Room()
        own: dict[PurePosixPath, bytes] = {}
        for place in sorted(places, key=lambda place: (not comes_first(place), place)):
            if self._rules.ignores(place):
                continue
            # What came in the same zip as the notebook is what it ran with; else what is loose is newer.
            file = min(places[place], key=lambda file: (file.archive != notebook.archive, file.archive is not None))
            if problem := self._rules.problem(place):
                self._leave_out(upload, place, problem)
            elif (data := self._read(upload, file)) is not None:
                if problem := room.problem(len(data)):
                    self._leave_out(upload, place, problem)
                    if room.is_full:
                        break
                else:
                    own[place] = data
        return own

    def _leave_out(self, upload: Upload, place: PurePosixPath, problem: str) -> None:
        text = f"{upload.label}: {place} {problem}: left out."
        if text not in self.result.problems:  # of each notebook that it lies beside
            self.result.problems.append(text)

    def _write(self, upload: Upload, name: str, data: bytes, own: dict[PurePosixPath, bytes]) -> None:
        """Write a notebook and the files beside it, unless a newer one is there; the file's time is the upload's."""
        folder = self._assignment.submitted / upload.student / self._assignment.name
        path = folder / f"{name}.ipynb"
        moment = upload.moment.timestamp()
        if path.is_file():
            is_same, is_older = path.read_bytes() == data, _handed_in(path) > moment
            if is_same and (is_older or all(_holds(folder / place, content) for place, content in own.items())):
                self.result.unchanged += 1
                return
            if is_older:
                self.result.older += 1
                return
        for place, content in own.items():
            self._write_own(upload, folder, place, content)
        write_atomically(path, data)
        os.utime(path, (moment, moment))
        newest = max(other.stat().st_mtime for other in folder.glob("*.ipynb"))
        write_atomically(folder / TIMESTAMP, f"{datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M:%S.%f} UTC")
        self.result.students.add(upload.student)
        self.result.placed += 1

    def _write_own(self, upload: Upload, folder: Path, place: PurePosixPath, content: bytes) -> None:
        """Write one of the files beside a notebook, which the student's other notebooks share: the newest counts."""
        path, moment = folder / place, upload.moment.timestamp()
        if _is_taken(folder, place):
            self._leave_out(upload, place, "is a file here and a folder there")
            return
        is_older = path.is_file() and path.stat().st_mtime > moment
        if not _holds(path, content):
            if is_older:
                self._leave_out(upload, place, "is older than the one that came with another notebook, and differs")
                return
            write_atomically(path, content)
        if not is_older:
            os.utime(path, (moment, moment))

    def _read(self, upload: Upload, file: File) -> bytes | None:
        try:
            data = file.read()
        except (ArchiveError, OSError) as error:
            self.result.problems.append(f"{upload.label}: {file.path} {error}.")
            return None
        if len(data) > MAX_FILE:
            self.result.problems.append(f"{upload.label}: {file.path} has over {MAX_FILE >> 20} MB: refused.")
            return None
        return data

    def _recognised(self, path: PurePosixPath, data: bytes) -> str:
        """Which notebook a file is, by its name, or by its graded cells when it was renamed; empty: none."""
        stem = _COPY.sub("", path.stem.strip())
        if name := self._names.get(stem.lower()):
            return name
        ids = _grade_ids(data)
        best = max(self._grade_ids, key=lambda name: len(ids & self._grade_ids[name]))
        return best if ids and len(ids & self._grade_ids[best]) >= _SHARE * len(ids) else ""


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file is there already."""
    return path.is_file() and path.read_bytes() == content


def _is_taken(folder: Path, place: PurePosixPath) -> bool:
    """Whether something of another kind stands where a file would go."""
    above = [folder / parent for parent in place.parents]
    return (folder / place).is_dir() or any(path.exists() and not path.is_dir() for path in above)


def _handed_in(path: Path) -> float:
    """When a notebook in ``submitted/`` was handed in: the file's time, unless the time stamp says before that."""
    stamp = parse_moment(Submission("", path.stem, path).timestamp)
    return min(path.stat().st_mtime, stamp.replace(tzinfo=UTC).timestamp() if stamp else float("inf"))


def _grade_ids(data: bytes) -> set[str]:
    """The grade ids in a notebook file; none when it is not one."""
    try:
        cells: list[Any] = json.loads(data)["cells"]
        return {str(cell["metadata"]["nbgrader"]["grade_id"]) for cell in cells if "nbgrader" in cell["metadata"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()
