"""Mutants of a reference answer: every single change of its syntax tree by one of the operators below.

The operators are those of the mutation-testing literature (Offutt et al., "An experimental determination of sufficient
mutant operators", 1996; the names are theirs where they have one) with some for array code. Only what students write is
changed, not what the cell gives them, and not the text of exceptions, which no question asks for.
"""

import ast
import difflib
import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from autograder.assignment.notebook import SOLUTION, Question

_Node = TypeVar("_Node", bound=ast.AST)
_ARITHMETIC: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,), ast.Pow: (ast.Mult,), ast.MatMult: (ast.Mult,), ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
_COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}  # fmt: skip
_SIBLINGS = (
    ("min", "max"), ("sum", "mean"), ("std", "var"), ("zeros", "ones"), ("zeros_like", "ones_like"), ("floor", "ceil"),
    ("argmin", "argmax"), ("sin", "cos"), ("amin", "amax"), ("any", "all"), ("rand", "randn"), ("maximum", "minimum"),
    ("sqrt", "square"), ("abs", "neg"), ("eval", "train"), ("convolve", "correlate"), ("exp", "log"),
    ("floor", "round"),
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed reference answer. ``name`` stays as long as the changed line does; ``diff`` shows the change."""

    question: str
    name: str
    operator: str
    source: str
    diff: str


def arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """AOR: an arithmetic operator becomes its opposite, `+` and `-`, `*` and `/`; `@` and `**` become `*`, ..."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for operator in _ARITHMETIC.get(type(node.op), ()):
            yield _changed(node, op=operator())


def operand(node: ast.AST) -> Iterator[ast.AST]:
    """ODL: one operand of an operation is left out: `a + b` becomes `a`, and `b`; so do `and` and `or`."""
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    if isinstance(node, ast.BoolOp) and len(node.values) == 2:
        yield from node.values


def comparison(node: ast.AST) -> Iterator[ast.AST]:
    """ROR: a comparison gains or loses its equality, or is turned round."""
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in _COMPARISONS.get(type(operator), ()):
                yield _changed(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])


def logical(node: ast.AST) -> Iterator[ast.AST]:
    """LCR: `and` becomes `or`, and the other way round."""
    if isinstance(node, ast.BoolOp):
        yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def unary(node: ast.AST) -> Iterator[ast.AST]:
    """UOD: a `-`, `not` or `~` is left out."""
    if isinstance(node, ast.UnaryOp):
        yield node.operand


def condition(node: ast.AST) -> Iterator[ast.AST]:
    """COR: the condition of `if`, `while`, `a if c else b` or a comprehension is negated."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield _changed(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            negated = ast.UnaryOp(ast.Not(), test)
            yield _changed(node, ifs=[*node.ifs[:index], negated, *node.ifs[index + 1 :]])


def number(node: ast.AST) -> Iterator[ast.AST]:
    """CRP: an integer becomes one more, and one less; another number becomes twice, and half of it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and type(node.value) is not bool:
        value = node.value
        for other in (value + 1, value - 1) if isinstance(value, int) else (2 * value, value / 2):
            yield ast.Constant(other) if other >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-other))


def truth(node: ast.AST) -> Iterator[ast.AST]:
    """CRP: `True` becomes `False`, and the other way round; None becomes 0."""
    if isinstance(node, ast.Constant) and (node.value is None or type(node.value) is bool):
        yield ast.Constant(0 if node.value is None else not node.value)


def text(node: ast.AST) -> Iterator[ast.AST]:
    """CRP: a text becomes another one."""
    if isinstance(node, ast.Constant) and type(node.value) is str:
        yield ast.Constant(f"{node.value}x")


def statement(node: ast.AST) -> Iterator[ast.AST]:
    """SDL: a statement is left out; of a loop or a condition its body is (`pass` stands there)."""
    if isinstance(node, (ast.For, ast.While, ast.If, ast.With, ast.FunctionDef)):
        if not all(isinstance(inner, ast.Pass) for inner in node.body):
            yield _changed(node, body=[ast.Pass()])
        if getattr(node, "orelse", None):
            yield _changed(node, orelse=[])
    elif isinstance(node, ast.stmt) and not isinstance(node, (ast.Pass, ast.Import, ast.ImportFrom)):
        yield ast.Pass()


def jump(node: ast.AST) -> Iterator[ast.AST]:
    """`break` becomes `continue`, and the other way round."""
    if isinstance(node, (ast.Break, ast.Continue)):
        yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()


def argument(node: ast.AST) -> Iterator[ast.AST]:
    """An argument of a call is left out, or changes places with the next."""
    if isinstance(node, ast.Call):
        for index in range(len(node.keywords)):
            yield _changed(node, keywords=_without(node.keywords, index))
        for index in range(len(node.args)):
            yield _changed(node, args=_without(node.args, index))
        for index in range(len(node.args) - 1):
            yield _changed(node, args=_swapped(node.args, index))


def call(node: ast.AST) -> Iterator[ast.AST]:
    """A call is left out: `x.f()` becomes `x`, `f(x)` becomes `x`, and `x.T` becomes `x`."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            yield node.func.value
        if len(node.args) >= 1 and not isinstance(node.args[0], ast.Starred):
            yield node.args[0]
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "H"):
        yield node.value


def sibling(node: ast.AST) -> Iterator[ast.AST]:
    """A function becomes one that is easily taken for it: min and max, sum and mean, zeros and ones, ..."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
    for pair in _SIBLINGS:
        if name in pair:
            other = pair[1] if name == pair[0] else pair[0]
            yield _changed(node, attr=other) if isinstance(node, ast.Attribute) else _changed(node, id=other)


def bound(node: ast.AST) -> Iterator[ast.AST]:
    """A bound of a slice is left out; a `range` or `arange` ends one earlier, and one later."""
    if isinstance(node, ast.Slice):
        for part in ("lower", "upper", "step"):
            if getattr(node, part) is not None:
                yield _changed(node, **{part: None})
    is_range = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("range", "arange")
    if is_range and isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Constant):
        last = min(len(node.args), 2) - 1
        for operator in (ast.Add(), ast.Sub()):
            end = ast.BinOp(node.args[last], operator, ast.Constant(1))
            yield _changed(node, args=[*node.args[:last], end, *node.args[last + 1 :]])


def order(node: ast.AST) -> Iterator[ast.AST]:
    """Neighbours in a tuple or a list change places."""
    if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Load):
        for index in range(len(node.elts) - 1):
            yield _changed(node, elts=_swapped(node.elts, index))


OPERATORS: tuple[Callable[[ast.AST], Iterator[ast.AST]], ...] = (
    arithmetic, operand, comparison, logical, unary, condition, number, truth, text, statement, jump, argument, call,
    sibling, bound, order,
)  # fmt: skip


def mutants(question: Question) -> list[Mutant]:
    """All mutants of a question's reference answer, each source once, in the order of the code."""
    tree = ast.parse(question.solution)
    original = ast.unparse(tree)
    sources: dict[str, str] = {}
    for operator, source in _sources(tree, _written_lines(question.solution)):
        if source != original and _compiles(source):
            sources.setdefault(source, operator)
    found = []
    alike: Counter[tuple[str, str]] = Counter()
    for source, operator in sources.items():
        diff = _diff(original, source)
        alike[operator, diff] += 1  # the same change of the same line may be possible in several places
        digest = hashlib.sha256(f"{diff}\n{alike[operator, diff]}".encode()).hexdigest()
        found.append(Mutant(question.name, f"{question.name}-{operator}-{digest[:8]}", operator, source, diff))
    return found


def _sources(tree: ast.Module, lines: range) -> Iterator[tuple[str, str]]:
    """The name of an operator and the source it gives, for every mutant; the tree ends as it was."""
    for parent, name, index, node in list(_places(tree)):
        if getattr(node, "lineno", lines.start) not in lines:
            continue
        for operator in OPERATORS:
            for replacement in operator(node):
                _put(parent, name, index, replacement)
                yield operator.__name__, ast.unparse(ast.fix_missing_locations(tree))
                _put(parent, name, index, node)


def _places(parent: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node below ``parent`` with the field that holds it, and its index in a list; exceptions' texts left out."""
    for name, value in ast.iter_fields(parent):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST) and not _is_text(node):
                yield parent, name, index, node
                if not isinstance(node, (ast.Raise, ast.JoinedStr)):
                    yield from _places(node)


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _put(parent: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


def _written_lines(source: str) -> range:
    """The lines that students write, counted from 1."""
    lines = source.splitlines()
    delimiters = (f"### BEGIN {SOLUTION}", f"### END {SOLUTION}")
    marks = [number for number, line in enumerate(lines, start=1) if line.strip() in delimiters]
    return range(marks[0], marks[-1] + 1) if marks else range(1, len(lines) + 1)


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of ``node`` alone, its children shared, with other ``fields``."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _without(items: list[_Node], index: int) -> list[_Node]:
    return [*items[:index], *items[index + 1 :]]


def _swapped(items: list[_Node], index: int) -> list[_Node]:
    return [*items[:index], items[index + 1], items[index], *items[index + 2 :]]


def _compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):  # of `1[0]`, which some mutants hold
            compile(source, "<mutant>", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _diff(original: str, source: str) -> str:
    """The changed lines, each behind ``-`` or ``+``."""
    lines = difflib.unified_diff(original.splitlines(), source.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if line[:3] not in ("---", "+++") and not line.startswith("@@"))
