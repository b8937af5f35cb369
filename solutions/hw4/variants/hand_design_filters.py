"""Correct answers to HandDesignFilters in other styles."""

import math

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
import scipy.stats
import torch
import torch.nn.functional as F


def _reflect(index, size):
    """The pixel that stands at ``index`` when the row of ``size`` pixels is continued by its mirror image."""
    if index < 0:
        return -1 - index
    return 2 * size - 1 - index if index >= size else index


def _gaussian(size, sigma):
    """The Gaussian kernel as a float64 array."""
    offsets = np.arange(size) - size // 2
    kernel = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def _band(size, weights):
    """The (size, size) matrix that filters a column by ``weights`` (odd length), borders reflected."""
    matrix = np.zeros((size, size))
    for row in range(size):
        for tap, weight in enumerate(weights):
            matrix[row, _reflect(row + tap - len(weights) // 2, size)] += weight
    return matrix


def averaging_filtering__past_students_one_line(image, filter_size=3):
    """scipy with everything left at its default; a tensor goes in as it is."""
    return scipy.ndimage.convolve(image, np.ones((filter_size, filter_size)) / filter_size**2)


def averaging_filtering__four_loops(image, filter_size=3):
    """Plain Python over the true convolution's formula, a list of lists comes back."""
    height, width = image.shape
    n = filter_size
    result = []
    for i in range(height):
        row = []
        for j in range(width):
            total = 0.0
            for a in range(n):
                for b in range(n):
                    total += float(image[_reflect(i + n // 2 - a, height), _reflect(j + n // 2 - b, width)])
            row.append(total / n**2)
        result.append(row)
    return result


def averaging_filtering__window_slices(image, filter_size=3):
    """numpy: pad, then the mean of a slice per pixel."""
    x = np.array(image)
    before, after = (filter_size - 1) // 2, filter_size // 2
    padded = np.pad(x, (before, after), mode="symmetric")
    result = np.empty_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            result[i, j] = padded[i : i + filter_size, j : j + filter_size].mean()
    return result


def averaging_filtering__average_pooling(image, filter_size=3):
    """torch's average pooling with stride 1, in float32 whatever came in."""
    x = np.pad(np.asarray(image), ((filter_size - 1) // 2, filter_size // 2), mode="symmetric")
    return F.avg_pool2d(torch.tensor(x, dtype=torch.float32)[None, None], filter_size, stride=1)[0, 0]


def averaging_filtering__uniform_filter(image, filter_size=3):
    """scipy's own mean filter with its center moved for even windows."""
    return scipy.ndimage.uniform_filter(np.asarray(image), filter_size, origin=-1 if filter_size % 2 == 0 else 0)


def averaging_filtering__integral_image(image, filter_size=3):
    """Summed-area table in the input's own precision."""
    n = filter_size
    x = torch.as_tensor(np.pad(np.asarray(image), ((n - 1) // 2, n // 2), mode="symmetric"))
    table = F.pad(x.cumsum(0).cumsum(1), (1, 0, 1, 0))
    return (table[n:, n:] - table[:-n, n:] - table[n:, :-n] + table[:-n, :-n]) / n**2


def averaging_filtering__integral_image_float32(image, filter_size=3):
    """Summed-area table in float32, also for float64 input."""
    n = filter_size
    x = np.pad(np.asarray(image, dtype=np.float32), ((n - 1) // 2, n // 2), mode="symmetric")
    table = np.pad(x.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return (table[n:, n:] - table[:-n, n:] - table[n:, :-n] + table[:-n, :-n]) / n**2


def averaging_filtering__fourier(image, filter_size=3):
    """Fourier transform of the padded image."""
    x = np.pad(np.asarray(image), ((filter_size - 1) // 2, filter_size // 2), mode="symmetric")
    return scipy.signal.fftconvolve(x, np.full((filter_size, filter_size), filter_size**-2.0), mode="valid")


def averaging_filtering__tuple_of_rows_of_tensors(image, filter_size=3):
    """Sliding windows; the rows come back as a tuple of tensors."""
    x = torch.as_tensor(np.pad(np.asarray(image), ((filter_size - 1) // 2, filter_size // 2), mode="symmetric"))
    return tuple(x.unfold(0, filter_size, 1).unfold(1, filter_size, 1).mean(dim=(-1, -2)))


def averaging_filtering__nested_list_of_tensors(image, filter_size=3):
    """A list of lists of 0-d tensors, as loops over a tensor give it."""
    x = torch.as_tensor(image)
    padded = torch.from_numpy(np.pad(x.numpy(), ((filter_size - 1) // 2, filter_size // 2), mode="symmetric"))
    return [
        [padded[i : i + filter_size, j : j + filter_size].mean() for j in range(x.shape[1])] for i in range(x.shape[0])
    ]


def edge_detecting__past_students_one_line(image):
    """scipy with everything left at its default; a tensor goes in as it is."""
    return scipy.ndimage.convolve(image, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]))


def edge_detecting__scipy_laplace(image):
    """scipy's own Laplacian."""
    return scipy.ndimage.laplace(np.asarray(image))


def edge_detecting__loops_with_clamped_indices(image):
    """Plain loops; for a reach of one pixel, clamping an index is the same as reflecting it."""
    height, width = image.shape
    result = [[0.0] * width for _ in range(height)]
    for i in range(height):
        for j in range(width):
            up, down = image[max(i - 1, 0), j], image[min(i + 1, height - 1), j]
            left, right = image[i, max(j - 1, 0)], image[i, min(j + 1, width - 1)]
            result[i][j] = float(up + down + left + right - 4 * image[i, j])
    return result


def edge_detecting__replicate_padding(image):
    """conv2d in float32 with replicate padding, which is reflection for one pixel."""
    x = F.pad(torch.as_tensor(image, dtype=torch.float32)[None, None], (1, 1, 1, 1), mode="replicate")
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    return F.conv2d(x, kernel[None, None]).squeeze()


def edge_detecting__second_differences(image):
    """Sum of second differences along both axes."""
    x = np.pad(np.asarray(image), 1, mode="edge")
    return np.diff(x, n=2, axis=0)[:, 1:-1] + np.diff(x, n=2, axis=1)[1:-1]


def edge_detecting__convolve2d_symmetric(image):
    """scipy.signal with symmetric boundary, and the kernel negated twice."""
    kernel = np.array([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]])
    return -scipy.signal.convolve2d(np.asarray(image), kernel, mode="same", boundary="symm")


def edge_detecting__matrix_products(image):
    """A second-difference matrix from the left and from the right, as a float64 tensor."""
    x = np.asarray(image)
    rows, columns = (_band(size, [1, -2, 1]) for size in x.shape)
    return torch.from_numpy(rows @ x + x @ columns.T)


def edge_detecting__four_times_mean_difference(image):
    """Sum over shifted copies of a padded tensor."""
    x = torch.as_tensor(image)
    padded = torch.cat([x[:1], x, x[-1:]])
    padded = torch.cat([padded[:, :1], padded, padded[:, -1:]], dim=1)
    mean = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
    return 4 * (mean - x)


def gaussian_kernel__outer_product(size, sigma):
    """The outer product of a normalised one-dimensional Gaussian."""
    if size % 2 == 0:
        raise ValueError("size must be odd")
    weights = np.exp(-(np.linspace(-(size - 1) / 2, (size - 1) / 2, size) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    return np.outer(weights, weights)


def gaussian_kernel__float32_meshgrid(size, sigma):
    """torch in float32 with a mesh of coordinates."""
    if size % 2 != 1:
        raise ValueError("even size")
    axis = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    i, j = torch.meshgrid(axis, axis, indexing="ij")
    kernel = torch.exp(-(i**2 + j**2) / (2.0 * sigma**2)) / (2 * math.pi * sigma**2)
    return kernel / kernel.sum()


def gaussian_kernel__plain_lists(size, sigma):
    """Plain Python, a list of lists, and an error class of one's own."""

    class EvenSizeError(ValueError):
        pass

    if size % 2 == 0:
        raise EvenSizeError(size)
    half = size // 2
    rows = [
        [math.exp(-(i * i + j * j) / 2 / sigma / sigma) for j in range(-half, half + 1)] for i in range(-half, half + 1)
    ]
    total = sum(map(sum, rows))
    return [[value / total for value in row] for row in rows]


def gaussian_kernel__scipy_window(size, sigma):
    """scipy's Gaussian window."""
    if not size % 2:
        raise ValueError
    window = scipy.signal.windows.gaussian(size, sigma)
    return np.outer(window, window) / window.sum() ** 2


def gaussian_kernel__softmax(size, sigma):
    """A softmax over the exponents normalises by itself."""
    if size % 2 == 0:
        raise ValueError(size)
    axis = torch.arange(-(size // 2), size // 2 + 1, dtype=torch.float64)
    exponents = -(axis[:, None] ** 2 + axis**2) / (2 * sigma**2)
    return exponents.flatten().softmax(0).reshape(size, size)


def gaussian_kernel__blurred_dot(size, sigma):
    """What scipy's Gaussian filter makes of one bright pixel."""
    if size % 2 == 0:
        raise ValueError(size)
    dot = np.zeros((3 * size, 3 * size), dtype=np.float32)
    dot[3 * size // 2, 3 * size // 2] = 1
    return scipy.ndimage.gaussian_filter(dot, sigma, radius=size // 2)[size : 2 * size, size : 2 * size]


def gaussian_kernel__normal_density(size, sigma):
    """The density of a two-dimensional normal distribution, then normalised."""
    if size % 2 == 0:
        raise ValueError(size)
    density = scipy.stats.norm.pdf(np.arange(size), loc=size // 2, scale=sigma)
    kernel = density[:, None] * density[None, :]
    return torch.tensor(kernel / kernel.sum(), dtype=torch.float32)


def gaussian_filtering__convolve_with_kernel(image, size, sigma):
    """scipy's convolution with the kernel; a tensor goes in as it is."""
    return scipy.ndimage.convolve(image, _gaussian(size, sigma))


def gaussian_filtering__scipy_radius(image, size, sigma):
    """scipy's Gaussian filter, cut off by its radius."""
    return scipy.ndimage.gaussian_filter(np.asarray(image), sigma, radius=size // 2)


def gaussian_filtering__scipy_truncate(image, size, sigma):
    """scipy's Gaussian filter, cut off by its truncate option, back as a tensor."""
    return torch.from_numpy(scipy.ndimage.gaussian_filter(np.asarray(image), sigma, truncate=(size // 2) / sigma))


def gaussian_filtering__float32_conv2d(image, size, sigma):
    """torch's conv2d with a float32 kernel."""
    x = torch.tensor(np.pad(np.asarray(image), size // 2, mode="symmetric"), dtype=torch.float32)
    return F.conv2d(x[None, None], torch.tensor(_gaussian(size, sigma), dtype=torch.float32)[None, None])[0, 0]


def gaussian_filtering__four_loops(image, size, sigma):
    """Plain loops with reflected indices."""
    kernel = _gaussian(size, sigma)
    height, width = image.shape
    result = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            for a in range(size):
                for b in range(size):
                    pixel = image[_reflect(i + size // 2 - a, height), _reflect(j + size // 2 - b, width)]
                    result[i, j] += kernel[a, b] * float(pixel)
    return result


def gaussian_filtering__band_matrices(image, size, sigma):
    """One matrix from the left, one from the right; a list of lists comes back."""
    weights = _gaussian(size, sigma).sum(0)
    x = np.asarray(image)
    return (_band(x.shape[0], weights) @ x @ _band(x.shape[1], weights).T).tolist()


def gaussian_filtering__cosine_transform(image, size, sigma):
    """Half-sample reflection is what the cosine transform assumes: multiply the coefficients."""
    x = np.asarray(image)
    weights = _gaussian(size, sigma).sum(0)
    reach = np.arange(size) - size // 2
    gains = [np.cos(np.pi * np.outer(np.arange(n) / n, reach)) @ weights for n in x.shape]
    return scipy.fft.idctn(scipy.fft.dctn(x) * np.outer(*gains)).astype(x.dtype)


def sobel_edges__scipy_sobel(image):
    """scipy's own Sobel filters."""
    x = np.asarray(image)
    gx, gy = scipy.ndimage.sobel(x, axis=1), scipy.ndimage.sobel(x, axis=0)
    return gx, gy, np.hypot(gx, gy)


def sobel_edges__conv2d_two_channels(image):
    """One conv2d with two output channels in float32, textbook matrices, since conv2d does not flip."""
    x = F.pad(torch.as_tensor(image, dtype=torch.float32)[None, None], (1, 1, 1, 1), mode="replicate")
    right = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    g = F.conv2d(x, torch.stack([right, right.T])[:, None])[0]
    return g[0], g[1], g.norm(dim=0)


def sobel_edges__slices(image):
    """Differences of slices, returned as one (3, H, W) array."""
    x = np.pad(np.asarray(image), 1, mode="symmetric")
    right = x[:, 2:] - x[:, :-2]
    down = x[2:] - x[:-2]
    gx = right[:-2] + 2 * right[1:-1] + right[2:]
    gy = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    return np.stack([gx, gy, np.sqrt(gx * gx + gy * gy)])


def sobel_edges__complex_kernel(image):
    """One convolution with a complex kernel; its modulus is the magnitude."""
    right = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    g = scipy.ndimage.convolve(np.asarray(image).astype(complex), right + 1j * right.T)
    return [g.real, g.imag, abs(g)]


def sobel_edges__loops(image):
    """Plain loops; three lists of lists."""
    height, width = image.shape

    def pixel(i, j):
        return float(image[_reflect(i, height), _reflect(j, width)])

    gx, gy, magnitude = ([[0.0] * width for _ in range(height)] for _ in range(3))
    for i in range(height):
        for j in range(width):
            for r, weight in ((-1, 1), (0, 2), (1, 1)):
                gx[i][j] += weight * (pixel(i + r, j + 1) - pixel(i + r, j - 1))
                gy[i][j] += weight * (pixel(i + 1, j + r) - pixel(i - 1, j + r))
            magnitude[i][j] = math.hypot(gx[i][j], gy[i][j])
    return gx, gy, magnitude


def sobel_edges__separable_correlation(image):
    """One-dimensional correlations, stacked as a (3, H, W) tensor."""
    x = np.asarray(image, dtype=np.float64)
    gx = scipy.ndimage.correlate1d(scipy.ndimage.correlate1d(x, [1, 2, 1], axis=0), [-1, 0, 1], axis=1)
    gy = scipy.ndimage.correlate1d(scipy.ndimage.correlate1d(x, [1, 2, 1], axis=1), [-1, 0, 1], axis=0)
    return torch.from_numpy(np.stack([gx, gy, (gx**2 + gy**2) ** 0.5]))


def as_conv2d__numpy_padding(image, kernel):
    """numpy pads, torch convolves."""
    x, k = np.asarray(image), np.array(np.asarray(kernel)[::-1, ::-1])
    h, w = k.shape
    padded = np.pad(x, (((h - 1) // 2, h // 2), ((w - 1) // 2, w // 2)), mode="symmetric")
    return F.conv2d(torch.from_numpy(padded)[None, None], torch.from_numpy(k)[None, None]).squeeze(0).squeeze(0)


def as_conv2d__concatenated_flips(image, kernel):
    """The image with its mirror images all around it, cut to size after conv2d."""
    x, k = torch.as_tensor(image), torch.as_tensor(kernel)
    tall = torch.cat([x.flip(0), x, x.flip(0)])
    full = torch.cat([tall.flip(1), tall, tall.flip(1)], dim=1)
    (height, width), (h, w) = x.shape, k.shape
    y = F.conv2d(full[None, None], torch.rot90(k, 2)[None, None])[0, 0]
    top, left = height - (h - 1) // 2, width - (w - 1) // 2
    return y[top : top + height, left : left + width]


def as_conv2d__float32_inside(image, kernel):
    """Everything in float32, a numpy array comes back."""
    x, k = (torch.tensor(np.asarray(a), dtype=torch.float32) for a in (image, kernel))
    h, w = k.shape
    padded = torch.from_numpy(np.pad(x.numpy(), (((h - 1) // 2, h // 2), ((w - 1) // 2, w // 2)), "symmetric"))
    return F.conv2d(padded.unsqueeze(0).unsqueeze(0), torch.flip(k, [0, 1]).unsqueeze(0).unsqueeze(0))[0, 0].numpy()


def as_conv2d__module(image, kernel):
    """An nn.Conv2d with its weight set, no gradient."""
    x, k = torch.as_tensor(image), torch.as_tensor(kernel)
    rows, columns = (
        [_reflect(i, size) for i in range(-((taps - 1) // 2), size + taps // 2)]
        for size, taps in zip(x.shape, k.shape, strict=True)
    )
    layer = torch.nn.Conv2d(1, 1, tuple(k.shape), bias=False, dtype=x.dtype)
    with torch.no_grad():
        layer.weight.copy_(k.flip(0).flip(1)[None, None])
    return layer(x[rows][:, columns][None])[0]


def as_conv2d__transposed_convolution(image, kernel):
    """conv_transpose2d is the full true convolution: pad, then cut."""
    x, k = torch.as_tensor(image), torch.as_tensor(kernel)
    h, w = k.shape
    padded = torch.from_numpy(np.pad(x.numpy(), ((h, h), (w, w)), mode="symmetric"))
    full = F.conv_transpose2d(padded[None, None], k[None, None])[0, 0]
    top, left = h + h // 2, w + w // 2
    return full[top : top + x.shape[0], left : left + x.shape[1]]


def as_conv2d__scipy_convolve(image, kernel):
    """Not by way of conv2d at all; only the result counts."""
    return scipy.ndimage.convolve(image, kernel)


def as_conv2d__padded_kernel(image, kernel):
    """An even kernel gets a row or column of zeros, so that it has a center; a list of lists comes back."""
    x, k = torch.as_tensor(image), torch.as_tensor(kernel)
    h, w = k.shape
    k = F.pad(k, (0, 1 - w % 2, 0, 1 - h % 2))
    half_h, half_w = k.shape[0] // 2, k.shape[1] // 2
    padded = torch.from_numpy(np.pad(x.numpy(), ((half_h, half_h), (half_w, half_w)), mode="symmetric"))
    return F.conv2d(padded[None, None], k.flip((0, 1))[None, None])[0, 0].tolist()


def sharpen__formula(image, amount, size, sigma):
    """The formula with scipy's convolution; tensor minus array where a tensor came in."""
    x = np.asarray(image)
    return x + amount * (x - scipy.ndimage.convolve(x, _gaussian(size, sigma)))


def sharpen__one_kernel(image, amount, size, sigma):
    """A single kernel does it: (1 + amount) times a dot, minus amount times the Gaussian."""
    kernel = -amount * _gaussian(size, sigma)
    kernel[size // 2, size // 2] += 1 + amount
    return scipy.ndimage.convolve(image, kernel)


def sharpen__extrapolation(image, amount, size, sigma):
    """From the blurred image through the image and beyond, in torch."""
    x = torch.as_tensor(image)
    padded = torch.from_numpy(np.pad(x.numpy(), size // 2, mode="symmetric"))
    blurred = F.conv2d(padded[None, None], torch.from_numpy(_gaussian(size, sigma)).to(x.dtype)[None, None])[0, 0]
    return torch.lerp(blurred, x, 1.0 + amount)


def sharpen__float32_scipy(image, amount, size, sigma):
    """scipy's Gaussian filter in float32 throughout."""
    x = np.asarray(image).astype(np.float32)
    return (1 + amount) * x - amount * scipy.ndimage.gaussian_filter(x, sigma, radius=(size - 1) // 2)


def sharpen__loops(image, amount, size, sigma):
    """Plain loops, a list of lists of floats."""
    kernel = _gaussian(size, sigma)
    height, width = image.shape
    result = []
    for i in range(height):
        result.append([])
        for j in range(width):
            blurred = 0.0
            for a in range(-(size // 2), size // 2 + 1):
                for b in range(-(size // 2), size // 2 + 1):
                    weight = kernel[a + size // 2, b + size // 2]
                    blurred += weight * float(image[_reflect(i + a, height), _reflect(j + b, width)])
            value = float(image[i, j])
            result[-1].append(value + amount * (value - blurred))
    return result


def sharpen__cosine_transform(image, amount, size, sigma):
    """Gains in the cosine domain."""
    x = np.asarray(image)
    weights = _gaussian(size, sigma).sum(0)
    reach = np.arange(size) - size // 2
    gains = [np.cos(np.pi * np.outer(np.arange(n) / n, reach)) @ weights for n in x.shape]
    return scipy.fft.idctn(scipy.fft.dctn(x) * (1 + amount * (1 - np.outer(*gains))))
