"""Notebooks that were damaged on their way: right work gets its points, and what was odd is said."""

import json

import nbformat
import pytest
from classroom import copy_course
from minicourse import NAME
from nbformat.v4 import new_code_cell, new_markdown_cell
from submitted import as_file

from autograder.assignment.notebook import nbgrader_metadata, read_notebook
from autograder.grading.assemble import LOOK
from autograder.grading.engine import grade_notebook
from autograder.grading.results import Status

ANSWER = "def double(x):\n    return x + x"
WORDS = "Because it is added to itself."


@pytest.fixture
def solved(built_mini):
    node = nbformat.read(built_mini.release / f"{NAME}.ipynb", as_version=4)
    cell(node, "double").source = ANSWER
    cell(node, "written_why").source = WORDS
    return node


@pytest.fixture
def grade(built_mini):
    source = read_notebook(built_mini.source / f"{NAME}.ipynb")
    return lambda data: grade_notebook(built_mini, source, data if isinstance(data, bytes) else as_file(data))


def cell(node, grade_id):
    return next(one for one in node.cells if nbgrader_metadata(one).get("grade_id") == grade_id)


def message(graded):
    (result,) = graded.results
    return result.message


def test_notes_stand_at_the_top_of_what_was_run(grade, solved):
    for one in solved.cells:
        one.metadata.clear()
        one.id = f"new-{one.id}"
    graded = grade(solved)
    assert graded.points == {"double": 3.0}
    assert any("lost their ids" in note for note in graded.notes)
    assert graded.notes[0] in graded.node.cells[0].source
    assert cell(graded.node, "written_why").source == WORDS


def test_an_honest_notebook_has_no_notes(grade, solved):
    graded = grade(solved)
    assert (graded.points, graded.notes, graded.status) == ({"double": 3.0}, (), Status.GRADED)
    assert graded.node.cells[0].source == solved.cells[0].source


@pytest.mark.parametrize("where", ["above", "below", "at the end"])
def test_an_answer_in_a_cell_of_ones_own_is_found_whatever_the_stub_does(grade, solved, built_mini, where):
    released = nbformat.read(built_mini.release / f"{NAME}.ipynb", as_version=4)
    cell(solved, "double").source = cell(released, "double").source
    at = solved.cells.index(cell(solved, "double"))
    solved.cells.insert({"above": at, "below": at + 1, "at the end": len(solved.cells)}[where], new_code_cell(ANSWER))
    graded = grade(solved)
    assert graded.points == {"double": 3.0}
    assert "We found your answer to `double` in a cell of your own." in graded.notes


def test_a_wrong_answer_in_its_cell_is_not_mended_by_a_right_one_elsewhere(grade, solved):
    cell(solved, "double").source = "def double(x):\n    return abs(2 * x)"
    solved.cells.append(new_code_cell(ANSWER))
    assert grade(solved).points == {"double": 0.0}


def test_a_written_answer_in_the_prompt_is_kept(grade, solved, built_mini):
    released = nbformat.read(built_mini.release / f"{NAME}.ipynb", as_version=4)
    cell(solved, "written_why").source = cell(released, "written_why").source
    cell(solved, "prompt_why").source += f"\n\nMY ANSWER: {WORDS}"
    graded = grade(solved)
    assert cell(graded.node, "written_why").source == f"MY ANSWER: {WORDS}"
    assert any("`prompt_why` was changed" in note for note in graded.notes)


def test_a_deleted_written_answer_waits_for_a_human(grade, solved):
    solved.cells.remove(cell(solved, "written_why"))
    graded = grade(solved)
    assert cell(graded.node, "written_why").source == LOOK
    assert "Answer cells are missing: `written_why`." in graded.notes


def test_pictures_stay(grade, solved):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    cell(solved, "written_why")["attachments"] = {"sketch.png": {"image/png": pixel}}
    solved.cells.append(new_markdown_cell("![x](attachment:x.svg)", attachments={"x.svg": {"image/svg+xml": "<svg/>"}}))
    graded = grade(solved)
    assert cell(graded.node, "written_why").attachments == {"sketch.png": {"image/png": pixel}}
    assert "attachments" not in graded.node.cells[-1]
    nbformat.validate(graded.node)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            "def double(x):\n    y = x + x\n    raise NotImplementedError('not yet')",
            "Your code is there, but so is the line `raise NotImplementedError(...)`: delete that line.",
        ),
        (
            f"%%timeit -n1 -r1\n{ANSWER}",
            "`double` is not defined: `%%timeit` discards the names that its cell defines: delete that line.",
        ),
        (f"import no_such_library\n{ANSWER}", "no_such_library is not installed where your work is graded"),
        ("def double(x):\n    return no_such_library.twice(x)", "no_such_library is not installed where"),
        ("def double(x):\n    return no_such_name.twice(x)", "name 'no_such_name' is not defined"),
    ],
)
def test_the_real_cause_is_named(grade, solved, answer, expected):
    cell(solved, "double").source = answer
    solved.cells.insert(1, new_code_cell("import no_such_library"))
    graded = grade(solved)
    assert graded.points == {"double": 0.0}
    assert expected in message(graded)
    assert ("is not installed" in message(graded)) is ("is not installed" in expected)


def test_another_notebook_is_named_and_not_run(built_mini, tmp_path):
    assignment = copy_course(built_mini, tmp_path / "course")
    node = nbformat.v4.new_notebook(
        cells=[
            new_markdown_cell("# Halving"),
            new_code_cell("print('it ran')", metadata={"nbgrader": {"grade_id": "halve", "solution": True}}),
        ]
    )
    (assignment.release / "Other.ipynb").write_bytes(as_file(node))
    source = read_notebook(assignment.source / f"{NAME}.ipynb")
    graded = grade_notebook(assignment, source, as_file(node))
    assert graded.status is Status.STRANGER
    assert graded.message == "This file was handed in as Mini, but this is Other."
    assert graded.points == {"double": 0.0}
    assert "it ran" not in json.dumps(graded.node)
    assert cell(graded.node, "written_why").source == LOOK


def test_a_notebook_of_which_nothing_is_ours_is_not_run(grade):
    graded = grade(nbformat.v4.new_notebook(cells=[new_code_cell("print('it ran')")]))
    assert (graded.status, graded.points) == (Status.STRANGER, {"double": 0.0})
    assert "from another course or term?" in graded.message


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty."),
        (b"PK\x03\x04rest", "the file is a zip archive: unpack it and hand in the notebook."),
        (b"<!DOCTYPE html>", "the file is a web page"),
        (b'{"cells": [', "it is not JSON"),
        (b"[]", "it is JSON, but has no cells."),
    ],
)
def test_what_is_no_notebook_is_said_and_waits_for_a_human(grade, data, reason):
    graded = grade(data)
    assert graded.status is Status.UNREADABLE
    assert graded.message.startswith(f"Mini.ipynb is not a valid notebook: {reason}")
    assert "Mini.ipynb is not a valid notebook" in graded.node.cells[0].source
