"""The last cell of every notebook: check what will be handed in, and pack it.

Nothing here is needed for grading, and nothing stops a student from handing in unfinished work: every finding is
printed, and the zip is written all the same.
"""

import json
import os
import subprocess
import warnings
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import nbformat

from kit import installation
from kit.explain import UNANSWERED
from kit.installation import in_colab
from kit.own_files import OwnFiles, files_elsewhere, missing_imports, own_files
from kit.released import Compared, Release, compare, is_stub, read_release

# Gradescope takes 100 MB; a notebook has well under 5 MB unless it prints or plots too much.
_LARGE_BYTES = 20_000_000
_SECONDS_PER_CELL = 600
_MOST_NAMED = 10
_OF_CODE: dict[str, Any] = {"outputs": [], "execution_count": None}
_RENAME = "Rename this notebook to {} (File > Rename) and run this cell again."
_COLAB = "In Colab choose File > Download > Download .ipynb, and submit that file."
# The cell that calls us would start a kernel that runs the notebook, with this cell, which would start a kernel ...
_OWN_CELL = "submission.make("
_CHECKING = "KIT_SUBMISSION_CHECK"


def make(name: str) -> None:
    """Check ``<name>.ipynb`` in the working folder and write ``<name>_submission.zip`` beside it.

    The zip holds the notebook and the student's own files beside it. Findings are printed; nothing is raised. In the
    kernel that checks a notebook nothing is done.
    """
    if os.environ.get(_CHECKING):
        return
    path, release = Path(f"{name}.ipynb"), read_release()
    own = own_files(path.parent, release.files if release else ())
    try:
        notebook = _read(path)
    except FileNotFoundError:
        print(f"There is no {path} here. {_COLAB if in_colab() else _RENAME.format(path)}")
        if in_colab() and own.paths:
            print(f"Hand in the files that it needs, too: {_named(own.paths)}.")
        return
    except Exception:  # nbformat raises whatever its readers raise
        print(f"{path} cannot be read as a notebook. Save it again (Ctrl+S) and run this cell again.")
        return
    print(f"Checking {path} as it is saved on disk ...")
    compared = compare(notebook, name, release)
    findings = unsaved(compared) + oversized(path) + compared.findings
    if missing := unanswered(compared):
        findings.append(f"not answered yet: {', '.join(missing)}. If you have, save (Ctrl+S) and run this cell again.")
    lacking, elsewhere = needs(notebook, compared, own, release)
    findings += [*lacking.values(), *elsewhere]
    print("Running it from top to bottom in a fresh kernel ...")
    findings += failures(notebook, path.parent, [*missing, *lacking])
    for finding in findings:
        print(f"  ✗ {finding}")
    remarks = [*compared.forgiven, *([f"not in the zip: {_named(own.left_out)}."] if own.left_out else [])]
    for remark in remarks:
        print(f"  · {remark}")
    archive = pack(path, own)
    print(f"{_verdict(findings, remarks)}\nWrote {archive} ({_size(archive)}): upload this file.")
    if own.paths:
        print(f"It holds the notebook and {_named(own.paths)}.")


def _verdict(findings: list[str], remarks: list[str]) -> str:
    if findings:
        return "You can submit it like this, or fix it and run this cell again."
    return "The rest is in order." if remarks else "Everything is in order."


def _read(path: Path) -> nbformat.NotebookNode:
    """The notebook; what cells lack of the format, which graders forgive, is put in."""
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    for cell in content.get("cells", []):
        lacking = {"metadata": {}, "source": "", **(_OF_CODE if cell["cell_type"] == "code" else {})}
        cell.update({key: value for key, value in lacking.items() if key not in cell})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on ids that older notebooks do not have
        notebook: nbformat.NotebookNode = nbformat.reads(json.dumps(content), as_version=4)
    return notebook


def unsaved(compared: Compared) -> list[str]:
    """Answers that this kernel ran in another form than the one on disk."""
    ran = _history()
    findings = []
    for name, cell in compared.answers.items():
        if cell.cell_type != "code":
            continue
        latest = next((source for source in reversed(ran) if f"def {name}(" in source or f"{name} =" in source), None)
        if latest is not None and latest.strip() != cell.source.strip():
            findings.append(
                f"{name}: the saved answer is not the one you ran last. Save (Ctrl+S), run this cell again."
            )
    return findings


def unanswered(compared: Compared) -> list[str]:
    """Questions whose cell still holds the text that was there in the beginning."""
    return [name for name, cell in compared.answers.items() if is_stub(cell)]


def needs(
    notebook: nbformat.NotebookNode, compared: Compared, own: OwnFiles, release: Release | None
) -> tuple[dict[str, str], list[str]]:
    """What the student's code needs and graders will not have: modules by name, and files, a sentence each."""
    given = {id(cell) for cell in compared.given}
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code" and id(cell) not in given]
    files: Collection[str] = release.files if release else ()
    elsewhere = files_elsewhere(sources, own, files)
    if not installation.has_requirements():  # not in a download: nobody says what graders have
        return {}, elsewhere
    kits = {path.partition("/")[0] for path in files if path.endswith("/__init__.py")} | {"kit"}
    return missing_imports(sources, own, kits, installation.requirements()), elsewhere


def oversized(path: Path) -> list[str]:
    """A notebook file so large that uploads may fail."""
    size = path.stat().st_size
    if size <= _LARGE_BYTES:
        return []
    return [f"{path} has {_size(path)}: clear outputs (Edit > Clear Outputs of All Cells) and save."]


def failures(notebook: nbformat.NotebookNode, folder: Path, told: Iterable[str] = ()) -> list[str]:
    """Cells that raise when the notebook runs from top to bottom in a fresh kernel; the notebook is not changed.

    What is only a consequence of a missing name or module that was ``told`` before is left out, and so is the cell
    that calls ``make``, whatever became of its tags.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    text = nbformat.v4.writes(notebook)
    copy = nbformat.from_dict(nbformat.v4.reads(text))
    copy.cells = [cell for cell in copy.cells if cell.cell_type != "code" or _OWN_CELL not in cell.source]
    client = NotebookClient(
        copy,
        timeout=_SECONDS_PER_CELL,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        # What the kernel tells its terminal is not for students.
        client.execute(stderr=subprocess.DEVNULL, env={**os.environ, _CHECKING: "1"})
    except CellTimeoutError:
        return [f"a cell runs for more than {_SECONDS_PER_CELL} s: is there a loop without an end?"]
    except DeadKernelError:
        return ["the kernel died on the way: does a cell exit Python, or use all memory?"]
    # What an open question keeps from running is no finding of its own.
    consequences = [UNANSWERED, *(f"{what} '{name}'" for name in told for what in ("name", "No module named"))]
    failed = ((cell, error.evalue) for cell in copy.cells if (error := _error(cell)))
    return [_failure(cell) for cell, message in failed if not any(text in message for text in consequences)]


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def pack(path: Path, own: OwnFiles) -> Path:
    """Write the zip of a notebook and the student's own files beside it; returns the zip's path."""
    archive = path.with_name(f"{path.stem}_submission.zip")
    # A file may be older than zips can say, as what was unpacked from some archives is.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as opened:
        for item in (path, *(path.parent / file for file in own.paths)):
            opened.write(item, item.relative_to(path.parent))
    return archive


def _named(names: Iterable[object]) -> str:
    """Names as a list for people, the first ones when there are many."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return ", ".join(texts[:_MOST_NAMED]) + more


def _error(cell: nbformat.NotebookNode) -> Any:
    """The error output of a cell, if it has one."""
    return next((output for output in cell.get("outputs", []) if output.output_type == "error"), None)


def _failure(cell: nbformat.NotebookNode) -> str:
    error = _error(cell)
    name = cell.metadata.get("nbgrader", {}).get("grade_id")
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
