"""What the report, the table of grades and students' feedback say, of a small class that was really graded."""

import csv
import re
import shutil

import pytest
from classroom import COURSE_ID, copy_course, gradebook_url
from click.testing import CliRunner
from nbgrader.api import Gradebook

from autograder.assignment.assignment import Assignment
from autograder.cli import main
from autograder.course.gradebook import CellGrade
from autograder.course.overview import HandedIn, Overview, read_overview
from autograder.course.records import Record
from autograder.grading.results import QuestionResult, Status, Verdict
from autograder.process import run_module

ODD = "<b>odd & o'dd<b>"


def run(assignment, *arguments):
    return CliRunner().invoke(main, ["--root", str(assignment.root), *arguments])


@pytest.fixture
def graded(graded_mini, tmp_path) -> Assignment:
    """A copy for tests that write."""
    return copy_course(graded_mini, tmp_path / "course")


def test_the_overview_counts_what_was_graded(graded_mini):
    overview = read_overview(graded_mini)
    double, written = overview.questions()
    assert (double.question, double.maximum, written.question) == ("double", 3, "written_why")
    assert double.verdicts == {Verdict.PASSED: 4, Verdict.FAILED: 3, Verdict.CRASHED: 1, Verdict.ERROR: 1}
    assert double.difficulty == pytest.approx(4 / 9)  # torn waits for a human
    (first, *_) = overview.mistakes()
    assert (first.text, first.students) == ("double(-3) is wrong", ("wrong0", "wrong1", "wrong2"))
    trouble = {one.student: one.trouble for one in overview.each() if one.trouble}
    assert set(trouble) == {"stuck", "torn"}
    assert "not a valid notebook" in trouble["torn"][0]


def test_the_report_and_the_table_of_grades(graded):
    assert run(graded, "feedback").exit_code == 0
    assert run(graded, "report").exit_code == 0
    page = (graded.report / "index.html").read_text()
    assert "double(-3) is wrong" in page
    assert "WITHOUT ISOLATION" not in page, "nothing of torn ran"
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert 'href="../../feedback/right0/hw1.html"' in page
    assert not re.search(r'(?:src|href)="(?!#|data:|\.\./\.\./feedback/)', page), "nothing from elsewhere"
    rows = list(csv.DictReader((graded.report / "grades.csv").open()))
    assert {row["student"]: row["total"] for row in rows}["right1"] == "3"
    assert {row["student"]: row["Mini:double"] for row in rows}["wrong0"] == "0"
    assert {row["student"]: row["needs_manual_grade"] for row in rows} == {
        "right0": "0", "right1": "1", "right2": "1", "right3": "1", "wrong0": "1", "wrong1": "1", "wrong2": "1",
        "stuck": "0", "torn": "1", ODD: "0",
    }  # fmt: skip


def test_feedback_says_what_happened_and_shows_no_hidden_test(graded):
    with Gradebook(gradebook_url(graded), COURSE_ID) as gradebook:
        grade = gradebook.find_grade("written_why", "Mini", "hw1", "wrong0")
        grade.manual_score, grade.needs_manual_grade = 0.5, False
        gradebook.find_comment("written_why", "Mini", "hw1", "wrong0").manual_comment = "Say why <itself>."
        gradebook.db.commit()
    assert run(graded, "feedback").output.endswith(f"wrote 10 pages below {graded.root / 'feedback'}\n")
    page = graded.feedback("wrong0").read_text()
    assert "0.5 of 4 points" in page
    assert "double(-3) is wrong" in page
    assert "Say why &lt;itself&gt;." in page
    assert "reference" not in page
    assert "10_000_000" not in page
    assert "<script" not in page
    assert "not graded yet" in graded.feedback("wrong1").read_text()
    assert "No response." in graded.feedback("right0").read_text()
    torn = graded.feedback("torn").read_text()
    assert "is not a valid notebook" in torn
    assert "No response." not in torn, "that is not known"
    shutil.rmtree(graded.root / "feedback")
    assert run(graded, "feedback", "--student", "right1").exit_code == 0
    assert [path.parent.name for path in graded.root.glob("feedback/*/hw1.html")] == ["right1"]
    unknown = run(graded, "feedback", "--student", "nobody")
    assert (unknown.exit_code, "nothing is recorded of nobody" in unknown.output) == (1, True)


def test_nbgraders_own_feedback_and_export_show_it_without_hidden_tests(graded):
    finished = run_module("nbgrader", ["generate_feedback", "hw1", "--student", "wrong0"], graded.root)
    assert finished.code == 0, finished.output
    page = (graded.root / "feedback" / "wrong0" / "hw1" / "Mini.html").read_text()
    assert "double(-3) is wrong" in page
    assert "Score: 0.0 / 4.0" in page
    assert "solutions.hw1.mini" not in page
    assert "10_000_000" not in page
    assert "One point for" not in page
    assert run_module("nbgrader", ["export"], graded.root).code == 0
    rows = {row["student_id"]: row for row in csv.DictReader((graded.root / "grades.csv").open())}
    assert (rows["right1"]["score"], rows["wrong0"]["score"], rows["right1"]["max_score"]) == ("3.0", "0.0", "4.0")


def test_a_known_mistake_counts_with_its_diagnosis():
    def one(student: str, message: str, diagnosis: str) -> dict[str, HandedIn]:
        result = QuestionResult("q", Verdict.FAILED, 0.0, 1.0, message, diagnosis=diagnosis)
        record = Record("N", Status.GRADED, questions=(result,))
        return {"N": HandedIn(student, "N", {"test_q": CellGrade(0.0, 1.0, False)}, {}, 0.0, record)}

    overview = Overview("hw1", {s: one(s, f"got {s}", "flipped") for s in ("a", "b")}, {"N": ["test_q"]})
    (mistake,) = overview.mistakes()
    assert (mistake.text, mistake.is_diagnosis, mistake.students) == ("flipped", True, ("a", "b"))


def test_discrimination_is_the_correlation_with_the_rest():
    def one(first: float, rest: float) -> dict[str, HandedIn]:
        grades = {"test_a": CellGrade(first, 1.0, False), "test_b": CellGrade(rest, 4.0, False)}
        return {"N": HandedIn("", "N", grades, {}, 0.0, None)}

    class_ = {"a": one(0, 1), "b": one(1, 2), "c": one(0, 3), "d": one(1, 4)}
    first, _ = Overview("hw1", class_, {"N": ["test_a", "test_b"]}).questions()
    assert first.difficulty == 0.5
    assert first.discrimination == pytest.approx(0.4472, abs=1e-4)  # numpy.corrcoef([0, 1, 0, 1], [1, 2, 3, 4])


def test_without_grades_the_commands_say_what_to_do(built_mini, tmp_path):
    assignment = copy_course(built_mini, tmp_path / "course")
    for command in ("report", "feedback"):
        result = run(assignment, command)
        assert (result.exit_code, "run `autograder grade` first" in result.output) == (1, True)
