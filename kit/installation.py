"""The first cell of every notebook: what is wrong with this installation, and how to fix it.

Only the standard library is imported before it is known to be complete.
"""

from __future__ import annotations  # a Python too old for this homework should get as far as being told so

import importlib
import importlib.util
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# What the download asks for stands beside this package. A grader has no such file, and nothing to check.
_REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
_PYTHON = (3, 11)
# JupyterLab itself and its Validate button: Colab and VS Code have their own.
_LAB = {"jupyterlab", "nbgrader"}


def check() -> bool:
    """Print what is missing or differs from ``requirements.txt``; in Google Colab install what is missing.

    Returns whether everything is in order.
    """
    if not has_requirements():
        return True
    wanted = requirements()
    if in_colab() and (lacking := [package for package in _lacking(wanted) if package not in _LAB]):
        print(f"Installing {', '.join(lacking)} ...")
        pins = [f"{package}=={wanted[package]}" for package in lacking]
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *pins], check=False)
    found = [*problems(wanted), *_folder_problems(Path.cwd())]
    for problem in found:
        print(f"✗ {problem}")
    for remark in remarks(wanted):
        print(f"  {remark}")
    print("Mend this before you go on." if found else "Everything that this homework needs is here.")
    return not found


def has_requirements() -> bool:
    """Whether this is a download, which says what it needs; a grader's kit does not."""
    return _REQUIREMENTS.is_file()


def requirements() -> dict[str, str]:
    """The packages of ``requirements.txt`` with their versions, whatever the system and the build are."""
    lines = [line.partition(";")[0].partition("+")[0].strip() for line in _REQUIREMENTS.read_text("utf-8").splitlines()]
    return dict(line.split("==", 1) for line in lines if "==" in line and not line.startswith(("#", "-")))


def in_colab() -> bool:
    """Whether this kernel runs in Google Colab."""
    return "google.colab" in sys.modules


def problems(wanted: dict[str, str]) -> list[str]:
    """What keeps the notebooks from running, each with its fix."""
    if sys.version_info[:2] < _PYTHON:
        have, need = (".".join(map(str, numbers)) for numbers in (sys.version_info[:2], _PYTHON))
        return [f"This is Python {have}, the homework needs {need}: {_MEND}"]
    if lacking := [package for package in _lacking(wanted) if package not in _LAB]:
        return [f"Not installed for this notebook's Python ({sys.executable}): {', '.join(lacking)}. {_MEND}"]
    return [problem for package in wanted if package not in _LAB for problem in _import_problems(package)]


def remarks(wanted: dict[str, str]) -> list[str]:
    """What differs from the graders' installation and will hardly matter."""
    installed = {package: _version(package) for package in wanted if package not in _LAB}
    others = [f"{package} {have} (there: {wanted[package]})" for package, have in installed.items()
              if have and have.split("+")[0] != wanted[package]]  # fmt: skip
    if not others:
        return []
    return [f"Other versions than the graders': {', '.join(others)}. Fine, unless a test fails that should pass."]


_MEND = (
    "follow README.md, “Install”; then choose the environment under Kernel > Change Kernel (in VS Code: top right), "
    "and restart the kernel."
)


def _lacking(wanted: dict[str, str]) -> list[str]:
    return [package for package in wanted if _version(package) is None]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _import_problems(package: str) -> list[str]:
    """A package that is there and does not start: a broken download, another system's, a file of the same name."""
    shadow = Path.cwd() / f"{package}.py"
    if shadow.is_file():
        return [f"{shadow} has the name of a library, which Python cannot find behind it: rename your file."]
    try:
        importlib.import_module(package)
    except Exception as error:  # whatever a broken library raises
        return [
            f"{package} is installed but does not start ({type(error).__name__}: {error}). In a terminal: "
            f"`{sys.executable} -m pip install --force-reinstall --no-deps {package}=={version(package)}`; "
            "then restart the kernel."
        ]
    return []


def _folder_problems(folder: Path) -> list[str]:
    """The notebooks write figures and the zip beside themselves."""
    probe = folder / ".can-be-written"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return [f"Nothing can be saved in {folder} ({error.strerror}): move the homework's folder to your own files."]
    return []
