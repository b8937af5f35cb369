"""The process from which students' processes are forked may be ended by the host: no submission pays for that."""

import os
import signal
import tempfile
import threading
from pathlib import Path

import hostile
import pytest
from submitted import as_file

from autograder.grading.engine import grade_notebook
from autograder.grading.notebook_box import zygote
from autograder.grading.results import Verdict
from autograder.sandbox.box import ZygoteLost


@pytest.fixture
def slow(tmp_path):
    """A notebook with a cell that takes two seconds, and its right answers."""
    assignment, notebook = hostile.make_course(tmp_path / "course", "none")
    node = hostile.reference(notebook)
    (cell,) = (cell for cell in node.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "scale")
    cell.source += "\nimport time\ntime.sleep(2)"
    return assignment, notebook, as_file(node)


def test_a_submission_is_graded_again_when_the_zygote_is_killed(slow, monkeypatch):
    folders = []
    make = tempfile.mkdtemp
    monkeypatch.setattr(
        tempfile, "mkdtemp", lambda *args, **kwargs: folders.append(make(*args, **kwargs)) or folders[-1]
    )
    killed = zygote()
    threading.Timer(1, os.kill, (killed.pid, signal.SIGKILL)).start()
    graded = grade_notebook(*slow)
    assert not killed.is_alive()
    assert {result.verdict for result in graded.results} == {Verdict.PASSED}
    assert len([folder for folder in folders if "box-" in folder]) >= 2
    assert not any(Path(folder).exists() for folder in folders)


def test_a_dead_zygote_is_one_clear_error(slow, monkeypatch):
    dead = zygote()
    dead.close()
    monkeypatch.setattr("autograder.grading.engine.zygote", lambda: dead)
    with pytest.raises(ZygoteLost, match="the process from which sandboxes are forked ended"):
        grade_notebook(*slow)
