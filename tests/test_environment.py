"""One set of pinned versions, wherever it is written down."""

import re
import tomllib

import yaml
from harness import ROOT

from autograder.authoring.otter_zip import zip_environment


def _pins(requirements) -> dict[str, str]:
    """Package name to version; extras such as ``otter-grader[grading]`` count as the package."""
    found = {}
    for line in requirements:
        if match := re.match(r"([A-Za-z0-9_.-]+)(?:\[.*\])?==([^ ;#]+)", line):
            found[match[1].lower()] = match[2]
    return found


def _pyproject() -> dict[str, str]:
    return _pins(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])


def _conda(environment: dict) -> dict[str, str]:
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return _pins(pip)


def test_every_direct_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    for requirement in [*project["dependencies"], *extras]:
        assert "==" in requirement, requirement


def test_environment_yml_agrees_with_pyproject():
    assert _conda(yaml.safe_load((ROOT / "environment.yml").read_text())) == _pyproject()


def test_the_lock_file_agrees_with_pyproject():
    lock = _pins((ROOT / "requirements.lock").read_text().splitlines())
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = _pins(requirement for extra in extras.values() for requirement in extra)
    for name, version in {**_pyproject(), **pinned}.items():
        assert lock[name] == version


def test_the_zips_environment_agrees_with_environment_yml(built_mini):
    ours = yaml.safe_load((ROOT / "environment.yml").read_text())
    theirs = zip_environment(built_mini.zip_path("Mini"))
    assert _conda(theirs) == _conda(ours)
    (python,) = [entry for entry in ours["dependencies"] if str(entry).startswith("python=")]
    assert python in theirs["dependencies"]
