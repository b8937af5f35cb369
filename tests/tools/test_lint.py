"""The linter accepts a correct source notebook and refuses each mistake, naming notebook, cell and mend."""

import json

import minicourse
import pytest

from autograder.authoring.build import read_linted
from autograder.authoring.lint import lint
from autograder.errors import NotebookError


def _replace(old: str, new: str, grade_id: str = "test_double"):
    def edit(cells):
        for cell in cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
                assert old in cell.source
                cell.source = cell.source.replace(old, new)

    return edit


def _metadata(cell_id: str, **changes):
    def edit(cells):
        for cell in cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == cell_id:
                cell.metadata["nbgrader"].update(changes)

    return edit


def _output(cells):
    cells[1]["execution_count"] = 3


def _swap_answer_and_test(cells):
    cells[2], cells[3] = cells[3], cells[2]


HIDDEN = minicourse.TESTS.split("### BEGIN HIDDEN TESTS\n")[1].split("### END")[0]
MISTAKES = {
    "duplicate grade id": (_metadata("setup", grade_id="double"), "double", "used more than once"),
    "missing grade id": (_metadata("setup", grade_id=""), "number 2", "without a grade id"),
    "test without points": (_metadata("test_double", points=0), "test_double", "no points"),
    "written answer without points": (_metadata("written_why", points=0), "written_why", "no points"),
    "no visible test": (_replace('assert double(1) == 2, "double(1) should be 2"', "# look"), "test_double", "visible"),
    "no hidden test": (_replace(HIDDEN, "# nothing\n"), "test_double", "no hidden test"),
    "unclosed solution": (_replace("    ### END SOLUTION", "", "double"), "double", "never closed"),
    "unclosed rubric": (_replace("<!-- END MARK SCHEME -->", "", "prompt_why"), "prompt_why", "never closed"),
    "solution region in given code": (
        _replace("import math", "### BEGIN SOLUTION\nimport math\n### END SOLUTION", "setup"),
        "setup",
        "stands in",
    ),
    "hidden tests in an answer": (
        _replace(
            "### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS\n    ### END HIDDEN TESTS\n    ### BEGIN SOLUTION", "double"
        ),
        "double",
        "stands in",
    ),
    "outputs left": (_output, "setup", "outputs are left"),
    "unknown name in a hidden test": (_replace("double(_x) == ", "triple(_x) == "), "test_double", "`triple`"),
    "hidden test needs the visible part": (
        _replace("assert double(1) == 2", "_one = 1\nassert double(_one) == 2"),
        "test_double",
        "",
    ),
    "test takes a name of the notebook": (
        _replace("for _x in (-3", "math = 1\nfor _x in (-3"),
        "test_double",
        "`math`",
    ),
    "test ends in a value": (_replace("### END HIDDEN", "1.0\n### END HIDDEN"), "test_double", "reads as points"),
    "magic in a test": (
        _replace("import solutions.hw1.mini", "%time\nimport solutions.hw1.mini"),
        "test_double",
        "plain Python",
    ),
    "solutions in a visible test": (
        _replace("assert double(1)", "import solutions\nassert double(1)"),
        "test_double",
        "reach",
    ),
    "solutions in given code": (
        _replace("import math", "from solutions.hw1 import mini", "setup"),
        "setup",
        "reach students",
    ),
    "scratch name of another cell": (
        _replace("import math", "print(_scratch)", "setup"),
        "setup",
        "`_scratch` of another cell",
    ),
    "answer after its test": (_swap_answer_and_test, "test_double", "no solution cell before it"),
}


def test_a_correct_notebook_has_no_problems(mini):
    assert lint(mini.notebooks()) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_refused(mini, mistake):
    edit, cell, message = MISTAKES[mistake]
    cells = minicourse.cells()
    edit(cells)
    if mistake == "hidden test needs the visible part":
        _replace("double(_x) == reference.double(_x)", "double(_one) == reference.double(_one)")(cells)
        message = "`_one`"
    minicourse.write(mini, cells)
    with pytest.raises(NotebookError) as caught:
        read_linted(mini)
    lines = str(caught.value).splitlines()
    assert any(cell in line and message in line and line.startswith("Mini, ") for line in lines), lines


def test_cells_without_an_id_are_refused(mini):
    path = mini.source / "Mini.ipynb"
    raw = json.loads(path.read_text())
    del raw["cells"][0]["id"]
    path.write_text(json.dumps(raw))
    with pytest.raises(NotebookError, match="no cell id"):
        read_linted(mini)


def test_an_unclosed_hidden_region_names_notebook_cell_and_line(mini):
    cells = minicourse.cells()
    _replace("### END HIDDEN TESTS", "")(cells)
    minicourse.write(mini, cells)
    with pytest.raises(NotebookError, match=r"Mini, cell test_double: .*HIDDEN TESTS region is never closed"):
        mini.notebooks()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', "null"])
def test_an_invalid_notebook_is_one_clear_line(mini, text):
    path = mini.source / "Broken.ipynb"
    path.write_text(text)
    with pytest.raises(NotebookError, match=r"Broken\.ipynb is not a valid notebook") as caught:
        mini.notebooks()
    assert "\n" not in str(caught.value)
