"""Refuses source notebooks that would make a wrong release or a wrong grade.

Each rule is one function from a notebook to the problems it finds; ``lint`` runs them all.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.assignment.names import defined_names, free_names, is_empty
from autograder.assignment.notebook import (
    HIDDEN_TESTS,
    MARK_SCHEME,
    SOLUTION,
    TEST_PREFIX,
    Cell,
    Kind,
    Notebook,
    nbgrader_metadata,
    split_region,
)
from autograder.errors import NotebookError

# The kinds of cell in which each delimited region may stand.
_REGION_KINDS = {
    SOLUTION: {Kind.SOLUTION, Kind.WRITTEN},
    HIDDEN_TESTS: {Kind.TEST},
    MARK_SCHEME: {Kind.LOCKED},
}
_SOLUTIONS_IMPORT = re.compile(r"\b(?:import|from)\s+solutions\b|\bsolutions\.\w")
# Names that every IPython session has.
_SESSION_NAMES = {"get_ipython", "display", "In", "Out"}


@dataclass(frozen=True)
class Problem:
    """One finding: where it is, what is wrong, and what to do."""

    notebook: str
    cell: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.notebook}, cell {self.cell}: {self.what} {self.mend}"


def lint(notebooks: Iterable[Notebook]) -> list[Problem]:
    """All problems of all notebooks, in reading order of the rules."""
    return [problem for notebook in notebooks for rule in _RULES for problem in rule(notebook)]


def _problem(notebook: Notebook, cell: Cell, what: str, mend: str) -> Problem:
    return Problem(notebook.name, cell.grade_id or f"number {cell.index + 1}", what, mend)


def _ids(notebook: Notebook) -> Iterator[Problem]:
    """Grade ids are there and unique; every cell has an nbformat id, or builds would not be reproducible."""
    counts = Counter(cell.grade_id for cell in notebook.cells if cell.grade_id)
    # nbformat invents missing ids while reading, so this looks at the file itself.
    raw_cells = json.loads(notebook.path.read_text(encoding="utf-8-sig"))["cells"]
    for cell, node in zip(notebook.cells, raw_cells, strict=True):
        if nbgrader_metadata(node) and not cell.grade_id:
            yield _problem(notebook, cell, "it is an nbgrader cell without a grade id.", "Give it one.")
        if counts[cell.grade_id] > 1:
            yield _problem(notebook, cell, "its grade id is used more than once.", "Rename one of the cells.")
        if not node.get("id"):
            yield _problem(
                notebook, cell, "it has no cell id.", "Save the notebook once with JupyterLab (nbformat 4.5)."
            )


def _points(notebook: Notebook) -> Iterator[Problem]:
    for cell in notebook.cells:
        if cell.kind in (Kind.TEST, Kind.WRITTEN) and cell.points <= 0:
            yield _problem(notebook, cell, "it is graded but has no points.", "Set points above 0 in its metadata.")


def _regions(notebook: Notebook) -> Iterator[Problem]:
    """Regions pair up, and stand only where nbgrader removes them."""
    for cell in notebook.cells:
        for region, kinds in _REGION_KINDS.items():
            try:
                split_region(cell.source, region)
            except NotebookError as error:
                yield _problem(notebook, cell, str(error), "Every region needs one BEGIN and one END line.")
                continue
            if f"BEGIN {region}" in cell.source and cell.kind not in kinds:
                allowed = " or ".join(kind.value for kind in kinds)
                yield _problem(
                    notebook,
                    cell,
                    f"a {region} region stands in a cell that is {cell.kind.value}.",
                    f"It belongs in a cell that is {allowed}.",
                )


def _outputs(notebook: Notebook) -> Iterator[Problem]:
    for cell, node in zip(notebook.cells, notebook.node.cells, strict=True):
        if node.get("outputs") or node.get("execution_count"):
            yield _problem(notebook, cell, "outputs are left in the source.", "Clear all outputs and save.")


def _questions(notebook: Notebook) -> Iterator[Problem]:
    """A test cell has a question's name, a visible and a hidden part, and an answer before it."""
    answers: set[str] = set()
    cells = {cell.grade_id: cell for cell in notebook.cells}
    for cell in notebook.cells:
        if cell.kind is Kind.SOLUTION:
            answers.add(cell.grade_id)
        if cell.kind is Kind.TEST and cell.grade_id.removeprefix(TEST_PREFIX) not in answers:
            yield _problem(
                notebook,
                cell,
                "no solution cell before it has its question's name.",
                "A test cell `test_x` follows the solution cell `x`.",
            )
    for question in notebook.questions:
        for part, code in (("visible", question.visible), ("hidden", question.hidden)):
            if is_empty(code):
                yield _problem(notebook, cells[question.test_id], f"it has no {part} test.", "Write one.")


def _test_code(notebook: Notebook) -> Iterator[Problem]:
    """Test parts are plain Python that stands alone and leaves the notebook's names alone."""
    cells = {cell.grade_id: cell for cell in notebook.cells}
    given = _names_of_notebook(notebook)
    for question in notebook.questions:
        cell = cells[question.test_id]
        for part, code in (("visible", question.visible), ("hidden", question.hidden)):
            try:
                unknown = set(free_names(code)) - given - _SESSION_NAMES
            except SyntaxError as error:
                yield _problem(notebook, cell, f"its {part} test is no plain Python: {error.msg}.", "Mend it.")
                continue
            for name in sorted(unknown):
                yield _problem(
                    notebook,
                    cell,
                    f"its {part} test uses `{name}`, which the notebook never defines.",
                    "Define or import it in the same part of the test: each part runs alone in the otter zip.",
                )
            for name in sorted(
                n for n in defined_names(code) & given if not (n.startswith("_") or _is_import(code, n))
            ):
                yield _problem(
                    notebook,
                    cell,
                    f"its {part} test assigns `{name}`, which the notebook uses too.",
                    "Give it another name, with a leading underscore.",
                )
            if _ends_in_value(code):
                yield _problem(
                    notebook,
                    cell,
                    f"its {part} test ends in a value, which nbgrader reads as points.",
                    "End with an assertion.",
                )


def _scratch_names(notebook: Notebook) -> Iterator[Problem]:
    """Names with a leading underscore belong to their cell: any cell, tests too, may give them another value."""
    for cell in notebook.cells:
        if cell.cell_type != "code" or cell.kind not in (Kind.LOCKED, Kind.PLAIN):
            continue
        try:
            names = [name for name in free_names(cell.source) if name.startswith("_")]
        except SyntaxError:  # a magic, which is fine in given code
            continue
        for name in names:
            yield _problem(
                notebook,
                cell,
                f"it uses `{name}` of another cell, and such names are any cell's to change.",
                "Drop the underscore, or set it in the same cell.",
            )


def _secrets(notebook: Notebook) -> Iterator[Problem]:
    """What students get never mentions the reference package."""
    for cell in notebook.cells:
        if _SOLUTIONS_IMPORT.search(_released_source(cell)) and cell.cell_type == "code":
            yield _problem(
                notebook,
                cell,
                "`solutions` is used outside a hidden test and would reach students.",
                "Move it between BEGIN HIDDEN TESTS and END HIDDEN TESTS.",
            )


def _released_source(cell: Cell) -> str:
    """The part of a cell that the release keeps."""
    if cell.kind is Kind.WRITTEN:
        return ""
    region = {Kind.TEST: HIDDEN_TESTS, Kind.SOLUTION: SOLUTION, Kind.LOCKED: MARK_SCHEME}.get(cell.kind)
    if region is None:
        return cell.source
    try:
        return split_region(cell.source, region)[0]
    except NotebookError:
        return cell.source


def _names_of_notebook(notebook: Notebook) -> set[str]:
    """Every name that set-up, solution or plain code cells define."""
    kinds = (Kind.LOCKED, Kind.SOLUTION, Kind.PLAIN)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.kind in kinds]
    return set().union(*map(defined_names, code))


def _is_import(code: str, name: str) -> bool:
    """Whether ``code`` binds ``name`` by an import: importing what the notebook imports too changes nothing."""
    imports = [node for node in ast.parse(code).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return any((alias.asname or alias.name.split(".")[0]) == name for node in imports for alias in node.names)


def _ends_in_value(code: str) -> bool:
    """Whether the last statement is an expression other than a call of a check."""
    body = ast.parse(code).body
    return bool(body) and isinstance(body[-1], ast.Expr) and not isinstance(body[-1].value, ast.Call)


_RULES = (_ids, _points, _regions, _outputs, _questions, _test_code, _scratch_names, _secrets)
