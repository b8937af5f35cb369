"""Known wrong answers to fir_convolution (problem 3)."""

import numpy as np
import scipy.linalg
import scipy.signal
import torch
import torch.nn.functional as F


def _full(x, h):
    return scipy.signal.convolve(np.asarray(x), np.asarray(h))


def _decay(n):
    n = np.asarray(n)
    return np.where(n >= 0, 0.5 ** np.maximum(n, 0), 0.0)


def _fits(x, h, pad=0):
    if any(size + 2 * pad < taps for size, taps in zip(x.shape, h.shape, strict=True)):
        raise ValueError("the kernel is larger than the padded image")


def _slide(x, h, stride=1, pad=0, flip=(), fits=True):
    """Correlation with h flipped along the axes ``flip``; ``stride`` and ``pad`` as conv2d takes them."""
    if fits:
        _fits(x, h, pad if isinstance(pad, int) else min(pad))
    x, h = torch.tensor(np.asarray(x)), torch.tensor(np.asarray(h)).flip(flip)
    return F.conv2d(x[None, None], h[None, None], stride=stride, padding=pad)[0, 0]


def rect__one_too_long(n, L):
    """This rectangle has L + 1 ones: the last one stands at n = L - 1."""
    n = np.asarray(n)
    return np.where((n >= 0) & (n <= L), 1, 0)


def rect__starts_at_one(n, L):
    """The rectangle starts at n = 0, not at n = 1."""
    n = np.asarray(n)
    return np.where((n >= 1) & (n <= L), 1, 0)


def rect__no_beginning(n, L):
    """This is 1 for negative n, too: test both ends of the rectangle."""
    return np.where(np.asarray(n) < L, 1, 0)


def rect__step(n, L):
    """This step never ends: the rectangle is 0 again from n = L on."""
    return np.where(np.asarray(n) >= 0, 1, 0)


def rect__first_values(n, L):
    """The first L values of the list are set to 1. It is the index n that counts, not the place in the list."""
    x = np.zeros(len(n))
    x[:L] = 1
    return x


def rect__centred(n, L):
    """This rectangle is centred at 0. It begins there."""
    return np.where(np.abs(np.asarray(n)) <= L // 2, 1, 0)


def decay__not_causal(n):
    """Before n = 0 the impulse response is 0. Without the case distinction it grows to the left: 2, 4, 8, ..."""
    return 0.5 ** np.asarray(n, dtype=float)


def decay__mirrored(n):
    """(1/2)^|n| answers before the impulse has come. For n < 0 it should be 0."""
    return 0.5 ** np.abs(np.asarray(n))


def decay__zero_at_zero(n):
    """At n = 0 the value is (1/2)^0 = 1: the case includes 0."""
    n = np.asarray(n)
    return np.where(n > 0, 0.5 ** np.maximum(n, 0), 0.0)


def decay__starts_at_a_half(n):
    """The sequence starts with 1, not with 1/2: the exponent is n, not n + 1."""
    return _decay(n) / 2


def decay__growing(n):
    """This grows, 1, 2, 4, ...: the base is 1/2."""
    n = np.asarray(n)
    return np.where(n >= 0, 2.0 ** np.maximum(n, 0), 0.0)


def decay__of_place(n):
    """This counts places in the list instead of taking the indices n."""
    return 0.5 ** np.arange(len(n))


def decay__integer_halves(n):
    """Here 1 // 2 or an integer type has turned the fractions into 0: use floats."""
    return _decay(n).astype(int)


def decay__linear(n):
    """This falls as n / 2 or 1 / (2 n). The power is wanted: each value is half the one before."""
    n = np.asarray(n)
    return np.where(n >= 0, 1 / (1.0 + np.maximum(n, 0)), 0.0)


def convolve1d__not_flipped(x, h):
    """This is the correlation: h has to be flipped before it is dragged over x."""
    return _full(x, np.asarray(h)[::-1])


def convolve1d__flipped_result(x, h):
    """The values come in the opposite order: drag the flipped h from left to right."""
    return _full(x, h)[::-1].copy()


def convolve1d__x_flipped(x, h):
    """x was flipped instead of h: flipping either one gives a correlation, read in one of two directions."""
    return _full(np.asarray(x)[::-1], h)


def convolve1d__same_length(x, h):
    """Only as many values as x has came back. The full convolution has len(x) + len(h) - 1."""
    return _full(x, h)[: len(x)]


def convolve1d__only_where_it_fits(x, h):
    """Only the places where one signal lies wholly on the other came back. Where they overlap in part counts too."""
    return scipy.signal.convolve(np.asarray(x), np.asarray(h), mode="valid")


def convolve1d__one_value_too_many(x, h):
    """One value too many: A and B values overlap at A + B - 1 places, not at A + B."""
    return np.append(_full(x, h), 0.0)


def convolve1d__circular(x, h):
    """The Fourier transforms are too short, so the end wraps around to the beginning. Both need A + B - 1 values."""
    size = max(len(x), len(h))
    y = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(h, size), size)
    return np.append(y, np.zeros(min(len(x), len(h)) - 1))


def convolve1d__elementwise(x, h):
    """This multiplies the two signals value by value. Each output is a sum of such products, for one position of h."""
    size = len(x) + len(h) - 1
    return np.pad(np.asarray(x), (0, size - len(x))) * np.pad(np.asarray(h), (0, size - len(h)))


def convolve1d__mean(x, h):
    """The sum of the products was divided by their number. A convolution is a plain sum."""
    return _full(x, h) / len(h)


def convolve1d__filter_must_be_shorter(x, h):
    """This is right only if h is not longer than x. Either one may be the longer."""
    x, h = np.asarray(x), np.asarray(h)
    return _full(x, h[: len(x)])[: len(x) + len(h) - 1] if len(h) <= len(x) else np.zeros(len(x) + len(h) - 1)


def convolve1d__last_product_missing(x, h):
    """The loop stops one short, so the last value of h never takes part."""
    return np.append(_full(x, np.asarray(h)[:-1]) if len(h) > 1 else 0.0 * np.asarray(x)[:-1], 0.0)


def convolve1d__toeplitz_matrix(x, h):
    """The matrix with a row for each output and a column for each input is nearly all zeros, and for long signals it
    does not fit into memory. Work on the windows, or on one value of h at a time."""
    x, h = np.asarray(x), np.asarray(h)
    rows = np.concatenate([h, np.zeros(len(x) - 1)])
    return scipy.linalg.toeplitz(rows, np.concatenate([h[:1], np.zeros(len(x) - 1)])) @ x


def convolve1d__all_pairs_of_indices(x, h):
    """A matrix of all index differences n - i is as large as len(x) times the output, and does not fit for long
    signals."""
    x, h = np.asarray(x), np.asarray(h)
    index = np.arange(len(x) + len(h) - 1)[:, None] - np.arange(len(x))
    return np.where((index >= 0) & (index < len(h)), h[np.clip(index, 0, len(h) - 1)], 0.0) @ x


def convolve1d__by_library(x, h):
    """np.convolve does all of it, but this question asks for your own sum."""
    return np.convolve(x, h)


def response__exponent_i(n, L):
    """After the rectangle you summed (1/2)^i, a constant. The summand is h(n - i) = (1/2)^(n - i), and falls with n."""
    n = np.asarray(n)
    m = np.maximum(n, 0.0)
    return np.where(n < 0, 0.0, np.where(n < L, 2 - 0.5**m, 2 - 0.5 ** (L - 1.0)))


def response__never_ends(n, L):
    """This is the response to a step. From n = L on the rectangle is over, and the output decays."""
    n = np.asarray(n)
    return np.where(n < 0, 0.0, 2 - 0.5 ** np.maximum(n, 0.0))


def response__decays_from_one(n, L):
    """After the rectangle the output decays from what it has reached, (2^L - 1) / 2^n, not from 1."""
    n = np.asarray(n)
    m = np.maximum(n, 0.0)
    return np.where(n < 0, 0.0, np.where(n < L, 2 - 0.5**m, 0.5 ** (m - L)))


def response__one_term_too_many(n, L):
    """The sum has one term too many: the geometric series up to (1/2)^n is 2 - (1/2)^n."""
    n = np.asarray(n)
    m = np.maximum(n, 0.0)
    return np.where(n < 0, 0.0, np.where(n < L, 2 - 0.5 ** (m + 1), (2 ** (L + 1) - 1) * 0.5 ** (m + 1)))


def response__switches_one_late(n, L):
    """The case "after" begins at n = L (it holds from L - 1 on); you change over one index later."""
    n = np.asarray(n)
    m = np.maximum(n, 0.0)
    return np.where(n < 0, 0.0, np.where(n <= L, 2 - 0.5**m, (2**L - 1) * 0.5**m))


def response__not_zero_before(n, L):
    """For n < 0 the output is 0: nothing has come in yet."""
    m = np.asarray(n, dtype=float)
    return np.where(m < L, 2 - 0.5**m, (2**L - 1) * 0.5**m)


def response__length_always_seven(n, L):
    """This is the answer for L = 7, whatever L is."""
    n = np.asarray(n)
    m = np.maximum(n, 0.0)
    return np.where(n < 0, 0.0, np.where(n < 7, 2 - 0.5**m, 127 * 0.5**m))


def response__zero_after(n, L):
    """The output does not stop with its input: the system halves what it holds with every step."""
    n = np.asarray(n)
    return np.where((n < 0) | (n >= L), 0.0, 2 - 0.5 ** np.maximum(n, 0.0))


def response__of_places(n, L):
    """The list is taken to start at n = 0 and to have no gaps. Look at the indices n themselves."""
    steps = np.arange(len(n))
    return _full((steps < L).astype(float), 0.5**steps)[: len(n)]


def shift__wraps_around(y, N):
    """What leaves at one end comes in again at the other. Zeros should come in: np.roll alone is not enough."""
    return np.roll(np.asarray(y), N)


def shift__wrong_direction(y, N):
    """y(n - N) lies N places further to the right for positive N: you moved it to the left."""
    y = np.asarray(y)
    index = np.arange(len(y)) + N
    return np.where((index >= 0) & (index < len(y)), y[np.clip(index, 0, len(y) - 1)], 0.0)


def shift__longer(y, N):
    """The result became longer by N. It has the indices of y, so what leaves is cut off."""
    y = np.asarray(y)
    return np.concatenate([np.zeros(max(N, 0)), y, np.zeros(max(-N, 0))])


def shift__edge_repeated(y, N):
    """The first (or last) value was repeated to fill up. Outside its indices the signal is 0."""
    y = np.asarray(y)
    return y[np.clip(np.arange(len(y)) - N, 0, len(y) - 1)]


def shift__positive_only(y, N):
    """Negative N should move the signal to the left. You take its absolute value."""
    y = np.asarray(y)
    index = np.arange(len(y)) - abs(N)
    return np.where(index >= 0, y[np.clip(index, 0, None)], 0.0)


def shift__empty_slice(y, N):
    """For N = 0 the slice y[:-N] is empty, and the result all zeros. Nothing should move."""
    y = np.asarray(y)
    moved = np.zeros_like(y)
    if 0 < N < len(y):
        moved[N:] = y[:-N]
    elif -len(y) < N < 0:
        moved[:N] = y[-N:]
    return moved


def shift__not_cut(y, N):
    """Python counts negative indices from the end, so values come in from the other side."""
    y = np.asarray(y)
    return np.array([y[n - N] if -len(y) <= n - N < len(y) else 0.0 for n in range(len(y))])


def shift__one_too_few(y, N):
    """The signal moves one place too few (or too many on the other side)."""
    y = np.asarray(y)
    index = np.arange(len(y)) - N + 1
    return np.where((index >= 0) & (index < len(y)), y[np.clip(index, 0, len(y) - 1)], 0.0)


def convolve2d__not_flipped(x, h, stride=1, pad=0):
    """This is the correlation: turn the kernel by 180 degrees first."""
    return _slide(x, h, stride, pad)


def convolve2d__rows_flipped_only(x, h, stride=1, pad=0):
    """The kernel is flipped upside down only. Flip it along both axes. (The symmetric example does not show it.)"""
    return _slide(x, h, stride, pad, (0,))


def convolve2d__columns_flipped_only(x, h, stride=1, pad=0):
    """The kernel is flipped left to right only. Flip it along both axes."""
    return _slide(x, h, stride, pad, (1,))


def convolve2d__flipped_and_transposed(x, h, stride=1, pad=0):
    """Transposing exchanges rows and columns. The flip turns the kernel by 180 degrees and keeps its shape."""
    h = np.asarray(h).T
    try:
        return _slide(x, h, stride, pad, (0, 1))
    except ValueError:
        _fits(x, h.T, pad)
        return np.zeros((0, 0))


def convolve2d__negated(x, h, stride=1, pad=0):
    """Changing the kernel's sign is the same as flipping it only for kernels like the example's."""
    return -_slide(x, h, stride, pad)


def convolve2d__full(x, h, stride=1, pad=0):
    """This is the full convolution, with places where the kernel reaches beyond the padded image. Those do not
    count."""
    _fits(x, h, pad)
    k, l = h.shape  # noqa: E741
    return _slide(x, h, stride, (k - 1 + pad, l - 1 + pad), (0, 1), fits=False)


def convolve2d__same_size(x, h, stride=1, pad=0):
    """The image was padded so that the output keeps its size, whatever pad says. Pad by pad."""
    _fits(x, h, pad)
    k, l = h.shape  # noqa: E741
    return _slide(x, h, stride, (k // 2, l // 2), (0, 1), fits=False)


def convolve2d__pad_ignored(x, h, stride=1, pad=0):
    """The padding has no effect."""
    _fits(x, h, pad)
    try:
        return _slide(x, h, stride, 0, (0, 1))
    except ValueError:
        return np.zeros((0, 0))


def convolve2d__padded_on_one_side(x, h, stride=1, pad=0):
    """Padding adds zeros on all four sides. You added them at the top and on the left only."""
    _fits(x, h, pad)
    x = np.pad(np.asarray(x), ((pad, 0), (pad, 0)))
    return _slide(x, h, stride, 0, (0, 1), fits=False) if x.shape >= h.shape else np.zeros((0, 0))


def convolve2d__padded_rows_only(x, h, stride=1, pad=0):
    """Only rows of zeros were added. The columns need padding, too."""
    _fits(x, h, pad)
    try:
        return _slide(np.pad(np.asarray(x), ((pad, pad), (0, 0))), h, stride, 0, (0, 1))
    except ValueError:
        return np.zeros((0, 0))


def convolve2d__edge_repeated(x, h, stride=1, pad=0):
    """The border was padded with copies of the edge pixels. Padding means zeros here."""
    return _slide(np.pad(np.asarray(x), pad, mode="edge"), h, stride, 0, (0, 1))


def convolve2d__stride_ignored(x, h, stride=1, pad=0):
    """The stride has no effect: keep every stride-th place only."""
    return _slide(x, h, 1, pad, (0, 1))


def convolve2d__stride_along_rows_only(x, h, stride=1, pad=0):
    """The stride applies to rows only. It skips columns, too."""
    return _slide(x, h, (stride, 1), pad, (0, 1))


def convolve2d__stride_starts_late(x, h, stride=1, pad=0):
    """The first window lies at the top left corner. You begin at stride - 1."""
    y = _slide(x, h, 1, pad, (0, 1)).numpy()
    shape = _slide(x, h, stride, pad).shape
    late = y[stride - 1 :: stride, stride - 1 :: stride]
    return np.pad(late, [(0, max(want - got, 0)) for want, got in zip(shape, late.shape, strict=True)])


def convolve2d__ceil(x, h, stride=1, pad=0):
    """The division by the stride rounds down: a last window that does not fit completely does not count."""
    _fits(x, h, pad)
    x = np.pad(np.asarray(x), pad)
    rest = [-(size - taps) % stride for size, taps in zip(x.shape, h.shape, strict=True)]
    return _slide(np.pad(x, [(0, more) for more in rest]), h, stride, 0, (0, 1))


def convolve2d__shape_exchanged(x, h, stride=1, pad=0):
    """Height and width are exchanged, which nobody notices on a square image."""
    return _slide(x, h, stride, pad, (0, 1)).T


def convolve2d__no_error(x, h, stride=1, pad=0):
    """A kernel that does not fit should raise a ValueError. You return an empty result."""
    try:
        return _slide(x, h, stride, pad, (0, 1))
    except ValueError:
        return np.zeros((0, 0))


def convolve2d__torch_error(x, h, stride=1, pad=0):
    """torch refuses a kernel that does not fit with a RuntimeError. The question asks for a ValueError."""
    return _slide(x, h, stride, pad, (0, 1), fits=False)


def convolve2d__kernel_exchanged(x, h, stride=1, pad=0):
    """scipy's convolve2d in mode "valid" exchanges image and kernel when the kernel is larger in both directions. You
    have to raise the ValueError yourself."""
    return scipy.signal.convolve2d(np.pad(np.asarray(x), pad), np.asarray(h), mode="valid")[::stride, ::stride]


def correlate2d__flipped(x, h, stride=1, pad=0):
    """This is the convolution. Correlation leaves the kernel as it is."""
    return _slide(x, h, stride, pad, (0, 1))


def correlate2d__rows_flipped(x, h, stride=1, pad=0):
    """The kernel is upside down. Correlation leaves it as it is."""
    return _slide(x, h, stride, pad, (0,))


def correlate2d__columns_flipped(x, h, stride=1, pad=0):
    """The kernel is flipped left to right. Correlation leaves it as it is."""
    return _slide(x, h, stride, pad, (1,))


def correlate2d__negated_convolution(x, h, stride=1, pad=0):
    """Changing the sign of the convolution gives the correlation only for kernels like the example's."""
    return -_slide(x, h, stride, pad, (0, 1))


def correlate2d__stride_ignored(x, h, stride=1, pad=0):
    """The stride has no effect: keep every stride-th place only."""
    return _slide(x, h, 1, pad)


def correlate2d__pad_ignored(x, h, stride=1, pad=0):
    """The padding has no effect."""
    _fits(x, h, pad)
    try:
        return _slide(x, h, stride, 0)
    except ValueError:
        return np.zeros((0, 0))


def correlate2d__same_size(x, h, stride=1, pad=0):
    """The image was padded so that the output keeps its size, whatever pad says. Pad by pad."""
    _fits(x, h, pad)
    k, l = h.shape  # noqa: E741
    return _slide(x, h, stride, (k // 2, l // 2), fits=False)


def correlate2d__no_error(x, h, stride=1, pad=0):
    """A kernel that does not fit should raise a ValueError. You return an empty result."""
    try:
        return _slide(x, h, stride, pad)
    except ValueError:
        return np.zeros((0, 0))


def correlate2d__torch_error(x, h, stride=1, pad=0):
    """torch refuses a kernel that does not fit with a RuntimeError. The question asks for a ValueError."""
    return _slide(x, h, stride, pad, fits=False)


def flip_kernel__rows_only(h):
    """The order of the rows is reversed. That of the columns has to be, too."""
    return np.asarray(h)[::-1].copy()


def flip_kernel__columns_only(h):
    """The order of the columns is reversed. That of the rows has to be, too."""
    return np.asarray(h)[:, ::-1].copy()


def flip_kernel__transposed(h):
    """This is the transpose, which exchanges rows and columns. Reverse both axes instead."""
    return np.asarray(h).T


def flip_kernel__quarter_turn(h):
    """This turns the kernel by 90 degrees. A half turn is needed."""
    return np.rot90(np.asarray(h)).copy()


def flip_kernel__unchanged(h):
    """The kernel came back as it was."""
    return np.asarray(h)


def flip_kernel__negated(h):
    """Changing the sign is the same as flipping only for kernels like the hand-out's."""
    return -np.asarray(h)


def flip_kernel__flattened(h):
    """The values are in the right order, but the shape is lost."""
    return np.asarray(h).ravel()[::-1].copy()


def flip_kernel__both_diagonals(h):
    """Transposing and flipping in addition exchanges rows and columns. The shape should stay."""
    return np.asarray(h).T[::-1, ::-1].copy()
