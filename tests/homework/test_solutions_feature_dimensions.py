"""The reference answers of feature_dimensions against torch modules and the handout's numbers."""

import math

import numpy as np
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

import solutions.hw4.feature_dimensions as reference
from hw4kit import networks

SETTINGS = [(K, P, S) for K in (1, 2, 3, 5) for P in (0, 1, 2) for S in (1, 2, 3)]
HANDOUT = "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"


class Twin(nn.Module):
    """The network of 4(f) from torch's own parts; ``both_sides`` is the handout's "padding of 1"."""

    def __init__(self, mode: str, both_sides: bool = False) -> None:
        super().__init__()
        self.mode = {"zeros": "constant"}.get(mode, mode)
        self.sides = (1, 1, 1, 1) if both_sides else (1, 0, 1, 0)
        self.conv1, self.conv2 = nn.Conv2d(1, 3, 2), nn.Conv2d(3, 3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv in (self.conv1, self.conv2):
            x = F.relu(conv(F.pad(x, self.sides, mode=self.mode)))
        return x.mean(dim=(2, 3))

    def arrays(self) -> list[np.ndarray]:
        return [parameter.detach().numpy() for parameter in self.parameters()]


@pytest.mark.parametrize(("K", "P", "S"), SETTINGS)
@pytest.mark.parametrize(("W", "H"), [(5, 5), (8, 7), (13, 6)])
def test_conv_output_shape_is_torchs_and_the_formula(W, H, K, P, S):
    layer = nn.Conv2d(2, 3, K, S, P)
    channels, height, width = layer(torch.zeros(2, H, W)).shape
    shape = reference.conv_output_shape(W, H, 2, K, P, S, 3)
    assert shape == (width, height, channels)
    assert shape == ((W - K + 2 * P) // S + 1, (H - K + 2 * P) // S + 1, 3)  # problem 4(a)
    assert reference.conv_parameters(K, 2, 3) == (layer.weight.numel(), layer.bias.numel()) == (K * K * 2 * 3, 3)


@pytest.mark.parametrize(("K", "S"), [(2, 2), (3, 2), (2, 1), (2, 3), (5, 4)])
def test_pool_output_shape_is_torchs(K, S):
    for W, H in ((7, 6), (28, 28), (9, 5)):
        channels, height, width = F.max_pool2d(torch.zeros(4, H, W), K, S).shape
        assert reference.pool_output_shape(W, H, 4, K, S) == (width, height, channels)


def test_pool_formula_without_the_floor_is_a_slip():
    """4(b): (W - K) / S + 1 gives 3.5 for 7 pixels; torch, and the floor, give 3."""
    assert (7 - 2) / 2 + 1 == 3.5
    assert F.max_pool2d(torch.zeros(1, 7, 7), 2).shape[-1] == math.floor((7 - 2) / 2) + 1 == 3
    assert reference.pool_output_shape(7, 7, 1, 2, 2) == (3, 3, 1)


@pytest.mark.parametrize(("W", "H", "K", "S"), [(2, 9, 3, 1), (9, 2, 3, 2), (1, 9, 4, 5)])
def test_no_output_is_a_value_error(W, H, K, S):
    with pytest.raises(ValueError, match="does not fit"):
        reference.conv_output_shape(W, H, 1, K, 0, S, 1)
    with pytest.raises(ValueError, match="does not fit"):
        reference.pool_output_shape(W, H, 1, K, S)
    assert reference.conv_output_shape(1, 1, 1, 3, 1, 5, 2) == (1, 1, 2)


def seen_by_gradient(layers: list[tuple[int, int]]) -> int:
    """The side of the square of pixels at which the gradient of one output is not 0."""
    image = torch.zeros(1, 1, 64, 64, dtype=torch.float64, requires_grad=True)
    maps = image
    for size, stride in layers:
        maps = F.conv2d(maps, torch.ones(1, 1, size, size, dtype=torch.float64), stride=stride)
    maps[0, 0, 0, 0].backward()
    assert image.grad is not None
    return int(image.grad[0, 0].any(dim=0).sum())


@pytest.mark.parametrize(
    "layers",
    [[(3, 1)], [(5, 1)] * 3, [(3, 1), (2, 2)], [(3, 1), (2, 2), (3, 1)], [(2, 2), (3, 1)], [(5, 2), (3, 3), (4, 1)]],
)
def test_receptive_field_is_where_the_gradient_is(layers):
    assert reference.receptive_field(layers) == seen_by_gradient(layers)


@pytest.mark.parametrize(("L", "K"), [(1, 3), (2, 3), (4, 5), (7, 2)])
def test_receptive_field_of_equal_layers(L, K):
    """4(c): L (K - 1) + 1. The answer accepted as well, (L - 1)(K - 1) + 1, is a layer short."""
    assert reference.receptive_field([(K, 1)] * L) == seen_by_gradient([(K, 1)] * L) == L * (K - 1) + 1
    assert seen_by_gradient([(K, 1)] * L) - (L - 1) * (K - 1) - 1 == K - 1


def test_pooling_doubles_the_steps_not_the_field():
    """4(d): CONV3 sees 3, with POOL2 4 and not 6, with a further CONV3 8."""
    fields = [seen_by_gradient([(3, 1), (2, 2), (3, 1)][:depth]) for depth in (1, 2, 3)]
    assert fields == [3, 4, 8]


def test_multiply_accumulates_count_the_products():
    for W, H, C, K, P, S, filters in ((6, 5, 2, 3, 1, 1, 4), (7, 9, 3, 2, 0, 2, 2), (5, 5, 1, 5, 2, 3, 3)):
        ones = torch.ones(1, C, H + 2 * P, W + 2 * P)
        products = F.conv2d(ones, torch.ones(filters, C, K, K), stride=S).sum().item()
        assert reference.multiply_accumulates(W, H, C, K, P, S, filters) == products
    assert reference.multiply_accumulates(28, 28, 1, 3, 1, 1, 10) == 70_560


def test_what_a_pool_saves():
    """4(d): with doubled channels the layer after the pool costs half, the next one as much as before."""
    plain = reference.multiply_accumulates(32, 32, 16, 3, 1, 1, 16)
    assert [reference.multiply_accumulates(16, 16, 16, 3, 1, 1, f) / plain for f in (16, 32)] == [0.25, 0.5]
    assert reference.multiply_accumulates(16, 16, 32, 3, 1, 1, 32) == plain


def test_describe_gives_the_handouts_table():
    """4(e)."""
    assert reference.describe(HANDOUT, (28, 28, 1)) == [
        ("Input", 0, (28, 28, 1)),
        ("CONV3-10", 3 * 3 * 1 * 10 + 10, (28, 28, 10)),
        ("POOL2", 0, (14, 14, 10)),
        ("CONV3-10", 3 * 3 * 10 * 10 + 10, (14, 14, 10)),
        ("POOL2", 0, (7, 7, 10)),
        ("FLATTEN", 0, (490,)),
        ("FC-3", 490 * 3 + 3, (3,)),
    ]


@pytest.mark.parametrize("seed", range(12))
def test_describe_is_what_torch_modules_do(seed):
    """Random networks of CONV3, POOL2, FLATTEN, FC, built and run."""
    generator = np.random.default_rng(seed)
    width, height, channels = (int(n) for n in generator.integers(8, 20, 3))
    names = [f"CONV3-{n}" if n % 3 else "POOL2" for n in generator.integers(1, 20, 5)]
    names = [name for place, name in enumerate(names) if name != "POOL2" or names[:place].count("POOL2") < 3]
    names += ["FLATTEN", f"FC-{generator.integers(1, 20)}", f"FC-{generator.integers(1, 20)}"]
    rows = reference.describe(" ".join(names), (width, height, channels))
    assert rows[0] == ("Input", 0, (width, height, channels))
    x = torch.zeros(1, channels, height, width)
    for name, (label, parameters, shape) in zip(names, rows[1:], strict=True):
        kind, _, number = name.partition("-")
        layer: nn.Module
        match kind:
            case "CONV3":
                layer = nn.Conv2d(x.shape[1], int(number), 3, padding=1)
            case "POOL2":
                layer = nn.MaxPool2d(2)
            case "FLATTEN":
                layer = nn.Flatten()
            case _:
                layer = nn.Linear(x.shape[1], int(number))
        x = layer(x)
        assert (label, parameters) == (name, sum(p.numel() for p in layer.parameters()))
        assert shape == tuple(reversed(x.shape[1:]))


@pytest.mark.parametrize("mode", ["circular", "zeros"])
def test_features_are_those_of_torch_modules(mode):
    torch.manual_seed(4)
    model = Twin(mode)
    images = torch.rand(3, 1, 5, 8)
    expected = model(images).detach().numpy()
    candidates = reference.circular_features(images, *model.arrays(), mode)
    np.testing.assert_allclose(candidates[0], expected, atol=1e-6)
    parameters = networks.Parameters(*model.arrays())
    np.testing.assert_allclose(networks.features(images, parameters, zeros=mode == "zeros"), expected, atol=1e-6)
    model.sides = (0, 1, 0, 1)  # below and to the right
    np.testing.assert_allclose(candidates[-1], model(images).detach().numpy(), atol=1e-6)


def test_features_are_invariant_on_the_torus_only():
    """4(f): exact with one row and column on one side; the "padding of 1" on both sides, 8x8 to 9x9, is not."""
    shifted = torch.from_numpy(networks.all_shifts(networks.letter()))
    moved = {}
    for name, model in {
        "circular": Twin("circular"),
        "zeros": Twin("zeros"),
        "both sides": Twin("circular", both_sides=True),
    }.items():
        torch.manual_seed(6)
        for layer in (model.conv1, model.conv2):
            layer.reset_parameters()
        features = model(shifted).detach()
        moved[name] = float((features - features[0]).abs().max())
        if name == "both sides":
            assert F.pad(shifted, model.sides).shape[-1] - 1 == 9
    assert moved["circular"] < 1e-6
    assert min(moved["zeros"], moved["both sides"]) > 3e-3


def test_the_handouts_images_do_not_show_that_rows_count_twice():
    """4(f) with padding on both sides: x1 and x4 keep equal features, a line in row 7 does not."""
    last = np.roll(networks.handout_images()["x1"], 6, axis=0)
    differences = []
    for seed in range(20):
        parameters = networks.random_parameters(seed)
        x1, x4, edge = (
            networks.features(image[None, None], parameters, both_sides=True)
            for image in (networks.handout_images()["x1"], networks.handout_images()["x4"], last)
        )
        np.testing.assert_allclose(x1, x4, atol=1e-12)
        differences.append(np.abs(edge - x1).max())
    assert np.median(differences) > 0.01


def test_predicted_features_follow_from_the_shifts():
    images = networks.handout_images()
    np.testing.assert_array_equal(np.roll(images["x1"], 5, axis=0), images["x4"])
    np.testing.assert_array_equal(np.roll(images["x2"], 5, axis=1), images["x3"])
    assert (reference.g3, reference.g4) == ((0, 0.8, 0), (0.8, 0, 0))


def test_the_handouts_own_shift_breaks_the_zero_padded_twin():
    """4(f): x1 moved down by 5 is x4, and zero padding tells them apart."""
    shares = reference.share_of_changes(networks.handout_images()["x1"])
    assert shares[5, 0] >= 0.9
    assert shares[:5].max() == 0, "at first the line moves without meeting the border"


def test_changes_of_the_letter():
    shares = reference.share_of_changes(networks.letter())
    measured = (networks.changes(networks.letter()) > 1e-4).mean(axis=0)
    np.testing.assert_array_equal(shares, measured)
    assert shares[0, 0] == shares[0, 7] == 0, "at (0, -1) the same row of its maps is cut off"
    rest = np.delete(shares.ravel(), [0, 7])
    assert rest.min() >= 0.5
    assert networks.changes(networks.letter(), zeros=False).max() < 1e-12


@pytest.mark.parametrize("side", [0, 3])
def test_which_shifts_of_the_letter_the_twin_does_not_notice(side):
    """Left by 1 with the zeros above and to the left (side 0), right by 1 with them below and to the right (side 3)."""
    shifted = networks.all_shifts(networks.letter())
    changed = np.zeros(64)
    for seed in range(20):
        p = networks.random_parameters(seed)
        found = reference.circular_features(shifted, p.weight1, p.bias1, p.weight2, p.bias2, "zeros")[side]
        changed += np.abs(found - found[0]).max(axis=1) > 1e-4
    one, two = (7, 6) if side == 0 else (1, 2)
    assert [int(shift) for shift in np.flatnonzero(changed == 0)] == sorted({0, one})
    assert 8 <= changed[two] <= 12, "by 2 it does in about half of the networks"


def test_the_letter_is_cut_off_to_begin_with():
    """With zeros above and to the left its maps reach row 8 and column 7 of an 8x8 map: not only background is cut."""
    ones = networks.Parameters(np.ones((3, 1, 2, 2)), np.zeros(3), np.ones((3, 3, 2, 2)), np.zeros(3))
    image = np.zeros((1, 1, 12, 12))
    image[0, 0, :8, :8] = networks.letter()
    first = networks._layer(image, ones.weight1, ones.bias1, zeros=True, both_sides=False)
    after_two = networks._layer(first, ones.weight2, ones.bias2, zeros=True, both_sides=False)
    rows, columns = after_two[0, 0].any(axis=1).nonzero()[0], after_two[0, 0].any(axis=0).nonzero()[0]
    assert (rows.max(), columns.max()) == (8, 7)


def test_the_example_of_the_class():
    """Averaging layers: the mean stays on a torus, and the twin loses 1/64, wherever its zeros stand."""
    line = np.zeros((1, 1, 8, 8))
    line[0, 0, 3] = 1
    parameters = (np.full((3, 1, 2, 2), 1 / 4), np.zeros(3), np.full((3, 3, 2, 2), 1 / 12), np.zeros(3))
    np.testing.assert_allclose(reference.circular_features(line, *parameters, "circular"), [[[0.125] * 3]])
    np.testing.assert_allclose(reference.circular_features(line, *parameters, "zeros"), [[[7 / 64] * 3]] * 4)
    grown = networks.features(line, networks.Parameters(*parameters), both_sides=True)
    np.testing.assert_allclose(grown, [[0.1] * 3])
