"""What the benchmarks share: the assignment that they measure, where tests keep helpers, and docs/benchmarks.md.

That page has a section per benchmark, which the benchmark replaces when it is run with ``--write``.
"""

import argparse
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from autograder.assignment.assignment import Assignment

ROOT = Path(__file__).parents[1]
HW4 = Assignment(ROOT, "hw4")
# What `sys.path` needs for the helpers of the tests.
HELPERS = [str(ROOT), *(str(ROOT / folder) for folder in ("tests", "tests/tools", "tests/homework"))]
PAGE = ROOT / "docs" / "benchmarks.md"
_PACKAGES = ("torch", "matplotlib", "ipython", "nbgrader", "otter-grader", "distributed")


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options of every benchmark."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the result into docs/benchmarks.md")
    return parser


def publish(title: str, text: str, write: bool) -> None:
    """Print a section, and replace the one of this title in the page, or add it at the end."""
    print(f"## {title}\n\n{text}")
    if not write:
        return
    section = f"## {title}\n\n{text.strip()}\n\nMeasured on {_machine()}.\n"
    page = PAGE.read_text(encoding="utf-8")
    old = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    page = old.sub(lambda _: f"{section}\n", page) if old.search(page) else f"{page.rstrip()}\n\n{section}"
    PAGE.write_text(f"{page.rstrip()}\n", encoding="utf-8")


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (match := re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())):
        processor = match[1]
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return (
        f"{os.cpu_count()} cores of {processor}, {memory} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, {packages}"
    )
