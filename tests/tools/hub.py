"""nbgrader's exchange between a course and its students, each with a folder and a cache of their own."""

import os
import pwd
import re
import shutil
from pathlib import Path

from classroom import COURSE_ID

from autograder.assignment.assignment import Assignment
from autograder.process import Finished, run_module

ME = pwd.getpwuid(os.geteuid()).pw_name


class Hub:
    """A course whose settings name an exchange in ``folder``; commands run as this user, who is the student ``ME``."""

    def __init__(self, assignment: Assignment, folder: Path) -> None:
        self.assignment, self.folder = assignment, folder
        self.inbound = folder / "exchange" / COURSE_ID / "inbound"
        (folder / "exchange").mkdir(parents=True, exist_ok=True)
        (folder / "exchange").chmod(0o777)
        self._write_config(assignment.nbgrader_config, assignment.nbgrader_config.read_text(), ME)

    def copied(self, folder: Path) -> "Hub":
        """The same elsewhere: course, exchange and all."""
        shutil.copytree(self.folder, folder)
        return Hub(Assignment(folder / self.assignment.root.relative_to(self.folder), self.assignment.name), folder)

    def grader(self, *command: str, code: int = 0) -> str:
        """Run an nbgrader command in the course; returns what it printed."""
        return self._run(self.assignment.root, command, code)

    def student(self, *command: str, name: str = ME, code: int = 0) -> str:
        """Run an nbgrader command in a student's folder, which ``home`` gives."""
        self._write_config(self.home(name) / "nbgrader_config.py", "c = get_config()\n", name)
        return self._run(self.home(name), command, code)

    def home(self, name: str = ME) -> Path:
        home = self.folder / "home" / name
        home.mkdir(parents=True, exist_ok=True)
        return home

    def submit(self, name: str = ME) -> Path:
        """Submit what lies in the student's folder; returns the submission in the exchange.

        It is this user's, also under another student's name.
        """
        printed = self.student("submit", "hw1", f"--student={name}", name=name)
        (place,) = re.findall(r"Destination: (.+)", printed)
        return Path(place)

    def _write_config(self, path: Path, text: str, name: str) -> None:
        settings = {"Exchange.root": self.folder / "exchange", "Exchange.cache": self.folder / "cache" / name}
        lines = [f"c.{setting} = {str(value)!r}" for setting, value in settings.items()]
        path.write_text("\n".join([text, *lines, f'c.CourseDirectory.course_id = "{COURSE_ID}"', ""]))

    def _run(self, folder: Path, command: tuple[str, ...], code: int) -> str:
        done: Finished = run_module("nbgrader", command, folder, import_from=Path(__file__).parents[1])
        assert done.code == code, done.output
        return done.output
