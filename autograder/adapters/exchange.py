"""nbgrader's exchange, named in ``nbgrader_config.py``.

``CollectOwnFiles``          collect: regular files of the student's own, and no link is followed
``ReleaseWhatCanBeFetched``  release_feedback: who has no secret does not keep the feedback from all others
"""

import glob
import os
import pwd
import re
import shutil
import stat
import tempfile
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback

from autograder.adapters import SECRET, TIMESTAMP
from autograder.grading.results import RESULTS
from autograder.regular_files import RegularFile, printable, regular_files

Record = dict[str, Any]
_MAX_FILES = 10_000  # of a submission
# nbgrader looks for a student's folder with the name as a pattern, so "*" would be everybody.
_NO_NAME = re.compile(r"^$|^\.|[*?\[\]/]")


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
            record: Record = super()._path_to_record(path)
            record["problem"] = self._problem(Path(path), record["username"])
        except Exception as error:  # the name is anybody's to choose, and what it names may be gone
            problem = f"cannot be read as a submission ({error})"
            record = {"username": "", "filename": "", "timestamp": datetime.min, "problem": problem}
        if record["problem"]:
            self.log.warning(printable(f"{path} {record['problem']}: left out."))
        return record

    def _problem(self, path: Path, student: str) -> str:
        """Why a submission cannot be the student's; empty when it can. Raises ``OSError``."""
        if not student.isprintable() or _NO_NAME.search(student):
            return "is not in a student's name"
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"is a link to {os.readlink(path)}"
        if not stat.S_ISDIR(status.st_mode):
            return "is not a folder"
        if self.check_owner and (account := _account(student)) not in (None, status.st_uid):
            return (
                f"belongs to user {_name(status.st_uid)}, not to {student} (user {account}). If students do not submit "
                "from their own accounts, set c.ExchangeCollect.check_owner = False"
            )
        return ""

    def _sort_by_timestamp(self, records: list[Record]) -> list[Record]:
        own = [record for record in records if not record["problem"]]
        newest_first: list[Record] = super()._sort_by_timestamp(own or records)
        return newest_first

    def copy_files(self) -> None:
        """Copy one submission after the other; one that fails is named, and does not stop the class."""
        found: list[Record] = self.src_records
        own = [record for record in found if not record["problem"]]
        if found and not own:
            self.fail("No submission could be collected. The warnings above say why.")
        failed = 0
        for records in [[record] for record in own] or [own]:
            self.src_records: list[Record] = records
            try:
                super().copy_files()
            except Exception as error:
                failed += 1
                self.log.error(printable(f"{records[0]['filename']} could not be collected: {error}"))
        if failed:
            self.fail(f"{failed} of {len(own)} submissions could not be collected. The errors above say why.")

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy the student's own files into a folder that nobody else can change, and from there as nbgrader does."""
        with tempfile.TemporaryDirectory(prefix="collect-") as folder:
            own = Path(folder) / "own"
            own.mkdir()
            self._copy_own(Path(src), own)
            # nbgrader's own time stamp: what it cannot read in the file would stop it.
            (own / TIMESTAMP).write_text(Path(src).name.rsplit("+", 3)[2])
            try:
                super().do_copy(str(own), dest)
            except BaseException:
                shutil.rmtree(dest, ignore_errors=True)  # half of it would count as collected
                raise

    def _copy_own(self, source: Path, target: Path) -> None:
        """Copy up to nbgrader's ``max_dir_size``, notebooks and modules first; what goes over it is left out."""

        def refused(path: PurePosixPath, why: str) -> None:
            self.log.warning(printable(f"{source.name}: {path if path.parts else 'it'} {why}: left out."))

        owner = self._owner(source)
        most = left = 1000 * self.coursedir.max_dir_size
        for first in (True, False):
            files = regular_files(source, refused if first else lambda path, why: None, owner)
            for number, file in enumerate(files):
                if number == _MAX_FILES:
                    refused(file.path, f"and the files after it exceed the limit of {_MAX_FILES:,} files")
                    break
                if _comes_first(file) is not first or file.path.parts[0] == TIMESTAMP:
                    continue
                if file.size > min(left, 1000 * self.coursedir.max_file_size):
                    refused(file.path, f"is too large: {file.size / 1e6:.1f} MB of {most / 1e6:g} MB for a submission")
                    continue
                left -= file.size
                _copy(file, target / file.path)

    def _owner(self, submission: Path) -> int | None:
        """To whom its files must belong; None where that is not known."""
        if not self.check_owner:
            return None
        account = _account(submission.name.rsplit("+", 3)[0])
        return submission.lstat().st_uid if account is None else account


class ReleaseWhatCanBeFetched(ExchangeReleaseFeedback):
    """Release the feedback of everyone who submitted through the exchange.

    A submission that came another way has no secret with which its student could fetch the page; stock nbgrader stops
    with an error at the first of them.
    """

    src_path: str

    def copy_files(self) -> None:
        """Release one student's pages after the other; whose cannot be released is named, and stops nobody else's."""
        failed = 0
        for folder in sorted(glob.glob(self.src_path)):
            missing = [name for name in (SECRET, TIMESTAMP) if not Path(folder, name).is_file()]
            if not missing:
                self.src_path = glob.escape(folder)
                try:
                    super().copy_files()
                except Exception as error:
                    failed += 1
                    self.log.error(printable(f"{folder}: the feedback could not be released: {error}"))
            else:
                self.log.warning(
                    printable(
                        f"{folder}: left out, since there is no {missing[0]}. Either the student did not submit "
                        "through the exchange, or the feedback is older than that file: then run `nbgrader "
                        "generate_feedback --force`."
                    )
                )
        if failed:
            self.fail(f"The feedback of {failed} students could not be released. The errors above say why.")


def _comes_first(file: RegularFile) -> bool:
    return file.path.suffix in (".ipynb", ".py") or file.path.parts[0] in (SECRET, RESULTS)


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
