"""Another assignment beside homework 4, with a notebook of the same name as one of its own."""

import shutil

from harness import HW4
from neighbors import live
from places import ROOT
from sampleclass import write_class

from autograder.assignment.assignment import Assignment

NOTEBOOK = "HandDesignFilters"
STUDENTS = {"reference": 10.0, "wrong_border": 4.0}
_COURSE = ("kit", "solutions", "nbgrader_config.py", "environment.yml")


def test_another_assignment_beside_homework_4(tmp_path):
    course = Assignment(tmp_path / "course", HW4.name)
    course.source.mkdir(parents=True)
    for name in _COURSE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, course.root / name)
    for path in (HW4.source / f"{NOTEBOOK}.ipynb", HW4.source / "hw4kit", *HW4.student_files()):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, course.source / path.name)
    shutil.copytree(HW4.release, course.release)
    write_class(HW4, tmp_path / "class")
    for student in STUDENTS:
        folder = course.submitted / student / HW4.name
        folder.mkdir(parents=True)
        shutil.copy(tmp_path / "class" / student / f"{NOTEBOOK}.ipynb", folder)
    live(course, NOTEBOOK, STUDENTS, "--question", "averaging_filtering")
