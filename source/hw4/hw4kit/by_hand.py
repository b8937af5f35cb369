"""Static check of the questions that ask for code written by hand.

The check reads the notebook's code, it runs nothing. It starts at the function asked for, follows the helpers that
this function calls, and resolves every dotted name through imports and aliases; a name that the student defined
is the student's. Docstrings, comments, and whatever the function does not call are not looked at.
"""

import ast
import linecache
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# The modules students abbreviate, as the notebooks' set-up cells import them.
_KNOWN = {"torch": "torch", "np": "numpy", "numpy": "numpy", "F": "torch.nn.functional", "nn": "torch.nn"}

AUTOGRAD = (
    "torch.autograd",
    "torch.func",
    "torch.Tensor.backward",
    "torch.nn.functional.conv2d_input",
    "torch.nn.grad",
)
CONVOLUTION = (
    "torch.conv1d", "torch.conv2d", "torch.conv3d", "torch.convolution",
    "torch.conv_transpose1d", "torch.conv_transpose2d",
    "torch.nn.functional.conv1d", "torch.nn.functional.conv2d", "torch.nn.functional.conv3d",
    "torch.nn.functional.conv_transpose1d", "torch.nn.functional.conv_transpose2d",
    "torch.nn.Conv1d", "torch.nn.Conv2d", "torch.nn.ConvTranspose2d", "torch.ops.aten", "torch.nn.grad",
    "numpy.convolve", "numpy.correlate", "scipy.signal", "scipy.ndimage",
)  # fmt: skip
POOLING = (
    "torch.max_pool2d", "torch.nn.functional.max_pool2d", "torch.nn.functional.max_pool2d_with_indices",
    "torch.nn.functional.avg_pool2d", "torch.nn.functional.adaptive_max_pool2d",
    "torch.nn.functional.adaptive_avg_pool2d", "torch.nn.functional.max_unpool2d",
    "torch.nn.MaxPool2d", "torch.nn.AvgPool2d", "torch.nn.AdaptiveMaxPool2d", "torch.nn.AdaptiveAvgPool2d",
    "torch.nn.MaxUnpool2d", "torch.ops.aten",
)  # fmt: skip
# Methods are known by name only: nothing static tells a tensor from another object.
_METHODS = {"backward": "torch.Tensor.backward"}


@dataclass
class _Names:
    """What the top level of the code read so far defines."""

    functions: dict[str, ast.AST] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def read(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                self._define(node.name, function=node)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._assign(node.targets[0].id, node.value)
            else:
                self.aliases.update(_imports(node))

    def _assign(self, name: str, value: ast.expr) -> None:
        if isinstance(value, ast.Lambda):
            self._define(name, function=value)
        elif dotted := self.resolve(value):
            self._define(name, alias=dotted)
        else:
            self._define(name)

    def _define(self, name: str, function: ast.AST | None = None, alias: str | None = None) -> None:
        """A later definition replaces an earlier one of either kind."""
        self.functions.pop(name, None)
        self.aliases.pop(name, None)
        if function is not None:
            self.functions[name] = function
        if alias is not None:
            self.aliases[name] = alias

    def resolve(self, node: ast.expr, local: dict[str, str] | None = None) -> str | None:
        """The full dotted name that an expression such as ``F.conv2d`` or ``getattr(F, "conv2d")`` stands for."""
        if isinstance(node, ast.Name):
            if local and node.id in local:
                return local[node.id]
            if node.id in self.functions:
                return None
            return self.aliases.get(node.id, _KNOWN.get(node.id))
        if isinstance(node, ast.Attribute):
            owner = self.resolve(node.value, local)
            return f"{owner}.{node.attr}" if owner else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            owner = self.resolve(node.args[0], local) if len(node.args) > 1 else None
            if owner and isinstance(node.args[1], ast.Constant):
                return f"{owner}.{node.args[1].value}"
        return None


def assert_by_hand(function: Callable, forbidden: Iterable[str], instead: str) -> None:
    """Assert that ``function`` reaches none of the ``forbidden`` routines, directly or through its own helpers.

    ``forbidden`` are dotted names (a module forbids all that is in it); ``instead`` says what to write in their place.
    Raises ``AssertionError`` naming the line.
    """
    check_sources(notebook_sources(function), function.__name__, forbidden, instead)


def check_sources(sources: Iterable[str], name: str, forbidden: Iterable[str], instead: str) -> None:
    """The same for the function ``name`` of a notebook with the code cells ``sources``, in the order they ran."""
    names = _Names()
    for source in sources:
        tree = _parse(source)
        if tree is not None:
            names.read(tree)
    for dotted, line in _reached(names, name):
        if any(dotted == entry or dotted.startswith(entry + ".") for entry in forbidden):
            raise AssertionError(
                f"{name} uses {dotted} (`{line}`), and this question asks for code by hand: {instead}"
            )


def notebook_sources(function: Callable) -> list[str]:
    """The code cells that ran in this notebook so far; outside a notebook, the file that holds ``function``."""
    try:
        from IPython import get_ipython

        shell = get_ipython()
    except ImportError:
        shell = None
    if shell is not None:
        return [shell.transform_cell(cell) for cell in shell.user_ns.get("In", [])]
    return ["".join(linecache.getlines(function.__code__.co_filename))]


def _parse(source: str) -> ast.Module | None:
    """The syntax tree with every node's own source line attached; None for a cell that is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    lines = source.splitlines()
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.line = lines[node.lineno - 1].strip()  # type: ignore[attr-defined]
    return tree


def _imports(node: ast.AST) -> dict[str, str]:
    """The names that an import statement binds, with what they stand for."""
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                for alias in node.names}  # fmt: skip
    if isinstance(node, ast.ImportFrom) and node.module:
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {}


def _reached(names: _Names, start: str) -> list[tuple[str, str]]:
    """Every dotted name used by ``start`` or a helper it uses, each with its line of code."""
    found, waiting, seen = [], [start], set()
    while waiting:
        current = waiting.pop()
        body = names.functions.get(current)
        if current in seen or body is None:
            if current in names.aliases and current not in seen:
                found.append((names.aliases[current], f"{current} = {names.aliases[current]}"))
            seen.add(current)
            continue
        seen.add(current)
        local = _local_aliases(body, names)
        for node in ast.walk(body):
            line = getattr(node, "line", "")
            if isinstance(node, ast.Name) and node.id in names.functions:
                waiting.append(node.id)
            if isinstance(node, (ast.Name, ast.Attribute, ast.Call)) and (dotted := names.resolve(node, local)):
                found.append((dotted, line))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
                found.append((_METHODS[node.func.attr], line))
    return found


def _local_aliases(body: ast.AST, names: _Names) -> dict[str, str]:
    """Imports and plain assignments inside a function that give a library routine another name."""
    local: dict[str, str] = {}
    for node in ast.walk(body):
        local.update(_imports(node))
    for node in ast.walk(body):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            if dotted := names.resolve(node.value, local):
                local[node.targets[0].id] = dotted
    return local
