"""Grades submissions with the engine: what is new or changed on a cluster, the rest from what is kept."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass

from distributed import Client

from autograder.assignment.assignment import Assignment
from autograder.course.cluster import RemoteScheduler, connect, run_jobs
from autograder.course.records import Record
from autograder.course.store import ResultStore, digest
from autograder.course.submissions import Report, Submission
from autograder.course.worker import CourseFiles, Job
from autograder.grading.intake import MAX_FILE
from autograder.grading.policy import NotebookPolicy
from autograder.grading.private_files import PrivateFiles
from autograder.grading.results import Status


@dataclass(frozen=True)
class Graded:
    """A submission with its record; ``key`` finds the executed notebook in the store, empty where there is none."""

    submission: Submission
    record: Record
    key: str = ""
    is_new: bool = False


@dataclass(frozen=True)
class ClassGrader:
    """How to grade an assignment's submissions; ``report`` is told what of them was left out, a sentence each."""

    assignment: Assignment
    store: ResultStore
    policy: NotebookPolicy
    workers: int = 1
    scheduler: RemoteScheduler | None = None
    regrade: bool = False
    report: Report = lambda text: None

    @contextlib.contextmanager
    def grading(self, submissions: Iterable[Submission]) -> Iterator[Iterator[Graded]]:
        """Begin to grade submissions; gives the results as they come, those first that need no grading.

        The cluster gets ready in the meantime. The same file handed in by several students is graded once. Raises
        ``CourseError`` when the cluster or the disk fails, also later from the results, and these ``IsolationError``.
        """
        course, private = CourseFiles.read(self.assignment), PrivateFiles(self.assignment)
        known: list[Graded] = []
        to_grade: dict[str, list[Submission]] = {}
        for submission in submissions:
            if submission.path is None or not (text := submission.read_bytes()):
                known.append(Graded(submission, _nothing(submission)))
                continue
            if same := private.name_of(text):
                known.append(Graded(submission, _not_the_students(submission, same)))
                continue
            job = self._job(course, submission, text, submission.read_files(self.assignment, self.report, private))
            record = None if self.regrade else self.store.load(job.key)
            if record and record.status is not Status.FAILED:
                known.append(Graded(submission, record, job.key))
            else:
                to_grade.setdefault(job.key, []).append(submission)
        if not to_grade:
            yield iter(known)
            return
        with connect(course, self.scheduler, min(self.workers, len(to_grade))) as ready:
            yield itertools.chain(known, self._on_cluster(ready, course, private, to_grade.values()))

    def _on_cluster(
        self,
        ready: Callable[[], Client],
        course: CourseFiles,
        private: PrivateFiles,
        to_grade: Iterable[list[Submission]],
    ) -> Iterator[Graded]:
        running: dict[str, list[Submission]] = {}

        def jobs() -> Iterator[Job]:
            # Files are read when their turn comes: a class's notebooks together may not fit into memory.
            for submissions in to_grade:
                first = submissions[0]
                job = self._job(course, first, first.read_bytes(), first.read_files(self.assignment, private=private))
                running[job.key] = submissions
                yield job

        for job, record, notebook in run_jobs(ready(), jobs()):
            self.store.save(job.key, record, notebook)
            for submission in running.pop(job.key):
                yield Graded(submission, record, job.key, is_new=True)

    def _job(self, course: CourseFiles, submission: Submission, text: bytes, files: dict[str, bytes]) -> Job:
        name = submission.notebook
        beside = [part for path, content in sorted(files.items()) for part in (os.fsencode(path), content)]
        settings = [course.fingerprints[name], self.policy.isolation.value, repr(astuple(self.policy.limits))]
        key = digest([*(part.encode() for part in settings), text, *beside])
        return Job(course.fingerprint, name, text, files, self.policy, key)


def _not_the_students(submission: Submission, same: str) -> Record:
    """The record of a notebook with the content of one of the graders': a link to it, perhaps, before collecting."""
    text = f"has the content of a file that only graders have ({same}), so it was not graded."
    return Record(submission.notebook, Status.UNREADABLE, f"{submission.notebook}.ipynb {text}")


def _nothing(submission: Submission) -> Record:
    """The record of a notebook that is not there, or of which nothing can be read."""
    if submission.problem:
        return Record(submission.notebook, Status.UNREADABLE, submission.problem)
    if submission.path is None:
        return Record(submission.notebook, Status.ABSENT)
    size = submission.path.stat().st_size
    text = f"is over {MAX_FILE >> 20} MB long" if size else "is not a valid notebook: the file is empty"
    return Record(submission.notebook, Status.UNREADABLE, f"{submission.path.name} {text}.")
