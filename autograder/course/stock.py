"""Grades one notebook with the frameworks' own commands, as an instructor would: ``nbgrader autograde``, ``otter run``.

Every run has a folder of its own, so that runs can go on side by side and one cannot disturb another. With isolation
``none`` the frameworks work as they do by themselves, and the student's code runs unprotected.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autograder.adapters import ISOLATION_VARIABLE
from autograder.assignment.assignment import SEED_VARIABLE, Assignment
from autograder.assignment.notebook import TEST_PREFIX, Notebook
from autograder.course.records import Framework, Grade
from autograder.course.submissions import Submission
from autograder.grading.policy import NotebookPolicy
from autograder.grading.private_files import PrivateFiles
from autograder.grading.results import Status
from autograder.grading.submission import open_submission
from autograder.process import Finished, run_module

_STUDENT = "student"  # students' own ids may hold characters that nbgrader's paths do not take
# Grades a notebook in an empty folder: how the command ended, and points by question.
_Run = Callable[[Path, bytes], tuple[Finished, dict[str, float]]]


@dataclass(frozen=True)
class Stock:
    """What grading needs: the assignment, an nbgrader course made by ``build_release``, and a policy.

    Of the policy's limits only that on the whole notebook holds: stock frameworks know no others.
    """

    assignment: Assignment
    course: Path
    policy: NotebookPolicy

    @property
    def _timeout(self) -> float:
        return self.policy.limits.total_seconds

    @property
    def _seed(self) -> dict[str, str]:
        return {SEED_VARIABLE: str(self.assignment.settings.hidden_seed)}

    @cached_property
    def _private(self) -> PrivateFiles:
        return PrivateFiles(self.assignment)

    def nbgrader(self, notebook: Notebook, submission: Submission) -> Grade:
        """Grade with ``nbgrader autograde`` in a copy of the course."""

        def run(folder: Path, data: bytes) -> tuple[Finished, dict[str, float]]:
            course = folder / "course"
            shutil.copytree(self.course, course)
            submitted = course / "submitted" / _STUDENT / self.assignment.name
            _write(
                data,
                submitted / f"{notebook.name}.ipynb",
                submission.read_files(self.assignment, private=self._private),
            )
            arguments = ["autograde", self.assignment.name, "--student", _STUDENT, "--notebook", notebook.name]
            arguments.append(f"--GradeInSandbox.isolation={self.policy.isolation.value}")
            finished = run_module("nbgrader", arguments, course, self._timeout, self.assignment.root, self._seed)
            return finished, _nbgrader_points(course, self.assignment, notebook) if finished.code == 0 else {}

        return self._grade(Framework.NBGRADER, notebook, submission, run)

    def otter(self, notebook: Notebook, submission: Submission) -> Grade:
        """Grade with ``otter run`` and the built zip. Otter knows no time limit: ours ends it from outside."""

        def run(folder: Path, data: bytes) -> tuple[Finished, dict[str, float]]:
            _write(
                data,
                folder / "work" / f"{notebook.name}.ipynb",
                submission.read_files(self.assignment, private=self._private),
            )
            archive = _zip(folder / "work", folder / "submission.zip")
            built = self.assignment.zip_path(notebook.name)
            arguments = ["run", "-a", str(built), "-o", str(folder), "--no-logo", str(archive)]
            variables = {ISOLATION_VARIABLE: self.policy.isolation.value, **self._seed}
            finished = run_module("otter", arguments, folder, self._timeout, self.assignment.root, variables)
            return finished, _otter_points(folder / "results.json") if finished.code == 0 else {}

        return self._grade(Framework.OTTER, notebook, submission, run)

    def _grade(self, framework: Framework, notebook: Notebook, submission: Submission, run: _Run) -> Grade:
        """What both have in common: nothing to grade, out of time, a framework that fails."""

        def grade(status: Status, points: dict[str, float], message: str = "") -> Grade:
            scores = {question.name: points.get(question.name, 0.0) for question in notebook.questions}
            return Grade(submission.student, notebook.name, framework, status, scores, message)

        if submission.path is None:
            return grade(Status.UNREADABLE if submission.problem else Status.ABSENT, {}, submission.problem)
        data = submission.read_bytes()
        opened = open_submission(self.assignment, notebook, data)
        if opened.status is not Status.GRADED:  # of which neither framework would tell more than that it failed
            return grade(opened.status, {}, opened.message)
        with tempfile.TemporaryDirectory() as folder:
            finished, points = run(Path(folder), data)
        if finished.timed_out:
            return grade(Status.TIMEOUT, {}, f"{framework.value} was ended after {self._timeout:g} s")
        if not points:
            return grade(Status.FAILED, {}, f"{framework.value} gave no scores: {finished.reason}")
        return grade(Status.GRADED, points)


def _write(data: bytes, path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    for name, content in files.items():
        file = path.parent / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _zip(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, path.relative_to(folder))
    return archive


def _nbgrader_points(course: Path, assignment: Assignment, notebook: Notebook) -> dict[str, float]:
    """The scores that ``nbgrader autograde`` wrote into the course's gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", assignment.course_id) as gradebook:
        graded = gradebook.find_submission_notebook(notebook.name, assignment.name, _STUDENT)
        scores = {grade.name: grade.auto_score for grade in graded.grades}
    return {question.name: float(scores[question.test_id] or 0.0) for question in notebook.questions}


def _otter_points(results: Path) -> dict[str, float]:
    """The scores in otter's ``results.json``; empty when otter says that it failed."""
    tests = json.loads(results.read_text())["tests"] if results.is_file() else []
    return {test["name"].removeprefix(TEST_PREFIX): float(test["score"]) for test in tests if "max_score" in test}
