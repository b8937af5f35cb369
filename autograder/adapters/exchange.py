"""nbgrader's exchange, named in ``nbgrader_config.py``.

``CollectOwnFiles``          collect: regular files of the student's own, and no link is followed
``ReleaseWhatCanBeFetched``  release_feedback: who has no secret does not keep the feedback from all others
"""

import glob
import os
import pwd
import re
import stat
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback

from autograder.regular_files import RegularFile, regular_files

Record = dict[str, Any]
_SECRET = "submission_secret.txt"


class CollectOwnFiles(ExchangeCollect):
    """Collect what belongs to the student.

    Whoever collects can read the solutions, the gradebook and every submission, and anyone can put folders into the
    exchange. nbgrader follows links there, so a link to the solutions becomes a file of the student's. Here a
    submission must be a folder, and belong to the student whom its name gives; so must every file in it. What is
    refused is left out, and a warning names it; an older submission of the student's own is taken in its place.

    Who is who is known where ``check_owner`` is on and the student has an account on this machine. Otherwise files must
    belong to the owner of the submission's folder (or, with ``check_owner`` off, to anybody).
    """

    def _path_to_record(self, path: str) -> Record:
        try:
            record = super()._path_to_record(path)
        except (ExchangeError, ValueError, OverflowError):
            record = {"username": "", "filename": os.path.basename(path), "timestamp": datetime.min}
        record["problem"] = self._problem(Path(path), record["username"])
        if record["problem"]:
            self.log.warning("%s %s: left out.", path, record["problem"])
        return record

    def _problem(self, path: Path, student: str) -> str:
        """Why a submission cannot be the student's; empty when it can."""
        if not student:
            return "does not have a submission's name"
        try:
            status = path.lstat()
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        if stat.S_ISLNK(status.st_mode):
            return f"is a link to {os.readlink(path)}"
        if not stat.S_ISDIR(status.st_mode):
            return "is not a folder"
        if self.check_owner and (account := _account(student)) not in (None, status.st_uid):
            return (
                f"belongs to user {_name(status.st_uid)}, not to {student} (user {account}). If students do not submit "
                "under accounts of their own, set c.ExchangeCollect.check_owner = False"
            )
        return ""

    def _sort_by_timestamp(self, records: list[Record]) -> list[Record]:
        own = [record for record in records if not record["problem"]]
        return super()._sort_by_timestamp(own or records)

    def copy_files(self) -> None:
        self.src_records: list[Record] = [record for record in self.src_records if not record["problem"]]
        super().copy_files()

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy the student's own files into a folder that nobody else can change, and from there as nbgrader does."""
        with tempfile.TemporaryDirectory(prefix="collect-") as folder:
            own = Path(folder) / "own"
            own.mkdir()
            self._copy_own(Path(src), own, self._owner(Path(src)))
            super().do_copy(str(own), dest)

    def _owner(self, submission: Path) -> int | None:
        """To whom its files must belong; None where that is not known."""
        if not self.check_owner:
            return None
        account = _account(submission.name.rsplit("+", 3)[0])
        if account is not None or not submission.exists():
            return account
        return submission.lstat().st_uid

    def _copy_own(self, source: Path, target: Path, owner: int | None) -> None:
        """Copy up to nbgrader's ``max_dir_size``: what goes over it is left out, and does not stop the class."""

        def refused(path: PurePosixPath, why: str) -> None:
            self.log.warning("%s: %s %s: left out.", source.name, path, why)

        most, left = 1000 * self.coursedir.max_file_size, 1000 * self.coursedir.max_dir_size
        for file in regular_files(source, refused, owner):
            if file.size > min(most, left):
                refused(file.path, f"is too large ({file.size / 1e6:.1f} MB)")
            else:
                left -= file.size
                _copy(file, target / file.path)


class ReleaseWhatCanBeFetched(ExchangeReleaseFeedback):
    """Release the feedback of all who submitted through the exchange.

    A submission that came another way has no secret with which its student could fetch the page; nbgrader ends with an
    error at the first of them.
    """

    def copy_files(self) -> None:
        without = sorted(self._without_secret())
        for student in without:
            self.log.warning(
                "%s did not submit through the exchange, so cannot fetch feedback there: left out.", student
            )
        before = self.coursedir.student_id_exclude
        self.coursedir.student_id_exclude = ",".join(filter(None, [before, *without]))
        try:
            super().copy_files()
        finally:
            self.coursedir.student_id_exclude = before

    def _without_secret(self) -> Iterator[str]:
        course, assignment = self.coursedir, self.coursedir.assignment_id
        pattern = course.format_path(course.feedback_directory, "(?P<student>.*)", assignment, escape=True)
        for folder in glob.glob(course.format_path(course.feedback_directory, "*", assignment)):
            found = re.fullmatch(pattern, folder)
            if found and not Path(folder, _SECRET).is_file():
                yield found["student"]


def _account(name: str) -> int | None:
    """A user's id on this machine; None when there is no such user."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _name(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} ({user})"
    except KeyError:
        return str(user)


def _copy(file: RegularFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as copy:
        copy.writelines(file.chunks())
    os.utime(target, ns=(file.status.st_atime_ns, file.status.st_mtime_ns))
