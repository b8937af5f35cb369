"""The files that lie beside a notebook while it runs: what is taken of a submission, put together in a folder."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from autograder.assignment.assignment import Assignment
from autograder.grading.own_files import OwnFileRules, Room, comes_first
from autograder.grading.private_files import PrivateFiles
from autograder.regular_files import printable, regular_files

_BLOCK = 4096


def read_files(
    assignment: Assignment,
    folder: Path,
    report: Callable[[str], None] = lambda text: None,
    private: PrivateFiles | None = None,
) -> dict[str, bytes]:
    """The student's own files in a notebook's ``folder``, by their paths in it: modules, data, ``results/``.

    Links, special files, what goes over the limits, names that are ours, and what has the content of one of the
    course's ``private`` files are left out; ``report`` is told each, a sentence.
    """
    found: dict[str, bytes] = {}
    rules, room = OwnFileRules.of(assignment), Room()

    def refused(path: PurePosixPath, why: str) -> None:
        report(printable(f"{path} {why}: left out."))

    def not_regular(path: PurePosixPath, why: str) -> None:
        if path.parts and comes_first(path):  # links elsewhere are told when notebooks are looked for
            refused(path, why)

    if not folder.is_dir() or folder.is_symlink():
        return found
    for first in (True, False):
        for file in regular_files(folder, not_regular if first else lambda path, why: None):
            if comes_first(file.path) is not first or rules.ignores(file.path):
                continue
            if problem := rules.problem(file.path) or room.problem(file.size):
                refused(file.path, problem)
                if room.is_full:
                    return found
                continue
            content = file.read()
            if same := private.name_of(content) if private else "":
                refused(file.path, f"has the content of a file that only graders have ({same})")
            else:
                found[file.path.as_posix()] = content
    return found


@contextmanager
def staged(assignment: Assignment, files: Mapping[str, bytes], disk: int) -> Iterator[Path]:
    """A folder with the kits and the student's ``files``, as they lie beside the notebook; ``disk`` MiB are there.

    What is the course's is linked: a box copies what it is given. No file of the student's has a name of a kit's.
    """
    kits = {package.name: package.absolute() for package in assignment.packages}
    with tempfile.TemporaryDirectory(prefix="files-") as folder:
        own = {path: content for name, content in files.items() if (path := PurePosixPath(name)).parts[0] not in kits}
        _write(own, Path(folder), disk << 19)  # half of what the box holds
        for name, place in kits.items():
            (Path(folder) / name).symlink_to(place)
        yield Path(folder)


def _write(files: Mapping[PurePosixPath, bytes], target: Path, space: int) -> None:
    """Write files, up to ``space`` bytes of disk, those first that notebooks saved."""
    for name, content in sorted(files.items(), key=lambda item: (not comes_first(item[0]), item[0])):
        space -= len(content) // _BLOCK * _BLOCK + _BLOCK
        if space < 0:
            continue
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
