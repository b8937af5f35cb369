"""Which files of some packages Python code needs: what it imports, directly or through one another. Nothing is run."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path


def modules(folder: Path, paths: Iterable[Path]) -> dict[str, Path]:
    """The modules among ``paths``, by the names with which Python imports them from ``folder``."""
    found = {}
    for path in paths:
        if path.suffix == ".py":
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def needed(known: Mapping[str, Path], sources: Iterable[str]) -> list[Path]:
    """Those of the ``known`` modules that the Python code ``sources`` imports, in order.

    Where some code cannot be read as Python, all of them.
    """
    used: set[str] = set()
    waiting = [("", source) for source in sources]
    while waiting:
        module, source = waiting.pop()
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return sorted(known.values())
        package = module if module and known[module].name == "__init__.py" else module.rpartition(".")[0]
        new = {name for imported in _imports(tree, package) for name in _with_parents(imported) if name in known} - used
        used |= new
        waiting += [(name, known[name].read_text(encoding="utf-8")) for name in new]
    return sorted(known[name] for name in used)


def _imports(tree: ast.Module, package: str) -> set[str]:
    """The dotted names that code of ``package`` imports; what is imported *from* a module may be a module too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join(filter(None, [*above, node.module]))
            names |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return names


def _with_parents(name: str) -> list[str]:
    """``a``, ``a.b``, ``a.b.c`` for ``a.b.c``: importing it imports them all."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
