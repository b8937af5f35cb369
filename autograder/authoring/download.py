"""The students' download: the release as one zip."""

from pathlib import Path

from autograder.assignment.assignment import Assignment, released_files
from autograder.authoring.archive import write_zip


def build_download(assignment: Assignment, work: Path) -> Path:
    """The release as one zip, with a folder of the assignment's name in it; returns its path in ``work``."""
    entries = {
        f"{assignment.name}/{path.relative_to(assignment.release).as_posix()}": path.read_bytes()
        for path in released_files(assignment.release)
    }
    return write_zip(work / f"{assignment.name}.zip", entries)
