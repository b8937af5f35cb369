"""A small class for the tiny course, and what grading left behind, in a form that can be compared."""

import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from places import ROOT

from autograder.assignment.assignment import Assignment

RIGHT = "def double(x):\n    return x + x"
WRONG = "def double(x):\n    return 2 * abs(x)"
COURSE_ID = Assignment(ROOT, "").course_id
ON_TIME = "2026-01-01 10:00:00 UTC"


def copy_course(built: Assignment, target: Path) -> Assignment:
    """A copy of a built course, for a test to work in."""
    shutil.copytree(built.root, target)
    return Assignment(target, built.name)


def submit(
    assignment: Assignment,
    student: str,
    answer: str,
    written: str = "",
    timestamp: str = ON_TIME,
    root: Path | None = None,
) -> Path:
    """Hand in ``Mini`` as nbgrader's ``submitted/`` has it; empty answers stay as released. Returns the file."""
    node = nbformat.read(assignment.release / "Mini.ipynb", as_version=4)
    for cell in node.cells:
        own = {"double": answer, "written_why": written}.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        cell.source = own or cell.source
    path = (root or assignment.submitted) / student / assignment.name / "Mini.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(node, path)
    (path.parent / "timestamp.txt").write_text(timestamp)
    return path


def delete_cell(path: Path, grade_id: str) -> None:
    """Remove a cell from a submission."""
    node = nbformat.read(path, as_version=4)
    node.cells = [cell for cell in node.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != grade_id]
    nbformat.write(node, path)


def gradebook_url(assignment: Assignment) -> str:
    return f"sqlite:///{assignment.root / 'gradebook.db'}"


def dump(url: str, assignment: str = "hw1") -> dict[str, Any]:
    """Everything that the gradebook says about an assignment, database ids left out."""
    found: dict[str, Any] = {}
    with Gradebook(url, COURSE_ID) as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            for notebook in submission.notebooks:
                grades = {
                    grade.name: (grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade)
                    for grade in notebook.grades
                }
                comments = {c.name: (c.auto_comment, c.manual_comment) for c in notebook.comments}
                found[f"{submission.student.id}/{notebook.name}"] = {
                    "timestamp": str(submission.timestamp),
                    "penalty": notebook.late_submission_penalty,
                    "score": notebook.score,
                    "grades": grades,
                    "comments": comments,
                }
    return found


def files(assignment: Assignment) -> dict[str, str]:
    """The autograded notebooks and what is kept of the class, by path; how long grading took is left out."""
    found = {}
    for folder in (assignment.root / "autograded", assignment.root / "graded"):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if path.is_file() and path.name != ".lock":
                lines = path.read_text().splitlines()
                kept = [line for line in lines if not line.strip().startswith(('"wall"', '"cpu"', '"memory"'))]
                found[str(path.relative_to(assignment.root))] = "\n".join(kept)
    return found
