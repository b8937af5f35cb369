"""What `autograder grade` records is what `nbgrader autograde` records, and humans' work survives it."""

import sqlite3

import nbformat
from classroom import COURSE_ID, RIGHT, WRONG, copy_course, delete_cell, dump, gradebook_url, submit
from click.testing import CliRunner
from minicourse import cells, write
from nbgrader.api import Gradebook
from sqlalchemy import event
from sqlalchemy.engine import Engine

from autograder.authoring.build import build
from autograder.cli import main
from autograder.course.gradebook import CourseGradebook
from autograder.process import run_module

LATE = "2026-02-01 10:00:00 UTC"
_PENALTY = """
c.AssignLatePenalties.plugin_class = "late.HalfPointADay"
"""
_PLUGIN = """
from nbgrader.plugins import BasePlugin

class HalfPointADay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5 * total_seconds_late / 86400
"""


def grade(assignment, scheduler, *options):
    return CliRunner().invoke(main, ["--root", str(assignment.root), "grade", "--scheduler", scheduler, *options])


def hand_in(assignment):
    submit(assignment, "right", RIGHT, "Because.")
    submit(assignment, "wrong", WRONG, "")
    submit(assignment, "blank", "")
    submit(assignment, "late", RIGHT, "Because.", LATE)
    delete_cell(submit(assignment, "no_answer", RIGHT, "Because."), "double")
    delete_cell(submit(assignment, "no_test", RIGHT, "Because."), "test_double")
    delete_cell(submit(assignment, "no_written", RIGHT, "Because."), "written_why")
    submit(assignment, "noisy", 'import sys\nprint("err", file=sys.stderr)\n' + RIGHT, "")
    submit(assignment, "verbose", "for i in range(5000):\n    print(i)\n" + RIGHT, "")


def set_due(assignment):
    with CourseGradebook(assignment) as course, course.transaction() as gradebook:
        gradebook.update_or_create_assignment("hw1", duedate="2026-01-31 10:00:00 UTC")


def with_plugin(assignment):
    (assignment.root / "late.py").write_text(_PLUGIN)
    config = assignment.nbgrader_config
    config.write_text(config.read_text() + _PENALTY)


def test_gradebook_and_autograded_notebooks_are_nbgraders(built_mini, tmp_path, cluster, monkeypatch):
    ours, theirs = (copy_course(built_mini, tmp_path / name) for name in ("ours", "theirs"))
    for assignment in (ours, theirs):
        set_due(assignment)
        with_plugin(assignment)
        hand_in(assignment)
    monkeypatch.syspath_prepend(ours.root)
    run = grade(ours, cluster)
    assert run.exit_code == 0, run.output
    for arguments in (["generate_assignment", "hw1", "--force"], ["autograde", "hw1"]):
        finished = run_module("nbgrader", arguments, theirs.root, import_from=theirs.root)
        assert finished.code == 0, finished.output
    assert dump(gradebook_url(ours)) == dump(gradebook_url(theirs))
    assert dump(gradebook_url(ours))["late/Mini"]["penalty"] == 0.5
    for path in sorted((theirs.root / "autograded").glob("*/hw1/Mini.ipynb")):
        mine = nbformat.read(ours.root / path.relative_to(theirs.root), as_version=4)
        assert mine == nbformat.read(path, as_version=4), path


def judge(url, score: float, comment: str) -> None:
    """What a human does in formgrader."""
    with Gradebook(url, COURSE_ID) as gradebook:
        for student, cell in (("right", "written_why"), ("wrong", "test_double")):
            grade = gradebook.find_grade(cell, "Mini", "hw1", student)
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = score, 0.25, False
        gradebook.find_comment("written_why", "Mini", "hw1", "right").manual_comment = comment
        gradebook.db.commit()


def assert_manual_work_survives(assignment, scheduler, url):
    """Manual scores and comments stay through reruns, regrades and new submissions, as with `autograde --force`."""
    options = ("--db", url)
    submit(assignment, "right", RIGHT, "Because.")
    submit(assignment, "wrong", WRONG, "Because.")
    assert grade(assignment, scheduler, *options).exit_code == 0
    judge(url, 1.0, "Well said.")
    before = dump(url)
    rerun = grade(assignment, scheduler, *options)
    assert rerun.output.splitlines()[-1].startswith("0 graded, 2 as before, 0 recorded in ")
    assert dump(url) == before, "nothing is put into question when nothing changed"

    assert grade(assignment, scheduler, *options, "--regrade").exit_code == 0
    submit(assignment, "wrong", RIGHT, "Because.")
    assert grade(assignment, scheduler, *options).exit_code == 0
    after = dump(url)
    assert after["right/Mini"]["grades"]["written_why"] == (None, 1.0, 0.25, True)
    assert after["right/Mini"]["comments"]["written_why"] == (None, "Well said.")
    assert after["wrong/Mini"]["grades"]["test_double"] == (3.0, 1.0, 0.25, True)
    assert after["wrong/Mini"]["score"] == 1.25


def test_manual_grades_and_comments_survive(built_mini, tmp_path, cluster):
    assignment = copy_course(built_mini, tmp_path / "course")
    assert_manual_work_survives(assignment, cluster, gradebook_url(assignment))


def test_only_what_changed_is_graded_again(built_mini, tmp_path, cluster):
    assignment = copy_course(built_mini, tmp_path / "course")
    for student in ("ann", "bob"):
        submit(assignment, student, f"# {student}\n{RIGHT}")

    def counted(*options: str) -> str:
        return grade(assignment, cluster, *options).output.splitlines()[-1].split(" recorded")[0]

    assert counted() == "2 graded, 2"
    assert counted() == "0 graded, 2 as before, 0"
    submit(assignment, "bob", WRONG)
    assert counted() == "1 graded, 1 as before, 1"
    assert counted("--student", "ann", "--regrade") == "1 graded, 1"
    results = submit(assignment, "ann", f"# ann\n{RIGHT}").parent / "results"
    results.mkdir()
    (results / "run.json").write_text("{}")
    assert counted() == "1 graded, 1 as before, 1"
    (assignment.solutions / "mini.py").write_text("def double(x):\n    return 2 * x\n")
    assert counted("--notebook", "Mini") == "2 graded, 2"
    unknown = grade(assignment, cluster, "--student", "nobody")
    assert (unknown.exit_code, "holds no student nobody" in unknown.output) == (1, True)


def test_questions_that_came_after_submissions_are_one_clear_line(built_mini, tmp_path, cluster):
    assignment = copy_course(built_mini, tmp_path / "course")
    submit(assignment, "ann", RIGHT)
    assert grade(assignment, cluster).exit_code == 0
    changed = cells()
    changed[2].metadata.nbgrader["grade_id"] = "twice"
    changed[3].metadata.nbgrader["grade_id"] = "test_twice"
    for cell in changed:
        cell.source = cell.source.replace("double", "twice")
    write(assignment, changed)
    assert any(was_built for _, was_built in build(assignment, solved=False))
    run = grade(assignment, cluster)
    assert run.exit_code == 1
    assert "Cannot add or remove cells" in run.output
    assert "Give the changed assignment a gradebook of its own" in run.output


def test_a_notebook_left_out_gets_zero_and_one_graded_before_keeps_its_grade(built_mini, tmp_path, cluster):
    assignment = copy_course(built_mini, tmp_path / "course")
    path = submit(assignment, "ann", RIGHT, "Because.")
    assert grade(assignment, cluster).exit_code == 0
    before = dump(gradebook_url(assignment))
    path.unlink()
    run = grade(assignment, cluster)
    assert (run.exit_code, "ann: not handed in: Mini" in run.output) == (0, True)
    assert dump(gradebook_url(assignment)) == before


def test_recording_reads_no_rows_of_other_students(built_mini, tmp_path, cluster):
    """Else each of a thousand submissions takes longer to record than the one before."""
    assignment = copy_course(built_mini, tmp_path / "course")
    submit(assignment, "ann", RIGHT, "Because.")
    asked: list[tuple] = []

    def listen(_connection, _cursor, statement, parameters, *_more) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        assert grade(assignment, cluster).exit_code == 0
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    later = [query for query in asked if "FROM grade " in query[0] or "FROM comment " in query[0]]
    assert len(later) == 2, later
    with sqlite3.connect(assignment.root / "gradebook.db") as database:
        plans = [row[3] for query in later for row in database.execute(f"EXPLAIN QUERY PLAN {query[0]}", query[1])]
    assert [plan for plan in plans if plan.startswith(("SCAN grade", "SCAN comment"))] == []
