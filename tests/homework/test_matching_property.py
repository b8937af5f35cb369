"""Whatever happens to a solved notebook on its way, each answer is found: edits of every kind, in every order."""

import ast
import json
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from random import Random

import pytest
from damage import EDITS, Draft, Edit
from harness import HW4
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.assignment.notebook import Kind, kind_of, nbgrader_metadata, read_node
from autograder.grading.assemble import Assembled, assemble
from autograder.grading.cell_text import plain
from autograder.grading.intake import read_submission

NOTEBOOKS = ("HandDesignFilters", "fir_convolution", "newton_schulz", "unit_scale_mup", "process")


@cache
def _released(name):
    return read_node(HW4.release / f"{name}.ipynb")


@cache
def _solved(name) -> Draft:
    """The release with the source's answers."""
    source = {nbgrader_metadata(cell).get("grade_id"): cell for cell in read_node(HW4.source / f"{name}.ipynb").cells}
    released = _released(name)
    answers = {}
    for cell in released.cells:
        if kind_of(cell) in (Kind.SOLUTION, Kind.WRITTEN):
            grade_id = nbgrader_metadata(cell)["grade_id"]
            lines = source[grade_id].source.splitlines()
            answers[grade_id] = "\n".join(line for line in lines if not line.strip().startswith("### "))
    cells = [json.loads(json.dumps(cell)) for cell in released.cells]
    solved = [
        {**cell, "source": answers.get(nbgrader_metadata(cell).get("grade_id"), cell["source"])} for cell in cells
    ]
    return Draft(deepcopy(solved), cells, answers)


def _run(names: dict[str, str], code: str) -> None:
    """Run a cell, as far as definitions go: each name that it defines gets the text of its definition."""
    try:
        body = ast.parse(code.replace("%matplotlib", "#")).body
    except SyntaxError:
        return
    for step in body:
        if isinstance(step, ast.Raise):
            return
        if isinstance(step, ast.FunctionDef | ast.ClassDef):
            names[step.name] = ast.unparse(step)


def _tested(assembled: Assembled) -> dict[str, str]:
    """What each question's name stands for when its tests run."""
    names: dict[str, str] = {}
    found: dict[str, str] = {}
    for index, cell in enumerate(assembled.node.cells):
        if kind_of(cell) is Kind.TEST:
            test = nbgrader_metadata(cell)["grade_id"]
            tests = [] if test in assembled.tests_after else [test]
        else:
            if cell.cell_type == "code":
                _run(names, cell.source)
            tests = [test for test, after in assembled.tests_after.items() if after == index]
        for test in tests:
            name = test.removeprefix("test_")
            found[name] = names.get(name, "")
    return found


def _is_damaged(name: str, draft: Draft) -> bool:
    """Whether a given cell or an answer's cell is not where and what it was; own cells are no damage."""
    left = iter([_identity(cell) for cell in draft.cells])
    return not all(_identity(cell) in left for cell in _solved(name).cells)


def _identity(cell) -> tuple[object, ...]:
    metadata = cell["metadata"].get("nbgrader", {})
    text = "" if metadata.get("solution") else plain(cell["source"])
    return metadata.get("grade_id"), cell.get("id"), cell["cell_type"], text


def lost(name: str, edits: Sequence[tuple[Edit, int]]) -> list[str]:
    """The answers that are not found after some edits, each with a seed."""
    draft = deepcopy(_solved(name))
    for edit, seed in edits:
        edit(draft, Random(seed))
    submitted = read_submission(draft.data())
    assembled = assemble(_released(name), submitted)
    if assembled.stranger:
        # Nothing tells what it is where only written answers are left; a human looks at it.
        return [assembled.stranger] if draft.given() or draft.holding("code") else []
    missing = []
    found = _tested(assembled)
    texts = {nbgrader_metadata(cell).get("grade_id"): cell.source for cell in assembled.node.cells}
    everything = "\n\n".join(plain(cell.source) for cell in assembled.node.cells)
    released = {nbgrader_metadata(cell).get("grade_id"): cell.source for cell in _released(name).cells}
    for grade_id, answer in draft.answers.items():
        if f"test_{grade_id}" in released:
            own: dict[str, str] = {}
            _run(own, answer)
            if found[grade_id] != own[grade_id]:
                missing.append(f"{grade_id}: {found[grade_id]}")
            continue
        pieces = [plain(line) for line in answer.splitlines() if line.strip()]
        if plain(texts[grade_id]) == plain(released[grade_id]):
            missing.append(f"{grade_id} counts as unanswered")
        gone = [piece for piece in pieces if piece not in everything]
        if gone:
            missing.append(f"{grade_id} lost {gone[0][:60]!r}")
    if _is_damaged(name, draft) and not assembled.notes:
        missing.append("no note")
    return missing


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(NOTEBOOKS), st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 1 << 16)), max_size=8))
def test_every_answer_is_found_after_any_edits(name, edits):
    assert lost(name, edits) == []


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("name", ["fir_convolution", "cnn_gradients"])
def test_every_answer_is_found_after_each_edit(name, edit):
    assert [lost(name, [(edit, seed)]) for seed in range(3)] == [[], [], []]


def test_a_lost_answer_would_be_noticed():
    def clear(draft: Draft, rng: Random) -> None:
        for number in draft.holding("code") + draft.holding("markdown"):
            draft.cells[number]["source"] = "pass"

    assert len(lost("newton_schulz", [(clear, 0)])) == len(_solved("newton_schulz").answers)
