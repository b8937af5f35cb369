"""Reference answers of unit_scale_mup (problem 2).

fp8 rounding follows the definition of the formats (Micikevicius et al., "FP8 formats for deep learning", 2022) and not
torch's types; its mean error is an integral over the normal density and not a sample. Norms and scales are those of the
hand-out's 2(b) to 2(g). The layer is written out in matrix products, without autograd.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Bits of the mantissa, exponent of the smallest normal number, largest number.
_FORMATS = {"e4m3": (3, -6, 448.0), "e5m2": (2, -14, 57344.0)}
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def fp8_round(x: Any, format: str) -> Array:
    """The nearest fp8 numbers, ties to an even last bit, for |x| up to the largest: float64 of x's shape."""
    bits, smallest, _ = _FORMATS[format]
    values = np.asarray(x, dtype=np.float64)
    _, exponent = np.frexp(values)  # |x| = f 2^exponent with f in [0.5, 1)
    spacing = np.exp2(np.maximum(exponent - 1, smallest) - bits)
    return np.asarray(np.rint(values / spacing) * spacing)


def fp8_values(format: str) -> Array:
    """All different finite numbers of the format, ascending: float64 (253,) for e4m3, (247,) for e5m2."""
    bits, smallest, largest = _FORMATS[format]
    exponents = range(smallest, int(np.log2(largest)) + 1)
    subnormal = [mantissa * 2.0 ** (smallest - bits) for mantissa in range(2**bits)]
    normal = [(1 + mantissa / 2**bits) * 2.0**exponent for exponent in exponents for mantissa in range(2**bits)]
    positive = [value for value in subnormal + normal if 0 < value <= largest]
    return np.array([-value for value in reversed(positive)] + [0.0, *positive])


def fp8_error(std: float, format: str = "e4m3") -> float:
    """The expectation of |round(x) - x| / |x| for x from N(0, std^2), by quadrature between rounding boundaries.

    The normal density beyond the largest number of the format is left out.
    """
    values = fp8_values(format)
    values = values[values >= 0]
    boundaries = (values[1:] + values[:-1]) / 2
    edges = np.unique(np.concatenate([values, boundaries]))  # the error is smooth between these
    half = np.diff(edges)[:, None] / 2
    x = edges[:-1, None] + half * (1 + _NODES)
    density = 2 * np.exp(-((x / std) ** 2) / 2) / np.sqrt(2 * np.pi) / std
    return float(np.sum(np.abs(fp8_round(x, format) - x) / x * density * half * _WEIGHTS))


def forward_scale(d_in: int) -> float:
    """c of y = c W x that does with N(0, 1) weights what Xavier's does with N(0, 1 / d_in): 2(b)."""
    scale: float = d_in**-0.5
    return scale


def max_update_spectral_norm(d_out: int, d_in: int) -> float:
    """The largest spectral norm of an update D for which c D x has an RMS of at most 1 if x has an RMS of 1: 2(c).

    |c D x| <= c |D| |x| in L2 norm, and an RMS of 1 is an L2 norm of sqrt(d).
    """
    norm: float = d_out**0.5 / (forward_scale(d_in) * d_in**0.5)
    return norm


def signsgd_lr(d_out: int, d_in: int) -> float:
    """The learning rate that gives a sign matrix of rank 1, whose norm is sqrt(d_out d_in), that norm: 2(d)."""
    lr: float = max_update_spectral_norm(d_out, d_in) / (d_out * d_in) ** 0.5
    return lr


def muon_lr(d_out: int, d_in: int) -> float:
    """The learning rate that gives U V^T, whose norm is 1, that norm: 2(e)."""
    return max_update_spectral_norm(d_out, d_in)


def backward_scale(d_out: int, d_in: int) -> float:
    """The factor with which c W^T, for a rank-1 W of unit entries, has a spectral norm of 1: 2(g)."""
    scale: float = 1 / (forward_scale(d_in) * (d_out * d_in) ** 0.5)
    return scale


def signsgd_update(grad: Any) -> Array:
    """alpha sign(G) for G (d_out, d_in), sign(0) = 0: float64, same shape."""
    values = np.asarray(grad, dtype=np.float64)
    return signsgd_lr(*values.shape) * ((values > 0).astype(np.float64) - (values < 0))


def muon_update(grad: Any) -> Array:
    """alpha U V^T with the compact singular value decomposition of G (d_out, d_in): float64, same shape.

    Computed as G times the inverse square root of G^T G on its range.
    """
    values = np.asarray(grad, dtype=np.float64)
    squares, vectors = np.linalg.eigh(values.T @ values)
    kept = squares > 1e-8 * squares.max()
    inverse_root = (vectors[:, kept] / np.sqrt(squares[kept])) @ vectors[:, kept].T
    update: Array = muon_lr(*values.shape) * (values @ inverse_root)
    return update


def unit_linear(weight: Any, x: Any, grad_output: Any) -> tuple[Array, Array, Array]:
    """What ``UnitLinear`` gives for weight (d_out, d_in), x (N, d_in) and the gradient at its output (N, d_out).

    Returns float64 (N, d_out), the output; (N, d_in), the adjusted gradient at x; (d_out, d_in), the weight's gradient.
    """
    W, X, G = (np.asarray(value, dtype=np.float64) for value in (weight, x, grad_output))
    c, adjustment = forward_scale(W.shape[1]), backward_scale(*W.shape)
    return c * X @ W.T, adjustment * c * G @ W, c * G.T @ X


def low_rank(shape: tuple[int, int], rank: int, generator: torch.Generator) -> Array:
    """A random matrix of small integers, hence exact in every float type, of ``rank`` and with a clear gap.

    Its nonzero singular values are above a twentieth of the largest.
    """
    while True:
        left, right = (torch.randint(-3, 4, (size, rank), generator=generator).double().numpy() for size in shape)
        product: Array = left @ right.T
        values = np.linalg.svd(product, compute_uv=False)
        if values[rank - 1] > 0.05 * values[0]:
            return product
