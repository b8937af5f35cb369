"""The release as a student's download: complete, in step with the pins, and it says what is wrong."""

import io
import subprocess
import sys
import types
import zipfile
from importlib.metadata import version

import nbformat
import pytest
import yaml
from places import ROOT

from kit import installation

RELEASE = ROOT / "release" / "hw4"
NOTEBOOKS = sorted(RELEASE.glob("*.ipynb"))


@pytest.fixture
def requirements(tmp_path, monkeypatch):
    """A ``requirements.txt`` to write to, in place of the release's."""
    path = tmp_path / "requirements.txt"
    monkeypatch.setattr(installation, "_REQUIREMENTS", path)
    monkeypatch.chdir(tmp_path)
    return path


def first_code_cell(path):
    return next(cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")


def test_students_pins_are_the_graders():
    graders = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    students = yaml.safe_load((RELEASE / "environment.yml").read_text())
    python, _, pip = students["dependencies"]
    assert python in graders
    assert set(pip["pip"]) < set(graders[-1]["pip"])
    lines = (RELEASE / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == pip["pip"]


def test_the_setup_check_reads_the_releases_requirements(monkeypatch):
    monkeypatch.setattr(installation, "_REQUIREMENTS", RELEASE / "requirements.txt")
    wanted = installation.requirements()
    assert wanted["torch"] == version("torch").partition("+")[0]
    assert {"numpy", "torch", "jupyterlab", "matplotlib"} < set(wanted)
    assert all(name.isidentifier() and pin[0].isdigit() for name, pin in wanted.items())
    assert installation.remarks(wanted) == []


def test_students_need_none_of_the_graders_extras():
    text = (RELEASE / "requirements.txt").read_text()
    assert not [name for name in ("otter", "click", "rich", "msgpack", "psutil", "distributed") if name in text]


def test_the_readme_names_every_notebook():
    text = (RELEASE / "README.md").read_text()
    for path in NOTEBOOKS:
        assert f"`{path.name}`" in text


def test_every_notebook_begins_with_the_same_check():
    cells = [first_code_cell(path) for path in NOTEBOOKS]
    assert len(cells) == 8
    assert {cell.metadata.nbgrader.grade_id for cell in cells} == {"check_setup"}
    assert len({cell.source for cell in cells}) == 1


def test_cells_are_prepared_for_jupyterlab():
    """Run All goes on after failures, and tests come folded."""
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            nbgrader = cell.metadata.get("nbgrader", {})
            assert ("raises-exception" in cell.metadata.get("tags", [])) == (cell.cell_type == "code")
            if cell.cell_type == "code" and nbgrader.get("grade"):
                assert cell.metadata.jupyter.source_hidden, nbgrader.grade_id


def test_the_zip_holds_the_release_and_nothing_else(built_mini):
    with zipfile.ZipFile(built_mini.dist / "hw1.zip") as archive:
        names = archive.namelist()
    released = [path.relative_to(built_mini.release.parent) for path in built_mini.release.rglob("*")]
    assert sorted(names) == sorted(path.as_posix() for path in released if (built_mini.release.parent / path).is_file())
    assert {"hw1/Mini.ipynb", "hw1/requirements.txt", "hw1/kit/__init__.py", "hw1/minikit/__init__.py"} <= set(names)


def test_in_order(requirements, capsys):
    requirements.write_text(f"# remark\nnumpy=={version('numpy')}\njupyterlab==0.0\n")
    installation.check()
    assert capsys.readouterr().out == "Everything that this homework needs is here.\n"


def test_a_missing_package_is_named_with_its_mend(requirements, capsys):
    requirements.write_text(f"numpy=={version('numpy')}\nno-such-package==1.0\n")
    installation.check()
    printed = capsys.readouterr().out
    assert f"✗ Not installed for this notebook's Python ({sys.executable}): no-such-package." in printed
    assert "README.md" in printed
    assert "restart the kernel" in printed
    assert printed.endswith("Mend this before you go on.\n")


def test_another_version_is_a_remark(requirements, capsys):
    requirements.write_text("numpy==0.1\n")
    installation.check()
    printed = capsys.readouterr().out
    assert f"numpy {version('numpy')} (there: 0.1)" in printed
    assert "Everything that this homework needs is here." in printed


def test_a_file_that_hides_a_library_is_named(requirements, capsys):
    requirements.write_text(f"numpy=={version('numpy')}\n")
    (requirements.parent / "numpy.py").write_text("")
    installation.check()
    assert "numpy.py has the name of a library" in capsys.readouterr().out


def test_a_library_that_does_not_start_is_named(requirements, capsys, monkeypatch):
    def broken(name):
        raise OSError("libcudart.so: cannot open shared object file")

    monkeypatch.setattr(installation.importlib, "import_module", broken)
    requirements.write_text(f"numpy=={version('numpy')}\n")
    installation.check()
    printed = capsys.readouterr().out
    assert "numpy is installed but does not start (OSError: libcudart.so" in printed
    assert "--force-reinstall" in printed


def test_an_old_python_is_named(requirements, capsys, monkeypatch):
    monkeypatch.setattr(installation.sys, "version_info", (3, 9, 1))
    requirements.write_text(f"numpy=={version('numpy')}\n")
    installation.check()
    assert "This is Python 3.9, the homework needs 3.11" in capsys.readouterr().out


def test_where_a_grader_runs_it_says_nothing(requirements, capsys):
    installation.check()
    assert capsys.readouterr().out == ""


# This repository's own kit is installed here, so that its notebooks run; students have none.
NO_KIT_INSTALLED = (
    "import sys\nsys.meta_path[:] = [one for one in sys.meta_path if 'editable' not in repr(one).lower()]\n"
)


def test_colab_asks_for_the_zip_and_installs_what_is_missing(tmp_path):
    """The first cell with a stand-in for ``google.colab``: it has the two calls that the cell makes of it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(path for path in RELEASE.rglob("*") if path.suffix in (".py", ".mplstyle")):
            archive.write(path, f"hw4/{path.relative_to(RELEASE)}")
        archive.writestr("hw4/requirements.txt", f"numpy=={version('numpy')}\nno-such-package==1.0\njupyterlab==0.0\n")
    (tmp_path / "download").write_bytes(packed.getvalue())
    script = tmp_path / "colab.py"
    script.write_text(f"""{NO_KIT_INSTALLED}
import pathlib, subprocess, sys, types
def upload():
    content = pathlib.Path("download").read_bytes()
    pathlib.Path("hw4 (1).zip").write_bytes(content)
    return {{"hw4 (1).zip": content}}
files = types.SimpleNamespace(upload=upload)
sys.modules["google"] = types.ModuleType("google")
sys.modules["google.colab"] = types.SimpleNamespace(files=files)
subprocess.run = lambda command, check: print("ran", *command[1:])
cell = {first_code_cell(NOTEBOOKS[0]).source!r}
exec(cell)
import hw4kit, kit
for package in (kit, hw4kit):
    print("from", pathlib.Path(package.__file__).resolve().relative_to(pathlib.Path.cwd().parent))
exec(cell)  # once more: it does not ask again
""")
    done = subprocess.run(
        [sys.executable, "-P", script.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Choose hw4.zip") == 1
    assert "ran -m pip install --quiet no-such-package==1.0\n" in done.stdout
    assert "from hw4/kit/__init__.py\nfrom hw4/hw4kit/__init__.py\n" in done.stdout


def test_without_the_kit_the_first_cell_says_what_to_do(tmp_path):
    cell = NO_KIT_INSTALLED + first_code_cell(NOTEBOOKS[0]).source
    done = subprocess.run([sys.executable, "-P", "-c", cell], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "ImportError: There is no folder kit here: unpack all of hw4.zip" in done.stderr


def test_colab_is_recognised(monkeypatch):
    assert not installation.in_colab()
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert installation.in_colab()
