"""The files of this package: what builds, and what a zip needs to grade."""

from pathlib import Path

from autograder.assignment.assignment import files

PACKAGE = Path(__file__).parents[1]
# The rooms that a grader needs, and the modules beside them.
_GRADING_ROOMS = ("assignment", "sandbox", "grading")
_GRADING_MODULES = (
    "__init__.py",
    "errors.py",
    "process.py",
    "regular_files.py",
    "schema.py",
    "adapters/__init__.py",
    "adapters/otter.py",
)
_BUILDING_ROOMS = ("assignment", "authoring", "adapters")


def building_files() -> list[Path]:
    """The code that builds: a change there makes everything built before stale."""
    return [path for room in _BUILDING_ROOMS for path in files(PACKAGE / room, ["*.py"])]


def grader_files() -> list[Path]:
    """What an otter zip needs of this package, all below ``PACKAGE``."""
    rooms = [path for room in _GRADING_ROOMS for path in files(PACKAGE / room)]
    return [*(PACKAGE / name for name in _GRADING_MODULES), *rooms]
