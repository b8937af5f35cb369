"""The way of a submitted file to the notebook that is run, the same for the class, nbgrader and otter."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from nbformat import NotebookNode

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, read_node
from autograder.errors import NotebookError
from autograder.grading.assemble import Assembled, assemble
from autograder.grading.intake import read_submission
from autograder.grading.results import Status


@dataclass(frozen=True)
class OpenedSubmission:
    """The notebook to run; where ``status`` is not GRADED nothing is to be run, and ``message`` says why."""

    assembled: Assembled
    status: Status = Status.GRADED
    message: str = ""


def open_submission(assignment: Assignment, notebook: Notebook, data: bytes) -> OpenedSubmission:
    """Read a submitted file, and put what counts of it into the released cells of ``notebook``.

    Raises ``NotebookError`` when the release cannot be read; nothing is raised because of what was submitted.
    """
    released = read_node(assignment.release / f"{notebook.name}.ipynb")
    try:
        assembled = assemble(released, read_submission(data), partial(_others, assignment, notebook))
    except NotebookError as error:
        message = f"{notebook.name}.ipynb is not a valid notebook: {error}"
        return OpenedSubmission(Assembled(released), Status.UNREADABLE, message)
    if assembled.stranger:
        message = f"This file was handed in as {notebook.name}, but {assembled.stranger}."
        return OpenedSubmission(Assembled(released, assembled.notes), Status.STRANGER, message)
    return OpenedSubmission(assembled)


def _others(assignment: Assignment, notebook: Notebook) -> dict[str, NotebookNode]:
    """The course's other notebooks, as far as they are here; those of another assignment with that one's name."""
    found = {}
    for path in sorted(assignment.release.parent.glob("*/*.ipynb")):
        is_ours = path.parent.name == assignment.name
        if not (is_ours and path.stem == notebook.name):
            with suppress(NotebookError):
                found[path.stem if is_ours else f"{path.stem} of {path.parent.name}"] = read_node(path)
    return found
