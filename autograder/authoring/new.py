"""``autograder new``: an assignment that builds, checks and grades at once, to be replaced piece by piece."""

import re
from importlib.resources import as_file, files
from pathlib import Path

import yaml

from autograder.assignment.assignment import Assignment, assignment_names, name_problem
from autograder.errors import AutograderError

# Stands for the assignment's name in the template's paths and texts.
_PLACEHOLDER = "NEW_ASSIGNMENT"
# What students' notebooks import, and JupyterLab with its Validate button; kit needs no more.
_FOR_STUDENTS = ("jupyterlab", "matplotlib", "nbgrader", "numpy", "torch", "tqdm")


def lay_out(root: Path, name: str) -> Assignment:
    """Lay out the assignment ``name`` in the course in ``root``.

    It has one notebook with one question, the reference answer, a known mistake, and three correct variants. Nothing
    that is there is overwritten: raises ``AutograderError`` when the name is taken, or cannot be an assignment's.
    """
    if problem := name_problem(name):
        raise AutograderError(problem)
    assignment = Assignment(root, name)
    if name in assignment_names(root) or assignment.source.exists() or assignment.solutions.exists():
        raise AutograderError(f"there is an assignment {name} already: choose another name.")
    for path in (assignment.environment, assignment.kit, assignment.solutions.parent / "__init__.py"):
        if not path.exists():
            raise AutograderError(
                f"{path} is missing: every assignment needs it. Copy it from this project's repository."
            )
    pins = _pins(assignment)
    with as_file(files("autograder.authoring") / "template") as template:
        for path in sorted(path for path in template.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            target = root / path.relative_to(template).as_posix().replace(_PLACEHOLDER, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text(encoding="utf-8").replace(_PLACEHOLDER, name), encoding="utf-8")
    (assignment.source / "requirements.txt").write_text("\n".join(pins) + "\n", encoding="utf-8")
    environment = {
        "name": name,
        "channels": ["conda-forge"],
        "dependencies": ["python=3.11", "pip", {"pip": pins}],
    }
    (assignment.source / "environment.yml").write_text(yaml.safe_dump(environment, sort_keys=False), encoding="utf-8")
    return assignment


def _pins(assignment: Assignment) -> list[str]:
    """The lines of the course's environment that students need: the graders' versions, and where they are found."""
    environment = yaml.safe_load(assignment.environment.read_text(encoding="utf-8"))
    lines = [line for entry in environment["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]
    return [line for line in lines if line.startswith("--") or re.split(r"[=<>;\[ ]", line)[0] in _FOR_STUDENTS]
