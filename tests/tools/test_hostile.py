"""No hostile or broken submission gains a point, learns a secret, leaves a trace, or disturbs the next one."""

import builtins
import contextlib
import json
import os
import re
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hostile
import nbformat
import numpy as np
import psutil
import pytest
import torch
from submitted import as_file

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook
from autograder.grading import notebook_box
from autograder.grading.engine import grade_notebook
from autograder.grading.policy import NotebookLimits
from autograder.grading.results import GradedNotebook, Status, Verdict
from autograder.grading.staging import read_files
from autograder.sandbox.limits import Policy

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's"),
    pytest.mark.filterwarnings("ignore:Non-unique cell id"),
]

CASES = hostile.read_cases()
LAST_OF_GROUP = {case.group: case for case in CASES if not case.plan.get("slow")}.values()
# Enough for an honest answer on a busy machine; cases about a limit set their own.
LIMITS = NotebookLimits(cell_seconds=20, test_seconds=20, total_seconds=120)
MAX_MESSAGE = 5000
MAX_NOTEBOOK = 48 << 20


@dataclass(frozen=True)
class World:
    """The course under attack, what is secret, and what an attacker may try to reach."""

    assignment: Assignment
    notebook: Notebook
    canary: str
    places: dict[str, str]
    victim: subprocess.Popen
    drop: Path
    temporary: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    tmp_path_factory.getbasetemp()  # made where the temporary files of this process belong, before that is changed
    canary = f"canary{secrets.token_hex(12)}"
    root = Path(tempfile.mkdtemp(prefix="hostile-"))
    root.chmod(0o755)
    drop, temporary = root / "drop", root / "temporary"
    for folder in (drop, temporary):
        folder.mkdir()
        folder.chmod(0o1777)
    before = tempfile.tempdir, notebook_box._zygote
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        tempfile.tempdir, notebook_box._zygote = str(temporary), None
        os.environ["SECRET_OF_THE_GRADER"] = canary
        stack.callback(os.environ.pop, "SECRET_OF_THE_GRADER")
        places = _serve(canary, root, stack)
        victim = subprocess.Popen(["sleep", "3600"])
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        assignment, notebook = hostile.make_course(root / "course", canary)
        places |= {"COURSE": str(root / "course"), "DROP": str(drop), "GRADER": str(os.getpid())}
        places |= {"VICTIM": str(victim.pid)}
        notebook_box.zygote()
        # What is slow the first time, and what is imported late, is not the first case's doing.
        grade_notebook(assignment, notebook, as_file(hostile.reference(notebook)), None, Policy(LIMITS))
        yield World(assignment, notebook, canary, places, victim, drop, temporary)
        if notebook_box._zygote:
            notebook_box._zygote.close()
    tempfile.tempdir, notebook_box._zygote = before


def _serve(canary: str, root: Path, stack: contextlib.ExitStack) -> dict[str, str]:
    """Serve the secret on the host's loopback and Unix sockets; whoever connects gets it."""
    abstract, path = f"hostile-{os.getpid()}", str(root / "socket")
    for family, address in (
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_UNIX, path),
        (socket.AF_UNIX, f"\0{abstract}"),
    ):
        listener = stack.enter_context(socket.socket(family))
        listener.bind(address)
        listener.listen()
        threading.Thread(target=_answer, args=(listener, canary.encode()), daemon=True).start()
        if family == socket.AF_INET:
            port = listener.getsockname()[1]
    Path(path).chmod(0o777)
    return {"PORT": str(port), "SOCKET": path, "ABSTRACT": abstract}


def _answer(listener: socket.socket, secret: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            with listener.accept()[0] as connection:
                connection.sendall(secret)


def _host(world: World) -> dict[str, Any]:
    """All that a submission must leave as it is."""
    user = notebook_box.zygote().user
    libraries = (builtins, json, os, socket, subprocess, np, torch, torch.nn.functional, nbformat)
    return {
        "processes of the box": [
            child.pid for child in psutil.Process(notebook_box.zygote().pid).children(recursive=True)
        ],
        "processes of the user": [p.pid for p in psutil.process_iter(["uids"]) if p.info["uids"].real == user],
        "files": sorted(path.name for folder in (world.temporary, world.drop) for path in folder.iterdir()),
        "files of the user": [
            str(path) for path in (*Path("/tmp").iterdir(), *Path("/dev/shm").iterdir()) if _owner(path) == user
        ],
        "course": {path: path.stat().st_mtime_ns for path in _course_files(world)},
        "open files": _open_files(),
        "threads": threading.active_count(),
        "children": len(psutil.Process().children()),
        "victim": world.victim.poll(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "import path": list(sys.path),
        "modules": dict(sys.modules),
        "libraries": {f"{m.__name__}.{k}": id(v) for m in libraries for k, v in vars(m).items() if callable(v)},
        "streams": (sys.stdout, sys.stderr, sys.displayhook, sys.excepthook),
        "limits": [resource.getrlimit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_NOFILE)],
        "signals": [signal.getsignal(kind) for kind in (signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)],
    }


def _open_files() -> int:
    """Those that stay, connections aside: other tests' cluster has threads here that open some for a moment."""
    looks = []
    for _ in range(3):
        connections = {str(connection.fd) for connection in psutil.Process().net_connections("tcp")}
        looks.append(set(os.listdir("/proc/self/fd")) - connections)
        time.sleep(0.02)
    return len(set.intersection(*looks))


def _course_files(world: World) -> list[Path]:
    return [path for path in sorted(world.notebook.path.parents[2].rglob("*")) if "__pycache__" not in str(path)]


def _owner(path: Path) -> int:
    try:
        return path.lstat().st_uid
    except FileNotFoundError:  # another program's, gone meanwhile
        return -1


def _grade(world: World, case: hostile.Case, folder: Path, limits: dict[str, Any]) -> GradedNotebook:
    folder.mkdir(exist_ok=True)
    path = folder / f"{hostile.NAME}.ipynb"
    hostile.write_submission(case, world.notebook, path, world.places)
    chosen = replace(LIMITS, **limits)
    files = read_files(world.assignment, folder)
    return grade_notebook(world.assignment, world.notebook, path.read_bytes(), files, Policy(chosen))


def _check_verdicts(graded: GradedNotebook, expected: dict[str, str]) -> None:
    got = {result.question: result.verdict.name.lower() for result in graded.results}
    assert got == {question: expected.get(question, "passed") for question in got}, [
        (result.question, result.message, result.traceback) for result in graded.results
    ]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{case.group}-{case.name}", marks=[pytest.mark.slow] if case.plan.get("slow") else [])
        for case in CASES
    ],
)
def test_case(world, case, tmp_path):
    before = _host(world)
    if "unreadable" in case.plan:
        graded = _grade(world, case, tmp_path, {})
        assert graded.status is Status.UNREADABLE
        assert re.search(case.plan["unreadable"], graded.message)
        assert "\n" not in graded.message
        assert len(graded.message) < MAX_MESSAGE
        assert not any(result.points for result in graded.results)
        return
    graded = _grade(world, case, tmp_path, case.plan.get("limits", {}))
    after = _host(world)
    for name, module in before.pop("modules").items():
        assert after["modules"].get(name) is module, name
    for name, module in after.pop("modules").items():  # libraries are loaded when they are needed first
        assert not str(getattr(module, "__file__", "")).startswith(str(world.drop.parent)), name
    assert {name: after[name] for name in before} == before

    _check_verdicts(graded, case.plan.get("verdicts", {}))
    questions = {question.name: question for question in world.notebook.questions}
    assert [result.question for result in graded.results] == list(questions)
    for result in graded.results:
        assert result.maximum == questions[result.question].points
        assert result.points == (result.maximum if result.verdict is Verdict.PASSED else 0)
        assert bool(result.message) == (result.verdict is not Verdict.PASSED)
        assert len(result.message) < MAX_MESSAGE
        assert case.plan.get("messages", {}).get(result.question, "") in result.feedback

    shown = json.dumps(graded.node) + repr((graded.results, graded.notes))
    assert len(shown) < MAX_NOTEBOOK
    assert world.canary not in shown
    nbformat.validate(graded.node)
    nbformat.writes(graded.node).encode()
    outputs = json.dumps([cell.get("outputs", []) for cell in graded.node.cells])
    for pattern in case.plan.get("shows", []):
        assert re.search(pattern, outputs), f"{pattern} is not in {outputs[:3000]}"
    for pattern in case.plan.get("hides", []):
        assert not re.search(pattern, outputs), f"{pattern} is in {outputs[:3000]}"

    if case in LAST_OF_GROUP:
        _check_honest(world)
    if "bites" in case.plan:
        other = case.plan.get("limits", {}) | case.plan["bites"]["limits"]
        unbitten = _grade(world, case, tmp_path / "other", other)
        _check_verdicts(unbitten, case.plan["bites"]["verdicts"])
        for pattern in case.plan["bites"].get("hides", []):
            assert not re.search(pattern, json.dumps(unbitten.node))


def _check_honest(world: World) -> None:
    """An honest submission is graded as ever."""
    honest = as_file(hostile.reference(world.notebook))
    graded = grade_notebook(world.assignment, world.notebook, honest, None, Policy(LIMITS))
    _check_verdicts(graded, {})
    assert graded.notes == ()
    assert set(graded.isolation) >= {"files", "network", "processes"}


def test_every_case_says_what_it_is():
    fields = {"goal", "technique", "group", "answers", "extra", "edit", "delete", "copy", "file", "unreadable",
              "results", "beside", "limits", "many_results", "verdicts", "messages", "shows", "hides", "slow",
              "bites"}  # fmt: skip
    for case in CASES:
        assert case.plan["goal"], case.name
        assert case.plan["technique"], case.name
        assert set(case.plan) <= fields, case.name


def test_every_limit_has_a_case_that_shows_it_bites():
    bitten = {name for case in CASES if "bites" in case.plan for name in case.plan["bites"]["limits"]}
    assert bitten == set(NotebookLimits.__dataclass_fields__)
