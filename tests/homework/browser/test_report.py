"""The class report in a real browser: sort, filter, follow links, by mouse and by keyboard; nothing on the console."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from classroom import copy_course
from click.testing import CliRunner
from playwright.sync_api import Page, sync_playwright

from autograder.cli import main
from browser.contrast import LEAST, contrasts


@pytest.fixture(scope="module")
def report(graded_mini, tmp_path_factory) -> Path:
    assignment = copy_course(graded_mini, tmp_path_factory.mktemp("report") / "course")
    for command in ("feedback", "report"):
        assert CliRunner().invoke(main, ["--root", str(assignment.root), command]).exit_code == 0
    return assignment.report / "index.html"


@pytest.fixture(params=["light", "dark", "phone"])
def page(request, report) -> Iterator[Page]:
    """The report, with no network; whatever the console says fails the test."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "this test needs Debian's chromium: apt-get install chromium"
    said: list[str] = []
    is_phone = request.param == "phone"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(
            color_scheme="dark" if request.param == "dark" else "light",
            viewport={"width": 390, "height": 800} if is_phone else {"width": 1200, "height": 900},
            offline=True,
        )
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda failed: said.append(failed.url))
        page.goto(report.as_uri())
        yield page
        browser.close()
    assert said == []


def students(page: Page) -> list[str]:
    return page.locator("#student-table tbody tr:visible th").all_inner_texts()


def test_sorting_by_mouse_and_keyboard(page):
    heading = page.locator("#student-table th", has=page.get_by_role("button", name="Total"))
    button = heading.get_by_role("button")
    button.click()
    totals = [float(text) for text in page.locator("#student-table tbody tr td:nth-child(2)").all_inner_texts()]
    assert totals == sorted(totals)
    assert heading.get_attribute("aria-sort") == "ascending"
    button.focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    totals = [float(text) for text in page.locator("#student-table tbody tr td:nth-child(2)").all_inner_texts()]
    assert totals == sorted(totals, reverse=True)
    page.locator("#student-table th").get_by_role("button", name="Student").click()
    assert heading.get_attribute("aria-sort") is None
    assert students(page)[-3:] == ["wrong0", "wrong1", "wrong2"]


def test_filtering_and_following_a_link_to_a_student(page):
    page.get_by_label("Show students").fill("right")
    assert students(page) == ["right0", "right1", "right2", "right3"]
    assert page.get_by_role("status").inner_text() == "4 of 10"
    page.locator("section", has=page.locator("#mistakes")).get_by_role("link", name="wrong1", exact=True).click()
    row = page.locator("tr:target")
    assert row.locator("th").inner_text() == "wrong1"
    assert row.is_visible()
    row.get_by_role("link", name="wrong1").click()
    assert page.locator("h1").inner_text() == "Feedback on hw1 for wrong1"
    assert "double(-3) is wrong" in page.locator("main").inner_text()
    page.go_back()
    assert page.locator("h1").inner_text() == "hw1: class report"


def test_it_fits_its_screen_and_can_be_read_by_a_screen_reader(page):
    width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    for table in page.locator("main > section table").all():
        assert table.locator("thead th[scope=col]").count() > 0
    assert page.locator("table:not(:has(caption))").count() == page.locator("details table").count()
    assert page.locator("svg[role=img][aria-label]").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_text_stands_out_enough_from_its_background(page):
    ratios = contrasts(page.locator("h1, h2, p, a, td, th, caption, dt, dd, .quiet, .bad, .good, summary"))
    assert ratios
    assert min(ratios.values()) >= LEAST, ratios
