"""The reference answers of unit_scale_mup against torch's fp8 types, autograd, samples and the hand-out's numbers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import solutions
import solutions.hw4.unit_scale_mup as reference
from kit.probes import layer_gradients, parameters_of

TYPES = {"e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}
SHAPES = [(9, 4), (4, 9), (5, 5), (1, 7), (7, 1)]


@pytest.mark.parametrize("format", TYPES)
def test_rounding_is_torchs(format):
    generator = torch.Generator().manual_seed(1)
    x = torch.cat([std * torch.randn(20_000, generator=generator) for std in (1, 0.02, 1e-4, 60)]).clamp(-448, 448)
    np.testing.assert_array_equal(reference.fp8_round(x, format), x.to(TYPES[format]).double().numpy())
    values = reference.fp8_values(format)
    ties = ((values[1:] + values[:-1]) / 2).astype(np.float32)
    ties = torch.from_numpy(ties[np.abs(ties) <= 448])
    np.testing.assert_array_equal(reference.fp8_round(ties, format), ties.to(TYPES[format]).double().numpy())


@pytest.mark.parametrize(("format", "count"), [("e4m3", 253), ("e5m2", 247)])
def test_numbers_of_the_formats(format, count):
    """The hand-out says 255 values; so many different finite ones there are."""
    codes = torch.arange(256, dtype=torch.uint8).view(TYPES[format]).double().numpy()
    np.testing.assert_array_equal(np.unique(codes[np.isfinite(codes)]), reference.fp8_values(format))
    assert len(reference.fp8_values(format)) == count


@pytest.mark.parametrize("format", TYPES)
@pytest.mark.parametrize("std", [0.001, 0.0156, 0.3, 1.0, 20.0])
def test_the_expected_error_is_the_mean_of_a_large_sample(format, std):
    x = std * torch.randn(2_000_000, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    errors = (x.to(TYPES[format]).double() - x).abs() / x.abs()
    standard_error = float(errors.std()) / len(x) ** 0.5
    assert reference.fp8_error(std, format) == pytest.approx(float(errors.mean()), abs=5 * standard_error)


def test_errors_named_in_the_notebook():
    errors = {d_in: reference.fp8_error(d_in**-0.5) for d_in in (1, 1024, 4096, 16384, 65536)}
    expected = {1: 0.0241, 1024: 0.074, 4096: 0.123, 16384: 0.209, 65536: 0.349}
    assert errors == pytest.approx(expected, rel=5e-3)
    wide = [reference.fp8_error(d_in**-0.5, "e5m2") for d_in in (1, 4096, 65536)]
    assert wide == pytest.approx([0.0449, 0.0455, 0.0476], rel=3e-3)
    assert reference.fp8_error(0.01) == pytest.approx(0.1732, rel=1e-3)


def test_the_notebooks_tolerance_is_five_standard_errors():
    """Samples of correct answers are judged with 4 % (10 % for 20,000 numbers)."""
    for format, std in [(format, std) for format in TYPES for std in (1.0, 0.002, 0.0078125, 0.03, 0.3, 20.0)]:
        x = std * torch.randn(500_000, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        errors = (x.to(TYPES[format]).double() - x).abs() / x.abs()
        spread = float(errors.std() / errors.mean())
        assert 5 * spread / 100_000**0.5 < 0.04
        assert 5 * spread / 20_000**0.5 < 0.1


def test_forward_scale_gives_xaviers_variance():
    """2(b): c = 1 / sqrt(d_in). With N(0, 1 / sqrt(d_in)) read as a variance, c would be d_in^(-1/4)."""
    weights = torch.randn(400, 900, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    assert float((reference.forward_scale(900) * weights).var()) == pytest.approx(1 / 900, rel=0.01)
    x = torch.randn(900, 50, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    assert float((reference.forward_scale(900) * weights @ x).square().mean()) == pytest.approx(1, rel=0.05)
    assert float((900**-0.25 * weights @ x).square().mean()) == pytest.approx(30, rel=0.05)


@pytest.mark.parametrize("shape", SHAPES)
def test_scales_are_those_of_the_hand_out(shape):
    d_out, d_in = shape
    assert reference.forward_scale(d_in) == pytest.approx(1 / d_in**0.5)
    assert reference.max_update_spectral_norm(d_out, d_in) == pytest.approx(d_out**0.5)
    assert reference.signsgd_lr(d_out, d_in) == pytest.approx(1 / d_in**0.5)
    assert reference.muon_lr(d_out, d_in) == pytest.approx(d_out**0.5)
    assert reference.backward_scale(d_out, d_in) == pytest.approx(1 / d_out**0.5)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_largest_update_changes_the_output_by_an_rms_of_one(shape):
    d_in = shape[1]
    update = np.random.default_rng(6).normal(size=shape)
    _, values, right = np.linalg.svd(update)
    update *= reference.max_update_spectral_norm(*shape) / values[0]
    most = right[0] * d_in**0.5  # of RMS 1, in the direction that is stretched most
    assert np.sqrt(np.mean((d_in**-0.5 * update @ most) ** 2)) == pytest.approx(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_both_updates_have_the_largest_spectral_norm(shape):
    rng = np.random.default_rng(7)
    gradient = np.outer(rng.normal(size=shape[0]), rng.normal(size=shape[1]))  # of a batch of one
    for update in (reference.signsgd_update(gradient), reference.muon_update(gradient)):
        assert np.linalg.norm(update, 2) == pytest.approx(shape[0] ** 0.5)
        assert np.linalg.matrix_rank(update, rtol=1e-6) == 1
        assert np.sum(update * gradient) > 0
    np.testing.assert_allclose(reference.signsgd_update(3000 * gradient), reference.signsgd_update(gradient))
    np.testing.assert_allclose(reference.muon_update(3000 * gradient), reference.muon_update(gradient), atol=1e-9)


@pytest.mark.parametrize(("shape", "rank"), [((6, 5), 2), ((4, 9), 1), ((9, 4), 3), ((7, 7), 7)])
def test_muon_uses_the_compact_singular_value_decomposition(shape, rank):
    gradient = reference.low_rank(shape, rank, solutions.generator())
    left, values, right = np.linalg.svd(gradient)
    assert np.sum(values > 1e-10) == rank
    assert values[rank - 1] > 0.05 * values[0]
    expected = shape[0] ** 0.5 * left[:, :rank] @ right[:rank]
    np.testing.assert_allclose(reference.muon_update(gradient), expected, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_layers_gradients_are_autograds_but_for_the_adjustment(shape):
    generator = torch.Generator().manual_seed(8)
    weight = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    x = torch.randn(3, shape[1], generator=generator, dtype=torch.float64, requires_grad=True)
    gradient = torch.randn(3, shape[0], generator=generator, dtype=torch.float64)
    y = F.linear(x, weight) / shape[1] ** 0.5
    y.backward(gradient)
    ours = reference.unit_linear(weight.detach(), x.detach(), gradient)
    assert x.grad is not None
    for got, expected in zip(ours, (y.detach(), x.grad / shape[0] ** 0.5, weight.grad), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_norms_that_the_hand_out_uses(shape):
    """2(d): a sign matrix of rank 1 has the norm sqrt(d_in d_out), its Frobenius norm. 2(e): that of U V^T is 1."""
    rng = np.random.default_rng(9)
    gradient = np.outer(rng.normal(size=shape[0]), rng.normal(size=shape[1]))
    assert np.linalg.norm(np.sign(gradient), 2) == pytest.approx((shape[0] * shape[1]) ** 0.5)
    assert np.linalg.norm(np.sign(gradient)) == pytest.approx((shape[0] * shape[1]) ** 0.5)
    assert np.linalg.norm(reference.muon_update(gradient) / reference.muon_lr(*shape), 2) == pytest.approx(1)


def _weight_gradients(constants, residual: bool) -> list[np.ndarray]:
    """Gradients of the weights of a chain of linear layers, or of linear branches beside identities.

    The gradient that comes back through layer n is multiplied by ``constants[n]``.
    """
    rng = np.random.default_rng(10)
    weights = rng.normal(size=(len(constants), 20, 20)) / 20**0.5
    inputs = [rng.normal(size=(8, 20))]
    for weight in weights:
        inputs.append(inputs[-1] @ weight.T + residual * inputs[-1])
    gradient, gradients = rng.normal(size=(8, 20)), []
    for weight, x, constant in reversed(list(zip(weights, inputs, constants, strict=False))):
        gradients.append(gradient.T @ x)
        gradient = constant * gradient @ weight + residual * gradient
    return gradients


def test_constants_on_the_way_back_do_not_matter_in_a_chain_but_with_branches():
    """2(f): in a chain each weight's gradient is multiplied by a positive number, which sign and Muon do not see."""
    constants = [0.2, 5.0, 0.5, 9.0, 0.1]
    for residual in (False, True):
        pairs = zip(_weight_gradients([1] * 5, residual), _weight_gradients(constants, residual), strict=True)
        for layer, (true, adjusted) in enumerate(pairs):
            cosine = np.sum(true * adjusted) / np.linalg.norm(true) / np.linalg.norm(adjusted)
            same = cosine == pytest.approx(1, abs=1e-12)
            assert same == (not residual or layer == 0)
            if same:
                np.testing.assert_array_equal(reference.signsgd_update(adjusted), reference.signsgd_update(true))
                np.testing.assert_allclose(reference.muon_update(adjusted), reference.muon_update(true), atol=1e-7)


def _lengths(kind: str, adjusted: bool, seed: int = 0) -> np.ndarray:
    """Lengths of the gradient through ten layers, by the formula of 2(g)."""
    rng = np.random.default_rng(seed)
    widths = rng.integers(30, 200, size=11)
    signs = [rng.choice([-1.0, 1.0], size=width) for width in widths]
    gradient, lengths = signs[-1], [np.linalg.norm(signs[-1])]
    for n in reversed(range(10)):
        d_in, d_out = widths[n], widths[n + 1]
        if kind == "aligned":
            weight = np.outer(signs[n + 1], signs[n])
        elif kind == "not aligned":
            weight = np.outer(rng.choice([-1.0, 1.0], size=d_out), rng.choice([-1.0, 1.0], size=d_in))
        else:
            weight = rng.normal(size=(d_out, d_in))
        _, gradient, _ = reference.unit_linear(weight, np.ones((1, d_in)), gradient[None])
        gradient = gradient[0] if adjusted else gradient[0] / reference.backward_scale(d_out, d_in)
        lengths.append(np.linalg.norm(gradient))
    growth = np.prod(np.sqrt(widths[1:].astype(float)))
    return np.array([lengths[-1] / lengths[0], growth])


def test_aligned_rank_one_weights_explode_by_the_root_of_d_out_and_the_factor_mends_it():
    """The hand-out's 2(g)."""
    ratio, growth = _lengths("aligned", adjusted=False)
    assert ratio == pytest.approx(growth)
    assert growth > 1e8
    assert _lengths("aligned", adjusted=True)[0] == pytest.approx(1)


def test_other_weights_do_not_explode_without_the_factor_and_vanish_with_it():
    """What 2(g) leaves open."""
    runs = range(60)
    assert np.mean([_lengths("independent", False, seed)[0] ** 2 for seed in runs]) == pytest.approx(1, abs=0.4)
    assert np.median([_lengths("not aligned", False, seed)[0] for seed in runs]) < 0.1
    for kind in ("independent", "not aligned"):
        assert np.median([_lengths(kind, True, seed)[0] for seed in runs]) < 1e-7


def test_probes_of_a_layer():
    layer = torch.nn.Linear(4, 2, bias=False)
    weight, x, gradient = torch.ones(2, 4), torch.arange(4.0)[None], torch.tensor([[1.0, -3.0]])
    for _ in range(2):  # gradients of the first time are gone
        y, to_x, to_weight = layer_gradients(layer, weight, x, gradient)
        assert y.tolist() == [[6, 6]]
        assert to_x is not None
        assert to_x.tolist() == [[-2] * 4]
        assert to_weight is not None
        assert to_weight.tolist() == [[0, 1, 2, 3], [0, -3, -6, -9]]
    assert list(parameters_of(layer)) == ["weight"]
    assert torch.equal(parameters_of(layer)["weight"], weight)


def test_examples_of_the_notebook():
    x = [0.3, -3.3, 0.001, 0.0005, 1.0625, 400]
    assert reference.fp8_round(x, "e4m3").tolist() == [0.3125, -3.25, 0.001953125, 0, 1, 384]
    assert reference.fp8_round(x, "e5m2").tolist() == [0.3125, -3.5, 0.0009765625, 0.00048828125, 1, 384]
    errors = np.abs(reference.fp8_round(x[:2], "e4m3") / x[:2] - 1)
    np.testing.assert_allclose([*errors, errors.mean()], [0.0417, 0.0152, 0.0284], atol=5e-5)
    assert reference.forward_scale(16) == 0.25
    scales = [scale(9, 4) for scale in (reference.max_update_spectral_norm, reference.signsgd_lr, reference.muon_lr)]
    np.testing.assert_allclose([*scales, reference.backward_scale(9, 4)], [3, 0.5, 3, 1 / 3])
    G = [[0.3, -2, 0, 1], [-5, 0.1, 4, -1]]
    assert reference.signsgd_update(G).tolist() == [[0.5, -0.5, 0, 0.5], [-0.5, 0.5, 0.5, -0.5]]
    root = 2**0.5
    np.testing.assert_allclose(reference.muon_update([[0, 3, 0], [4, 0, 0]]), [[0, root, 0], [root, 0, 0]], atol=1e-12)
    low = np.array([[0.6, 0.8, 0], [1.2, 1.6, 0]]) * root / 5**0.5
    np.testing.assert_allclose(reference.muon_update([[3, 4, 0], [6, 8, 0]]), low, atol=1e-12)
    y, to_x, to_W = reference.unit_linear([[1, 0, 2, 1], [0, 2, 0, 1]], [[2, 1, 1, 0]], [[1, 2]])
    np.testing.assert_allclose(y, [[2, 1]])
    np.testing.assert_allclose(to_x * 2 * root, [[1, 4, 2, 3]])
    np.testing.assert_allclose(to_W, [[1, 0.5, 0.5, 0], [2, 1, 1, 0]])
