"""Known wrong answers to cnn_gradients (problem 7), with what a teaching assistant would say."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def _as(array):
    return np.asarray(array, dtype=np.float64)


def _correlate(X, w):
    """The right forward pass, for mistakes that lie elsewhere."""
    m = X.shape[0] - w.shape[0] + 1
    Y = np.zeros((m, m))
    for h in range(w.shape[0]):
        for v in range(w.shape[1]):
            Y += w[h, v] * X[h : h + m, v : v + m]
    return Y


def _windows(X):
    """(..., H, W) as (..., H/2, W/2, 4), each window in row-major order."""
    X = _as(X)
    *leading, height, width = X.shape
    return np.moveaxis(X.reshape(*leading, height // 2, 2, width // 2, 2), -3, -2).reshape(
        *leading, height // 2, width // 2, 4
    )


def _unwindows(windows):
    """The reverse of ``_windows``."""
    *leading, rows, columns, _ = windows.shape
    return np.moveaxis(windows.reshape(*leading, rows, columns, 2, 2), -2, -3).reshape(*leading, 2 * rows, 2 * columns)


def _route(X, dY, chosen):
    """Each dY to the element of its window that ``chosen`` (an index 0 .. 3) names."""
    return _unwindows(np.eye(4)[chosen] * _as(dY)[..., None])


def _first(windows):
    return np.argmax(windows, axis=-1)


def _pool(X, kind):
    return _windows(X).max(-1) if kind == "max" else _windows(X).mean(-1)


def _unpool(X, dY, kind):
    return _route(X, dY, _first(_windows(X))) if kind == "max" else np.repeat(np.repeat(_as(dY), 2, -2), 2, -1) / 4


def conv2d_forward__kernel_flipped(X, w):
    """You turn the kernel round first, as signal processing does; here the weights are used as they are."""
    return _correlate(_as(X), _as(w)[::-1, ::-1])


def conv2d_forward__kernel_transposed(X, w):
    """Rows and columns of the weights are exchanged: w[h, l] belongs to row i + h and column j + l."""
    return _correlate(_as(X), _as(w).T)


def conv2d_forward__one_place_too_few(X, w):
    """You use n - k places each way, but the window fits into n - k + 1: the last row and column are missing."""
    return _correlate(_as(X), _as(w))[:-1, :-1]


def conv2d_forward__padded_to_the_input_size(X, w):
    """The output is as large as the image: this layer has no padding, so it is (n - k + 1, n - k + 1)."""
    return _correlate(np.pad(_as(X), ((0, len(w) - 1), (0, len(w) - 1))), _as(w))


def conv2d_forward__mean(X, w):
    """You divide by the number of weights: a layer sums the products, it does not average them."""
    return _correlate(_as(X), _as(w)) / len(w) ** 2


def conv2d_forward__windows_without_overlap(X, w):
    """Your window moves by its own size each time; the stride is 1, so it moves by a single pixel."""
    k = len(w)
    return _correlate(_as(X), _as(w))[::k, ::k]


def conv2d_forward__library(X, w):
    """You call the library's convolution, and this question asks for the sum itself."""
    return F.conv2d(torch.as_tensor(X)[None, None], torch.as_tensor(w)[None, None])[0, 0]


def conv2d_weight_grad__turned_round(X, dY):
    """Your gradient is flipped by 180 degrees: no flip occurs in the sum for dw, only shifted patches of X."""
    return _correlate(_as(X), _as(dY))[::-1, ::-1]


def conv2d_weight_grad__output_gradient_flipped(X, dY):
    """You turn dY round before you slide it over X: at the weights the layer's own operation occurs, without a flip."""
    return _correlate(_as(X), _as(dY)[::-1, ::-1])


def conv2d_weight_grad__transposed(X, dY):
    """Rows and columns of the result are exchanged: dw[h, l] uses X[i + h, j + l]."""
    return _correlate(_as(X), _as(dY)).T


def conv2d_weight_grad__mean_over_outputs(X, dY):
    """You average over the outputs; by the chain rule the contributions of all outputs are summed."""
    return _correlate(_as(X), _as(dY)) / np.asarray(dY).size


def conv2d_weight_grad__without_the_output_gradient(X, dY):
    """dY does not occur in your sum: the chain rule multiplies each patch with the gradient at its output."""
    return _correlate(_as(X), np.ones_like(_as(dY)))


def conv2d_weight_grad__last_output_left_out(X, dY):
    """The last row and column of dY are left out of the sum: it runs over all m * m outputs."""
    cut = _as(dY).copy()
    cut[-1, :] = cut[:, -1] = 0
    return _correlate(_as(X), cut)


def conv2d_weight_grad__autograd(X, dY):
    """You let autograd differentiate, and this question asks for the derivative by hand."""
    X, dY = torch.as_tensor(X), torch.as_tensor(dY)
    w = torch.zeros(len(X) - len(dY) + 1, len(X) - len(dY) + 1, dtype=X.dtype, requires_grad=True)
    patches = X.unfold(0, len(w), 1).unfold(1, len(w), 1)
    ((patches * w).sum((2, 3)) * dY).sum().backward()
    return w.grad


def conv2d_input_grad__kernel_not_flipped(w, dY, n):
    """You slide the kernel over the padded dY as it is: the sum for dX runs backwards through the kernel."""
    w = _as(w)
    return _correlate(np.pad(_as(dY), len(w) - 1), w)


def conv2d_input_grad__valid_instead_of_full(w, dY, n):
    """Pixels near the border get 0 in your result: they lie in fewer windows, but do get a gradient."""
    w, dY = _as(w), _as(dY)
    full = _correlate(np.pad(dY, len(w) - 1), w[::-1, ::-1])
    result = np.zeros((n, n))
    inner = slice(len(w) - 1, n - len(w) + 1)
    result[inner, inner] = full[inner, inner]
    return result if len(w) > 1 else result * 0


def conv2d_input_grad__same_padding(w, dY, n):
    """Your dX has the size of dY, not of the image: a border of k - 1 pixels is missing."""
    w = _as(w)
    full = _correlate(np.pad(_as(dY), len(w) - 1), w[::-1, ::-1])
    start = (len(w) - 1) // 2
    return full[start : start + len(dY), start : start + len(dY)]


def conv2d_input_grad__overwritten(w, dY, n):
    """Where windows overlap you overwrite instead of add: a pixel hears from every output that it takes part in."""
    w, dY = _as(w), _as(dY)
    dX = np.zeros((n, n))
    for i, j in np.ndindex(dY.shape):
        dX[i : i + len(w), j : j + len(w)] = w * dY[i, j]
    return dX


def conv2d_input_grad__transposed_kernel(w, dY, n):
    """Rows and columns of the kernel are exchanged on the way back."""
    w = _as(w).T
    return _correlate(np.pad(_as(dY), len(w) - 1), w[::-1, ::-1])


def conv2d_input_grad__mean_over_windows(w, dY, n):
    """You divide each pixel's gradient by the number of windows that cover it: contributions are summed."""
    w, dY = _as(w), _as(dY)
    ones = _correlate(np.pad(np.ones_like(dY), len(w) - 1), np.ones_like(w))
    return _correlate(np.pad(dY, len(w) - 1), w[::-1, ::-1]) / ones


def conv2d_input_grad__border_missing(w, dY, n):
    """Your dX ends where dY ends, and is filled up with zeros: a window reaches k - 1 pixels further."""
    w, dX = _as(w), np.zeros((n, n))
    m = len(dY)
    dX[:m, :m] = _correlate(np.pad(_as(dY), len(w) - 1), w[::-1, ::-1])[:m, :m]
    return dX


def conv2d_input_grad__library(w, dY, n):
    """You call the library's transposed convolution, and this question asks for the sum itself."""
    return F.conv_transpose2d(torch.as_tensor(dY)[None, None], torch.as_tensor(w)[None, None])[0, 0]


def sgd_step__uphill(w, X, dY, lr):
    """You add the gradient: a step of descent goes against it."""
    return _as(w) + lr * _correlate(_as(X), _as(dY))


def sgd_step__averaged_gradient(w, X, dY, lr):
    """You divide the gradient by the number of outputs; it is their sum, also for a batch of one image."""
    return _as(w) - lr * _correlate(_as(X), _as(dY)) / np.asarray(dY).size


def sgd_step__without_learning_rate(w, X, dY, lr):
    """The learning rate is missing: the step is lr times the gradient."""
    return _as(w) - _correlate(_as(X), _as(dY))


def sgd_step__only_the_change(w, X, dY, lr):
    """You return the change of the weights; asked for are the weights after the step."""
    return -lr * _correlate(_as(X), _as(dY))


def sgd_step__turned_round(w, X, dY, lr):
    """The gradient in your step is flipped by 180 degrees."""
    return _as(w) - lr * _correlate(_as(X), _as(dY))[::-1, ::-1]


def sgd_step__weight_decay(w, X, dY, lr):
    """Your step shrinks the weights as well: this is SGD without weight decay."""
    return _as(w) * (1 - lr) - lr * _correlate(_as(X), _as(dY))


def sgd_step__in_place(w, X, dY, lr):
    """You change the weights that you were handed: return new ones and leave w as it is."""
    w -= lr * (torch.as_tensor if isinstance(w, torch.Tensor) else np.asarray)(_correlate(_as(X), _as(dY)))
    return w


def sgd_step__autograd(w, X, dY, lr):
    """You let autograd compute the gradient, and this question asks for it by hand."""
    w, X, dY = torch.as_tensor(w).clone().requires_grad_(), torch.as_tensor(X), torch.as_tensor(dY)
    patches = X.unfold(0, len(w), 1).unfold(1, len(w), 1)
    return w - lr * torch.autograd.grad((patches * w).sum((2, 3)), w, dY)[0]


def patch_matrix__patches_in_columns_order(X, k):
    """Your patches come column by column: next comes the patch one pixel to the right, not the one below."""
    X = _as(X)
    m = len(X) - k + 1
    return np.array([X[i : i + k, j : j + k].ravel() for j in range(m) for i in range(m)])


def patch_matrix__transposed(X, k):
    """Your patches stand in the columns: each should be a row."""
    X = _as(X)
    m = len(X) - k + 1
    return np.array([X[i : i + k, j : j + k].ravel() for i in range(m) for j in range(m)]).T


def patch_matrix__patch_flattened_by_columns(X, k):
    """The patches come in the right order, but each is flattened column by column: flatten it row by row."""
    X = _as(X)
    m = len(X) - k + 1
    return np.array([X[i : i + k, j : j + k].T.ravel() for i in range(m) for j in range(m)])


def patch_matrix__reshaped_instead_of_transposed(X, k):
    """You reshaped the k * k shifted images: they need a transpose, or numbers of different patches get mixed."""
    X = _as(X)
    m = len(X) - k + 1
    shifted = np.array([X[h : h + m, v : v + m] for h in range(k) for v in range(k)])
    return shifted.reshape(m * m, k * k)


def patch_matrix__turned_round(X, k):
    """Each patch is flipped by 180 degrees."""
    X = _as(X)
    m = len(X) - k + 1
    return np.array([X[i : i + k, j : j + k].ravel()[::-1] for i in range(m) for j in range(m)])


def patch_matrix__one_place_too_few(X, k):
    """The patches of the last row and column of places are missing: there are n - k + 1 places each way."""
    X = _as(X)
    m = max(len(X) - k, 1)
    return np.array([X[i : i + k, j : j + k].ravel() for i in range(m) for j in range(m)])


def patch_matrix__without_overlap(X, k):
    """Your patches do not overlap: there is one at every pixel where it fits."""
    X = _as(X)
    steps = range(0, len(X) - k + 1, k)
    return np.array([X[i : i + k, j : j + k].ravel() for i in steps for j in steps])


def patch_matrix__patches_not_flattened(X, k):
    """Each patch is still a (k, k) matrix: flatten it, so that the result is one matrix."""
    X = _as(X)
    m = len(X) - k + 1
    return np.array([X[i : i + k, j : j + k] for i in range(m) for j in range(m)])


def update_coefficients__uphill(dY, lr):
    """The sign is wrong: the step goes against the gradient, so each patch enters with -lr dY."""
    return lr * _as(dY).ravel()


def update_coefficients__without_learning_rate(dY, lr):
    """The learning rate is missing from the coefficients."""
    return -_as(dY).ravel()


def update_coefficients__column_major(dY, lr):
    """Your coefficients come column by column, the patches row by row: they do not belong together."""
    return -lr * _as(dY).T.ravel()


def update_coefficients__mean(dY, lr):
    """You divide by the number of patches: the gradient is a sum over the outputs, not their mean."""
    return -lr * _as(dY).ravel() / np.asarray(dY).size


def update_coefficients__average(dY, lr):
    """Your coefficients sum to 1, as in an average: the weights are a weighted sum of patches, no average."""
    c = -lr * _as(dY).ravel()
    return c / c.sum()


def update_coefficients__not_flattened(dY, lr):
    """Your coefficients are still a matrix: flatten it, so that they stand in the order of the patches' rows."""
    return -lr * _as(dY)


def update_coefficients__turned_round(dY, lr):
    """Your coefficients come in reversed order: the first belongs to the patch at (0, 0)."""
    return -lr * _as(dY).ravel()[::-1].copy()


def gradient_std__image_size(n, k, sigma_x, sigma_g):
    """You count n places in each direction: without padding the window fits into m = n - k + 1."""
    return n * sigma_x * sigma_g


def gradient_std__one_place_too_few(n, k, sigma_x, sigma_g):
    """You count n - k places in each direction: it is n - k + 1, and one for n = k."""
    return (n - k) * sigma_x * sigma_g


def gradient_std__variance(n, k, sigma_x, sigma_g):
    """This is the variance: take the root."""
    return ((n - k + 1) * sigma_x * sigma_g) ** 2


def gradient_std__root_missing_on_the_count(n, k, sigma_x, sigma_g):
    """You multiplied the standard deviation by the number m^2 of products: it is their variances that add up."""
    return (n - k + 1) ** 2 * sigma_x * sigma_g


def gradient_std__root_of_m(n, k, sigma_x, sigma_g):
    """You count m products, but the output is a square of m * m places, whose root is m."""
    return math.sqrt(n - k + 1) * sigma_x * sigma_g


def gradient_std__sum_of_variances(n, k, sigma_x, sigma_g):
    """For a product of independent variables of mean 0 the variances multiply; they add up for a sum."""
    return (n - k + 1) * math.sqrt(sigma_x**2 + sigma_g**2)


def gradient_std__sigmas_taken_for_variances(n, k, sigma_x, sigma_g):
    """sigma_x and sigma_g are standard deviations already: you took another root."""
    return (n - k + 1) * math.sqrt(sigma_x * sigma_g)


def gradient_std__all_weights(n, k, sigma_x, sigma_g):
    """This is the size of the whole gradient of k * k weights; asked for is one entry."""
    return (n - k + 1) * k * sigma_x * sigma_g


def simulate_gradient_std__uniform_on_minus_to_plus_sigma(n, k, sigma_x, sigma_g, trials, generator):
    """A uniform distribution on [-s, s] has standard deviation s / sqrt(3), so yours are too small by that factor."""
    m = n - k + 1
    X = sigma_x * (2 * torch.rand(trials, n, n, generator=generator) - 1)
    dY = sigma_g * (2 * torch.rand(trials, m, m, generator=generator) - 1)
    return (X[:, :m, :m] * dY).sum((1, 2)).square().mean().sqrt().item()


def simulate_gradient_std__mean_not_zero(n, k, sigma_x, sigma_g, trials, generator):
    """Your numbers are all positive: the spread is right, but their mean has to be 0."""
    m = n - k + 1
    X = sigma_x * math.sqrt(12) * torch.rand(trials, n, n, generator=generator)
    dY = sigma_g * math.sqrt(12) * torch.rand(trials, m, m, generator=generator)
    return (X[:, :m, :m] * dY).sum((1, 2)).std().item()


def simulate_gradient_std__variance(n, k, sigma_x, sigma_g, trials, generator):
    """You return the variance: take the root."""
    m = n - k + 1
    X = sigma_x * (2.0 * torch.randint(2, (trials, n, n), generator=generator) - 1)
    dY = sigma_g * (2.0 * torch.randint(2, (trials, m, m), generator=generator) - 1)
    return (X[:, :m, :m] * dY).sum((1, 2)).square().mean().item()


def simulate_gradient_std__mean_over_outputs(n, k, sigma_x, sigma_g, trials, generator):
    """Your dw is a mean over the outputs: it is their sum."""
    m = n - k + 1
    X = sigma_x * (2.0 * torch.randint(2, (trials, n, n), generator=generator) - 1)
    dY = sigma_g * (2.0 * torch.randint(2, (trials, m, m), generator=generator) - 1)
    return (X[:, :m, :m] * dY).mean((1, 2)).square().mean().sqrt().item()


def simulate_gradient_std__spread_of_the_average(n, k, sigma_x, sigma_g, trials, generator):
    """You average dw over the trials before you take the standard deviation, and an average hardly scatters."""
    m = n - k + 1
    X = sigma_x * (2.0 * torch.randint(2, (trials, n, n), generator=generator) - 1)
    dY = sigma_g * (2.0 * torch.randint(2, (trials, m, m), generator=generator) - 1)
    dw = torch.stack([(X[:, h : h + m, v : v + m] * dY).sum((1, 2)).mean() for h in range(k) for v in range(k)])
    return dw.square().mean().sqrt().item()


def simulate_gradient_std__global_random_numbers(n, k, sigma_x, sigma_g, trials, generator):
    """You draw from the global generator: hand the given one to every routine that draws."""
    m = n - k + 1
    X = sigma_x * math.sqrt(12) * (torch.rand(trials, n, n) - 0.5)
    dY = sigma_g * math.sqrt(12) * (torch.rand(trials, m, m) - 0.5)
    return (X[:, :m, :m] * dY).sum((1, 2)).square().mean().sqrt().item()


def simulate_gradient_std__reseeded(n, k, sigma_x, sigma_g, trials, generator):
    """You set the generator's seed yourself, so that every estimate is the same: use the generator as it comes."""
    m = n - k + 1
    generator.manual_seed(0)
    X = sigma_x * math.sqrt(12) * (torch.rand(trials, n, n, generator=generator) - 0.5)
    dY = sigma_g * math.sqrt(12) * (torch.rand(trials, m, m, generator=generator) - 0.5)
    return (X[:, :m, :m] * dY).sum((1, 2)).square().mean().sqrt().item()


def simulate_gradient_std__number_of_trials_ignored(n, k, sigma_x, sigma_g, trials, generator):
    """The number of trials is fixed in your code: use the argument."""
    m = n - k + 1
    X = sigma_x * math.sqrt(12) * (torch.rand(500, n, n, generator=generator) - 0.5)
    dY = sigma_g * math.sqrt(12) * (torch.rand(500, m, m, generator=generator) - 0.5)
    return (X[:, :m, :m] * dY).sum((1, 2)).square().mean().sqrt().item()


def simulate_gradient_std__one_image_for_all_trials(n, k, sigma_x, sigma_g, trials, generator):
    """X is drawn only once: each trial needs a new X, otherwise its accidents stay in the estimate."""
    m = n - k + 1
    X = sigma_x * math.sqrt(12) * (torch.rand(n, n, generator=generator) - 0.5)
    dY = sigma_g * math.sqrt(12) * (torch.rand(trials, m, m, generator=generator) - 0.5)
    return (X[:m, :m] * dY).sum((1, 2)).square().mean().sqrt().item()


def simulate_gradient_std__spread_within_each_trial(n, k, sigma_x, sigma_g, trials, generator):
    """You take the spread of the k * k entries of one dw: asked for is how an entry scatters from trial to trial."""
    m = n - k + 1
    X = sigma_x * math.sqrt(12) * (torch.rand(trials, n, n, generator=generator) - 0.5)
    dY = sigma_g * math.sqrt(12) * (torch.rand(trials, m, m, generator=generator) - 0.5)
    dw = torch.stack([(X[:, h : h + m, v : v + m] * dY).sum((1, 2)) for h in range(k) for v in range(k)])
    return dw.std(0, correction=0).mean().item()


def simulate_gradient_std__formula(n, k, sigma_x, sigma_g, trials, generator):
    """This is the formula, not a simulation: draw X and dY and compute dw."""
    return (n - k + 1) * sigma_x * sigma_g


def maxpool2x2_forward__starts_at_zero(X):
    """Your running maximum starts at 0, so negative windows give 0: start with the first element."""
    return np.where(np.isnan(_windows(X).max(-1)), np.nan, np.maximum(_windows(X).max(-1), 0))


def maxpool2x2_forward__nan_ignored(X):
    """A NaN is passed over: it should be handed on, as a comparison with it is always False."""
    return np.nanmax(_windows(X), axis=-1)


def maxpool2x2_forward__largest_magnitude(X):
    """You take the element of largest magnitude: -4 is smaller than 1."""
    windows = _windows(X)
    return np.take_along_axis(windows, np.abs(windows).argmax(-1)[..., None], -1)[..., 0]


def maxpool2x2_forward__runs_of_four(X):
    """Your reshape makes windows of four neighbors in a row: a window has two rows and two columns."""
    X = _as(X)
    return X.reshape(*X.shape[:-2], X.shape[-2] // 2, X.shape[-1] // 2, 4).max(-1)


def maxpool2x2_forward__stride_one(X):
    """Your windows overlap: they move by 2."""
    X = _as(X)
    return np.maximum(np.maximum(X[..., :-1, :-1], X[..., :-1, 1:]), np.maximum(X[..., 1:, :-1], X[..., 1:, 1:]))


def maxpool2x2_forward__last_element(X):
    """You take the last element of each window, which is the largest only if values grow to the right and downwards."""
    return _as(X)[..., 1::2, 1::2]


def maxpool2x2_forward__leading_dimensions_flattened(X):
    """The leading dimensions are merged into one: the result keeps them."""
    pooled = _windows(X).max(-1)
    return pooled.reshape(-1, *pooled.shape[-2:])


def maxpool2x2_forward__library(X):
    """You call the library's max pooling, and this question asks for it by hand."""
    X = torch.as_tensor(X)
    pooled = F.max_pool2d(X.reshape(-1, 1, *X.shape[-2:]), 2)
    return pooled.reshape(*X.shape[:-2], *pooled.shape[-2:])


def maxpool2x2_backward__every_tied_maximum(X, dY):
    """On a tie you hand the full gradient to every maximum: only the first in row-major order gets it."""
    windows = _windows(X)
    best = np.take_along_axis(windows, _first(windows)[..., None], -1)
    return _unwindows(((windows == best) | np.isnan(windows)) * _as(dY)[..., None])


def maxpool2x2_backward__shared_on_ties(X, dY):
    """On a tie you share the gradient out among the maxima: the first in row-major order gets all of it."""
    windows = _windows(X)
    best = np.take_along_axis(windows, _first(windows)[..., None], -1)
    mask = (windows == best) | np.isnan(windows)
    return _unwindows(mask / mask.sum(-1, keepdims=True) * _as(dY)[..., None])


def maxpool2x2_backward__last_on_ties(X, dY):
    """On a tie the last maximum gets the gradient: it should be the first in row-major order."""
    return _route(X, dY, 3 - _first(_windows(X)[..., ::-1]))


def maxpool2x2_backward__first_in_column_order(X, dY):
    """On a tie between top right and bottom left you choose bottom left: row-major order reads the upper row first."""
    order = np.array([0, 2, 1, 3])
    return _route(X, dY, order[_first(_windows(X)[..., order])])


def maxpool2x2_backward__neighbors_right_and_below(X, dY):
    """You compare with the neighbors right and below, even beyond the window: compare with all four of the window."""
    X = _as(X)
    padding = [(0, 0)] * (X.ndim - 2) + [(0, 1), (0, 1)]
    P = np.pad(np.where(np.isnan(X), np.inf, X), padding, constant_values=-np.inf)
    neighbors = [P[..., :-1, :-1], P[..., :-1, 1:], P[..., 1:, :-1], P[..., 1:, 1:]]
    return (neighbors[0] == np.max(neighbors, axis=0)) * np.repeat(np.repeat(_as(dY), 2, -2), 2, -1)


def maxpool2x2_backward__neighbors_within_the_window(X, dY):
    """You compare with the neighbors right and below: that is enough for a window's top left element only."""
    a, b, c, d = np.moveaxis(np.where(np.isnan(_windows(X)), np.inf, _windows(X)), -1, 0)
    mask = [(a >= b) & (a >= c) & (a >= d), b >= d, c >= d, np.ones_like(d, dtype=bool)]
    return _unwindows(np.stack(mask, -1) * _as(dY)[..., None])


def maxpool2x2_backward__always_the_last_element(X, dY):
    """The bottom right element always gets the gradient: right only if values grow to the right and downwards."""
    return _route(X, dY, np.full(np.shape(dY), 3))


def maxpool2x2_backward__mask_only(X, dY):
    """Your result holds ones where the maxima are: multiply with dY."""
    return _route(X, np.ones(np.shape(dY)), _first(_windows(X)))


def maxpool2x2_backward__largest_magnitude(X, dY):
    """You look for the largest magnitude: with negative inputs this is another element."""
    return _route(X, dY, _first(np.abs(_windows(X))))


def maxpool2x2_backward__nan_gets_nothing(X, dY):
    """A window with a NaN gets no gradient, because NaN is not equal to itself: the NaN is the maximum and gets it."""
    windows = _windows(X)
    routed = np.eye(4)[_first(windows)] * _as(dY)[..., None]
    return _unwindows(np.where(np.isnan(windows.max(-1))[..., None], 0, routed))


def maxpool2x2_backward__nan_passed_over(X, dY):
    """In a window with a NaN you hand the gradient to the largest number: the NaN is the maximum."""
    return _route(X, dY, np.nanargmax(_windows(X), axis=-1))


def maxpool2x2_backward__averaged(X, dY):
    """The maximum gets a quarter of the gradient only: that is the share in average pooling."""
    return _route(X, dY, _first(_windows(X))) / 4


def maxpool2x2_backward__leading_dimensions_flattened(X, dY):
    """The leading dimensions are merged into one: the result has the shape of X."""
    dX = _route(X, dY, _first(_windows(X)))
    return dX.reshape(-1, *dX.shape[-2:])


def maxpool2x2_backward__autograd(X, dY):
    """You let autograd differentiate, and this question asks for the derivative by hand."""
    X = torch.as_tensor(X).clone().requires_grad_()
    windows = X.unfold(-2, 2, 2).unfold(-2, 2, 2).flatten(-2)
    windows.max(-1).values.backward(torch.as_tensor(dY))
    return X.grad


def avgpool2x2_forward__sum(X):
    """This is the sum of each window: divide by 4."""
    return _windows(X).sum(-1)


def avgpool2x2_forward__divided_by_two(X):
    """You divide by the window's side, 2: it holds four elements."""
    return _windows(X).sum(-1) / 2


def avgpool2x2_forward__runs_of_four(X):
    """Your reshape makes windows of four neighbors in a row: a window has two rows and two columns."""
    X = _as(X)
    return X.reshape(*X.shape[:-2], X.shape[-2] // 2, X.shape[-1] // 2, 4).mean(-1)


def avgpool2x2_forward__stride_one(X):
    """Your windows overlap: they move by 2."""
    X = _as(X)
    return (X[..., :-1, :-1] + X[..., :-1, 1:] + X[..., 1:, :-1] + X[..., 1:, 1:]) / 4


def avgpool2x2_forward__subsampled(X):
    """You keep one element of each window: the mean uses all four."""
    return _as(X)[..., ::2, ::2]


def avgpool2x2_forward__leading_dimensions_averaged(X):
    """You average over the channels, too: leading dimensions stay as they are."""
    pooled = _windows(X).mean(-1)
    return pooled.reshape(-1, *pooled.shape[-2:]).mean(0)


def avgpool2x2_forward__library(X):
    """You call the library's average pooling, and this question asks for it by hand."""
    X = torch.as_tensor(X)
    pooled = torch.nn.AvgPool2d(2)(X.reshape(-1, 1, *X.shape[-2:]))
    return pooled.reshape(*X.shape[:-2], *pooled.shape[-2:])


def avgpool2x2_backward__not_divided(X, dY):
    """Each element gets the whole gradient: it contributes to the mean with a factor 1/4 only."""
    return np.repeat(np.repeat(_as(dY), 2, -2), 2, -1)


def avgpool2x2_backward__divided_by_two(X, dY):
    """You divide by 2; the mean of four elements passes on a quarter to each."""
    return np.repeat(np.repeat(_as(dY), 2, -2), 2, -1) / 2


def avgpool2x2_backward__tiled(X, dY):
    """You lay copies of the whole dY side by side: each entry of it has to be repeated within its own window."""
    dY = _as(dY)
    return np.tile(dY, (*[1] * (dY.ndim - 2), 2, 2)) / 4


def avgpool2x2_backward__one_corner(X, dY):
    """Only the top left element of each window gets its quarter: all four do."""
    return _route(X, _as(dY) / 4, np.zeros(np.shape(dY), dtype=int))


def avgpool2x2_backward__in_proportion_to_the_input(X, dY):
    """You share the gradient in proportion to the inputs: a mean depends on all four alike, whatever their values."""
    windows = _windows(X)
    return _unwindows(windows / windows.sum(-1, keepdims=True) * _as(dY)[..., None])


def avgpool2x2_backward__leading_dimensions_flattened(X, dY):
    """The leading dimensions are merged into one: the result has the shape of X."""
    dX = np.repeat(np.repeat(_as(dY), 2, -2), 2, -1) / 4
    return dX.reshape(-1, *dX.shape[-2:])


def avgpool2x2_backward__autograd(X, dY):
    """You let autograd differentiate, and this question asks for the derivative by hand."""
    X = torch.as_tensor(X).clone().requires_grad_()
    means = X.unfold(-2, 2, 2).unfold(-2, 2, 2).mean((-2, -1))
    return torch.autograd.grad(means, X, torch.as_tensor(dY))[0]


def pool_chain_backward__kinds_reversed(X, dY, kinds):
    """You took the last kind for the first layer: the first kind is the layer that sees X."""
    inputs = []
    for kind in kinds[::-1]:
        inputs.append(X)
        X = _pool(X, kind)
    for kind, layer_input in zip(kinds, inputs[::-1], strict=True):
        dY = _unpool(layer_input, dY, kind)
    return _as(dY)


def pool_chain_backward__backward_in_forward_order(X, dY, kinds):
    """The gradient runs through your layers in the forward order: it meets the last layer first."""
    inputs = []
    for kind in kinds:
        inputs.append(X)
        X = _pool(X, kind)
    for kind, layer_input in zip(kinds, inputs[::-1], strict=True):
        dY = _unpool(layer_input, dY, kind)
    return _as(dY)


def pool_chain_backward__inputs_not_recomputed(X, dY, kinds):
    """Your layers route by a thinned out X: each one's input is the output of the layer before."""
    X = _as(X)
    for number in reversed(range(len(kinds))):
        dY = _unpool(X[..., :: 2**number, :: 2**number], dY, kinds[number])
    return _as(dY)


def pool_chain_backward__forward_always_max(X, dY, kinds):
    """On the way forward you pool every layer by maximum: use the layer's own kind."""
    inputs = []
    for _ in kinds:
        inputs.append(X)
        X = _pool(X, "max")
    for kind, layer_input in zip(kinds[::-1], inputs[::-1], strict=True):
        dY = _unpool(layer_input, dY, kind)
    return _as(dY)


def pool_chain_backward__first_kind_for_all(X, dY, kinds):
    """You treat all layers as the first one's kind."""
    inputs = []
    for _ in kinds:
        inputs.append(X)
        X = _pool(X, kinds[0])
    for layer_input in inputs[::-1]:
        dY = _unpool(layer_input, dY, kinds[0])
    return _as(dY)


def pool_chain_backward__average_not_divided(X, dY, kinds):
    """Your average pooling layers pass on the whole gradient: it is a quarter for each element."""
    inputs = []
    for kind in kinds:
        inputs.append(X)
        X = _pool(X, kind)
    for kind, layer_input in zip(kinds[::-1], inputs[::-1], strict=True):
        dY = _unpool(layer_input, dY, kind) * (4 if kind == "avg" else 1)
    return _as(dY)


def pool_chain_backward__only_the_last_layer(X, dY, kinds):
    """You stop behind the last layer: the gradient goes on through all of them, and has the shape of X at the end."""
    for kind in kinds[:-1]:
        X = _pool(X, kind)
    return _unpool(X, dY, kinds[-1])
