"""otter-grader plugin, named in each zip's ``otter_config.json``: student code runs in a box, not in otter's kernel.

Otter calls ``before_grading`` before it looks at anything the student handed in. There the plugin grades the file,
replaces the unpacked test files by stubs that replay the verdicts, and leaves otter an empty notebook to run: results,
visibility and Gradescope work as otter documents them, and no code of the student runs in its kernel.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from otter.plugins import AbstractOtterPlugin

from autograder.adapters import ISOLATION_VARIABLE
from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import TEST_PREFIX, read_notebook
from autograder.grading.results import GradedNotebook, QuestionResult
from autograder.grading.staging import read_files
from autograder.grading.submission import open_submission
from autograder.sandbox.limits import Isolation

# Where the zip is unpacked, and in it the course as the engine expects it; otter works beside it, in ``submission``.
_COURSE = Path("../source")
_TESTS = "tests"

_NOT_TRIED = "Not run, since the visible tests fail."
_STUB = '''\
"""Verdict on {name}: its tests ran before, out of reach of the student's code."""

OK_FORMAT = False

from otter.test_files import test_case

name = {test_id!r}
points = {points!r}
all_or_nothing = True


@test_case(name="visible", hidden=False)
def visible():
    message = {visible!r}
    assert message is None, message


@test_case(name="hidden", hidden=True)
def hidden():
    message = {hidden!r}
    assert message is None, message
'''


class SandboxPlugin(AbstractOtterPlugin):
    """Grades through the engine; with ``AUTOGRADER_ISOLATION=none``, or so in settings, otter works as by itself."""

    def __init__(
        self, submission_path: str, submission_metadata: dict[str, Any], plugin_config: dict[str, Any]
    ) -> None:
        super().__init__(submission_path, submission_metadata, plugin_config)
        wanted = os.environ.get(ISOLATION_VARIABLE) or plugin_config.get("isolation")
        self._isolation = Isolation.NONE if wanted == Isolation.NONE.value else Isolation.STRICT
        self._graded: GradedNotebook | None = None

    def before_grading(self, config: Any) -> None:
        """Grade the file as it was handed in, leave stubs for otter to run, and an empty notebook in its place.

        First everything that came with the notebook is put away: otter would unpickle its log, Python import its
        modules.
        """
        # Here, since it imports torch, which `otter generate` can do without.
        from autograder.grading.engine import grade_notebook

        path, course = Path(self.submission_path), _COURSE.resolve()
        (source,) = (course / "source").glob("*/*.ipynb")
        assignment, notebook = Assignment(course, source.parent.name), read_notebook(source)
        if self._isolation is Isolation.NONE:
            _replace(path, open_submission(assignment, notebook, path.read_bytes()).assembled.node)
            return
        with tempfile.TemporaryDirectory(prefix="submission-") as kept:
            for entry in path.parent.iterdir():
                if entry.name not in (_TESTS, path.name):
                    shutil.move(entry, Path(kept) / entry.name)
            files = read_files(assignment, Path(kept))
            self._graded = grade_notebook(assignment, notebook, path.read_bytes(), files)
        for result in self._graded.results:
            stub = Path(_TESTS) / f"{TEST_PREFIX}{result.question}.py"
            stub.write_text(_stub(result), encoding="utf-8")
        _replace(path, new_notebook(metadata=notebook.node.metadata))

    def after_grading(self, results: Any) -> None:
        """Tell the student what was found, or forgiven, in the file."""
        if self._graded and (found := [*filter(None, [self._graded.message]), *self._graded.notes]):
            results.set_output("\n".join(found))

    def generate_report(self) -> str:
        """What the instructor should know of how the notebook was graded."""
        if self._graded is None:
            return "NO ISOLATION: the student's code ran in one process with the tests."
        layers = [f"{thing}: {how}" for thing, how in self._graded.isolation.items()]
        return "\n".join(filter(None, [*layers, self._graded.message, *self._graded.notes]))


def _replace(path: Path, node: NotebookNode) -> None:
    path.unlink()  # and not written through: it may be a link
    nbformat.write(node, path)


def _stub(result: QuestionResult) -> str:
    message = result.feedback or None
    is_hidden = result.part == "hidden"
    return _STUB.format(
        name=result.question,
        test_id=f"{TEST_PREFIX}{result.question}",
        points=result.maximum,
        visible=None if is_hidden else message,
        hidden=message if is_hidden or message is None else _NOT_TRIED,
    )
