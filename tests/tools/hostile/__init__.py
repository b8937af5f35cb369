"""A corpus of hostile and broken submissions, and the course that they attack.

One folder per case in ``cases/`` with a ``case.toml``:

    goal = "what the attacker wants"                 # or what is broken
    technique = "how, in a sentence"
    group = "forge"                                  # forge, read, escape, exhaust, broken
    answers.total = "def total(values): ..."         # grade id -> code; the others are the reference's
    [[extra]]                                        # own cells, after a cell by grade id ("" is the top)
    after = "setup"
    code = "..."
    [[edit]]                                         # changes to a submitted cell's JSON
    cell = "test_total"
    set = { "metadata.tags" = ["skip-execution"] }
    delete = ["test_total"]                          # cells, by grade id
    copy = ["total"]                                 # cells that stand twice; the copy comes first with `copy_first`
    file = "bom"                                     # what happens to the file: a function of `files.py`
    unreadable = "words"                             # reading it must fail so
    many_results = 5000                              # small files in the folder of results
    [results]                                        # files there
    "otter.py" = "..."
    [beside]                                         # files beside the notebook ("link: ...", "size: ...": sparse)
    "kit.py" = "..."
    [limits]                                         # fields of autograder.grading.policy.NotebookLimits
    cell_seconds = 2
    [verdicts]                                       # question -> name of a Verdict; passed where nothing is said
    total = "failed"
    [messages]                                       # words of that question's message
    total = "6"
    shows = ["PermissionError"]                      # patterns that must be in the outputs: the attack did happen
    hides = ["<script"]                              # patterns that must not
    slow = true                                      # left out of the default run
    [bites]                                          # with these limits in place of the above the case ends like this
    limits = { cell_seconds = 30 }
    verdicts = { total = "passed" }
    hides = ["left out"]

Code and files may use ``@COURSE@`` (the course's folder), ``@DROP@`` (a folder that all may write to), ``@GRADER@``
(the grader's process number), ``@VICTIM@`` (a process's), ``@PORT@``, ``@SOCKET@`` and ``@ABSTRACT@`` (addresses on
which the secret is served): an attacker who knows where everything is. Nothing here does harm where no wall stands.
"""

import json
import shutil
import tomllib
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from places import ROOT

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import (
    HIDDEN_TESTS,
    SOLUTION,
    Kind,
    Notebook,
    kind_of,
    nbgrader_metadata,
    read_notebook,
    split_region,
)
from hostile import files

HERE = Path(__file__).parent
NAME = "Attacked"


@dataclass(frozen=True)
class Case:
    """One manifest; ``plan`` is what the TOML file says."""

    name: str
    plan: dict[str, Any]

    @property
    def group(self) -> str:
        return self.plan["group"]


def read_cases() -> list[Case]:
    """All cases, group by group."""
    cases = [Case(path.parent.name, tomllib.loads(path.read_text())) for path in HERE.glob("cases/*/case.toml")]
    return sorted(cases, key=lambda case: (case.group, case.name))


def make_course(root: Path, canary: str) -> tuple[Assignment, Notebook]:
    """Lay out the course under attack in ``root``, with ``canary`` in all places where nobody may look."""
    assignment = Assignment(root, "hw1")
    folder = assignment.source
    shutil.copytree(HERE / "source" / "hw1", folder)
    shutil.copytree(HERE / "solutions", root / "solutions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "kit", assignment.kit, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / f"{NAME}.ipynb", *(root / "solutions").rglob("*.py")):
        path.write_text(path.read_text().replace("@CANARY@", canary))
    other = assignment.submitted / "another_student" / "hw1"
    other.mkdir(parents=True)
    for path in (root / "solutions" / "secret.txt", other / f"{NAME}.ipynb", root / "gradebook.db"):
        path.write_text(canary)
    notebook = read_notebook(folder / f"{NAME}.ipynb")
    released = reference(notebook)
    for cell in released.cells:
        if kind_of(cell) is Kind.SOLUTION:
            cell.source = "raise NotImplementedError"
    assignment.release.mkdir(parents=True)
    nbformat.write(released, assignment.release / notebook.path.name)
    return assignment, notebook


def reference(notebook: Notebook) -> NotebookNode:
    """A correct submission."""
    node = deepcopy(notebook.node)
    for cell in node.cells:
        if kind_of(cell) is Kind.TEST:
            cell.source = split_region(cell.source, HIDDEN_TESTS)[0]
        elif kind_of(cell) is Kind.SOLUTION:
            lines = cell.source.splitlines()
            cell.source = "\n".join(line for line in lines if not line.strip().endswith(f" {SOLUTION}"))
    return node


def write_submission(case: Case, notebook: Notebook, path: Path, places: dict[str, str]) -> None:
    """Write what the case hands in: the notebook at ``path``, and its files beside it and in ``results``."""
    plan = _filled(case.plan, places)
    node = reference(notebook)
    node.cells = [made for cell in node.cells for made in _cells(cell, plan)]
    node.cells[:0] = [new_code_cell(extra["code"]) for extra in plan.get("extra", []) if not extra["after"]]
    text = json.dumps(node)
    path.write_bytes(getattr(files, plan["file"])(text) if "file" in plan else text.encode())
    results = {f"results/{name}": content for name, content in plan.get("results", {}).items()}
    for name, content in {**results, **plan.get("beside", {})}.items():
        _write(path.parent / name, content)
    for number in range(plan.get("many_results", 0)):
        place = path.parent / "results" / f"{number}.txt"
        place.parent.mkdir(exist_ok=True)
        place.write_text("x")


def _write(place: Path, content: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    kind, _, what = content.partition(": ")
    if kind == "link":
        place.symlink_to(what)
    elif kind == "size":
        with place.open("wb") as file:
            file.truncate(int(what))
    else:
        place.write_text(content)


def _filled(value: Any, places: dict[str, str]) -> Any:
    """``value`` with the names of places replaced by where they are."""
    if isinstance(value, dict):
        return {_filled(key, places): _filled(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, places) for item in value]
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace(f"@{name}@", place)
    return value


def _cells(cell: NotebookNode, plan: dict[str, Any]) -> list[NotebookNode]:
    """A released cell as it is handed in, with what stands around it."""
    grade_id = nbgrader_metadata(cell).get("grade_id", "")
    cells = [] if grade_id in plan.get("delete", []) else [deepcopy(cell)]
    if grade_id in plan.get("copy", []):
        cells.append(NotebookNode({**deepcopy(cell), "id": f"{cell.id}-copy"}))
    if cells and grade_id in plan.get("answers", {}):
        cells[0].source = plan["answers"][grade_id]
    for edit in plan.get("edit", []):
        if cells and edit["cell"] == grade_id:
            _edit(cells[0], edit["set"])
    return cells + [new_code_cell(extra["code"]) for extra in plan.get("extra", []) if extra["after"] == grade_id != ""]


def _edit(cell: NotebookNode, changes: dict[str, Any]) -> None:
    for place, value in changes.items():
        *parents, last = place.split(".")
        target = cell
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
