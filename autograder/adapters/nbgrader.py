"""nbgrader preprocessors, named in ``nbgrader_config.py``.

``AddOtterChecks``       generate_assignment: otter checks a question where nbgrader does
``RebuildSubmission``    autograde, first: the release's cells with the student's answers in them
``KeepOnlyErrors``       autograde, after Execute: only an exception costs points
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.authoring.model import Kind, kind_of
from autograder.grading.assemble import assemble

Resources = dict[str, Any]


class AddOtterChecks(NbGraderPreprocessor):
    """Mark every test cell with the otter test of the same name.

    Otter then runs the test right there, as nbgrader does, and not after the whole notebook, when a later cell may
    have given the name another meaning (otter's preprocessor ``add_checks``).
    """

    def preprocess_cell(self, cell: NotebookNode, resources: Resources, index: int) -> tuple[NotebookNode, Resources]:
        if kind_of(cell) is Kind.TEST:
            cell.metadata["otter"] = {"tests": [cell.metadata.nbgrader["grade_id"]]}
        return cell, resources


class RebuildSubmission(NbGraderPreprocessor):
    """Replace the submitted notebook by the release with the student's answers and own cells in it.

    Stands in for nbgrader's DeduplicateIds, which keeps the last copy of a cell, and for
    ``OverwriteCells.add_missing_cells``, which fails when the cell before a missing one is missing too.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        course = CourseDirectory(config=self.config)
        names = resources["nbgrader"]
        folder = course.format_path(course.release_directory, ".", names["assignment"])
        released = nbformat.read(Path(course.root) / folder / f"{names['notebook']}.ipynb", as_version=4)
        rebuilt = assemble(released, nb)
        for note in rebuilt.notes:
            self.log.warning("%s, %s: %s", names["student"], names["notebook"], note)
        return rebuilt.node, resources


class KeepOnlyErrors(NbGraderPreprocessor):
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
