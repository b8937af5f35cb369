"""What the names in a notebook's code stand for, read from its source: the ground of ``by_hand``.

``statements`` parses a cell, ``bind`` notes in a ``Scope`` what a statement makes names stand for, and ``resolve`` says
which library routine an expression may be. Nothing of the student's is run.
"""

import ast
import importlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager

# What the notebooks' set-up cells and everybody else call these modules, should a cell use a name that none imports.
_KNOWN = {"torch": "torch", "np": "numpy", "numpy": "numpy", "F": "torch.nn.functional", "nn": "torch.nn"}
# A star import is looked up in the library itself; of no other package is anything imported here.
_LIBRARIES = {"torch", "numpy", "scipy"}
# Cell and line magics that run their Python in the notebook. (%%timeit leaves no names behind.)
_PYTHON_MAGICS = {"time", "capture", "prun"}
# A name has one meaning, or a few in branches; code made to keep the check busy has thousands.
_MEANINGS = 50

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@lru_cache(maxsize=512)
def statements(source: str) -> tuple[ast.stmt, ...]:
    """A cell's statements, each node with the ``text`` of its line; none for a cell that is no Python."""
    try:
        plain = TransformerManager().transform_cell(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the student heard of "\\d" and the like when the cell ran
            tree = ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    lines = plain.splitlines()
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr)):
            node.text = lines[node.lineno - 1].strip()  # type: ignore[union-attr]
    return tuple(statement for node in tree.body for statement in _inside_magic(node))


def _inside_magic(node: ast.stmt) -> tuple[ast.stmt, ...]:
    """The statements that a magic such as ``%%time`` runs, or the statement itself."""
    match node:
        case ast.Expr(ast.Call(ast.Attribute(attr="run_cell_magic" | "run_line_magic"), arguments)):
            texts = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
            if len(texts) > 1 and texts[0] in _PYTHON_MAGICS:
                return statements(str(texts[-1]))
    return (node,)


@dataclass(frozen=True)
class Meaning:
    """What a name may stand for: a library's dotted name, or code of the student with the scope it is read in."""

    value: "str | ast.AST"
    scope: "Scope"
    node: ast.AST


class Scope:
    """The names of the notebook, a function, a class or a comprehension, each with all that it may stand for.

    A name that is bound to something unknown, such as a parameter, has no meanings; it still hides outer names.
    """

    def __init__(self, parent: "Scope | None" = None) -> None:
        self.parent = parent
        self.names: dict[str, tuple[Meaning, ...]] = {}

    def lookup(self, name: str) -> tuple[Meaning, ...] | None:
        """The meanings of ``name`` in the innermost scope that binds it; None where none does."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


def bind(node: ast.stmt, scope: Scope, replaces: bool) -> None:
    """Note in ``scope`` the names that a statement binds, and those of the statements in its blocks.

    In the notebook's cells the last definition counts (``replaces``). In branches, and in functions, where the order
    of reading is not that of running, each name keeps all its meanings.
    """
    for name, meanings in _bound(node, scope):
        kept = () if replaces else scope.names.get(name, ())
        scope.names[name] = (kept + meanings)[-_MEANINGS:]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for block in ast.iter_child_nodes(node):
        if isinstance(block, ast.stmt):
            bind(block, scope, replaces and isinstance(node, ast.With))
        elif isinstance(block, (ast.ExceptHandler, ast.match_case)):
            for statement in block.body:
                bind(statement, scope, replaces=False)


def _bound(node: ast.stmt, scope: Scope) -> Iterator[tuple[str, tuple[Meaning, ...]]]:
    """The names that a statement itself binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, (Meaning(node, scope, node),)
        case ast.Import() | ast.ImportFrom():
            for name, dotted in _imports(node):
                yield name, (Meaning(dotted, scope, node),)
        case ast.Assign(targets, value):
            for target in targets:
                yield from assigned(target, value, scope)
        case ast.AnnAssign(target, _, ast.expr() as value) | ast.For(target, value) | ast.AsyncFor(target, value):
            yield from assigned(target, value, scope)
        case ast.With(items) | ast.AsyncWith(items):
            for item in items:
                if item.optional_vars is not None:
                    yield from assigned(item.optional_vars, item.context_expr, scope)


def _imports(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """The names that an import binds, with the dotted names they stand for."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif node.module and alias.name == "*":
            for name in _exported(node.module):
                yield name, f"{node.module}.{name}"
        elif node.module:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


@lru_cache(maxsize=64)
def _exported(module: str) -> tuple[str, ...]:
    """What ``from module import *`` brings, for a library."""
    if module.split(".")[0] not in _LIBRARIES:
        return ()
    try:
        imported = importlib.import_module(module)
    except ImportError:
        return ()
    public = [name for name in vars(imported) if not name.startswith("_")]
    return tuple(getattr(imported, "__all__", public))


def assigned(target: ast.expr, value: ast.expr, scope: Scope) -> Iterator[tuple[str, tuple[Meaning, ...]]]:
    """The names that assigning ``value`` to ``target`` binds."""
    match target:
        case ast.Name(name):
            yield name, meanings_of(value, scope)
        case ast.Tuple(parts) | ast.List(parts):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
            each = values if len(values) == len(parts) else [value] * len(parts)
            for part, single in zip(parts, each, strict=True):
                yield from assigned(part, single, scope)
        case ast.Starred(inner):
            yield from assigned(inner, value, scope)
        case ast.Attribute() | ast.Subscript():
            # `ops["conv"] = F.conv2d`: from now on `ops` stands for this, too. (Not for `plt.rcParams[...] = ...`.)
            root: ast.expr = target
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            before = scope.names.get(root.id, ()) if isinstance(root, ast.Name) else ()
            if isinstance(root, ast.Name) and before and not any(isinstance(m.value, str) for m in before):
                yield root.id, (*before, Meaning(value, _before(value, scope), value))


def meanings_of(value: ast.expr, scope: Scope) -> tuple[Meaning, ...]:
    """What a name stands for that is given ``value`` now, whatever the names in ``value`` become later."""
    if isinstance(value, ast.Constant):
        return ()
    if isinstance(value, ast.Name) and value.id in scope.names:
        return scope.names[value.id]
    if dotted := resolve(value, scope):
        return tuple(Meaning(name, scope, value) for name in sorted(dotted))
    return (Meaning(value, _before(value, scope), value),)


def _before(value: ast.expr, scope: Scope) -> Scope:
    """``scope`` as ``value`` sees it now, before its own name is bound; a lambda is run later and sees the rest."""
    if isinstance(value, ast.Lambda):
        return scope
    now = Scope(scope)
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and node.id in scope.names:
            now.names[node.id] = scope.names[node.id]
    return now


def resolve(node: ast.AST | None, scope: Scope, seen: set[int] | None = None) -> set[str]:
    """The dotted library names that an expression such as ``F.conv2d`` or ``getattr(F, "conv2d")`` may stand for."""
    seen = set() if seen is None else seen
    match node:
        case ast.Name(name):
            meanings = scope.lookup(name)
            if meanings is None:
                return {_KNOWN[name]} if name in _KNOWN else set()
            found = {meaning.value for meaning in meanings if isinstance(meaning.value, str)}
            for meaning in meanings:
                if isinstance(meaning.value, ast.expr) and id(meaning.value) not in seen:
                    seen.add(id(meaning.value))
                    found |= resolve(meaning.value, meaning.scope, seen)
            return found
        case ast.Attribute(owner, name) | ast.Call(ast.Name("getattr"), [owner, ast.Constant(str(name)), *_]):
            return {f"{dotted}.{name}" for dotted in resolve(owner, scope, seen)}
        case ast.Call(function, [ast.Constant(str(module)), *_]):
            imports = {"importlib.import_module", "__import__"}
            return {module} if imports & (resolve(function, scope, seen) | {getattr(function, "id", "")}) else set()
    return set()


def bind_parameters(arguments: ast.arguments, inner: Scope) -> None:
    """Bind a function's parameters in its scope, those with a default to what the default may stand for."""
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    for parameter, default in pairs:
        outer = inner.parent or inner
        inner.names[parameter.arg] = meanings_of(default, outer) if default is not None else ()
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            inner.names[rest.arg] = ()
