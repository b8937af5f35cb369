"""Runs a source notebook's cells in this process, as IPython does, with answers exchanged.

It is the plain kernel of the tests: fast enough to try hundreds of right and wrong answers.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from IPython.core.interactiveshell import InteractiveShell
from places import ROOT

from autograder.assignment.assignment import Assignment
from autograder.assignment.notebook import Cell, Kind, Notebook, read_notebook

HW4 = Assignment(ROOT, "hw4")


@dataclass(frozen=True)
class PlainOutcome:
    """The exceptions of the visible and of the hidden test; None where it passed."""

    visible: BaseException | None
    hidden: BaseException | None

    @property
    def passed(self) -> bool:
        return self.visible is None and self.hidden is None


class PlainKernel:
    """An IPython shell of its own in which cells of ``notebook`` run.

    Used as a context manager: it makes ``get_ipython`` of test helpers find this shell, and works in ``folder``.
    """

    def __init__(self, notebook: str, folder: Path) -> None:
        self.notebook: Notebook = read_notebook(HW4.source / f"{notebook}.ipynb")
        self.folder = folder

    def __enter__(self) -> "PlainKernel":
        matplotlib.use("agg")
        self._before = (Path.cwd(), list(sys.path), sys.displayhook, sys.excepthook)
        os.chdir(self.folder)
        for path in (str(HW4.source), str(ROOT)):
            if path not in sys.path:
                sys.path.insert(0, path)
        InteractiveShell.clear_instance()
        self.shell = InteractiveShell.instance()
        self.shell.showtraceback = lambda *args, **kwargs: None  # type: ignore[method-assign]
        return self

    def __exit__(self, *exception: object) -> None:
        InteractiveShell.clear_instance()
        cwd, path, sys.displayhook, sys.excepthook = self._before
        sys.path[:] = path
        os.chdir(cwd)
        import matplotlib.pyplot as plt

        plt.close("all")

    def run(self, source: str) -> BaseException | None:
        """Run one cell; the exception it ended with, if any."""
        result = self.shell.run_cell(source, store_history=True)
        return result.error_before_exec or result.error_in_exec

    def run_given(self) -> None:
        """Run the notebook's set-up: every locked code cell before the first solution cell."""
        for cell in self.notebook.cells:
            if cell.kind is Kind.SOLUTION:
                return
            if cell.cell_type == "code" and cell.kind in (Kind.LOCKED, Kind.PLAIN):
                self._must_run(cell)

    def run_solutions(self) -> None:
        """Run every reference solution cell."""
        for cell in self.notebook.cells:
            if cell.kind is Kind.SOLUTION and cell.cell_type == "code":
                self._must_run(cell)

    def grade(self, name: str, answer: str) -> PlainOutcome:
        """Run ``answer`` as the solution cell of the question ``name`` and then the question's tests.

        The reference answer is put back afterwards.
        """
        question = next(question for question in self.notebook.questions if question.name == name)
        error = self.run(answer)
        if error is None:
            outcome = PlainOutcome(self.run(question.visible), self.run(question.hidden))
        else:
            outcome = PlainOutcome(error, error)
        self.run(question.solution)
        return outcome

    def _must_run(self, cell: Cell) -> None:
        error = self.run(cell.source)
        assert error is None, f"{self.notebook.name}, cell {cell.grade_id or cell.index}: {error!r}"
