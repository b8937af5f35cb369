"""nbgrader's exchange on a machine that students share: what is collected of theirs, and how feedback comes back."""

import os
import pwd
import shutil
from pathlib import Path

import nbformat
import pytest
from classroom import COURSE_ID, RIGHT, copy_course, dump, gradebook_url, submit
from click.testing import CliRunner
from hub import ME, Hub
from links import PLANTED, THIEF, plant
from nbgrader.api import Gradebook

from autograder.assignment.assignment import Assignment
from autograder.cli import main
from autograder.course.submissions import find_submissions

# Another account of this machine: every system has some.
_OTHER = next(user.pw_name for user in pwd.getpwall() if user.pw_uid not in (0, os.geteuid()))


@pytest.fixture(scope="module")
def released(built_mini, tmp_path_factory) -> Hub:
    """A course whose assignment is released. Tests must not change it."""
    folder = tmp_path_factory.mktemp("hub")
    hub = Hub(copy_course(built_mini, folder / "course"), folder)
    hub.grader("generate_assignment", "hw1", "--force")
    hub.grader("release_assignment", "hw1", "--force")
    return hub


@pytest.fixture
def hub(released, tmp_path) -> Hub:
    return released.copied(tmp_path / "hub")


def _work(hub: Hub, answer: str, name: str = ME) -> Path:
    """A student's folder of the assignment, ready to be submitted."""
    path = submit(hub.assignment, "hw1", answer, "Because.", root=hub.home(name) / "made")
    shutil.rmtree(hub.home(name) / "hw1", ignore_errors=True)
    shutil.copytree(path.parent, hub.home(name) / "hw1")
    shutil.rmtree(hub.home(name) / "made")
    (hub.home(name) / "hw1" / "timestamp.txt").unlink()
    return hub.home(name) / "hw1"


def _grade(hub: Hub, cluster: str) -> str:
    """Grade what was collected; returns what was printed."""
    run = CliRunner().invoke(main, ["--root", str(hub.assignment.root), "grade", "--scheduler", cluster])
    assert run.exit_code == 0, run.output
    return run.output


def _points(hub: Hub, student: str = ME) -> float:
    return dump(gradebook_url(hub.assignment))[f"{student}/Mini"]["grades"]["test_double"][0]


def _collected(hub: Hub, student: str = ME) -> dict[str, bytes]:
    folder = hub.assignment.submitted / student / "hw1"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_links_in_the_exchange_are_not_collected(hub, cluster):
    """What a student of a hub did to get 10 of 10 for blank work."""
    _work(hub, THIEF)
    plant(hub.submit() / "results", hub.assignment.root)
    printed = hub.grader("collect", "hw1")
    for path, why in PLANTED.items():
        (line,) = [line for line in printed.splitlines() if f": results/{path} " in line]
        assert why in line
        assert line.endswith(": left out.")
        assert f"{ME}+hw1+" in line
    assert set(_collected(hub)) == {"Mini.ipynb", "timestamp.txt", "submission_secret.txt"}
    _grade(hub, cluster)
    assert _points(hub) == 0


def test_nbgraders_own_collect_follows_them(hub):
    """Else the test above shows nothing."""
    _work(hub, THIEF)
    results = hub.submit() / "results"
    results.mkdir()
    (results / "mini.py").symlink_to(hub.assignment.solutions / "mini.py")
    hub.grader("collect", "hw1", "--ExchangeFactory.collect=nbgrader.exchange.default.ExchangeCollect")
    assert _collected(hub)["results/mini.py"] == (hub.assignment.solutions / "mini.py").read_bytes()


def test_another_students_name_is_not_collected_and_takes_nothing_from_that_student(hub):
    """A submission in somebody else's name: `{student}+hw1+{time}`, but in this user's folder."""
    _work(hub, RIGHT, _OTHER)
    hub.submit(_OTHER)
    printed = hub.grader("collect", "hw1", code=1)
    assert "No submission could be collected." in printed
    (line,) = [line for line in printed.splitlines() if "belongs to user" in line]
    assert f"not to {_OTHER}" in line
    assert "check_owner = False" in line
    assert not (hub.assignment.submitted / _OTHER).exists()
    # Where students have no accounts of their own, the exchange does not say who is who.
    hub.grader("collect", "hw1", "--ExchangeCollect.check_owner=False")
    assert "Mini.ipynb" in _collected(hub, _OTHER)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
def test_files_of_another_user_in_a_students_folder_are_left_out(hub):
    """A hard link to a file of the graders', say, or what somebody else has put there."""
    _work(hub, THIEF, _OTHER)
    submission = hub.submit(_OTHER)
    (submission / "results").mkdir()
    user = pwd.getpwnam(_OTHER)
    for path in (submission, *submission.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    os.link(hub.assignment.solutions / "mini.py", submission / "results" / "mini.py")
    printed = hub.grader("collect", "hw1")
    assert f"results/mini.py belongs to user 0, not to user {user.pw_uid}: left out." in printed
    assert set(_collected(hub, _OTHER)) == {"Mini.ipynb", "timestamp.txt", "submission_secret.txt"}


_NO_SUBMISSIONS = {
    "is a link to": 1, "is not a folder": 1, "is not in a student's name": 5, "cannot be read as a submission": 2,
}  # fmt: skip


def test_an_older_submission_counts_where_the_newest_is_no_students(hub):
    _work(hub, RIGHT)
    hub.submit()
    (hub.inbound / f"{ME}+hw1+2030-01-01 00:00:00.000000 UTC+link").symlink_to(hub.assignment.source)
    (hub.inbound / f"{ME}+hw1+2030-01-02 00:00:00.000000 UTC+file").write_text("")
    for name in ("yesterday", "102026002026202699999999999999h"):
        (hub.inbound / f"{ME}+hw1+{name}+x").mkdir()
    for student in ("", "*", "[a]", "a\nb", "\udcff"):
        (hub.inbound / f"{student}+hw1+2030-01-01 00:00:00.000000 UTC+x").mkdir()
    for option in ([], ["--before-duedate"], ["--update"]):
        printed = hub.grader("collect", "hw1", *option)
        lines = [line for line in printed.splitlines() if line.endswith(": left out.")]
        found = {why: sum(why in line for line in lines) for why in _NO_SUBMISSIONS}
        assert found == _NO_SUBMISSIONS
    assert _collected(hub)["Mini.ipynb"] == (hub.home() / "hw1" / "Mini.ipynb").read_bytes()


def test_whatever_a_submission_holds_the_class_is_collected(hub, cluster):
    """Too much, names that are no text, paths too long for any copy, folders in the place of nbgrader's own files."""
    _work(hub, RIGHT)
    submission = hub.submit()
    (submission / "timestamp.txt").unlink()
    (submission / "timestamp.txt").mkdir()
    (submission / "timestamp.txt" / "file").write_text("")
    for name in ("aaa.bin", "zzz.bin"):
        with (submission / name).open("wb") as file:
            file.truncate(99_000_000)  # takes no room on the disk, but a copy would
    with (submission / "one.bin").open("wb") as file:
        file.truncate(200_000_000)
    open(os.fsencode(submission) + b"/\xff\x1b[2J", "w").close()
    os.symlink(b"/\xff", os.fsencode(submission) + b"/link\n")
    here = os.open(submission, os.O_RDONLY)
    for number in range(25):
        os.mkdir(str(number) * 100, dir_fd=here)
        here = os.open(str(number) * 100, os.O_RDONLY, dir_fd=here)
    printed = hub.grader("collect", "hw1")
    for why in (
        "zzz.bin is too large: 99.0 MB",
        "one.bin is too large: 200.0 MB",
        "has a path of more than 1000 bytes",
        r"link\n is a link to /\udcff",
    ):
        assert len([line for line in printed.splitlines() if why in line]) == 1, why
    assert "\x1b[2J" not in printed
    assert {"Mini.ipynb", "aaa.bin", "timestamp.txt", "submission_secret.txt"} < set(_collected(hub))
    assert "Traceback" not in _grade(hub, cluster)
    assert _points(hub) == 3
    # The time in the submission's name is the one that nbgrader gave it.
    assert (
        submission.name.split("+")[2]
        == (hub.assignment.root / "autograded" / ME / "hw1" / "timestamp.txt").read_text().strip()
    )


def test_a_submission_that_cannot_be_collected_stops_nobody_else(hub):
    """Here, since an earlier collector took a time stamp that nbgrader cannot read."""
    _work(hub, RIGHT)
    hub.submit()
    hub.grader("collect", "hw1")
    (hub.assignment.submitted / ME / "hw1" / "timestamp.txt").write_text("soon")
    _work(hub, RIGHT, "zoe")
    hub.submit("zoe")
    printed = hub.grader("collect", "hw1", "--update", code=1)
    assert "1 of 2 submissions could not be collected" in printed
    (line,) = [line for line in printed.splitlines() if "could not be collected:" in line]
    assert f"{ME}+hw1+" in line
    assert "Mini.ipynb" in _collected(hub, "zoe")
    assert "Mini.ipynb" in _collected(hub, ME)


def test_feedback_that_cannot_be_released_stops_nobody_elses(hub):
    for student in ("a,zoe", "bad", "odd", "zoe"):
        folder = hub.assignment.root / "feedback" / student / "hw1"
        folder.mkdir(parents=True)
        (folder / "Mini.html").write_text(student)
        (folder / "timestamp.txt").write_text("2026-01-01 10:00:00 UTC")
        (folder / "submission_secret.txt").write_text(f"{student}'s")
    (hub.assignment.root / "feedback" / "a,zoe" / "hw1" / "submission_secret.txt").unlink()
    (hub.assignment.root / "feedback" / "bad" / "hw1" / "submission_secret.txt").write_text("")
    (hub.assignment.root / "feedback" / "odd" / "hw1" / "x.html").mkdir()
    printed = hub.grader("release_feedback", "hw1", code=1)
    assert "The feedback of 2 students could not be released." in printed
    assert "a,zoe/hw1: left out" in printed
    for student in ("bad", "odd"):
        assert f"{student}/hw1: the feedback could not be released" in printed
    released = {path.read_text() for path in (hub.folder / "exchange" / COURSE_ID / "feedback").glob("*.html")}
    assert released == {"zoe", "odd"}
    assert "zoe" in hub.grader("release_feedback", "hw1", "--student=zoe")
    assert "left out" not in hub.grader("release_feedback", "hw1", "--student=zoe")


def test_feedback_comes_back_after_grading_with_autograder(hub, cluster):
    """And after a resubmission under the new one, though the old one's feedback was there before."""
    for answer, comment in (("def double(x):\n    return 7", "first"), (RIGHT, "second")):
        _work(hub, f"# {comment}\n{answer}")
        hub.submit()
        hub.grader("collect", "hw1", "--update")
        _grade(hub, cluster)
        hub.grader("generate_feedback", "hw1", "--force")
        hub.grader("release_feedback", "hw1")
        printed = hub.student("fetch_feedback", "hw1")
        pages = sorted((hub.home() / "hw1" / "feedback").glob("*/Mini.html"))
        assert f"# {comment}" in pages[-1].read_text()
        assert "Could not find feedback" not in printed
    assert len(pages) == 2
    assert "# first" in pages[0].read_text()


def test_a_secret_that_an_earlier_version_did_not_pass_on_comes_with_the_next_run(built_mini, tmp_path, cluster):
    """And what people decided since is not put into question."""
    assignment = copy_course(built_mini, tmp_path / "course")
    secret = assignment.root / "autograded" / "ann" / "hw1" / "submission_secret.txt"
    (submit(assignment, "ann", RIGHT, "Because.").parent / secret.name).write_bytes(b"\xffold\r\n1")
    grade = ["--root", str(assignment.root), "grade", "--scheduler", cluster]
    assert "1 graded, 1 recorded" in CliRunner().invoke(main, grade).output
    passed_on = secret.read_bytes()
    assert b"old\r\n1" in passed_on
    with Gradebook(gradebook_url(assignment), COURSE_ID) as gradebook:
        grades = gradebook.find_submission_notebook("Mini", "hw1", "ann").grades
        for each in grades:
            each.manual_score, each.needs_manual_grade = 1, False
        gradebook.db.commit()
    before = dump(gradebook_url(assignment))
    secret.unlink()
    for _ in range(2):
        assert "1 as before, 0 recorded" in CliRunner().invoke(main, grade).output
        assert secret.read_bytes() == passed_on
    assert dump(gradebook_url(assignment)) == before


def test_the_secret_is_that_of_the_assignments_folder(tmp_path):
    for place, text in {"hw3": "other", "hw1": "right"}.items():
        (tmp_path / "ann" / place / "deep").mkdir(parents=True)
        (tmp_path / "ann" / place / "submission_secret.txt").write_text(text)
    (tmp_path / "ann" / "hw1" / "ann").mkdir()
    for name in ("Mini", "ann/Other"):
        (tmp_path / "ann" / "hw1" / f"{name}.ipynb").write_text("{}")
    assignment = Assignment(tmp_path, "hw1")
    found = find_submissions(assignment, tmp_path, ["Mini", "Other", "None"])
    assert [one.secret for one in found] == ["right", "right", ""]


def test_one_who_came_another_way_does_not_keep_feedback_from_the_others(hub, cluster):
    _work(hub, RIGHT)
    hub.submit()
    hub.grader("collect", "hw1")
    submit(hub.assignment, "a_mail", RIGHT)
    _grade(hub, cluster)
    hub.grader("generate_feedback", "hw1")
    assert "a_mail/hw1: left out, since there is no submission_secret.txt" in hub.grader("release_feedback", "hw1")
    hub.student("fetch_feedback", "hw1")
    assert list((hub.home() / "hw1" / "feedback").glob("*/Mini.html"))


def test_a_submission_without_a_secret_does_not_keep_an_older_ones(built_mini, tmp_path, cluster):
    assignment = copy_course(built_mini, tmp_path / "course")
    path = submit(assignment, "ann", RIGHT)
    (path.parent / "submission_secret.txt").write_text("old")
    grade = ["--root", str(assignment.root), "grade", "--scheduler", cluster]
    CliRunner().invoke(main, grade)
    secret = assignment.root / "autograded" / "ann" / "hw1" / "submission_secret.txt"
    assert secret.read_text() == "old"
    (path.parent / "submission_secret.txt").unlink()
    node = nbformat.read(path, as_version=4)
    node.cells.append(nbformat.v4.new_code_cell("1"))
    nbformat.write(node, path)
    CliRunner().invoke(main, grade)
    assert not secret.exists()
