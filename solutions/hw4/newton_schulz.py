"""Reference answers of newton_schulz (problem 1).

Everything goes through the singular value decomposition: a Newton-Schulz step keeps the singular vectors and maps
each singular value s to (3 s - s^3) / 2. No Gram matrix is formed, so the reference shares neither of the two ways
that the notebook compares. Costs are added up product by product.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Correct float32 answers were up to 1e-5 off the float64 ones in spectral norm; errors shrink so fast from step to
# step that a hundredth of slack decides nothing else.
_ROUNDING = 1e-5
_SLACK = 0.01


def newton_schulz_step(W: Any) -> Array:
    """p(W) = (3 I - W W^T) W / 2 for W (d_out, d_in): float64 (d_out, d_in)."""
    return iterate(W, 1)


def iterate(W: Any, steps: int) -> Array:
    """``steps`` Newton-Schulz steps from W (d_out, d_in), without any scaling: float64 (d_out, d_in)."""
    left, values, right = np.linalg.svd(np.asarray(W, dtype=np.float64), full_matrices=False)
    for _ in range(steps):
        values = (3 * values - values**3) / 2
    iterated: Array = (left * values) @ right
    return iterated


def step_cost(d_out: int, d_in: int, gram: str) -> int:
    """Multiplications of one step by ``gram``, "left" or "right", or of the cheaper of the two ("auto")."""
    ways = {
        "left": [(d_out, d_in, d_out), (d_out, d_out, d_in)],
        "right": [(d_in, d_out, d_in), (d_out, d_in, d_in)],
    }
    costs = {way: sum(n * m * q for n, m, q in products) for way, products in ways.items()}
    return min(costs.values()) if gram == "auto" else costs[gram]


def polar_factor(W: Any) -> Array:
    """U V^T of the compact singular value decomposition of a full-rank W (d_out, d_in): float64, same shape."""
    left, _, right = np.linalg.svd(np.asarray(W, dtype=np.float64), full_matrices=False)
    factor: Array = left @ right
    return factor


def orthogonalize(W: Any, steps: int) -> Array:
    """W (d_out, d_in) divided by its Frobenius norm, and then ``steps`` steps: float64 (d_out, d_in)."""
    values = np.asarray(W, dtype=np.float64)
    return iterate(values / np.sqrt(np.sum(values**2)), steps)


def steps_needed(W: Any, tol: float) -> int:
    """The smallest k for which ``orthogonalize(W, k)`` has all singular values within ``tol`` of 1."""
    values = np.linalg.svd(np.asarray(W, dtype=np.float64), compute_uv=False)
    values = values / np.linalg.norm(values)
    steps = 0
    while np.abs(values - 1).max() > tol:
        values = (3 * values - values**3) / 2
        steps += 1
    return steps


def why_not_smallest(run: Callable[[Any, int], Any], W: Any, tol: float, steps: float) -> str:
    """Why ``steps`` is not the smallest number for which ``run(W, steps)`` is within ``tol`` of U V^T; "" if it is.

    ``run`` is the ``orthogonalize`` to judge by, the student's or ours.
    """
    if steps != int(steps) or steps < 0:
        return f"{steps:g} is no number of steps."
    polar = polar_factor(W)

    def error(count: int) -> float:
        result = run(W.clone() if isinstance(W, torch.Tensor) else np.array(W), count)
        result = result.detach() if isinstance(result, torch.Tensor) else result
        return float(np.linalg.norm(np.asarray(result, dtype=np.float64) - polar, 2))

    try:
        if not (last := error(int(steps))) <= tol * (1 + _SLACK) + _ROUNDING:
            return f"{steps:g} steps are too few, your orthogonalize is then still {last:.4g} away in spectral norm."
        if steps and (before := error(int(steps) - 1)) < tol * (1 - _SLACK) - _ROUNDING:
            return (
                f"{steps:g} is not the smallest number, your orthogonalize is within {before:.4g} one step earlier. "
                "(Is it the spectral norm of the difference from U V^T that you compare?)"
            )
    except Exception as problem:  # the student's own function, which may fail in any way
        return f"it is judged through your own orthogonalize, which fails: {type(problem).__name__}: {problem}"
    return ""


def matrix(singular_values: Sequence[float] | Array, shape: tuple[int, int], generator: torch.Generator) -> Array:
    """A random matrix of ``shape`` with the given min(shape) singular values: float64."""
    sides = [torch.randn(size, min(shape), generator=generator, dtype=torch.float64) for size in shape]
    left, right = (torch.linalg.qr(side).Q.numpy() for side in sides)
    product: Array = (left * np.asarray(singular_values)) @ right.T
    return product
