"""The last cell of every notebook: check what will be handed in, and pack it.

Nothing here is needed for grading, and nothing stops a student from handing in unfinished work: every finding is
printed, and the zip is written all the same.
"""

import subprocess
import zipfile
from pathlib import Path
from typing import Any

import nbformat

from kit.explain import UNANSWERED
from kit.installation import in_colab

# Gradescope takes 100 MB; a notebook has well under 5 MB unless it prints or plots too much.
_LARGE_BYTES = 20_000_000
_SECONDS_PER_CELL = 600
_STUBS = {"code": UNANSWERED, "markdown": "YOUR ANSWER HERE"}
_RENAME = "Rename this notebook to {} (File > Rename) and run this cell again."
_COLAB = "In Colab choose File > Download > Download .ipynb, and hand in that file."


def make(name: str) -> None:
    """Check ``<name>.ipynb`` in the working folder and write ``<name>_submission.zip`` beside it.

    The zip holds the notebook and, if there is one, the folder ``results/``. Findings are printed; nothing is raised.
    """
    path = Path(f"{name}.ipynb")
    try:
        notebook = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        print(f"There is no {path} here. {_COLAB if in_colab() else _RENAME.format(path)}")
        return
    except Exception:  # nbformat raises whatever its JSON and schema readers raise
        print(f"{path} cannot be read as a notebook. Save it again (Ctrl+S) and run this cell again.")
        return
    print(f"Checking {path} as it is saved on disk ...")
    findings = unsaved(notebook) + oversized(path)
    if missing := unanswered(notebook):
        findings.append(f"not answered yet: {', '.join(missing)}. If you have, save (Ctrl+S) and run this cell again.")
    print("Running it from top to bottom in a fresh kernel ...")
    findings += failures(notebook, path.parent)
    for finding in findings:
        print(f"  ✗ {finding}")
    archive = pack(path)
    verdict = "Everything is in order." if not findings else "You can hand it in like this, or mend it and run again."
    print(f"{verdict}\nWrote {archive} ({_size(archive)}): upload this file.")


def unsaved(notebook: nbformat.NotebookNode) -> list[str]:
    """Answers that this kernel ran in another form than the one on disk."""
    ran = _history()
    findings = []
    for name, cell in _answers(notebook, "code").items():
        latest = next((source for source in reversed(ran) if f"def {name}(" in source or f"{name} =" in source), None)
        if latest is not None and latest.strip() != cell.source.strip():
            findings.append(
                f"{name}: the saved answer is not the one you ran last. Save (Ctrl+S), run this cell again."
            )
    return findings


def unanswered(notebook: nbformat.NotebookNode) -> list[str]:
    """Questions whose cell still holds the text that was there in the beginning."""
    return [
        name for kind, stub in _STUBS.items() for name, cell in _answers(notebook, kind).items() if stub in cell.source
    ]


def oversized(path: Path) -> list[str]:
    """A notebook file so large that uploads may fail."""
    size = path.stat().st_size
    if size <= _LARGE_BYTES:
        return []
    return [f"{path} has {_size(path)}: clear outputs (Edit > Clear Outputs of All Cells) and save."]


def failures(notebook: nbformat.NotebookNode, folder: Path) -> list[str]:
    """Cells that raise when the notebook runs from top to bottom in a fresh kernel; the notebook is not changed."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    text = nbformat.v4.writes(notebook)
    copy = nbformat.from_dict(nbformat.v4.reads(text))
    client = NotebookClient(
        copy,
        timeout=_SECONDS_PER_CELL,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(stderr=subprocess.DEVNULL)  # what the kernel tells its terminal is not for students
    except CellTimeoutError:
        return [f"a cell runs for more than {_SECONDS_PER_CELL} s: is there a loop without an end?"]
    except DeadKernelError:
        return ["the kernel died on the way: does a cell exit Python, or use all memory?"]
    # What an open question keeps from running is no finding of its own.
    consequences = [UNANSWERED, *(f"name '{name}' is not defined" for name in unanswered(notebook))]
    failed = ((cell, error.evalue) for cell in copy.cells if (error := _error(cell)))
    return [_failure(cell) for cell, message in failed if not any(text in message for text in consequences)]


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def pack(path: Path) -> Path:
    """Write the zip of a notebook and the folder ``results/`` beside it; returns the zip's path."""
    archive = path.with_name(f"{path.stem}_submission.zip")
    results = sorted(item for item in (path.parent / "results").rglob("*") if item.is_file())
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for item in (path, *results):
            opened.write(item, item.relative_to(path.parent))
    return archive


def _answers(notebook: nbformat.NotebookNode, cell_type: str) -> dict[str, nbformat.NotebookNode]:
    """The answer cells of one type by their question's name."""
    cells = [cell for cell in notebook.cells if cell.cell_type == cell_type]
    return {_metadata(cell)["grade_id"]: cell for cell in cells if _metadata(cell).get("solution")}


def _metadata(cell: nbformat.NotebookNode) -> dict[str, Any]:
    found: dict[str, Any] = cell.metadata.get("nbgrader", {})
    return found


def _error(cell: nbformat.NotebookNode) -> Any:
    """The error output of a cell, if it has one."""
    return next((output for output in cell.get("outputs", []) if output.output_type == "error"), None)


def _failure(cell: nbformat.NotebookNode) -> str:
    error = _error(cell)
    name = _metadata(cell).get("grade_id")
    where = f"cell {name}" if name else f"your cell `{(cell.source.strip().splitlines() or [''])[0][:40]}`"
    message = (error.evalue.strip().splitlines() or [""])[0]
    return f"{where} fails in a fresh kernel: {error.ename}: {message}"


def _history() -> list[str]:
    """The cells that ran in this kernel, oldest first; nothing outside IPython."""
    try:
        from IPython import get_ipython
    except ImportError:
        return []
    shell = get_ipython()
    return list(shell.user_ns.get("In", [])) if shell else []
