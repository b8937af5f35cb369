"""The oracle of problem 7 against scipy, torch's own layers and autograd, and the handout's cases."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import signal, stats

import solutions.hw4.cnn_gradients as oracle

SIZES = [(1, 1), (2, 1), (2, 2), (5, 2), (6, 3), (7, 5), (9, 4)]
SHAPES = [(2, 2), (4, 6), (6, 2), (3, 4, 4), (2, 3, 8, 4), (2, 1, 2, 2, 6)]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def _tensor(array, gradient=False):
    return torch.tensor(array, dtype=torch.float64, requires_grad=gradient)


def _planes(X):
    """(..., H, W) as the (N, 1, H, W) that torch's layers want."""
    return X.reshape(-1, 1, *X.shape[-2:])


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_forward_is_scipys_valid_correlation(rng, n, k):
    X, w = rng.normal(size=(n, n)), rng.normal(size=(k, k))
    np.testing.assert_allclose(oracle.conv2d_forward(X, w), signal.correlate2d(X, w, "valid"), atol=1e-12)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_gradients_are_those_of_autograd(rng, n, k):
    m = n - k + 1
    X, w = _tensor(rng.normal(size=(n, n)), True), _tensor(rng.normal(size=(k, k)), True)
    dY = _tensor(rng.normal(size=(m, m)))
    Y = F.conv2d(X[None, None], w[None, None])[0, 0]
    dX, dw = torch.autograd.grad(Y, (X, w), dY)
    np.testing.assert_allclose(oracle.conv2d_weight_grad(X, dY), dw, atol=1e-12)
    np.testing.assert_allclose(oracle.conv2d_input_grad(w, dY, n), dX, atol=1e-12)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_step_is_that_of_torchs_sgd(rng, n, k):
    w = torch.nn.Parameter(_tensor(rng.normal(size=(k, k))))
    X, dY = rng.normal(size=(n, n)), rng.normal(size=(n - k + 1,) * 2)
    expected = oracle.sgd_step(w, X, dY, 0.3)
    F.conv2d(_tensor(X)[None, None], w[None, None])[0, 0].backward(_tensor(dY))
    torch.optim.SGD([w], lr=0.3).step()
    np.testing.assert_allclose(expected, w.detach(), atol=1e-12)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_patches_are_those_of_unfold(rng, n, k):
    X = rng.normal(size=(n, n))
    expected = F.unfold(_tensor(X)[None, None], k)[0].T
    np.testing.assert_array_equal(oracle.patch_matrix(X, k), expected)


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_step_is_a_weighted_sum_of_patches(rng, n, k):
    X, w, dY = rng.normal(size=(n, n)), rng.normal(size=(k, k)), rng.normal(size=(n - k + 1,) * 2)
    moved = (oracle.update_coefficients(dY, 0.2) @ oracle.patch_matrix(X, k)).reshape(k, k)
    np.testing.assert_allclose(w + moved, oracle.sgd_step(w, X, dY, 0.2), atol=1e-12)


@pytest.mark.parametrize(
    "draw", [stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)), stats.laplace(scale=1 / math.sqrt(2))]
)
@pytest.mark.parametrize(("n", "k"), [(3, 1), (4, 3), (8, 3)])
def test_std_of_the_gradient_is_what_draws_show(rng, draw, n, k):
    m, trials = n - k + 1, 40_000
    X = 2.0 * draw.rvs((trials, n, n), random_state=rng)
    dY = 0.5 * draw.rvs((trials, m, m), random_state=rng)
    patches = np.lib.stride_tricks.sliding_window_view(X, (m, m), axis=(1, 2))
    dw = np.einsum("thlij,tij->thl", patches, dY)
    assert dw.shape == (trials, k, k)
    np.testing.assert_allclose(dw.std(axis=0), oracle.gradient_std(n, k, 2.0, 0.5), rtol=0.05)
    np.testing.assert_allclose(dw.mean(axis=0), 0.0, atol=5 * m / math.sqrt(trials))


def test_std_grows_linearly_in_the_images_side():
    assert oracle.gradient_std(28, 5, 2.0, 0.5) == pytest.approx(24.0)
    assert oracle.gradient_std(20_002, 3, 1.0, 1.0) / oracle.gradient_std(10_002, 3, 1.0, 1.0) == pytest.approx(2.0)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 3), (6, 2)])
def test_simulation_agrees_with_the_formula(n, k):
    found = oracle.simulate_gradient_std(n, k, 0.3, 4.0, 1000, torch.Generator().manual_seed(3))
    assert found == pytest.approx(oracle.gradient_std(n, k, 0.3, 4.0), rel=0.1)


@pytest.mark.parametrize("levels", [None, 3], ids=["distinct", "many_ties"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_pooling_is_torchs(rng, kind, shape, levels):
    values = rng.normal(size=shape) - 2.0 if levels is None else rng.integers(levels, size=shape) - 5.0
    pool = {"max": F.max_pool2d, "avg": F.avg_pool2d}[kind]
    X = _tensor(values, True)
    Y = pool(_planes(X), 2).reshape(*shape[:-2], shape[-2] // 2, shape[-1] // 2)
    dY = rng.normal(size=tuple(Y.shape))
    (dX,) = torch.autograd.grad(Y, X, _tensor(dY))
    forward, backward = getattr(oracle, f"{kind}pool2x2_forward"), getattr(oracle, f"{kind}pool2x2_backward")
    np.testing.assert_allclose(forward(values), Y.detach(), atol=1e-12)
    np.testing.assert_allclose(backward(values, dY), dX, atol=1e-12)


@pytest.mark.parametrize("place", list(np.ndindex(2, 2)), ids=str)
def test_one_nan_is_the_windows_maximum_as_in_torch(rng, place):
    values = rng.normal(size=(4, 4))
    values[2 + place[0], place[1]] = np.nan
    X, dY = _tensor(values, True), rng.normal(size=(2, 2))
    Y = F.max_pool2d(X[None, None], 2)[0, 0]
    (dX,) = torch.autograd.grad(Y, X, _tensor(dY))
    np.testing.assert_array_equal(oracle.maxpool2x2_forward(values), Y.detach())
    np.testing.assert_array_equal(oracle.maxpool2x2_backward(values, dY), dX)
    assert oracle.maxpool2x2_backward(values, dY)[2 + place[0], place[1]] == dY[1, 0]


def test_handouts_simplest_case():
    """Equations (42) and (44)."""
    X, dY = [[9.0, 1.0], [2.0, 3.0]], [[8.0]]
    np.testing.assert_array_equal(oracle.maxpool2x2_backward(X, dY), [[8.0, 0.0], [0.0, 0.0]])
    np.testing.assert_array_equal(oracle.avgpool2x2_backward(X, dY), [[2.0, 2.0], [2.0, 2.0]])


def test_handouts_equation_45_is_right_for_the_top_left_element_only():
    """Its delta compares with the neighbors right and below: in this window three elements would get the gradient."""
    X = np.array([[4.0, 1.0], [3.0, 2.0]])
    right = np.pad(X, ((0, 1), (0, 1)), constant_values=-np.inf)
    delta = [[X[i, j] == right[i : i + 2, j : j + 2].max() for j in range(2)] for i in range(2)]
    np.testing.assert_array_equal(delta, [[True, False], [True, True]])
    np.testing.assert_array_equal(oracle.maxpool2x2_backward(X, [[1.0]]), [[1.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    "kinds", [(), ("max",), ("avg",), ("max", "avg"), ("avg", "max"), ("max", "max", "avg"), ("avg", "max", "max")]
)
@pytest.mark.parametrize("shape", [(8, 16), (2, 3, 16, 8)])
def test_chain_is_autograds(rng, kinds, shape):
    X = _tensor(rng.permutation(math.prod(shape)).reshape(shape), True)
    Y = _planes(X)
    for kind in kinds:
        Y = {"max": F.max_pool2d, "avg": F.avg_pool2d}[kind](Y, 2)
    Y = Y.reshape(*shape[:-2], *Y.shape[-2:])
    dY = rng.normal(size=tuple(Y.shape))
    (dX,) = torch.autograd.grad(Y, X, _tensor(dY))
    np.testing.assert_allclose(oracle.pool_chain_backward(X, dY, kinds), dX, atol=1e-12)


def test_arguments_are_left_alone(rng):
    X, w, dY = rng.normal(size=(4, 4)), rng.normal(size=(3, 3)), rng.normal(size=(2, 2))
    before = [array.copy() for array in (X, w, dY)]
    oracle.sgd_step(w, X, dY, 0.1)
    oracle.pool_chain_backward(X, dY, ("max",))
    for array, copy in zip((X, w, dY), before, strict=True):
        np.testing.assert_array_equal(array, copy)
