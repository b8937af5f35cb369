"""Who else has an account on the machine reaches nothing of a running `autograder grade`."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from classroom import RIGHT, copy_course, submit
from click.testing import CliRunner
from distributed import LocalCluster
from test_faults import _PATIENCE, descendants, grading, wait_for

from autograder.cli import main
from autograder.course import cluster as clusters
from autograder.course.cluster import RemoteScheduler
from autograder.course.local_cluster import scratch_folder
from autograder.course.worker import Job
from autograder.errors import CourseError
from autograder.grading.policy import NotebookLimits
from autograder.grading.results import Status
from autograder.sandbox.box import IsolationError, ZygoteLost
from autograder.sandbox.limits import Policy

# Another user need not be able to read this Python: all that connecting takes is imported by connecting to a cluster of
# one's own before the user changes.
_NEIGHBOR = """
import json, os, signal, socket, ssl, sys
from distributed import Client, LocalCluster
from distributed.security import Security

def give_up(*_ignored):
    raise TimeoutError

def outcome(ask):
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)  # what is no scheduler may leave a Dask client waiting for ever
    try:
        return ask()
    except (ImportError, PermissionError):
        raise  # something here that only the test's user may read: nobody's refusal
    except Exception as error:  # Dask's, ssl's, tornado's
        return "refused: " + type(error).__name__
    finally:
        signal.alarm(0)

def connect(address, security=None):
    with Client(address, security=security, timeout=5) as client:
        return "in as " + str(client.run_on_scheduler(os.getuid))

def talk(port, with_tls):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        context = ssl._create_unverified_context()
        with context.wrap_socket(plain) if with_tls else plain as connection:
            connection.sendall(b"GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            answer = connection.recv(1000)
            return "answered" if answer else "refused: nothing came"

foreign = Security.temporary()
for security in (None, foreign):
    own = {"n_workers": 0, "dashboard_address": "127.0.0.1:0", "protocol": "tls" if security else "tcp"}
    with LocalCluster(security=security, **own) as cluster:
        assert connect(cluster.scheduler_address, security).startswith("in as")
        outcome(lambda: connect(cluster.scheduler_address.replace("tcp:", "tls:"), Security.temporary()))
asked = sys.argv[1]
user, *ports = map(int, sys.argv[2:])
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
ways = {
    "tcp": lambda port: connect(f"tcp://127.0.0.1:{port}"),
    "foreign certificate": lambda port: connect(f"tls://127.0.0.1:{port}", foreign),
    "no certificate": lambda port: talk(port, True),
    "http": lambda port: talk(port, False),
}
found = {port: {way: outcome(lambda: ways[way](port)) for way in asked.split(",")} for port in ports}
print(json.dumps({"user": os.getuid(), "ports": found}))
"""
_NOBODY = 65534
_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")


def _listening(process: subprocess.Popen) -> list[int]:
    """The TCP ports on which a process and its descendants wait for connections."""
    found = set()
    for member in [*descendants(process), psutil.Process(process.pid)]:
        with suppress(psutil.NoSuchProcess):
            found |= {one.laddr.port for one in member.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
    return sorted(found)


def _neighbor(ports: list[int], *ways: str) -> dict[str, dict[str, str]]:
    """What another user of this machine gets from each port; without root's rights to become one, this user."""
    command = [sys.executable, "-c", _NEIGHBOR, ",".join(ways), str(_NOBODY), *map(str, ports)]
    done = subprocess.run(
        command, env=_without_certificates(), capture_output=True, text=True, check=False, timeout=_PATIENCE
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["user"] == (_NOBODY if os.getuid() == 0 else os.getuid())
    return found["ports"]


def _without_certificates() -> dict[str, str]:
    """An environment in which Dask's configuration names none: those of other tests are this user's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DASK_")}


def _unpacked() -> list[Path]:
    """Solutions in the folders of workers. Other folders there come and go meanwhile, which `os.walk` passes over."""
    return [Path(folder, "solutions") for folder, names, _ in os.walk(scratch_folder()) if "solutions" in names]


def test_a_neighbor_cannot_talk_to_a_running_grading(built_mini, tmp_path):
    assignment = copy_course(built_mini, tmp_path / "course")
    submit(assignment, "ann", f"import time\ntime.sleep(100)\n{RIGHT}")
    submit(assignment, "bob", f"import time\ntime.sleep(100)\n# bob's\n{RIGHT}")
    with grading(assignment, "--workers", "2") as process:
        wait_for(lambda: len(_listening(process)) >= 5 or process.poll() is not None)
        ports = _listening(process)
        assert len(ports) == 5, "a scheduler, and two workers with a nanny each"
        for port, answers in _neighbor(ports, "tcp", "foreign certificate", "no certificate", "http").items():
            assert all(answer.startswith("refused") for answer in answers.values()), (port, answers)
        assert _listening(process) == ports, "all of it was still there"
        # Workers have unpacked sources and solutions by the time that they have a student's code to run.
        wait_for(lambda: len(_unpacked()) == 2)
        for unpacked in _unpacked():
            assert unpacked.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("taken", ["dask-scratch-space", pytest.param(f"autograder-{os.geteuid()}", marks=_AS_ROOT)])
def test_what_a_neighbor_puts_where_dask_would_work_is_not_imported(built_mini, tmp_path, taken):
    """Dask imports modules from its working folder, and takes one that is there already, whoever made it."""
    assignment = copy_course(built_mini, tmp_path / "course")
    submit(assignment, "ann", RIGHT)
    places = tmp_path / ("tmp" * 30)  # too long for the path of a socket
    planted, trace = places / taken, tmp_path / "trace"
    planted.mkdir(parents=True)
    for folder in (planted, planted / "dask-scratch-space"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        for name in ("gilknocker", "lz4", "pandas"):  # which Dask tries to import
            (folder / f"{name}.py").write_text(f"open({str(trace)!r}, 'a').write('imported')")
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
    command = [sys.executable, "-m", "autograder.cli", "--root", str(assignment.root), "grade", "--workers", "1"]
    environment = {**os.environ, "TMPDIR": str(places)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    assert "1 graded, 1 recorded" in run.stdout, run.stderr
    assert not trace.exists()


def test_the_neighbor_gets_in_where_there_is_no_tls():
    """Else the test above shows nothing."""
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", protocol="tcp") as open_to_all:
        port = int(open_to_all.scheduler_address.rpartition(":")[2])
        http = open_to_all.scheduler.http_server.port
        assert _neighbor([port], "tcp")[str(port)]["tcp"] == f"in as {os.getuid()}"
        assert _neighbor([http], "http")[str(http)]["http"] == "answered"


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "10.0.0.1:8786", "tcp://127.0.0.1:8786", "ws://host:80"])
def test_a_scheduler_without_tls_is_refused(built_mini, address):
    run = CliRunner().invoke(main, ["--root", str(built_mini.root), "grade", ".", "--scheduler", address])
    assert run.exit_code == 1
    assert f"Error: {address} is a scheduler without TLS" in run.output
    assert "--insecure" in run.output
    with pytest.raises(CourseError, match="without TLS"):
        RemoteScheduler(address)


def test_insecure_allows_it(built_mini, tmp_path):
    assignment = copy_course(built_mini, tmp_path / "course")
    submit(assignment, "ann", RIGHT)
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", memory_limit=None
    ) as open_to_all:
        options = ["grade", "--scheduler", open_to_all.scheduler_address, "--insecure"]
        run = CliRunner().invoke(main, ["--root", str(assignment.root), *options])
    assert run.exit_code == 0, run.output
    assert "1 graded" in run.output


def test_insecure_alone_is_wrong_usage(built_mini):
    run = CliRunner().invoke(main, ["--root", str(built_mini.root), "grade", ".", "--insecure"])
    assert (run.exit_code, "always uses TLS" in run.output) == (2, True)


def test_missing_certificates_are_one_line(built_mini, tmp_path):
    assignment = copy_course(built_mini, tmp_path / "course")
    submit(assignment, "ann", RIGHT)
    environment = _without_certificates()
    command = [sys.executable, "-m", "autograder.cli", "--root", str(assignment.root), "grade", "--scheduler"]
    run = subprocess.run([*command, "tls://127.0.0.1:1"], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith(
        "Error: no Dask scheduler answers at tls://127.0.0.1:1: Dask's configuration on this machine names"
    )
    assert len(run.stderr.splitlines()) == 1


def test_a_submission_that_ends_the_zygote_does_not_stop_the_class():
    job = Job("", "Mini", b"", {}, Policy(NotebookLimits()), "")
    future = SimpleNamespace(status="error", exception=lambda: ZygoteLost("gone"))
    record, notebook = clusters._result(future, job)
    assert (record.status, notebook) == (Status.FAILED, "")
    with pytest.raises(IsolationError):
        clusters._result(SimpleNamespace(status="error", exception=lambda: IsolationError("no")), job)
