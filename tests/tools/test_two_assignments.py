"""`autograder new`, and an assignment beside another one."""

import shutil

import pytest
from classroom import RIGHT, WRONG, submit
from click.testing import CliRunner
from minicourse import NAME
from neighbors import live
from places import ROOT

from autograder.cli import main


def test_two_assignments_live_side_by_side(mini):
    shutil.rmtree(mini.kit)
    shutil.copytree(ROOT / "kit", mini.kit, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "solutions" / "__init__.py", mini.solutions.parent)
    assert CliRunner().invoke(main, ["--root", str(mini.root), "build", "--no-solved"]).exit_code == 0
    submit(mini, "ada", WRONG, "Because.")
    submit(mini, "bob", RIGHT, "Because.")
    live(mini, NAME, {"ada": 0.0, "bob": 3.0})


@pytest.mark.parametrize("name", ["hw1", "HW 5", "kit", "../x", "5hw", "", "class", "results"])
def test_a_name_that_cannot_be_is_refused(mini, name):
    done = CliRunner().invoke(main, ["--root", str(mini.root), "new", name])
    assert done.exit_code == 1
    assert "Error: " in done.output
    assert "name" in done.output
    assert sorted(path.name for path in (mini.root / "source").iterdir()) == ["hw1"]


def test_settings_are_read_and_their_mistakes_named(mini):
    path = mini.source / "assignment.toml"
    path.write_text("cell_seconds = 5\nnotebook_seconds = 60\n")
    assert (type(mini)(mini.root, mini.name).settings.cell_seconds, mini.settings.hidden_seed) == (5.0, 182)
    for text in (
        "cell_seconds = 'long'",
        "cell_seconds = ",
        "notebook_minutes = 1",
        "cell_seconds = nan",
        "cell_seconds = 0",
    ):
        path.write_text(text)
        done = CliRunner().invoke(main, ["--root", str(mini.root), "grade"])
        assert done.exit_code == 1
        assert f"{path} cannot be used: " in done.output, done.output


def test_a_course_that_lacks_what_every_assignment_needs_gets_no_half_of_one(mini):
    mini.environment.unlink()
    done = CliRunner().invoke(main, ["--root", str(mini.root), "new", "hw2"])
    assert (done.exit_code, f"{mini.environment} is missing" in done.output) == (1, True)
    assert sorted(path.name for path in (mini.root / "source").iterdir()) == ["hw1"]


def test_what_lies_in_another_assignments_folder_is_not_collected(mini, tmp_path):
    shutil.copytree(mini.source, mini.root / "source" / "hw2")
    for place in ("ann/hw1", "bob/hw2"):
        (tmp_path / "class" / place).mkdir(parents=True)
        shutil.copy(mini.source / f"{NAME}.ipynb", tmp_path / "class" / place)
    command = ["--root", str(mini.root), "--assignment", "hw1", "collect", str(tmp_path / "class")]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert sorted(path.name for path in mini.submitted.iterdir()) == ["ann"]
