"""Reference answers of problem 7, weights and gradients in a CNN: plain definitions in float64.

Indices below count from 0; the handout's count from 1. X is (n, n), w is (k, k), Y is (m, m) with m = n - k + 1.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]


def conv2d_forward(X: Any, w: Any) -> Array:
    """Equation (14): Y[i, j] = sum over h, l of X[i + h, j + l] w[h, l]; (n, n) and (k, k) give (m, m)."""
    X, w = _exact(X), _exact(w)
    n, k = len(X), len(w)
    m = n - k + 1
    Y = np.zeros((m, m))
    for i, j, h, l in np.ndindex(m, m, k, k):  # noqa: E741
        Y[i, j] += X[i + h, j + l] * w[h, l]
    return Y


def conv2d_weight_grad(X: Any, dY: Any) -> Array:
    """Equation (21): dw[h, l] = sum over i, j of X[i + h, j + l] dY[i, j]; (n, n) and (m, m) give (k, k)."""
    X, dY = _exact(X), _exact(dY)
    n, m = len(X), len(dY)
    k = n - m + 1
    dw = np.zeros((k, k))
    for h, l, i, j in np.ndindex(k, k, m, m):  # noqa: E741
        dw[h, l] += X[i + h, j + l] * dY[i, j]
    return dw


def conv2d_input_grad(w: Any, dY: Any, n: int) -> Array:
    """The chain rule on equation (14): the product X[i + h, j + l] w[h, l] in Y[i, j] adds w[h, l] dY[i, j]; (n, n)."""
    w, dY = _exact(w), _exact(dY)
    dX = np.zeros((n, n))
    for i, j, h, l in np.ndindex(*dY.shape, *w.shape):  # noqa: E741
        dX[i + h, j + l] += w[h, l] * dY[i, j]
    return dX


def sgd_step(w: Any, X: Any, dY: Any, lr: float) -> Array:
    """Equation (24): the weights (k, k) after one step, w - lr dw."""
    return _exact(w) - float(lr) * conv2d_weight_grad(X, dY)


def patch_matrix(X: Any, k: int) -> Array:
    """All k x k patches of X, patch (i, j) flattened into row i m + j; shape (m m, k k)."""
    X = _exact(X)
    m = len(X) - k + 1
    return np.array([X[i : i + k, j : j + k].ravel() for i in range(m) for j in range(m)])


def update_coefficients(dY: Any, lr: float) -> Array:
    """The weights c of the patches in one step, w_after = w_before + c @ patches: c[i m + j] = -lr dY[i, j]; (m m,)."""
    return np.array([-float(lr) * value for row in _exact(dY) for value in row])


def gradient_std(n: int, k: int, sigma_x: float, sigma_g: float) -> float:
    """Equation (39): m sigma_x sigma_g."""
    return math.sqrt((n - k + 1) ** 2 * float(sigma_x) ** 2 * float(sigma_g) ** 2)


def simulate_gradient_std(
    n: int, k: int, sigma_x: float, sigma_g: float, trials: int, generator: torch.Generator
) -> float:
    """An estimate of ``gradient_std`` from ``trials`` draws of X and dY with random signs, +- sigma.

    Only its expectation is comparable with another solution's.
    """
    m = n - k + 1
    squares = 0.0
    for _ in range(trials):
        signs = torch.randint(2, (n * n + m * m,), generator=generator).numpy() * 2.0 - 1.0
        X, dY = signs[: n * n].reshape(n, n) * sigma_x, signs[n * n :].reshape(m, m) * sigma_g
        squares += float(np.mean(conv2d_weight_grad(X, dY) ** 2))
    return math.sqrt(squares / trials)


def maxpool2x2_forward(X: Any) -> Array:
    """The maximum of each 2x2 window, NaN if it holds one; (..., H, W) gives (..., H/2, W/2)."""
    X = _exact(X)
    Y = np.zeros(_pooled(X))
    for place in np.ndindex(Y.shape):
        Y[place] = np.max(_window(X, place))  # unlike Python's max, np.max hands a NaN on
    return Y


def maxpool2x2_backward(X: Any, dY: Any) -> Array:
    """Each dY goes to the first maximum of its window in row-major order (to the NaN if there is one); shape of X."""
    X, dY = _exact(X), _exact(dY)
    dX = np.zeros(X.shape)
    for place in np.ndindex(dY.shape):
        row, column = divmod(int(np.argmax(_window(X, place))), 2)  # argmax: the first, and NaN counts as largest
        _window(dX, place)[row, column] = dY[place]
    return dX


def avgpool2x2_forward(X: Any) -> Array:
    """The mean of each 2x2 window; (..., H, W) gives (..., H/2, W/2)."""
    X = _exact(X)
    Y = np.zeros(_pooled(X))
    for place in np.ndindex(Y.shape):
        Y[place] = _window(X, place).sum() / 4
    return Y


def avgpool2x2_backward(X: Any, dY: Any) -> Array:
    """Equation (48): every element of a window gets dY / 4; shape of X."""
    X, dY = _exact(X), _exact(dY)
    dX = np.zeros(X.shape)
    for place in np.ndindex(dY.shape):
        _window(dX, place)[:] = dY[place] / 4
    return dX


def pool_chain_backward(X: Any, dY: Any, kinds: Sequence[str]) -> Array:
    """The gradient at the input X of pooling layers ``kinds``, first layer first, given dY at the last one's output."""
    if not kinds:
        return _exact(dY)
    forward, backward = {
        "max": (maxpool2x2_forward, maxpool2x2_backward),
        "avg": (avgpool2x2_forward, avgpool2x2_backward),
    }[kinds[0]]
    return backward(X, pool_chain_backward(forward(X), dY, kinds[1:]))


def _exact(value: Any) -> Array:
    """A float64 copy of a tensor, an array or nested lists."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    return np.array(value, dtype=np.float64)


def _pooled(X: Array) -> tuple[int, ...]:
    """The shape of X after a 2x2 pooling layer."""
    return (*X.shape[:-2], X.shape[-2] // 2, X.shape[-1] // 2)


def _window(X: Array, place: tuple[int, ...]) -> Array:
    """The view (2, 2) of the window of X that is pooled into ``place``."""
    *leading, i, j = place
    image: Array = X[tuple(leading)]
    return image[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
