"""otter-grader zips for Gradescope and ``otter run``, made by otter's own ``generate`` and then put in a fixed form."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import yaml

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Notebook
from autograder.authoring.archive import write_zip
from autograder.authoring.otter_tests import otter_test
from autograder.authoring.package import PACKAGE, grader_files
from autograder.errors import NotebookError
from autograder.process import run_module

_EXECUTABLE = ("run_autograder", "setup.sh")
# https://otter-grader.readthedocs.io, "Autograder configuration": students see the scores of hidden tests, with the
# messages written for them, once grades are published; the public summary at once.
_CONFIG = {
    "lang": "python",
    "show_hidden": True,
    "force_public_test_summary": True,
    "logo": False,
    "plugins": [{"autograder.adapters.otter.SandboxPlugin": {"isolation": "strict"}}],
}
# Gradescope installs Python below /root, where the user that student code runs as could not read it.
_SETUP = b"\n# students' code runs as a user of its own, which must be able to reach Python\nchmod o+x /root\n"


def build_zip(assignment: Assignment, notebook: Notebook, work: Path) -> Path:
    """Build the zip of one notebook in the empty folder ``work`` and return its path there.

    The kits go into ``files/``, which otter copies beside the student's notebook. What otter does not copy is in the
    zip's root, and only what this notebook needs: reference answers, and for our plugin ``autograder``, the source
    notebook and the kits.
    Raises ``NotebookError`` when otter refuses.
    """
    tests = work / "tests"
    tests.mkdir(parents=True)
    for question in notebook.questions:
        (tests / f"{question.test_id}.py").write_text(otter_test(question), encoding="utf-8")
    for place, path in assignment.package_files().items():
        copy = work / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    shutil.copy(assignment.environment, work / "environment.yml")
    (work / "otter_config.json").write_text(json.dumps(_CONFIG))

    generated = work / "generated.zip"
    arguments = ["generate", "-t", "tests", "-o", generated.name, "-e", "environment.yml"]
    packages = [package.name for package in assignment.packages]
    run = run_module("otter", [*arguments, "-c", "otter_config.json", "--no-requirements", *packages], work)
    if run.code != 0:
        raise NotebookError(f"otter could not build the zip of {notebook.name}: {run.reason}")
    return _canonical(assignment, notebook, generated, work / f"{notebook.name}.zip")


def zip_environment(archive: Path) -> dict[str, Any]:
    """The conda environment that a built zip asks Gradescope to install."""
    with zipfile.ZipFile(archive) as opened:
        environment: dict[str, Any] = yaml.safe_load(opened.read("environment.yml"))
    return environment


def _canonical(assignment: Assignment, notebook: Notebook, generated: Path, target: Path) -> Path:
    """Rewrite otter's zip with ``solutions`` added, sorted, with fixed times and modes."""
    with zipfile.ZipFile(generated) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    kits = assignment.package_files().values()
    for path in [
        *assignment.solution_files(notebook),
        *kits,
        *assignment.own_settings(),
        notebook.path,
        assignment.release / notebook.path.name,
    ]:
        entries[path.relative_to(assignment.root).as_posix()] = path.read_bytes()
    for path in grader_files():
        entries[path.relative_to(PACKAGE.parent).as_posix()] = path.read_bytes()
    entries["setup.sh"] += _SETUP
    return write_zip(target, entries, _EXECUTABLE)
