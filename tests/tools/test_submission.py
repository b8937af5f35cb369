"""The notebooks' last cell: what it finds, and the zip it writes."""

import json
import os
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from kit import installation, released, submission
from kit.own_files import files_elsewhere, missing_imports, own_files

RIGHT = "def double(x):\n    return x + x"


@pytest.fixture
def folder(built_mini, tmp_path, monkeypatch):
    """A folder with the released notebook, as the working folder."""
    (tmp_path / "Mini.ipynb").write_bytes((built_mini.release / "Mini.ipynb").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(released, "LIST", built_mini.release / "kit" / "released.json")
    monkeypatch.setattr(installation, "_REQUIREMENTS", built_mini.release / "requirements.txt")
    return tmp_path


def _edit(folder, **answers):
    path = folder / "Mini.ipynb"
    node = nbformat.read(path, as_version=4)
    for cell in node.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    nbformat.write(node, path)
    return node


def _compared(node):
    return released.compare(node, "Mini", released.read_release())


def _cell(node, name):
    return next(cell for cell in node.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def _made(capsys) -> str:
    submission.make("Mini")
    return capsys.readouterr().out


def _packed(folder) -> list[str]:
    with zipfile.ZipFile(folder / "Mini_submission.zip") as archive:
        return archive.namelist()


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
    (finding,) = submission.failures(node, folder, ["double"])
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
    compared = _compared(node)
    assert submission.unsaved(compared) == []
    monkeypatch.setattr(submission, "_history", lambda: ["import math", RIGHT.replace("x + x", "2 * x")])
    assert "double: the saved answer is not the one you ran last" in submission.unsaved(compared)[0]


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


def test_the_cell_never_runs_itself(folder, monkeypatch, capsys):
    node = _edit(folder, double=RIGHT)
    node.cells.append(new_code_cell("open('ran', 'a').write('x')\nfrom kit import submission\nsubmission.make('Mini')"))
    assert submission.failures(node, folder) == []
    assert not (folder / "ran").exists()
    # A second guard, should the call be written in another way.
    node.cells.append(new_code_cell("import os\nassert os.environ['KIT_SUBMISSION_CHECK']"))
    assert submission.failures(node, folder) == []
    monkeypatch.setenv("KIT_SUBMISSION_CHECK", "1")
    assert _made(capsys) == ""
    assert not (folder / "Mini_submission.zip").exists()


def test_an_answer_without_its_cell_is_lost_or_forgiven(folder):
    node = _edit(folder, double=RIGHT, written_why="Because.")
    for name in ("double", "written_why"):
        node.cells.remove(_cell(node, name))
    found = _compared(node)
    assert "no cell for double, written_why" in found.findings[0]
    node.cells.insert(2, new_code_cell(RIGHT))
    found = _compared(node)
    assert "no cell for written_why." in found.findings[0]
    assert found.forgiven == ["double is answered in a cell of your own: graders take that one."]
    assert found.answers["double"].source == RIGHT


def test_an_answer_beside_its_untouched_cell_is_no_open_question(folder):
    node = _edit(folder, written_why="Because.")
    node.cells.append(new_code_cell(RIGHT))
    found = _compared(node)
    assert submission.unanswered(found) == []
    assert "in a cell of your own" in found.forgiven[0]


def test_lost_metadata_is_forgiven_and_hides_no_open_question(folder):
    node = _edit(folder)
    for cell in node.cells:
        cell.metadata = {}
    found = _compared(node)
    assert found.findings == []
    assert "cells lost their metadata" in found.forgiven[0]
    assert submission.unanswered(found) == ["double", "written_why"]
    _cell(_edit(folder), "test_double")


def test_copies_and_foreign_cells_are_named(folder):
    node = _edit(folder, double=RIGHT, written_why="Because.")
    node.cells.append(nbformat.from_dict(_cell(node, "double")))
    foreign = nbformat.from_dict(_cell(node, "double"))
    foreign.metadata.nbgrader = {**foreign.metadata.nbgrader, "grade_id": "triple"}
    node.cells.append(foreign)
    copies, others = _compared(node).findings
    assert copies.startswith("double is there 2 times")
    assert others.startswith("cells from another course or term, which are not graded here: triple.")


def test_changed_and_missing_given_cells_are_forgiven(folder, capsys):
    node = _edit(folder, double=RIGHT, written_why="Because.")
    _cell(node, "test_double").source += "\nassert True"
    node.cells.remove(_cell(node, "prompt_why"))
    nbformat.write(node, folder / "Mini.ipynb")
    printed = _made(capsys)
    assert "  · test_double was changed: graders use the original." in printed
    assert "  · given cells are missing (prompt_why): graders put them back." in printed
    assert "✗" not in printed
    assert "The rest is in order." in printed


def test_cells_with_slips_of_format_are_checked(folder, capsys):
    _edit(folder, double=RIGHT, written_why="Because.")
    content = json.loads((folder / "Mini.ipynb").read_text())
    for cell in content["cells"]:
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
    content["cells"].append({"cell_type": "code"})
    (folder / "Mini.ipynb").write_text(json.dumps(content))
    assert "Everything is in order." in _made(capsys)


def test_own_files_travel_and_what_stays_behind_is_named(folder, capsys):
    _edit(folder, double=f"import helpers\n{RIGHT}", written_why="Because.")
    for name in ("helpers.py", "pictures/sketch.jpg", "results/a.npz", ".secret", "__pycache__/helpers.pyc",
                 ".ipynb_checkpoints/Mini.ipynb", "Other.ipynb", "Other_submission.zip", "data.zip", "README.md",
                 "kit/mine.py", "kit/__init__.py", "minikit.py", "venv/pyvenv.cfg", "venv/lib.py"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1")
    (folder / "link.py").symlink_to(folder / "helpers.py")
    os.utime(folder / "helpers.py", (0, 0))  # zips begin with 1980
    own = own_files(folder, released.read_release().files)
    assert [line.split()[0] for line in own.left_out] == ["link.py", "data.zip", "kit/mine.py", "minikit.py"]
    (folder / "README.md").unlink()
    printed = _made(capsys)
    assert _packed(folder) == ["Mini.ipynb", "results/a.npz", "helpers.py", "pictures/sketch.jpg"]
    assert "  · not in the zip: link.py (a link" in printed
    assert "✗" not in printed
    assert "It holds the notebook and results/a.npz, helpers.py, pictures/sketch.jpg." in printed


def test_what_goes_over_the_limits_is_named(folder, monkeypatch):
    for name in ("a.bin", "b.bin", "c.bin", "results/r.bin"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x" * 10)
    monkeypatch.setattr("kit.own_files._MOST_BYTES", 25)
    own = own_files(folder)
    assert [path.as_posix() for path in own.paths] == ["results/r.bin", "a.bin"]
    assert [line.split()[0] for line in own.left_out] == ["b.bin", "c.bin"]
    monkeypatch.setattr("kit.own_files._MOST_FILES", 1)
    assert len(own_files(folder).paths) == 1


def test_modules_that_graders_do_not_have_are_named(folder, tmp_path_factory, monkeypatch):
    away = tmp_path_factory.mktemp("away")
    (away / "far_away.py").write_text("")
    monkeypatch.syspath_prepend(away)
    (folder / "helpers.py").write_text("import tornado")
    code = """%matplotlib inline
import numpy.linalg, os, helpers, minikit
from dateutil import parser
import far_away
def f():
    import no_such_module
try:
    import cupy
except ImportError:
    cupy = None
if "google.colab" in dir():
    import google.colab
"""
    told = missing_imports([code], own_files(folder), {"minikit"}, ["numpy"])
    assert list(told) == ["dateutil", "far_away", "no_such_module", "tornado"]
    assert "only what requirements.txt lists" in told["dateutil"]
    assert f"lies in {away}" in told["far_away"]
    # What a listed package brings along is there: dateutil comes with matplotlib, tornado with JupyterLab.
    assert list(missing_imports([code], own_files(folder), {"minikit"}, ["matplotlib", "jupyterlab"])) == [
        "far_away", "no_such_module"
    ]  # fmt: skip


def test_an_import_is_told_once(folder, capsys):
    _edit(folder, double=f"import no_such_module\n{RIGHT}", written_why="Because.")
    printed = _made(capsys)
    assert printed.count("no_such_module") == 1
    assert "no_such_module is not beside the notebook, nor installed where you are graded." in printed


def test_files_that_do_not_travel_are_named(folder):
    (folder / "data.csv").write_text("1")
    (folder / ".hidden.csv").write_text("1")
    (folder.parent / "above.csv").write_text("1")
    sources = [f"open('data.csv'), open('../above.csv'), open({str(folder / 'data.csv')!r}), open('./data.csv')",
               "open('.hidden.csv'), open('nowhere.csv'), print('a sentence.')"]  # fmt: skip
    told = files_elsewhere(sources, own_files(folder))
    assert [line.split()[0] for line in told] == ["../above.csv", ".hidden.csv", str(folder / "data.csv")]


def test_without_the_list_the_metadata_has_to_do(folder, monkeypatch):
    monkeypatch.setattr(released, "LIST", folder / "none")
    assert submission.unanswered(_compared(_edit(folder))) == ["double", "written_why"]
