"""One set of pinned versions, wherever it is written down, and the CPU build of PyTorch."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from places import ROOT

from autograder.authoring.otter_zip import zip_environment

# https://pytorch.org/get-started/locally: PyPI's build for Linux depends on 3 GB of CUDA.
_CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"
# The first alone has a build with CUDA on PyPI under the plain version, and one on the index that is named for certain.
_SYSTEMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64"))


def _pins(requirements) -> dict[str, str]:
    """Package name to version, of whatever build; extras such as ``otter-grader[grading]`` count as the package."""
    found = {}
    for line in requirements:
        if match := re.match(r"([A-Za-z0-9_.-]+)(?:\[.*\])?==([^ ;#+]+)", line):
            found[match[1].lower()] = match[2]
    return found


def _pyproject() -> dict[str, str]:
    return _pins(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])


def _conda(environment: dict) -> dict[str, str]:
    return _pins(_pip(environment))


def _pip(environment: dict) -> list[str]:
    """What a conda environment hands to pip, line by line."""
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return pip


def test_every_direct_dependency_is_pinned():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [requirement for extra in declared["optional-dependencies"].values() for requirement in extra]
    for requirement in [*declared["dependencies"], *extras]:
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


@pytest.fixture(params=["graders", "zip", "students with conda", "students with pip"])
def pip_lines(request, built_mini) -> list[str]:
    """What pip is told to install, by whom the fixture's parameter says."""
    if request.param == "students with pip":
        return (ROOT / "release" / "hw4" / "requirements.txt").read_text().splitlines()
    if request.param == "zip":
        return _pip(zip_environment(built_mini.zip_path("Mini")))
    folder = ROOT if request.param == "graders" else ROOT / "release" / "hw4"
    return _pip(yaml.safe_load((folder / "environment.yml").read_text()))


def test_torch_is_the_cpu_build(pip_lines):
    requirements = [Requirement(line) for line in pip_lines if line and not line.startswith(("#", "-"))]
    assert not [str(one) for one in requirements if re.match("nvidia|triton|cuda|pytorch", one.name)]
    assert _CPU_INDEX in pip_lines
    for system in _SYSTEMS:
        (pin,) = [one for one in requirements if one.name == "torch" and _applies(one, system)]
        assert str(pin.specifier).endswith("+cpu") == (system == _SYSTEMS[0])


def _applies(requirement: Requirement, system: tuple[str, str]) -> bool:
    here = dict(zip(("sys_platform", "platform_machine"), system, strict=True))
    return requirement.marker is None or requirement.marker.evaluate(here)
