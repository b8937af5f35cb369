"""``Assignment``: one homework of a course, where its files lie, and its settings."""

import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from keyword import iskeyword
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.assignment.catalogue import module_name
from autograder.assignment.imports import modules, needed
from autograder.assignment.notebook import Notebook, read_notebook
from autograder.errors import AutograderError, NotebookError
from autograder.schema import DecodeError, Schema

# The package of reference answers, and the one for any homework's notebooks, below a course's root.
SOLUTIONS, KIT = "solutions", "kit"
# Folders of a reference package that grading does not need: answers in other styles, graded written answers, claims.
_NOT_FOR_GRADING = ("variants", "written", "claims")
# The environment variable with the seed that hidden tests draw their inputs with.
SEED_VARIABLE = "AUTOGRADER_HIDDEN_SEED"
# What the folder of an assignment is called, it being a Python package of the solutions too.
_NAME = re.compile(r"[a-z][a-z0-9_]*")
# Names that mean something else in a course, or in a student's folder.
_TAKEN = (SOLUTIONS, KIT, "autograder", "results")
_SETTINGS_FILE = "assignment.toml"
_FOR_STUDENTS = ("README.md", "environment.yml", "requirements.txt")
_SKIPPED = {"__pycache__", ".ipynb_checkpoints"}


Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Settings:
    """What an assignment's ``assignment.toml`` may set.

    ``cell_seconds`` is how long one cell may take, ``notebook_seconds`` all of a notebook. ``hidden_seed`` is what
    hidden tests draw their inputs with. ``variants`` is how many correct answers in other styles each question needs.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # a word that is misspelled must not be passed over

    cell_seconds: Seconds = 120.0
    notebook_seconds: Seconds = 900.0
    hidden_seed: int = 182
    variants: int = 6


_settings: Schema[Settings] = Schema(Settings)


@dataclass(frozen=True)
class Assignment:
    """One homework of the course in ``root``. Every path that the commands use comes from here."""

    root: Path
    name: str

    # --- the course's, whatever the assignment ---

    @property
    def submitted(self) -> Path:
        """What students submitted, a folder per student."""
        return self.root / "submitted"

    @property
    def nbgrader_config(self) -> Path:
        return self.root / "nbgrader_config.py"

    @property
    def environment(self) -> Path:
        return self.root / "environment.yml"

    @property
    def kit(self) -> Path:
        """The package that the notebooks of any homework import."""
        return self.root / KIT

    @cached_property
    def course_id(self) -> str:
        """What nbgrader calls the course, as ``nbgrader_config.py`` says. Raises ``AutograderError``."""
        try:
            config = PyFileConfigLoader(self.nbgrader_config.name, str(self.root)).load_config()
        except Exception as error:  # whatever Python code raises
            raise AutograderError(f"{self.nbgrader_config} cannot be read: {error}") from None
        return str(config.get("CourseDirectory", Config()).get("course_id", ""))

    # --- the assignment's own ---

    @property
    def source(self) -> Path:
        """The source notebooks, the assignment's own kit, and what tells students how to install."""
        return self.root / "source" / self.name

    @property
    def release(self) -> Path:
        """The students' notebooks, generated and committed."""
        return self.root / "release" / self.name

    @property
    def solutions(self) -> Path:
        """The reference answers, a package."""
        return self.root / SOLUTIONS / self.name

    @property
    def mistakes(self) -> Path:
        """The known wrong answers, a module per notebook."""
        return self.solutions / "mistakes"

    @property
    def variants(self) -> Path:
        """Correct answers in other styles, a module per notebook."""
        return self.solutions / "variants"

    @property
    def survivors(self) -> Path:
        """Why mutants of the reference answers pass the tests, by their names."""
        return self.solutions / "survivors.toml"

    @property
    def strength_report(self) -> Path:
        return self.root / "docs" / "strength" / f"{self.name}.md"

    @property
    def strength_results(self) -> Path:
        """What came of trying answers on the tests."""
        return self.root / "build" / "strength" / self.name

    @property
    def dist(self) -> Path:
        """What is built and not committed: otter zips and executed solution notebooks."""
        return self.root / "autograder" / "dist" / self.name

    @property
    def graded(self) -> Path:
        """What the engine gave for each submission, and notes on what of it is recorded."""
        return self.root / "graded" / self.name

    @property
    def report(self) -> Path:
        """The instructor's report."""
        return self.root / "report" / self.name

    def feedback(self, student: str) -> Path:
        """A student's page of feedback, beside the folder into which ``nbgrader generate_feedback`` writes."""
        return self.root / "feedback" / student / f"{self.name}.html"

    def zip_path(self, notebook: str) -> Path:
        """The otter zip of one notebook."""
        return self.dist / f"{notebook}.zip"

    def mistakes_of(self, notebook: Notebook) -> Path:
        """The module of known wrong answers to a notebook's questions, which need not exist."""
        return self.mistakes / f"{module_name(notebook.name)}.py"

    def variants_of(self, notebook: Notebook) -> Path:
        """The module of correct answers in other styles, which need not exist."""
        return self.variants / f"{module_name(notebook.name)}.py"

    @cached_property
    def settings(self) -> Settings:
        """What ``assignment.toml`` beside the notebooks sets. Raises ``AutograderError`` when it cannot be read."""
        path = self.source / _SETTINGS_FILE
        if not path.is_file():
            return Settings()
        try:
            return _settings.from_python(tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, DecodeError) as error:
            raise AutograderError(f"{path} cannot be used: {error}") from None

    # --- its files ---

    def notebooks(self) -> tuple[Notebook, ...]:
        """The source notebooks, in alphabetical order. Raises ``NotebookError`` when there is none, or a broken one."""
        paths = sorted(self.source.glob("*.ipynb"))
        if not paths:
            raise NotebookError(f"{self.source} holds no notebook: is it the source folder of an assignment?")
        return tuple(read_notebook(path) for path in paths)

    @property
    def packages(self) -> tuple[Path, ...]:
        """The packages that the notebooks may import: the kit, and the assignment's own."""
        own = sorted(path.parent for path in self.source.glob("*/__init__.py"))
        return tuple(path for path in (self.kit, *own) if path.is_dir())

    def package_files(self) -> dict[str, Path]:
        """The files of these packages, by the path that they have beside a notebook."""
        return {
            path.relative_to(package.parent).as_posix(): path for package in self.packages for path in files(package)
        }

    def package_modules(self) -> dict[str, Path]:
        """The modules of these packages, by the names with which notebooks import them."""
        return {
            name: path for package in self.packages for name, path in modules(package.parent, files(package)).items()
        }

    def student_files(self) -> list[Path]:
        """What tells students how to install: README, and the packages for conda and pip."""
        return [path for name in _FOR_STUDENTS if (path := self.source / name).is_file()]

    def setting_files(self) -> list[Path]:
        """What changes how its notebooks are built and graded."""
        return [self.nbgrader_config, self.environment, *self.own_settings()]

    def own_settings(self) -> list[Path]:
        """The file with the assignment's settings, where there is one."""
        path = self.source / _SETTINGS_FILE
        return [path] if path.is_file() else []

    def solution_files(self, notebook: Notebook | None = None) -> list[Path]:
        """The files of the reference package, or those that grading ``notebook`` needs.

        These are what its hidden tests import, directly or through one another, the known wrong answers to its
        questions, and whatever lies in the reference package with a name that begins as the notebook's module does
        (data, or code that a module reads).
        """
        everything = sorted([*(self.root / SOLUTIONS).glob("*.py"), *files(self.solutions)])
        if notebook is None:
            return everything
        hidden = [question.hidden for question in notebook.questions]
        own = module_name(notebook.name)
        apart = [self.solutions / name for name in _NOT_FOR_GRADING]
        named = [path for path in everything if path.name.startswith(own) and not {*path.parents} & {*apart}]
        return sorted({*needed(modules(self.root, everything), hidden), *named})

    @property
    def secret_paths(self) -> tuple[Path, ...]:
        """What students' code must not see of this host: the course, and reference answers that are installed."""
        installed = {Path(path, SOLUTIONS) for path in sys.path if path}
        return (self.root, self.source, *sorted(path for path in installed if path.is_dir()))


def find_assignment(start: Path, name: str = "") -> Assignment:
    """The assignment ``name`` of the course that ``start`` lies in; without a name the only one there is.

    Raises ``AutograderError`` outside a course, and when the name is none or has to be chosen.
    """
    root = find_course(start)
    names = assignment_names(root)
    if name and name not in names:
        there_are = f"source/ has {', '.join(names)}" if names else "source/ has none"
        raise AutograderError(f"there is no assignment {name}: {there_are}.")
    if not names:
        raise AutograderError(f"{root / 'source'} holds no assignment: make one with `autograder new hw1`.")
    if not name and len(names) > 1:
        raise AutograderError(f"there are several assignments: choose with --assignment {' or '.join(names)}.")
    return Assignment(root, name or names[0])


def find_course(start: Path) -> Path:
    """The root of the course that ``start`` lies in. Raises ``AutograderError`` outside of one."""
    for folder in (start, *start.parents):
        if (folder / "nbgrader_config.py").is_file() and (folder / "source").is_dir():
            return folder
    raise AutograderError(
        f"{start} is not in a course: no folder above it has nbgrader_config.py and source/. "
        "Change into the repository, or name it with --root."
    )


def assignment_names(root: Path) -> list[str]:
    """The assignments of a course: the folders of ``source/`` that hold notebooks."""
    return sorted({path.parent.name for path in (root / "source").glob("*/*.ipynb")})


def name_problem(name: str) -> str:
    """Why an assignment cannot have this name; empty when it can."""
    if name in _TAKEN or iskeyword(name) or not _NAME.fullmatch(name):
        return f"{name!r} cannot be an assignment's name: use lowercase letters, digits, and _, such as hw5."
    return ""


def released_files(folder: Path) -> list[Path]:
    """The files of a release, without what running its notebooks in place leaves behind."""
    return [path for path in files(folder) if path.suffix != ".zip" and "results" not in path.relative_to(folder).parts]


def files(folder: Path, patterns: Iterable[str] = ("*",)) -> list[Path]:
    """The files below a folder, sorted, without what running them leaves behind."""
    return sorted(
        path
        for pattern in patterns
        for path in folder.rglob(pattern)
        if path.is_file() and not _SKIPPED.intersection(path.relative_to(folder).parts)
    )
