"""Runs notebook cells as a Jupyter kernel does, and keeps what they show.

IPython does the work (magics, rich outputs, tracebacks, top-level await); here its display machinery is joined to a
list of outputs in notebook format (https://nbformat.readthedocs.io) with a limit on their size.
"""

import base64
import builtins
import getpass
import subprocess
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets import Any as AnyTrait
from traitlets.config import Config

from autograder.grading.protocol import CellAnswer
from autograder.grading.seeding import seed
from autograder.grading.student import figures

_NO_INPUT = "input() is not available while the notebook is graded: nobody is there to answer. Assign the value."


class CellOutputs:
    """The outputs of the cell that runs now; past ``limit`` bytes they are cut with a remark."""

    limit = 1 << 20

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.items: list[dict[str, Any]] = []
        self._size = 0
        self._clear_before_next = False

    def take(self) -> list[dict[str, Any]]:
        items = self.items
        self.clear()
        return items

    def add(self, output: dict[str, Any], size: int) -> None:
        self._apply_clear()
        if self._size > self.limit:
            return
        self._size += size
        if self._size > self.limit:
            text = f"\n[The rest of this cell's output is left out: it is over {self.limit >> 20} MB.]\n"
            output = {"output_type": "stream", "name": "stderr", "text": text}
        self.items.append(output)

    def write(self, name: str, text: str) -> None:
        """Stream output: successive writes to one stream are one output, as nbclient records them."""
        self._apply_clear()
        last, size = self.items[-1] if self.items else {}, _length(text)
        if last.get("output_type") == "stream" and last.get("name") == name and self._size + size <= self.limit:
            last.setdefault("parts", [last.pop("text", "")]).append(text)
            self._size += size
        else:
            self.add({"output_type": "stream", "name": name, "text": text}, size)

    def clear_output(self, wait: bool) -> None:
        if wait:
            self._clear_before_next = True
        else:
            self.clear()

    def _apply_clear(self) -> None:
        if self._clear_before_next:
            self.clear()


class _Stream:
    """Stands for ``sys.stdout`` and ``sys.stderr``."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, outputs: CellOutputs, name: str) -> None:
        self._outputs, self.name = outputs, f"<{name}>"
        self._stream = name

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._outputs.write(self._stream, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    closed = False


class _Publisher(DisplayPublisher):
    outputs = AnyTrait()

    def publish(  # type: ignore[override]
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_ignored: Any,
    ) -> None:
        display_id = (transient or {}).get("display_id")
        if update:
            for item in self.outputs.items:
                if display_id is not None and item.get("display_id") == display_id:
                    item |= {"data": dict(data), "metadata": dict(metadata or {})}
            return
        data = _as_text(data)
        item = {"output_type": "display_data", "data": data, "metadata": dict(metadata or {})}
        if display_id is not None:
            item["display_id"] = display_id
        self.outputs.add(item, _size(data))

    def clear_output(self, wait: bool = False) -> None:
        self.outputs.clear_output(wait)


class _Hook(DisplayHook):
    outputs = AnyTrait()

    def start_displayhook(self) -> None:
        self._item: dict[str, Any] = {"output_type": "execute_result", "execution_count": self.prompt_count}

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self._item |= {"data": _as_text(format_dict), "metadata": dict(md_dict or {})}

    def finish_displayhook(self) -> None:
        if self._item.get("data"):
            self.outputs.add(self._item, _size(self._item["data"]))


class StudentShell(InteractiveShell):
    """IPython without terminal, history file and questions to the user."""

    outputs = AnyTrait()
    streams = AnyTrait()

    def init_displayhook(self) -> None:
        super().init_displayhook()  # type: ignore[no-untyped-call]
        self.displayhook.outputs = self.display_pub.outputs = self.outputs  # type: ignore[attr-defined]

    def enable_gui(self, gui: str | None = None) -> None:
        """Figures are drawn into the notebook: there is no window to prepare."""

    def system(self, cmd: str) -> None:
        """``!command``: its output is the cell's, in order."""
        expanded: str = self.var_expand(cmd, depth=1)  # type: ignore[no-untyped-call]
        done = subprocess.run(expanded, shell=True, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, check=False)
        self.user_ns["_exit_code"] = done.returncode
        sys.stdout.write(done.stdout.decode(errors="replace"))

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        text = [line if isinstance(line, str) else str(line) for line in stb]
        error = {"output_type": "error", "ename": etype.__name__, "evalue": _text(evalue), "traceback": text}
        self.outputs.add(error, sum(map(_length, text)))

    def format_figure(self, figure: Any) -> None:
        """Draw a figure as a cell would, for what is slow the first time only."""
        self.display_formatter.format(figure)  # type: ignore[union-attr]

    def forget(self) -> None:
        """Back to a fresh notebook: no names, cells numbered from 1."""
        self.reset(new_session=True)  # type: ignore[no-untyped-call]
        self.execution_count = 1
        self.user_ns["exit"] = self.user_ns["quit"] = _do_nothing

    def _mend_streams(self) -> None:
        """A stream that a cell closed or took away would end whatever prints next, IPython too."""
        for name, stream in (self.streams or {}).items():
            if (current := getattr(sys, name, None)) is None or getattr(current, "closed", False):
                setattr(sys, name, stream)

    def run(self, source: str) -> CellAnswer:
        """Run one cell: its outputs, its number, and the error that ended it (None: it ran to its end)."""
        seed()
        self._mend_streams()
        result: ExecutionResult = self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        count = self.execution_count - 1
        error = result.error_before_exec or result.error_in_exec
        outputs = self.outputs.take()
        for output in outputs:
            output.pop("display_id", None)
            if parts := output.pop("parts", None):
                output["text"] = "".join(parts)
        failed = None if error is None else (type(error).__name__, _text(error)[:2000])
        return CellAnswer(outputs, count, failed)


def attach_streams(shell: StudentShell) -> None:
    """From here on what the process prints, and asks for, is the notebook's."""
    shell.streams = {name: _Stream(shell.outputs, name) for name in ("stdout", "stderr")}
    sys.stdout, sys.stderr = shell.streams.values()
    builtins.input = getpass.getpass = _no_input


def new_shell() -> StudentShell:
    """The shell of a fresh process. Made before the fork: it takes longer than most notebooks run."""
    settings = Config()
    settings.HistoryManager.enabled = False  # it would start a thread, and a process with threads cannot fork safely
    figures.draw_once()
    shell = StudentShell.instance(
        config=settings,
        outputs=CellOutputs(),
        display_pub_class=_Publisher,
        displayhook_class=_Hook,
        colors="nocolor",
    )
    # `len?` opens a pager in Jupyter; there is no output.
    shell.set_hook("show_in_pager", _do_nothing, 0)  # type: ignore[no-untyped-call]
    shell.forget()
    return shell


def _do_nothing(*_ignored: Any, **_also_ignored: Any) -> None:
    """``exit()`` ends a kernel in Jupyter, but not the grading."""


def _no_input(prompt: object = "", stream: object = None) -> str:
    raise StdinNotImplementedError(_NO_INPUT)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return f"<{type(error).__name__} without a message>"


def _length(text: str) -> int:
    return len(text.encode(errors="replace"))


def _size(data: dict[str, Any]) -> int:
    return sum(_length(value) if isinstance(value, str) else len(repr(value)) for value in data.values())


def _as_text(data: dict[str, Any]) -> dict[str, Any]:
    """Images in base64, as Jupyter sends them; some objects show their bytes."""
    return {mime: base64.b64encode(value).decode() if type(value) is bytes else value for mime, value in data.items()}
