"""nbgrader preprocessors and a hook, named in ``nbgrader_config.py``.

``AddOtterChecks``       generate_assignment: otter checks a question where nbgrader does
``AddColabSetup``        generate_assignment: how Google Colab gets what the notebook imports
``PrepareForStudents``   generate_assignment: how JupyterLab shows and runs the cells
``set_links_aside``      autograde, before anything is copied: only regular files stay in ``submitted/``
``SubmittedNotebookExporter``  autograde: reads what nbgrader's own reader refuses
``RebuildSubmission``    autograde, first: the release's cells with the student's answers in them
``GradeInSandbox``       autograde, in place of Execute: student code runs in a box, tests run here
``SaveGradesAndNotes``   autograde, in place of SaveAutoGrades: comments say where an answer was found
``KeepOnlyErrors``       autograde, after Execute: only an exception costs points
``HideTests``            generate_feedback: what hidden tests found, without their code
"""

import contextlib
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, NbGraderPreprocessor, SaveAutoGrades
from traitlets import Enum, Integer
from traitlets.log import get_logger

from autograder.adapters.colab import with_colab_setup
from autograder.assignment.assignment import KIT, Assignment
from autograder.assignment.notebook import HIDDEN_TESTS, TEST_PREFIX, Kind, kind_of, read_notebook, split_region
from autograder.errors import NotebookError
from autograder.grading.intake import read_submission
from autograder.grading.policy import policy_for
from autograder.grading.private_files import PrivateFiles
from autograder.grading.results import Verdict, notes_on
from autograder.grading.staging import read_files
from autograder.grading.submission import open_submission
from autograder.regular_files import printable, regular_files
from autograder.sandbox.limits import Isolation, Policy

Resources = dict[str, Any]
# What the steps of a run tell each other.
_NOTES = "autograder_notes"
# Names of errors that the engine writes.
_VERDICTS = {verdict.value for verdict in Verdict}


def set_links_aside(assignment: str, student: str, notebooks: list[str]) -> None:
    """Take out of a student's submission what is not a regular file, before nbgrader copies what it leads to.

    nbgrader's ``Autograde.pre_convert_hook``: called with the paths of the student's ``notebooks``, the list that
    nbgrader grades. Links, pipes and devices go to a new folder beside the assignment's, ``hw5-left-out-...``, and a
    warning names each. Raises ``SystemExit`` when that fails: after any other exception of a hook, nbgrader goes on.
    """
    for folder in {Path(notebook).parent for notebook in notebooks}:
        try:
            _set_aside(folder)
        except Exception as error:
            raise SystemExit(
                f"{folder} holds links or special files that cannot be moved out of it ({error}). Remove them, and run "
                "the same command again."
            ) from error
    # In place: it is nbgrader's own list.
    notebooks[:] = [notebook for notebook in notebooks if os.path.isfile(notebook)]


def _set_aside(folder: Path) -> None:
    left_out: dict[PurePosixPath, str] = {}
    if folder.is_symlink():
        left_out[PurePosixPath(folder.name)] = f"is a link to {os.readlink(folder)}"
    else:
        for _ in regular_files(folder, lambda path, why: left_out.update({folder.name / path: why})):
            pass
    if not left_out:
        return
    # A new one each time: what a student put into an older one, or where it would be, must not say what is overwritten.
    aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}-left-out-", dir=folder.parent))
    for path, why in left_out.items():
        get_logger().warning(printable(f"{folder.parent / path} {why}: left out."))
        (aside / path).parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # gone, so nothing will be copied
            (folder.parent / path).rename(aside / path)


class _OnOurNotebooks(NbGraderPreprocessor):
    """Leaves the notebooks of assignments alone that were not written for these tools: nbgrader's own, say."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        is_ours = _is_ours(CourseDirectory(config=self.config), resources["nbgrader"])
        return self.change(nb, resources) if is_ours else (nb, resources)

    def change(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """What is done to one of ours: by default, what is done to each cell."""
        changed: tuple[NotebookNode, Resources] = super().preprocess(nb, resources)
        return changed


class AddOtterChecks(_OnOurNotebooks):
    """Mark every test cell with the otter test of the same name.

    Otter then runs the test right there, as nbgrader does, and not after the whole notebook, when a later cell may
    have given the name another meaning (otter's preprocessor ``add_checks``).
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if kind_of(cell) is Kind.TEST:
            cell.metadata["otter"] = {"tests": [cell.metadata.nbgrader["grade_id"]]}
        return cell, resources


class PrepareForStudents(_OnOurNotebooks):
    """What JupyterLab (and VS Code) should do with the cells of the release.

    "Run All Cells" goes on after a cell that fails, as the tests of open questions do: JupyterLab stops at the first
    error, but not at a cell tagged ``raises-exception``. Test cells, which can be longer than the screen, come folded
    to their first line.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if cell.cell_type == "code":
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "raises-exception"})
        if kind_of(cell) is Kind.TEST:
            cell.metadata["jupyter"] = {"source_hidden": True}
        return cell, resources


class AddColabSetup(_OnOurNotebooks):
    """Let the first cell of a notebook, which imports the kit, fetch the kit first on Google Colab."""

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if kind_of(cell) is Kind.LOCKED and f"import {KIT}" in cell.source.splitlines():
            cell.source = with_colab_setup(cell.source, resources["nbgrader"]["assignment"])
        return cell, resources


class SubmittedNotebookExporter(NotebookExporter):
    """Reads a notebook whose format has slips that grading forgives, where nbgrader's own reader would give up."""

    def from_file(
        self, file_stream: Any, resources: Resources | None = None, **options: Any
    ) -> tuple[NotebookNode, Resources]:
        names = (resources or {}).get("nbgrader", {})
        if not (names and _is_ours(CourseDirectory(config=self.config), names)):
            as_ever: tuple[NotebookNode, Resources] = super().from_file(file_stream, resources=resources, **options)
            return as_ever
        data = file_stream.buffer.read()
        try:
            node = nbformat.reads(data.decode("utf-8"), as_version=4)
            nbformat.validate(node)
        except Exception:  # nbformat raises whatever its JSON, version and schema readers raise
            node = _as_notebook(data)
        exported: tuple[NotebookNode, Resources]
        # nbconvert gives this one no hints.
        exported = super().from_notebook_node(node, resources=resources, **options)  # type: ignore[no-untyped-call]
        return exported


def _as_notebook(data: bytes) -> NotebookNode:
    """The cells of a file, empty where there are none: `RebuildSubmission` looks at the file itself, and says so."""
    try:
        cells = read_submission(data).cells
    except NotebookError:
        cells = ()
    node: NotebookNode = new_notebook(cells=[new_markdown_cell(cell.source) for cell in cells])
    return node


class RebuildSubmission(_OnOurNotebooks):
    """Replace the submitted notebook by the release with the student's answers and own cells in it.

    Stands in for nbgrader's DeduplicateIds, which keeps the last copy of a cell, and for
    ``OverwriteCells.add_missing_cells``, which fails when the cell before a missing one is missing too.
    """

    def change(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        names = resources["nbgrader"]
        assignment = _assignment(CourseDirectory(config=self.config), names)
        notebook = read_notebook(assignment.source / f"{names['notebook']}.ipynb")
        data = _submitted(assignment, CourseDirectory(config=self.config), names, self.log.warning)
        submission = open_submission(assignment, notebook, data)
        for note in filter(None, [submission.message, *submission.assembled.notes]):
            self.log.warning("%s, %s: %s", names["student"], names["notebook"], note)
        return submission.assembled.node, resources


class GradeInSandbox(Execute):
    """Grade through the engine and write the verdicts as outputs of the test cells, for SaveAutoGrades to read.

    With ``--GradeInSandbox.isolation=none`` it is nbgrader's Execute: notebook and tests in one unprotected kernel.
    ``timeout`` is a cell's limit in seconds, by default what the assignment's settings say.
    """

    timeout = Integer(None, allow_none=True).tag(config=True)
    isolation = Enum([way.value for way in Isolation], default_value=Isolation.STRICT.value).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        names = resources["nbgrader"]
        assignment = _assignment(CourseDirectory(config=self.config), names)
        policy = policy_for(assignment.settings)
        self.timeout = self.timeout or math.ceil(policy.limits.cell_seconds)
        if Isolation(self.isolation) is Isolation.NONE or not _is_ours(CourseDirectory(config=self.config), names):
            self.log.warning("NO ISOLATION: %s's code runs in one process with the tests.", names["student"])
            unprotected: tuple[NotebookNode, Resources] = super().preprocess(nb, resources)
            return unprotected
        # Here, since it imports torch, which `generate_assignment` can do without.
        from autograder.grading.engine import grade_notebook

        folder = _submitted_folder(CourseDirectory(config=self.config), names)
        report = partial(self.log.warning, "%s: %s", names["student"])
        files = read_files(assignment, folder, report, PrivateFiles(assignment))
        limits = replace(policy.limits, cell_seconds=float(self.timeout))
        source = read_notebook(assignment.source / f"{names['notebook']}.ipynb")
        data = _submitted(assignment, CourseDirectory(config=self.config), names)
        graded = grade_notebook(assignment, source, data, files, Policy(limits))
        self.log.info("isolation: %s", "; ".join(f"{thing}: {how}" for thing, how in graded.isolation.items()))
        for result in graded.results:
            if result.feedback:
                self.log.info("%s, %s: %s", names["student"], result.question, result.feedback)
        resources[_NOTES] = graded.notes
        node: NotebookNode = graded.node
        node.metadata = nb.metadata
        return node, resources


def _submitted(
    assignment: Assignment,
    course: CourseDirectory,
    names: dict[str, str],
    warn: Callable[[str], object] = lambda text: None,
) -> bytes:
    """The submitted file's bytes; those of an empty notebook where it is a file of the course, of which to ``warn``."""
    path = _submitted_folder(course, names) / f"{names['notebook']}.ipynb"
    data = path.read_bytes()
    if same := PrivateFiles(assignment).name_of(data):
        warn(f"{path} has the content of a file that only graders have ({same}). Its answers do not count.")
        return b'{"cells": []}'
    return data


def _submitted_folder(course: CourseDirectory, names: dict[str, str]) -> Path:
    return Path(course.format_path(course.submitted_directory, names["student"], names["assignment"]))


def _is_ours(course: CourseDirectory, names: dict[str, str]) -> bool:
    """Whether a notebook's tests are named after their questions, as these tools ask; others' need not be."""
    folder = course.format_path(course.source_directory, ".", names["assignment"])
    path = Path(course.root) / folder / f"{names['notebook']}.ipynb"
    return not path.is_file() or all(
        cell.grade_id.startswith(TEST_PREFIX) for cell in read_notebook(path).cells if cell.kind is Kind.TEST
    )


def _assignment(course: CourseDirectory, names: dict[str, str]) -> Assignment:
    return Assignment(Path(course.root), names["assignment"])


class KeepOnlyErrors(_OnOurNotebooks):
    """Make nbgrader's ``determine_grade`` look at exceptions only.

    It takes a test cell's warnings on stderr for a failure, and any value it shows for points. Both come from student
    code as easily as from the tests. Warnings stay readable as ordinary output, values are dropped.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if kind_of(cell) is Kind.TEST and cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.output_type != "execute_result"]
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.name = "stdout"
        return cell, resources


class SaveGradesAndNotes(SaveAutoGrades):
    """Comments on an answer, where nbgrader has none, what was noted about its cell."""

    def _add_comment(self, cell: NotebookNode, resources: Resources) -> None:
        super()._add_comment(cell, resources)
        names, name = resources["nbgrader"], str(cell.metadata.nbgrader["grade_id"])
        if note := notes_on(name, resources.get(_NOTES, ())):
            where = (name, names["notebook"], names["assignment"], names["student"])
            comment = self.gradebook.find_comment(*where)
            comment.auto_comment = comment.auto_comment or note
            self.gradebook.db.commit()


class HideTests(_OnOurNotebooks):
    """Leave of a test cell what students were given, and of its error the message.

    Tracebacks of nbgrader's own Execute show lines of hidden tests; the engine's show the student's own lines only.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if kind_of(cell) is Kind.TEST and cell.cell_type == "code":
            cell.source = split_region(cell.source, HIDDEN_TESTS)[0]
            for output in cell.outputs:
                if output.output_type == "error" and output.ename not in _VERDICTS:
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources
