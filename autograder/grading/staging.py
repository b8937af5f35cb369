"""The files that lie beside a notebook while it runs, put together in a folder of their own."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from autograder.grading.results import RESULTS, Limits

_MAX_FILES = 10_000
_BLOCK = 4096
# A path as long as systems allow would be too long where it is copied to.
_LONGEST_PATH = 1000


@contextmanager
def staged(source: Path, results: Path | None, limits: Limits) -> Iterator[Path]:
    """A folder with the course's support package and the student's results, as they lie beside the notebook.

    What is the course's is linked: a box copies what it is given.
    """
    with tempfile.TemporaryDirectory(prefix="files-") as folder:
        for entry in source.iterdir():
            if entry.is_dir() and entry.name not in (RESULTS, ".ipynb_checkpoints"):
                (Path(folder) / entry.name).symlink_to(entry.absolute())
        if results:
            _copy_regular(results, Path(folder) / RESULTS, limits.disk << 19)  # half of what the box holds
        yield Path(folder)


def _copy_regular(source: Path, target: Path, size: int) -> None:
    """Copy plain files and folders, up to ``size`` bytes of disk; links and anything else are left out."""
    target.mkdir()
    for entry in sorted(islice(source.rglob("*"), _MAX_FILES)):
        status = entry.lstat()
        place = target / entry.relative_to(source)
        if not place.parent.is_dir() or len(os.fsencode(entry.relative_to(source))) > _LONGEST_PATH:
            continue
        if stat.S_ISDIR(status.st_mode):
            place.mkdir(exist_ok=True)
        elif stat.S_ISREG(status.st_mode) and (size := size - status.st_size // _BLOCK * _BLOCK - _BLOCK) >= 0:
            shutil.copyfile(entry, place, follow_symlinks=False)
