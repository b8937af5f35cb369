"""Comparisons whose failure is a sentence a student can act on.

Every function either returns quietly or raises ``AssertionError`` with what was expected, what came and where to
look. Values are compared after conversion to float64, so an answer may be a tensor, an array, a list or a number of
any float type; type and dtype are never judged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

# Measured on the correct variants of all questions: they differ from the float64 reference by at most 4e-7 on float32
# input, and by 1e-7 on float64 input where a float32 kernel is used. 25 and 10 times that is still far below the
# smallest mistake.
TOLERANCE = {"float32": 1e-5, "float64": 1e-6}


class Mismatch(AssertionError):
    """A value that is not what it should be. As text it is one sentence; its parts are there for a box to show."""

    def __init__(self, what: str, expected: str, got: str, hint: str = "") -> None:
        message = f"{what}: expected {expected}, got {got}."
        super().__init__(f"{message} {hint}" if hint else message)
        self.what, self.expected, self.got, self.hint = what, expected, got, hint


@dataclass(frozen=True)
class Form:
    """One way of handing the same numbers to a function: ``values``, each a fresh writable copy."""

    values: tuple[Any, ...]
    name: str
    atol: float


def forms(*arrays: Any) -> Iterator[Form]:
    """The same arrays as float32 and float64 tensors and numpy arrays: four forms, fresh copies each.

    ``arrays`` are anything ``to_numpy`` accepts. Use it where the question promises that both libraries work.
    """
    exact = [to_numpy(array) for array in arrays]
    for dtype, atol in TOLERANCE.items():
        copies = [np.array(array, dtype=dtype, order="C") for array in exact]
        yield Form(tuple(torch.from_numpy(copy.copy()) for copy in copies), f"{dtype} tensor", atol)
        yield Form(tuple(copies), f"{dtype} numpy array", atol)


def one_form(turn: int, *arrays: Any) -> Form:
    """One of the ``forms`` of the arrays, the next one each turn: for tests whose cases are many already."""
    every = tuple(forms(*arrays))
    return every[turn % len(every)]


def to_numpy(value: Any, what: str = "the result") -> np.ndarray:
    """``value`` as a float64 array of the same shape.

    Raises ``AssertionError`` when it holds something other than real numbers.
    """
    if value is None:
        raise AssertionError(f"{what} is None: does your function end with `return ...`?")
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().to(torch.float64).numpy()
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (torch.Tensor, list, tuple)) for item in value):
        value = [to_numpy(item, what) for item in value]
    try:
        return np.asarray(value).astype(np.float64)
    except (TypeError, ValueError):
        raise AssertionError(f"{what} should hold numbers only, got {_describe(value)}.") from None


def shape(actual: Any, expected: tuple[int, ...], what: str, hint: str = "") -> None:
    """Assert that ``actual`` has the shape ``expected``."""
    got = to_numpy(actual, what).shape
    if got != tuple(expected):
        raise Mismatch(what, f"shape {tuple(expected)}", f"{got}", hint)


def close(actual: Any, expected: Any, what: str, hint: str = "", atol: float = TOLERANCE["float32"]) -> None:
    """Assert that ``actual`` and ``expected`` have one shape and the same values.

    The tolerance is ``atol`` times the largest magnitude expected, at least ``atol``; NaN equals NaN. The message
    names the worst element, ``hint`` is appended to it.
    """
    got, want = to_numpy(actual, what), to_numpy(expected, f"expected {what}")
    if got.shape != want.shape:
        raise Mismatch(what, f"shape {want.shape}", f"{got.shape}", hint)
    scale = np.abs(want[np.isfinite(want)]).max(initial=1.0)
    with np.errstate(invalid="ignore"):  # np.isclose, without its checks of the arguments: tests compare often
        right = (np.abs(got - want) <= atol * scale) | (got == want) | (np.isnan(got) & np.isnan(want))
    if not right.all():
        raise Mismatch(what, *_worst(got, want, ~right), hint)


def equal(actual: Any, expected: Any, what: str, hint: str = "") -> None:
    """Assert equality of plain values (numbers, strings, tuples); lists and tuples count as the same."""
    if _plain(actual) != _plain(expected):
        raise Mismatch(what, repr(expected), _describe(actual), hint)


def raises(error: type[Exception], call: Callable[[], Any], what: str, hint: str = "") -> None:
    """Assert that ``call()`` raises ``error`` (or a subclass)."""
    try:
        call()
    except error:
        return
    except Exception as other:
        raise Mismatch(what, f"a {error.__name__}", f"{type(other).__name__}: {other}", hint) from None
    raise Mismatch(what, f"a {error.__name__}", "no error", hint)


def unchanged(argument: Any, before: Any, what: str) -> None:
    """Assert that a function left ``argument`` as it was ``before`` the call."""
    if not np.array_equal(to_numpy(argument), to_numpy(before), equal_nan=True):
        raise AssertionError(f"{what} changed its argument in place: work on a copy (`.clone()` or `.copy()`).")


def _worst(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> tuple[str, str]:
    """What is expected, and what came, at the element that is furthest off."""
    with np.errstate(invalid="ignore"):
        distance = np.where(wrong, np.nan_to_num(np.abs(got - want), nan=np.inf, posinf=np.inf), -1.0)
    index = np.unravel_index(np.argmax(distance), got.shape)
    place = f" at {tuple(int(i) for i in index)}" if got.shape else ""
    count = f" ({int(wrong.sum())} of {wrong.size} values differ)" if wrong.size > 1 else ""
    return f"{want[index]:.6g}{place}", f"{got[index]:.6g}{count}"


def _plain(value: Any) -> Any:
    """``value`` with lists turned into tuples and numpy or torch numbers into Python's."""
    if isinstance(value, (torch.Tensor, np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    return value


def _describe(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 120 else text[:117] + '...'}"
