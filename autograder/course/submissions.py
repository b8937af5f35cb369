"""Finds the submissions in a folder: one subfolder per student, as nbgrader's ``submitted/`` or plainly."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from nbgrader.utils import parse_utc

from autograder.adapters import SECRET, TIMESTAMP
from autograder.assignment.assignment import Assignment, assignment_names
from autograder.errors import CourseError
from autograder.grading.intake import MAX_FILE
from autograder.grading.private_files import PrivateFiles
from autograder.grading.results import RESULTS
from autograder.grading.staging import read_files
from autograder.regular_files import printable, read_regular, regular_files

_MAX_NOTE = 4096

Report = Callable[[str], None]


@dataclass(frozen=True)
class Submission:
    """One student's notebook; ``path`` is None when there is none, or when ``problem`` says why none counts."""

    student: str
    notebook: str
    path: Path | None
    problem: str = ""

    def read_bytes(self) -> bytes:
        """The file as it is; empty when it is larger than any notebook. Raises ``CourseError``."""
        try:
            return self._path.read_bytes() if self._path.stat().st_size <= MAX_FILE else b""
        except OSError as error:
            raise CourseError(f"{self._path} cannot be read: {error.strerror}.") from None

    def read_files(
        self, assignment: Assignment, report: Report = lambda text: None, private: PrivateFiles | None = None
    ) -> dict[str, bytes]:
        """The student's own files beside the notebook, by path; ``report`` is told what is left out."""
        if self.path is None:
            return {}
        # The student's folder may be a link that whoever collected has made.
        folder = self.path.parent.resolve()
        return read_files(assignment, folder, lambda text: report(f"{self.student}: {text}"), private)

    @property
    def timestamp(self) -> str:
        """When it was handed in, as ``timestamp.txt`` beside the notebook says; empty when nothing does."""
        return _note(self.path.parent / TIMESTAMP)[:100] if self.path else ""

    @property
    def secret(self) -> str:
        """What its student needs to fetch feedback through nbgrader's exchange; empty when it came another way.

        It lies in the assignment's folder; the notebook may lie deeper.
        """
        folders = list(self.path.parents) if self.path else []
        while folders and folders[-1].name != self.student:
            folders.pop()
        return next(filter(None, (_note(folder / SECRET) for folder in folders)), "")

    @property
    def _path(self) -> Path:
        assert self.path is not None, "there is no notebook to read"
        return self.path


def find_submissions(
    assignment: Assignment,
    folder: Path,
    notebooks: Iterable[str],
    students: Iterable[str] = (),
    report: Report = lambda text: None,
) -> list[Submission]:
    """Every student's submission of every one of ``notebooks``, missing ones too, sorted; nothing is read yet.

    A student's notebooks lie anywhere below the student's folder, but not in that of another assignment of the course;
    so do the files beside them. Links and special files do not count; ``report`` is told each, a sentence. Raises
    ``CourseError`` when ``folder`` is not a folder of folders, or one of ``students`` (none: all) is not in it.
    """
    if not folder.is_dir():
        raise CourseError(f"{folder} is not a folder: name the folder that holds one folder per student.")
    found = []
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if path.name.isprintable():
            found.append(path)
        else:
            report(f"{path.name} cannot be a student's name: left out. Rename the folder.")
    if not found:
        raise CourseError(f"{folder} holds no student's folder: it should have one per student, notebooks inside.")
    wanted = set(students)
    if unknown := sorted(wanted - {path.name for path in found}):
        raise CourseError(f"{folder} holds no student {', '.join(unknown)}.")
    names, elsewhere = list(notebooks), set(assignment_names(assignment.root)) - {assignment.name}
    chosen = [path for path in found if not wanted or path.name in wanted]
    return [submission for path in chosen for submission in _of_student(path, names, elsewhere, report)]


def parse_moment(text: str) -> datetime | None:
    """A time stamp in UTC, without a time zone, as nbgrader keeps it; None when there is none that can be read.

    Students can write ``timestamp.txt``. nbgrader's reader takes a path for the name of a time zone, and opens it.
    """
    if not text or text.rpartition(" ")[2].startswith(("/", ".")):
        return None
    try:
        moment: datetime | None = parse_utc(text)
    except Exception:  # dateutil lets through what its parts raise
        return None
    return moment


def _note(path: Path) -> str:
    """A small text file's text; empty when there is none."""
    return read_regular(path, _MAX_NOTE).decode(errors="replace").strip()


def _of_student(student: Path, notebooks: list[str], elsewhere: set[str], report: Report) -> list[Submission]:
    paths: dict[str, list[Path]] = {name: [] for name in notebooks}
    refusals: dict[str, str] = {}

    def refused(path: PurePosixPath, why: str) -> None:
        if elsewhere.intersection(path.parts[:1]):
            return
        if path.suffix == ".ipynb" and path.stem in paths:
            refusals[path.stem] = f"{printable(path)} {why}"
        elif RESULTS not in path.parts:  # those are told when they are read
            report(f"{student.name}: {path if path.parts else 'the folder'} {why}: left out.")

    # A student's folder itself was made by whoever collected: that one may be a link.
    for file in regular_files(student.resolve(), refused):
        if elsewhere.intersection(file.path.parts[:1]):
            continue
        if file.path.suffix == ".ipynb" and file.path.stem in paths and ".ipynb_checkpoints" not in file.path.parts:
            paths[file.path.stem].append(student / file.path)
    for name in refusals.keys() & paths.keys():
        if paths[name]:
            report(f"{student.name}: {refusals[name]}: left out.")
    return [_one(student, name, paths[name], refusals.get(name, "")) for name in notebooks]


def _one(student: Path, notebook: str, paths: list[Path], refusal: str) -> Submission:
    if len(paths) > 1:
        places = ", ".join(printable(path.relative_to(student)) for path in paths)
        return Submission(student.name, notebook, None, f"{notebook}.ipynb is there more than once: {places}")
    if not paths and refusal:
        return Submission(student.name, notebook, None, f"{refusal}, so it was not graded.")
    return Submission(student.name, notebook, paths[0] if paths else None)
