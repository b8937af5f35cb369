"""Fixtures shared by the tests of the tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from harness import ROOT
from minicourse import make_course

from autograder.authoring.build import build
from autograder.authoring.project import Project


@pytest.fixture(scope="session")
def project() -> Project:
    """This repository."""
    return Project(ROOT)


@pytest.fixture
def mini(tmp_path: Path) -> Project:
    """A fresh course of one tiny notebook, nothing built."""
    return make_course(tmp_path / "course")


@pytest.fixture(scope="session")
def built_mini(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A course of one tiny notebook with everything built. Tests must not change it."""
    course = make_course(tmp_path_factory.mktemp("built") / "course")
    assert all(was_built for _, was_built in build(course))
    return course


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a scheduler with one worker, which all tests share: starting one takes seconds."""
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, memory_limit=None) as running:
        yield running.scheduler_address
