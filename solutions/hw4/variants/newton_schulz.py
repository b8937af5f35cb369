"""Correct answers to newton_schulz (problem 1) in other styles."""

import functools
import math

import numpy as np
import scipy.linalg
import torch


def _halved(W):
    """One step with the brackets in the right place, for arrays and tensors."""
    gram_first = W.shape[0] <= W.shape[1]
    return (3 * W - (W @ W.T @ W if gram_first else W @ (W.T @ W))) / 2


def _polar(W):
    return scipy.linalg.polar(np.asarray(W, dtype=np.float64))[0]


def newton_schulz_step__identity_matrices(W):
    """The two textbook forms with explicit identity matrices, numpy."""
    W = np.asarray(W)
    d_out, d_in = W.shape
    if d_out < d_in:
        return 0.5 * (3 * np.eye(d_out, dtype=W.dtype) - W @ W.T) @ W
    return 0.5 * W @ (3 * np.eye(d_in, dtype=W.dtype) - W.T @ W)


def newton_schulz_step__transpose_and_back(W):
    """Muon's way: transpose tall matrices, transpose back at the end. A view with odd strides comes back."""
    X = torch.as_tensor(W)
    tall = X.shape[0] > X.shape[1]
    X = X.mT if tall else X
    X = X.mul(1.5).addmm(X @ X.mT, X, alpha=-0.5)
    return X.mT if tall else X


def newton_schulz_step__multi_dot(W):
    """linalg.multi_dot finds the cheapest order of the products by itself."""
    W = torch.as_tensor(W)
    return 1.5 * W - 0.5 * torch.linalg.multi_dot([W, W.T, W])


def newton_schulz_step__numpy_multi_dot(W):
    """The same in numpy; a list of lists comes back."""
    W = np.asarray(W)
    return (1.5 * W - 0.5 * np.linalg.multi_dot([W, W.T, W])).tolist()


def newton_schulz_step__compact_svd(W):
    """Through a compact singular value decomposition: dear, but small in memory."""
    U, S, Vt = torch.linalg.svd(torch.as_tensor(W), full_matrices=False)
    return U @ torch.diag((3 * S - S**3) / 2) @ Vt


def newton_schulz_step__einsum_float64(W):
    """einsum in float64 inside, whatever comes in."""
    X = torch.as_tensor(W).double()
    if X.shape[0] > X.shape[1]:
        return 1.5 * X - 0.5 * torch.einsum("ij,jk->ik", X, torch.einsum("ki,kj->ij", X, X))
    return 1.5 * X - 0.5 * torch.einsum("ij,jk->ik", torch.einsum("ik,jk->ij", X, X), X)


def newton_schulz_step__float32_inside(W):
    """float32 inside, also for float64 input."""
    return _halved(torch.as_tensor(W).float()).numpy()


def newton_schulz_step__blas(W):
    """BLAS's symmetric rank-k update, float64."""
    X = np.asarray(W, dtype=np.float64)
    tall = X.shape[0] > X.shape[1]
    half = scipy.linalg.blas.dsyrk(1.0, X, trans=tall)
    gram = half + np.triu(half, 1).T
    return 1.5 * X - 0.5 * (X @ gram if tall else gram @ X)


def newton_schulz_step__blocks_of_rows(W):
    """A loop over blocks of a thousand rows for tall matrices."""
    W = torch.as_tensor(W)
    if W.shape[0] <= 1000:
        return _halved(W)
    gram = sum(block.T @ block for block in W.split(1000))
    return torch.cat([1.5 * block - 0.5 * block @ gram for block in W.split(1000)])


def step_cost__two_lines(d_out, d_in, gram):
    """The cheaper way has the smaller square."""
    if gram == "auto":
        gram = "left" if d_out < d_in else "right"
    return 2 * d_out * d_in * (d_out if gram == "left" else d_in)


def step_cost__recursive(d_out, d_in, gram):
    """ "auto" by calling itself."""
    if gram == "auto":
        return min(step_cost__recursive(d_out, d_in, "left"), step_cost__recursive(d_out, d_in, "right"))
    if gram == "left":
        return d_out * d_in * d_out + d_out * d_out * d_in
    return d_in * d_out * d_in + d_out * d_in * d_in


def step_cost__floats(d_out, d_in, gram):
    """Floating point numbers throughout."""
    side = {"left": d_out, "right": d_in, "auto": min(d_out, d_in)}[gram]
    return 2.0 * side * d_out * d_in


def step_cost__numpy_number(d_out, d_in, gram):
    """A numpy number comes back."""
    costs = 2 * np.array([d_out, d_in], dtype=np.int64) * d_out * d_in
    return {"left": costs[0], "right": costs[1], "auto": costs.min()}[gram]


def step_cost__tensor(d_out, d_in, gram):
    """A 0-d float64 tensor comes back."""
    W = torch.tensor([d_out, d_in], dtype=torch.float64)
    factor = {"left": W[0], "right": W[1], "auto": W.min()}[gram]
    return 2 * W.prod() * factor


def step_cost__match(d_out, d_in, gram):
    """A match statement."""
    match gram:
        case "left":
            return d_out**2 * d_in * 2
        case "right":
            return d_in**2 * d_out * 2
        case _:
            return d_out * d_in * min(d_out, d_in) * 2


def orthogonalize__numpy_frobenius(W, steps):
    """numpy, Frobenius norm by hand."""
    X = np.array(W)
    X = X / np.sqrt((X * X).sum())
    for _ in range(steps):
        X = _halved(X)
    return X


def orthogonalize__spectral_norm(W, steps):
    """Scaled by the spectral norm, in torch."""
    X = torch.as_tensor(W)
    return functools.reduce(lambda Y, _: _halved(Y), range(steps), X / torch.linalg.matrix_norm(X, ord=2))


def orthogonalize__beyond_one(W, steps):
    """Scaled so that the largest singular value starts at 1.6, still below the square root of 3."""
    X = np.asarray(W, dtype=np.float64)
    X = 1.6 * X / np.linalg.norm(X, 2)
    for _ in range(steps):
        X = _halved(X)
    return X.tolist()


def orthogonalize__cautious(W, steps):
    """Scaled by the sum of all absolute entries, far below what is needed; float32 inside."""
    X = torch.as_tensor(W).float()
    X = X / X.abs().sum()
    for _ in range(steps):
        X = _halved(X)
    return X


def orthogonalize__row_and_column_sums(W, steps):
    """Scaled by the bound sqrt(norm_1 * norm_inf) of the spectral norm."""
    X = torch.as_tensor(W)
    bound = torch.sqrt(torch.linalg.matrix_norm(X, 1) * torch.linalg.matrix_norm(X, torch.inf))
    X = X / bound
    while steps > 0:
        X, steps = _halved(X), steps - 1
    return X.numpy()


def orthogonalize__power_iteration(W, steps):
    """The spectral norm estimated from below by ten power iterations, with a margin."""
    X = torch.as_tensor(W).double()
    v = torch.ones(X.shape[1], dtype=X.dtype)
    for _ in range(10):
        v = X.T @ (X @ v)
        v = v / v.norm()
    X = X / (1.2 * (X @ v).norm())
    for _ in range(steps):
        X = _halved(X)
    return X


def orthogonalize__singular_values(W, steps):
    """The singular values alone are iterated; the result is put together at the end."""
    U, S, Vt = np.linalg.svd(np.asarray(W), full_matrices=False)
    S = S / math.sqrt(float((S**2).sum()))
    for _ in range(steps):
        S = S * (3 - S * S) / 2
    return torch.from_numpy(U * S) @ torch.from_numpy(Vt)


def orthogonalize__transposed_inside(W, steps):
    """Tall matrices are transposed before and after; small epsilon in the norm, as in Muon."""
    X = torch.as_tensor(W).clone()
    tall = X.shape[0] > X.shape[1]
    X = X.T if tall else X
    X /= X.norm() + 1e-12
    for _ in range(steps):
        X = 1.5 * X - 0.5 * X @ X.T @ X
    return X.T if tall else X


def orthogonalize__recursive(W, steps):
    """By recursion."""
    if steps == 0:
        return torch.as_tensor(W) / torch.as_tensor(W).norm()
    return _halved(orthogonalize__recursive(W, steps - 1))


def steps_needed__scipy_polar(W, tol):
    """scipy's polar decomposition; the steps counted in a loop of its own, as Frobenius scaling does."""
    X, polar = np.asarray(W, dtype=np.float64), _polar(W)
    X = X / np.linalg.norm(X)
    k = 0
    while np.linalg.norm(X - polar, 2) > tol:
        X, k = _halved(X), k + 1
    return k


def steps_needed__scalar(W, tol):
    """Singular values only: the error is the largest distance from 1."""
    S = np.linalg.svd(np.asarray(W), compute_uv=False)
    S = S / np.sqrt((S**2).sum())
    k = 0
    while max(abs(1 - S)) > tol:
        S = (3 * S - S**3) / 2
        k += 1
    return np.int64(k)


def steps_needed__largest_singular_value_of_difference(W, tol):
    """float32 inside, the norm by svdvals; a 0-d tensor comes back."""
    X = torch.as_tensor(W).float()
    U, _, Vt = torch.linalg.svd(X, full_matrices=False)
    X, k = X / X.norm(), torch.tensor(0)
    while torch.linalg.svdvals(X - U @ Vt)[0] > tol:
        X, k = _halved(X), k + 1
    return k


def steps_needed__bisection(W, tol):
    """Halves the interval in which the answer lies, since errors only shrink."""
    S = torch.linalg.svdvals(torch.as_tensor(W).double())
    S = S / S.norm()

    def error(k):
        values = S
        for _ in range(k):
            values = (3 * values - values**3) / 2
        return float((values - 1).abs().max())

    low, high = -1, 128
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if error(middle) <= tol else (middle, high)
    return high


def steps_needed__smallest_singular_value(W, tol):
    """With Frobenius scaling the smallest singular value is the last; a float comes back."""
    S = np.linalg.svd(np.asarray(W, dtype=np.float64))[1]
    s = S.min() / math.hypot(*S)
    for k in range(200):
        if 1 - s <= tol:
            return float(k)
        s = s * (3 - s**2) / 2
    return None


def steps_needed__next(W, tol):
    """next over a generator, with the polar factor from an eigendecomposition of the Gram matrix."""
    W = np.asarray(W, dtype=np.float64)
    tall = W if W.shape[0] >= W.shape[1] else W.T
    values, vectors = np.linalg.eigh(tall.T @ tall)
    polar = tall @ (vectors / np.sqrt(values)) @ vectors.T

    def errors(X):
        while True:
            yield np.linalg.norm(X - polar, ord=2)
            X = _halved(X)

    return next(k for k, error in enumerate(errors(tall / np.linalg.norm(tall))) if error <= tol)
