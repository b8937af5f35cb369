"""Correct answers to unit_scale_mup (problem 2) in other styles."""

import functools
import math

import numpy as np
import scipy.linalg
import torch
import torch.nn.functional as F


def _grid(format):
    """All finite numbers of a format, by decoding all 256 codes."""
    numbers = torch.arange(256, dtype=torch.uint8).view(getattr(torch, f"float8_{format}")).double().numpy()
    return np.unique(numbers[np.isfinite(numbers)])


def _through_torch(x, format):
    x = torch.as_tensor(x)
    return x.to(torch.float8_e4m3fn if format == "e4m3" else torch.float8_e5m2).float()


def _weight(d_in, d_out):
    return torch.nn.Parameter(torch.randn(d_out, d_in))


class _Function(torch.autograd.Function):
    """Forward and backward written out."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight.T / math.sqrt(weight.shape[1])

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        d_out, d_in = weight.shape
        return g @ weight / math.sqrt(d_in * d_out), g.T @ x / math.sqrt(d_in)


class _ScaleGradient(torch.autograd.Function):
    """The identity, with a factor on the way back."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return ctx.factor * g, None


def fp8_round__float32_out(x, format):
    """float32 comes back, whatever comes in."""
    return _through_torch(x, format)


def fp8_round__numpy_out(x, format):
    """A float64 array comes back, types looked up by name."""
    kind = getattr(torch, {"e4m3": "float8_e4m3fn", "e5m2": "float8_e5m2"}[format])
    return torch.tensor(np.asarray(x)).type(kind).double().numpy()


def fp8_round__spacing(x, format):
    """By hand: the spacing at each number, round half to even."""
    bits, smallest = (3, -6) if format == "e4m3" else (2, -14)
    values = np.asarray(x, dtype=np.float64)
    exponent = np.floor(np.log2(np.maximum(np.abs(values), 1e-30)))
    spacing = 2.0 ** (np.maximum(exponent, smallest) - bits)
    return np.round(values / spacing) * spacing


def fp8_round__nearest_of_all(x, format):
    """The nearest of the numbers in a table; the even one of two that are as near."""
    grid = _grid({"e4m3": "e4m3fn", "e5m2": "e5m2"}[format])
    values = np.asarray(x, dtype=np.float64)
    above = np.clip(np.searchsorted(grid, values), 1, len(grid) - 1)
    low, high = grid[above - 1], grid[above]
    even = np.where(np.arange(len(grid)) % 2 == (len(grid) // 2) % 2, 1, 0)  # 0 is in the middle, and even
    take_high = (high - values < values - low) | ((high - values == values - low) & (even[above] == 1))
    return np.where(take_high, high, low).tolist()


def fp8_round__half_type_out(x, format):
    """float16 comes back, which holds all e4m3 and e5m2 numbers exactly."""
    return _through_torch(x, format).half()


def fp8_round__one_by_one(x, format):
    """Number by number, in a list."""
    flat = [float(_through_torch(value, format)) for value in torch.as_tensor(x).flatten()]
    return np.array(flat).reshape(np.asarray(x).shape)


def fp8_error__numpy(std, format="e4m3", samples=100_000, seed=0):
    """numpy's generator."""
    x = np.random.default_rng(seed).normal(0, std, samples).astype(np.float32)
    return np.mean(np.abs(_through_torch(x, format).numpy() / x - 1))


def fp8_error__legacy_numpy(std, format="e4m3", samples=100_000, seed=0):
    """numpy's legacy generator, float64; a 0-d array comes back."""
    x = std * np.random.RandomState(seed).standard_normal(samples)
    y = _through_torch(x, format).double().numpy()
    return np.array((abs(y - x) / abs(x)).sum() / samples)


def fp8_error__global_seed(std, format="e4m3", samples=100_000, seed=0):
    """torch.manual_seed and torch.normal; a Python float comes back."""
    torch.manual_seed(seed)
    x = torch.normal(0.0, std, (samples,))
    return float(torch.mean(torch.abs((_through_torch(x, format) - x) / x)))


def fp8_error__float64_distribution(std, format="e4m3", samples=100_000, seed=0):
    """torch.distributions in float64; a tensor of shape (1,) would not be one number, so .item()."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        x = torch.distributions.Normal(torch.tensor(0.0).double(), std).sample((samples,))
    return ((_through_torch(x, format) - x).abs() / x.abs()).mean().item()


def fp8_error__running_mean(std, format="e4m3", samples=100_000, seed=0):
    """In blocks of 1000, the means averaged."""
    generator = torch.Generator().manual_seed(seed + 17)
    means = []
    for _ in range(samples // 1000):
        x = std * torch.randn(1000, generator=generator)
        means.append(((_through_torch(x, format) - x).abs() / x.abs()).mean())
    return torch.stack(means).mean()


def fp8_error__absolute_normal(std, format="e4m3", samples=100_000, seed=0):
    """Only sizes matter: a half-normal sample by scipy."""
    import scipy.stats

    x = scipy.stats.halfnorm.rvs(scale=std, size=samples, random_state=seed)
    y = _through_torch(x, format).numpy()
    return np.float32(np.mean(np.abs(x - y) / x))


def forward_scale__math(d_in):
    """math.sqrt."""
    return 1 / math.sqrt(d_in)


def forward_scale__power(d_in):
    """A numpy float32."""
    return np.float32(d_in) ** np.float32(-0.5)


def forward_scale__tensor(d_in):
    """A 0-d tensor, float32."""
    return torch.rsqrt(torch.tensor(float(d_in)))


def forward_scale__vector(d_in):
    """A tensor with one element."""
    return torch.tensor([1.0 / d_in]).sqrt()


def forward_scale__half_log(d_in):
    """Through logarithms."""
    return math.exp(-math.log(d_in) / 2)


def forward_scale__standard_deviation(d_in):
    """The square root of a variance, numpy float64."""
    variance = np.reciprocal(float(d_in))
    return np.sqrt(variance)


def max_update_spectral_norm__derivation(d_out, d_in):
    """Every step of the derivation."""
    c = 1 / math.sqrt(d_in)
    length_in, length_out = math.sqrt(d_in), math.sqrt(d_out)
    return length_out / (c * length_in)


def max_update_spectral_norm__numpy(d_out, d_in):
    """A numpy number."""
    return np.sqrt(d_out)


def max_update_spectral_norm__tensor(d_out, d_in):
    """A float32 tensor."""
    return torch.tensor(d_out).sqrt()


def max_update_spectral_norm__norm_of_ones(d_out, d_in):
    """The length of a vector of RMS 1."""
    return np.linalg.norm(np.ones(d_out, dtype=np.float32))


def max_update_spectral_norm__ratio(d_out, d_in):
    """RMS-to-RMS norm over c."""
    return [(d_out / d_in) ** 0.5 * d_in**0.5]


def max_update_spectral_norm__power(d_out, d_in):
    """A power, as a tensor with one element."""
    return torch.tensor([float(d_out)]).pow(0.5)


def signsgd_lr__derivation(d_out, d_in):
    """The norm allowed over the norm of the sign matrix."""
    return math.sqrt(d_out) / math.sqrt(d_out * d_in)


def signsgd_lr__numpy(d_out, d_in):
    """A numpy number."""
    return np.reciprocal(np.sqrt(float(d_in)))


def signsgd_lr__tensor(d_out, d_in):
    """A float32 tensor."""
    return torch.tensor(d_out / (d_out * d_in)).sqrt()


def signsgd_lr__power(d_out, d_in):
    """A power."""
    return d_in**-0.5


def signsgd_lr__frobenius_norm(d_out, d_in):
    """The Frobenius norm of a matrix of ones, computed."""
    return d_out**0.5 / np.linalg.norm(np.ones((d_out, d_in)))


def signsgd_lr__list(d_out, d_in):
    """One number in an array."""
    return np.array([d_in], dtype=np.float64) ** -0.5


def signsgd_update__numpy(grad):
    """numpy."""
    G = np.asarray(grad)
    return np.sign(G) / np.sqrt(G.shape[1])


def signsgd_update__comparisons(grad):
    """By two comparisons; float32."""
    G = torch.as_tensor(grad)
    return ((G > 0).float() - (G < 0).float()) * (1 / math.sqrt(G.size(1)))


def signsgd_update__loops(grad):
    """Plain loops, lists."""
    d_out, d_in = grad.shape
    alpha = 1 / math.sqrt(d_in)
    rows = []
    for i in range(d_out):
        rows.append([])
        for j in range(d_in):
            g = float(grad[i, j])
            rows[-1].append(math.copysign(alpha, g) if g else 0.0)
    return rows


def signsgd_update__division(grad):
    """g / |g|, 0 where that is not defined."""
    G = np.asarray(grad, dtype=np.float64)
    size = np.abs(G)
    return torch.tensor(np.divide(G, size, out=np.zeros_like(G), where=size > 0) * G.shape[1] ** -0.5)


def signsgd_update__where(grad):
    """Nested where."""
    G = torch.as_tensor(grad)
    alpha = G.shape[1] ** -0.5
    return torch.where(G > 0, alpha, torch.where(G < 0, -alpha, 0.0))


def signsgd_update__scaled_norm(grad):
    """From the norms, by the derivation, when the matrix is known to be of rank 1; alpha is the same for all."""
    G = torch.as_tensor(grad)
    d_out, d_in = G.shape
    return G.sign() * math.sqrt(d_out) / math.hypot(*[1.0] * (d_out * d_in))


def muon_lr__root(d_out, d_in):
    """math.sqrt."""
    return math.sqrt(d_out)


def muon_lr__numpy(d_out, d_in):
    """numpy float32."""
    return np.sqrt(np.float32(d_out))


def muon_lr__tensor(d_out, d_in):
    """A float64 tensor."""
    return torch.tensor(float(d_out), dtype=torch.float64) ** 0.5


def muon_lr__norm_allowed(d_out, d_in):
    """The norm allowed over that of U V^T."""
    return (d_out / d_in) ** 0.5 / (1 / d_in**0.5) / 1.0


def muon_lr__list(d_out, d_in):
    """One number in an array."""
    return np.array([d_out]) ** 0.5


def muon_lr__length(d_out, d_in):
    """The length of a vector of ones."""
    return torch.linalg.vector_norm(torch.ones(d_out))


def muon_update__numpy_relative_threshold(grad):
    """numpy, float64, singular values above a thousandth of the largest."""
    G = np.asarray(grad, dtype=np.float64)
    U, S, Vt = np.linalg.svd(G, full_matrices=False)
    keep = S / S[0] >= 1e-3
    return np.sqrt(len(G)) * U[:, keep] @ Vt[keep]


def muon_update__matrix_rank(grad):
    """The rank by torch.linalg.matrix_rank with its default threshold, in float64."""
    G = torch.as_tensor(grad).double()
    U, _, Vt = torch.linalg.svd(G)
    rank = torch.linalg.matrix_rank(G, rtol=1e-5)
    return G.shape[0] ** 0.5 * U[:, :rank] @ Vt[:rank, :]


def muon_update__inverse_singular_values(grad):
    """0 / 1 diagonal in the middle, float32."""
    G = torch.as_tensor(grad).float()
    U, S, Vt = torch.linalg.svd(G, full_matrices=False)
    return (G.shape[0] ** 0.5 * (U * (S / S.max() > 1e-4)) @ Vt).numpy()


def muon_update__eigenvectors(grad):
    """G times the inverse root of G^T G, by its eigenvectors."""
    G = np.asarray(grad, dtype=np.float64)
    values, vectors = scipy.linalg.eigh(G.T @ G)
    roots = [1 / math.sqrt(value) if value > 1e-9 * values[-1] else 0.0 for value in values]
    return (math.sqrt(G.shape[0]) * G @ vectors @ np.diag(roots) @ vectors.T).tolist()


def muon_update__pseudo_inverse(grad):
    """Through the pseudo-inverse of the root of G G^T."""
    G = np.asarray(grad, dtype=np.float64)
    values, vectors = np.linalg.eigh(G @ G.T)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return torch.tensor(G.shape[0] ** 0.5 * np.linalg.pinv(root, rcond=1e-5) @ G)


def muon_update__newton_schulz(grad):
    """Thirty Newton-Schulz steps: zeros stay zeros."""
    X = torch.as_tensor(grad).double()
    alpha = X.shape[0] ** 0.5
    X = X / X.norm()
    for _ in range(30):
        X = 1.5 * X - 0.5 * X @ X.T @ X
    return alpha * X


def muon_update__sum_of_outer_products(grad):
    """A loop over the singular vectors."""
    G = np.asarray(grad, dtype=np.float64)
    U, S, Vt = scipy.linalg.svd(G)
    update = np.zeros(G.shape)
    for index, s in enumerate(S):
        if s > 1e-5 * S[0]:
            update += np.outer(U[:, index], Vt[index])
    return G.shape[0] ** 0.5 * update


def backward_scale__derivation(d_out, d_in):
    """Every step of the derivation."""
    c = 1 / math.sqrt(d_in)
    spectral_norm = math.sqrt(d_in * d_out)
    return 1 / (c * spectral_norm)


def backward_scale__numpy(d_out, d_in):
    """A numpy number."""
    return 1 / np.sqrt(d_out)


def backward_scale__tensor(d_out, d_in):
    """A float32 tensor."""
    return torch.tensor(1.0 / d_out).sqrt()


def backward_scale__power(d_out, d_in):
    """A power."""
    return d_out**-0.5


def backward_scale__frobenius_norm(d_out, d_in):
    """With the Frobenius norm of a matrix of ones, computed."""
    return d_in**0.5 / torch.ones(d_out, d_in).norm()


def backward_scale__list(d_out, d_in):
    """Through logarithms, one number in an array."""
    return np.exp([-0.5 * math.log(d_out)])


class UnitLinear__autograd_function(torch.nn.Module):
    """A torch.autograd.Function with both gradients written out."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.weight = _weight(d_in, d_out)

    def forward(self, x):
        return _Function.apply(x, self.weight)


class UnitLinear__gradient_scaling_function(torch.nn.Module):
    """The identity with a scaled gradient before an ordinary product."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.normal(0.0, 1.0, size=(d_out, d_in)))
        self.d_in, self.d_out = d_in, d_out

    def forward(self, x):
        return F.linear(_ScaleGradient.apply(x, self.d_out**-0.5), self.weight) / self.d_in**0.5


class UnitLinear__tensor_hook(torch.nn.Module):
    """A hook on a copy of x, where there is a gradient at all."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.weight = _weight(d_in, d_out)
        self.factor = 1 / math.sqrt(d_out)

    def forward(self, x):
        if x.requires_grad:
            x = x.clone()
            x.register_hook(lambda g: g * self.factor)
        return x @ self.weight.T * x.shape[1] ** -0.5


class UnitLinear__hook_on_the_input_itself(torch.nn.Module):
    """The hook sits on x itself, which is right as long as x is used once."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.weight = _weight(d_in, d_out)

    def forward(self, x):
        if x.requires_grad:
            x.register_hook(lambda g: g / len(self.weight) ** 0.5)
        return torch.einsum("ni,oi->no", x, self.weight) / math.sqrt(x.shape[-1])


class UnitLinear__module_hook(torch.nn.Module):
    """A full backward hook of the module."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(d_out, d_in))
        torch.nn.init.normal_(self.weight)
        self.register_full_backward_hook(lambda module, to_input, _: (to_input[0] / math.sqrt(d_out),))

    def forward(self, x):
        return F.linear(x, self.weight) / math.sqrt(self.weight.shape[1])


class UnitLinear__two_products(torch.nn.Module):
    """One product for each gradient, the other factor detached; the value counted once."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.weight = _weight(d_in, d_out)

    def forward(self, x):
        d_out, d_in = self.weight.shape
        for_weight = x.detach() @ self.weight.T
        for_input = x @ self.weight.detach().T
        return (for_weight + (for_input - for_input.detach()) / d_out**0.5) / d_in**0.5


class UnitLinear__mixture(torch.nn.Module):
    """s x + (1 - s) x.detach()."""

    def __init__(self, d_in, d_out):
        super().__init__()
        self.register_parameter("weight", torch.nn.Parameter(torch.randn((d_out, d_in))))

    def forward(self, x):
        s = 1 / np.sqrt(self.weight.shape[0])
        mixed = s * x + (1 - s) * x.detach()
        return (self.weight @ mixed.T).T / np.sqrt(self.weight.shape[1])


class UnitLinear__subclass_of_linear(torch.nn.Linear):
    """A torch.nn.Linear without bias, with new weights, and a partial for a hook."""

    def __init__(self, d_in, d_out):
        super().__init__(d_in, d_out, bias=False)
        torch.nn.init.normal_(self.weight)

    def forward(self, x):
        x = x * 1.0
        if x.requires_grad:
            x.register_hook(functools.partial(torch.mul, self.out_features**-0.5))
        return super().forward(x) / self.in_features**0.5
