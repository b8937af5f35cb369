"""The reference answers of fir_convolution against numpy, scipy, torch and the hand-out's numbers."""

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F

import solutions.hw4.fir_convolution as reference

N = np.arange(-6, 13)
LENGTHS = [(1, 1), (1, 5), (4, 3), (3, 8), (40, 7)]
CASES = [
    ((5, 5), (3, 3), 1, 0),
    ((4, 7), (2, 3), 2, 1),
    ((7, 4), (3, 2), 3, 2),
    ((3, 4), (5, 6), 2, 1),
    ((6, 1), (3, 1), 1, 0),
    ((2, 3), (4, 2), 1, 3),
]
NUMBERS = np.arange(1.0, 26.0).reshape(5, 5)
EDGE = np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])
IMAGE = np.array([[1.0, 0, 2, -1], [3, 1, 0, 2], [0, 2, 1, 1]])
KERNEL = np.array([[1.0, 2, 0], [0, -1, 3]])


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape)


def test_rect_is_a_difference_of_steps():
    for length in (1, 2, 7):
        expected = np.heaviside(N, 1) - np.heaviside(N - length, 1)
        np.testing.assert_array_equal(reference.rect(N, length), expected)
    np.testing.assert_array_equal(reference.rect(torch.tensor([4, -1, 2]), 3), [0, 0, 1])


def test_decay_halves():
    h = reference.decay(N)
    assert h[N == 0] == 1
    assert not h[N < 0].any()
    np.testing.assert_array_equal(h[N > 0], h[(N >= 0) & (N < 12)] / 2)


@pytest.mark.parametrize(("a", "b"), LENGTHS)
def test_convolve1d_is_numpys_and_commutes(a, b):
    x, h = random(a), random(b + 1)[1:]
    np.testing.assert_allclose(reference.convolve1d(x, h), np.convolve(x, h), atol=1e-13)
    np.testing.assert_allclose(reference.convolve1d(x, h), reference.convolve1d(h, x), atol=1e-13)


@pytest.mark.parametrize("length", [1, 2, 7, 20])
def test_response_is_the_hand_outs_closed_form(length):
    """Equation (4), and the convolution of the two signals."""
    closed = [0 if n < 0 else 2 - 2.0**-n if n < length - 1 else (2**length - 1) / 2.0**n for n in N]
    np.testing.assert_allclose(reference.response(N, length), closed, atol=1e-15)
    n = np.arange(40)
    filtered = scipy.signal.lfilter([1.0], [1.0, -0.5], n < length)
    np.testing.assert_allclose(reference.response(n, length), filtered, atol=1e-15)
    assert 2 - 2.0 ** -(length - 1) == (2**length - 1) / 2.0 ** (length - 1), "both cases hold at n = L - 1"


def test_the_sum_printed_in_the_last_case_is_a_slip():
    """3(a): the sum of 1/2^i over i < L does not depend on n; the sum of (1/2)^(n - i) is what eq. (4) says."""
    n, length = 9, 7
    assert sum(0.5**i for i in range(length)) == 1.984375
    assert sum(0.5 ** (n - i) for i in range(length)) == (2**length - 1) / 2**n == 0.248046875
    assert reference.response([n], length)[0] == 0.248046875
    assert reference.decay([n + 1])[0] > 0, "the text says that h(n - i) is 0 for i < 0; it is x(i) that is 0"


@pytest.mark.parametrize("places", [0, 5, -5, 3, 30, -30])
def test_shift_and_its_equivariance(places):
    y = random(19)
    moved = reference.shift(y, places)
    expected = [dict(zip(N, y, strict=True)).get(n - places, 0.0) for n in N]
    np.testing.assert_array_equal(moved, expected)
    if places == 5:  # problem 3(b)
        shifted_input = reference.shift(reference.rect(N, 7), 5)
        output = reference.convolve1d(shifted_input, reference.decay(N))[6:25]
        np.testing.assert_allclose(output, reference.shift(reference.response(N, 7), 5), atol=1e-15)
        assert not np.allclose(output, reference.response(N, 7)), "equivariant, not invariant as 3(b) has it"


@pytest.mark.parametrize(("shape", "kernel", "stride", "pad"), CASES)
def test_two_dimensions_are_scipys_and_torchs(shape, kernel, stride, pad):
    x, h = random(*shape), random(*kernel)
    valid = scipy.signal.convolve2d(np.pad(x, pad), h, mode="valid")[::stride, ::stride]
    np.testing.assert_allclose(reference.convolve2d(x, h, stride, pad), valid, atol=1e-13)
    layer = F.conv2d(torch.tensor(x)[None, None], torch.tensor(h)[None, None], stride=stride, padding=pad)[0, 0]
    np.testing.assert_allclose(reference.correlate2d(x, h, stride, pad), layer.numpy(), atol=1e-13)
    flipped = reference.flip_kernel(h)
    np.testing.assert_array_equal(flipped, np.rot90(h, 2))
    np.testing.assert_allclose(reference.correlate2d(x, flipped, stride, pad), valid, atol=1e-13)


@pytest.mark.parametrize("function", [reference.convolve2d, reference.correlate2d])
def test_kernels_that_do_not_fit_are_refused(function):
    for shape, kernel, pad in (((4, 3), (2, 4), 0), ((3, 4), (4, 2), 0), ((2, 2), (5, 3), 1)):
        with pytest.raises(ValueError, match="does not fit"):
            function(np.ones(shape), np.ones(kernel), 1, pad)
    assert function(np.ones((2, 3)), np.ones((2, 3))) == 6
    assert function(np.ones((2, 3)), np.ones((4, 5)), 1, 1) == 6


def test_the_hand_outs_tables():
    """Problem 3(c), (d) i and ii, equations (9) and (10)."""
    np.testing.assert_array_equal(reference.convolve2d(NUMBERS, EDGE), np.full((3, 3), -40))
    table = [
        [-19, -28, -32, -36, -29],
        [-30, -40, -40, -40, -30],
        [-30, -40, -40, -40, -30],
        [-30, -40, -40, -40, -30],
        [49, 68, 72, 76, 59],
    ]
    np.testing.assert_array_equal(reference.convolve2d(NUMBERS, EDGE, 1, 1), table)
    every_second = [[-19, -32, -29], [-30, -40, -30], [49, 72, 59]]
    np.testing.assert_array_equal(reference.convolve2d(NUMBERS, EDGE, 2, 1), every_second)
    np.testing.assert_array_equal(reference.correlate2d(NUMBERS, EDGE), np.full((3, 3), 40))


def test_examples_of_the_notebook():
    np.testing.assert_array_equal(reference.convolve1d([1, 2, 0, 3], [1, -1, 2]), [1, 1, 0, 7, -3, 6])
    expected = [0, 1, 1.5, 1.984375, 0.9921875, 0.248046875]
    np.testing.assert_array_equal(reference.response([-1, 0, 1, 6, 7, 9], 7), expected)
    np.testing.assert_array_equal(reference.shift([1, 2, 3, 4], -2), [3, 4, 0, 0])
    np.testing.assert_array_equal(reference.convolve2d(IMAGE, KERNEL), [[5, 0], [13, 6]])
    np.testing.assert_array_equal(reference.convolve2d(IMAGE, KERNEL, 2, 1), [[2, 3], [-1, 6]])
    np.testing.assert_array_equal(reference.correlate2d(IMAGE, KERNEL), [[0, 10], [6, 3]])
    np.testing.assert_array_equal(reference.correlate2d(IMAGE, KERNEL, 2, 1), [[-1, -5], [12, 3]])


def test_the_five_by_five_example_alone_does_not_tell_these_apart():
    """Why the notebook has a 2x3 kernel as well: several wrong operations give -40 everywhere."""
    rows_only = reference.correlate2d(NUMBERS, EDGE[::-1])
    negated = -reference.correlate2d(NUMBERS, EDGE)
    for wrong in (rows_only, negated, rows_only.T):
        np.testing.assert_array_equal(wrong, reference.convolve2d(NUMBERS, EDGE))
    assert not np.allclose(reference.correlate2d(IMAGE, KERNEL[::-1]), reference.convolve2d(IMAGE, KERNEL))


def test_answers_are_float64_and_leave_their_arguments_alone():
    x = torch.rand(5, 6, generator=torch.Generator().manual_seed(1))
    before = x.clone()
    answers = [
        reference.convolve2d(x, x[:2, :3]),
        reference.correlate2d(x.numpy(), [[1.0, 2.0]]),
        reference.flip_kernel(x.tolist()),
        reference.convolve1d(x[0], x[1]),
        reference.shift(x[0], 2),
        reference.rect(torch.arange(3), 2),
    ]
    assert all(answer.dtype == np.float64 for answer in answers)
    assert torch.equal(x, before)
