"""The pages: every link leads somewhere, and the instructor guide's commands do what it says."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dask.config
import distributed  # noqa: F401  (its settings' defaults)
import pytest
import yaml
from places import ROOT

PAGES = [ROOT / "README.md", ROOT / "source" / "hw4" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)")
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for path, anchor in _LINK.findall(page.read_text()):
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {path}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {path}#{anchor}"


def test_every_page_is_linked_from_the_readme_or_a_page_that_is():
    found, new = set(), {ROOT / "README.md"}
    while new:
        page = new.pop()
        found.add(page)
        linked = {(page.parent / path).resolve() for path, _ in _LINK.findall(page.read_text()) if path.endswith(".md")}
        new |= linked - found
    assert set((ROOT / "docs").glob("*.md")) <= found


def test_dask_knows_the_settings_that_a_page_gives():
    """Those that it does not know it ignores, also misspelled names of certificates."""
    (block,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "grading.md").read_text(), re.M | re.S)
    given = dict(_settings(yaml.safe_load(block)))
    assert {name for name in given if name.endswith("key")} == {
        f"distributed.comm.tls.{role}.key" for role in ("scheduler", "worker", "client")
    }
    for name in given:
        dask.config.get(name)  # KeyError where there is none


def _settings(tree: dict, above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _settings(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


@pytest.mark.slow
def test_the_instructor_guides_commands_work(tmp_path: Path):
    """All of them, in order, in a copy of the repository; then the release is still what the source gives."""
    course = tmp_path / "course"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (course / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, course / name)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(commands: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout

    run("git init --quiet; git add --all")
    printed = "".join(map(run, _BLOCK.findall((ROOT / "docs" / "instructor-guide.md").read_text())))
    assert "hw4/requirements.txt" in printed  # what unzip lists
    assert "HandDesignFilters: 10 points" in printed
    assert (course / "feedback" / "ada" / "hw4.html").is_file()
    assert (course / "report" / "hw4" / "index.html").is_file()
    assert (course / "grades.csv").read_text().count("ada") == 1
    run("autograder build --check")
