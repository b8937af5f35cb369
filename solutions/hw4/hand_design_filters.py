"""Reference answers of HandDesignFilters (problem 5).

Everything follows from one definition, true convolution with half-sample reflection at the border:

    y[i, j] = sum over a, b of k[a, b] x[i + h // 2 - a, j + w // 2 - b]

for a kernel (h, w). It is written here with index arithmetic only, and checked in the tests against
``scipy.ndimage.convolve``, whose default it is. The other filters are sums of shifted images, without kernels.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def convolve(image: Any, kernel: Any) -> Array:
    """True convolution of an image (H, W) with a kernel (h, w), any h and w: float64 (H, W)."""
    weights = np.asarray(kernel, dtype=np.float64)
    height, width = weights.shape
    downs, rights = range(height // 2, height // 2 - height, -1), range(width // 2, width // 2 - width, -1)
    result = np.zeros(np.shape(image))
    for weight, part in zip(weights.flat, shifts(image, downs, rights), strict=True):
        result += weight * part
    return result


def shifted(image: Any, down: int, right: int) -> Array:
    """The (H, W) array whose element (i, j) is the image's (i + down, j + right), reflected at the border."""
    return shifts(image, [down], [right])[0]


def shifts(image: Any, downs: Sequence[int], rights: Sequence[int]) -> list[Array]:
    """``shifted`` by each of ``downs`` with each of ``rights``: views of one array, which is reflected once."""
    values = np.asarray(image, dtype=np.float64)
    (height, width), top, left = values.shape, min(downs), min(rights)
    rows = reflected(np.arange(top, height + max(downs)), height)
    columns = reflected(np.arange(left, width + max(rights)), width)
    extended = values[rows[:, None], columns]
    return [extended[i - top :, j - left :][:height, :width] for i in downs for j in rights]


def reflected(indices: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """The indices inside 0 .. size - 1 that these stand for: ... 1 0 | 0 1 ... size - 1 | size - 1 size - 2 ..."""
    indices = indices % (2 * size)
    return np.minimum(indices, 2 * size - 1 - indices)


def averaging_filtering(image: Any, filter_size: int = 3) -> Array:
    """Mean over the rows i - (n - 1) // 2 .. i + n // 2, and columns likewise, for n = ``filter_size``: (H, W)."""
    reach = range(-((filter_size - 1) // 2), filter_size // 2 + 1)
    mean: Array = np.mean(shifts(image, reach, reach), axis=0)
    return mean


def edge_detecting(image: Any) -> Array:
    """The Laplacian, the four direct neighbors minus four times the pixel: (H, W)."""
    neighbors: Array = shifted(image, -1, 0) + shifted(image, 1, 0) + shifted(image, 0, -1) + shifted(image, 0, 1)
    return neighbors - 4.0 * np.asarray(image, dtype=np.float64)


def gaussian_kernel(size: int, sigma: float) -> Array:
    """exp(-(i^2 + j^2) / (2 sigma^2)) at the integers i, j = -(size // 2) .. size // 2, with sum 1: (size, size).

    Raises ``ValueError`` for an even size.
    """
    if size % 2 == 0:
        raise ValueError(f"a Gaussian kernel needs an odd size to have a center, got {size}")
    reach = range(-(size // 2), size // 2 + 1)
    weights = np.array([[math.exp(-(i * i + j * j) / (2.0 * sigma * sigma)) for j in reach] for i in reach])
    kernel: Array = weights / weights.sum()
    return kernel


def gaussian_filtering(image: Any, size: int, sigma: float) -> Array:
    """The image convolved with ``gaussian_kernel(size, sigma)``: (H, W)."""
    return convolve(image, gaussian_kernel(size, sigma))


def sobel_edges(image: Any) -> tuple[Array, Array, Array]:
    """Sobel's derivatives to the right and downwards, weights 1, 2, 1, and their magnitude: three (H, W)."""
    gx = sum(weight * (shifted(image, k, 1) - shifted(image, k, -1)) for k, weight in ((-1, 1), (0, 2), (1, 1)))
    gy = sum(weight * (shifted(image, 1, k) - shifted(image, -1, k)) for k, weight in ((-1, 1), (0, 2), (1, 1)))
    return np.asarray(gx), np.asarray(gy), np.hypot(gx, gy)


def as_conv2d(image: Any, kernel: Any) -> Array:
    """What the question asks of ``torch.nn.functional.conv2d``: true convolution, (H, W)."""
    return convolve(image, kernel)


def sharpen(image: Any, amount: float, size: int, sigma: float) -> Array:
    """Unsharp masking, image + amount (image - blurred), not clipped: (H, W)."""
    values = np.asarray(image, dtype=np.float64)
    return values + amount * (values - gaussian_filtering(image, size, sigma))
