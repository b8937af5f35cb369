"""Links and what they lead to are no work of a student's, whichever way they come and whoever grades."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
from classroom import RIGHT, copy_course, dump, gradebook_url, submit
from click.testing import CliRunner
from links import PLANTED, THIEF, plant

from autograder import regular_files
from autograder.adapters import nbgrader
from autograder.assignment.assignment import Assignment
from autograder.cli import main
from autograder.course.submissions import find_submissions, parse_moment
from autograder.grading import own_files, staging
from autograder.grading.private_files import PrivateFiles
from autograder.grading.staging import read_files
from autograder.process import run_module
from kit.own_files import own_files as submission_files


def _walk(folder: Path, owner: int | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    """What is read below a folder, and what is refused."""
    refused: dict[PurePosixPath, str] = {}
    read = {str(file.path): file.read() for file in regular_files.regular_files(folder, refused.__setitem__, owner)}
    return read, {str(path): why for path, why in refused.items()}


def test_only_regular_files_are_read(tmp_path):
    plant(tmp_path, tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text("mine")
    read, refused = _walk(tmp_path)
    assert read == {"deep/file": b"mine"}
    assert refused.keys() == PLANTED.keys()
    for path, why in refused.items():
        assert why.startswith(PLANTED[path])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_not_opened(tmp_path):
    os.mknod(tmp_path / "zero", 0o20666, os.makedev(1, 5))
    assert _walk(tmp_path) == ({}, {"zero": "is a device"})


def test_files_of_another_owner_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert _walk(tmp_path, os.geteuid()) == ({"file": b""}, {})
    other = os.geteuid() + 1
    assert _walk(tmp_path, other) == ({}, {"file": f"belongs to user {os.geteuid()}, not to user {other}"})


def test_a_file_that_becomes_a_link_after_a_look_at_it_is_refused(tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_text("mine")
    looks = []
    lstat = os.lstat

    def exchanged(path, **options):
        status = lstat(path, **options)
        looks.append(path)
        if looks.count("file") == 2:  # is it a folder, is it regular: now it will be opened
            (folder / "file").unlink()
            (folder / "file").symlink_to(secret)
        return status

    monkeypatch.setattr(regular_files.os, "lstat", exchanged)
    read, refused = _walk(folder)
    assert read == {}
    assert refused["file"].startswith("cannot be read")


def test_a_folder_that_becomes_a_link_is_not_entered(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("secret")
    folder = tmp_path / "folder"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "file").write_text("mine")
    (folder / "a").write_text("first")
    read = []
    for file in regular_files.regular_files(folder, lambda path, why: None):
        read.append(file.read())
        if str(file.path) == "a":
            shutil.rmtree(folder / "b")
            (folder / "b").symlink_to(tmp_path / "secret")
    assert read == [b"first"]


def test_folders_without_end_are_left_out(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 60)
    deep.mkdir(parents=True)
    (deep / "file").write_text("")
    read, refused = _walk(tmp_path)
    assert read == {}
    assert list(refused.values()) == ["lies more than 20 folders deep"]


def test_a_folder_that_is_a_link_has_no_files(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("link", "nowhere"):
        read, refused = _walk(tmp_path / name)
        assert read == {}
        assert refused["."].startswith("cannot be read")


def test_one_large_result_does_not_hide_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(own_files, "MAX_BYTES", 1000)
    assignment = Assignment(tmp_path / "course", "hw1")
    folder = tmp_path / "ann"
    (folder / "results").mkdir(parents=True)
    sizes = {"a.csv": 10, "results/a": 300, "results/b": 900, "results/c": 300, "results/d": 500, "results/e": 400}
    for name, size in sizes.items():
        (folder / name).write_bytes(b"x" * size)
    told: list[str] = []
    assert set(read_files(assignment, folder, told.append)) == {"results/a", "results/c", "results/e"}
    assert [line.split()[0] for line in told] == ["results/b", "results/d", "a.csv"]
    assert read_files(assignment, tmp_path / "nowhere", told.append) == {}
    (tmp_path / "link").symlink_to(folder)
    assert read_files(assignment, tmp_path / "link", told.append) == {}
    shutil.rmtree(folder / "results")
    (folder / "results").symlink_to(tmp_path)
    assert set(read_files(assignment, folder, told.append)) == {"a.csv"}
    assert told[-1] == f"results is a link to {tmp_path}: left out."


def test_more_files_than_anyone_needs_are_told_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(own_files, "MAX_FILES", 2)
    for name in "abcde":
        (tmp_path / name).write_text("x")
    told: list[str] = []
    assert set(read_files(Assignment(tmp_path / "course", "hw1"), tmp_path, told.append)) == {"a", "b"}
    assert told == ["c and the files after it exceed the limit of 2 files: left out."]


def test_of_the_files_beside_a_notebook_only_the_students_own_are_taken(built_mini, tmp_path):
    shutil.copytree(built_mini.release, tmp_path, dirs_exist_ok=True)
    silent = ["Other.ipynb", "Mini_submission.zip", "timestamp.txt", ".hidden/a", "__pycache__/a.pyc", "__init__.py",
              "a.pyc", ".ipynb_checkpoints/Mini-checkpoint.ipynb"]  # fmt: skip
    named = ["kit/own.py", "minikit.py", "solutions.py", "autograder/cli.py", "tests/a.py", "data.zip"]
    taken = ["helpers.py", "tests.py", "torch.py", "sketch.jpg", "package/__init__.py", "results/a.npz"]
    for name in silent + named + taken:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    told: list[str] = []
    assert set(read_files(built_mini, tmp_path, told.append)) == set(taken)
    assert {line.split()[0] for line in told} == set(named)
    # The submission cell packs the same.
    listed = json.loads((tmp_path / "kit" / "released.json").read_text())["files"]
    packed = submission_files(tmp_path, listed)
    assert {path.as_posix() for path in packed.paths} == set(taken) | {"timestamp.txt", "__init__.py"}
    assert {line.split()[0] for line in packed.left_out} == set(named)


def test_no_file_of_a_students_reaches_a_kit_or_leaves_the_folder(built_mini, tmp_path):
    kit = (built_mini.kit / "__init__.py").read_bytes()
    files = {"kit/__init__.py": b"evil", "minikit": b"evil", "kit": b"evil", "a/b": b"own"}
    with staging.staged(built_mini, files, 64) as folder:
        assert (folder / "kit" / "__init__.py").read_bytes() == kit
        assert (folder / "a" / "b").read_bytes() == b"own"
        assert sorted(path.name for path in folder.iterdir()) == ["a", "kit", "minikit"]
    assert (built_mini.kit / "__init__.py").read_bytes() == kit


@pytest.mark.parametrize(
    "text",
    ["", "soon", "102026002026202699999999999999h", "2026-01-01 10:00:00 /proc/self/mem", "2026-01-01 10:00 ../x"],
)
def test_a_time_that_cannot_be_read_is_none(text):
    assert parse_moment(text) is None


def test_times_are_read_with_their_zone():
    assert str(parse_moment("2026-01-01 10:00:00.5 UTC")) == "2026-01-01 10:00:00.500000"
    assert str(parse_moment("2026-01-01 10:00:00 America/Los_Angeles")) == "2026-01-01 18:00:00"


def test_private_files_are_known_by_their_content(built_mini, tmp_path):
    assignment = copy_course(built_mini, tmp_path / "course")
    (assignment.source / "results").mkdir()
    own = json.dumps({"accuracy": [0.1, 0.5, 0.9]}).encode()
    (assignment.source / "results" / "run.json").write_bytes(own)
    private = PrivateFiles(assignment)
    for path in ("source/hw1/Mini.ipynb", "solutions/hw1/mini.py", "autograder/dist/hw1/Mini.zip"):
        assert private.name_of((assignment.root / path).read_bytes()) == path
    # What students were given, what a graders' run of the notebook saved, and any other file.
    for content in ((assignment.release / "Mini.ipynb").read_bytes(), own, b"", b"{}", RIGHT.encode() + b" "):
        assert private.name_of(content) == ""
    assert "database" in private.name_of(b"SQLite format 3\x00...")


RUN = {"accuracy": [0.5, 0.75, 0.875], "seed": 0}


@dataclass(frozen=True)
class Class:
    """A class after grading: what was printed, and each student's points for the tests."""

    assignment: Assignment
    printed: str
    points: dict[str, float]

    def lines(self, *parts: str) -> list[str]:
        return [line for line in self.printed.splitlines() if all(part in line for part in parts)]


@pytest.fixture(scope="module", params=["nbgrader", "autograder"])
def graded(request, built_mini, cluster, tmp_path_factory) -> Class:
    """Whoever unpacks an archive may find links in ``submitted/``, and plain copies of files that links led to."""
    assignment = copy_course(built_mini, tmp_path_factory.mktemp("links") / "course")
    submit(assignment, "honest", RIGHT)
    plant(submit(assignment, "links", THIEF).parent / "results", assignment.root)

    # Right work beside files that nbgrader copies to autograded/ before it grades.
    path = submit(assignment, "backup", f"import json\nassert json.load(open('results/run.json')) == {RUN}\n{RIGHT}")
    shutil.copy(path, path.with_name("Mini.ipynb.bak"))
    for name in ("results", "results_old"):
        (path.parent / name).mkdir()
        (path.parent / name / "run.json").write_text(json.dumps(RUN))

    results = submit(assignment, "copies", THIEF).parent / "results"
    shutil.copytree(assignment.solutions, results)
    shutil.copytree(assignment.solutions, results / "all")
    (results / "own.json").write_text(json.dumps({"accuracy": 0.5}))
    for student, source in (
        ("source", assignment.source / "Mini.ipynb"),
        ("solved", assignment.dist / "Mini-solution.ipynb"),
    ):
        shutil.copy(source, submit(assignment, student, RIGHT))

    path = submit(assignment, "notebook", RIGHT)
    path.unlink()
    path.symlink_to(assignment.source / "Mini.ipynb")
    folder = submit(assignment, "folder", RIGHT).parent
    shutil.rmtree(folder)
    folder.symlink_to(assignment.source)

    if request.param == "autograder":
        printed = CliRunner().invoke(main, ["--root", str(assignment.root), "grade", "--scheduler", cluster]).output
    else:
        here = {"folder": assignment.root, "import_from": Path(__file__).parents[1]}
        run_module("nbgrader", ["generate_assignment", "hw1", "--force"], **here)
        # Of a student with nothing left to grade nbgrader says so, grades the others, and ends with 1.
        printed = run_module("nbgrader", ["autograde", "hw1"], **here).output
    found = dump(gradebook_url(assignment))
    points = {name.removesuffix("/Mini"): each["grades"]["test_double"][0] or 0 for name, each in found.items()}
    return Class(assignment, printed, points)


def test_links_are_named_and_what_they_lead_to_is_nowhere(graded):
    for path, why in PLANTED.items():
        (line,) = graded.lines("links", f"results/{path} ", why)
        assert line.endswith(": left out.")
    assert graded.points["links"] == 0
    autograded = graded.assignment.root / "autograded" / "links"
    assert [path.name for path in autograded.rglob("*") if path.name in PLANTED] == []


def test_copies_of_private_files_are_named_and_not_given_to_the_student(graded):
    for path in ("results/mini.py", "results/all/mini.py"):
        assert len(graded.lines("copies", f"{path} has the content of a file that only graders have")) == 1
    assert graded.lines("own.json has") == []
    assert graded.points["copies"] == 0


def test_a_students_own_backups_are_no_files_of_the_graders(graded):
    assert graded.lines("backup", "only graders have") == []
    assert graded.points["backup"] == 3


@pytest.mark.parametrize(
    ("student", "path"), [("source", "source/hw1/Mini.ipynb"), ("solved", "autograder/dist/hw1/Mini-solution.ipynb")]
)
def test_a_notebook_of_the_graders_is_nobodys_answer(graded, student, path):
    assert len(graded.lines(student, f"has the content of a file that only graders have ({path})")) == 1
    assert graded.points[student] == 0


def test_a_notebook_that_is_a_link_is_named_and_the_others_are_graded(graded):
    source = str(graded.assignment.source)
    assert len(graded.lines("notebook", "Mini.ipynb is a link to", source)) == 1
    assert len(graded.lines("folder", "is a link to", source)) == 1
    assert graded.points.get("notebook", 0) == graded.points.get("folder", 0) == 0
    assert graded.points["honest"] == 3


def test_without_the_look_at_contents_blank_work_has_all_points(built_mini, tmp_path, cluster, monkeypatch):
    """Else the tests above show nothing."""
    assignment = copy_course(built_mini, tmp_path / "course")
    shutil.copytree(assignment.solutions, submit(assignment, "copies", THIEF).parent / "results")
    monkeypatch.setattr(PrivateFiles, "name_of", lambda self, content: "")
    CliRunner().invoke(main, ["--root", str(assignment.root), "grade", "--scheduler", cluster])
    assert dump(gradebook_url(assignment))["copies/Mini"]["grades"]["test_double"][0] == 3


def _left_out(folder: Path) -> list[str]:
    """Call the hook on a submission; returns the folders of what it moved away."""
    nbgrader.set_links_aside("hw1", "ada", [str(folder / "Mini.ipynb")])
    return sorted(str(path) for path in folder.parent.glob("hw1-left-out-*/hw1/*"))


@pytest.fixture
def submission(tmp_path) -> Path:
    folder = tmp_path / "ada" / "hw1"
    folder.mkdir(parents=True)
    (folder / "Mini.ipynb").write_text("{}")
    return folder


def test_links_that_cannot_be_moved_stop_nbgrader_before_it_copies(submission, monkeypatch):
    (submission / "link").symlink_to("/etc/passwd")
    monkeypatch.setattr(nbgrader.tempfile, "mkdtemp", lambda **where: 1 / 0)
    with pytest.raises(SystemExit, match="holds links or special files that cannot be moved"):
        nbgrader.set_links_aside("hw1", "ada", [str(submission / "Mini.ipynb")])


def test_what_is_left_out_overwrites_nothing_of_the_graders(submission, tmp_path):
    """Two submissions, the first with a link to a folder, the second with a file of that folder's name below it."""
    course = tmp_path / "course"
    course.mkdir()
    (course / "mini.py").write_text("reference")
    (submission / "results").symlink_to(course)
    assert len(_left_out(submission)) == 1
    (submission / "results").mkdir()
    (submission / "results" / "mini.py").symlink_to("/tmp/own")
    assert len(_left_out(submission)) == 2
    # An archive may bring such a folder with it, or a link of that name.
    (submission.parent / "hw1-left-out").symlink_to(course)
    (submission / "mini.py").symlink_to("/tmp/own")
    assert len(_left_out(submission)) == 3
    assert (course / "mini.py").read_text() == "reference"
    assert [path.name for path in course.iterdir()] == ["mini.py"]


def test_names_that_are_no_text_or_too_long_are_told_and_stop_nothing(submission):
    os.symlink(b"/\xff\x1b[2J", os.fsencode(submission) + b"/link\xff\n")
    read, refused = _walk(submission)
    assert set(read) == {"Mini.ipynb"}
    assert list(refused.values()) == [r"is a link to /\udcff\x1b[2J"]
    assert len(_left_out(submission)) == 1
    here = os.open(submission, os.O_RDONLY)
    for number in range(18):
        os.mkdir(str(number).zfill(250), dir_fd=here)
        here = os.open(str(number).zfill(250), os.O_RDONLY, dir_fd=here)
    _, refused = _walk(submission)
    assert list(refused.values()) == ["has a path of more than 1000 bytes"]


def test_a_link_beside_the_notebook_of_its_name_is_told(tmp_path):
    (tmp_path / "ada" / "copy").mkdir(parents=True)
    (tmp_path / "ada" / "Mini.ipynb").write_text("{}")
    (tmp_path / "ada" / "copy" / "Mini.ipynb").symlink_to("/etc/passwd")
    told: list[str] = []
    (found,) = find_submissions(Assignment(tmp_path, "hw1"), tmp_path, ["Mini"], report=told.append)
    assert (found.path, found.problem) == (tmp_path / "ada" / "Mini.ipynb", "")
    assert told == ["ada: copy/Mini.ipynb is a link to /etc/passwd: left out."]
