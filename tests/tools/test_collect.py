"""Every form in which submissions are downloaded ends in `submitted/`; nothing hostile, old or strange gets there."""

import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
from classroom import RIGHT, WRONG, copy_course, submit
from click.testing import CliRunner

from autograder.authoring.build import read_linted
from autograder.cli import main
from autograder.course import archives
from autograder.course.collect import Collector
from autograder.course.sources import read_source
from autograder.errors import CourseError
from autograder.grading import own_files

METADATA = """---
submission_1:
  :submitters:
  - :name: Ann Lee
    :sid: '3034'
    :email: ann@berkeley.edu
  :created_at: 2026-01-02 10:00:00.500000000 Z
  :score: 0.0
submission_2:
  :submitters:
  - :name: Bob
    :sid:
    :email: bob@berkeley.edu
  - :name: Cy
    :sid: '99'
  :created_at: 2026-01-02T03:00:00-08:00
submission_3:
  :submitters: []
  :created_at: 2026-01-02 10:00:00 Z
"""


@pytest.fixture
def course(built_mini, tmp_path):
    return copy_course(built_mini, tmp_path / "course")


@pytest.fixture
def notebook(course, tmp_path) -> bytes:
    return submit(course, "x", RIGHT, root=tmp_path / "made").read_bytes()


def collect(course, source: Path):
    return Collector(course, read_linted(course)).collect(source)


def placed(course) -> dict[str, bytes]:
    folder = course.submitted
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def notebooks(course) -> set[str]:
    return {path.split("/")[0] for path in placed(course) if path.endswith(".ipynb")}


def stamp(course, student: str) -> str:
    return placed(course)[f"{student}/hw1/timestamp.txt"].decode()


def make_zip(members: dict[str, bytes], path: Path | None = None, when=(2026, 1, 5, 12, 0, 0)) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(zipfile.ZipInfo(name, when), data, zipfile.ZIP_DEFLATED)
    if path:
        path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["folder", "zip", "wrapped zip"])
def test_a_gradescope_export(course, notebook, tmp_path, form):
    members = {
        "submission_metadata.yml": METADATA.encode(),
        "submission_1/Mini.ipynb": notebook,
        "submission_1/results/mini/a.npz": b"data",
        "submission_2/Mini_submission.zip": make_zip({"Mini.ipynb": notebook, "results/b.npz": b"more"}),
        "submission_3/Mini.ipynb": notebook,
        "submission_4/Mini.ipynb": notebook,
    }
    source = tmp_path / "export"
    if form == "folder":
        for name, data in members.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(data)
    else:
        prefix = "assignment_77_export/" if form == "wrapped zip" else ""
        make_zip({prefix + name: data for name, data in members.items()}, source)
    result = collect(course, source)
    assert notebooks(course) == {"3034", "bob@berkeley.edu", "99"}
    assert placed(course)["3034/hw1/results/mini/a.npz"] == b"data"
    assert placed(course)["99/hw1/results/b.npz"] == b"more"
    assert stamp(course, "3034") == "2026-01-02 10:00:00.500000 UTC"
    assert stamp(course, "99") == "2026-01-02 11:00:00.000000 UTC"
    assert [problem.split(":")[0] for problem in result.problems] == ["submission_3", "submission_4"]
    assert str(result) == "3 notebooks of 3 students placed"


def test_a_canvas_zip(course, notebook, tmp_path):
    members = {
        "leeann_LATE_11_901_Mini.ipynb": notebook,
        "bob_12_902_Mini-2.ipynb": notebook,
        "cyd_13_903_Mini_submission.zip": make_zip({"Mini.ipynb": notebook}),
        "dan_14_904_essay.pdf": b"%PDF",
        "eve_15_text.html": b"<p>",
    }
    result = collect(course, _path(tmp_path, make_zip(members)))
    assert notebooks(course) == {"leeann_11", "bob_12", "cyd_13"}
    assert stamp(course, "bob_12") == "2026-01-05 12:00:00.000000 UTC"
    assert sorted(result.problems) == [
        "dan_14_904_essay.pdf: no notebook of hw1 in it.",
        "eve_15_text.html has no name that Canvas gives to a file that was uploaded: left out.",
    ]


def test_of_several_copies_the_one_that_was_meant_is_graded(course, notebook, tmp_path):
    old, renamed = notebook.replace(b"return", b"return  "), notebook.replace(b"return", b"return   ")
    zipped = make_zip({"Mini.ipynb": old, "results/a.npz": b"saved"})
    members = {
        "ann/Mini.ipynb": notebook,
        "ann/Mini_submission.zip": zipped,
        "ann/Mini_old.ipynb": renamed,
        "ann/old/Mini.ipynb": old,
        "bob/Mini.ipynb": notebook,
        "bob/copy/Mini.ipynb": notebook,
    }
    result = collect(course, _path(tmp_path, make_zip(members)))
    assert placed(course)["ann/hw1/Mini.ipynb"] == placed(course)["bob/hw1/Mini.ipynb"] == notebook
    assert placed(course)["ann/hw1/results/a.npz"] == b"saved"
    (problem,) = result.problems
    assert problem.startswith("ann: 4 different copies of Mini: took Mini.ipynb, not ")
    assert {"old/Mini.ipynb", "Mini_old.ipynb"} <= set(problem.rstrip(".").split("not ")[1].split(", "))
    assert str(result) == "2 notebooks of 2 students placed"


def test_results_that_come_later_are_placed(course, notebook, tmp_path):
    first, then = {"ann/Mini.ipynb": notebook}, {"ann/Mini.ipynb": notebook, "ann/results/a.npz": b"saved"}
    collect(course, _path(tmp_path, make_zip(first, when=(2026, 1, 5, 12, 0, 0))))
    result = collect(course, _path(tmp_path, make_zip(then, when=(2026, 1, 6, 12, 0, 0))))
    assert str(result) == "1 notebooks of 1 students placed"
    assert placed(course)["ann/hw1/results/a.npz"] == b"saved"
    assert stamp(course, "ann") == "2026-01-06 12:00:00.000000 UTC"
    assert str(collect(course, tmp_path / "source.zip")) == "0 notebooks of 0 students placed, 1 were there already"


def test_results_that_cannot_be_files_cost_only_themselves(course, notebook, tmp_path):
    members = {
        "ann/Mini.ipynb": notebook,
        "ann/results/a": b"a file",
        "ann/results/a/b.npz": b"and a folder",
        f"ann/results/{'a/' * 1200}f": b"deep",
        f"ann/results/{('b' * 250 + '/') * 5}f": b"long",
        "bob/Mini.ipynb": notebook,
    }
    result = collect(course, _path(tmp_path, make_zip(members)))
    assert notebooks(course) == {"ann", "bob"}
    assert placed(course)["ann/hw1/results/a"] == b"a file"
    assert sum("lies too deep in folders: refused" in problem for problem in result.problems) == 2
    assert "ann: results/a/b.npz is a file here and a folder there: left out." in result.problems


def test_own_files_are_placed_and_what_is_left_out_is_named(course, notebook, tmp_path, monkeypatch):
    zipped = make_zip(
        {"Mini.ipynb": notebook, "helpers.py": b"zipped", "kit/__init__.py": b"", "package/__init__.py": b""}
    )
    members = {
        "ann/hw/Mini.ipynb": notebook,
        "ann/hw/helpers.py": b"own",
        "ann/hw/pictures/sketch.jpg": b"jpg",
        "ann/hw/requirements.txt": b"",
        "ann/hw/minikit/own.py": b"",
        "ann/hw/.hidden": b"",
        "ann/hw/big.bin": b"x" * 900,
        "ann/elsewhere.csv": b"1",
        "bob/Mini_submission.zip": zipped,
        "bob/helpers.py": b"loose",
        "cyd/Mini.ipynb": notebook,
        "cyd/Mini_submission.zip": zipped,
        "cyd/helpers.py": b"loose",
    }
    monkeypatch.setattr(own_files, "MAX_BYTES", 800)
    result = collect(course, _path(tmp_path, make_zip(members)))
    files = {name: data for name, data in placed(course).items() if not name.endswith((".ipynb", "timestamp.txt"))}
    assert files == {
        "ann/hw1/helpers.py": b"own",
        "ann/hw1/pictures/sketch.jpg": b"jpg",
        "bob/hw1/helpers.py": b"zipped",  # with which the notebook in the zip ran
        "bob/hw1/package/__init__.py": b"",
        "cyd/hw1/helpers.py": b"loose",  # as the notebook that is graded
        "cyd/hw1/package/__init__.py": b"",
    }
    assert sorted(result.problems) == [
        "ann: big.bin exceeds the limit of 0 MB for all files together: left out.",
        "ann: elsewhere.csv lies in no folder of a notebook: left out.",
        "ann: minikit/own.py has the name of what graders have there (minikit): left out.",
    ]


def test_the_newest_of_a_module_that_notebooks_share_counts(course, notebook, tmp_path):
    for day, data in ((6, b"newer"), (5, b"older")):
        members = {"ann/Mini.ipynb": notebook + b" " * day, "ann/helpers.py": data}
        result = collect(course, _path(tmp_path, make_zip(members, when=(2026, 1, day, 12, 0, 0))))
        (course.submitted / "ann" / "hw1" / "Mini.ipynb").unlink()  # as if each were another notebook
    assert placed(course)["ann/hw1/helpers.py"] == b"newer"
    assert result.problems == [
        "ann: helpers.py is older than the one that came with another notebook, and differs: left out."
    ]


def test_files_that_canvas_lists_apart_belong_together(course, notebook, tmp_path):
    members = {
        "leeann_11_901_Mini.ipynb": notebook,
        "leeann_11_902_helpers-1.py": b"own",
        "leeann_LATE_11_903_sketch.jpg": b"jpg",
    }
    assert collect(course, _path(tmp_path, make_zip(members))).problems == []
    assert set(placed(course)) == {
        f"leeann_11/hw1/{name}" for name in ("Mini.ipynb", "helpers.py", "sketch.jpg", "timestamp.txt")
    }


def test_nbgraders_submitted_and_plain_folders(course, notebook, tmp_path):
    submit(course, "ann", RIGHT, root=tmp_path / "theirs")
    assert collect(course, tmp_path / "theirs").problems == []
    assert stamp(course, "ann") == "2026-01-01 10:00:00.000000 UTC"

    plain = tmp_path / "plain"
    (plain / "bob" / "deep").mkdir(parents=True)
    (plain / "bob" / "deep" / "mini (1).ipynb").write_bytes(notebook)
    (plain / "cyd").mkdir()
    (plain / "cyd" / "My homework.ipynb").write_bytes(notebook)  # recognised by its cells
    (plain / "dan_Mini.ipynb").write_bytes(notebook)
    make_zip({"Mini.ipynb": notebook}, plain / "eve_lee_hw1.zip")
    (plain / "fay").mkdir()
    (plain / "fay" / "other.ipynb").write_text(json.dumps({"cells": []}))
    result = collect(course, plain)
    assert notebooks(course) == {"ann", "bob", "cyd", "dan", "eve_lee"}
    assert result.problems == [
        "fay: other.ipynb is no notebook of this assignment.",
        "fay: no notebook of hw1 in it.",
    ]


def test_a_newer_submission_is_never_replaced_by_an_older_one(course, tmp_path):
    for name, when, answer in (("old", "2026-01-01", WRONG), ("new", "2026-01-03", RIGHT), ("mid", "2026-01-02", "x")):
        submit(course, "ann", answer, timestamp=f"{when} 10:00:00 UTC", root=tmp_path / name)
    assert collect(course, tmp_path / "old").placed == 1
    assert collect(course, tmp_path / "new").placed == 1
    newest = placed(course)
    older = collect(course, tmp_path / "mid")
    assert (older.placed, older.older, older.problems) == (0, 1, [])
    assert collect(course, tmp_path / "new").unchanged == 1
    assert placed(course) == newest


def test_the_same_student_twice_in_one_source_the_newest_counts(course, tmp_path):
    first = submit(course, "a", WRONG, root=tmp_path / "made").read_bytes()
    second = submit(course, "b", RIGHT, root=tmp_path / "made").read_bytes()
    one = METADATA.split("submission_2:")[0]
    text = one + one.replace("---\n", "").replace("submission_1", "submission_9").replace("01-02", "01-09")
    members = {"submission_9/Mini.ipynb": second, "submission_1/Mini.ipynb": first, "submission_metadata.yml": b""}
    collect(course, _path(tmp_path, make_zip(members | {"submission_metadata.yml": text.encode()})))
    assert placed(course)["3034/hw1/Mini.ipynb"] == second
    assert stamp(course, "3034").startswith("2026-01-09")


def test_hostile_names_are_refused_by_name_and_the_rest_is_placed(course, notebook, tmp_path):
    names = ["/etc/passwd", "../../up/Mini.ipynb", "C:\\Mini.ipynb", "a\\..\\b.ipynb", "new\nline.ipynb", "x" * 300]
    inner = make_zip({"Mini.ipynb": notebook, **dict.fromkeys(names, notebook)})
    buffer = io.BytesIO(inner)
    with zipfile.ZipFile(buffer, "a") as opened:
        link = zipfile.ZipInfo("results/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "/etc/passwd")
    source = tmp_path / "class"
    (source / "ann").mkdir(parents=True)
    (source / "ann" / "work.zip").write_bytes(buffer.getvalue())
    (source / "ann" / "here").symlink_to("/etc/passwd")
    (source / "ann" / "there").symlink_to("/etc")
    result = collect(course, source)
    assert set(placed(course)) == {"ann/hw1/Mini.ipynb", "ann/hw1/timestamp.txt"}
    for name in [*names, "results/link", "ann/here", "ann/there"]:
        told = [text for text in result.problems if "refused" in text and (name in text or repr(name)[1:-1] in text)]
        assert len(told) == 1, name
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize("student", ["..", ".hidden", "a\tb", "-", " ", "a/b", "x" * 101, "a*b"])
def test_odd_names_of_students_are_refused(course, notebook, tmp_path, student):
    text = METADATA.split("submission_2:")[0].replace("'3034'", json.dumps(student))
    members = {"submission_1/Mini.ipynb": notebook, "submission_metadata.yml": text.encode()}
    result = collect(course, _path(tmp_path, make_zip(members)))
    allowed = student in ("-",)
    assert bool(placed(course)) is allowed
    if not allowed and student.strip():
        assert "cannot be a student's name here: refused." in result.problems[0]


def test_zip_bombs_are_refused_and_cost_no_memory(course, notebook, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr("autograder.course.sources.MAX_BYTES", 1 << 20)
    lies = bytearray(make_zip({"Mini.ipynb": b"0" * (8 << 20)}))
    position = lies.rindex(b"PK\x01\x02") + 24
    lies[position : position + 4] = (100).to_bytes(4, "little")  # the size that it states
    nested = make_zip({"Mini.ipynb": notebook})
    for _ in range(4):
        nested = make_zip({"deeper.zip": nested})
    bombs = {
        "large": make_zip({"Mini.ipynb": b"0" * (2 << 20)}),
        "lies": bytes(lies),
        "many": make_zip({f"{n}.txt": b"" for n in range(archives.MAX_MEMBERS + 1)}),
        "sum": make_zip({f"{n}.txt": b"0" * (1 << 19) for n in range(4)}),
        "deep": nested,
        "broken": b"PK\x03\x04 no more",
        "none": b"",
    }
    source = tmp_path / "class"
    for name, data in bombs.items():
        (source / name).mkdir(parents=True)
        (source / name / "work.zip").write_bytes(data)
    (source / "ann").mkdir()
    (source / "ann" / "Mini.ipynb").write_bytes(notebook)
    result = collect(course, source)
    assert notebooks(course) == {"ann"}
    for name in bombs:
        assert len([text for text in result.problems if text.startswith(f"{name}: ") and "refused" in text]) == 1, name


def test_a_full_disk_is_one_line_and_leaves_no_half_file(course, notebook, tmp_path, monkeypatch):
    source = tmp_path / "class"
    (source / "ann").mkdir(parents=True)
    (source / "ann" / "Mini.ipynb").write_bytes(notebook)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CourseError, match="cannot be written: No space left on device"):
        collect(course, source)
    assert placed(course) == {}


def test_the_command_reports_and_exits(course, notebook, tmp_path):
    (tmp_path / "class" / "ann").mkdir(parents=True)
    (tmp_path / "class" / "ann" / "Mini.ipynb").write_bytes(notebook)
    arguments = ["--root", str(course.root), "collect"]
    run = CliRunner().invoke(main, [*arguments, str(tmp_path / "class")])
    assert (run.exit_code, run.output) == (0, "1 notebooks of 1 students placed.\n")
    (tmp_path / "class" / "bob").mkdir()
    (tmp_path / "class" / "bob" / "notes.txt").write_text("hello")
    run = CliRunner().invoke(main, [*arguments, str(tmp_path / "class")])
    assert run.exit_code == 1
    assert "bob: no notebook of hw1 in it." in run.output
    assert CliRunner().invoke(main, [*arguments, str(tmp_path / "nowhere")]).exit_code == 2
    (tmp_path / "empty").mkdir()
    run = CliRunner().invoke(main, [*arguments, str(tmp_path / "empty")])
    assert (run.exit_code, "holds no files" in run.output) == (1, True)


def test_sources_are_read_when_they_are_placed_not_before(course, tmp_path):
    for number in range(3):
        submit(course, f"s{number}", RIGHT, root=tmp_path / "class")
    uploads = read_source(tmp_path / "class", "hw1", ["Mini"], print)
    (tmp_path / "class" / "s1" / "hw1" / "Mini.ipynb").write_bytes(b"changed")
    (file,) = [file for file in uploads[1].files if file.path.suffix == ".ipynb"]
    assert file.read() == b"changed"


def _path(folder: Path, data: bytes) -> Path:
    path = folder / "source.zip"
    path.write_bytes(data)
    return path
