"""The data set of problem 6: counts, determinism, domain shift, and the defects of its earlier versions."""

import math

import pytest
import torch

from hw4kit import edges
from hw4kit.edges import EdgeDataset

ALL = {"class_type": edges.FIVE_CLASSES}


def dataset(split="train", seed=0, **config):
    return EdgeDataset(config, split, seed)


def covered(images):
    """The rows and columns that are brighter than the image's background, the pixel seen most often."""
    background = images.flatten(1).mode(dim=1).values.view(-1, 1, 1, 1)
    bright = images > background
    return bright.any(dim=3)[:, 0], bright.any(dim=2)[:, 0]


def test_shapes_types_and_order_of_classes():
    data = dataset(data_per_class=7)
    assert data.images.shape == (21, 1, 28, 28)
    assert data.images.dtype == torch.float32
    assert data.labels.tolist() == [0] * 7 + [1] * 7 + [2] * 7
    image, label = data[8]
    assert image.shape == (1, 28, 28)
    assert label == 1
    assert len(data) == 21


def test_values_are_grey_levels_in_range():
    images = dataset(data_per_class=50, **ALL).images
    assert images.min() >= 0
    assert images.max() <= 1
    assert torch.equal(images, (images * 255).round() / 255)


def test_there_are_106_bands_of_one_orientation_and_all_of_them_occur():
    assert len(edges.bands()) == len(set(edges.bands())) == 106
    data = dataset(data_per_class=4000, min_edge_intensity=0.5)
    rows, _ = covered(data.images[data.labels == 0])
    found = {(int(row.float().argmax()), int(row.sum())) for row in rows}
    assert found == set(edges.bands())


def test_widths_are_uniform_and_starts_are_uniform_given_the_width():
    data = dataset(data_per_class=20000, min_edge_intensity=0.5)
    _, columns = covered(data.images[data.labels == 1])
    widths = columns.sum(1)
    assert torch.allclose(widths.bincount(minlength=5)[1:].float() / 20000, torch.full((4,), 0.25), atol=0.02)
    starts = columns[widths == 4].float().argmax(1).bincount(minlength=25).float()
    assert len(starts) == 25
    assert (starts / starts.sum() - 1 / 25).abs().max() < 0.015


def test_last_row_and_column_are_used():
    data = dataset(data_per_class=500)
    rows, _ = covered(data.images[data.labels == 0])
    _, columns = covered(data.images[data.labels == 1])
    assert rows[:, -1].any()
    assert rows[:, 0].any()
    assert columns[:, -1].any()


def test_images_of_class_none_are_even_and_within_the_background_range():
    data = dataset(data_per_class=300)
    none = data.images[data.labels == 2].flatten(1)
    assert torch.equal(none.min(1).values, none.max(1).values)
    assert none.max() <= 51 / 255
    assert none.std() > 0.03


def test_both_draws_its_two_bands_independently():
    data = dataset(data_per_class=1000, class_type=("both",), min_edge_intensity=0.5)
    rows, columns = covered(data.images)
    # A row crossed by a vertical band is bright somewhere, so look along the emptiest column and row.
    bright = data.images[:, 0] > 0.3
    vertical = bright.sum(1) > 14
    horizontal = bright.sum(2) > 14
    first_row, first_column = horizontal.float().argmax(1).float(), vertical.float().argmax(1).float()
    assert torch.corrcoef(torch.stack([first_row, first_column]))[0, 1].abs() < 0.1
    assert (horizontal.sum(1) != vertical.sum(1)).any()
    assert rows.all()
    assert columns.all()


def test_diagonals_have_two_widths_and_no_bright_specks():
    data = dataset(data_per_class=400, class_type=("diagonal",), min_edge_intensity=1.0, max_background_intensity=0.0)
    bright = (data.images > 0.25).flatten(1).sum(1)
    assert bright.min() > 0
    # A speck from wrapped overshoot is a bright pixel whose eight neighbours are all dark.
    mask = (data.images > 0.9).float()
    around = torch.nn.functional.max_pool2d((data.images > 0.2).float(), 3, 1, 1)
    neighbours = torch.nn.functional.avg_pool2d((data.images > 0.2).float(), 3, 1, 1, count_include_pad=False) * 9
    assert not ((mask == 1) & (around == 1) & (neighbours < 1.5)).any()
    # The total brightness tells bands one pixel wide from those of two.
    length = data.images.flatten(1).sum(1)
    assert length.max() > 45
    assert length.min() < 30


def test_diagonal_corners_show_the_background():
    data = dataset(data_per_class=200, class_type=("diagonal",))
    corners = data.images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    background = data.images.flatten(1).mode(dim=1).values
    assert ((corners - background.unsqueeze(1)).abs() < 1e-6).any(dim=1).all()


def test_rotation_by_90_degrees_is_exact():
    image = torch.rand(2, 9, 9)
    turned = edges._rotated(image, torch.tensor([90.0, 0.0]))
    assert torch.allclose(turned[1], image[1], atol=1e-5)
    assert torch.allclose(turned[0], torch.rot90(image[0], 1), atol=1e-4)


@pytest.mark.parametrize("split", edges.SPLITS)
def test_domain_shift_holds_for_every_split(split):
    data = dataset(split, data_per_class=500, possible_edge_location_ratio=0.5)
    first, last = (0, 14) if split == "train" else (14, 28)
    inside = torch.zeros(28, dtype=torch.bool)
    inside[first:last] = True
    rows, _ = covered(data.images[data.labels == 0])
    _, columns = covered(data.images[data.labels == 1])
    for lines in (rows, columns):
        assert not lines[:, ~inside].any()
        assert lines.any(dim=0)[inside].all()


def test_domain_shift_uses_the_whole_rows_below_the_ratio():
    assert max(start + width for start, width in edges.bands({"possible_edge_location_ratio": 0.3})) == math.floor(8.4)
    assert min(start for start, _ in edges.bands({"possible_edge_location_ratio": 0.3}, "test")) == math.floor(8.4)


def test_same_arguments_give_the_same_images_and_others_do_not():
    assert torch.equal(dataset(seed=3, **ALL).images, dataset(seed=3, **ALL).images)
    images = [dataset(split, seed).images for split in edges.SPLITS for seed in range(4)]
    assert all(not torch.equal(a, b) for i, a in enumerate(images) for b in images[:i])


def test_the_global_generator_is_neither_used_nor_moved():
    torch.manual_seed(0)
    before, state = dataset(**ALL).images, torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(dataset(**ALL).images, before)
    torch.manual_seed(0)
    dataset(**ALL)
    assert torch.equal(torch.get_rng_state(), state)


def test_number_of_threads_does_not_matter():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = dataset(data_per_class=200, **ALL).images
        torch.set_num_threads(2)
        assert torch.equal(dataset(data_per_class=200, **ALL).images, one)
    finally:
        torch.set_num_threads(threads)


def test_permutation_is_one_for_all_splits_and_its_inverse_restores():
    for split in edges.SPLITS:
        plain, scrambled = dataset(split), dataset(split, use_permutation=True)
        assert not torch.equal(plain.images, scrambled.images)
        back = scrambled.images.flatten(1)[:, scrambled.config["unpermutater"]].view_as(plain.images)
        assert torch.equal(back, plain.images)


def test_permutation_may_be_given():
    order = torch.arange(784).flip(0)
    data = dataset(use_permutation=True, permutater=order, unpermutater=order)
    assert torch.equal(data.images, dataset().images.flip((2, 3)))


def test_one_image_per_class():
    assert dataset(data_per_class=1, **ALL).images.shape == (5, 1, 28, 28)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"num_per_class": 3}, "num_per_class"),
        ({"data_per_class": 0}, "data_per_class"),
        ({"data_per_class": 2.5}, "data_per_class"),
        ({"class_type": ("horizontal", "slanted")}, "slanted"),
        ({"class_type": ("none", "none")}, "once"),
        ({"class_type": ()}, "at least one"),
        ({"num_classes": 5}, "num_classes"),
        ({"min_edge_width": 5}, "edge_width"),
        ({"min_edge_width": 0}, "min_edge_width"),
        ({"max_edge_width": 40}, "does not fit"),
        ({"min_edge_intensity": 0.9, "max_edge_intensity": 0.5}, "edge_intensity"),
        ({"max_background_intensity": 1.5}, "background_intensity"),
        ({"possible_edge_location_ratio": 0}, "possible_edge_location_ratio"),
        ({"possible_edge_location_ratio": 0.1}, "does not fit"),
        ({"use_permutation": True, "permutater": [0] * 784}, "permutater"),
        ({"use_permutation": True, "unpermutater": torch.arange(784)}, "unpermutater"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(config, words):
    with pytest.raises(ValueError, match=words):
        EdgeDataset(config)


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="validation"):
        EdgeDataset({}, "validation")


def test_the_configuration_given_is_not_changed():
    config = {"data_per_class": 2, "use_permutation": True}
    EdgeDataset(config)
    assert config == {"data_per_class": 2, "use_permutation": True}
