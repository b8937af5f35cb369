"""The box in place of a test's traceback: what it says, and that the cell still ends as an error."""

import shutil
import subprocess
import types
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from places import ROOT

from kit import boxes, explain
from kit.checks import Mismatch

_NOTEBOOK = "HandDesignFilters"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy of the release with this notebook alone."""
    folder = tmp_path / "hw4"
    shutil.copytree(ROOT / "release" / "hw4", folder, ignore=shutil.ignore_patterns("*.ipynb", "results"))
    shutil.copy(ROOT / "release" / "hw4" / f"{_NOTEBOOK}.ipynb", folder)
    return folder


def run(folder: Path, answers: dict[str, str], cells: list[str]) -> dict[str, list[NotebookNode]]:
    """Run the set-up, the answers and these cells of the notebook in a kernel; the outputs by cell."""
    notebook = nbformat.read(folder / f"{_NOTEBOOK}.ipynb", as_version=4)
    wanted = ["check_setup", "setup", *answers, *cells]
    kept = [cell for cell in notebook.cells if _grade_id(cell) in wanted]
    for cell in kept:
        cell.source = answers.get(_grade_id(cell), cell.source)
    notebook.cells = kept
    client = NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": str(folder)}})
    client.execute(stderr=subprocess.DEVNULL)
    return {_grade_id(cell): cell.outputs for cell in kept}


def box_and_error(outputs: list[NotebookNode]) -> tuple[str, str]:
    """The HTML of the box and the text of the error behind it, which are the last outputs."""
    box, error = outputs[-2:]
    assert (box.output_type, error.output_type) == ("display_data", "error")
    assert box.data["text/plain"] == ""
    return box.data["text/html"], "\n".join(error.traceback)


def _grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def test_what_each_failure_shows(release):
    answers = {
        "averaging_filtering": "def averaging_filtering(image, filter_size=3):\n    return np.zeros((3, 4))",
        "edge_detecting": "def edge_detecting(image):\n    return ndimage.laplace(image.numpy())[0, 100]",
        "gaussian_kernel": "my_kernel = 3",
        "sharpen": "1 / 0",
    }
    cells = [f"test_{name}" for name in ("averaging_filtering", "edge_detecting", "gaussian_kernel", "as_conv2d")]
    outputs = run(release, answers, [*cells, "as_conv2d", "figure_smooth_edge", "figure_flip"])

    html, text = box_and_error(outputs["test_averaging_filtering"])
    for part in (
        "averaging_filtering does not pass its tests yet",
        "the example with n = 3, y[1, 1] and y[1, 2]",
        "0.8 at (1,)",
        "No window here leaves the image",
        "the section “Blur: the mean of a window”, above",
    ):
        assert part in html
        assert part in text
    assert "<details" in html
    assert "Mismatch: the example with n = 3" in html  # Python's traceback, one click away
    assert "Traceback" not in text

    html, text = box_and_error(outputs["test_edge_detecting"])
    assert "edge_detecting ends with an error" in text
    assert "IndexError: index 100 is out of bounds" in text
    assert "in edge_detecting, line 2 of its cell: return ndimage.laplace(image.numpy())[0, 100]" in text

    _, text = box_and_error(outputs["test_gaussian_kernel"])
    assert "name 'gaussian_kernel' is not defined" in text
    assert "Run the cell of the answer" in text

    _, text = box_and_error(outputs["test_as_conv2d"])
    assert text.startswith("✗ as_conv2d is not answered yet")
    _, text = box_and_error(outputs["figure_flip"])
    assert text.startswith("✗ as_conv2d is not answered yet")
    assert "the section “The same with conv2d”, above" in text
    assert len(outputs["figure_flip"]) == 2  # and no half-drawn figure

    _, text = box_and_error(outputs["figure_smooth_edge"])
    assert "AttributeError: 'numpy.ndarray' object has no attribute 'numpy'" in text
    assert "line 2 of its cell" in text

    (error,) = outputs["sharpen"]  # a student's own cell keeps Python's traceback
    assert "1 / 0" in "\n".join(error.traceback).replace("\x1b[32m", "").replace("\x1b[39m", "")


def test_a_figure_that_needs_an_open_answer_of_another_section_names_that_section(release):
    cell = next(
        c.source for c in nbformat.read(release / f"{_NOTEBOOK}.ipynb", 4).cells if _grade_id(c) == "figure_flip"
    )
    stub = NotImplementedError(explain.UNANSWERED)
    place = {"__name__": "__main__", "stub": stub}
    exec("def averaging_filtering():\n    raise stub", place)
    with pytest.raises(NotImplementedError) as caught:
        place["averaging_filtering"]()
    found = explain.explain(caught.value, cell, release)
    assert found is not None
    assert found.lines[-1] == ("read", "the section “Blur: the mean of a window”, above")


def test_a_test_that_could_not_try_its_question_shows_no_tick(monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data["text/plain"]))

    def after_cell() -> None:
        info = types.SimpleNamespace(raw_cell="# Tests of x. ...")
        boxes._tell_success(types.SimpleNamespace(success=True, info=info))

    boxes.note("x was not tested: y is not right yet.")
    after_cell()
    after_cell()
    assert shown == ["○ x was not tested: y is not right yet.", "✓ x passes its tests here"]


def test_every_test_cell_begins_as_the_box_expects(assignment):
    for notebook in assignment.notebooks():
        for question in notebook.questions:
            assert question.visible.startswith(f"# Tests of {question.name}"), question.test_id


def test_text_of_students_is_escaped():
    mismatch = Mismatch("<b>x</b>", "1", "<script>alert(1)</script>")
    found = explain.explain(mismatch, "# Tests of x", Path("/nowhere"))
    assert found is not None
    html = boxes.html(found)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_only_a_stub_counts_as_not_answered():
    """torch says so, too, of operations that a device or a dtype lacks."""
    cell = "# Tests of x"
    stub = explain.explain(NotImplementedError(f"{explain.UNANSWERED}: write ..."), cell, Path("/nowhere"))
    torch = explain.explain(NotImplementedError("\"conv\" not implemented for 'Half'"), cell, Path("/nowhere"))
    assert stub is not None
    assert stub.title == "x is not answered yet"
    assert torch is not None
    assert torch.title == "x ends with an error"


def test_the_stub_of_the_release_says_so(assignment):
    assert explain.UNANSWERED in assignment.nbgrader_config.read_text()


def test_an_unreadable_notebook_beside_it_does_no_harm(tmp_path):
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "other.ipynb").write_text('{"cells": [3]}')
    found = explain.explain(AssertionError("wrong"), "# Tests of x\n...", tmp_path)
    assert found is not None
    assert found.lines == (("what", "wrong"),)


def test_outside_a_kernel_nothing_changes():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    try:
        boxes.turn_on()
        assert shell.custom_exceptions == ()
    finally:
        InteractiveShell.clear_instance()
