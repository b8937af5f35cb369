"""The notebooks' last cell: what it finds, and the zip it writes."""

import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from kit import submission

RIGHT = "def double(x):\n    return x + x"


@pytest.fixture
def folder(built_mini, tmp_path, monkeypatch):
    """A folder with the released notebook, as the working folder."""
    (tmp_path / "Mini.ipynb").write_bytes((built_mini.release / "Mini.ipynb").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _edit(folder, **answers):
    path = folder / "Mini.ipynb"
    node = nbformat.read(path, as_version=4)
    for cell in node.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    nbformat.write(node, path)
    return node


def test_a_finished_notebook_is_in_order(folder, capsys):
    _edit(folder, double=RIGHT, written_why="Because.")
    (folder / "results").mkdir()
    (folder / "results" / "figure.png").write_bytes(b"png")
    submission.make("Mini")
    printed = capsys.readouterr().out
    assert "Everything is in order." in printed
    assert "✗" not in printed
    with zipfile.ZipFile(folder / "Mini_submission.zip") as archive:
        assert archive.namelist() == ["Mini.ipynb", "results/figure.png"]


def test_an_untouched_notebook_is_told_what_is_missing_and_packed(folder, capsys):
    submission.make("Mini")
    printed = capsys.readouterr().out
    assert "  ✗ not answered yet: double, written_why. If you have, save" in printed
    assert printed.count("✗") == 1  # an open question is told of once
    assert "Wrote Mini_submission.zip (1 kB)" in printed
    assert (folder / "Mini_submission.zip").exists()


def test_what_a_missing_value_keeps_from_running_is_no_finding(folder):
    node = _edit(folder)
    node.cells.append(new_code_cell("raise NameError(\"name 'double' is not defined\")"))
    node.cells.append(new_code_cell("raise NameError(\"name 'other' is not defined\")"))
    (finding,) = submission.failures(node, folder)
    assert "name 'other' is not defined" in finding


def test_a_cell_that_only_worked_by_chance_is_named(folder):
    node = _edit(folder, double=RIGHT)
    node.cells.append(new_code_cell("a_name_of_an_earlier_session + 1"))
    (finding,) = submission.failures(node, folder)
    assert finding.startswith("your cell `a_name_of_an_earlier_session + 1` fails in a fresh kernel: NameError")


def test_a_dead_kernel_is_reported(folder):
    node = _edit(folder, double="import os\nos._exit(1)")
    assert submission.failures(node, folder) == [
        "the kernel died on the way: does a cell exit Python, or use all memory?"
    ]


def test_an_answer_that_was_not_saved_is_noticed(folder, monkeypatch):
    node = _edit(folder, double=RIGHT)
    monkeypatch.setattr(submission, "_history", lambda: ["import math", RIGHT])
    assert submission.unsaved(node) == []
    monkeypatch.setattr(submission, "_history", lambda: ["import math", RIGHT.replace("x + x", "2 * x")])
    assert "double: the saved answer is not the one you ran last" in submission.unsaved(node)[0]


def test_a_renamed_notebook_is_one_clear_sentence(folder, capsys):
    (folder / "Mini.ipynb").rename(folder / "Mini (1).ipynb")
    submission.make("Mini")
    assert "Rename this notebook to Mini.ipynb" in capsys.readouterr().out
    assert not (folder / "Mini_submission.zip").exists()


def test_a_damaged_file_is_one_clear_sentence(folder, capsys):
    (folder / "Mini.ipynb").write_text("{")
    submission.make("Mini")
    assert "cannot be read as a notebook" in capsys.readouterr().out


def test_a_huge_notebook_is_noticed(folder, monkeypatch):
    monkeypatch.setattr(submission, "_LARGE_BYTES", 10)
    assert "clear outputs" in submission.oversized(folder / "Mini.ipynb")[0]
