"""Whatever happens while a class is graded: the same command again ends as an undisturbed run does.

Compared are the gradebook and the files in ``graded/`` and ``autograded/``. That nothing is graded twice shows in the
results: one that was kept is never written again.
"""

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from classroom import RIGHT, WRONG, copy_course, dump, files, gradebook_url, submit
from click.testing import CliRunner
from sqlalchemy import event
from sqlalchemy.engine import Engine

from autograder.assignment.assignment import Assignment
from autograder.cli import main
from autograder.course import cluster as cluster_module
from autograder.course import record
from autograder.course.record import Recorder
from autograder.course.store import write_atomically

STUDENTS = 12
_AUTOGRADER = [sys.executable, "-m", "autograder.cli"]
# How long the machine may take for anything here; a test that gets there has failed.
_PATIENCE = 300
_SLOW = pytest.param(20, marks=pytest.mark.slow)


def hand_in(assignment: Assignment) -> None:
    """A class whose grading takes a while, so that there is something to interrupt."""
    for number in range(STUDENTS):
        pause = "import time\ntime.sleep(0.3)\n"
        submit(assignment, f"s{number:02}", f"# {number}\n{pause}{RIGHT if number % 2 else WRONG}", "Because.")


@pytest.fixture
def course(built_mini, tmp_path) -> Assignment:
    assignment = copy_course(built_mini, tmp_path / "course")
    hand_in(assignment)
    return assignment


@pytest.fixture(scope="module")
def undisturbed(built_mini, tmp_path_factory, cluster) -> tuple[dict, dict]:
    """Gradebook and files of a run without faults."""
    assignment = copy_course(built_mini, tmp_path_factory.mktemp("undisturbed") / "course")
    hand_in(assignment)
    run = grade(assignment, "--scheduler", cluster)
    assert run.exit_code == 0, run.output
    return dump(gradebook_url(assignment)), files(assignment)


def grade(assignment: Assignment, *options: str):
    return CliRunner().invoke(main, ["--root", str(assignment.root), "grade", *options])


@contextmanager
def grading(assignment: Assignment, *options: str) -> Iterator[subprocess.Popen]:
    """The command as a process of its own, in a session of its own."""
    command = [*_AUTOGRADER, "--root", str(assignment.root), "grade", *options]
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def results(assignment: Assignment) -> dict[str, int]:
    """What is graded so far: the inode of each record, which a second writing would change."""
    return {path.name: path.stat().st_ino for path in (assignment.graded / "results").glob("*/*.json")}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def assert_gone(processes: list[psutil.Process]) -> None:
    """All of them end by themselves, soon."""
    _, alive = psutil.wait_procs(processes, timeout=_PATIENCE)
    assert alive == []


def assert_as_undisturbed(assignment: Assignment, undisturbed: tuple[dict, dict]) -> None:
    assert dump(gradebook_url(assignment)) == undisturbed[0]
    assert files(assignment) == undisturbed[1]


def finish(assignment: Assignment, undisturbed: tuple[dict, dict], *options: str) -> None:
    """Run once more to the end: nothing that was kept is graded again, and all is as it should be."""
    kept = results(assignment)
    run = grade(assignment, *options)
    assert run.exit_code == 0, run.output
    assert {name: results(assignment)[name] for name in kept} == kept
    assert_as_undisturbed(assignment, undisturbed)


@pytest.mark.parametrize("rounds", [1, _SLOW])
def test_the_grader_is_killed_at_random_moments(course, undisturbed, cluster, rounds):
    draw = random.Random(rounds)
    kept: dict[str, int] = {}
    for _ in range(rounds):
        with grading(course, "--workers", "1") as process:
            # From before the first result to after the last one; many rounds go slowly, so that all kill something.
            goal = len(kept) + draw.randrange(2) if rounds > 1 else draw.randrange(STUDENTS + 1)
            wait_for(lambda: len(results(course)) >= goal or process.poll() is not None)  # noqa: B023
            time.sleep(draw.random() * 0.5)
            others = descendants(process)
            process.kill()
            process.wait()
            assert_gone(others)
        assert {name: results(course)[name] for name in kept} == kept, "graded twice"
        kept = results(course)
    finish(course, undisturbed, "--scheduler", cluster)


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [20])
def test_workers_are_killed_at_random_moments(course, undisturbed, cluster, rounds):
    draw = random.Random(rounds)
    killed = 0
    while killed < rounds:
        with grading(course, "--workers", "2", "--regrade") as process:
            while process.poll() is None and killed < rounds:
                time.sleep(draw.random() * 3)
                workers = [p for p in descendants(process) if is_worker(p)]
                if workers and results(course):
                    victim = draw.choice(workers)
                    with suppress(psutil.NoSuchProcess):
                        belongings = victim.children(recursive=True)
                        victim.kill()
                        killed += 1
                        assert_gone(belongings)
            output, _ = process.communicate(timeout=_PATIENCE)
            assert process.returncode == 0 or "again and again" in output, output
    run = grade(course, "--scheduler", cluster)
    assert run.exit_code == 0, run.output
    assert_as_undisturbed(course, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [20])
def test_the_scheduler_is_killed_at_random_moments(course, undisturbed, cluster, rounds):
    draw = random.Random(rounds)
    for _ in range(rounds):
        done = len(results(course))
        again = ["--regrade"] if done == STUDENTS else []
        with remote_cluster(1) as (scheduler, address), grading(course, "--scheduler", address, *again) as process:
            goal = done if again else draw.randrange(done, STUDENTS)
            wait_for(lambda: len(results(course)) >= goal or process.poll() is not None)  # noqa: B023
            time.sleep(draw.random() * 0.5)
            scheduler.kill()
            output, _ = process.communicate(timeout=_PATIENCE)
            assert process.returncode == 1 or len(results(course)) == STUDENTS, output
            assert "Traceback" not in output, output
        kept = results(course)
    assert {name: results(course)[name] for name in kept} == kept
    finish(course, undisturbed, "--scheduler", cluster)


def test_ctrl_c_ends_in_one_line_and_the_next_run_goes_on(course, undisturbed, cluster):
    with grading(course, "--workers", "1") as process:
        wait_for(lambda: len(results(course)) >= 2)
        others = descendants(process)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 1, output
    assert output.splitlines()[-1] == (
        "Error: interrupted. What was graded is kept: run the same command again to go on."
    )
    assert "Traceback" not in output
    assert_gone(others)
    finish(course, undisturbed, "--scheduler", cluster)


@pytest.mark.slow
def test_a_submission_that_takes_its_worker_with_it_is_a_failure_and_the_rest_is_graded(built_mini, tmp_path):
    assignment = copy_course(built_mini, tmp_path / "course")
    # A mistake of ours: a reference that ends the grader. Only who passes the visible test gets that far.
    (assignment.solutions / "mini.py").write_text("import os, signal\n\ndef double(x):\n    os.kill(os.getpid(), 9)\n")
    submit(assignment, "killer", RIGHT)
    for number in range(3):
        submit(assignment, f"s{number}", f"# {number}\ndef double(x):\n    return {number + 5}")
    run = grade(assignment, "--workers", "1")
    assert run.exit_code == 1
    assert "killer, Mini: grading it ended the worker process again and again" in run.output
    assert "3 graded" not in run.output
    found = dump(gradebook_url(assignment))
    assert [found[f"s{number}/Mini"]["grades"]["test_double"][0] for number in range(3)] == [0, 0, 0]
    assert found["killer/Mini"]["grades"]["test_double"] == (None, None, None, True)
    (assignment.solutions / "mini.py").write_text("def double(x):\n    return x + x\n")
    assert grade(assignment, "--workers", "1").exit_code == 0
    assert dump(gradebook_url(assignment))["killer/Mini"]["grades"]["test_double"] == (3, None, None, False)


def test_what_a_killed_writer_left_is_gone_after_the_next_attempt(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_ignored) -> None:
        raise Killed

    path = tmp_path / "record.json"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(Killed):
            write_atomically(path, "first")
    assert [entry.suffix for entry in tmp_path.iterdir()] == [".part"]
    write_atomically(path, "second")
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {"record.json": "second"}


def test_a_full_disk(course, undisturbed, cluster, monkeypatch):
    writes = iter(range(1000))

    def full(descriptor: int) -> None:
        if next(writes) > 9:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        run = grade(course, "--scheduler", cluster)
    assert run.exit_code == 1
    assert "cannot be written: No space left on device. What was graded before is kept" in run.output
    assert not list(course.root.rglob("*.part"))
    finish(course, undisturbed, "--scheduler", cluster)


def test_a_gradebook_that_cannot_grow(built_mini, tmp_path, cluster):
    assignment = copy_course(built_mini, tmp_path / "course")
    for number in range(100):  # all alike, so graded once: what counts here are the rows
        submit(assignment, f"s{number:02}", RIGHT)
    grade(assignment, "--scheduler", cluster, "--student", "s00")
    with sqlite3.connect(assignment.root / "gradebook.db") as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]

    def limit(connection, _record) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(Engine, "connect", limit)
    try:
        run = grade(assignment, "--scheduler", cluster)
    finally:
        event.remove(Engine, "connect", limit)
    assert run.exit_code == 1
    assert "cannot be used: database or disk is full. All results are kept" in run.output
    assert len(dump(gradebook_url(assignment))) < 100
    assert grade(assignment, "--scheduler", cluster).exit_code == 0
    other = f"sqlite:///{tmp_path / 'other.db'}"
    assert grade(assignment, "--scheduler", cluster, "--db", other).exit_code == 0
    assert dump(gradebook_url(assignment)) == dump(other)


def test_a_gradebook_that_is_locked_while_the_class_is_graded(course, undisturbed, cluster, monkeypatch):
    grade(course, "--scheduler", cluster, "--student", "s00")
    other = sqlite3.connect(course.root / "gradebook.db", isolation_level=None)
    add = Recorder.add

    def add_while_locked(self, graded):
        if not other.in_transaction:
            other.execute("BEGIN EXCLUSIVE")
        add(self, graded)

    with monkeypatch.context() as patch:
        patch.setattr(record.Recorder, "add", add_while_locked)
        run = grade(course, "--scheduler", cluster)
    assert run.exit_code == 1
    assert "cannot be used: database is locked. All results are kept: run the same command again" in run.output
    assert len(results(course)) == STUDENTS
    other.execute("ROLLBACK")
    finish(course, undisturbed, "--scheduler", cluster)


def test_a_gradebook_that_is_gone(course, undisturbed, cluster):
    finish(course, undisturbed, "--scheduler", cluster)
    (course.root / "gradebook.db").unlink()
    finish(course, undisturbed, "--scheduler", cluster)
    run = grade(course, "--scheduler", cluster, "--db", f"sqlite:///{course.root}/no/such/folder/g.db")
    assert run.exit_code == 1
    assert run.output.splitlines()[-1].endswith("cannot be used: unable to open database file.")


def test_the_same_file_from_two_students_is_graded_once(course, undisturbed, cluster):
    for student in ("twin1", "twin2"):
        submit(course, student, RIGHT, "Because.")
    run = grade(course, "--scheduler", cluster)
    assert run.exit_code == 0
    assert len(results(course)) == STUDENTS + 1
    found = dump(gradebook_url(course))
    assert found["twin1/Mini"] == found["twin2/Mini"]
    assert found["twin1/Mini"]["score"] == 3


def test_two_graders_at_a_time_are_refused(course, cluster):
    with Recorder(course):
        run = grade(course, "--scheduler", cluster)
    assert run.exit_code == 1
    assert "another `autograder grade` is at work" in run.output


@pytest.mark.slow
def test_one_worker_two_workers_and_a_remote_scheduler_give_the_same(built_mini, tmp_path, undisturbed):
    for number, options in enumerate((("--workers", "1"), ("--workers", "2"))):
        assignment = copy_course(built_mini, tmp_path / f"course{number}")
        hand_in(assignment)
        assert grade(assignment, *options).exit_code == 0
        assert_as_undisturbed(assignment, undisturbed)
    with remote_cluster(2) as (_, address):
        assignment = copy_course(built_mini, tmp_path / "remote")
        hand_in(assignment)
        run = grade(assignment, "--scheduler", address)
        assert run.exit_code == 0, run.output
        assert_as_undisturbed(assignment, undisturbed)


def test_a_scheduler_that_is_not_there_is_one_line(course, tls, monkeypatch):
    monkeypatch.setattr(cluster_module, "_WAIT_FOR_SCHEDULER", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    run = grade(course, "--scheduler", f"tls://127.0.0.1:{port}")
    assert run.exit_code == 1
    assert f"no Dask scheduler answers at tls://127.0.0.1:{port}" in run.output


def is_worker(process: psutil.Process) -> bool:
    """Whether a process is a fork of the fork server: the others are that, zygotes, and what multiprocessing needs."""
    with suppress(psutil.NoSuchProcess):
        parent = process.parent()
        return parent is not None and all("forkserver" in " ".join(one.cmdline()) for one in (process, parent))
    return False


@contextmanager
def remote_cluster(workers: int) -> Iterator[tuple[subprocess.Popen, str]]:
    """A scheduler and workers as separate processes, started as an operator would; ends them.

    Needs the fixture ``tls``.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = f"tls://127.0.0.1:{port}"
    dask = str(Path(sys.executable).with_name("dask"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    where = ["--host", "tls://127.0.0.1", "--port", str(port)]
    started = [subprocess.Popen([dask, "scheduler", *where, "--no-dashboard"], **quiet)]
    worker = [dask, "worker", address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "10"]
    started += [subprocess.Popen(worker, **quiet) for _ in range(workers)]
    try:
        yield started[0], address
    finally:
        for process in started:
            for member in [*descendants(process), psutil.Process(process.pid)]:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            process.wait()
