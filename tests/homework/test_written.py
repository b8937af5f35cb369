"""Written questions: what each notebook says of its points, and the examples that graders compare answers with."""

import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from harness import HW4

from autograder.assignment.assignment import files
from autograder.assignment.notebook import Cell, Kind, Notebook, read_node

NOTEBOOKS = {notebook.name: notebook for notebook in HW4.notebooks()}
KINDS = {"full", "partial", "zero", "unusual"}
# The last paragraph of a notebook's first cell.
POINTS = re.compile(r"\*\*Points:\*\* (\d+) by tests, (\d+) for written answers\. \*\*Time:\*\* about (\d+) minutes\.")
# A row of the table in the students' README: notebook, points by tests, points for written answers, minutes.
ROW = re.compile(
    r"^\| (?:`(\w+)\.ipynb`|\*\*total\*\*) \|[^|]*\| \**(\d+)\** \| \**(\d+)\** \| \**(\d+)\** \|$", re.MULTILINE
)
TELLING_LINE = 25  # a shorter one may well stand in the question too

each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS.values(), ids=NOTEBOOKS)


def _questions(notebook: Notebook) -> dict[str, Cell]:
    """The written questions, by grade id."""
    return {cell.grade_id: cell for cell in notebook.cells if cell.kind is Kind.WRITTEN}


def _examples(notebook: Notebook) -> dict[str, list[dict]]:
    """The examples of each question."""
    return tomllib.loads((HW4.written / f"{notebook.name}.toml").read_text(encoding="utf-8"))


def _paragraphs(text: str) -> list[str]:
    return [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text.strip())]


def _said(notebook: Notebook) -> tuple[int, int, int]:
    """What the first cell says: points by tests, points for written answers, minutes."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    said = POINTS.fullmatch(_paragraphs(first.source)[-1])
    assert said, "the first cell has to end with a paragraph `**Points:** ... **Time:** ...`"
    return int(said[1]), int(said[2]), int(said[3])


@each_notebook
def test_the_first_cell_says_how_many_points_there_are(notebook):
    written = sum(cell.points for cell in _questions(notebook).values())
    assert _said(notebook)[:2] == (notebook.points, written)


@pytest.mark.parametrize("folder", [HW4.source, HW4.release], ids=["source", "release"])
def test_the_readme_says_the_points_and_minutes_of_every_notebook_and_their_sums(folder):
    rows = ROW.findall((folder / "README.md").read_text(encoding="utf-8"))
    said = {name or "total": tuple(map(int, numbers)) for name, *numbers in rows}
    expected = {name: _said(notebook) for name, notebook in NOTEBOOKS.items()}
    sums = tuple(map(sum, zip(*expected.values(), strict=True)))
    assert said == expected | {"total": sums}
    assert sums[0] == 110, "the points by tests are a promise"


# The tables of these list parts, or there is none.
WITHOUT_ROWS = {"edge_detection", "process"}


@pytest.mark.parametrize("name", sorted(NOTEBOOKS.keys() - WITHOUT_ROWS))
def test_the_table_of_questions_has_every_written_one(name):
    """Where the first cell lists written questions one by one, it lists all of them, with their points."""
    notebook = NOTEBOOKS[name]
    table = next(cell for cell in notebook.cells if cell.cell_type == "markdown").source
    listed = re.findall(r"\*Written:\* [^|]+\| (\d+) \|", table)
    assert sorted(map(float, listed)) == sorted(cell.points for cell in _questions(notebook).values())


@each_notebook
def test_every_written_question_has_examples_of_all_kinds(notebook):
    examples = _examples(notebook)
    assert examples.keys() == _questions(notebook).keys()
    for name, entries in examples.items():
        assert {entry["kind"] for entry in entries} == KINDS, name
        for entry in entries:
            assert entry.keys() == {"kind", "points", "answer", "why"}, name
            assert entry["answer"].strip() or entry["kind"] == "zero", name
            assert entry["why"].strip(), name


@each_notebook
def test_the_examples_points_are_those_of_their_kind(notebook):
    questions = _questions(notebook)
    for name, entries in _examples(notebook).items():
        most = questions[name].points
        for entry in entries:
            points, where = entry["points"], f"{name}, {entry['kind']}: {entry['points']} of {most}"
            if entry["kind"] == "partial":
                assert 0 < points < most, where
            else:
                assert points == (0 if entry["kind"] == "zero" else most), where


@each_notebook
def test_students_never_get_the_examples(notebook):
    assert not [path for path in files(HW4.release) if path.suffix == ".toml"]
    released = "\n".join(cell.source for path in HW4.release.glob("*.ipynb") for cell in read_node(path).cells)
    for name, entries in _examples(notebook).items():
        for entry in entries:
            lines = [line for line in map(str.strip, entry["answer"].splitlines()) if len(line) >= TELLING_LINE]
            assert not [line for line in lines if line in released], name


@each_notebook
def test_graders_never_read_the_examples(notebook):
    """Zips and graders get a notebook's ``solution_files``, and what is built has nothing else."""
    assert not _below(HW4.written, HW4.solution_files(notebook))
    built = HW4.zip_path(notebook.name)
    if built.is_file():
        with zipfile.ZipFile(built) as opened:
            assert not [name for name in opened.namelist() if "/written/" in name]


def test_every_file_of_examples_is_of_a_notebook():
    assert {path.stem for path in files(HW4.written)} <= NOTEBOOKS.keys()


def _below(folder: Path, paths: list[Path]) -> list[Path]:
    return [path for path in paths if folder in path.parents]
