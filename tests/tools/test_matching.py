"""Whatever happened to a submission, only the answers and the student's own cells count."""

from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from submitted import as_file

from autograder.assignment.notebook import nbgrader_metadata
from autograder.grading.assemble import Assembled
from autograder.grading.assemble import assemble as assemble_cells
from autograder.grading.intake import read_submission

ANSWER = "def double(x):\n    return x + x"


def assemble(released, submitted) -> Assembled:
    return assemble_cells(released, read_submission(as_file(submitted)))


@pytest.fixture
def released(built_mini):
    return nbformat.read(built_mini.release / "Mini.ipynb", as_version=4)


@pytest.fixture
def submitted(released):
    node = deepcopy(released)
    _cell(node, "double").source = ANSWER
    return node


def _cell(node, grade_id):
    return next(cell for cell in node.cells if nbgrader_metadata(cell).get("grade_id") == grade_id)


def _index(node, grade_id):
    return node.cells.index(_cell(node, grade_id))


def _ids(node):
    return [nbgrader_metadata(cell).get("grade_id", "") for cell in node.cells]


def test_an_honest_submission_stays_as_it_is(released, submitted):
    result = assemble(released, submitted)
    assert [cell.source for cell in result.node.cells] == [cell.source for cell in submitted.cells]
    assert result.notes == ()


def test_arguments_are_not_changed(released, submitted):
    before = deepcopy((released, submitted))
    assemble(released, submitted)
    assert (released, submitted) == before


def test_edited_tests_and_given_code_are_as_released(released, submitted):
    _cell(submitted, "test_double").source = "pass"
    _cell(submitted, "setup").source = "import os"
    _cell(submitted, "test_double").metadata["tags"] = ["skip-execution"]
    node = assemble(released, submitted).node
    for grade_id in ("test_double", "setup"):
        assert _cell(node, grade_id) == _cell(released, grade_id)


def test_deleted_cells_come_back_in_place(released, submitted):
    submitted.cells = [cell for cell in submitted.cells if not nbgrader_metadata(cell)]
    result = assemble(released, submitted)
    assert _ids(result.node) == _ids(released)
    assert any("were put back" in note and "test_double" in note for note in result.notes)
    assert any("Answer cells are missing: `double`" in note for note in result.notes)


def test_of_copied_answers_the_first_counts_and_the_rest_still_run(released, submitted):
    copy = deepcopy(_cell(submitted, "double"))
    copy.source = "def double(x):\n    return 0"
    submitted.cells.insert(_index(submitted, "double") + 1, copy)
    result = assemble(released, submitted)
    assert _ids(result.node).count("double") == 1
    assert _cell(result.node, "double").source == ANSWER
    assert result.node.cells[_index(result.node, "double") + 1].source == copy.source
    assert any("there 2 times" in note for note in result.notes)


def test_own_cells_stay_behind_the_cell_they_followed(released, submitted):
    submitted.cells.insert(0, new_markdown_cell("hello"))
    submitted.cells.insert(
        _index(submitted, "double") + 1, new_code_cell("1 / 0", metadata={"tags": ["skip-execution"]})
    )
    node = assemble(released, submitted).node
    own = node.cells[_index(node, "double") + 1]
    assert (own.source, dict(own.metadata)) == ("1 / 0", {})
    assert node.cells[0].source == "hello"


def test_moved_cells_go_back_to_the_released_order(released, submitted):
    submitted.cells.reverse()
    node = assemble(released, submitted).node
    assert _ids(node) == _ids(released)
    assert _cell(node, "double").source == ANSWER


def test_cells_that_lost_their_metadata_are_known_by_their_id(released, submitted):
    for cell in submitted.cells:
        cell.metadata.clear()
    node = assemble(released, submitted).node
    assert _ids(node) == _ids(released)
    assert _cell(node, "double").source == ANSWER


def test_an_unknown_grade_id_makes_an_own_cell(released, submitted):
    stray = new_code_cell("x = 1", metadata={"nbgrader": {"grade_id": "from_another_homework", "grade": True}})
    submitted.cells.append(stray)
    result = assemble(released, submitted)
    assert result.node.cells[-1].source == "x = 1"
    assert any("from_another_homework is none of this notebook" in note for note in result.notes)


def test_odd_metadata_does_no_harm(released, submitted):
    for cell, odd in zip(submitted.cells, [None, 3, "x", [], {"grade_id": None}, {"grade_id": 7}], strict=False):
        cell.metadata["nbgrader"] = odd
    assert _ids(assemble(released, submitted).node) == _ids(released)


def test_an_answer_turned_into_text_still_counts(released, submitted):
    index = _index(submitted, "double")
    text = new_markdown_cell(ANSWER, metadata=submitted.cells[index].metadata)
    submitted.cells[index] = text
    node = assemble(released, submitted).node
    assert (_cell(node, "double").cell_type, _cell(node, "double").source) == ("code", ANSWER)
