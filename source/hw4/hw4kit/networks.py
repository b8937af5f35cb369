"""The small network of problem 4(f) as a formula, and the images it is shown.

``features`` computes with shifted copies of numpy arrays what a network of layers does with the same numbers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.checks import to_numpy

Array = np.ndarray


def handout_images() -> dict[str, Array]:
    """The four images (8, 8) of problem 4(f): lines in row 1, column 1, column 6 and row 6."""
    images = {name: np.zeros((8, 8), dtype=np.float32) for name in ("x1", "x2", "x3", "x4")}
    images["x1"][1, :] = images["x2"][:, 1] = images["x3"][:, 6] = images["x4"][6, :] = 1
    return images


def letter() -> Array:
    """An image (8, 8) of the letter F, its pixels in rows 1 to 6 and columns 2 to 5."""
    image = np.zeros((8, 8), dtype=np.float32)
    image[1:7, 2] = image[1, 2:6] = image[3, 2:5] = 1
    return image


def all_shifts(image: Any) -> Array:
    """All circular shifts of an image (H, W), as (H * W, 1, H, W) in float32: number d * W + r is d down, r right."""
    image = to_numpy(image).astype(np.float32)
    height, width = image.shape
    return np.stack([np.roll(image, (d, r), axis=(0, 1))[None] for d in range(height) for r in range(width)])


@dataclass(frozen=True)
class Parameters:
    """Weights (3, channels, 2, 2) and biases (3,) of the two CONV2-3 layers."""

    weight1: Array
    bias1: Array
    weight2: Array
    bias2: Array


def random_parameters(seed: int) -> Parameters:
    """Parameters as torch draws them for a new layer: uniform in +-1 / sqrt(inputs of the layer)."""
    generator = np.random.default_rng(seed)
    one, two = 1 / np.sqrt(4), 1 / np.sqrt(12)
    return Parameters(
        generator.uniform(-one, one, (3, 1, 2, 2)),
        generator.uniform(-one, one, 3),
        generator.uniform(-two, two, (3, 3, 2, 2)),
        generator.uniform(-two, two, 3),
    )


def features(images: Any, parameters: Parameters, zeros: bool = False, both_sides: bool = False) -> Array:
    """The features (N, 3) of images (N, 1, H, W).

    zeros: pad with zeros, above and to the left, in place of wrapping around
    both_sides: pad on all four sides, so that the maps grow
    """
    maps = to_numpy(images)
    for weight, bias in ((parameters.weight1, parameters.bias1), (parameters.weight2, parameters.bias2)):
        maps = _layer(maps, weight, bias, zeros, both_sides)
    found: Array = maps.mean(axis=(2, 3))
    return found


def changes(image: Any, seeds: int = 20, zeros: bool = True, both_sides: bool = False) -> Array:
    """How much each circular shift of an image (H, W) moves the features: (seeds, H, W).

    Element (s, d, r) is the largest change among the three features, in the random network s, when the image moves d
    down and r to the right.
    """
    shifted = all_shifts(image)
    found = [features(shifted, random_parameters(seed), zeros, both_sides) for seed in range(seeds)]
    return np.stack([np.abs(f - f[0]).max(axis=1).reshape(shifted.shape[2:]) for f in found])


def _layer(maps: Array, weight: Array, bias: Array, zeros: bool, both_sides: bool) -> Array:
    after = 1 if both_sides else 0
    padding = ((0, 0), (0, 0), (1, after), (1, after))
    padded = np.pad(maps, padding, mode="constant") if zeros else np.pad(maps, padding, mode="wrap")
    height, width = padded.shape[2] - 1, padded.shape[3] - 1
    result = np.tile(bias[:, None, None], (len(maps), 1, height, width))
    for row in (0, 1):
        for column in (0, 1):
            piece = padded[:, :, row : row + height, column : column + width]
            result += np.einsum("fc,nchw->nfhw", weight[:, :, row, column], piece)
    rectified: Array = np.maximum(result, 0)
    return rectified
