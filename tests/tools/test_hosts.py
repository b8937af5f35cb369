"""Grading on other hosts than this one: an ordinary user's, and containers that allow less.

A user namespace stands for each: who one is in it, and which namespaces it gives, can be chosen
(https://man7.org/linux/man-pages/man7/user_namespaces.7.html, and namespaces.7).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from autograder.grading.notebook_box import zygote
from autograder.sandbox import box, libc

_GRADE = """
import json, sys
from pathlib import Path
import hostile, nbformat
from autograder.errors import AutograderError
from autograder.grading.engine import grade_notebook
assignment, notebook = hostile.make_course(Path(sys.argv[1]), "none")
try:
    graded = grade_notebook(assignment, notebook, nbformat.writes(hostile.reference(notebook)).encode())
    found = {"verdicts": [result.verdict.name for result in graded.results], "force": graded.isolation}
except AutograderError as error:
    found = {"error": str(error)}
print(json.dumps(found))
"""
_NAMESPACES = ("mnt", "net", "pid", "ipc", "uts", "user")


def _on_host(user: int, without: tuple[str, ...], command: list[str]) -> str:
    """What a command prints where this process's user is ``user`` and some namespaces cannot be had."""

    def become() -> None:
        here = {"uid": os.geteuid(), "gid": os.getegid()}
        libc.unshare(libc.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        for kind, number in here.items():
            Path(f"/proc/self/{kind}_map").write_text(f"{user} {number} 1")
        for kind in without:
            Path(f"/proc/sys/user/max_{kind}_namespaces").write_text("0")

    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'tests' / 'tools'}{os.pathsep}{ROOT / 'tests'}{os.pathsep}{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, *command], preexec_fn=become, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("user", "without", "force"),
    [
        (1000, (), {"files": "root of its own", "network": "network namespace", "processes": "process namespace"}),
        (1000, _NAMESPACES, {"files": "Landlock", "network": "seccomp filter", "processes": "Landlock signal scope"}),
        (0, (), {"files": "root of its own", "network": "network namespace", "processes": "process namespace"}),
        (0, _NAMESPACES, {"files": "Landlock", "network": "seccomp filter", "processes": "Landlock signal scope"}),
    ],
    ids=["user", "user without namespaces", "container of one user", "container without namespaces"],
)
def test_right_answers_get_their_points_on_other_hosts(user, without, force, tmp_path):
    found = json.loads(_on_host(user, without, ["-c", _GRADE, str(tmp_path / "course")]))
    assert found.get("verdicts") == ["PASSED"] * 3, found
    for protected, layer in force.items():
        assert layer in found["force"][protected]
    if without:
        assert "namespace" not in str(found["force"])


@pytest.mark.parametrize("without", [(), _NAMESPACES], ids=["namespaces", "no namespaces"])
def test_the_doctor_agrees(without):
    text = _on_host(1000, without, ["-m", "autograder.cli", "doctor"])
    assert "ok       tests get a process: yes" in text
    assert "student code reads the host's files: no" in text
    assert "student code talks to the host's sockets: no" in text
    assert text.count("refused") == bool(without)


@pytest.mark.parametrize(("known", "first", "last"), [(1 << 32, 200_000, 399_999), (65_536, 60_000, 64_999), (1, 0, 0)])
def test_a_user_that_owns_nothing_is_one_that_is_known_here(monkeypatch, known, first, last):
    monkeypatch.setattr(box, "_known_users", lambda: known)
    assert first <= zygote().user <= last
