"""The reference answers of newton_schulz against plain matrix products, scipy and the hand-out's numbers."""

import numpy as np
import pytest
import scipy.linalg
import torch

import solutions
import solutions.hw4.newton_schulz as reference
from kit.probes import memory_of

SHAPES = [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1), (12, 7)]


@pytest.fixture(params=SHAPES, ids=str)
def matrix(request) -> np.ndarray:
    return 0.7 * np.random.default_rng(1).normal(size=request.param)


def test_step_is_the_hand_outs_formula_and_its_rewriting(matrix):
    d_out, d_in = matrix.shape
    step = reference.newton_schulz_step(matrix)
    np.testing.assert_allclose(step, (3 * np.eye(d_out) - matrix @ matrix.T) @ matrix / 2, atol=1e-12)
    np.testing.assert_allclose(step, matrix @ (3 * np.eye(d_in) - matrix.T @ matrix) / 2, atol=1e-12)


def test_polar_factor_is_scipys(matrix):
    np.testing.assert_allclose(reference.polar_factor(matrix), scipy.linalg.polar(matrix)[0], atol=1e-12)


def test_iteration_is_repeated_steps_and_ends_at_the_polar_factor(matrix):
    scaled = matrix / np.linalg.norm(matrix)
    twice = reference.newton_schulz_step(reference.newton_schulz_step(scaled))
    np.testing.assert_allclose(reference.orthogonalize(matrix, 2), twice, atol=1e-12)
    np.testing.assert_allclose(reference.orthogonalize(matrix, 0), scaled, atol=1e-14)
    np.testing.assert_allclose(reference.orthogonalize(matrix, 60), reference.polar_factor(matrix), atol=1e-12)


def _multiplications(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    """The product of two matrices by the schoolbook method, with the scalar multiplications it took."""
    product, count = np.zeros((len(left), right.shape[1])), 0
    for row, column in np.ndindex(product.shape):
        for inner in range(left.shape[1]):
            product[row, column] += left[row, inner] * right[inner, column]
            count += 1
    return product, count


@pytest.mark.parametrize(("d_out", "d_in"), SHAPES)
def test_costs_are_the_multiplications_of_the_schoolbook_method(d_out, d_in):
    """The hand-out's totals, 2 c d_out^2 d_in and 2 c d_in^2 d_out; it lists each product with that, twice too much."""
    W = np.random.default_rng(2).normal(size=(d_out, d_in))
    gram, first = _multiplications(W, W.T)
    _, second = _multiplications(3 * np.eye(d_out) - gram, W)
    assert first == second == d_out**2 * d_in
    assert reference.step_cost(d_out, d_in, "left") == first + second == 2 * d_out**2 * d_in
    gram, first = _multiplications(W.T, W)
    _, second = _multiplications(W, 3 * np.eye(d_in) - gram)
    assert first == second == d_in**2 * d_out
    assert reference.step_cost(d_out, d_in, "right") == first + second == 2 * d_in**2 * d_out


def test_the_cheaper_way_is_the_one_with_the_smaller_gram_matrix():
    assert reference.step_cost(5000, 20, "auto") == reference.step_cost(5000, 20, "right")
    assert reference.step_cost(20, 5000, "auto") == reference.step_cost(20, 5000, "left")
    # The hand-out's 1(b): better by d_out / d_in.
    assert reference.step_cost(5000, 20, "left") / reference.step_cost(5000, 20, "right") == 5000 / 20


@pytest.mark.parametrize("tol", [0.5, 0.1, 1e-3, 1e-5])
def test_steps_needed_is_the_smallest_number(matrix, tol):
    polar, k = scipy.linalg.polar(matrix)[0], reference.steps_needed(matrix, tol)
    assert np.linalg.norm(reference.orthogonalize(matrix, k) - polar, 2) <= tol
    assert k == 0 or np.linalg.norm(reference.orthogonalize(matrix, k - 1) - polar, 2) > tol


def test_the_judge_of_steps_needed():
    W = reference.matrix([4, 3], (2, 3), solutions.generator())

    def judge(steps, run=reference.orthogonalize):
        return reference.why_not_smallest(run, W, 0.2, steps)

    assert judge(2) == ""
    assert "too few" in judge(1)
    assert "not the smallest" in judge(3)
    assert "no number of steps" in judge(1.5)
    by_spectral_norm = lambda M, k: torch.from_numpy(reference.iterate(M / np.linalg.norm(M, 2), k))  # noqa: E731
    assert judge(1, by_spectral_norm) == ""
    assert "not the smallest" in judge(2, by_spectral_norm)
    assert "fails: ZeroDivisionError" in judge(2, lambda M, k: M / (1 // 0))


def test_random_matrices_have_the_singular_values_asked_for():
    for shape in ((3, 7), (7, 3)):
        W = reference.matrix([5.0, 2.0, 1.0], shape, solutions.generator())
        assert W.shape == shape
        np.testing.assert_allclose(np.linalg.svd(W, compute_uv=False), [5, 2, 1], atol=1e-12)


def test_examples_of_the_notebook():
    W = np.array([[1.0, 1, 0], [0, 1, 1]])
    np.testing.assert_allclose(reference.newton_schulz_step(W), [[0.5, 0, -0.5], [-0.5, 0, 0.5]], atol=1e-14)
    assert [reference.step_cost(2, 3, gram) for gram in ("left", "right", "auto")] == [24, 36, 24]
    W = np.array([[0.0, 3, 0], [4, 0, 0]])
    np.testing.assert_allclose(reference.orthogonalize(W, 0), [[0, 0.6, 0], [0.8, 0, 0]], atol=1e-14)
    np.testing.assert_allclose(reference.orthogonalize(W, 1), [[0, 0.792, 0], [0.944, 0, 0]], atol=1e-14)
    np.testing.assert_allclose(reference.polar_factor(W), [[0, 1, 0], [1, 0, 0]], atol=1e-14)
    errors = [1 - reference.orthogonalize(W, k).max(axis=1).min() for k in range(3)]
    np.testing.assert_allclose(errors, [0.4, 0.208, 0.0604], atol=5e-5)
    assert [reference.steps_needed(W, tol) for tol in (0.3, 0.2)] == [1, 2]
    np.testing.assert_allclose(1 - reference.iterate(W / 4, 1).max(axis=1), [0.0859, 0], atol=5e-5)


def test_singular_values_above_root_three_do_not_converge_to_one():
    assert reference.iterate([[1.85]], 20)[0, 0] == pytest.approx(-1)
    assert reference.iterate([[3**0.5]], 1)[0, 0] == pytest.approx(0, abs=1e-15)
    assert abs(reference.iterate([[2.26]], 6)[0, 0]) > 1e6


@pytest.mark.parametrize("library", [np.ones, torch.ones])
def test_the_memory_probe_sees_a_large_gram_matrix_and_nothing_else(library):
    W = library((4000, 4))
    for large in (lambda W: W @ W.T, lambda W: (W @ W.T) @ W, lambda W: len((W @ W.T).tolist())):
        _, used = memory_of(large, W)
        assert used >= 4 * 4000**2
    for small in (lambda W: W @ (W.T @ W), lambda W: W + 1, lambda W: W.reshape(4000, 1, 4)):
        result, used = memory_of(small, W)
        assert used < 2e6
        assert result.shape[0] == 4000


def test_the_memory_probe_does_not_count_imports():
    _, used = memory_of(lambda: __import__("scipy.stats"))
    assert used < 2e6
