"""What students plant in a submission so that graders copy files that students may not see."""

import os
from pathlib import Path

# Blank work, but for a file that is no work of the student's.
THIEF = """
import importlib.util
_spec = importlib.util.spec_from_file_location("mini", "results/mini.py")
_mini = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_mini)
double = _mini.double
"""
# What `plant` leaves, and why it is left out.
PLANTED = {
    "mini.py": "is a link to",
    "all": "is a link to",
    "zero": "is a link to /dev/zero",
    "gone": "is a link to /no/such/file",
    "pipe": "is a named pipe",
}


def plant(folder: Path, course: Path) -> None:
    """Links to a file and a folder of the course, to a device and to nothing, and a pipe that nobody writes to."""
    folder.mkdir(exist_ok=True)
    (folder / "mini.py").symlink_to(course / "solutions" / "hw1" / "mini.py")
    (folder / "all").symlink_to(course)
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "gone").symlink_to("/no/such/file")
    os.mkfifo(folder / "pipe")
