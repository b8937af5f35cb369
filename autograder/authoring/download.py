"""The students' download: the release as one zip."""

from pathlib import Path

from autograder.authoring.archive import write_zip
from autograder.authoring.project import Project, released_files


def build_download(project: Project, work: Path) -> Path:
    """The release as one zip, with a folder of the assignment's name in it; returns its path in ``work``."""
    entries = {
        f"{project.assignment}/{path.relative_to(project.release).as_posix()}": path.read_bytes()
        for path in released_files(project.release)
    }
    return write_zip(work / f"{project.assignment}.zip", entries)
