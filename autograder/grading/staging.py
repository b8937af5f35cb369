"""The files that lie beside a notebook while it runs: what is taken of a submission, put together in a folder."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from autograder.assignment.assignment import Assignment
from autograder.grading.private_files import PrivateFiles
from autograder.grading.results import RESULTS
from autograder.regular_files import printable, regular_files

# Of all result files of a submission together.
MAX_RESULTS = 128 << 20
_MAX_FILES = 10_000
_BLOCK = 4096


def read_results(
    folder: Path, report: Callable[[str], None] = lambda text: None, private: PrivateFiles | None = None
) -> dict[str, bytes]:
    """The files that a student's notebook saved in ``folder``, by their paths in it; none where there is no folder.

    Links, special files and what has the content of one of the course's ``private`` files are left out, and what goes
    over ``MAX_RESULTS`` bytes together; ``report`` is told each, a sentence.
    """
    found: dict[str, bytes] = {}
    left = MAX_RESULTS

    def refused(path: PurePosixPath, why: str) -> None:
        report(printable(f"{PurePosixPath(RESULTS) / path} {why}: left out."))

    if folder.is_symlink():
        refused(PurePosixPath(), f"is a link to {os.readlink(folder)}")
    if not folder.is_dir() or folder.is_symlink():
        return found
    for number, file in enumerate(regular_files(folder, refused)):
        if number == _MAX_FILES:
            refused(file.path, f"and the files after it exceed the limit of {_MAX_FILES:,} files")
            break
        if file.size > left:
            refused(file.path, f"exceeds the limit of {MAX_RESULTS >> 20} MB for all results together")
            continue
        left -= file.size
        content = file.read()
        if same := private.name_of(content) if private else "":
            refused(file.path, f"has the content of a file that only graders have ({same})")
        else:
            found[file.path.as_posix()] = content
    return found


@contextmanager
def staged(assignment: Assignment, results: Mapping[str, bytes], disk: int) -> Iterator[Path]:
    """A folder with the kits and the student's ``results``, as they lie beside the notebook; ``disk`` MiB are there.

    What is the course's is linked: a box copies what it is given.
    """
    with tempfile.TemporaryDirectory(prefix="files-") as folder:
        for package in assignment.packages:
            (Path(folder) / package.name).symlink_to(package.absolute())
        _write(results, Path(folder) / RESULTS, disk << 19)  # half of what the box holds
        yield Path(folder)


def _write(results: Mapping[str, bytes], target: Path, space: int) -> None:
    """Write files, up to ``space`` bytes of disk."""
    for name, content in sorted(results.items()):
        space -= len(content) // _BLOCK * _BLOCK + _BLOCK
        if space < 0:
            continue
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
