"""Grading folders of submissions with the engine and the frameworks, on the tiny course."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from classroom import copy_course, submit
from click.testing import CliRunner

from autograder.assignment.assignment import Assignment
from autograder.cli import main
from autograder.course.compare import disagreements
from autograder.course.records import Framework, Grade
from autograder.course.submissions import find_submissions
from autograder.errors import CourseError
from autograder.grading.intake import read_submission
from autograder.grading.results import Status

RIGHT = "def double(x):\n    return x + x"


def _submit(assignment, folder: Path, answer: str) -> Path:
    node = nbformat.read(assignment.release / "Mini.ipynb", as_version=4)
    for cell in node.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "double":
            cell.source = answer
    folder.mkdir(parents=True)
    path = folder / "Mini.ipynb"
    nbformat.write(node, path)
    return path


def _grade(assignment, folder: Path, *options: str):
    return CliRunner().invoke(main, ["--root", str(assignment.root), "grade", str(folder), *options])


@pytest.mark.parametrize("isolation", ["strict", pytest.param("none", marks=pytest.mark.slow)])
def test_all_frameworks_agree_on_right_wrong_and_noisy_answers(built_mini, tmp_path, isolation):
    _submit(built_mini, tmp_path / "right", RIGHT)
    _submit(built_mini, tmp_path / "wrong", "def double(x):\n    return 2 * abs(x)")
    noisy = 'import warnings\ndef double(x):\n    warnings.warn("careful")\n    print("x is", x)\n    return x + x'
    _submit(built_mini, tmp_path / "noisy", noisy)
    path = _submit(built_mini, tmp_path / "bare", RIGHT)
    bare = json.loads(path.read_text())
    for cell in bare["cells"]:
        cell["metadata"], cell["id"] = {}, f"new-{cell['id']}"
        cell.pop("execution_count", None)
    path.write_text(json.dumps(bare))
    run = _grade(built_mini, tmp_path, "--framework", "all", "--isolation", isolation)
    rows = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in run.output.splitlines() if "│" in line}
    assert run.exit_code == 0, run.output
    assert rows == {"right": "3", "wrong": "0", "noisy": "3", "bare": "3"}
    assert ("NO ISOLATION" in run.output) is (isolation == "none")


def test_own_files_are_there_whoever_grades_and_the_grader_imports_none(built_mini, tmp_path):
    answer = "import helpers\nassert open('data/one.txt').read() == '1'\ndef double(x):\n    return helpers.double(x)"
    folder = _submit(built_mini, tmp_path / "own", answer).parent
    (folder / "data").mkdir()
    (folder / "data" / "one.txt").write_text("1")
    (folder / "helpers.py").write_text(RIGHT)
    for name in ("torch", "msgpack", "yaml", "otter", "statistics"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported')")
    (folder / "solutions.py").write_text("raise SystemExit('imported')")
    run = _grade(built_mini, tmp_path, "--framework", "all")
    assert run.exit_code == 0, run.output
    assert "│ own     │ 3 │     3 │" in run.output


def test_broken_submissions_are_one_line_each_and_the_rest_is_graded(built_mini, tmp_path):
    _submit(built_mini, tmp_path / "right", RIGHT)
    (tmp_path / "empty").mkdir()
    for name, text in {"cut": '{"cells": [', "binary": "\x00\x01", "list": "[]"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "Mini.ipynb").write_text(text)
    _submit(built_mini, tmp_path / "twice" / "a", RIGHT)
    _submit(built_mini, tmp_path / "twice" / "b", RIGHT)
    _submit(built_mini, tmp_path / "exits", "import os\nos._exit(0)")
    run = _grade(built_mini, tmp_path, "--framework", "nbgrader", "--isolation", "none")
    assert run.exit_code == 1
    assert "│ right   │ 3 │     3 │" in run.output
    lines = run.output.splitlines()
    assert "empty: not handed in: Mini" in lines
    for student, message in {
        "cut": "is not a valid notebook",
        "binary": "is not a valid notebook",
        "list": "is not a valid notebook",
        "twice": "is there more than once: a/Mini.ipynb, b/Mini.ipynb",
        "exits": "Kernel died",
    }.items():
        assert len([line for line in lines if line.startswith(f"{student}, Mini: ") and message in line]) == 1, student
    assert "Traceback" not in run.output


def test_a_grader_who_shares_nothing_can_grade(built_mini, tmp_path):
    """With a umask of 077, as is usual on shared machines: the student's process passes through folders of its own."""
    assignment = copy_course(built_mini, tmp_path / "course")
    submit(assignment, "ann", RIGHT)
    command = [sys.executable, "-m", "autograder.cli", "--root", str(assignment.root), "grade", "--workers", "1"]
    run = subprocess.run(command, umask=0o077, capture_output=True, text=True, check=False)
    assert "1 graded, 1 recorded" in run.stdout, run.stderr
    assert "│ ann     │ 3 │     3 │" in run.stdout


def test_a_hanging_submission_is_ended_and_recorded(built_mini, tmp_path):
    _submit(built_mini, tmp_path / "hangs", "while True:\n    pass")
    run = _grade(built_mini, tmp_path, "--framework", "both", "--isolation", "none", "--timeout", "4")
    assert run.exit_code == 1
    assert "hangs, Mini: nbgrader was ended after 4 s" in run.output
    assert "hangs, Mini: otter was ended after 4 s" in run.output
    assert "disagree" not in run.output


def test_a_disagreement_names_student_and_question():
    grades = [
        Grade("ann", "Mini", Framework.NBGRADER, Status.GRADED, {"double": 3.0, "half": 1.0}),
        Grade("ann", "Mini", Framework.OTTER, Status.GRADED, {"double": 0.0, "half": 1.0}),
        Grade("bob", "Mini", Framework.NBGRADER, Status.GRADED, {"double": 3.0, "half": 1.0}),
        Grade("bob", "Mini", Framework.OTTER, Status.TIMEOUT, {"double": 0.0, "half": 0.0}),
    ]
    (found,) = disagreements(grades)
    assert str(found) == "ann, Mini, double: the frameworks disagree (nbgrader 3, otter 0)"


@pytest.mark.parametrize("layout", ["{student}/Mini.ipynb", "{student}/hw1/Mini.ipynb"])
def test_submissions_are_found_plainly_and_in_nbgraders_layout(built_mini, tmp_path, layout):
    path = tmp_path / layout.format(student="ann")
    _submit(built_mini, path.parent, RIGHT)
    (path.parent / "results").mkdir()
    (path.parent / "results" / "run.json").write_text("1")
    (submission,) = find_submissions(Assignment(tmp_path, "hw1"), tmp_path, ["Mini"])
    assert (submission.student, submission.problem) == ("ann", "")
    assert submission.read_files(built_mini) == {"results/run.json": b"1"}


def test_a_notebook_with_a_byte_order_mark_is_read(built_mini, tmp_path):
    path = _submit(built_mini, tmp_path / "ann", RIGHT)
    path.write_text("\ufeff" + json.dumps(json.loads(path.read_text())), encoding="utf-8")
    (submission,) = find_submissions(Assignment(tmp_path, "hw1"), tmp_path, ["Mini"])
    assert len(read_submission(submission.read_bytes()).cells) == 6


def test_wrong_folders_are_one_clear_line(built_mini, tmp_path):
    run = _grade(built_mini, tmp_path / "nowhere")
    assert (run.exit_code, "does not exist" in run.output) == (2, True)
    with pytest.raises(CourseError, match="holds no student's folder"):
        find_submissions(Assignment(tmp_path, "hw1"), tmp_path, ["Mini"])
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="is not a folder"):
        find_submissions(Assignment(tmp_path, "hw1"), tmp_path / "file", ["Mini"])
    _submit(built_mini, tmp_path / "ann", RIGHT)
    run = _grade(built_mini, tmp_path, "--notebook", "Nope")
    assert (run.exit_code, "there is no notebook Nope: the assignment has Mini." in run.output) == (1, True)


def test_a_stale_zip_is_refused(built_mini, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(built_mini.root, copy)
    (copy / "solutions" / "hw1" / "mini.py").write_text("def double(x):\n    return 0\n")
    _submit(built_mini, tmp_path / "class" / "ann", RIGHT)
    run = CliRunner().invoke(main, ["--root", str(copy), "grade", str(tmp_path / "class"), "--framework", "otter"])
    assert run.exit_code == 1
    assert "Mini.zip is not there or out of date: run `autograder build` first." in run.output
