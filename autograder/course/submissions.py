"""Finds the submissions in a folder: one subfolder per student, as nbgrader's ``submitted/`` or plainly."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.authoring.model import read_node
from autograder.errors import CourseError, NotebookError

RESULTS = "results"


@dataclass(frozen=True)
class Submission:
    """One student's notebook: ``node`` is what could be read. ``problem`` says why it is None, unless it is absent."""

    student: str
    notebook: str
    node: NotebookNode | None
    problem: str = ""
    results: Path | None = None


def find_submissions(folder: Path, notebooks: Iterable[str]) -> list[Submission]:
    """Every student's submission of every one of ``notebooks``, missing and unreadable ones too, sorted.

    A student's notebooks lie anywhere below the student's folder; so do the saved ``results/``. Raises
    ``CourseError`` when ``folder`` is not a folder of folders.
    """
    if not folder.is_dir():
        raise CourseError(f"{folder} is not a folder: name the folder that holds one folder per student.")
    students = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not students:
        raise CourseError(f"{folder} holds no student's folder: it should have one per student, notebooks inside.")
    names = list(notebooks)
    return [_read(student, notebook) for student in students for notebook in names]


def _read(student: Path, notebook: str) -> Submission:
    paths = [path for path in sorted(student.rglob(f"{notebook}.ipynb")) if ".ipynb_checkpoints" not in path.parts]
    if not paths:
        return Submission(student.name, notebook, None)
    if len(paths) > 1:
        places = ", ".join(str(path.relative_to(student)) for path in paths)
        return Submission(student.name, notebook, None, f"{notebook}.ipynb is there more than once: {places}")
    results = paths[0].parent / RESULTS
    try:
        node = read_node(paths[0])
    except NotebookError as error:
        return Submission(student.name, notebook, None, str(error))
    return Submission(student.name, notebook, node, results=results if results.is_dir() else None)
