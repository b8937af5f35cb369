"""The house stays as it was built: no import upward, none in a circle, one public name for one thing, small modules."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from places import ROOT

# From the ground up; what is not in a room stands below all of them, the command line above.
ROOMS = ("", "assignment", "authoring", "sandbox", "grading", "adapters", "course", "strength", "cli")
MOST_LINES = 350
KITS = (ROOT / "kit", *(path.parent for path in (ROOT / "source").glob("*/*/__init__.py")))
# Alternative answers, as students write them, and what the texts state: data, whatever their number.
CATALOGUES = {"mistakes", "variants", "claims"}


def _modules(package: Path) -> dict[str, Path]:
    """The modules of a package by their dotted names."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        if "template" not in path.parts:
            parts = path.relative_to(package.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules(ROOT / "autograder")


def _imported(path: Path) -> set[str]:
    """The modules of this package that one imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in names if name in MODULES}


def _room(module: str) -> int:
    room = module.split(".")[1] if "." in module else ""
    return ROOMS.index(room) if room in ROOMS else 0


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_from_a_higher_room(module):
    assert [name for name in _imported(MODULES[module]) if _room(name) > _room(module)] == []


def test_a_new_room_has_its_place():
    folders = {path.parent.name for path in (ROOT / "autograder").glob("*/__init__.py")}
    assert folders == set(ROOMS) - {"", "cli"}


def test_no_modules_import_one_another():
    imports = {name: _imported(path) - {name} for name, path in MODULES.items()}
    while leaves := [name for name, needs in imports.items() if not needs & imports.keys()]:
        for name in leaves:
            del imports[name]
    # A package's own __init__ may name what it is made of.
    assert {name: needs & imports.keys() for name, needs in imports.items()} == {}


def test_every_public_class_has_a_name_of_its_own():
    places = defaultdict(list)
    for package in (ROOT / "autograder", *KITS):
        for module, path in _modules(package).items():
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(module)
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_no_module_is_longer_than_one_can_keep_in_mind():
    paths = [path for package in (ROOT / "autograder", *KITS, ROOT / "solutions") for path in package.rglob("*.py")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    long = {str(path): n for path, n in lengths.items() if n > MOST_LINES and path.parent.name not in CATALOGUES}
    assert long == {}


def test_every_direct_import_is_declared():
    """What is there only because something else needs it may be gone, or another version, with the next install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[=\[;]", line)[0].lower() for line in project["dependencies"]}
    tests = {
        re.split(r"[=\[;]", line)[0].lower() for extra in project["optional-dependencies"].values() for line in extra
    }
    own = {"autograder", "kit", "solutions", *(kit.name for kit in KITS)}
    own |= {
        path.stem for folder in ("tests", "bench") for path in (ROOT / folder).rglob("*") if path.suffix in ("", ".py")
    }
    providers = packages_distributions()
    undeclared = set()
    for folder in ("autograder", "kit", "solutions", "source", "tests", "bench"):
        allowed = declared | tests if folder in ("tests", "bench") else declared
        for path in (ROOT / folder).rglob("*.py"):
            for name in _top_level_imports(path) - own - sys.stdlib_module_names:
                if not {provider.lower() for provider in providers.get(name, [name])} & allowed:
                    undeclared.add(f"{path.relative_to(ROOT)}: {name}")
    assert undeclared == set()


def _top_level_imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_no_tool_knows_a_homework():
    """Homework 4 is one assignment of many: only docstrings may name it, as an example."""
    found = []
    for folder in (ROOT / "autograder", ROOT / "kit", ROOT / "tests" / "tools"):
        for path in folder.rglob("*.py"):
            if path == Path(__file__):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            docstrings = {
                ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)
            }
            texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} - docstrings
            names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            found += [
                f"{path}: {text}" for text in map(str, texts | names) if re.search(r"hw[4]|eecs[1]82", text, re.I)
            ]
    assert found == []
