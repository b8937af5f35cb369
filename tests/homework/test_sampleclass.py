"""The sample class through the engine and both stock frameworks: every score as its manifest says."""

import shutil
import subprocess
import sys

import demo
import pytest
from places import ROOT
from rich.console import Console
from sampleclass import TIMEOUT, write_class

from autograder.authoring.build import build
from autograder.course.compare import disagreements
from autograder.course.grade import STOCK, ClassRun, Options
from autograder.grading.policy import policy_for
from autograder.sandbox.limits import Isolation

# Its tests train networks for a minute.
TRAINS = "edge_detection"


@pytest.fixture(scope="module")
def sample_class(assignment, tmp_path_factory):
    for _ in build(assignment, solved=False):
        pass
    folder = tmp_path_factory.mktemp("class")
    return folder, write_class(assignment, folder)


def _check(assignment, sample_class, options: Options) -> list:
    folder, expected = sample_class
    grades = ClassRun(assignment, folder, options, Console()).grades()
    got = {(g.student, g.notebook, g.framework): (g.status.value, g.points) for g in grades}
    wanted = {
        (e.student, e.notebook, framework): e.outcome(framework.value)
        for e in expected
        if not options.only or e.notebook in options.only
        for framework in options.frameworks
    }
    assert got == wanted
    return grades


@pytest.mark.parametrize("trains", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_engine_gives_the_points_that_manifests_say(assignment, sample_class, trains):
    names = tuple(expected.notebook for expected in sample_class[1] if (expected.notebook == TRAINS) == trains)
    _check(assignment, sample_class, Options(policy_for(assignment.settings, notebook_seconds=TIMEOUT), only=names))


@pytest.mark.parametrize("target", ["demo", "compare"])
def test_make_starts_its_scripts_where_they_find_what_they_import(target):
    script = f"tests/homework/{target}.py"
    printed = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (command,) = [line for line in printed.splitlines() if line.endswith(script)]
    imports = f'-c \'import runpy, sys; sys.path[0] = "tests/homework"; runpy.run_path("{script}")\''
    command = command.replace(".venv/bin/python", sys.executable).replace(script, imports)
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_demo_ends_well_where_everything_runs_out_of_time(tmp_path, monkeypatch, capsys):
    """As on a machine that is slow and busy."""

    def three_students(assignment, folder):
        write_class(assignment, folder)
        for student in folder.iterdir():
            if student.name not in ("infinite_loop", "wrong_border", "hasty_training"):
                shutil.rmtree(student)

    monkeypatch.setattr(demo, "write_class", three_students)
    monkeypatch.setattr(demo, "_TIMEOUT", 0.5)
    assert demo.main(tmp_path / "demo") == 0
    printed = capsys.readouterr().out
    assert "It takes about two minutes" in printed.split("grading")[0]
    for path in ("report/hw4/index.html", "report/hw4/grades.csv", "feedback/wrong_border/hw4.html"):
        assert (tmp_path / "demo" / path).is_file()
        assert f"{tmp_path}/demo/{path}" in printed
    assert "feedback/wrong_border/hw4.html" in (tmp_path / "demo" / "report" / "hw4" / "index.html").read_text()
    assert "the notebook took over" in (tmp_path / "demo" / "feedback" / "infinite_loop" / "hw4.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("isolation", Isolation)
def test_frameworks_give_the_same_for_all_notebooks(assignment, sample_class, isolation):
    options = Options(policy_for(assignment.settings, isolation, TIMEOUT), STOCK)
    if isolation is Isolation.NONE:  # as they come
        assert disagreements(_check(assignment, sample_class, options)) == []
        return
    folder, expected = sample_class
    grades = ClassRun(assignment, folder, options, Console()).grades()
    got = {(g.student, g.notebook, g.framework): g.points for g in grades}
    assert got == {(e.student, e.notebook, framework): e.points for e in expected for framework in STOCK}
