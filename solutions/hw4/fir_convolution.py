"""Reference answers of problem 3, convolution as a finite impulse response filter: plain definitions in float64.

Signals are looked up value by value, as functions of their index: whatever lies outside a list is 0.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rect(n: Any, L: int) -> Array:
    """The rectangle of length L at the indices n (T,): 1 for n = 0 .. L - 1, else 0; (T,)."""
    return np.array([float(int(index) in range(L)) for index in n])


def decay(n: Any) -> Array:
    """Problem 3(a): (1/2)^n from n = 0 on, 0 before; (T,)."""
    return np.array([float(_decay(int(index))) for index in n])


def convolve1d(x: Any, h: Any) -> Array:
    """Equation (3) for two lists, full: value x[i] adds x[i] h[j] at i + j; (A,) and (B,) give (A + B - 1,)."""
    x, h = _exact(x), _exact(h)
    y = np.zeros(len(x) + len(h) - 1)
    for j, weight in enumerate(h):
        y[j : j + len(x)] += weight * x
    return y


def response(n: Any, L: int) -> Array:
    """Equation (4) as the sum it comes from: the sum over i = 0 .. L - 1 of h(n - i), in exact fractions; (T,)."""
    return np.array([float(sum(_decay(int(index) - i) for i in range(L))) for index in n])


def shift(y: Any, N: int) -> Array:
    """y(n - N) on the indices of y, 0 where y has no value; (T,)."""
    y = _exact(y)
    return np.array([y[n - N] if n - N in range(len(y)) else 0.0 for n in range(len(y))])


def convolve2d(x: Any, h: Any, stride: int = 1, pad: int = 0) -> Array:
    """Equation (5) at every stride-th place where the kernel (k, l) lies within the padded image (H + 2p, W + 2p).

    Raises ``ValueError`` when there is no such place.
    """
    return _slide(x, h, stride, pad, flipped=True)


def correlate2d(x: Any, h: Any, stride: int = 1, pad: int = 0) -> Array:
    """The same without the flip: x[m + i, n + j] h[i, j] is summed."""
    return _slide(x, h, stride, pad, flipped=False)


def flip_kernel(h: Any) -> Array:
    """h turned by 180 degrees: element (i, j) is h[k - 1 - i, l - 1 - j]; (k, l)."""
    h = _exact(h)
    k, l = h.shape  # noqa: E741
    return np.array([[h[k - 1 - i, l - 1 - j] for j in range(l)] for i in range(k)])


def _slide(x: Any, h: Any, stride: int, pad: int, flipped: bool) -> Array:
    x, h = _exact(x), _exact(h)
    height, width = (size + 2 * pad for size in x.shape)
    k, l = h.shape  # noqa: E741
    if k > height or l > width:
        raise ValueError(f"a kernel {h.shape} does not fit on a padded image ({height}, {width})")
    y = np.zeros(((height - k) // stride + 1, (width - l) // stride + 1))
    for m, n, i, j in np.ndindex(*y.shape, k, l):
        row, column = (k - 1 - i, l - 1 - j) if flipped else (i, j)
        row, column = m * stride + row - pad, n * stride + column - pad
        if row in range(x.shape[0]) and column in range(x.shape[1]):
            y[m, n] += x[row, column] * h[i, j]
    return y


def _decay(n: int) -> Fraction:
    return Fraction(1, 2**n) if n >= 0 else Fraction(0)


def _exact(value: Any) -> Array:
    """A float64 copy of a tensor, an array or nested lists."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    return np.array(value, dtype=np.float64)
