"""Builds everything that is made from the source notebooks, and nothing twice.

Each *product* (the release, a zip, an executed solution notebook) is a function of some input files. A stamp beside
the products keeps a hash of the inputs and one of the output; a product whose stamp still holds is not built again.
"""

import difflib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.assignment.assignment import Assignment, released_files
from autograder.assignment.notebook import Notebook
from autograder.authoring.download import build_download
from autograder.authoring.lint import lint
from autograder.authoring.otter_zip import build_zip
from autograder.authoring.package import PACKAGE, building_files, grader_files
from autograder.authoring.release import build_release
from autograder.authoring.solved import build_solved
from autograder.errors import NotebookError


@dataclass(frozen=True)
class Product:
    """One thing to build: ``make`` writes it inside an empty folder, ``target`` is where it belongs."""

    name: str
    inputs: tuple[Path, ...]
    target: Path
    make: Callable[[Path], Path]


def read_linted(assignment: Assignment) -> tuple[Notebook, ...]:
    """The source notebooks. Raises ``NotebookError`` listing every problem that the linter finds in them."""
    notebooks = assignment.notebooks()
    problems = lint(notebooks)
    if problems:
        raise NotebookError("\n".join(map(str, problems)))
    return notebooks


def products(assignment: Assignment, notebooks: tuple[Notebook, ...]) -> list[Product]:
    """Everything that is built from ``notebooks``, the release first."""
    kits, tools = assignment.package_files().values(), building_files()
    settings = assignment.setting_files()
    sources = [notebook.path for notebook in notebooks]

    def release(work: Path) -> Path:
        return build_release(assignment, notebooks, work)

    released = (*sources, *kits, *assignment.student_files(), *settings, *tools)
    download = assignment.dist / f"{assignment.name}.zip"
    made = [
        Product("release", released, assignment.release, release),
        Product(download.name, released, download, lambda work: build_download(assignment, work)),
    ]
    for notebook in notebooks:
        common = (notebook.path, *kits, *settings, *tools, *assignment.solution_files(notebook))
        solved = assignment.dist / f"{notebook.name}-solution.ipynb"
        if notebook.questions:  # written answers alone are graded by hand: there is nothing for otter to run
            archive = assignment.zip_path(notebook.name)
            inputs = (*common, *grader_files())
            made.append(Product(archive.name, inputs, archive, _maker(build_zip, assignment, notebook)))
        made.append(Product(solved.name, common, solved, _maker(build_solved, assignment, notebook)))
    return made


def build(assignment: Assignment, force: bool = False, solved: bool = True) -> Iterator[tuple[Product, bool]]:
    """Build what is out of date (everything with ``force``); yields each product and whether it was built.

    Without ``solved`` the executed solution notebooks, which take by far the longest, are left as they are.

    Raises ``NotebookError`` when the source has problems or a tool refuses. What was built before it stays.
    """
    notebooks = read_linted(assignment)
    stamps = _read_stamps(assignment)
    for product in products(assignment, notebooks):
        if not solved and product.target.suffix == ".ipynb":
            continue
        needed = force or stamps.get(product.name) != _stamp(assignment, product)
        if needed:
            with tempfile.TemporaryDirectory() as work:
                _put(product.make(Path(work)), product.target)
            stamps[product.name] = _stamp(assignment, product)
            _write_stamps(assignment, stamps)
        yield product, needed


def stale(assignment: Assignment, notebooks: tuple[Notebook, ...]) -> list[Product]:
    """The products that the next build would make again."""
    stamps = _read_stamps(assignment)
    return [
        product
        for product in products(assignment, notebooks)
        if stamps.get(product.name) != _stamp(assignment, product)
    ]


def release_diff(assignment: Assignment) -> str:
    """A unified diff from the committed release to the one the source gives now; empty when they agree."""
    notebooks = read_linted(assignment)
    with tempfile.TemporaryDirectory() as work:
        fresh = build_release(assignment, notebooks, Path(work))
        names = sorted({*_relative_files(assignment.release), *_relative_files(fresh)})
        return "".join(_file_diff(assignment.release / name, fresh / name, name) for name in names)


def _maker(
    make: Callable[[Assignment, Notebook, Path], Path], assignment: Assignment, notebook: Notebook
) -> Callable[[Path], Path]:
    return lambda work: make(assignment, notebook, work)


def _put(made: Path, target: Path) -> None:
    """Move a fresh product into place, replacing the old one whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    shutil.move(made, target)


def _file_diff(old: Path, new: Path, name: str) -> str:
    before, after = (path.read_text("utf-8").splitlines(True) if path.is_file() else [] for path in (old, new))
    return "".join(difflib.unified_diff(before, after, f"committed/{name}", f"from source/{name}"))


def _relative_files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in released_files(folder)]


def _hash(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        place = path.relative_to(root if path.is_relative_to(root) else PACKAGE.parent)
        digest.update(f"{place.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _hash_target(target: Path) -> str:
    """Hash of a product; empty when it is not there."""
    if target.is_dir():
        return _hash(released_files(target), target)
    return _hash([target], target.parent) if target.is_file() else ""


def _stamp(assignment: Assignment, product: Product) -> dict[str, str]:
    return {"inputs": _hash(product.inputs, assignment.root), "output": _hash_target(product.target)}


def _read_stamps(assignment: Assignment) -> dict[str, dict[str, str]]:
    """The stamps of the last build; none when the file is missing or damaged, which only costs a build."""
    try:
        stamps = json.loads((assignment.dist / "stamps.json").read_text())
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _write_stamps(assignment: Assignment, stamps: dict[str, dict[str, str]]) -> None:
    assignment.dist.mkdir(parents=True, exist_ok=True)
    (assignment.dist / "stamps.json").write_text(json.dumps(stamps, indent=1, sort_keys=True))
