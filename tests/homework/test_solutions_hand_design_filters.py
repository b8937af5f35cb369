"""The reference answers of HandDesignFilters against scipy, torch and the notebook's own examples."""

import numpy as np
import pytest
import scipy.ndimage
import torch
import torch.nn.functional as F

import solutions.hw4.hand_design_filters as reference

SHAPES = [(3, 3), (5, 5), (2, 2), (4, 4), (3, 5), (7, 2), (1, 4), (6, 1), (4, 7), (1, 1)]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(5).random((9, 13))


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_is_scipys_default(image, shape):
    kernel = np.random.default_rng(6).normal(size=shape)
    np.testing.assert_allclose(reference.convolve(image, kernel), scipy.ndimage.convolve(image, kernel), atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_is_conv2d_of_the_flipped_kernel(image, shape):
    kernel = np.random.default_rng(7).normal(size=shape)
    pads = [((n - 1) // 2, n // 2) for n in shape]
    padded = torch.from_numpy(np.pad(image, pads, mode="symmetric"))
    expected = F.conv2d(padded[None, None], torch.from_numpy(kernel).flip(0, 1)[None, None])[0, 0]
    np.testing.assert_allclose(reference.as_conv2d(image, kernel), expected.numpy(), atol=1e-13)


def test_reflection_holds_for_kernels_larger_than_the_image():
    image, kernel = np.arange(6.0).reshape(2, 3), np.random.default_rng(8).normal(size=(9, 8))
    np.testing.assert_allclose(reference.convolve(image, kernel), scipy.ndimage.convolve(image, kernel), atol=1e-13)


@pytest.mark.parametrize("size", range(1, 10))
def test_averaging_is_average_pooling_of_the_reflected_image(image, size):
    padded = np.pad(image, ((size - 1) // 2, size // 2), mode="symmetric")
    expected = F.avg_pool2d(torch.from_numpy(padded)[None, None], size, stride=1)[0, 0].numpy()
    np.testing.assert_allclose(reference.averaging_filtering(image, size), expected, atol=1e-13)


def test_averaging_default_is_three(image):
    np.testing.assert_array_equal(reference.averaging_filtering(image), reference.averaging_filtering(image, 3))


def test_laplacian_is_scipys(image):
    np.testing.assert_allclose(reference.edge_detecting(image), scipy.ndimage.laplace(image), atol=1e-13)


def test_laplacian_vanishes_on_a_ramp_and_sums_to_zero(image):
    ramp = np.add.outer(0.3 * np.arange(6), 0.2 * np.arange(8))
    np.testing.assert_allclose(reference.edge_detecting(ramp)[1:-1, 1:-1], 0, atol=1e-13)
    # With reflection nothing leaks over the border, so the responses of any image sum to 0.
    assert reference.edge_detecting(image).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.5), (5, 2.0), (7, 1.3), (9, 3.0), (15, 4.0)])
def test_gaussian_is_scipys_with_that_radius(image, size, sigma):
    image = np.pad(image, 4)
    expected = scipy.ndimage.gaussian_filter(image, sigma, radius=size // 2)
    np.testing.assert_allclose(reference.gaussian_filtering(image, size, sigma), expected, atol=1e-13)
    dot = np.zeros((size, size))
    dot[size // 2, size // 2] = 1
    assert reference.gaussian_kernel(size, sigma).sum() == pytest.approx(1, abs=1e-14)
    ratio = reference.gaussian_kernel(size, sigma)[0, 0] / reference.gaussian_kernel(size, sigma).max()
    assert ratio == pytest.approx(np.exp(-((size // 2) ** 2) / sigma**2))


@pytest.mark.parametrize("size", [2, 4, 8])
def test_gaussian_kernel_refuses_even_sizes(size):
    with pytest.raises(ValueError, match="odd"):
        reference.gaussian_kernel(size, 1.0)


def test_sobel_is_scipys(image):
    gx, gy, magnitude = reference.sobel_edges(image)
    np.testing.assert_allclose(gx, scipy.ndimage.sobel(image, axis=1), atol=1e-13)
    np.testing.assert_allclose(gy, scipy.ndimage.sobel(image, axis=0), atol=1e-13)
    np.testing.assert_allclose(magnitude**2, gx**2 + gy**2, atol=1e-13)


def test_sobel_signs_follow_the_brightness():
    gx, gy, _ = reference.sobel_edges(np.add.outer(2.0 * np.arange(5), 3.0 * np.arange(6)))
    np.testing.assert_allclose(gx[1:-1, 1:-1], 3 * 8)
    np.testing.assert_allclose(gy[1:-1, 1:-1], 2 * 8)


def test_sharpen_is_linear_in_the_amount(image):
    blurred = scipy.ndimage.gaussian_filter(image, 1.5, radius=3)
    np.testing.assert_allclose(reference.sharpen(image, 0.0, 7, 1.5), image, atol=1e-14)
    np.testing.assert_allclose(reference.sharpen(image, -1.0, 7, 1.5), blurred, atol=1e-13)
    np.testing.assert_allclose(reference.sharpen(image, 4.0, 7, 1.5), 5 * image - 4 * blurred, atol=1e-13)


def test_answers_are_float64_and_leave_their_arguments_alone():
    image = torch.rand(6, 7, generator=torch.Generator().manual_seed(3))
    before = image.clone()
    answers = [
        reference.averaging_filtering(image, 4),
        reference.edge_detecting(image.tolist()),
        reference.gaussian_filtering(image, 5, 1.0),
        *reference.sobel_edges(image.numpy()),
        reference.as_conv2d(image, torch.ones(2, 3)),
        reference.sharpen(image, 2.0, 5, 1.0),
    ]
    assert all(isinstance(answer, np.ndarray) and answer.dtype == np.float64 for answer in answers)
    assert torch.equal(image, before)


def test_examples_of_the_notebook():
    dots = [[3.6, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 7.2]]
    three = [[1.6, 0.8, 0, 0], [0.8, 0.4, 0.8, 1.6], [0, 0, 1.6, 3.2]]
    np.testing.assert_allclose(reference.averaging_filtering(dots, 3), three, atol=1e-14)
    two = [[0.9, 0, 0, 0], [0, 0, 1.8, 3.6], [0, 0, 3.6, 7.2]]
    np.testing.assert_allclose(reference.averaging_filtering(dots, 2), two, atol=1e-14)
    ramp = np.tile(5.0 * np.arange(6), (5, 1))
    np.testing.assert_allclose(reference.averaging_filtering(ramp, 5)[2], [4, 6, 10, 15, 19, 21])
    edges = reference.edge_detecting([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1.5]])
    np.testing.assert_allclose(edges, [[0, 1, 0, 0], [1, -4, 1, 1.5], [0, 1, 1.5, -3]])
    np.testing.assert_allclose(reference.gaussian_kernel(3, 0.5)[1], [0.0838, 0.6193, 0.0838], atol=5e-5)
    blurred = reference.gaussian_filtering(ramp / 5, 5, 1.0)[0]
    np.testing.assert_allclose(blurred, [0.4077, 1.0545, 2, 3, 3.9455, 4.5923], atol=5e-5)
    gx, gy, magnitude = reference.sobel_edges([[0, 1, 1, 0], [0, 1, 1, 0], [2, 3, 3, 2]])
    np.testing.assert_allclose(gx, [[4, 4, -4, -4]] * 3)
    np.testing.assert_allclose(gy, [[0] * 4, [8] * 4, [8] * 4])
    assert magnitude[1, 2] == pytest.approx(8.944, abs=5e-4)
    corner = [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 10]]
    np.testing.assert_allclose(
        reference.as_conv2d(corner, [[1, 2], [3, 4]]), [[1, 2, 0, 0], [3, 4, 10, 30], [0, 0, 40, 100]]
    )
    np.testing.assert_allclose(
        reference.as_conv2d(corner, [[1, 2, 3], [4, 5, 6]]), [[1, 2, 3, 0], [4, 5, 16, 30], [0, 0, 50, 120]]
    )
    np.testing.assert_allclose(reference.as_conv2d(ramp / 5, [[0, 0, 0, 0, 1]])[0], [1, 0, 0, 1, 2, 3])
    step = np.tile([0.0, 0, 1, 1], (3, 1))
    np.testing.assert_allclose(reference.sharpen(step, 2.0, 3, 0.5)[1], [0, -0.2130, 1.2130, 1], atol=5e-5)


def test_names_of_the_border_modes():
    """The table in the notebook: a row 1 2 3 4, continued by two pixels, under each library's name."""
    row = np.arange(1.0, 5.0)
    table = {
        (2, 1, 4, 3): ("reflect", "symmetric", None),
        (3, 2, 3, 2): ("mirror", "reflect", "reflect"),
        (1, 1, 4, 4): ("nearest", "edge", "replicate"),
        (0, 0, 0, 0): ("constant", "constant", "constant"),
        (3, 4, 1, 2): ("wrap", "wrap", "circular"),
    }
    for outside, (in_scipy, in_numpy, in_torch) in table.items():
        padded = np.array([*outside[:2], *row, *outside[2:]])
        # A correlation with a single 1 at either end looks two pixels to the left or to the right.
        left = scipy.ndimage.correlate1d(row, [1, 0, 0, 0, 0], mode=in_scipy)
        right = scipy.ndimage.correlate1d(row, [0, 0, 0, 0, 1], mode=in_scipy)
        np.testing.assert_array_equal(np.concatenate([left, right]), np.concatenate([padded[:4], padded[4:]]))
        np.testing.assert_array_equal(np.pad(row, 2, mode=in_numpy), padded)
        if in_torch:
            np.testing.assert_array_equal(F.pad(torch.from_numpy(row)[None], (2, 2), mode=in_torch)[0], padded)
