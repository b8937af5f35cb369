"""The gradebook in PostgreSQL: a real server, started for these tests and thrown away after them."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from classroom import RIGHT, WRONG, copy_course, dump, gradebook_url, submit
from test_record import assert_manual_work_survives, grade

from autograder.process import run_module


@dataclass
class Server:
    """A PostgreSQL server in ``folder``, listening on this machine only."""

    folder: Path
    port: int
    commands: Path

    def run(self, command: str, *arguments: str) -> None:
        """Run one of the server's commands, as another user when we are root: PostgreSQL refuses root."""
        user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        ids = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        subprocess.run(
            [self.commands / command, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=300, **ids
        )

    def start(self) -> None:
        listen = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories= -c fsync=off"
        self.run("pg_ctl", "-D", str(self.folder), "-w", "-l", str(self.folder / "log"), "-o", listen, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", str(self.folder), "-m", "immediate", "stop")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://grader:secret@127.0.0.1:{self.port}/postgres"


@pytest.fixture
def server(tmp_path_factory) -> Iterator[Server]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
    on_path = shutil.which("initdb")
    assert versions or on_path, "this test needs a PostgreSQL server: apt-get install postgresql"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    root = Path("/var/tmp") / f"autograder-postgres-{port}"
    root.mkdir(mode=0o755)
    folder = root / "data"
    folder.mkdir()
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    server = Server(folder, port, versions[-1] if versions else Path(str(on_path)).parent)
    password = root / "password"
    password.write_text("secret")
    try:
        server.run("initdb", "-D", str(folder), "-U", "grader", "--auth=scram-sha-256", f"--pwfile={password}")
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(root)


def test_manual_work_survives_and_nbgrader_reads_it(built_mini, tmp_path, cluster, server):
    assignment = copy_course(built_mini, tmp_path / "course")
    assert_manual_work_survives(assignment, cluster, server.url)
    finished = run_module("nbgrader", ["export", "--db", server.url], assignment.root)
    assert finished.code == 0, finished.output
    assert "wrong" in (assignment.root / "grades.csv").read_text()
    finished = run_module("nbgrader", ["generate_feedback", "hw1", "--db", server.url], assignment.root)
    assert finished.code == 0, finished.output


def test_it_holds_what_sqlite_holds_also_after_an_outage(built_mini, tmp_path, cluster, server):
    assignment = copy_course(built_mini, tmp_path / "course")
    for number in range(4):
        submit(assignment, f"s{number}", f"# {number}\n{RIGHT if number % 2 else WRONG}", "Because.")
    assert grade(assignment, cluster).exit_code == 0
    expected = dump(gradebook_url(assignment))
    assert grade(assignment, cluster, "--db", server.url, "--student", "s0").exit_code == 0
    server.stop()
    run = grade(assignment, cluster, "--db", server.url)
    assert run.exit_code == 1
    assert "cannot be used" in run.output
    assert "secret" not in run.output
    server.start()
    run = grade(assignment, cluster, "--db", server.url)
    assert run.exit_code == 0, run.output
    assert dump(server.url) == expected
