"""A JupyterLab server of its own, and a page in Chromium that is driven as a person would."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

LAPTOP = {"width": 1366, "height": 768}
# Limits for a machine that does other things too; nothing here waits for time to pass.
SECOND = 1000.0
_PATIENCE = 120 * SECOND
_TRAINING = 1800 * SECOND  # edge_detection trains some hundred networks


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Without one this fails: `apt-get install chromium`, or name yours in ``CHROMIUM``."""
    binary = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert binary, "No Chromium is installed, and these tests need one: apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start for root; what it shows here is ours.
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def server(folder: Path, home: Path, dark: bool = False) -> Iterator[str]:
    """JupyterLab on ``folder`` with settings of its own in ``home``; yields its address with the token."""
    _write_settings(home, dark)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    options = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"]
    options += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            _wait_until_up(process, f"http://127.0.0.1:{port}/api/status?token={token}", home / "server.log")
            yield f"http://127.0.0.1:{port}/lab?token={token}&reset"
        finally:
            _stop(process)


def _stop(process: subprocess.Popen) -> None:
    """End the server; after formgrader has run in it, a thread of its own can keep it from ending by itself."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _write_settings(home: Path, dark: bool) -> None:
    settings: dict[str, dict[str, Any]] = {
        "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/apputils-extension/themes": {"theme": f"JupyterLab {'Dark' if dark else 'Light'}"},
        # Otherwise cells off the screen are not in the page.
        "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in settings.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


def _wait_until_up(process: subprocess.Popen, address: str, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, f"JupyterLab did not start:\n{log.read_text()}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError(f"JupyterLab does not answer:\n{log.read_text()}")


class Lab:
    """One JupyterLab page. ``notebook`` opens a notebook; the other methods act on the open one."""

    def __init__(self, browser: Browser, address: str, folder: Path) -> None:
        self.page: Page = browser.new_page(viewport=LAPTOP)
        self.page.set_default_timeout(_PATIENCE)
        expect.set_options(timeout=_PATIENCE)
        self.folder = folder
        self._path = Path()
        self._opened: NotebookNode | None = None
        self.page.goto(address)
        expect(self.page.locator(".jp-DirListing-item").first).to_be_visible()

    def notebook(self, name: str) -> None:
        """Open ``<name>.ipynb`` from the file browser, as one does."""
        self._path = self.folder / f"{name}.ipynb"
        self._opened = nbformat.read(self._path, as_version=4)
        self.page.locator(".jp-DirListing-item", has_text=self._path.name).dblclick()
        self.wait()

    def menu(self, menu: str, entry: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()

    def theme(self, name: str) -> None:
        """Choose a theme, ``Light`` or ``Dark``, in the menu of settings."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text="Settings").first.click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(f"JupyterLab {name}", exact=True).click()
        light = "true" if name == "Light" else "false"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)

    def run_all(self) -> None:
        """Run > Run All Cells, and wait until the kernel has run them."""
        with self._until_run(self.page.locator(".jp-CodeCell").last):
            self.menu("Run", "Run All Cells")

    @contextmanager
    def _until_run(self, cell: Locator) -> Iterator[None]:
        """Wait until what is done inside has run ``cell``: its number becomes a star, then another number."""
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.inner_text()
        yield
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=_TRAINING)
        self.wait()

    def wait(self) -> None:
        """Until the kernel is there and no cell waits or runs."""
        expect(self.page.locator(".jp-InputPrompt", has_text="[*]")).to_have_count(0, timeout=_TRAINING)
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text(") | Idle")

    def cell(self, grade_id: str) -> Locator:
        """The cell with an nbgrader id."""
        assert self._opened is not None, "open a notebook first"
        ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in self._opened.cells]
        return self.page.locator(".jp-Notebook .jp-Cell").nth(ids.index(grade_id))

    def write(self, grade_id: str, source: str) -> None:
        """Replace the text of a cell, with the keyboard."""
        cell = self.cell(grade_id)
        rendered = cell.locator(".jp-MarkdownOutput")
        if rendered.count():
            rendered.dblclick()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def run(self, grade_id: str) -> None:
        """Run one cell with Shift+Enter."""
        cell = self.cell(grade_id)
        cell.locator(".jp-InputPrompt").click()
        with self._until_run(cell):
            self.page.keyboard.press("Shift+Enter")

    def run_next(self) -> None:
        """Shift+Enter once more, which runs the cell behind the one that ran last, also a folded one."""
        self.page.keyboard.press("Shift+Enter")
        self.wait()

    def save(self) -> NotebookNode:
        """Save with Ctrl+S; returns the notebook as it is on disk then."""
        with self.page.expect_response(lambda answer: answer.request.method == "PUT" and "/contents/" in answer.url):
            self.page.keyboard.press("Control+s")
        return nbformat.read(self._path, as_version=4)
