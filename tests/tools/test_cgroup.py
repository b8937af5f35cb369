"""The control group of a submission: where this host gives one, it holds for all processes together."""

import os
import subprocess
import sys

import pytest

from autograder.sandbox.cgroup import Cgroup, create

_MEMORY, _PROCESSES = 200, 8


@pytest.fixture
def group():
    group = create(f"test-{os.getpid()}", _MEMORY, _PROCESSES)
    yield group
    if group:
        group.remove()
        assert not any(folder.exists() for folder in group.folders)


def _run_in(group: Cgroup, code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], preexec_fn=group.join, capture_output=True, text=True)


def test_group_ends_processes_that_together_take_too_much_memory(group):
    hungry = "import os, time\nfor _ in range(3): os.fork()\nx = bytearray(b'x') * (60 << 20)\ntime.sleep(1)\nos.wait()"
    if group is None:
        assert create("test", _MEMORY, _PROCESSES) is None  # nothing is left half made
        return
    _run_in(group, "x = bytearray(100 << 20)")
    assert not group.ran_out_of_memory()
    _run_in(group, hungry)
    assert group.ran_out_of_memory()


def test_group_limits_the_number_of_processes(group):
    if group is None:
        return
    bomb = "import os, time\nfor _ in range(4): os.fork()\ntime.sleep(1)"
    run = _run_in(group, bomb)
    assert "BlockingIOError" in run.stderr


def test_group_that_cannot_be_made_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr("autograder.sandbox.cgroup._parents", lambda: [tmp_path / "missing"])
    assert create("test", _MEMORY, _PROCESSES) is None
    monkeypatch.setattr("autograder.sandbox.cgroup._parents", list)
    assert create("test", _MEMORY, _PROCESSES) is None
