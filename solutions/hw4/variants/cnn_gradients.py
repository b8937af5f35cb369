"""Correct answers to cnn_gradients in other styles."""

import math
from fractions import Fraction

import numpy as np
import scipy.linalg
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import as_strided, sliding_window_view


def _inner(A, B):
    """The sum of products of two equally large matrices, in plain Python."""
    return sum(float(a) * float(b) for row, other in zip(A, B, strict=True) for a, b in zip(row, other, strict=True))


def _slide(X, w):
    """``w`` moved over ``X`` without turning it round, in numpy's float64."""
    X, w = np.asarray(X, dtype=np.float64), np.asarray(w, dtype=np.float64)
    return np.einsum("ijhl,hl->ij", sliding_window_view(X, w.shape), w)


def _layer_matrix(w, n):
    """The (m * m, n * n) matrix that takes a flat image to the flat output."""
    k = len(w)
    m = n - k + 1
    matrix = np.zeros((m, m, n, n))
    for i in range(m):
        for j in range(m):
            matrix[i, j, i : i + k, j : j + k] = w
    return matrix.reshape(m * m, n * n)


def _windows(X):
    """(..., H, W) as a tensor (..., H/2, W/2, 4), each window in row-major order."""
    X = torch.as_tensor(X)
    return torch.stack([X[..., row::2, column::2] for row in (0, 1) for column in (0, 1)], dim=-1)


def _route(X, dY):
    """The backward pass of max pooling, as a tensor."""
    dX = torch.zeros_like(torch.as_tensor(X))
    chosen = _windows(X).argmax(-1)
    for place, (row, column) in enumerate(np.ndindex(2, 2)):
        dX[..., row::2, column::2] = torch.where(chosen == place, torch.as_tensor(dY), 0.0)
    return dX


def conv2d_forward__four_loops(X, w):
    """Plain Python over the formula; a list of lists of floats."""
    n, k = len(X), len(w)
    result = []
    for i in range(n - k + 1):
        row = []
        for j in range(n - k + 1):
            total = 0.0
            for h in range(k):
                for v in range(k):
                    total += float(X[i + h][j + v]) * float(w[h][v])
            row.append(total)
        result.append(row)
    return result


def conv2d_forward__tensor_of_zeros_filled(X, w):
    """Two loops that fill a float32 tensor of zeros, whatever came in."""
    X, w = torch.as_tensor(X), torch.as_tensor(w)
    n, k = X.shape[0], w.shape[0]
    Y = torch.zeros(n - k + 1, n - k + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = torch.sum(X[i : i + k, j : j + k] * w)
    return Y


def conv2d_forward__numpy_float32(X, w):
    """numpy in float32 inside, with a helper of the student's own that is called conv2d."""

    def conv2d(image, kernel):
        k = kernel.shape[0]
        m = image.shape[0] - k + 1
        return np.array([[np.vdot(image[i : i + k, j : j + k], kernel) for j in range(m)] for i in range(m)])

    return conv2d(np.asarray(X).astype(np.float32), np.asarray(w).astype(np.float32))


def conv2d_forward__unfold_einsum(X, w):
    """Views of all windows, then einsum."""
    X, w = torch.as_tensor(X), torch.as_tensor(w)
    return torch.einsum("ijhl,hl->ij", X.unfold(0, len(w), 1).unfold(1, len(w), 1), w)


def conv2d_forward__functional_unfold(X, w):
    """F.unfold and one matrix product."""
    X, w = torch.as_tensor(X), torch.as_tensor(w)
    m = X.shape[-1] - w.shape[-1] + 1
    columns = F.unfold(X[None, None], kernel_size=w.shape)
    return (w.reshape(1, -1) @ columns[0]).view(m, m)


def conv2d_forward__strides_tensordot(X, w):
    """numpy's as_strided and tensordot."""
    X, w = np.ascontiguousarray(X), np.asarray(w)
    m = len(X) - len(w) + 1
    return np.tensordot(as_strided(X, (m, m, *w.shape), X.strides * 2, writeable=False), w, axes=2)


def conv2d_forward__fourier(X, w):
    """The correlation theorem, with numpy."""
    n, m = len(X), len(X) - len(w) + 1
    spectrum = np.fft.fft2(np.asarray(X)) * np.conj(np.fft.fft2(np.asarray(w), s=(n, n)))
    return np.fft.ifft2(spectrum).real[:m, :m]


def conv2d_forward__rolled_images(X, w):
    """The image is rolled, not cut, for every weight; nothing is differentiated, but no_grad stands there."""
    X, w = torch.as_tensor(X), torch.as_tensor(w)
    m = len(X) - len(w) + 1
    with torch.no_grad():
        grad = sum(w[h, v] * X.roll((-h, -v), dims=(0, 1)) for h in range(len(w)) for v in range(len(w)))
    return grad[:m, :m]


def conv2d_forward__layer_as_a_matrix(X, w):
    """The whole layer as one sparse matrix, written densely; a tuple of arrays."""
    n, m = len(X), len(X) - len(w) + 1
    return tuple((_layer_matrix(np.asarray(w), n) @ np.asarray(X).reshape(-1)).reshape(m, m))


def conv2d_forward__toeplitz_rows(X, w):
    """Each row of the weights is a Toeplitz matrix."""
    X, w = np.asarray(X), np.asarray(w)
    n, k = len(X), len(w)
    m = n - k + 1
    Y = 0
    for h in range(k):
        band = scipy.linalg.toeplitz(np.r_[w[h, 0], np.zeros(m - 1)], np.r_[w[h], np.zeros(n - k)])
        Y = Y + X[h : h + m] @ band.T
    return torch.from_numpy(Y)


def conv2d_forward__vmap(X, w):
    """torch.vmap over the patches, under a decorator."""

    @torch.inference_mode()
    def slide(X, w):
        m = len(X) - len(w) + 1
        patches = X.unfold(0, len(w), 1).unfold(1, len(w), 1).flatten(0, 1)
        return torch.vmap(lambda patch: (patch * w).sum())(patches).reshape(m, m)

    return slide(torch.as_tensor(X), torch.as_tensor(w))


def conv2d_weight_grad__four_loops(X, dY):
    """Plain Python over the formula; nested lists of numbers of the argument's own type."""
    m = len(dY)
    k = len(X) - m + 1
    dw = [[0.0] * k for _ in range(k)]
    for h in range(k):
        for v in range(k):
            for i in range(m):
                for j in range(m):
                    dw[h][v] += X[i + h, j + v] * dY[i, j]
    return dw


def conv2d_weight_grad__sum_of_patches(X, dY):
    """Loops over the outputs; each adds its patch to a float32 tensor."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    k = X.size(0) - dY.size(0) + 1
    dw = torch.zeros(k, k)
    for i in range(dY.size(0)):
        for j in range(dY.size(1)):
            dw += dY[i, j] * X[i : i + k, j : j + k]
    return dw


def conv2d_weight_grad__own_forward(X, dY):
    """The layer's own operation with dY in the place of the weights; a variable is called grad."""
    grad = _slide(X, dY)
    return grad


def conv2d_weight_grad__tensordot(X, dY):
    """numpy's windows and tensordot, in the input's own precision."""
    X, dY = np.asarray(X), np.asarray(dY)
    k = X.shape[0] - dY.shape[0] + 1
    return np.tensordot(dY, sliding_window_view(X, (k, k)), axes=([0, 1], [0, 1]))


def conv2d_weight_grad__coefficients_times_patches(X, dY):
    """A row of coefficients times the matrix of all patches, in float64."""
    X, dY = torch.as_tensor(X).double(), torch.as_tensor(dY).double()
    k = len(X) - len(dY) + 1
    patches = F.unfold(X[None, None], k)[0].T
    return (dY.flatten() @ patches).reshape(k, k)


def conv2d_weight_grad__fourier(X, dY):
    """The correlation theorem, with torch."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    n, k = len(X), len(X) - len(dY) + 1
    return torch.fft.irfft2(torch.fft.rfft2(X) * torch.fft.rfft2(dY, s=(n, n)).conj(), s=(n, n))[:k, :k]


def conv2d_weight_grad__unit_weights(X, dY):
    """The loss is linear in the weights: one forward pass for each single weight of 1."""
    m = len(dY)
    k = len(X) - m + 1
    dw = np.empty((k, k))
    for place in np.ndindex(k, k):
        w = np.zeros((k, k))
        w[place] = 1.0
        dw[place] = _inner(_slide(X, w), dY)
    return dw


def conv2d_weight_grad__indices_gathered(X, dY):
    """One fancy index for all products."""
    X, dY = np.asarray(X, dtype=np.float32), np.asarray(dY, dtype=np.float32)
    k = len(X) - len(dY) + 1
    i, j = np.indices(dY.shape)
    h, v = np.indices((k, k))
    products = X[i + h[..., None, None], j + v[..., None, None]] * dY
    return products.sum(axis=(-1, -2)).tolist()


def conv2d_weight_grad__traces(X, dY):
    """An inner product of matrices is a trace; rows of 0-d tensors."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    m = len(dY)
    steps = range(len(X) - m + 1)
    return [[torch.trace(X[h : h + m, v : v + m] @ dY.T) for v in steps] for h in steps]


def conv2d_input_grad__scattered_windows(w, dY, n):
    """Every output adds the weights to its window."""
    w, dY = np.asarray(w), np.asarray(dY)
    dX = np.zeros((n, n))
    for (i, j), g in np.ndenumerate(dY):
        dX[i : i + len(w), j : j + len(w)] += g * w
    return dX


def conv2d_input_grad__pixel_by_pixel(w, dY, n):
    """Plain Python over the pixels and the windows that cover them; lists of floats."""
    k, m = len(w), len(dY)
    dX = [[0.0 for _ in range(n)] for _ in range(n)]
    for a in range(n):
        for b in range(n):
            for h in range(k):
                for v in range(k):
                    if 0 <= a - h < m and 0 <= b - v < m:
                        dX[a][b] += float(dY[a - h, b - v]) * float(w[h, v])
    return dX


def conv2d_input_grad__padded_and_turned(w, dY, n):
    """dY padded by k - 1 all around, the kernel flipped."""
    w, dY = torch.as_tensor(w), torch.as_tensor(dY)
    k = w.shape[0]
    padded = F.pad(dY, (k - 1, k - 1, k - 1, k - 1))
    return torch.einsum("ijhl,hl->ij", padded.unfold(0, k, 1).unfold(1, k, 1), torch.flip(w, (0, 1)))


def conv2d_input_grad__fold(w, dY, n):
    """All products at once, added up by F.fold, in float32."""
    w, dY = torch.as_tensor(w).float(), torch.as_tensor(dY).float()
    products = w.reshape(-1, 1) * dY.reshape(1, -1)
    return F.fold(products[None], output_size=(n, n), kernel_size=len(w)).squeeze(0).squeeze(0)


def conv2d_input_grad__transposed_layer_matrix(w, dY, n):
    """The transpose of the layer's matrix, and a method of one's own that is called backward."""

    class Layer:
        def __init__(self, w):
            self.matrix = _layer_matrix(np.asarray(w, dtype=float), n)

        def backward(self, dY):
            return self.matrix.T @ np.asarray(dY).ravel()

    layer = Layer(w)
    return layer.backward(dY).reshape(n, n)


def conv2d_input_grad__fourier(w, dY, n):
    """The convolution theorem; nothing wraps round, as n = m + k - 1."""
    spectrum = np.fft.rfft2(np.asarray(w), s=(n, n)) * np.fft.rfft2(np.asarray(dY), s=(n, n))
    return torch.tensor(np.fft.irfft2(spectrum, s=(n, n)), dtype=torch.float32)


def conv2d_input_grad__add_at(w, dY, n):
    """numpy's unbuffered addition at repeated indices."""
    w, dY = np.asarray(w), np.asarray(dY)
    i, j, h, v = np.ix_(range(len(dY)), range(len(dY)), range(len(w)), range(len(w)))
    dX = np.zeros((n, n), dtype=w.dtype)
    np.add.at(dX, (i + h, j + v), dY[:, :, None, None] * w)
    return dX


def conv2d_input_grad__polynomials(w, dY, n):
    """Products of polynomials in two variables: scipy's convolution matrix of flat, padded rows."""
    flat = [np.pad(np.asarray(a, dtype=float), ((0, 0), (0, n - len(a)))).ravel() for a in (w, dY)]
    product = scipy.linalg.convolution_matrix(flat[0], len(flat[1])) @ flat[1]
    return product[: n * n].reshape(n, n)


def conv2d_input_grad__unit_images(w, dY, n):
    """The loss is linear in the image, too: one forward pass for each single pixel; a tuple of tensors."""
    rows = []
    for a in range(n):
        rows.append(torch.zeros(n))
        for b in range(n):
            X = np.zeros((n, n))
            X[a, b] = 1
            rows[a][b] = _inner(_slide(X, w), dY)
    return tuple(rows)


def sgd_step__loops(w, X, dY, lr):
    """Plain Python; a list of lists."""
    k, m = len(w), len(dY)
    new = [[float(w[h, v]) for v in range(k)] for h in range(k)]
    for h in range(k):
        for v in range(k):
            for i in range(m):
                for j in range(m):
                    new[h][v] -= lr * float(X[i + h, j + v]) * float(dY[i, j])
    return new


def sgd_step__in_place_on_a_clone(w, X, dY, lr):
    """A clone changed in place, patch by patch."""
    w, X, dY = torch.as_tensor(w).clone(), torch.as_tensor(X), torch.as_tensor(dY)
    for i, j in np.ndindex(*dY.shape):
        w -= lr * dY[i, j] * X[i : i + len(w), j : j + len(w)]
    return w


def sgd_step__numpy_windows(w, X, dY, lr):
    """numpy throughout, in float64."""
    return np.asarray(w) - lr * _slide(X, dY)


def sgd_step__add_with_alpha(w, X, dY, lr):
    """torch.add with alpha, in float32."""
    w, X, dY = (torch.as_tensor(a).to(torch.float32) for a in (w, X, dY))
    m = dY.shape[0]
    return torch.add(w, torch.einsum("hlij,ij->hl", X.unfold(0, m, 1).unfold(1, m, 1), dY), alpha=-lr)


def sgd_step__torch_optimiser(w, X, dY, lr):
    """torch's SGD with a gradient of one's own."""
    parameter = torch.nn.Parameter(torch.as_tensor(w).clone())
    parameter.grad = torch.from_numpy(_slide(X, dY)).to(parameter.dtype)
    torch.optim.SGD([parameter], lr=lr).step()
    return parameter


def sgd_step__augmented_product(w, X, dY, lr):
    """One matrix product: the old weights are the last patch, with the coefficient 1."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    patches = torch.cat([F.unfold(X[None, None], len(w))[0], torch.as_tensor(w).reshape(-1, 1)], dim=1)
    coefficients = torch.cat([-lr * dY.flatten(), torch.ones(1, dtype=dY.dtype)])
    return (patches @ coefficients).reshape(w.shape).numpy()


def sgd_step__fourier(w, X, dY, lr):
    """The gradient by Fourier transform."""
    n, k = len(X), len(w)
    dw = np.fft.ifft2(np.fft.fft2(np.asarray(X)) * np.fft.fft2(np.asarray(dY), s=(n, n)).conj())[:k, :k].real
    return list(np.asarray(w) - lr * dw)


def patch_matrix__nested_lists(X, k):
    """Plain Python; a list of lists of floats."""
    m = len(X) - k + 1
    rows = []
    for i in range(m):
        for j in range(m):
            row = []
            for h in range(k):
                for v in range(k):
                    row.append(float(X[i + h][j + v]))
            rows.append(row)
    return rows


def patch_matrix__unfold_twice(X, k):
    """Windows as a view, reshaped; float32 comes back."""
    X = torch.as_tensor(X)
    return X.unfold(0, k, 1).unfold(1, k, 1).reshape(-1, k * k).float()


def patch_matrix__functional_unfold(X, k):
    """F.unfold has the patches in columns."""
    return F.unfold(torch.as_tensor(X)[None, None], k).squeeze(0).t()


def patch_matrix__sliding_windows(X, k):
    """numpy's sliding windows."""
    return sliding_window_view(np.asarray(X), (k, k)).reshape(-1, k**2)


def patch_matrix__flat_indices(X, k):
    """take with broadcast flat indices, in float64."""
    X = np.asarray(X, dtype=np.float64)
    n = len(X)
    m = n - k + 1
    places = (n * np.arange(m)[:, None] + np.arange(m)).reshape(-1, 1)
    offsets = (n * np.arange(k)[:, None] + np.arange(k)).reshape(1, -1)
    return np.take(X, places + offsets)


def patch_matrix__shifted_images_as_columns(X, k):
    """k * k shifted images, each flat, as columns."""
    X = torch.as_tensor(X)
    m = len(X) - k + 1
    return torch.stack([X[h : h + m, v : v + m].reshape(-1) for h in range(k) for v in range(k)], dim=1)


def patch_matrix__filled(X, k):
    """A matrix of zeros, filled with a running row number."""
    m = X.shape[0] - k + 1
    P = np.zeros((m * m, k * k))
    row = 0
    for i in range(m):
        for j in range(m):
            P[row, :] = X[i : i + k, j : j + k].reshape(-1)
            row += 1
    return P


def patch_matrix__products_with_selections(X, k):
    """Two selection matrices and a Kronecker product; a tuple of tensors."""
    X = torch.as_tensor(X)
    n = len(X)
    m = n - k + 1
    select = torch.eye(n, dtype=X.dtype)[torch.arange(m)[:, None] + torch.arange(k)].reshape(m * k, n)
    patches = (torch.kron(select, select) @ X.flatten()).reshape(m, k, m, k)
    return tuple(patches.permute(0, 2, 1, 3).reshape(m * m, k * k))


def update_coefficients__list(dY, lr):
    """Two loops; a list of floats."""
    m = len(dY)
    return [-lr * float(dY[i, j]) for i in range(m) for j in range(m)]


def update_coefficients__numpy_ravel(dY, lr):
    """numpy in float64."""
    return np.multiply(np.asarray(dY, dtype=np.float64).ravel(), -lr)


def update_coefficients__float32_tensor(dY, lr):
    """torch in float32."""
    return torch.flatten(torch.as_tensor(dY).float()).mul(lr).neg()


def update_coefficients__column(dY, lr):
    """A column of coefficients, (m * m, 1)."""
    return 0 - lr * dY.reshape(-1, 1)


def update_coefficients__index_arithmetic(dY, lr):
    """Filled by row number; a tuple of 0-d tensors."""
    dY = torch.as_tensor(dY)
    m = dY.shape[0]
    return tuple(-lr * dY[row // m, row % m] for row in range(m * m))


def update_coefficients__step_from_zero(dY, lr):
    """The images with one pixel of 1 and 1x1 weights: each change of the weight is a coefficient."""
    c = []
    for place in np.ndindex(len(dY), len(dY)):
        X = np.zeros(dY.shape)
        X[place] = 1
        c.append((0 - lr * _slide(X, dY)).item())
    return np.array(c)


def update_coefficients__concatenated_rows(dY, lr):
    """The rows one after the other, as an array of numpy scalars."""
    return np.concatenate([-np.float32(lr) * np.asarray(row) for row in dY])


def gradient_std__root_of_the_variance(n, k, sigma_x, sigma_g):
    """The root of the number of products times their variance, with math."""
    m = n - k + 1
    return math.sqrt(m * m * sigma_x**2 * sigma_g**2)


def gradient_std__numpy_scalar(n, k, sigma_x, sigma_g):
    """A float32 scalar of numpy."""
    return np.float32(np.sqrt((n - k + 1) ** 2) * np.sqrt(sigma_x**2 * sigma_g**2))


def gradient_std__zero_dimensional_tensor(n, k, sigma_x, sigma_g):
    """A 0-d tensor."""
    return torch.sqrt(torch.tensor((n - k + 1) ** 2 * (sigma_x * sigma_g) ** 2))


def gradient_std__variances_summed(n, k, sigma_x, sigma_g):
    """The variances of all products, summed in a loop."""
    variance = 0.0
    for _ in range((n - k + 1) * (n - k + 1)):
        variance += (sigma_x * sigma_g) ** 2
    return variance**0.5


def gradient_std__norm(n, k, sigma_x, sigma_g):
    """The length of a vector of standard deviations, as an array with one element."""
    deviations = np.full((n - k + 1, n - k + 1), sigma_x * sigma_g, dtype=float)
    return np.linalg.norm(deviations).reshape(1)


def gradient_std__logarithms(n, k, sigma_x, sigma_g):
    """By way of logarithms, in float32."""
    logarithms = torch.log(torch.tensor([n - k + 1, sigma_x, sigma_g], dtype=torch.float32))
    return logarithms.sum().exp().item()


def gradient_std__fraction(n, k, sigma_x, sigma_g):
    """An exact fraction."""
    return Fraction(n - k + 1) * Fraction(sigma_x) * Fraction(sigma_g)


def simulate_gradient_std__loop_over_trials(n, k, sigma_x, sigma_g, trials, generator):
    """One trial after the other, all entries of dw kept, numpy's std."""
    m = n - k + 1
    values = []
    for _ in range(trials):
        X = sigma_x * (2 * torch.randint(0, 2, (n, n), generator=generator) - 1)
        dY = sigma_g * (2 * torch.randint(0, 2, (m, m), generator=generator) - 1)
        for h in range(k):
            for v in range(k):
                values.append((X[h : h + m, v : v + m] * dY).sum())
    return np.std(values)


def simulate_gradient_std__signs_all_at_once(n, k, sigma_x, sigma_g, trials, generator):
    """Random signs, all trials at once, the root of the mean square as a 0-d tensor."""
    m = n - k + 1
    X = sigma_x * torch.sign(torch.rand((trials, n, n), generator=generator) - 0.5)
    dY = sigma_g * torch.sign(torch.rand((trials, m, m), generator=generator) - 0.5)
    dw = torch.einsum("tijhl,tij->thl", X.unfold(1, k, 1).unfold(2, k, 1), dY)
    return dw.square().mean().sqrt()


def simulate_gradient_std__one_entry(n, k, sigma_x, sigma_g, trials, generator):
    """Only the last entry of dw, standard deviation with one less; uniform in float64."""
    m = n - k + 1
    X = torch.empty(trials, n, n, dtype=torch.float64)
    X.uniform_(-math.sqrt(3) * sigma_x, math.sqrt(3) * sigma_x, generator=generator)
    dY = torch.empty(trials, m, m, dtype=torch.float64)
    dY.uniform_(-math.sqrt(3) * sigma_g, math.sqrt(3) * sigma_g, generator=generator)
    return (X[:, -m:, -m:] * dY).sum((1, 2)).std(correction=1).item()


def simulate_gradient_std__numpy_seeded_by_the_generator(n, k, sigma_x, sigma_g, trials, generator):
    """numpy's generator with a seed from the one handed over; Laplace distribution."""
    m = n - k + 1
    rng = np.random.default_rng(torch.randint(2**62, (1,), generator=generator).item())
    X = rng.laplace(0, sigma_x / np.sqrt(2), (trials, n, n))
    dY = rng.laplace(0, sigma_g / np.sqrt(2), (trials, m, m))
    return np.einsum("tijhl,tij->thl", sliding_window_view(X, (k, k), axis=(1, 2)), dY).std(ddof=1)


def simulate_gradient_std__exponential(n, k, sigma_x, sigma_g, trials, generator):
    """A skew distribution: exponential minus its mean; the standard deviations of the entries, averaged."""
    m = n - k + 1

    def draw(size, sigma):
        return sigma * (torch.empty(trials, size, size).exponential_(generator=generator) - 1)

    X, dY = draw(n, sigma_x), draw(m, sigma_g)
    dw = [(X[:, h : h + m, v : v + m] * dY).sum((1, 2)) for h in range(k) for v in range(k)]
    return [float(torch.stack([entry.std() for entry in dw]).mean())]


def simulate_gradient_std__three_values(n, k, sigma_x, sigma_g, trials, generator):
    """-1, 0 or 1 with a third each, times the right factor; a running sum of squares in float32."""
    m = n - k + 1
    total = np.float32(0)
    for _ in range(trials):
        X = torch.randint(-1, 2, (n, n), generator=generator).numpy() * sigma_x * math.sqrt(1.5)
        dY = torch.randint(-1, 2, (m, m), generator=generator).numpy() * sigma_g * math.sqrt(1.5)
        total += np.float32((_slide(X, dY) ** 2).mean())
    return np.sqrt(total / trials)


def simulate_gradient_std__bernoulli(n, k, sigma_x, sigma_g, trials, generator):
    """Bernoulli variables scaled to standard deviation 1, batched matrix products; a tensor with one element."""
    m = n - k + 1
    X = sigma_x * (torch.bernoulli(torch.full((trials, n, n), 0.3), generator=generator) - 0.3) / math.sqrt(0.21)
    dY = sigma_g * (torch.bernoulli(torch.full((trials, m * m, 1), 0.3), generator=generator) - 0.3) / math.sqrt(0.21)
    patches = X.unfold(1, m, 1).unfold(2, m, 1).reshape(trials, k * k, m * m)
    return (patches @ dY).reshape(-1).std(unbiased=False).reshape(1)


def maxpool2x2_forward__loops_with_a_list(X):
    """Loops over everything on nested lists, with an eye on NaN; a nested list comes back."""

    def pool(part):
        if isinstance(part[0][0], list):
            return [pool(deeper) for deeper in part]
        pooled = []
        for i in range(0, len(part), 2):
            pooled.append([])
            for j in range(0, len(part[0]), 2):
                window = [part[i][j], part[i][j + 1], part[i + 1][j], part[i + 1][j + 1]]
                broken = [value for value in window if math.isnan(value)]
                pooled[-1].append(broken[0] if broken else max(window))
        return pooled

    return pool(X.tolist())


def maxpool2x2_forward__four_slices(X):
    """The larger of slices, pairwise, in numpy."""
    X = np.asarray(X)
    rows = np.maximum(X[..., 0::2, :], X[..., 1::2, :])
    return np.maximum(rows[..., 0::2], rows[..., 1::2])


def maxpool2x2_forward__reshape_in_float32(X):
    """Two axes are split and reduced, in float32 inside."""
    X = np.asarray(X, dtype=np.float32)
    return X.reshape((*X.shape[:-2], X.shape[-2] // 2, 2, X.shape[-1] // 2, 2)).max(axis=-1).max(axis=-2)


def maxpool2x2_forward__unfold(X):
    """Windows by unfold, then the values of max."""
    return torch.as_tensor(X).unfold(-2, 2, 2).unfold(-2, 2, 2).flatten(-2).max(dim=-1)[0]


def maxpool2x2_forward__reduceat(X):
    """numpy's reduceat along both axes, and a local name max_pool2d."""
    max_pool2d = np.asarray(X)
    for axis in (-2, -1):
        max_pool2d = np.maximum.reduceat(max_pool2d, range(0, max_pool2d.shape[axis], 2), axis=axis)
    return max_pool2d


def maxpool2x2_forward__sorted(X):
    """The windows sorted; NaN comes last; a tuple of float64 tensors."""
    return tuple(torch.sort(_windows(X).double(), dim=-1).values[..., -1])


def maxpool2x2_forward__functional_unfold(X):
    """F.unfold, with the leading dimensions in one and back again."""
    X = torch.as_tensor(X)
    *leading, height, width = X.shape
    columns = F.unfold(X.reshape(-1, 1, height, width), kernel_size=2, stride=2)
    return columns.amax(1).reshape(*leading, height // 2, width // 2)


def maxpool2x2_forward__where(X):
    """A chain of comparisons that lets a NaN win."""
    best, *others = (X[..., row::2, column::2] for row in (0, 1) for column in (0, 1))
    best, *others = (torch.as_tensor(a) for a in (best, *others))
    for other in others:
        best = torch.where((other > best) | other.isnan(), other, best)
    return best


def maxpool2x2_backward__loops(X, dY):
    """Loops over all windows with the first maximum found by hand."""
    X, dY = np.asarray(X), np.asarray(dY)
    dX = np.zeros(X.shape)
    for *leading, i, j in np.ndindex(dY.shape):
        best = None
        for h in (0, 1):
            for v in (0, 1):
                place = (*leading, 2 * i + h, 2 * j + v)
                if best is None or X[place] > X[best] or np.isnan(X[place]):
                    best = place
        dX[best] = dY[(*leading, i, j)]
    return dX


def maxpool2x2_backward__one_hot(X, dY):
    """argmax and one_hot, put together from slices."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    routed = F.one_hot(_windows(X).argmax(-1), 4) * dY[..., None]
    dX = torch.empty_like(X)
    for number in range(4):
        dX[..., number // 2 :: 2, number % 2 :: 2] = routed[..., number]
    return dX


def maxpool2x2_backward__put_along_axis(X, dY):
    """numpy: windows, argmax, put_along_axis, back; a nested list."""
    X, dY = np.asarray(X), np.asarray(dY)
    shape = (*X.shape[:-2], X.shape[-2] // 2, 2, X.shape[-1] // 2, 2)
    windows = X.reshape(shape).swapaxes(-3, -2)
    routed = np.zeros((*dY.shape, 4))
    first = windows.reshape(*dY.shape, 4).argmax(-1)
    np.put_along_axis(routed, first[..., None], dY[..., None], axis=-1)
    return routed.reshape(windows.shape).swapaxes(-3, -2).reshape(X.shape).tolist()


def maxpool2x2_backward__cumulated_mask(X, dY):
    """All maxima marked, then all marks but the first taken away; in float32."""
    X, dY = torch.as_tensor(X).float(), torch.as_tensor(dY).float()
    windows = _windows(X)
    marks = (windows == windows.amax(-1, keepdim=True)) | windows.isnan()
    marks = marks & (marks.cumsum(-1) == 1)
    routed = (marks * dY[..., None]).unflatten(-1, (2, 2)).movedim(-2, -3)
    return routed.reshape(X.shape)


def maxpool2x2_backward__rows_then_columns(X, dY):
    """A knock-out: the left or right one of each row, then the upper or lower winner."""
    X, dY = np.nan_to_num(np.asarray(X), nan=np.inf), np.asarray(dY)
    left = X[..., 0::2] >= X[..., 1::2]
    winners = np.maximum(X[..., 0::2], X[..., 1::2])
    upper = winners[..., 0::2, :] >= winners[..., 1::2, :]
    dX = np.zeros_like(X)
    dX[..., 0::2, 0::2] = dY * (upper & left[..., 0::2, :])
    dX[..., 0::2, 1::2] = dY * (upper & ~left[..., 0::2, :])
    dX[..., 1::2, 0::2] = dY * (~upper & left[..., 1::2, :])
    dX[..., 1::2, 1::2] = dY * (~upper & ~left[..., 1::2, :])
    return dX


def maxpool2x2_backward__kernel_free_mask(X, dY):
    """X compared with the maxima enlarged by repeat, later ones switched off; a variable is called grad."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    maxima = _windows(X).amax(-1).repeat_interleave(2, -1).repeat_interleave(2, -2)
    mask = (maxima == X) | X.isnan()
    taken = torch.zeros(dY.shape, dtype=torch.bool)
    grad = torch.zeros_like(X)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        here = mask[..., row::2, column::2] & ~taken
        grad[..., row::2, column::2][here] = dY[here]
        taken |= here
    return grad


def maxpool2x2_backward__fold(X, dY):
    """F.unfold, scatter and F.fold."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    *_, height, width = X.shape
    columns = F.unfold(X.reshape(-1, 1, height, width), 2, stride=2)
    routed = torch.zeros_like(columns)
    routed.scatter_(1, columns.max(1, keepdim=True).indices, dY.reshape(len(columns), 1, -1))
    return F.fold(routed, (height, width), 2, stride=2).reshape(X.shape)


def maxpool2x2_backward__flat_indices(X, dY):
    """The winners' flat indices, then one assignment."""
    X, dY = np.asarray(X), np.asarray(dY)
    numbers = _windows(np.arange(X.size).reshape(X.shape)).numpy().reshape(-1, 4)
    values = _windows(X).numpy().reshape(-1, 4)
    order = np.argsort(np.where(np.isnan(values), -np.inf, -values), axis=1, kind="stable")
    dX = np.zeros(X.size)
    dX[np.take_along_axis(numbers, order[:, :1], axis=1)[:, 0]] = dY.ravel()
    return torch.from_numpy(dX.reshape(X.shape))


def avgpool2x2_forward__loops(X):
    """Loops in plain Python over nested lists."""

    def pool(part):
        if isinstance(part[0][0], list):
            return [pool(deeper) for deeper in part]
        return [
            [(a + b + c + d) / 4 for a, b, c, d in zip(top[::2], top[1::2], low[::2], low[1::2], strict=True)]
            for top, low in zip(part[::2], part[1::2], strict=True)
        ]

    return pool(X.tolist())


def avgpool2x2_forward__reshape_mean(X):
    """The split axes averaged together, in float32."""
    X = np.asarray(X).astype("float32")
    return X.reshape(*X.shape[:-2], X.shape[-2] // 2, 2, -1, 2).mean((-1, -3))


def avgpool2x2_forward__pooling_matrices(X):
    """A matrix from the left and one from the right."""
    X = torch.as_tensor(X)
    halve = [torch.eye(size // 2, dtype=X.dtype).repeat_interleave(2, 1) / 2 for size in X.shape[-2:]]
    return halve[0] @ X @ halve[1].T


def avgpool2x2_forward__convolution(X):
    """Library convolutions are not forbidden here: stride 2, all weights 1/4."""
    X = torch.as_tensor(X)
    *leading, height, width = X.shape
    pooled = F.conv2d(X.reshape(-1, 1, height, width), torch.full((1, 1, 2, 2), 0.25, dtype=X.dtype), stride=2)
    return pooled.reshape(*leading, height // 2, width // 2)


def avgpool2x2_forward__unfold_einsum(X):
    """einsum over unfolded windows, a numpy array comes back."""
    windows = torch.as_tensor(X).unfold(-2, 2, 2).unfold(-2, 2, 2)
    return torch.einsum("...hl,hl->...", windows, torch.full((2, 2), 0.25, dtype=windows.dtype)).numpy()


def avgpool2x2_forward__summed_area(X):
    """Cumulative sums and their differences, in float64."""
    X = np.asarray(X, dtype=np.float64)
    table = X.cumsum(-1).cumsum(-2)[..., 1::2, 1::2]
    return np.diff(np.diff(table, axis=-1, prepend=0), axis=-2, prepend=0) / 4


def avgpool2x2_forward__means_of_means(X):
    """First neighbors in a row, then the rows; a list of tensors."""
    X = torch.as_tensor(X)
    rows = torch.lerp(X[..., ::2], X[..., 1::2], 0.5)
    return list((rows[..., ::2, :] + rows[..., 1::2, :]) * 0.5)


def avgpool2x2_backward__loops(X, dY):
    """A loop over all windows."""
    dX = np.zeros(X.shape)
    for *leading, i, j in np.ndindex(*dY.shape):
        dX[(*leading, slice(2 * i, 2 * i + 2), slice(2 * j, 2 * j + 2))] = dY[(*leading, i, j)] / 4
    return dX


def avgpool2x2_backward__kron(X, dY):
    """A Kronecker product."""
    dY = np.asarray(dY)
    return np.kron(dY, np.full((1,) * (dY.ndim - 2) + (2, 2), 0.25))


def avgpool2x2_backward__four_assignments(X, dY):
    """All four places of the windows in one assignment by broadcasting, a view of an empty tensor."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    dX = torch.empty_like(X)
    *leading, height, width = X.shape
    dX.view(*leading, height // 2, 2, width // 2, 2)[...] = dY[..., :, None, :, None] / 4
    return dX


def avgpool2x2_backward__float32_repeat(X, dY):
    """numpy's repeat in float32; a nested list."""
    quarter = np.float32(0.25) * np.asarray(dY, dtype=np.float32)
    return quarter.repeat(2, axis=-1).repeat(2, axis=-2).tolist()


def avgpool2x2_backward__pooling_matrices(X, dY):
    """The transposed matrices of the forward direction."""
    dY = torch.as_tensor(dY)
    double = [torch.eye(size, dtype=dY.dtype).repeat_interleave(2, 0) / 2 for size in dY.shape[-2:]]
    return double[0] @ dY @ double[1].T


def avgpool2x2_backward__nearest_neighbor(X, dY):
    """Enlarged by F.interpolate, nearest neighbors."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    enlarged = F.interpolate(dY.reshape(1, -1, *dY.shape[-2:]), scale_factor=2, mode="nearest")
    return enlarged.reshape(X.shape) / 4


def avgpool2x2_backward__transposed_convolution(X, dY):
    """A library's transposed convolution, which is not forbidden here."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    weights = torch.full((1, 1, 2, 2), 0.25, dtype=dY.dtype)
    return F.conv_transpose2d(dY.reshape(-1, 1, *dY.shape[-2:]), weights, stride=2).reshape(X.shape)


def avgpool2x2_backward__integer_indices(X, dY):
    """Each pixel looks up its window."""
    dY = np.asarray(dY)
    rows, columns = (np.arange(size) // 2 for size in X.shape[-2:])
    return 0.25 * dY[..., rows[:, None], columns[None, :]]


def pool_chain_backward__autograd(X, dY, kinds):
    """torch's poolings and autograd."""
    X = torch.as_tensor(X).clone().requires_grad_(True)
    Y = X.reshape(-1, 1, *X.shape[-2:])
    for kind in kinds:
        Y = F.max_pool2d(Y, 2) if kind == "max" else F.avg_pool2d(Y, 2)
    Y.backward(torch.as_tensor(dY).reshape(Y.shape))
    return X.grad


def pool_chain_backward__sequential_module(X, dY, kinds):
    """nn.Sequential and torch.autograd.grad in float32; a numpy array comes back."""
    layers = {"max": torch.nn.MaxPool2d(2), "avg": torch.nn.AvgPool2d(2)}
    X = torch.as_tensor(X).float().requires_grad_()
    images = X[None] if X.ndim == 2 else X
    Y = torch.nn.Sequential(*(layers[kind] for kind in kinds))(images)
    loss = (Y * torch.as_tensor(dY).float()).sum()
    return torch.autograd.grad(loss, X)[0].numpy()


def pool_chain_backward__recursion(X, dY, kinds):
    """The first layer's step after all the others'."""
    X = torch.as_tensor(X)
    kind, *rest = kinds
    Y = _windows(X).amax(-1) if kind == "max" else _windows(X).mean(-1)
    if rest:
        dY = pool_chain_backward__recursion(Y, dY, tuple(rest))
    if kind == "max":
        return _route(X, dY)
    return torch.as_tensor(dY).repeat_interleave(2, -1).repeat_interleave(2, -2) / 4


def pool_chain_backward__list_of_closures(X, dY, kinds):
    """On the way forward each layer leaves its backward function behind."""

    def split(X):
        return (*X.shape[:-2], X.shape[-2] // 2, 2, X.shape[-1] // 2, 2)

    def spread(g):
        return np.repeat(np.repeat(g, 2, axis=-1), 2, axis=-2) / 4

    X = np.asarray(X, dtype=np.float64)
    tape = []
    for kind in kinds:
        windows = X.reshape(split(X))
        if kind == "avg":
            tape.append(spread)
            X = windows.mean(axis=(-3, -1))
        else:
            tape.append(lambda g, X=X: _route(X, g).numpy())
            X = windows.max(axis=(-3, -1))
    gradient = np.asarray(dY, dtype=np.float64)
    while tape:
        gradient = tape.pop()(gradient)
    return gradient


def pool_chain_backward__jacobian(X, dY, kinds):
    """Forward mode: how much each pixel counts in its own output, updated layer by layer; no backward pass."""
    X = np.asarray(X, dtype=float)
    shape, share = X.shape, np.ones(X.shape)
    for kind in kinds:
        if kind == "avg":
            part, X = np.full(X.shape, 0.25), _windows(X).mean(-1).numpy()
        else:
            part, X = _route(X, np.ones(_windows(X).shape[:-1])).numpy(), _windows(X).amax(-1).numpy()
        scale = shape[-1] // part.shape[-1]
        share = share * part.repeat(scale, axis=-1).repeat(scale, axis=-2)
    scale = shape[-1] // X.shape[-1]
    return (share * np.asarray(dY).repeat(scale, axis=-1).repeat(scale, axis=-2)).tolist()


def pool_chain_backward__inputs_kept_in_a_list(X, dY, kinds):
    """All layers' inputs in a list, indices running down; a tuple of tensors."""
    inputs = [torch.as_tensor(X)]
    for kind in kinds[:-1]:
        windows = _windows(inputs[-1])
        inputs.append(windows.max(-1).values if kind == "max" else windows.sum(-1) * 0.25)
    gradient = torch.as_tensor(dY)
    for layer in range(len(kinds) - 1, -1, -1):
        if kinds[layer] == "max":
            gradient = _route(inputs[layer], gradient)
        else:
            gradient = torch.kron(gradient, torch.full((1,) * (gradient.ndim - 2) + (2, 2), 0.25, dtype=gradient.dtype))
    return tuple(gradient)
