"""What a test cell shows: a tick, or one short box in place of the traceback, which stays one click away in it.

The box is an HTML output. What ends the cell is an error output all the same, with the same sentences as plain text:
nbgrader's Validate shows that one, and so does whatever shows no HTML. Where both would be seen, JupyterLab hides the
second.
"""

import sys
import textwrap
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any

from kit.explain import Explanation, explain, tested, without_shell

# Colours that carry on light and on dark pages; the text keeps the page's own.
_BOX = (
    "border: 1px solid #d55e0080; border-left: 5px solid #d55e00; border-radius: 4px; padding: 8px 14px; margin: 4px 0"
)
_PASSED = "border-left: 5px solid #009e73; padding: 2px 14px; margin: 2px 0"
_NOT_TRIED = "border-left: 5px solid #e69f00; padding: 2px 14px; margin: 2px 0"
_GRID = "display: grid; grid-template-columns: max-content minmax(0, 62em); gap: 3px 14px; margin-top: 5px"
_CODE = "white-space: pre-wrap; overflow-wrap: anywhere; font-size: 90%; margin: 6px 0 2px"
_HIDE_TWIN = ".jp-OutputArea-child:has(> .jp-OutputArea-output .kit-box) + .jp-OutputArea-child { display: none }"
_WIDTH = 100
# What the tests of the cell that runs have to say in place of a tick.
_notes: list[str] = []


def turn_on() -> None:
    """Show boxes in this kernel from now on. Outside a Jupyter kernel nothing changes."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        shell.set_custom_exc((Exception,), _show)
        shell.events.register("post_run_cell", _tell_success)


def note(sentence: str) -> None:
    """Show this below the cell in place of a tick: its test could not try the answer.

    Such a test passes, so that grading does not count a mistake in an earlier answer twice, but it proves nothing.
    """
    _notes.append(sentence)


def html(explanation: Explanation) -> str:
    """The box."""
    rows = "".join(
        f'<div style="opacity: 0.7">{label}</div><div style="overflow-wrap: anywhere">{escape(text)}</div>'
        for label, text in explanation.lines
    )
    return (
        f'<style>{_HIDE_TWIN}</style><div class="kit-box" style="{_BOX}">'
        f"<div><b>✗ {escape(explanation.title)}</b></div>"
        f'<div style="{_GRID}">{rows}</div>'
        '<details style="margin-top: 6px"><summary style="cursor: pointer; opacity: 0.7">traceback</summary>'
        f'<pre style="{_CODE}">{escape(explanation.traceback)}</pre></details></div>'
    )


def plain(explanation: Explanation) -> list[str]:
    """The same sentences as lines of text; ``%tb`` shows the traceback."""
    indent = max(len(label) for label, _ in explanation.lines) + 2
    lines = [f"✗ {explanation.title}"]
    for label, text in explanation.lines:
        lines += textwrap.wrap(text, _WIDTH, initial_indent=label.ljust(indent), subsequent_indent=" " * indent)
    return lines


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    found: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    """IPython's handler of exceptions that end a cell (``set_custom_exc``)."""
    explanation = explain(without_shell(error), shell.user_ns["In"][-1], Path.cwd())
    if explanation is None:
        shell.showtraceback((kind, error, found), tb_offset=tb_offset, running_compiled_code=True)
        return
    from IPython.display import display

    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")  # a half-drawn figure would appear below the box
    display({"text/html": html(explanation), "text/plain": ""}, raw=True)
    shell._showtraceback(kind, error, plain(explanation))


def _tell_success(result: Any) -> None:
    """After a cell: a test that passed says so, which a folded cell could not show otherwise."""
    notes = list(_notes)
    _notes.clear()
    if result.success and (question := tested(result.info.raw_cell)):
        from IPython.display import display

        text = "○ " + " ".join(notes) if notes else f"✓ {question} passes its tests here"
        style = _NOT_TRIED if notes else _PASSED
        shown = {"text/html": f'<div style="{style}">{escape(text)}</div>', "text/plain": text}
        display(shown, raw=True)
