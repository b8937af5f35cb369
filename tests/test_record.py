"""What `autograder grade` records is what `nbgrader autograde` records, and humans' work survives it."""

import nbformat
from classroom import RIGHT, WRONG, copy_course, delete_cell, dump, gradebook_url, submit
from click.testing import CliRunner
from nbgrader.api import Gradebook

from autograder.cli import main
from autograder.process import commands_on_path, run_module

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


def grade(project, scheduler, *options):
    return CliRunner().invoke(main, ["--root", str(project.root), "grade", "--scheduler", scheduler, *options])


def hand_in(project):
    submit(project, "right", RIGHT, "Because.")
    submit(project, "wrong", WRONG, "")
    submit(project, "blank", "")
    submit(project, "late", RIGHT, "Because.", LATE)
    delete_cell(submit(project, "no_answer", RIGHT, "Because."), "double")
    delete_cell(submit(project, "no_test", RIGHT, "Because."), "test_double")
    delete_cell(submit(project, "no_written", RIGHT, "Because."), "written_why")
    submit(project, "noisy", 'import sys\nprint("err", file=sys.stderr)\n' + RIGHT, "")
    submit(project, "verbose", "for i in range(5000):\n    print(i)\n" + RIGHT, "")


def set_due(project):
    with commands_on_path(), Gradebook(gradebook_url(project), "eecs182") as gradebook:
        gradebook.update_or_create_assignment("hw4", duedate="2026-01-31 10:00:00 UTC")


def with_plugin(project):
    (project.root / "late.py").write_text(_PLUGIN)
    config = project.nbgrader_config
    config.write_text(config.read_text() + _PENALTY)


def test_gradebook_and_autograded_notebooks_are_nbgraders(built_mini, tmp_path, cluster, monkeypatch):
    ours, theirs = (copy_course(built_mini, tmp_path / name) for name in ("ours", "theirs"))
    for project in (ours, theirs):
        with_plugin(project)
        set_due(project)
        hand_in(project)
    monkeypatch.syspath_prepend(ours.root)
    run = grade(ours, cluster)
    assert run.exit_code == 0, run.output
    for arguments in (["generate_assignment", "hw4", "--force"], ["autograde", "hw4"]):
        finished = run_module("nbgrader", arguments, theirs.root, import_from=theirs.root)
        assert finished.code == 0, finished.output
    assert dump(gradebook_url(ours)) == dump(gradebook_url(theirs))
    assert dump(gradebook_url(ours))["late/Mini"]["penalty"] == 0.5
    for path in sorted((theirs.root / "autograded").glob("*/hw4/Mini.ipynb")):
        mine = nbformat.read(ours.root / path.relative_to(theirs.root), as_version=4)
        assert mine == nbformat.read(path, as_version=4), path
