"""Where things are in the repository."""

from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AutograderError

ASSIGNMENT = "hw4"
SUPPORT_PACKAGE = "hw4kit"
PACKAGE = Path(__file__).parents[1]
_FOR_STUDENTS = ("README.md", "environment.yml", "requirements.txt")


@dataclass(frozen=True)
class Project:
    """The folders and files of one checkout; every path the commands use comes from here."""

    root: Path
    assignment: str = ASSIGNMENT

    @property
    def source(self) -> Path:
        """The assignment's source notebooks."""
        return self.root / "source" / self.assignment

    @property
    def release(self) -> Path:
        """The students' notebooks, generated and committed."""
        return self.root / "release" / self.assignment

    @property
    def dist(self) -> Path:
        """What is built and not committed: otter zips and executed solution notebooks."""
        return self.root / "autograder" / "dist"

    @property
    def submitted(self) -> Path:
        """What students handed in, a folder per student."""
        return self.root / "submitted"

    @property
    def solutions(self) -> Path:
        """The reference package."""
        return self.root / "solutions"

    @property
    def mistakes(self) -> Path:
        """The known wrong answers, a module per notebook."""
        return self.solutions / "misconceptions"

    @property
    def variants(self) -> Path:
        """Correct answers in other styles, a module per notebook."""
        return self.root / "tests" / "variants"

    @property
    def survivors(self) -> Path:
        """Why mutants of the reference answers pass the tests, by their names."""
        return self.solutions / "survivors.toml"

    @property
    def strength_report(self) -> Path:
        return self.root / "docs" / "strength.md"

    @property
    def nbgrader_config(self) -> Path:
        return self.root / "nbgrader_config.py"

    @property
    def environment(self) -> Path:
        return self.root / "environment.yml"

    def zip_path(self, notebook: str) -> Path:
        """The otter zip of one notebook."""
        return self.dist / f"{notebook}.zip"

    def support_files(self) -> list[Path]:
        """The files of the support package that notebooks import."""
        return _files(self.source / SUPPORT_PACKAGE)

    def student_files(self) -> list[Path]:
        """What tells students how to install: README, and the packages for conda and pip."""
        return [path for name in _FOR_STUDENTS if (path := self.source / name).is_file()]

    def solution_files(self) -> list[Path]:
        """The files of the reference package."""
        return _files(self.solutions)


def building_files() -> list[Path]:
    """The code that builds: a change there makes everything built before stale."""
    return _files(PACKAGE / "authoring") + _files(PACKAGE / "adapters")


def grader_files() -> list[Path]:
    """The files of this package that an otter zip needs for grading, all below ``PACKAGE``."""
    rooms = [path for room in ("authoring", "grading", "adapters") for path in _files(PACKAGE / room)]
    modules = ("__init__.py", "errors.py", "process.py", "regular_files.py")
    return [*(PACKAGE / name for name in modules), *rooms]


def released_files(folder: Path) -> list[Path]:
    """The files of a release, without what running its notebooks in place leaves behind."""
    return [
        path for path in _files(folder) if path.suffix != ".zip" and "results" not in path.relative_to(folder).parts
    ]


def find_project(start: Path) -> Project:
    """The project that ``start`` lies in. Raises ``AutograderError`` outside one."""
    for folder in (start, *start.parents):
        if (folder / "nbgrader_config.py").is_file() and (folder / "source" / ASSIGNMENT).is_dir():
            return Project(folder)
    raise AutograderError(
        f"{start} is not in a course: no folder above it has nbgrader_config.py and source/{ASSIGNMENT}. "
        "Change into the repository, or name it with --root."
    )


def _files(folder: Path) -> list[Path]:
    skipped = {"__pycache__", ".ipynb_checkpoints"}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not skipped.intersection(path.relative_to(folder).parts)
    )
