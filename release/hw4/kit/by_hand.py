"""Static check of the questions that ask for code written by hand.

It reads the notebook's code cells and runs nothing. It begins at the function asked for, goes on to whatever of the
student's own code that function uses, and asks of every name there which library routine it stands for, through
imports, aliases and ``getattr``. What the function does not use is not looked at: a comparison with the library beside
the function, its docstring, a comment. A name that the student defined is the student's, whatever it is called.
"""

import ast
import linecache
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from IPython import get_ipython

from kit.code_names import Function, Meaning, Scope, assigned, bind, bind_parameters, resolve, statements

# A dotted name forbids the routine of this name, and all that is in it if it is a module or a class.
AUTOGRAD = (
    "torch.autograd.grad", "torch.autograd.backward", "torch.autograd.functional", "torch.autograd.forward_ad",
    "torch.autograd.Function", "torch.autograd.function", "torch.Tensor.backward",
    "torch.func.grad", "torch.func.grad_and_value", "torch.func.vjp", "torch.func.jvp", "torch.func.linearize",
    "torch.func.jacrev", "torch.func.jacfwd", "torch.func.hessian",
    "torch.nn.grad",
)  # fmt: skip
CONVOLUTION = (
    *(f"{module}.{name}"
      for module in ("torch", "torch.nn.functional")
      for name in ("conv1d", "conv2d", "conv3d", "conv_tbc",
                   "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")),
    *(f"torch.nn.{name}{size}d"
      for name in ("Conv", "ConvTranspose", "LazyConv", "LazyConvTranspose") for size in (1, 2, 3)),
    "torch.convolution", "torch.mkldnn_convolution", "torch.nn.modules.conv", "torch.nn.grad", "torch.ops", "torch._C",
    "numpy.convolve", "numpy.correlate", "scipy.signal", "scipy.ndimage",
)  # fmt: skip
POOLING = (
    *(f"{module}.{name}{size}d"
      for module in ("torch", "torch.nn.functional")
      for name in ("max_pool", "avg_pool", "adaptive_max_pool", "adaptive_avg_pool", "lp_pool", "max_unpool")
      for size in (1, 2, 3)),
    *(f"torch.nn.functional.{name}{size}d_with_indices"
      for name in ("max_pool", "adaptive_max_pool") for size in (1, 2, 3)),
    *(f"torch.nn.{name}{size}d"
      for name in ("MaxPool", "AvgPool", "AdaptiveMaxPool", "AdaptiveAvgPool", "LPPool", "MaxUnpool")
      for size in (1, 2, 3)),
    "torch.max_pool1d_with_indices", "torch.nn.modules.pooling", "torch.ops", "torch._C",
)  # fmt: skip

# Methods are known by their name only: nothing static tells a tensor from another object.
_METHODS = {"backward": "torch.Tensor.backward"}
_SHOWN = 120


def assert_by_hand(function: Callable[..., Any], forbidden: Iterable[str], instead: str) -> None:
    """Assert that ``function`` reaches none of the ``forbidden`` routines, directly or through its own helpers.

    ``forbidden`` are dotted names (a module forbids all that is in it); ``instead`` says what to write in their place.
    Raises ``AssertionError`` naming the line.
    """
    check_sources(notebook_sources(function), _name_of(function), forbidden, instead)


def check_sources(sources: Iterable[str], name: str, forbidden: Iterable[str], instead: str) -> None:
    """The same for the function ``name`` of a notebook with the code cells ``sources``, in the order they ran.

    A cell that is no Python (it cannot have run) is passed over; magics are understood.
    Raises ``AssertionError`` also when no cell defines ``name``, since then there is nothing to check.
    """
    forbidden = tuple(forbidden)
    cells = Scope()
    try:
        for source in sources:
            for statement in statements(source):
                bind(statement, cells, replaces=True)
        if cells.lookup(name) is None:
            raise AssertionError(
                f"{name}: the check for code by hand finds no definition in the notebook. "
                f"Write `def {name}(...)` in the question's cell."
            )
        uses = _Reader().uses(name, cells)
    except RecursionError:
        raise AssertionError(f"{name} is nested too deeply to be checked for code by hand: simplify it.") from None
    for dotted, node in uses:
        if any(dotted == entry or dotted.startswith(f"{entry}.") for entry in forbidden):
            line = f"line {node.lineno} of its cell, `{_shorten(node.text)}`"
            raise AssertionError(f"{name} uses {dotted} ({line}), but this question asks for code by hand: {instead}")


def notebook_sources(function: Callable[..., Any]) -> list[str]:
    """The code cells that ran in this notebook so far; outside a notebook, the file that holds ``function``.

    A grader that runs tests in another process hands them over with the function, as ``notebook_cells``.
    """
    if (cells := getattr(function, "notebook_cells", None)) is not None:
        return list(cells)
    shell = get_ipython()
    if shell is not None:
        return list(shell.history_manager.input_hist_raw)
    return ["".join(linecache.getlines(function.__code__.co_filename))]


def _name_of(function: Callable[..., Any]) -> str:
    """The name that ``function`` has in the notebook, which for a lambda or a ``partial`` is not its own."""
    own = getattr(function, "__name__", "")
    shell = get_ipython()
    names = shell.user_ns if shell is not None else {}
    if names.get(own) is function:
        return own
    return next((name for name, value in names.items() if value is function and not name.startswith("_")), own)


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


class _Reader:
    """Reads the student's code from one name on, in breadth, each piece once."""

    def __init__(self) -> None:
        self._found: list[tuple[str, ast.AST]] = []
        self._called: list[tuple[str, ast.AST]] = []
        self._own_methods: set[str] = set()
        self._waiting: list[Meaning] = []
        self._seen: set[str | int] = set()

    def uses(self, name: str, scope: Scope) -> list[tuple[str, Any]]:
        """Every library name, with the node that uses it, that ``name`` and the code it uses reach."""
        self._follow(name, scope)
        while self._waiting:
            meaning = self._waiting.pop(0)
            if isinstance(meaning.value, str):
                self._found.append((meaning.value, meaning.node))
            else:
                self._read(meaning.value, meaning.scope)
        methods = [(_METHODS[name], node) for name, node in self._called if name not in self._own_methods]
        return self._found + methods

    def _follow(self, name: str, scope: Scope) -> None:
        for meaning in scope.lookup(name) or ():
            key = meaning.value if isinstance(meaning.value, str) else id(meaning.value)
            if key not in self._seen:
                self._seen.add(key)
                self._waiting.append(meaning)

    def _read(self, node: ast.AST, scope: Scope) -> None:
        """Read a definition: a function with its body, a class with its methods, or an expression."""
        if isinstance(node, ast.ClassDef):
            self._visit_head(node, scope)
            for statement in node.body:
                if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    self._own_methods.add(statement.name)
                    self._read(statement, scope)
                else:
                    self._visit(statement, scope)
        elif isinstance(node, Function):
            self._visit_head(node, scope)
            inner = Scope(scope)
            bind_parameters(node.args, inner)
            body: list[ast.AST] = [*node.body] if isinstance(node.body, list) else [node.body]
            for part in body:
                if isinstance(part, ast.stmt):
                    bind(part, inner, replaces=False)
            for part in body:
                self._visit(part, inner)
        else:
            self._visit(node, scope)

    def _visit_head(self, node: Function | ast.ClassDef, scope: Scope) -> None:
        """What runs when a function or class is defined: decorators, defaults, base classes."""
        parts = [*getattr(node, "decorator_list", []), *getattr(node, "bases", []), *getattr(node, "keywords", [])]
        if not isinstance(node, ast.ClassDef):
            parts += [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        for part in parts:
            self._visit(part, scope)

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        """Note what a statement or an expression uses; a definition inside it waits until its name is used."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._visit_head(node, scope)
            return
        if isinstance(node, ast.Lambda):
            self._read(node, scope)
            return
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            outer, scope = scope, Scope(scope)
            for loop in node.generators:
                scope.names.update(assigned(loop.target, loop.iter, outer))
        if isinstance(node, (ast.Name, ast.Attribute, ast.Call)):
            self._found += [(dotted, node) for dotted in sorted(resolve(node, scope))]
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            self._follow(node.id, scope)
        if isinstance(node, ast.keyword) and node.arg:  # SimpleNamespace(backward=...)
            self._own_methods.add(node.arg)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):  # layer.backward = ...
            self._own_methods.add(node.attr)
        if isinstance(node, ast.Call):
            self._called += [(method, node) for method in _method(node.func, scope) if method in _METHODS]
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope)


def _method(function: ast.expr, scope: Scope) -> Iterator[str]:
    """The names of the methods that the function of a call may be: ``loss.backward``, or a name given to it."""
    match function:
        case ast.Attribute(_, name) | ast.Call(ast.Name("getattr"), [_, ast.Constant(str(name)), *_]):
            yield name
        case ast.Name(name):
            for meaning in scope.lookup(name) or ():
                if isinstance(meaning.value, ast.Attribute):
                    yield meaning.value.attr
