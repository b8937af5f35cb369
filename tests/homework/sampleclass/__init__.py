"""A small class of submissions, made from the release: right, wrong, and broken in every way seen so far.

One TOML file per student in ``students/`` says what the submission is and which questions must get no points.

    description = "what this student did"
    start = "reference"                    # for notebooks without a table; default: not handed in
    [HandDesignFilters]                    # one table per notebook
    start = "reference"                    # or "blank" (the untouched release), "missing"
    text = "..."                           # the file's whole text, in place of a notebook
    delete = ["test_edge_detecting"]       # cells by grade id
    copy = ["averaging_filtering"]         # cells that stand twice, the copy right behind
    zero = ["averaging_filtering"]         # questions that must get 0, or "all"; the others get full points
    status = "unreadable"                  # how grading must end; default "graded"
    stock = "out of time"                  # how it must end, without any points, in the frameworks as they come
    [HandDesignFilters.answers]            # grade id -> code, or the name of a known mistake
    averaging_filtering = "known mistake: divided_by_side"
    [[HandDesignFilters.extra]]            # the student's own cells
    after = "averaging_filtering"
    code = "1 / 0"
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from harness import HW4
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.assignment import catalogue
from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import SOLUTION, Notebook, nbgrader_metadata, split_region

# Seconds. In a stock framework the endless loop takes all of it, every other submission of the notebooks graded there
# a third of it on two busy cores. The engine grades edge_detection too, whose tests train networks for a minute.
STOCK_TIMEOUT = 60.0
TIMEOUT = 400.0
STUDENTS = Path(__file__).parent / "students"
_KNOWN_MISTAKE = "known mistake: "
_PLANS: dict[str, dict[str, Any]] = {
    "reference": {},
    "blank": {"start": "blank", "zero": "all"},
    "missing": {"start": "missing", "zero": "all", "status": "not handed in"},
}


@dataclass(frozen=True)
class Expected:
    """What grading one notebook of one student must give."""

    student: str
    notebook: str
    status: str
    points: dict[str, float]
    stock: str

    def outcome(self, framework: str) -> tuple[str, dict[str, float]]:
        """Status and points per question in one framework, ``engine`` or a stock one."""
        if framework == "engine" or not self.stock:
            return self.status, self.points
        return self.stock, dict.fromkeys(self.points, 0.0)


def write_class(assignment: Assignment, target: Path) -> list[Expected]:
    """Write every student's submission below ``target`` and return what each must get."""
    notebooks = [notebook for notebook in assignment.notebooks() if notebook.questions]
    expected = []
    for path in sorted(STUDENTS.glob("*.toml")):
        manifest = tomllib.loads(path.read_text())
        for notebook in notebooks:
            plan = manifest.get(notebook.name, _PLANS[manifest.get("start", "missing")])
            folder = target / path.stem
            folder.mkdir(parents=True, exist_ok=True)
            _write_submission(assignment, notebook, plan, folder / f"{notebook.name}.ipynb")
            expected.append(_expected(path.stem, notebook, plan))
    return expected


def reference_answers(notebook: Notebook) -> dict[str, str]:
    """The reference solution of every question, as a student would have written it."""
    answers = {}
    for question in notebook.questions:
        lines = question.solution.splitlines()
        answers[question.name] = "\n".join(
            line for line in lines if f"BEGIN {SOLUTION}" not in line and f"END {SOLUTION}" not in line
        )
        split_region(question.solution, SOLUTION)
    return answers


def _write_submission(assignment: Assignment, notebook: Notebook, plan: dict[str, Any], path: Path) -> None:
    start = plan.get("start", "reference")
    if start == "missing":
        return
    if "text" in plan:
        path.write_text(plan["text"])
        return
    node = nbformat.read(assignment.release / f"{notebook.name}.ipynb", as_version=4)
    answers = reference_answers(notebook) if start == "reference" else {}
    answers |= {name: _answer(notebook, name, text) for name, text in plan.get("answers", {}).items()}
    node.cells = [edited for cell in node.cells for edited in _edited(cell, answers, plan)]
    nbformat.write(node, path)


def _edited(cell: NotebookNode, answers: dict[str, str], plan: dict[str, Any]) -> list[NotebookNode]:
    """A released cell as this student hands it in, with the cells that follow it."""
    grade_id = nbgrader_metadata(cell).get("grade_id")
    if grade_id in answers:
        cell.source = answers[grade_id]
    own = [new_code_cell(extra["code"]) for extra in plan.get("extra", []) if extra["after"] == grade_id]
    copies = [NotebookNode({**cell, "id": f"{cell.id}-copy"})] if grade_id in plan.get("copy", []) else []
    return ([] if grade_id in plan.get("delete", []) else [cell]) + copies + own


def _answer(notebook: Notebook, question: str, text: str) -> str:
    if not text.startswith(_KNOWN_MISTAKE):
        return text
    entries = catalogue.read(HW4.mistakes / f"{catalogue.module_name(notebook.name)}.py")
    name = text.removeprefix(_KNOWN_MISTAKE)
    return next(e.source for e in entries if (e.question, e.name) == (question, name))


def _expected(student: str, notebook: Notebook, plan: dict[str, Any]) -> Expected:
    zero = plan.get("zero", [])
    points = {q.name: 0.0 if zero == "all" or q.name in zero else q.points for q in notebook.questions}
    unknown = set(zero if zero != "all" else []) - set(points)
    assert not unknown, f"{student}: {notebook.name} has no question {unknown}"
    return Expected(student, notebook.name, plan.get("status", "graded"), points, plan.get("stock", ""))
