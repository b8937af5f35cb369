"""Records results as ``nbgrader autograde`` does: grades and comments in the gradebook, notebooks in ``autograded/``.

One transaction for each notebook of each student. A result that is recorded already is left alone, so that nothing a
human decided since is put into question. What is recorded is known from a receipt for each notebook, which is believed
only as long as gradebook and ``autograded/`` agree with it.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.adapters import SECRET, TIMESTAMP
from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook, read_node
from autograder.course.autograded import Pipeline
from autograder.course.gradebook import CourseGradebook, GradebookError
from autograder.course.scheduling import Graded
from autograder.course.store import ResultStore, write_atomically
from autograder.course.submissions import Submission, parse_moment
from autograder.errors import CourseError
from autograder.grading.results import Status
from autograder.schema import DecodeError, Schema


@dataclass(frozen=True)
class Receipt:
    """What was recorded for a student's notebook: which result, the automatic scores, when it was submitted (UTC).

    ``key`` is the result's in the store, empty where nothing was graded; then ``message`` says why.
    """

    status: Status
    key: str
    message: str
    scores: dict[str, float | None]
    timestamp: str | None


_RECEIPT: Schema[Receipt] = Schema(Receipt)


def read_receipt(assignment: Assignment, student: str, notebook: str) -> Receipt | None:
    """What was recorded for a student's notebook; None when nothing was, as far as anybody knows."""
    try:
        return _RECEIPT.from_json(_receipt_path(assignment, student, notebook).read_bytes())
    except (OSError, DecodeError):
        return None


class Recorder:
    """Puts results into a course's gradebook. Use as a context manager; one at a time for each course."""

    def __init__(self, assignment: Assignment, db_url: str = "") -> None:
        self._assignment, self._db_url = assignment, db_url
        self.store = ResultStore(results_folder(assignment))
        self._postponed: list[Graded] = []
        self._absent: list[Graded] = []
        self._graded = self._kept = self._written = 0

    def __enter__(self) -> "Recorder":
        """Raises ``CourseError`` when another process grades this class."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._alone())
            self._stack = stack.pop_all()
        return self

    def open(self, notebooks: tuple[Notebook, ...]) -> None:
        """Open the gradebook, before anything is recorded; ``notebooks`` are all of the assignment's.

        Raises ``GradebookError``.
        """
        self._gradebook = self._stack.enter_context(CourseGradebook(self._assignment, self._db_url))
        self._gradebook.add_assignment(notebooks)
        released = {notebook.name: read_node(self._assignment.release / notebook.path.name) for notebook in notebooks}
        master = {name: self._gradebook.master_cells(name) for name in released}
        self._pipeline = Pipeline(self._gradebook.config, self._assignment.name, released, master)
        self._in_gradebook = self._gradebook.recorded()

    def __exit__(self, *_ignored: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other graders of this class away; a process that ends, however it does, lets go of the lock."""
        self.store.folder.mkdir(parents=True, exist_ok=True)
        with open(self._assignment.graded.parent / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                text = f"another `autograder grade` is at work in {self._assignment.root}: wait for it."
                raise CourseError(text) from None
            yield

    def add(self, graded: Graded) -> None:
        """Record a result, unless it is. When the gradebook cannot be used now, that is put off until ``finish``.

        Raises ``CourseError`` when files cannot be written.
        """
        self._graded += graded.is_new
        self._kept += not graded.is_new
        if graded.record.status is Status.ABSENT:
            self._absent.append(graded)
        elif self._postponed:
            self._postponed.append(graded)  # no waiting for every one of a thousand
        else:
            try:
                self._record(graded)
            except GradebookError:
                self._postponed.append(graded)

    def finish(self) -> None:
        """Record what was put off, and zeros for what students left out. Raises ``CourseError``."""
        postponed, self._postponed = self._postponed, []
        try:
            for graded in postponed:
                self._record(graded)
            self._in_gradebook = self._gradebook.recorded()
            for graded in self._absent:
                self._record_absent(graded.submission.student, graded.submission.notebook)
        except GradebookError as error:
            raise GradebookError(
                f"{error} All results are kept: run the same command again to record them, nothing is graded twice."
            ) from None

    @property
    def summary(self) -> str:
        """A line on what was done."""
        kept = f"{self._kept} as before" if self._kept else ""
        done = ", ".join(filter(None, [f"{self._graded} graded", kept, f"{self._written} recorded"]))
        return f"{done} in {self._gradebook.shown_url}"

    def _record(self, graded: Graded) -> None:
        submission, record = graded.submission, graded.record
        who = (submission.student, submission.notebook)
        path = autograded_path(self._gradebook, *who)
        secret = path.with_name(SECRET)
        moment = parse_moment(submission.timestamp)
        timestamp = moment.isoformat() if moment else None
        receipt = read_receipt(self._assignment, *who)
        message = "" if graded.key else record.message
        if (
            receipt == Receipt(record.status, graded.key, message, *self._in_gradebook.get(who, ({}, None)))
            and not graded.is_new
            and timestamp in (None, receipt.timestamp)
            and path.is_file()
        ):
            self._pass_on(secret, submission)
            return
        executed = self.store.load_notebook(graded.key) if graded.key and record.status is not Status.FAILED else ""
        autograded = self._pipeline.autograded(record, executed)
        written = self._gradebook.write(*who, autograded, timestamp)
        write_atomically(path, nbformat.writes(autograded.node), self._gradebook.permissions)
        if timestamp:
            write_atomically(path.with_name(TIMESTAMP), submission.timestamp + "\n", self._gradebook.permissions)
        self._pass_on(secret, submission)
        # Last, so that whoever is interrupted before records this again.
        self._in_gradebook[who] = (autograded.scores, written)
        receipt = Receipt(record.status, graded.key, message, autograded.scores, written)
        write_atomically(_receipt_path(self._assignment, *who), _RECEIPT.to_json(receipt))
        self._written += 1

    def _pass_on(self, path: Path, submission: Submission) -> None:
        """Write the submission's secret to ``path``, where nbgrader's `release_feedback` finds it.

        It puts a page where only who holds the secret finds it; that of an older submission would hide the page from
        everybody. Raises ``CourseError``.
        """
        secret = submission.secret.encode()
        if submission.path is None or (path.read_bytes() if path.is_file() else b"") == secret:
            return
        if secret:
            write_atomically(path, secret, self._gradebook.permissions)
        else:
            path.unlink(missing_ok=True)

    def _record_absent(self, student: str, notebook: str) -> None:
        """Zero for a notebook that a student left out, as nbgrader does, unless it was there before."""
        scores, _ = self._in_gradebook.get((student, notebook), ({}, None))
        if None in scores.values() and not autograded_path(self._gradebook, student, notebook).is_file():
            self._gradebook.write_zeros(student, notebook)
            self._written += 1


def results_folder(assignment: Assignment) -> Path:
    """Where the results of an assignment's class are kept."""
    return assignment.graded / "results"


def _receipt_path(assignment: Assignment, student: str, notebook: str) -> Path:
    return assignment.graded / "recorded" / student / f"{notebook}.json"


def autograded_path(gradebook: CourseGradebook, student: str, notebook: str) -> Path:
    """The notebook that formgrader shows and ``generate_feedback`` reads."""
    coursedir = gradebook.coursedir
    folder = coursedir.format_path(coursedir.autograded_directory, student, gradebook.assignment.name)
    return Path(folder) / f"{notebook}.ipynb"
