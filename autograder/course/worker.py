"""What runs in a worker of the cluster: grading one submission, with the course that came over the network.

A worker needs this package installed, in the version that sends the work, and nothing else of the course: no shared
file system, no gradebook. Source notebooks, kits and solutions travel with the plugin, once per worker.
"""

import asyncio
import json
import signal
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from distributed import Worker, WorkerPlugin
from nbformat import NotebookNode

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, nbgrader_metadata, read_node, read_notebook
from autograder.authoring.package import grader_files
from autograder.course.records import Record
from autograder.course.store import digest
from autograder.errors import CourseError
from autograder.grading.policy import NotebookPolicy

# Tests change the import path, the standard streams and the random state of the whole process.
_one_at_a_time = threading.Lock()
_courses: dict[str, Assignment] = {}


@dataclass(frozen=True)
class CourseFiles:
    """The files of the course that grading reads, by path below its root.

    ``fingerprints`` has for each notebook the hash of all that grading it depends on, the submission aside;
    ``fingerprint`` stands for all of them.
    """

    assignment: str
    files: dict[str, bytes]
    fingerprints: dict[str, str]

    @classmethod
    def read(cls, assignment: Assignment) -> "CourseFiles":
        """Raises ``NotebookError`` when a source or a release cannot be read, ``CourseError`` when they differ."""
        root = assignment.root
        common = [*assignment.package_files().values(), *assignment.own_settings()]
        found: dict[str, bytes] = {}
        fingerprints = {}
        for notebook in assignment.notebooks():
            release = assignment.release / notebook.path.name
            _assert_same_cells(notebook, read_node(release))
            paths = [notebook.path, release, *assignment.solution_files(notebook), *common]
            files_of = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
            parts = [part for name, content in files_of.items() for part in (name.encode(), content)]
            fingerprints[notebook.name] = digest([grader_hash().encode(), assignment.environment.read_bytes(), *parts])
            found |= files_of
        return cls(assignment.name, found, fingerprints)

    @property
    def fingerprint(self) -> str:
        return digest(self.fingerprints[name].encode() for name in sorted(self.fingerprints))


@dataclass(frozen=True)
class Job:
    """A submission to grade: ``text`` is the notebook file as it is, ``files`` the student's own beside it.

    ``course`` is the fingerprint of the course's files, ``key`` the hash of everything here.
    """

    course: str
    notebook: str
    text: bytes
    files: dict[str, bytes]
    policy: NotebookPolicy
    key: str


class CoursePlugin(WorkerPlugin):
    """Unpacks the course on a worker and warms it up: imports, and the zygote, take seconds once."""

    name = "autograder-course"

    def __init__(self, course: CourseFiles) -> None:
        self._course, self._version = course, grader_hash()

    async def setup(self, worker: Worker) -> None:
        if grader_hash() != self._version:
            raise CourseError(
                f"the worker at {worker.address} has another version of autograder than this machine: install the "
                "same one there and restart it."
            )
        if worker.nanny and threading.current_thread() is threading.main_thread():
            # Ctrl-C reaches all processes of a terminal; it is for the one that grades to end its workers. A handler,
            # since ignoring would be inherited by the students' processes, which are interrupted when they take long.
            signal.signal(signal.SIGINT, lambda _signal, _frame: None)
        await asyncio.to_thread(self._set_up, Path(worker.local_directory))

    def _set_up(self, folder: Path) -> None:
        from autograder.grading.engine import grade_notebook  # noqa: F401  (imports torch)
        from autograder.grading.notebook_box import zygote

        tempfile.tempdir = str(folder)  # the cluster removes it, also that of a worker that was killed
        folder.chmod(0o711)  # students' processes, of another user, work in folders of it
        course = folder / self._course.fingerprint
        course.mkdir(mode=0o700, exist_ok=True)  # solutions and hidden tests
        for name, content in self._course.files.items():
            path = course / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _courses[self._course.fingerprint] = Assignment(course, self._course.assignment)
        zygote()


def grade_job(job: Job) -> tuple[Record, str]:
    """Grade one submission; returns its record and the executed notebook as JSON. Raises ``IsolationError``."""
    from autograder.grading.engine import grade_notebook

    course = _courses[job.course]
    source = read_notebook(course.source / f"{job.notebook}.ipynb")
    with _one_at_a_time:
        graded = grade_notebook(course, source, job.text, job.files, job.policy)
    return Record.of(source, graded), json.dumps(graded.node)  # not for people, who get the autograded one: in one line


def grader_hash() -> str:
    """A hash of the code that grades."""
    return digest(path.read_bytes() for path in grader_files() if path.suffix == ".py")


def _assert_same_cells(source: Notebook, released: NotebookNode) -> None:
    ids = [nbgrader_metadata(cell).get("grade_id") for cell in released.cells]
    if ids != [nbgrader_metadata(cell).get("grade_id") for cell in source.node.cells]:
        raise CourseError(f"the release of {source.name} is not what its source gives: run `autograder build` first.")
