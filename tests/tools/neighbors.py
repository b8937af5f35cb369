"""Two assignments in one course, each with a notebook of the same name: what one does must not touch the other."""

import hashlib
import shutil
from pathlib import Path

import nbformat
from click.testing import CliRunner, Result

from autograder.assignment.assignment import Assignment
from autograder.assignment.catalogue import module_name
from autograder.cli import main

NEW = "hw2"
QUESTION = "softmax"
RIGHT = "def softmax(x):\n    return torch.softmax(torch.as_tensor(x), dim=1)"
WRONG = "def softmax(x):\n    x = torch.as_tensor(x)\n    e = torch.exp(x - x.max())\n    return e / e.sum()"
STUDENTS = {"ada": RIGHT, "bob": WRONG}


def autograder(assignment: Assignment, *arguments: str, code: int | None = 0) -> Result:
    """Run a command for one of the course's assignments."""
    done = CliRunner().invoke(main, ["--root", str(assignment.root), "--assignment", assignment.name, *arguments])
    assert code is None or done.exit_code == code, done.output
    return done


def lay_out_beside(old: Assignment, notebook: str) -> Assignment:
    """``autograder new``, and its notebook renamed to ``notebook``, which ``old`` has too."""
    done = CliRunner().invoke(main, ["--root", str(old.root), "new", NEW])
    assert done.exit_code == 0, done.output
    new = Assignment(old.root, NEW)
    (new.source / "first_steps.ipynb").rename(new.source / f"{notebook}.ipynb")
    module = f"{module_name(notebook)}.py"
    for folder in (new.solutions, new.mistakes, new.variants):
        (folder / "first_steps.py").rename(folder / module)
    path = new.source / f"{notebook}.ipynb"
    path.write_text(path.read_text().replace("first_steps", Path(module).stem))
    return new


def submit(new: Assignment, notebook: str) -> None:
    """Let everybody submit the new assignment's notebook."""
    for student, answer in STUDENTS.items():
        node = nbformat.read(new.release / f"{notebook}.ipynb", as_version=4)
        (cell,) = (cell for cell in node.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == QUESTION)
        cell.source = answer
        path = new.submitted / student / new.name / f"{notebook}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(node, path)


def files_of(assignment: Assignment) -> dict[str, str]:
    """Everything in the course that is an assignment's own, by path: a hash of its content."""
    own = [path for path in assignment.root.rglob("*") if path.is_file() and _belongs(path, assignment)]
    assert own
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in own}


def _belongs(path: Path, assignment: Assignment) -> bool:
    parts = path.relative_to(assignment.root).parts
    return "__pycache__" not in parts and any(Path(part).stem == assignment.name for part in parts)


def live(old: Assignment, notebook: str, expected: dict[str, float], *strength: str) -> None:
    """Build, check, grade, report, give feedback and measure strength: the old one first, then the new beside it.

    The old one's submissions are there. ``expected`` are its students' points on ``notebook``; ``strength`` says which
    of its answers to try.
    """
    new = lay_out_beside(old, notebook)
    done = CliRunner().invoke(main, ["--root", str(old.root), "check"])
    assert f"choose with --assignment {' or '.join(sorted((new.name, old.name)))}" in done.output
    autograder(old, "check")
    autograder(old, "build", "--no-solved")
    _whole_way(old, notebook, expected)
    autograder(old, "strength", *strength, code=None)
    before = files_of(old)

    autograder(new, "check")
    autograder(new, "build")
    submit(new, notebook)
    _whole_way(new, notebook, {"ada": 2.0, "bob": 0.0})
    page = new.feedback("bob").read_text()
    assert "Each row has a sum of its own" in page
    measured = autograder(new, "strength", code=None)
    assert f"written: {new.strength_report}" in measured.output, measured.output
    assert f"| {notebook}, {QUESTION} | 3 / 3 | 1 / 1 | 1 / 1 |" in new.strength_report.read_text()
    assert files_of(old) == before

    new_files = files_of(new)
    shutil.rmtree(old.graded)
    _whole_way(old, notebook, expected)
    autograder(old, "strength", *strength, code=None)
    assert files_of(new) == new_files
    assert "up to date" in autograder(new, "build", "--check").output


def _whole_way(assignment: Assignment, notebook: str, expected: dict[str, float]) -> None:
    autograder(assignment, "grade", "--notebook", notebook)
    autograder(assignment, "report")
    autograder(assignment, "feedback")
    rows = (assignment.report / "grades.csv").read_text().splitlines()
    column = rows[0].split(",").index(notebook)
    found = {cells[0]: float(cells[column]) for cells in (row.split(",") for row in rows[1:])}
    assert found == expected
    assert all(assignment.feedback(student).is_file() for student in expected)
