"""Known wrong answers to unit_scale_mup (problem 2)."""

import math

import numpy as np
import torch
import torch.nn.functional as F

_TYPES = {"e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}


def _rounded(x, format):
    x = torch.as_tensor(x)
    return x.to(_TYPES[format]).to(x.dtype)


def _sample(std, samples, seed):
    return std * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def _relative_errors(x, format):
    return (_rounded(x, format) - x).abs() / x.abs()


def _signs(grad):
    return torch.sign(torch.as_tensor(grad))


def _svd(grad):
    """The compact singular value decomposition: U, singular values, V^T."""
    left, values, right = np.linalg.svd(np.asarray(grad, dtype=np.float64), full_matrices=False)
    rank = int((values / values[0] > 1e-4).sum())
    return left[:, :rank], values[:rank], right[:rank]


class _Linear(torch.nn.Module):
    """The right layer, with every part of it to be replaced."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(d_out, d_in))
        self.c = d_in**-0.5
        self.adjustment = d_out**-0.5

    def adjusted(self, x, factor):
        return x.detach() + factor * (x - x.detach())

    def forward(self, x):
        return self.c * F.linear(self.adjusted(x, self.adjustment), self.weight)


def fp8_round__formats_exchanged(x, format):
    """The formats are exchanged: e4m3 has 3 bits of mantissa and is the finer one."""
    return _rounded(x, "e5m2" if format == "e4m3" else "e4m3")


def fp8_round__format_ignored(x, format):
    """Everything is rounded to e4m3, whatever `format` says."""
    return _rounded(x, "e4m3")


def fp8_round__half_precision(x, format):
    """This rounds to 16 bits. The types are torch.float8_e4m3fn and torch.float8_e5m2."""
    x = torch.as_tensor(x)
    return x.to(torch.bfloat16 if format == "e4m3" else torch.float16).to(x.dtype)


def fp8_round__no_smallest_exponent(x, format):
    """The spacing goes on shrinking near 0 here. The exponent ends at 2^-6 (e4m3) or 2^-14 (e5m2); below, the spacing
    stays the same."""
    bits = {"e4m3": 3, "e5m2": 2}[format]
    fraction, exponent = np.frexp(np.asarray(x, dtype=np.float64))
    return np.ldexp(np.rint(fraction * 2 ** (bits + 1)) / 2 ** (bits + 1), exponent)


def fp8_round__subnormals_flushed(x, format):
    """Everything below the smallest normal number becomes 0 here. There are some smaller numbers in between."""
    y = _rounded(x, format)
    return torch.where(y.abs() < {"e4m3": 2**-6, "e5m2": 2**-14}[format], 0.0, y)


def fp8_round__truncated(x, format):
    """This cuts off instead of rounding: each number should go to the nearest neighbour, on whichever side it is."""
    bits, smallest = {"e4m3": (3, -6), "e5m2": (2, -14)}[format]
    values = np.asarray(x, dtype=np.float64)
    spacing = np.exp2(np.maximum(np.frexp(values)[1] - 1, smallest) - bits)
    return np.trunc(values / spacing) * spacing


def fp8_round__evenly_spaced(x, format):
    """256 evenly spaced numbers are those of an 8-bit integer. In fp8 the spacing grows with the number."""
    values = np.asarray(x, dtype=np.float64)
    step = np.abs(values).max() / 127
    return np.rint(values / step) * step


def fp8_round__not_rounded(x, format):
    """Nothing was rounded."""
    return x


def fp8_round__flattened(x, format):
    """The result is flat. It should have the shape of x."""
    return _rounded(x, format).flatten()


def fp8_round__absolute(x, format):
    """The sign is lost."""
    return _rounded(x, format).abs()


def fp8_error__signed(std, format="e4m3", samples=100_000, seed=0):
    """Without the absolute value, errors upwards and downwards cancel."""
    x = _sample(std, samples, seed)
    return ((_rounded(x, format) - x) / x.abs()).mean()


def fp8_error__not_relative(std, format="e4m3", samples=100_000, seed=0):
    """This is the mean absolute error. Divide each error by |x|."""
    x = _sample(std, samples, seed)
    return (_rounded(x, format) - x).abs().mean()


def fp8_error__ratio_of_means(std, format="e4m3", samples=100_000, seed=0):
    """This is the mean error over the mean size. Divide each error by its own |x| first, then take the mean."""
    x = _sample(std, samples, seed)
    return (_rounded(x, format) - x).abs().mean() / x.abs().mean()


def fp8_error__relative_to_std(std, format="e4m3", samples=100_000, seed=0):
    """The errors are divided by std. Each is to be divided by its own |x|."""
    x = _sample(std, samples, seed)
    return (_rounded(x, format) - x).abs().mean() / std


def fp8_error__root_mean_square(std, format="e4m3", samples=100_000, seed=0):
    """This is the root of the mean square. The plain mean is asked for."""
    return _relative_errors(_sample(std, samples, seed), format).square().mean().sqrt()


def fp8_error__median(std, format="e4m3", samples=100_000, seed=0):
    """This is the median. The mean is asked for."""
    return _relative_errors(_sample(std, samples, seed), format).median()


def fp8_error__largest(std, format="e4m3", samples=100_000, seed=0):
    """This is the largest error. The mean is asked for."""
    return _relative_errors(_sample(std, samples, seed), format).max()


def fp8_error__std_as_variance(std, format="e4m3", samples=100_000, seed=0):
    """std is the standard deviation, and is used as the variance here: multiply N(0, 1) by std, not by its root."""
    return _relative_errors(_sample(std**0.5, samples, seed), format).mean()


def fp8_error__std_ignored(std, format="e4m3", samples=100_000, seed=0):
    """The numbers come from N(0, 1), whatever std says."""
    return _relative_errors(_sample(1.0, samples, seed), format).mean()


def fp8_error__uniform(std, format="e4m3", samples=100_000, seed=0):
    """The numbers are uniform. They should be normal."""
    x = std * torch.rand(samples, generator=torch.Generator().manual_seed(seed))
    return _relative_errors(x + 1e-12, format).mean()


def fp8_error__format_ignored(std, format="e4m3", samples=100_000, seed=0):
    """It is always e4m3, whatever `format` says."""
    return _relative_errors(_sample(std, samples, seed), "e4m3").mean()


def fp8_error__not_seeded(std, format="e4m3", samples=100_000, seed=0):
    """The seed is not used: each call gives another number."""
    return _relative_errors(std * torch.randn(samples), format).mean()


def fp8_error__always_the_same_seed(std, format="e4m3", samples=100_000, seed=0):
    """The seed is fixed in the function: the argument changes nothing."""
    return _relative_errors(_sample(std, samples, 0), format).mean()


def fp8_error__in_percent(std, format="e4m3", samples=100_000, seed=0):
    """This is in percent. Return the plain ratio."""
    return 100 * _relative_errors(_sample(std, samples, seed), format).mean()


def fp8_error__not_averaged(std, format="e4m3", samples=100_000, seed=0):
    """These are the errors of all samples. Return their mean."""
    return _relative_errors(_sample(std, samples, seed), format)


def forward_scale__inverse(d_in):
    """This makes activations larger still: divide by the root of d_in."""
    return d_in**0.5


def forward_scale__variance(d_in):
    """1 / d_in is the variance that the entries of c W should have. c is its root."""
    return 1 / d_in


def forward_scale__he(d_in):
    """The 2 belongs to the initialisation for ReLU layers (He). Here the variance should be 1 / d_in."""
    return (2 / d_in) ** 0.5


def forward_scale__variance_taken_for_std(d_in):
    """N(0, v) names the variance v. With a variance of 1 / sqrt(d_in), c would be its root; the variance should be
    1 / d_in."""
    return d_in**-0.25


def forward_scale__one(d_in):
    """Without a constant, activations grow by sqrt(d_in) in each layer."""
    return 1.0


def max_update_spectral_norm__constant_forgotten(d_out, d_in):
    """This is the bound on c dW. The constant c of the forward pass makes room for more: divide by it."""
    return (d_out / d_in) ** 0.5


def max_update_spectral_norm__sizes_exchanged(d_out, d_in):
    """The two sizes are exchanged, or RMS and length are: the RMS of the output is its length over sqrt(d_out)."""
    return d_in**0.5


def max_update_spectral_norm__one(d_out, d_in):
    """A spectral norm of 1 keeps lengths, not the RMS, and c shrinks the rest."""
    return 1.0


def max_update_spectral_norm__not_rooted(d_out, d_in):
    """The root is missing: RMS and length differ by the root of the number of entries."""
    return d_out


def max_update_spectral_norm__constant_applied_twice(d_out, d_in):
    """c is divided out twice."""
    return (d_out * d_in) ** 0.5


def signsgd_lr__muons(d_out, d_in):
    """This would be right for a matrix of spectral norm 1. A sign matrix of rank 1 has sqrt(d_out d_in): divide by
    that."""
    return d_out**0.5


def signsgd_lr__sizes_exchanged(d_out, d_in):
    """The two sizes are exchanged."""
    return d_out**-0.5


def signsgd_lr__norm_only(d_out, d_in):
    """This makes the spectral norm 1. It should be the largest one allowed."""
    return (d_out * d_in) ** -0.5


def signsgd_lr__constant_forgotten(d_out, d_in):
    """This is right without the constant c of the forward pass; with it, the root of d_in is left."""
    return 1 / d_in


def signsgd_lr__inverse(d_out, d_in):
    """This is the inverse: the learning rate has to bring the norm down."""
    return d_in**0.5


def signsgd_update__minus(grad):
    """The sign is reversed. An optimizer would subtract the update; the question asks for it with a plus."""
    return -_signs(grad) / grad.shape[1] ** 0.5


def signsgd_update__learning_rate_forgotten(grad):
    """These are the signs alone. Multiply them by the learning rate."""
    return _signs(grad)


def signsgd_update__gradient_itself(grad):
    """The gradient is scaled, but its signs are asked for."""
    return torch.as_tensor(grad) / grad.shape[1] ** 0.5


def signsgd_update__sizes_exchanged(grad):
    """The gradient's shape is (d_out, d_in): its first size is d_out."""
    return _signs(grad) / grad.shape[0] ** 0.5


def signsgd_update__zero_counts_as_positive(grad):
    """A gradient of 0 should not be updated: sign(0) is 0."""
    return torch.where(torch.as_tensor(grad) >= 0, 1.0, -1.0) / grad.shape[1] ** 0.5


def signsgd_update__zero_counts_as_negative(grad):
    """A gradient of 0 should not be updated: sign(0) is 0."""
    return torch.where(torch.as_tensor(grad) > 0, 1.0, -1.0) / grad.shape[1] ** 0.5


def signsgd_update__normalised(grad):
    """The signs are divided by the spectral norm of this very matrix. alpha depends on its shape only."""
    signs = _signs(grad).double()
    return len(signs) ** 0.5 * signs / torch.linalg.matrix_norm(signs, ord=2)


def signsgd_update__transposed(grad):
    """The update is transposed. It should have the shape of the gradient."""
    return _signs(grad).T / grad.shape[1] ** 0.5


def muon_lr__constant_forgotten(d_out, d_in):
    """This is Muon's learning rate for a layer without the constant c. Here c leaves room for more."""
    return (d_out / d_in) ** 0.5


def muon_lr__signsgds(d_out, d_in):
    """This is SignSGD's. The spectral norm of U V^T is 1, not sqrt(d_out d_in)."""
    return d_in**-0.5


def muon_lr__sizes_exchanged(d_out, d_in):
    """The two sizes are exchanged."""
    return d_in**0.5


def muon_lr__one(d_out, d_in):
    """With 1 the update has spectral norm 1, and more is allowed."""
    return 1.0


def muon_lr__original(d_out, d_in):
    """This is the factor in Muon's first code, max(1, d_out / d_in) under the root. It knows nothing of c."""
    return max(1, d_out / d_in) ** 0.5


def muon_lr__matched_to_adam(d_out, d_in):
    """This factor, 0.2 sqrt(max(d_out, d_in)), makes Muon's updates as large as Adam's. The question asks for the
    spectral norm of the constraint."""
    return 0.2 * max(d_out, d_in) ** 0.5


def muon_lr__frobenius(d_out, d_in):
    """U V^T is divided by its Frobenius norm here. Its spectral norm is 1 already."""
    return (d_out / min(d_out, d_in)) ** 0.5


def muon_update__noise_directions_kept(grad):
    """All min(d_out, d_in) singular vectors are used, also those of singular values that are 0 up to rounding. Leave
    these out."""
    left, _, right = np.linalg.svd(np.asarray(grad), full_matrices=False)
    return len(left) ** 0.5 * left @ right


def muon_update__learning_rate_forgotten(grad):
    """The learning rate is missing: all singular values are 1."""
    left, _, right = _svd(grad)
    return left @ right


def muon_update__singular_values_kept(grad):
    """The singular values are still in it: this is the gradient, scaled."""
    return np.asarray(grad, dtype=np.float64) * grad.shape[0] ** 0.5


def muon_update__spectral_norm_one(grad):
    """The gradient is divided by its largest singular value. All of them should become equal."""
    return np.asarray(grad, dtype=np.float64) * grad.shape[0] ** 0.5 / _svd(grad)[1][0]


def muon_update__minus(grad):
    """The sign is reversed. An optimizer would subtract the update; the question asks for it with a plus."""
    left, _, right = _svd(grad)
    return -(grad.shape[0] ** 0.5) * left @ right


def muon_update__sizes_exchanged(grad):
    """The gradient's shape is (d_out, d_in): the learning rate has the root of the first size."""
    left, _, right = _svd(grad)
    return grad.shape[1] ** 0.5 * left @ right


def muon_update__signs(grad):
    """These are the signs of the entries, which is SignSGD. Muon sets the singular values to one number."""
    return grad.shape[0] ** 0.5 * np.sign(np.asarray(grad, dtype=np.float64))


def muon_update__largest_singular_vector(grad):
    """Only the first pair of singular vectors is used. All of those whose singular value is not 0 belong to it."""
    left, _, right = _svd(grad)
    return grad.shape[0] ** 0.5 * np.outer(left[:, 0], right[0])


def muon_update__five_steps(grad):
    """Five Newton-Schulz steps do not bring small singular values to 1. Use more, or a singular value decomposition."""
    W = np.asarray(grad, dtype=np.float64) / np.linalg.norm(np.asarray(grad, dtype=np.float64))
    for _ in range(5):
        W = 1.5 * W - 0.5 * W @ W.T @ W
    return grad.shape[0] ** 0.5 * W


def muon_update__absolute_threshold(grad):
    """A fixed bound tells zeros from small singular values only for gradients of one size. Compare with the largest
    one."""
    left, values, right = np.linalg.svd(np.asarray(grad, dtype=np.float64), full_matrices=False)
    kept = values > 1e-3
    return grad.shape[0] ** 0.5 * left[:, kept] @ right[kept]


def muon_update__transposed(grad):
    """The update is transposed. It should have the shape of the gradient."""
    left, _, right = _svd(grad)
    return grad.shape[0] ** 0.5 * (left @ right).T


def backward_scale__inverse(d_out, d_in):
    """This is the factor by which the gradient explodes. The constant should undo it."""
    return d_out**0.5


def backward_scale__sizes_exchanged(d_out, d_in):
    """The two sizes are exchanged: c has taken care of sqrt(d_in) already."""
    return d_in**-0.5


def backward_scale__constant_forgotten(d_out, d_in):
    """This is for W^T alone. The constant c of the forward pass is there on the way back, too."""
    return (d_out * d_in) ** -0.5


def backward_scale__not_rooted(d_out, d_in):
    """The root is missing."""
    return 1 / d_out


def backward_scale__ratio(d_out, d_in):
    """This holds for independent weights and the RMS. The question is about rank-1 weights and lengths."""
    return (d_in / d_out) ** 0.5


def backward_scale__one(d_out, d_in):
    """Without adjustment the gradient grows by sqrt(d_out) in each layer."""
    return 1.0


class UnitLinear__no_adjustment(_Linear):
    """The gradient handed to x is autograd's own: the factor 1 / sqrt(d_out) is missing."""

    def adjusted(self, x, factor):
        return x


class UnitLinear__weight_gradient_adjusted_too(_Linear):
    """The factor 1 / sqrt(d_out) is at the output's gradient, so that the weight's gradient gets it, too. It belongs
    to the gradient at x only."""

    def forward(self, x):
        return self.adjusted(self.c * F.linear(x, self.weight), self.adjustment)


class UnitLinear__adjusted_by_inputs(_Linear):
    """The gradient at x is adjusted by 1 / sqrt(d_in). It should be the root of the number of outputs."""

    def forward(self, x):
        return self.c * F.linear(self.adjusted(x, self.c), self.weight)


class UnitLinear__adjusted_without_root(_Linear):
    """The root is missing in the factor of the gradient: 1 / d_out in place of 1 / sqrt(d_out)."""

    def forward(self, x):
        return self.c * F.linear(self.adjusted(x, self.adjustment**2), self.weight)


class UnitLinear__multiplied(_Linear):
    """The gradient is multiplied by sqrt(d_out). It has to be divided."""

    def forward(self, x):
        return self.c * F.linear(self.adjusted(x, 1 / self.adjustment), self.weight)


class UnitLinear__forward_adjusted_too(_Linear):
    """The factor 1 / sqrt(d_out) has reached the forward pass. Only the way back should know it."""

    def forward(self, x):
        return self.c * F.linear(x * self.adjustment, self.weight)


class UnitLinear__not_scaled_forward(_Linear):
    """The output is W x, without 1 / sqrt(d_in)."""

    def forward(self, x):
        return F.linear(self.adjusted(x, self.adjustment), self.weight)


class UnitLinear__gradients_without_c(_Linear):
    """The gradients lack 1 / sqrt(d_in): the constant of the forward pass is part of the derivative."""

    def forward(self, x):
        y = F.linear(self.adjusted(x, self.adjustment), self.weight)
        return y + (self.c - 1) * y.detach()


class UnitLinear__gradient_at_x_without_c(_Linear):
    """The gradient at x lacks 1 / sqrt(d_in): the constant of the forward pass is part of the derivative."""

    def forward(self, x):
        return self.c * F.linear(self.adjusted(x, self.adjustment / self.c), self.weight)


class UnitLinear__mean_over_batch(_Linear):
    """The weight's gradient is the mean over the batch. It should be the sum, as in autograd."""

    def forward(self, x):
        weight = self.adjusted(self.weight, 1 / len(x))
        return self.c * F.linear(self.adjusted(x, self.adjustment), weight)


class UnitLinear__sizes_exchanged(_Linear):
    """The weight has the shape (d_in, d_out). It should be (d_out, d_in), and the class takes d_in first."""

    def __init__(self, d_in, d_out):
        super().__init__(d_out, d_in)


class UnitLinear__with_bias(_Linear):
    """The layer has a bias. It should have one parameter only."""

    def __init__(self, d_in, d_out):
        super().__init__(d_in, d_out)
        self.bias = torch.nn.Parameter(torch.zeros(d_out))

    def forward(self, x):
        return super().forward(x) + self.bias


class UnitLinear__xavier(_Linear):
    """The weights are from N(0, 1 / d_in), and scaled once more in the forward pass. Keep them at N(0, 1)."""

    def __init__(self, d_in, d_out):
        super().__init__(d_in, d_out)
        self.weight = torch.nn.Parameter(torch.randn(d_out, d_in) / math.sqrt(d_in))


class UnitLinear__default_initialisation(_Linear):
    """The weights are those of torch.nn.Linear, uniform and small. They should be from N(0, 1)."""

    def __init__(self, d_in, d_out):
        super().__init__(d_in, d_out)
        self.weight = torch.nn.Parameter(torch.nn.Linear(d_in, d_out).weight.detach())


class UnitLinear__uniform(_Linear):
    """The weights have the right variance but are uniform. They should be normal."""

    def __init__(self, d_in, d_out):
        super().__init__(d_in, d_out)
        self.weight = torch.nn.Parameter((2 * torch.rand(d_out, d_in) - 1) * 3**0.5)


class UnitLinear__not_a_parameter(_Linear):
    """The weight is a plain tensor, which no optimizer will find. Wrap it in torch.nn.Parameter."""

    def __init__(self, d_in, d_out):
        super().__init__(d_in, d_out)
        self._parameters.pop("weight")
        object.__setattr__(self, "weight", torch.randn(d_out, d_in, requires_grad=True))


class UnitLinear__input_detached(_Linear):
    """No gradient reaches x: the path through x is detached altogether."""

    def adjusted(self, x, factor):
        return x.detach()


class UnitLinear__weight_detached(_Linear):
    """No gradient reaches the weight: it is detached (`.data`, `.detach()` or `no_grad`)."""

    def forward(self, x):
        return self.c * F.linear(self.adjusted(x, self.adjustment), self.weight.detach())
