"""Which files beside a notebook travel with its submission, and what its code needs that does not.

Graders keep to the same rules (``autograder/grading/staging.py``): the student's own regular files, up to a number and
a size, without what was handed out and what tools leave behind.
"""

import ast
import importlib.util
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from kit.code_names import statements

_RESULTS = "results"
# Gradescope takes 100 MB.
_MOST_BYTES = 64 << 20
_MOST_FILES = 2000
# What graders and otter have of their own beside the notebook.
_RESERVED = ("autograder", "solutions")
_OTTERS_TESTS = "tests"
_LEFT_BEHIND = ("__pycache__", "__MACOSX", "Thumbs.db", "desktop.ini")
_GUARDS = ast.Try | ast.If


@dataclass
class OwnFiles:
    """The files in ``folder`` that travel, by path below it, and a sentence on each that stays behind."""

    folder: Path
    paths: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def modules(self) -> set[str]:
        """The names with which Python imports what travels."""
        return {path.parts[0].removesuffix(".py") for path in self.paths if path.suffix == ".py"}


def own_files(folder: Path, handed_out: Collection[str] = ()) -> OwnFiles:
    """The student's own files in a notebook's folder; ``handed_out`` are the paths of what the download holds."""
    reserved = {*_RESERVED, *(path.partition("/")[0] for path in handed_out if "/" in path)}
    found, left = OwnFiles(folder), _MOST_BYTES
    # What the notebook saved comes first: then no data beside it can crowd it out.
    for path in sorted(_files(folder, found.left_out), key=lambda path: (path.parts[0] != _RESULTS, path)):
        place, size = path.as_posix(), (folder / path).stat().st_size
        if place in handed_out or path.suffix in (".ipynb", ".pyc") or place.endswith("_submission.zip"):
            continue
        if path.parts[0].partition(".")[0] in reserved or path.parts[0] == _OTTERS_TESTS:
            found.left_out.append(f"{place} (graders have their own {path.parts[0]}: give it another name or place)")
        elif path.suffix == ".zip":
            found.left_out.append(f"{place} (zips are unpacked on the way: unpack it here)")
        elif len(found.paths) == _MOST_FILES:
            found.left_out.append(f"{place} and all after it (over {_MOST_FILES} files)")
            break
        elif size > left:
            found.left_out.append(f"{place} ({size / 1e6:.0f} MB; at most {_MOST_BYTES / 1e6:.0f} MB travel)")
        else:
            left -= size
            found.paths.append(path)
    return found


def _files(folder: Path, left_out: list[str]) -> Iterator[Path]:
    """The regular files below a folder, but not those of tools, nor of Python environments."""
    for parent, folders, names in os.walk(folder):
        inside = Path(parent).relative_to(folder)
        for name in [name for name in (*folders, *names) if Path(parent, name).is_symlink()]:
            if not name.startswith("."):
                left_out.append(f"{(inside / name).as_posix()} (a link: put the file itself there)")
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or name in _LEFT_BEHIND or Path(parent, name, "pyvenv.cfg").is_file())
        ]
        for name in names:
            path = Path(parent, name)
            if not name.startswith(".") and name not in _LEFT_BEHIND and path.is_file() and not path.is_symlink():
                yield inside / name


def missing_imports(
    sources: Iterable[str], own: OwnFiles, given: Collection[str], wanted: Iterable[str]
) -> dict[str, str]:
    """Modules that the code imports and graders do not have, each with a sentence.

    ``given`` are the names of the kits, ``wanted`` the packages of ``requirements.txt``; what these install is there,
    too. What is imported below ``if`` or ``try`` is left alone.
    """
    code = [
        *sources,
        *((own.folder / path).read_text("utf-8", "replace") for path in own.paths if path.suffix == ".py"),
    ]
    names = {name for source in code for statement in statements(source) for name in _imports(statement)}
    there = {*sys.stdlib_module_names, *sys.builtin_module_names, *given, *own.modules}
    if not (unknown := sorted(names - there)):
        return {}
    installed, provided = packages_distributions(), _with_dependencies(wanted)
    return {
        name: _told(name, own.folder, installed.get(name, []))
        for name in unknown
        if not provided.intersection(map(_canonical, installed.get(name, [])))
    }


def _told(name: str, folder: Path, packages: list[str]) -> str:
    if packages:
        return f"{name} is not installed where you are graded: only what requirements.txt lists is."
    try:
        origin = getattr(importlib.util.find_spec(name), "origin", None)
    except (ImportError, ValueError):
        origin = None
    if origin and Path(origin).is_file() and folder.absolute() not in Path(origin).absolute().parents:
        return f"{name} lies in {Path(origin).parent}, which graders do not have: copy it beside the notebook."
    return f"{name} is not beside the notebook, nor installed where you are graded."


def _imports(node: ast.AST) -> Iterator[str]:
    """The top-level modules that code imports whatever happens."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]
    elif not isinstance(node, _GUARDS):
        for child in ast.iter_child_nodes(node):
            yield from _imports(child)


def _with_dependencies(packages: Iterable[str]) -> set[str]:
    """The packages, and those that they install."""
    found: set[str] = set()
    waiting = [_canonical(package) for package in packages]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        try:
            needs = [line for line in requires(package) or [] if "extra ==" not in line]
        except PackageNotFoundError:
            continue
        waiting += [_canonical(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in needs]
    return found


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def files_elsewhere(sources: Iterable[str], own: OwnFiles, handed_out: Collection[str] = ()) -> list[str]:
    """Files that strings in the code name, and that do not travel, each with a sentence."""
    travel = {path.as_posix() for path in own.paths} | set(handed_out)
    texts = {
        node.value
        for source in sources
        for statement in statements(source)
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value
    }
    named = {text for text in texts if ("." in text or "/" in text) and _is_file(own.folder, text)}
    return [
        f"{text} does not travel with the notebook: put the file beside it, and name it without folders above."
        for text in sorted(named)
        if Path(text).is_absolute() or Path(os.path.normpath(text)).as_posix() not in travel
    ]


def _is_file(folder: Path, text: str) -> bool:
    try:
        return (folder / text).is_file()
    except (OSError, ValueError):
        return False
