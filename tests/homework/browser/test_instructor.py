"""An instructor's day in formgrader: autograde, grade a written answer by hand, generate feedback, read it."""

import shutil
from pathlib import Path

import nbformat
import pytest
from harness import HW4
from playwright.sync_api import FrameLocator, expect
from sampleclass import reference_answers

from autograder.assignment.notebook import nbgrader_metadata, read_notebook
from autograder.authoring.release import build_release
from browser.jupyterlab import Lab, chromium, server

NAME = "HandDesignFilters"
WRONG = "def sharpen(image, amount, size, sigma):\n    return image"
ANSWER = "Narrow stripes vanish, because each window holds a whole period of them."
COMMENT = "Well seen."


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one notebook, which Ada has handed in: one wrong answer and one written one."""
    assignment, folder = HW4, tmp_path / "course"
    folder.mkdir()
    notebook = read_notebook(assignment.source / f"{NAME}.ipynb")
    release = build_release(assignment, (notebook,), folder)
    submitted = folder / "submitted" / "ada" / "hw4"
    shutil.copytree(release, submitted)
    answers = {**reference_answers(notebook), "sharpen": WRONG, "written_windows": ANSWER}
    node = nbformat.read(submitted / f"{NAME}.ipynb", as_version=4)
    for cell in node.cells:
        cell.source = answers.get(nbgrader_metadata(cell).get("grade_id", ""), cell.source)
    nbformat.write(node, submitted / f"{NAME}.ipynb")
    return folder


def test_an_instructors_day(course: Path, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    with chromium() as browser, server(course, home) as address:
        lab = Lab(browser, address, course)
        lab.menu("Nbgrader", "Formgrader")
        formgrader = lab.page.frame_locator("iframe")
        autograde(lab, formgrader)
        grade_by_hand(formgrader)
        generate_feedback(formgrader)

        page = browser.new_page()
        page.goto((course / "feedback" / "ada" / "hw4" / f"{NAME}.html").as_uri())
        shown = page.locator("body").inner_text()
    assert f"{NAME} (Score: 9.5 / 15.0)" in shown
    for part in (
        "Test cell (Score: 2.0 / 2.0)",
        "Test cell (Score: 0.0 / 1.0)",  # sharpen
        "the example with amount 2: expected -0.213014 at (0, 1), got 0",
        "Written response (Score: 0.5 / 1.0)",
        COMMENT,
    ):
        assert part in shown, part
    for secret in ("1 point total", "solutions.generator", "HIDDEN TESTS"):  # rubrics and hidden tests
        assert secret not in shown, secret


def autograde(lab: Lab, formgrader: FrameLocator) -> None:
    """The assignment's one submission, by the button with the flash."""
    formgrader.locator("td.num-submissions a").click()
    row = formgrader.locator("tbody tr", has_text="ada")
    expect(row.locator(".status")).to_have_text("needs autograding")
    row.locator(".autograde a").click()
    close_dialog(formgrader, "Success")
    expect(row.locator(".status")).to_have_text("needs manual grading")
    expect(row.locator(".score")).to_have_text("9 / 15")


def grade_by_hand(formgrader: FrameLocator) -> None:
    """Open the submission under Manual Grading, read the rubric above the answer, give half a point and a comment."""
    formgrader.get_by_role("link", name="Manual Grading").click()
    formgrader.get_by_role("link", name="hw4", exact=True).click()
    formgrader.get_by_role("link", name=NAME).click()
    formgrader.get_by_role("link", name="Submission #1").click()
    expect(formgrader.locator("body")).to_contain_text(ANSWER)
    expect(formgrader.locator("body")).to_contain_text("0.5: says what is lost: fine detail")
    for name in ("design", "windows", "laplacian", "convolution"):
        formgrader.locator(f"input#written_{name}").fill("0.5" if name == "windows" else "0")
        formgrader.locator(f"input#written_{name}").press("Tab")
    formgrader.locator("textarea#written_windows-comment").fill(COMMENT)
    formgrader.locator("textarea#written_windows-comment").press("Tab")
    expect(formgrader.locator(".comment-saved").first).to_be_attached()


def generate_feedback(formgrader: FrameLocator) -> None:
    formgrader.get_by_role("link", name="Manual Grading").click()  # the way back
    formgrader.get_by_role("link", name="Manage Assignments").click()
    formgrader.locator("td.num-submissions a").click()
    row = formgrader.locator("tbody tr", has_text="ada")
    expect(row.locator(".status")).to_have_text("graded")
    expect(row.locator(".score")).to_have_text("9.5 / 15")
    row.locator(".generate-feedback a").click()
    close_dialog(formgrader, "Success")


def close_dialog(formgrader: FrameLocator, title: str) -> None:
    dialog = formgrader.locator(".modal.in, .modal.show")
    expect(dialog).to_contain_text(title)
    dialog.locator("button", has_text="Close").or_(dialog.locator("button").last).first.click()
    expect(dialog).to_have_count(0)
