"""A student's day: open the release, run it untouched, answer, validate, pack, and be graded with full marks.

HandDesignFilters' day is part of `make test`; the others, and with them the networks of edge_detection, take longer.
"""

import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from harness import HW4
from nbformat import NotebookNode
from places import ROOT
from playwright.sync_api import Browser, expect
from sampleclass import reference_answers

from autograder.assignment.notebook import Kind, Notebook
from autograder.authoring.otter_zip import build_zip
from browser.contrast import LEAST, contrasts
from browser.jupyterlab import Lab, chromium, server

NOTEBOOKS = {notebook.name: notebook for notebook in HW4.notebooks()}
QUICK = "HandDesignFilters"
DAYS = [pytest.param(name, marks=[] if name == QUICK else pytest.mark.slow) for name in NOTEBOOKS]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def lab(browser: Browser, tmp_path: Path):
    """JupyterLab on a fresh copy of the release."""
    folder, home = tmp_path / "hw4", tmp_path / "home"
    shutil.copytree(HW4.release, folder, ignore=shutil.ignore_patterns("results", "__pycache__", "*.zip"))
    home.mkdir()
    with server(folder, home) as address:
        page = Lab(browser, address, folder)
        yield page
        page.page.close()


@pytest.mark.parametrize("name", DAYS)
def test_a_students_day(lab: Lab, name: str, tmp_path: Path):
    notebook = NOTEBOOKS[name]
    lab.notebook(name)
    lab.run_all()
    assert_every_failure_is_a_box(lab.save(), notebook)
    assert_boxes_hide_their_twins(lab)
    assert_headings_make_a_table_of_contents(lab)
    assert too_wide(lab, ".cm-scroller") == []
    assert_it_can_be_read_in_both_themes(lab)
    if name == QUICK:
        assert "averaging_filtering is not answered yet" in validate(lab)

    answer_everything(lab, notebook)
    lab.save()
    lab.run_all()
    ran = lab.save()
    assert [output for cell in ran.cells for output in cell.get("outputs", []) if output.output_type == "error"] == []
    assert "Everything is in order." in text_of(ran, "submit")
    for question in notebook.questions:
        expect(lab.cell(question.test_id)).to_contain_text(f"✓ {question.name} passes its tests here")
    assert validate(lab) == "Success! Your notebook passes all the tests."
    assert_it_can_be_read_in_both_themes(lab)

    archive = lab.folder / f"{name}_submission.zip"
    if notebook.questions:  # what has tests
        assert points_of_engine(archive, notebook, tmp_path) == notebook.points
        assert points_of_otter(archive, notebook, tmp_path) == notebook.points


def test_a_wrong_answer_and_its_mend(lab: Lab):
    """The box of a wrong answer unfolds its traceback, and goes when the answer is right."""
    lab.notebook(QUICK)
    lab.run("check_setup")
    lab.run("setup")
    lab.write("averaging_filtering", "def averaging_filtering(image, filter_size=3):\n    return np.zeros((3, 4))")
    lab.run("averaging_filtering")
    lab.run_next()
    cell = lab.cell("test_averaging_filtering")
    box = cell.locator(".kit-box")
    expect(box).to_contain_text("averaging_filtering does not pass its tests yet")
    expect(box.locator("pre")).to_be_hidden()
    box.locator("summary").click()
    expect(box.locator("pre")).to_contain_text("Mismatch: the example with n = 3")

    lab.write("averaging_filtering", reference_answers(NOTEBOOKS[QUICK])["averaging_filtering"])
    lab.run("averaging_filtering")
    lab.run_next()
    expect(cell.locator(".jp-OutputArea-output")).to_have_text("✓ averaging_filtering passes its tests here")


def assert_every_failure_is_a_box(ran: NotebookNode, notebook: Notebook) -> None:
    """Each open question fails in a box, and nothing else is shown in red."""
    failed = set()
    for cell in ran.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", f"{grade_id(cell)} warns: {output.text}"
            if output.output_type == "error":
                failed.add(grade_id(cell))
                text = "\n".join(output.traceback)
                assert text.startswith("✗ "), f"{grade_id(cell)} shows a traceback: {text}"
                assert "Traceback" not in text
    assert failed >= {question.test_id for question in notebook.questions}


def assert_boxes_hide_their_twins(lab: Lab) -> None:
    """Beside a box the same sentences as an error output are not to be seen."""
    boxes = lab.page.locator(".jp-OutputArea-child:has(.kit-box)")
    twins = lab.page.locator(".jp-OutputArea-child:has(.kit-box) + .jp-OutputArea-child")
    assert twins.count() == boxes.count()
    assert not any(twin.is_visible() for twin in twins.all())


def assert_headings_make_a_table_of_contents(lab: Lab) -> None:
    """One title, and below it no level left out."""
    levels = [int(heading.evaluate("e => e.tagName[1]")) for heading in lab.page.locator(_HEADINGS).all()]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(level <= before + 1 for before, level in pairwise(levels)), levels


def assert_it_can_be_read_in_both_themes(lab: Lab) -> None:
    """Nothing is cut off at the right of a laptop's screen, and what we colour stands out from what is behind it."""
    for theme in ("Dark", "Light"):
        lab.theme(theme)
        assert too_wide(lab, ":is(.jp-MarkdownOutput, .jp-OutputArea-output)") == []
        ratios = contrasts(lab.page.locator(".kit-box, .kit-box :is(p, td, th, summary, code, a, b, span)"))
        assert min(ratios.values(), default=LEAST) >= LEAST, (theme, ratios)


def too_wide(lab: Lab, contents: str) -> list[str]:
    """What reaches over the right edge of its cell."""
    return lab.page.locator(f".jp-Notebook {contents}").evaluate_all(_TOO_WIDE)


_HEADINGS = ".jp-Notebook .jp-MarkdownOutput :is(h1, h2, h3, h4)"
_TOO_WIDE = """elements => elements.filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.className}, ${e.scrollWidth} in ${e.clientWidth}: ${e.textContent.slice(0, 100)}`)"""


def answer_everything(lab: Lab, notebook: Notebook) -> None:
    for question, answer in reference_answers(notebook).items():
        lab.write(question, answer)
    for cell in notebook.cells:
        if cell.kind is Kind.WRITTEN:
            lab.write(cell.grade_id, "Because **so** it is.")


def validate(lab: Lab) -> str:
    """Press Validate, wait for its dialog, close it; returns what it says."""
    lab.page.get_by_role("button", name="Validate").click()
    dialog = lab.page.locator(".jp-Dialog")
    expect(dialog.locator(".validation-message, .jp-Dialog-body").first).to_contain_text(".")
    said = dialog.locator(".jp-Dialog-body").inner_text()
    dialog.locator("button").last.click()
    return said.strip()


def points_of_engine(archive: Path, notebook: Notebook, tmp_path: Path) -> float:
    """What `autograder grade` prints as the total for what is in the zip; whatever it writes, it writes elsewhere."""
    course = tmp_path / "course"
    course.mkdir()
    for name in ("nbgrader_config.py", "environment.yml", "source", "release", "solutions", "kit"):
        (course / name).symlink_to(ROOT / name)
    shutil.unpack_archive(archive, tmp_path / "class" / "ada")
    command = ["--root", str(course), "grade", str(tmp_path / "class"), "--notebook", notebook.name]
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", *command], capture_output=True, text=True, cwd=course, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = re.findall(r"│ ada .*│\s+(\S+) │", done.stdout)
    return float(row)


def points_of_otter(archive: Path, notebook: Notebook, tmp_path: Path) -> float:
    """What `otter run` gives for the zip."""
    work = tmp_path / "zip"
    work.mkdir()
    autograder = build_zip(HW4, notebook, work)
    command = [sys.executable, "-m", "otter", "run", "-a", str(autograder), "-o", str(tmp_path), str(archive)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    tests = json.loads((tmp_path / "results.json").read_text())["tests"]
    return sum(test["score"] for test in tests if test["name"] != "Public Tests")


def text_of(ran: NotebookNode, name: str) -> str:
    (cell,) = (cell for cell in ran.cells if grade_id(cell) == name)
    return "".join(output.get("text", "") for output in cell.outputs)


def grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")
