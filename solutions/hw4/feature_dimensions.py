"""Reference answers of problem 4, feature dimensions of a convolutional network.

Sizes are counted, not computed by the formulas: the places of a window, the pixels that an output reaches, the products
that it takes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]

g3 = (0.0, 0.8, 0.0)  # x3 is x2 shifted by 5 columns
g4 = (0.8, 0.0, 0.0)  # x4 is x1 shifted by 5 rows


def conv_output_shape(W: int, H: int, C: int, K: int, P: int, S: int, F: int) -> Shape:
    """Problem 4(a): (W', H', C') of a convolutional layer, W' and H' counted; ``ValueError`` if one of them is 0."""
    return _places(W + 2 * P, K, S), _places(H + 2 * P, K, S), F


def conv_parameters(K: int, C: int, F: int) -> Shape:
    """Problem 4(a): (weights, biases), the sizes of the tensors (F, C, K, K) and (F,)."""
    return int(np.prod((F, C, K, K))), F


def pool_output_shape(W: int, H: int, C: int, K: int, S: int) -> Shape:
    """Problem 4(b): (W', H', C') of a pooling layer, W' and H' counted; ``ValueError`` if one of them is 0."""
    return _places(W, K, S), _places(H, K, S), C


def receptive_field(layers: Sequence[tuple[int, int]]) -> int:
    """Problem 4(c), (d): the number of pixels in a row from which the last layer's output 0 can be reached.

    layers: (K, S), first layer first; output i of a layer sees the outputs i S .. i S + K - 1 of the one before.
    """
    seen = {0}
    for size, stride in reversed(layers):
        seen = {output * stride + tap for output in seen for tap in range(size)}
    return max(seen) - min(seen) + 1


def multiply_accumulates(W: int, H: int, C: int, K: int, P: int, S: int, F: int) -> int:
    """Problem 4(d): one multiply-accumulate for each weight of each place of each filter."""
    width, height, filters = conv_output_shape(W, H, C, K, P, S, F)
    weights, _ = conv_parameters(K, C, 1)
    return sum(weights for _ in range(filters) for _ in range(width * height))


def describe(network: str, input_shape: Sequence[int]) -> list[tuple[str, int, Shape]]:
    """Problem 4(e): rows (name, parameters, shape) for the input and for every layer of ``network``."""
    rows: list[tuple[str, int, Shape]] = [("Input", 0, tuple(input_shape))]
    for name in network.split(" "):
        rows.append((name, *_layer(name, rows[-1][2])))
    return rows


def circular_features(
    images: Any, weight1: Any, bias1: Any, weight2: Any, bias2: Any, padding_mode: str
) -> list[Array]:
    """Problem 4(f): the features (N, 3) of images (N, 1, H, W), for each side on which the new row and column can be.

    The sides make a difference for zeros only, so "circular" gives a list of one.
    """
    sides = [(0, 0)] if padding_mode == "circular" else [(0, 0), (0, 1), (1, 0), (1, 1)]
    first = (_exact(weight1).reshape(3, 1, 2, 2), _exact(bias1).reshape(3))
    second = (_exact(weight2).reshape(3, 3, 2, 2), _exact(bias2).reshape(3))
    found = []
    for side in sides:
        maps = _exact(images)
        for weight, bias in (first, second):
            maps = np.maximum(_conv2(maps, weight, bias, padding_mode == "circular", side), 0.0)
        found.append(maps.mean(axis=(2, 3)))
    return found


def share_of_changes(image: Any, networks: int = 20, threshold: float = 1e-4) -> Array:
    """In which share of random networks, zero-padded above and left, a circular shift changes a feature of ``image``.

    image: (H, W)
    returns: (H, W), element (d, r) for the shift by d down and r to the right
    """
    exact = _exact(image)
    shifted = np.stack([np.roll(exact, shift, axis=(0, 1)) for shift in np.ndindex(exact.shape)])[:, None]
    changed = np.zeros(len(shifted))
    for seed in range(networks):
        generator = np.random.default_rng(seed)
        weight1, bias1, weight2, bias2 = (
            generator.uniform(-(fan_in**-0.5), fan_in**-0.5, size)
            for fan_in, size in ((4, (3, 1, 2, 2)), (4, (3,)), (12, (3, 3, 2, 2)), (12, (3,)))
        )
        features = circular_features(shifted, weight1, bias1, weight2, bias2, "zeros")[0]
        changed += np.abs(features - features[0]).max(axis=1) > threshold
    return changed.reshape(exact.shape) / networks


def _places(size: int, window: int, stride: int) -> int:
    """How many places a window has on a row of ``size`` pixels."""
    count = len([first for first in range(0, size, stride) if first + window <= size])
    if count == 0:
        raise ValueError(f"a window of {window} does not fit on {size} pixels")
    return count


def _layer(name: str, shape: Shape) -> tuple[int, Shape]:
    """The parameters of a layer on an input of ``shape``, and the shape of its output."""
    match name.split("-"):
        case ["CONV3", filters]:
            width, height, channels = shape
            return sum(conv_parameters(3, channels, int(filters))), (width, height, int(filters))
        case ["POOL2"]:
            width, height, channels = shape
            return 0, pool_output_shape(width, height, channels, 2, 2)
        case ["FLATTEN"]:
            return 0, (int(np.prod(shape)),)
        case ["FC", outputs]:
            (inputs,) = shape
            return inputs * int(outputs) + int(outputs), (int(outputs),)
    raise ValueError(f"no such layer: {name}")


def _conv2(maps: Array, weight: Array, bias: Array, wrap: bool, side: tuple[int, int]) -> Array:
    """Correlation with 2x2 filters; the map's pixel (i, j) stands at weight element (1, 1), or (1 - side) of it."""
    height, width = maps.shape[2:]
    result = np.zeros((len(maps), len(weight), height, width))
    for i, j, a, b in np.ndindex(height, width, 2, 2):
        row, column = i + a - 1 + side[0], j + b - 1 + side[1]
        if wrap or (0 <= row < height and 0 <= column < width):
            result[:, :, i, j] += maps[:, :, row % height, column % width] @ weight[:, :, a, b].T
    return result + bias[:, None, None]


def _exact(value: Any) -> Array:
    """A float64 copy of a tensor, an array or nested lists."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    return np.array(value, dtype=np.float64)
