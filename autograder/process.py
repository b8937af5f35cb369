"""Runs nbgrader and otter-grader as commands, with an end to it."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_EXCEPTION = re.compile(r"[\w.]+Error: \S")


@dataclass(frozen=True)
class Finished:
    """A command that ended, or was ended: ``code`` is None when it ran out of time."""

    code: int | None
    output: str

    @property
    def timed_out(self) -> bool:
        return self.code is None

    @property
    def reason(self) -> str:
        """The last exception in what it printed, or its last line."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        errors = [line for line in lines if _EXCEPTION.match(line)]
        return [*(lines or ["it printed nothing"])[-1:], *errors][-1]


def run_module(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    timeout: float | None = None,
    import_from: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Finished:
    """Run ``python -m module arguments`` in ``folder``; after ``timeout`` seconds end it and all it has started.

    The tools look for their own commands (nbgrader for ``alembic``) and kernels on PATH, so this Python's come first.
    It, and the kernels it starts, import from the folder ``import_from`` too, and see the environment ``variables``.
    """
    environment = {**os.environ, "PATH": _path(), **(variables or {})}
    if import_from:
        environment["PYTHONPATH"] = str(import_from)
    # A file, not a pipe: a process left behind by a notebook would keep a pipe open and us waiting.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                _end_tree(process)
        output.seek(0)
        return Finished(code, output.read().decode(errors="replace"))


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def _end_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with its descendants; kernels run in sessions of their own, out of a group signal's reach."""
    parent = psutil.Process(process.pid)
    for member in [parent, *parent.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
