"""Which of the files beside a notebook are the student's own, and travel with it.

The submission cell keeps to the same rules (``kit/own_files.py``), so a student is told there what stays behind.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from autograder.assignment.assignment import SOLUTIONS, Assignment, assignment_names, released_files
from autograder.grading.results import RESULTS

# Of all files of a submission together. Results come first: then no data beside them can crowd them out.
MAX_BYTES = 128 << 20
MAX_FILES = 10_000
# What tools leave, what nbgrader's exchange puts beside a notebook, and otter's own empty file.
_CLUTTER = ("__pycache__", "__MACOSX", "Thumbs.db", "desktop.ini")
_EXCHANGE = ("timestamp.txt", "submission_secret.txt", "__init__.py")
_OTTERS_TESTS = "tests"


@dataclass(frozen=True)
class OwnFileRules:
    """Tells a student's own files from others: ``path`` is always below the notebook's folder.

    ``handed_out`` are the files of the release, ``taken`` names of our modules and packages, ``elsewhere`` the folders
    of the course's other assignments.
    """

    handed_out: frozenset[str]
    taken: frozenset[str]
    elsewhere: frozenset[str]

    @classmethod
    def of(cls, assignment: Assignment) -> "OwnFileRules":
        released = [path.relative_to(assignment.release).as_posix() for path in released_files(assignment.release)]
        given = [*released, *assignment.package_files(), *(path.name for path in assignment.student_files())]
        taken = {"autograder", SOLUTIONS, *(package.name for package in assignment.packages)}
        elsewhere = set(assignment_names(assignment.root)) - {assignment.name}
        return cls(frozenset(given), frozenset(taken), frozenset(elsewhere))

    def ignores(self, path: PurePosixPath) -> bool:
        """Whether a file stays behind without a word: handed out, a notebook, hidden, or left there by a tool."""
        return (
            any(part.startswith(".") or part in _CLUTTER for part in path.parts)
            or path.suffix in (".ipynb", ".pyc")
            or path.name.endswith("_submission.zip")
            or path.as_posix() in self.handed_out
            or path.as_posix() in _EXCHANGE
            or path.parts[0] in self.elsewhere
        )

    def problem(self, path: PurePosixPath) -> str:
        """Why an own file stays behind, the rest of a sentence that begins with its name; empty when it travels."""
        first = path.parts[0]
        if first.partition(".")[0] in self.taken or (first == _OTTERS_TESTS and path.parts[1:]):
            return f"has the name of what graders have there ({first})"
        return "is a zip, and zips are unpacked on the way" if path.suffix == ".zip" else ""


class Room:
    """What is left of the limits while files are taken."""

    def __init__(self) -> None:
        self._bytes, self._files = MAX_BYTES, MAX_FILES

    @property
    def is_full(self) -> bool:
        return self._files == 0

    def problem(self, size: int) -> str:
        """Take a file; or why it cannot be taken, as ``OwnFileRules.problem``."""
        if self.is_full:
            return f"and the files after it exceed the limit of {MAX_FILES:,} files"
        if size > self._bytes:
            return f"exceeds the limit of {MAX_BYTES >> 20} MB for all files together"
        self._files -= 1
        self._bytes -= size
        return ""


def comes_first(path: PurePosixPath) -> bool:
    """Whether a notebook saved it."""
    return path.parts[0] == RESULTS
