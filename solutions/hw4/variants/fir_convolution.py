"""Correct answers to fir_convolution in other styles."""

import math
from fractions import Fraction

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.ndimage
import scipy.signal
import torch
import torch.nn.functional as F


def _refuse(x, h, pad):
    if x.shape[0] + 2 * pad < h.shape[0] or x.shape[1] + 2 * pad < h.shape[1]:
        raise ValueError("kernel too large")


def rect__list_of_ints(n, L):
    """Plain Python, a list of ints."""
    return [1 if 0 <= i < L else 0 for i in n]


def rect__numpy_booleans(n, L):
    """A boolean array."""
    return (np.asarray(n) >= 0) & (np.asarray(n) <= L - 1)


def rect__difference_of_steps(n, L):
    """u(n) - u(n - L) by the Heaviside function."""
    n = np.asarray(n)
    return np.heaviside(n, 1.0) - np.heaviside(n - L, 1.0)


def rect__isin(n, L):
    """torch, membership in a range, as integers."""
    return torch.isin(torch.as_tensor(n), torch.arange(L)).int()


def rect__clamped(n, L):
    """Where clamping changes nothing."""
    n = torch.as_tensor(n)
    return torch.where(n.clamp(0, L - 1) == n, 1.0, 0.0).to(torch.float16)


def rect__tuple_of_tensors(n, L):
    """A tuple of 0-d tensors."""
    return tuple(torch.tensor(float(0 <= int(i) < L)) for i in n)


def decay__list(n):
    """Plain Python, integers turned to floats one by one."""
    return [0.5 ** int(i) if i >= 0 else 0 for i in n]


def decay__numpy_where(n):
    """numpy, both cases computed for all n."""
    n = np.asarray(n)
    return np.where(n >= 0, 0.5**n, 0)


def decay__float32(n):
    """torch in float32 with the step multiplied."""
    n = torch.as_tensor(n)
    return 0.5 ** n.float() * (n >= 0)


def decay__exp2(n):
    """exp2 of clamped indices."""
    n = np.asarray(n)
    return np.exp2(-np.maximum(n, 0).astype(float)) * np.heaviside(n, 1)


def decay__piecewise(n):
    """np.piecewise."""
    n = np.asarray(n, dtype=float)
    return np.piecewise(n, [n >= 0], [lambda i: (1 / 2) ** i, 0])


def decay__ldexp_fractions(n):
    """Exact fractions turned into floats."""
    return [float(Fraction(1, 2 ** int(i))) if int(i) >= 0 else 0.0 for i in n]


def convolve1d__two_loops(x, h):
    """Two nested loops over lists, a list comes back."""
    x, h = x.tolist(), h.tolist()
    y = [0.0] * (len(x) + len(h) - 1)
    for i in range(len(x)):
        for j in range(len(h)):
            y[i + j] += x[i] * h[j]
    return y


def convolve1d__two_loops_over_arrays(x, h):
    """Two nested loops over elements of arrays."""
    x, h = np.asarray(x), np.asarray(h)
    y = np.zeros(len(x) + len(h) - 1)
    for n in range(len(y)):
        for i in range(max(0, n - len(x) + 1), min(n + 1, len(h))):
            y[n] += x[n - i] * h[i]
    return y


def convolve1d__loop_over_h(x, h):
    """Shifted copies of x, one for each value of h."""
    x, h = torch.as_tensor(x), torch.as_tensor(h)
    y = torch.zeros(len(x) + len(h) - 1, dtype=x.dtype)
    for i, weight in enumerate(h):
        y[i : i + len(x)] += weight * x
    return y


def convolve1d__loop_over_x(x, h):
    """Each value of x sends out a copy of h."""
    x, h = np.asarray(x), np.asarray(h)
    y = np.zeros(len(x) + len(h) - 1)
    for i in range(len(x)):
        y[i : i + len(h)] += x[i] * h
    return y


def convolve1d__full_length_copies(x, h):
    """Padded copies of full length, added up."""
    x, h = np.asarray(x), np.asarray(h)
    return sum(h[i] * np.pad(x, (i, len(h) - 1 - i)) for i in range(len(h)))


def convolve1d__windows(x, h):
    """numpy's windows times the flipped h, in float32 whatever came in."""
    x, h = np.asarray(x, dtype=np.float32), np.asarray(h, dtype=np.float32)
    padded = np.pad(x, len(h) - 1)
    return np.lib.stride_tricks.sliding_window_view(padded, len(h)) @ h[::-1]


def convolve1d__strides(x, h):
    """as_strided with a negative stride: the flip is in the view."""
    x, h = np.asarray(x), np.asarray(h)
    padded = np.pad(x, len(h) - 1)
    step = padded.strides[0]
    windows = np.lib.stride_tricks.as_strided(
        padded[len(h) - 1 :], shape=(len(x) + len(h) - 1, len(h)), strides=(step, -step), writeable=False
    )
    return windows.dot(h)


def convolve1d__fourier(x, h):
    """The product of Fourier transforms."""
    size = len(x) + len(h) - 1
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(h, size), size)


def convolve1d__torch_fourier(x, h):
    """torch's FFT, float32 inside, padded to a power of two."""
    x, h = torch.as_tensor(x).float(), torch.as_tensor(h).float()
    size = len(x) + len(h) - 1
    fast = 2 ** math.ceil(math.log2(size + 1))
    return torch.fft.ifft(torch.fft.fft(x, fast) * torch.fft.fft(h, fast)).real[:size]


def convolve1d__complex_fourier(x, h):
    """scipy's complex FFT, the real part of it."""
    size = len(x) + len(h) - 1
    return scipy.fft.ifft(scipy.fft.fft(np.asarray(x), size) * scipy.fft.fft(np.asarray(h), size)).real


def convolve1d__polynomials(x, h):
    """The lists as coefficients of polynomials; leading zeros do not count, so the sizes are restored."""
    product = np.zeros(len(x) + len(h) - 1)
    for power, weight in enumerate(np.asarray(h)):
        product = np.polynomial.polynomial.polyadd(product, np.append(np.zeros(power), weight * np.asarray(x)))
    return product


def convolve1d__diagonals_of_outer_product(x, h):
    """All products in a table, the skewed columns of which are summed by bincount."""
    x, h = np.asarray(x), np.asarray(h)
    places = np.add.outer(np.arange(len(x)), np.arange(len(h)))
    return np.bincount(places.ravel(), weights=np.outer(x, h).ravel())


def convolve1d__toeplitz_of_h(x, h):
    """The slim matrix with a column for each value of h."""
    x, h = np.asarray(x), np.asarray(h)
    column = np.append(x, np.zeros(len(h) - 1))
    return scipy.linalg.toeplitz(column, np.append(x[:1], np.zeros(len(h) - 1))) @ h


def convolve1d__dot_products(x, h):
    """One dot product per output value, of slices that overlap; a list of 0-d tensors comes back."""
    x, flipped = torch.as_tensor(x), torch.as_tensor(h).flip(0)
    taps = len(flipped)
    y = []
    for n in range(len(x) + taps - 1):
        first, last = max(0, n - taps + 1), min(n + 1, len(x))
        y.append(x[first:last].dot(flipped[first - n + taps - 1 : last - n + taps - 1]))
    return y


def response__three_cases(n, L):
    """Plain Python, one index at a time."""
    y = []
    for i in n:
        i = int(i)
        if i < 0:
            y.append(0.0)
        elif i < L - 1:
            y.append(2 - 1 / 2**i)
        else:
            y.append((2**L - 1) / 2**i)
    return y


def response__sum_of_decays(n, L):
    """The sum of L shifted decays."""
    n = np.asarray(n)
    return sum(np.where(n - i >= 0, 0.5 ** np.maximum(n - i, 0), 0) for i in range(L))


def response__difference_of_steps(n, L):
    """The step response minus the same L later."""

    def step(index):
        return torch.where(index >= 0, 2 - 0.5 ** index.clamp(min=0).float(), torch.tensor(0.0))

    n = torch.as_tensor(n)
    return step(n) - step(n - L)


def response__select(n, L):
    """np.select."""
    n = np.asarray(n, dtype=float)
    return np.select([n < 0, n <= L - 1], [0 * n, 2 - 2.0**-n], (2.0**L - 1) * 2.0**-n)


def response__recursion(n, L):
    """y(n) = x(n) + y(n - 1) / 2, run far enough and looked up."""
    y, table = 0.0, {}
    for i in range(0, 60):
        y = (1 if i < L else 0) + y / 2
        table[i] = y
    return torch.tensor([table.get(int(i), 0.0) for i in n], dtype=torch.float64)


def response__minimum(n, L):
    """One formula with a minimum: the sum from n - min(n, L - 1) to n."""
    n = np.asarray(n, dtype=float)
    last = np.minimum(n, L - 1)
    return np.where(n < 0, 0, 0.5**n * (2 ** (last + 1) - 1))


def response__convolution(n, L):
    """np.convolve on long lists, then looked up: only values are asked for."""
    i = np.arange(60)
    y = np.convolve(i < L, 0.5**i)
    n = np.asarray(n)
    return np.where(n < 0, 0, y[np.maximum(n, 0)]).astype(np.float32)


def shift__list(y, N):
    """Plain Python."""
    return [float(y[n - N]) if 0 <= n - N < len(y) else 0.0 for n in range(len(y))]


def shift__roll_and_mask(y, N):
    """np.roll, with what came around set to 0."""
    n = np.arange(len(y)) - N
    return np.roll(np.asarray(y), N) * ((n >= 0) & (n < len(y)))


def shift__pad_and_cut(y, N):
    """Padded on both sides, then a slice."""
    size = len(y)
    N = max(-size, min(size, N))
    return np.pad(np.asarray(y), size)[size - N : 2 * size - N]


def shift__torch_slices(y, N):
    """torch slices by cases."""
    y = torch.as_tensor(y)
    moved = torch.zeros_like(y)
    if N >= 0:
        moved[N:] = y[: max(len(y) - N, 0)]
    else:
        moved[:N] = y[-N:]
    return moved


def shift__matrix(y, N):
    """A matrix with ones on the N-th diagonal below the main one."""
    return torch.from_numpy(np.eye(len(y), k=-N)) @ torch.as_tensor(y).double()


def shift__torch_pad(y, N):
    """Negative padding cuts off."""
    y = torch.as_tensor(y)
    N = max(-len(y), min(len(y), N))
    return F.pad(y, (N, -N))


def shift__scipy(y, N):
    """scipy's shift with constant border, order 0."""
    return scipy.ndimage.shift(np.asarray(y), N, order=0, mode="constant", cval=0)


def convolve2d__four_loops(x, h, stride=1, pad=0):
    """The formula in plain Python, a list of lists."""
    rows, columns = (size + 2 * pad for size in x.shape)
    k, l = h.shape  # noqa: E741
    if rows < k or columns < l:
        raise ValueError
    padded = [[0.0] * columns for _ in range(rows)]
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            padded[i + pad][j + pad] = float(x[i, j])
    return [
        [
            sum(padded[m + k - 1 - i][n + l - 1 - j] * float(h[i, j]) for i in range(k) for j in range(l))
            for n in range(0, columns - l + 1, stride)
        ]
        for m in range(0, rows - k + 1, stride)
    ]


def convolve2d__scipy_valid(x, h, stride=1, pad=0):
    """scipy's valid convolution, then every stride-th."""
    x, h = np.pad(np.asarray(x), pad), np.asarray(h)
    _refuse(x, h, 0)
    return scipy.signal.convolve2d(x, h, mode="valid")[::stride, ::stride]


def convolve2d__conv2d(x, h, stride=1, pad=0):
    """torch's layer in float32 with the kernel flipped."""
    _refuse(x, h, pad)
    x, h = torch.as_tensor(x).float(), torch.as_tensor(h).float()
    return F.conv2d(x[None, None], h.flip(0, 1)[None, None], None, stride, pad).squeeze(0).squeeze(0)


def convolve2d__unfold(x, h, stride=1, pad=0):
    """Patches as columns, a matrix product."""

    class DoesNotFit(ValueError):
        pass

    x, h = torch.as_tensor(x), torch.as_tensor(h)
    height, width = ((size + 2 * pad - taps) // stride + 1 for size, taps in zip(x.shape, h.shape, strict=True))
    if x.shape[0] + 2 * pad < h.shape[0] or x.shape[1] + 2 * pad < h.shape[1]:
        raise DoesNotFit(h.shape)
    patches = F.unfold(x[None, None], tuple(h.shape), padding=pad, stride=stride)[0]
    return (h.flip(0, 1).reshape(1, -1) @ patches).reshape(height, width)


def convolve2d__fourier(x, h, stride=1, pad=0):
    """Full convolution by FFT, cut to where the kernel fits."""
    _refuse(x, h, pad)
    full = scipy.signal.fftconvolve(np.pad(np.asarray(x), pad), np.asarray(h))
    k, l = h.shape  # noqa: E741
    return full[k - 1 : full.shape[0] - k + 1, l - 1 : full.shape[1] - l + 1][::stride, ::stride]


def convolve2d__shifted_copies(x, h, stride=1, pad=0):
    """One shifted copy of the image for each weight."""
    x, h = np.pad(np.asarray(x), pad), np.asarray(h)
    k, l = h.shape  # noqa: E741
    m, n = x.shape[0] - k + 1, x.shape[1] - l + 1
    if min(m, n) < 1:
        raise ValueError("no place")
    y = sum(h[k - 1 - i, l - 1 - j] * x[i : i + m, j : j + n] for i in range(k) for j in range(l))
    return y[::stride, ::stride]


def convolve2d__one_dimension_at_a_time(x, h, stride=1, pad=0):
    """Rows by np.convolve, added up."""
    x, h = np.pad(np.asarray(x), pad), np.asarray(h)
    _refuse(x, h, 0)
    k, l = h.shape  # noqa: E741
    y = [
        sum(np.convolve(x[m + k - 1 - i], h[i])[l - 1 : x.shape[1]] for i in range(k))
        for m in range(0, x.shape[0] - k + 1, stride)
    ]
    return torch.tensor(np.array(y))[:, ::stride]


def correlate2d__four_loops(x, h, stride=1, pad=0):
    """Loops over windows, numpy."""
    x, h = np.pad(np.asarray(x), pad), np.asarray(h)
    _refuse(x, h, 0)
    k, l = h.shape  # noqa: E741
    height, width = (x.shape[0] - k) // stride + 1, (x.shape[1] - l) // stride + 1
    y = np.empty((height, width))
    for m in range(height):
        for n in range(width):
            y[m, n] = np.sum(x[m * stride : m * stride + k, n * stride : n * stride + l] * h)
    return y


def correlate2d__scipy(x, h, stride=1, pad=0):
    """scipy's correlation."""
    _refuse(x, h, pad)
    return scipy.signal.correlate2d(np.pad(np.asarray(x), pad), np.asarray(h), "valid")[::stride, ::stride]


def correlate2d__einsum(x, h, stride=1, pad=0):
    """Sliding windows and einsum, a nested list."""
    x, h = np.pad(np.asarray(x), pad), np.asarray(h)
    _refuse(x, h, 0)
    windows = np.lib.stride_tricks.sliding_window_view(x, h.shape)[::stride, ::stride]
    return np.einsum("mnij,ij->mn", windows, h).tolist()


def correlate2d__sliding_window_error(x, h, stride=1, pad=0):
    """numpy's own ValueError for a window that is too large."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(np.asarray(x), pad), tuple(h.shape))
    return (windows * np.asarray(h)).sum(axis=(-1, -2))[::stride, ::stride]


def correlate2d__convolution_of_turned_kernel(x, h, stride=1, pad=0):
    """scipy's convolution of the turned kernel, in float32."""
    x, h = np.asarray(x, dtype=np.float32), np.rot90(np.asarray(h, dtype=np.float32), 2)
    _refuse(x, h, pad)
    return scipy.signal.convolve2d(np.pad(x, pad), h, mode="valid")[::stride, ::stride]


def correlate2d__layer(x, h, stride=1, pad=0):
    """torch's layer object with its weights set; the RuntimeError turned into a ValueError."""
    x, h = torch.as_tensor(x), torch.as_tensor(h)
    layer = torch.nn.Conv2d(1, 1, tuple(h.shape), stride=stride, padding=pad, bias=False, dtype=x.dtype)
    layer.weight.data[0, 0] = h
    try:
        return layer(x[None, None])[0, 0]
    except RuntimeError as error:
        raise ValueError(str(error)) from None


def flip_kernel__numpy_slices(h):
    """A view with negative strides."""
    return np.asarray(h)[::-1, ::-1]


def flip_kernel__rot90(h):
    """Two quarter turns."""
    return np.rot90(np.asarray(h), 2)


def flip_kernel__lists(h):
    """Plain lists."""
    return [[float(value) for value in row][::-1] for row in h][::-1]


def flip_kernel__flattened(h):
    """Reversed when flattened, then reshaped, in float32."""
    h = torch.as_tensor(h)
    return h.flatten().flip(0).reshape(h.shape).float()


def flip_kernel__permutation_matrices(h):
    """Exchange matrices from the left and the right."""
    h = np.asarray(h)
    k, l = h.shape  # noqa: E741
    return np.eye(k)[::-1] @ h @ np.eye(l)[::-1]


def flip_kernel__loops(h):
    """Two loops."""
    k, l = h.shape  # noqa: E741
    turned = torch.zeros(k, l, dtype=torch.float64)
    for i in range(k):
        for j in range(l):
            turned[i, j] = float(h[k - 1 - i][l - 1 - j])
    return turned
