"""nbgrader's gradebook: where it is, that it knows the assignment, and changing it in one transaction."""

import contextlib
import logging
import re
import sys
import warnings
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVarTuple

from alembic.script import ScriptDirectory
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.api import Assignment as AssignmentRow
from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    InvalidEntry,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.api import Notebook as Master
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.dbutil import ALEMBIC_DIR
from nbgrader.preprocessors import AssignLatePenalties, SaveCells
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from sqlalchemy import Select, make_url, select
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from sqlalchemy.orm import joinedload
from traitlets.utils.importstring import import_item

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook
from autograder.course.autograded import Autograded
from autograder.errors import CourseError

_Columns = TypeVarTuple("_Columns")


class GradebookError(CourseError):
    """The database cannot be reached, is locked, or refuses what we write."""


@dataclass(frozen=True)
class CellGrade:
    """The grade of one cell: ``score`` is the human's where there is one."""

    score: float
    maximum: float
    needs_manual_grade: bool


class CourseGradebook:
    """The gradebook of an assignment's course, with nbgrader's settings for it. Use as a context manager."""

    def __init__(self, assignment: Assignment, db_url: str = "") -> None:
        """``db_url`` stands in for the gradebook that nbgrader's settings name. Raises ``GradebookError``."""
        self.assignment = assignment
        logging.getLogger("tornado").setLevel(logging.CRITICAL)  # nbgrader logs errors there; we say them in one line
        app = AutogradeApp()
        path = sys.path[:]
        app.initialize(["--log-level=CRITICAL"], root=str(assignment.root))
        sys.path[:] = path  # nbgrader puts the working folder there, and with it whatever lies in it
        self.config, self.coursedir = app.config, app.coursedir
        self.url = db_url or self.coursedir.db_url
        with self._errors(), _version_from_files():
            self._gradebook = Gradebook(self.url, self.coursedir.course_id)
        self._penalties = AssignLatePenalties(config=self.config)
        self._penalties.init_plugin()

    def __enter__(self) -> "CourseGradebook":
        return self

    def __exit__(self, *_ignored: object) -> None:
        self._gradebook.close()

    @property
    def shown_url(self) -> str:
        """The address without a password."""
        return make_url(self.url).render_as_string(hide_password=True)

    @property
    def permissions(self) -> int:
        """Those of files in ``autograded/``."""
        return int(str(Autograde(coursedir=self.coursedir, config=self.config).permissions), 8)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Gradebook]:
        """nbgrader's API on a connection of its own: what happens inside is there at the end, all of it or nothing.

        nbgrader commits after every step; those commits stay inside. Raises ``GradebookError``.
        """
        db = self._gradebook.db
        with (
            warnings.catch_warnings(),
            self._errors(),
            self._gradebook.engine.connect() as connection,
            connection.begin(),
        ):
            warnings.simplefilter("ignore", SAWarning)  # about how nbgrader puts a submission together
            db.remove()
            db.configure(bind=connection, join_transaction_mode="rollback_only")
            try:
                yield self._gradebook
                db.commit()
            finally:
                db.remove()
                db.configure(bind=self._gradebook.engine)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, InvalidEntry, MissingEntry) as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            reason = re.sub(r"^\([\w.]+\) ", "", reason)  # the class of the error, which nbgrader puts first
            raise GradebookError(f"the gradebook {self.shown_url} cannot be used: {reason}.") from None

    def add_assignment(self, notebooks: tuple[Notebook, ...]) -> None:
        """Let the gradebook know the assignment as its source is now, as ``nbgrader generate_assignment`` does.

        Raises ``GradebookError``, also when cells came or went since submissions were recorded.
        """
        with self._errors():
            self._gradebook.update_or_create_assignment(self.assignment.name)
        for notebook in notebooks:
            node, resources = self._until_save_cells(notebook)
            if self.master_cells(notebook.name) == _source_cells(node):
                continue
            try:
                with self._errors():
                    SaveCells(config=self.config).preprocess(node, resources)
            except RuntimeError as error:  # what nbgrader raises then
                raise GradebookError(
                    f"{error}. Give the changed assignment a gradebook of its own (--db), or move the old one away."
                ) from None

    def master_cells(self, notebook: str) -> dict[str, tuple[str, str]]:
        """Grade id to source and checksum of the cells of a notebook as the gradebook knows them."""
        with self._errors():
            try:
                found = self._gradebook.find_notebook(notebook, self.assignment.name)
            except MissingEntry:
                return {}
            finally:
                self._gradebook.db.rollback()
            return {cell.name: (cell.source, cell.checksum) for cell in found.source_cells}

    def recorded(self) -> dict[tuple[str, str], tuple[dict[str, float | None], str | None]]:
        """By student and notebook: the automatic score of each grade cell, and when it was handed in (UTC)."""
        columns = (SubmittedAssignment.student_id, Master.name, SubmittedAssignment.timestamp, BaseCell.name)
        query = _of_assignment(select(*columns, Grade.auto_score), self.assignment.name)
        found: dict[tuple[str, str], tuple[dict[str, float | None], str | None]] = {}
        with self._errors(), self._gradebook.engine.connect() as connection:
            for student, notebook, moment, cell, score in connection.execute(query):
                timestamp = moment.isoformat() if moment else None
                found.setdefault((student, notebook), ({}, timestamp))[0][cell] = score
        return found

    def grades(self) -> dict[tuple[str, str], tuple[dict[str, CellGrade], float]]:
        """By student and notebook: the grade of each graded cell, and the penalty for being late."""
        query = _of_assignment(
            select(
                SubmittedAssignment.student_id,
                Master.name,
                SubmittedNotebook.late_submission_penalty,
                BaseCell.name,
                Grade.score,
                Grade.max_score,
                Grade.needs_manual_grade,
            ),
            self.assignment.name,
        )
        found: dict[tuple[str, str], tuple[dict[str, CellGrade], float]] = {}
        with self._errors(), self._gradebook.engine.connect() as connection:
            for student, notebook, penalty, cell, *grade in connection.execute(query):
                found.setdefault((student, notebook), ({}, penalty or 0.0))[0][cell] = CellGrade(*grade)
        return found

    def comments(self) -> dict[tuple[str, str], dict[str, str]]:
        """By student and notebook: the comment on each answer that has one, a human's rather than ours."""
        columns = (SubmittedAssignment.student_id, Master.name, BaseCell.name, Comment.comment)
        query = _of_assignment(select(*columns), self.assignment.name, Comment).where(Comment.comment.is_not(None))
        found: dict[tuple[str, str], dict[str, str]] = {}
        with self._errors(), self._gradebook.engine.connect() as connection:
            for student, notebook, cell, comment in connection.execute(query):
                found.setdefault((student, notebook), {})[cell] = comment
        return found

    def write(self, student: str, notebook: str, autograded: Autograded, timestamp: str | None) -> str | None:
        """Record scores and comments in one transaction; manual ones stay. Returns the submission's time stamp (UTC).

        What SaveAutoGrades and AssignLatePenalties do, with one query where they have one for each cell. Raises
        ``GradebookError``.
        """
        assignment = self.assignment.name
        with self.transaction() as gradebook:
            gradebook.update_or_create_student(student)
            handed_in = {"timestamp": timestamp} if timestamp else {}
            with gradebook.db.no_autoflush:  # it asks for cells in between, and each time writes what is there so far
                submission = gradebook.update_or_create_submission(assignment, student, **handed_in)
            submitted = gradebook.find_submission_notebook(notebook, assignment, student)
            for grade in self._of(gradebook, Grade, submitted):
                grade.auto_score = autograded.scores[grade.name]
                has_manual = grade.manual_score is not None
                grade.needs_manual_grade = has_manual or grade.auto_score is None or autograded.needs_review
            for comment in self._of(gradebook, Comment, submitted):
                comment.auto_comment = autograded.comments.get(comment.name)
            gradebook.db.flush()
            gradebook.db.refresh(submitted)
            submitted.late_submission_penalty = self._penalty(student, submitted, submission.total_seconds_late)
            return submission.timestamp.isoformat() if submission.timestamp else None

    def write_zeros(self, student: str, notebook: str) -> None:
        """Record that a notebook was left out. Raises ``GradebookError``."""
        with self.transaction() as gradebook:
            submitted = gradebook.find_submission_notebook(notebook, self.assignment.name, student)
            for grade in self._of(gradebook, Grade, submitted):
                grade.auto_score, grade.needs_manual_grade = 0.0, False

    def _of(self, gradebook: Gradebook, kind: Any, submitted: SubmittedNotebook) -> list[Any]:
        """The grades or comments of a notebook, with their cells, whose names they go by.

        The cells are asked for since the database's index begins with them: else it reads the rows of the whole class.
        """
        cells = select(BaseCell.id).where(BaseCell.notebook_id == submitted.notebook_id)
        query = select(kind).where(kind.cell_id.in_(cells), kind.notebook_id == submitted.id)
        return list(gradebook.db.scalars(query.options(joinedload(kind.cell))))

    def _penalty(self, student: str, submitted: SubmittedNotebook, seconds: float) -> float | None:
        if seconds <= 0:
            return None
        penalty = self._penalties.plugin_inst.late_submission_penalty(student, submitted.score, seconds)
        return None if penalty is None else self._penalties._check_late_penalty(submitted, penalty)

    def _until_save_cells(self, notebook: Notebook) -> tuple[NotebookNode, dict[str, Any]]:
        """The notebook as ``generate_assignment`` hands it to SaveCells."""
        names = {"notebook": notebook.name, "assignment": self.assignment.name, "student": ".", "db_url": self.url}
        resources = {"nbgrader": names, "metadata": {"path": str(notebook.path.parent)}}
        node = deepcopy(notebook.node)
        for preprocessor in GenerateAssignment(coursedir=self.coursedir, config=self.config).preprocessors:
            cls = import_item(preprocessor) if isinstance(preprocessor, str) else preprocessor
            if issubclass(cls, SaveCells):
                break
            node, resources = cls(config=self.config)(node, resources)
        return node, resources


@contextlib.contextmanager
def _version_from_files() -> Iterator[None]:
    """Let nbgrader find out which version a new gradebook has without ``alembic heads``.

    The command has to be on PATH and takes two seconds to start; the version is in files of nbgrader's.
    """
    before = api.get_alembic_version
    api.get_alembic_version = lambda: ScriptDirectory(ALEMBIC_DIR).get_current_head()
    try:
        yield
    finally:
        api.get_alembic_version = before


def _of_assignment(query: Select[*_Columns], assignment: str, kind: Any = Grade) -> Select[*_Columns]:
    """A query about the grades (or comments) of an assignment, with what they belong to joined to them."""
    return (
        query.select_from(SubmittedAssignment)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Master, Master.id == SubmittedNotebook.notebook_id)
        .join(AssignmentRow, AssignmentRow.id == SubmittedAssignment.assignment_id)
        .join(kind, kind.notebook_id == SubmittedNotebook.id)
        .join(BaseCell, BaseCell.id == kind.cell_id)
        .where(AssignmentRow.name == assignment)
    )


def _source_cells(node: NotebookNode) -> dict[str, tuple[str, str]]:
    """What SaveCells keeps of a notebook: the cells that are graded, answered or locked."""
    kept = (cell for cell in node.cells if is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell))
    return {cell.metadata.nbgrader["grade_id"]: (cell.source, cell.metadata.nbgrader["checksum"]) for cell in kept}
