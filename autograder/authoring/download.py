"""What students get besides the notebooks: a README, how to install, and everything in one zip."""

import re
from pathlib import Path

import yaml

from autograder.authoring.archive import write_zip
from autograder.authoring.project import Project, released_files
from autograder.errors import AutograderError

# Of the pinned packages of environment.yml those that a student needs; the rest grades.
_STUDENTS = ("jupyterlab", "matplotlib", "nbgrader", "numpy", "safetensors", "scipy", "torch", "tqdm")
_REMARK = "# What the notebooks of this homework need; the graders use the same versions.\n"


def add_student_files(project: Project, folder: Path) -> None:
    """Write ``requirements.txt`` and ``environment.yml``, and copy the students' README, into ``folder``.

    Raises ``AutograderError`` when the project's ``environment.yml`` does not pin what students need.
    """
    environment = yaml.safe_load(project.environment.read_text("utf-8"))
    python, pins = _pins(environment)
    if lacking := [name for name in _STUDENTS if name not in pins]:
        raise AutograderError(f"{project.environment} pins no version of {', '.join(lacking)}, which students need.")
    requirements = [f"{name}=={pins[name]}" for name in _STUDENTS]
    (folder / "requirements.txt").write_text(_REMARK + "\n".join(requirements) + "\n", encoding="utf-8")
    students = {
        "name": project.assignment,
        "channels": environment["channels"],
        "dependencies": [python, "pip", {"pip": requirements}],
    }
    text = _REMARK + yaml.safe_dump(students, sort_keys=False)
    (folder / "environment.yml").write_text(text, encoding="utf-8")
    if project.students_readme.is_file():
        (folder / "README.md").write_bytes(project.students_readme.read_bytes())


def build_download(project: Project, work: Path) -> Path:
    """The release as one zip, with a folder of the assignment's name in it; returns its path in ``work``."""
    entries = {
        f"{project.assignment}/{path.relative_to(project.release).as_posix()}": path.read_bytes()
        for path in released_files(project.release)
    }
    return write_zip(work / f"{project.assignment}.zip", entries)


def _pins(environment: dict) -> tuple[str, dict[str, str]]:
    """Conda's name for Python, and the versions that pip installs."""
    (python,) = [entry for entry in environment["dependencies"] if str(entry).startswith("python=")]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    matches = [re.fullmatch(r"([\w.-]+)==(\S+)", requirement) for requirement in pip]
    return python, {match[1]: match[2] for match in matches if match}
