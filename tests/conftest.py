"""Fixtures shared by the tests of the tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import certificates
from classroom import RIGHT, WRONG, copy_course, submit
from click.testing import CliRunner
from distributed import LocalCluster
from minicourse import ASSIGNMENT, make_course
from shared import once
from warm import warm_commands

from autograder import process
from autograder.assignment.assignment import Assignment
from autograder.authoring.build import build
from autograder.cli import main


@pytest.fixture(scope="session", autouse=True)
def _quick_commands() -> Iterator[None]:
    """nbgrader and otter start from a process that has imported them."""
    with warm_commands(process):
        yield


@pytest.fixture
def mini(tmp_path: Path) -> Assignment:
    """A fresh course of one tiny notebook, nothing built."""
    return make_course(tmp_path / "course")


@pytest.fixture(scope="session")
def built_mini(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """A course of one tiny notebook with everything built. Tests must not change it."""

    def make(folder: Path) -> None:
        assert all(was_built for _, was_built in build(make_course(folder)))

    return Assignment(once(tmp_path_factory, "built", make), ASSIGNMENT)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Certificates in Dask's configuration, for schedulers that are not our own."""
    with certificates(tmp_path_factory.mktemp("certificates")):
        yield


@pytest.fixture(scope="session")
def cluster(tls: None) -> Iterator[str]:
    """The address of a scheduler with one worker, which all tests share: starting one takes seconds."""
    where = {"protocol": "tls", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=1, threads_per_worker=1, memory_limit=None, **where) as running:
        yield running.scheduler_address


@pytest.fixture(scope="session")
def graded_mini(built_mini: Assignment, cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """A copy of the tiny course with a class that is graded and recorded. Tests must not change it."""
    return Assignment(once(tmp_path_factory, "graded", lambda folder: _grade(built_mini, folder, cluster)), ASSIGNMENT)


def _grade(built: Assignment, folder: Path, cluster: str) -> None:
    assignment = copy_course(built, folder)
    for number in range(4):
        submit(assignment, f"right{number}", f"# {number}\n{RIGHT}", "Because." if number else "")
    for number in range(3):
        submit(assignment, f"wrong{number}", f"# {number}\n{WRONG}", "Because.")
    submit(assignment, "stuck", "import os\n\ndef double(x):\n    os._exit(3)")
    submit(
        assignment,
        "<b>odd & o'dd</b>".replace("/", ""),
        'def double(x):\n    raise ValueError("<script>alert(1)</script>")',
    )
    half_a_character = '{"nbformat": "\\ud800", "cells": "none"}'
    submit(assignment, "torn", RIGHT).write_text(half_a_character)
    run = CliRunner().invoke(main, ["--root", str(assignment.root), "grade", "--scheduler", cluster])
    assert run.exit_code == 1, run.output
    assert "torn, Mini: Mini.ipynb is not a valid notebook" in run.output
