"""Finds the submissions in a folder: one subfolder per student, as nbgrader's ``submitted/`` or plainly."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.authoring.model import read_node
from autograder.errors import CourseError
from autograder.grading.results import RESULTS

TIMESTAMP = "timestamp.txt"
# Bigger files are not read: the largest honest notebook seen has 3 MB, most of it figures.
MAX_NOTEBOOK = 64 << 20
MAX_RESULTS = 128 << 20


@dataclass(frozen=True)
class Submission:
    """One student's notebook; ``path`` is None when there is none, or when ``problem`` says why none counts."""

    student: str
    notebook: str
    path: Path | None
    problem: str = ""

    def read(self) -> NotebookNode:
        """The notebook, which must be there. Raises ``NotebookError`` when it cannot be read."""
        return read_node(self._path)

    def read_bytes(self) -> bytes:
        """The file as it is; empty when it is larger than any notebook. Raises ``CourseError``."""
        try:
            return self._path.read_bytes() if self._path.stat().st_size <= MAX_NOTEBOOK else b""
        except OSError as error:
            raise CourseError(f"{self._path} cannot be read: {error.strerror}.") from None

    @property
    def results(self) -> Path | None:
        """The folder of saved results beside the notebook, if there is one."""
        folder = self.path.parent / RESULTS if self.path else None
        return folder if folder and folder.is_dir() and not folder.is_symlink() else None

    def read_results(self) -> dict[str, bytes]:
        """The regular files among the results, by path below ``results``, up to ``MAX_RESULTS`` bytes in all."""
        files: dict[str, bytes] = {}
        size = 0
        if (folder := self.results) is None:
            return files
        for path in regular_files(folder):
            size += path.stat().st_size
            if size > MAX_RESULTS:
                break
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
        return files

    @property
    def timestamp(self) -> str:
        """When it was handed in, as ``timestamp.txt`` beside the notebook says; empty when nothing does."""
        path = self.path.parent / TIMESTAMP if self.path else None
        return path.read_text(errors="replace").strip()[:100] if path and path.is_file() else ""

    @property
    def _path(self) -> Path:
        assert self.path is not None, "there is no notebook to read"
        return self.path


def find_submissions(folder: Path, notebooks: Iterable[str], students: Iterable[str] = ()) -> list[Submission]:
    """Every student's submission of every one of ``notebooks``, missing ones too, sorted; nothing is read yet.

    A student's notebooks lie anywhere below the student's folder; so do the saved ``results/``. Raises
    ``CourseError`` when ``folder`` is not a folder of folders, or one of ``students`` (none: all) is not in it.
    """
    if not folder.is_dir():
        raise CourseError(f"{folder} is not a folder: name the folder that holds one folder per student.")
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not found:
        raise CourseError(f"{folder} holds no student's folder: it should have one per student, notebooks inside.")
    wanted = set(students)
    if unknown := sorted(wanted - {path.name for path in found}):
        raise CourseError(f"{folder} holds no student {', '.join(unknown)}.")
    names = list(notebooks)
    return [sub for path in found if not wanted or path.name in wanted for sub in _of_student(path, names)]


def regular_files(folder: Path) -> list[Path]:
    """The plain files below ``folder``, sorted; links and whatever lies behind them are left out."""
    return sorted(
        Path(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if Path(parent, name).is_file() and not Path(parent, name).is_symlink()
    )


def _of_student(student: Path, notebooks: list[str]) -> list[Submission]:
    paths: dict[str, list[Path]] = {name: [] for name in notebooks}
    for path in regular_files(student):
        if path.suffix == ".ipynb" and path.stem in paths and ".ipynb_checkpoints" not in path.parts:
            paths[path.stem].append(path)
    return [_one(student, name, paths[name]) for name in notebooks]


def _one(student: Path, notebook: str, paths: list[Path]) -> Submission:
    if len(paths) > 1:
        places = ", ".join(str(path.relative_to(student)) for path in paths)
        return Submission(student.name, notebook, None, f"{notebook}.ipynb is there more than once: {places}")
    return Submission(student.name, notebook, paths[0] if paths else None)
