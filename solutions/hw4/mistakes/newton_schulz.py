"""Known wrong answers to newton_schulz (problem 1)."""

import numpy as np
import torch


def _array(W):
    return np.asarray(W, dtype=np.float64)


def _step(W):
    """One right step, by the smaller Gram matrix."""
    if W.shape[0] <= W.shape[1]:
        return (3 * W - (W @ W.T) @ W) / 2
    return (3 * W - W @ (W.T @ W)) / 2


def _iterated(W, steps, step=_step):
    for _ in range(steps):
        W = step(W)
    return W


def _frobenius(W):
    return _array(W) / np.linalg.norm(_array(W))


def _polar(W):
    left, _, right = np.linalg.svd(_array(W), full_matrices=False)
    return left @ right


def _first(W, tol, distance, start=0):
    """The first number of steps, from ``start`` on, after which ``distance`` is at most ``tol``; 100 if none is."""
    W = _orthogonalize(W, start)
    for k in range(start, 100):
        if distance(W) <= tol:
            return k
        W = _step(W)
    return 100


def _orthogonalize(W, steps):
    return _iterated(_frobenius(W), steps)


def newton_schulz_step__large_gram_of_tall(W):
    """This is the formula as it stands, with W W^T: for a tall W that is the large one of the two Gram matrices.
    Associativity lets you use W^T W instead."""
    W = _array(W)
    return (3 * np.eye(len(W)) - W @ W.T) @ W / 2


def newton_schulz_step__large_gram_of_wide(W):
    """W^T W is the small Gram matrix of a tall W only. For a wide one it is W W^T: choose by the shape."""
    W = _array(W)
    return W @ (3 * np.eye(W.shape[1]) - W.T @ W) / 2


def newton_schulz_step__larger_gram(W):
    """The choice is the wrong way round: the larger of the two Gram matrices is formed."""
    W = torch.as_tensor(W)
    d_out, d_in = W.shape
    if d_out > d_in:
        return (3 * torch.eye(d_out, dtype=W.dtype) - W @ W.T) @ W / 2
    return W @ (3 * torch.eye(d_in, dtype=W.dtype) - W.T @ W) / 2


def newton_schulz_step__order_of_products(W):
    """The products are right, but they run from the left, so that W W^T is formed first. Put brackets where the small
    matrix comes out."""
    W = torch.as_tensor(W)
    return 1.5 * W - 0.5 * W @ W.T @ W


def newton_schulz_step__full_svd(W):
    """A full singular value decomposition makes a square U and a square V, one of which is as large as the large Gram
    matrix."""
    left, values, right = np.linalg.svd(_array(W))
    rank = len(values)
    return (left[:, :rank] * ((3 * values - values**3) / 2)) @ right[:rank]


def newton_schulz_step__not_halved(W):
    """The factor 1/2 is missing."""
    return 2 * _step(_array(W))


def newton_schulz_step__three_without_identity(W):
    """3 is subtracted from every entry. It should be 3 times the identity matrix: 3 on the diagonal only."""
    W = _array(W)
    if len(W) <= W.shape[1]:
        return (3 - W @ W.T) @ W / 2
    return W @ (3 - W.T @ W) / 2


def newton_schulz_step__plus(W):
    """The sign is wrong: it is 3 I minus the Gram matrix, which is what holds large singular values down."""
    return 3 * _array(W) - _step(_array(W))


def newton_schulz_step__elementwise(W):
    """W is cubed entry by entry. The products in the formula are matrix products."""
    W = _array(W)
    return (3 * W - W**3) / 2


def newton_schulz_step__identity_only(W):
    """The 3 is missing: this is (I - W W^T) W / 2."""
    return _step(_array(W)) - _array(W)


def newton_schulz_step__transposed(W):
    """The result is transposed. It has to have the shape of W."""
    return _step(_array(W)).T


def newton_schulz_step__tall_left_transposed(W):
    """A tall W was transposed to save work, and the result was not transposed back."""
    W = _array(W)
    return _step(W.T) if W.shape[0] > W.shape[1] else _step(W)


def newton_schulz_step__scaled_first(W):
    """W is divided by its norm here. Scaling comes in a later question: a step takes W as it is."""
    return _step(_frobenius(W))


def step_cost__one_product(d_out, d_in, gram):
    """Only one of the two products is counted."""
    costs = {"left": d_out**2 * d_in, "right": d_in**2 * d_out}
    return min(costs.values()) if gram == "auto" else costs[gram]


def step_cost__each_product_doubled(d_out, d_in, gram):
    """A product of n x m by m x q counts n m q, not twice that. The factor 2 is for the two products."""
    costs = {"left": 4 * d_out**2 * d_in, "right": 4 * d_in**2 * d_out}
    return min(costs.values()) if gram == "auto" else costs[gram]


def step_cost__sides_exchanged(d_out, d_in, gram):
    """Left and right are exchanged: W W^T is d_out x d_out."""
    costs = {"left": 2 * d_in**2 * d_out, "right": 2 * d_out**2 * d_in}
    return min(costs.values()) if gram == "auto" else costs[gram]


def step_cost__auto_takes_the_larger(d_out, d_in, gram):
    """ "auto" should be the cheaper way, not the dearer one."""
    costs = {"left": 2 * d_out**2 * d_in, "right": 2 * d_in**2 * d_out}
    return max(costs.values()) if gram == "auto" else costs[gram]


def step_cost__auto_always_right(d_out, d_in, gram):
    """ "auto" always takes W^T W here. That is cheaper only when d_in is smaller than d_out."""
    return 2 * d_out**2 * d_in if gram == "left" else 2 * d_in**2 * d_out


def step_cost__second_product_is_gram_again(d_out, d_in, gram):
    """The second product is that of the Gram matrix with W, whose other side is W's other dimension. It does not take
    the cube of one dimension."""
    costs = {"left": d_out**2 * d_in + d_out**3, "right": d_in**2 * d_out + d_in**3}
    return min(costs.values()) if gram == "auto" else costs[gram]


def step_cost__halving_counted(d_out, d_in, gram):
    """Additions and scalings are counted, too. Only the two matrix products cost anything here."""
    costs = {"left": 2 * d_out**2 * d_in + d_out * d_in, "right": 2 * d_in**2 * d_out + d_out * d_in}
    return min(costs.values()) if gram == "auto" else costs[gram]


def step_cost__symmetry_exploited(d_out, d_in, gram):
    """A symmetric product could be had for half, but the question says not to count so."""
    costs = {"left": d_out * (d_out + 1) // 2 * d_in + d_out**2 * d_in,
             "right": d_in * (d_in + 1) // 2 * d_out + d_in**2 * d_out}  # fmt: skip
    return min(costs.values()) if gram == "auto" else costs[gram]


def orthogonalize__not_scaled(W, steps):
    """W is not scaled at all: singular values above the square root of 3 then turn round or explode."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(_iterated(_array(W), steps))


def orthogonalize__scaled_by_largest_entry(W, steps):
    """Dividing by the largest entry leaves singular values far above 1 in larger matrices. Divide by a norm that no
    singular value exceeds."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(_iterated(_array(W) / np.abs(_array(W)).max(), steps))


def orthogonalize__scaled_by_constant(W, steps):
    """A fixed factor makes the matrices of one size small enough, not all. Divide by a norm of W."""
    with np.errstate(all="ignore"):
        return np.nan_to_num(_iterated(_array(W) / 10, steps))


def orthogonalize__scaled_to_root_three(W, steps):
    """The largest singular value starts at the square root of 3 exactly, where p is 0: it is lost in the first step."""
    W = _array(W)
    return _iterated(W * 3**0.5 / np.linalg.norm(W, 2), steps)


def orthogonalize__rows_normalised(W, steps):
    """Every row is scaled by a number of its own, which changes the singular vectors. Scale the whole matrix by one
    number."""
    W = _array(W)
    return _iterated(W / np.linalg.norm(W, axis=1, keepdims=True) / len(W) ** 0.5, steps)


def orthogonalize__one_step_more(W, steps):
    """This does one step too many: 0 steps should return the scaled matrix."""
    return _iterated(_frobenius(W), steps + 1)


def orthogonalize__one_step_less(W, steps):
    """This does one step too few: range(1, steps) has steps - 1 elements."""
    return _iterated(_frobenius(W), max(steps - 1, 0))


def orthogonalize__one_step_only(W, steps):
    """One step is done, whatever `steps` says: each step has to start from the last result."""
    return _iterated(_frobenius(W), min(steps, 1))


def orthogonalize__scaled_back(W, steps):
    """The scaling is undone at the end, so that the singular values come out as the norm and not as 1."""
    return _iterated(_frobenius(W), steps) * np.linalg.norm(_array(W))


def orthogonalize__scaled_in_every_step(W, steps):
    """The matrix is divided by its Frobenius norm in every step, which pulls the singular values below 1 again and
    again. Scale once."""
    return _iterated(_frobenius(W), steps, lambda X: _frobenius(_step(X)))


def orthogonalize__exact_at_once(W, steps):
    """This is U V^T from a singular value decomposition, whatever `steps` says. The question asks for that number of
    Newton-Schulz steps."""
    return _polar(W)


def orthogonalize__muon_polynomial(W, steps):
    """These are the coefficients of Muon's polynomial of degree 5. It is quick, but does not converge to 1, and the
    question asks for the cubic one."""

    def step(X):
        G = X @ X.T
        return 3.4445 * X + (-4.7750 * G + 2.0315 * G @ G) @ X

    return _iterated(_frobenius(W), steps, step)


def orthogonalize__tall_left_transposed(W, steps):
    """A tall W was transposed to save work, and the result was not transposed back."""
    W = _frobenius(W)
    return _iterated(W.T if W.shape[0] > W.shape[1] else W, steps)


def orthogonalize__argument_scaled_in_place(W, steps):
    """`W /= ...` changes the caller's matrix. Write `W = W / ...`, or work on a copy."""
    W /= (W**2).sum() ** 0.5
    return _iterated(W, steps)


def orthogonalize__inverse_square_root(W, steps):
    """This brings W W^T, not W, to the identity by Newton-Schulz steps: the result is square."""
    W = _frobenius(W)
    return _iterated(W @ W.T, steps)


def steps_needed__frobenius_norm(W, tol):
    """The difference is measured in the Frobenius norm (the default of `norm`). The spectral norm is its largest
    singular value: ord=2."""
    polar = _polar(W)
    return _first(W, tol, lambda X: np.linalg.norm(X - polar))


def steps_needed__largest_entry(W, tol):
    """The largest entry of the difference is compared. The spectral norm is its largest singular value."""
    polar = _polar(W)
    return _first(W, tol, lambda X: np.abs(X - polar).max())


def steps_needed__gram_distance(W, tol):
    """This compares the Gram matrix with the identity, whose error is about twice as large: sigma^2 in place of
    sigma."""
    side = min(W.shape)
    return _first(W, tol, lambda X: np.linalg.norm((X @ X.T if len(X) == side else X.T @ X) - np.eye(side), 2))


def steps_needed__change_per_step(W, tol):
    """It stops when a step changes little. At the start steps change little, too: compare with U V^T."""
    return _first(W, tol, lambda X: np.linalg.norm(_step(X) - X, 2))


def steps_needed__mean_error(W, tol):
    """This is the mean distance of the singular values from 1. The spectral norm is the largest one."""
    return _first(W, tol, lambda X: np.abs(np.linalg.svd(X, compute_uv=False) - 1).mean())


def steps_needed__largest_singular_value_only(W, tol):
    """This looks at the largest singular value, which arrives first. The smallest one decides."""
    return _first(W, tol, lambda X: abs(np.linalg.norm(X, 2) - 1))


def steps_needed__one_more(W, tol):
    """This is one more than the smallest number: the count was raised after the last step, too."""
    polar = _polar(W)
    return _first(W, tol, lambda X: np.linalg.norm(X - polar, 2)) + 1


def steps_needed__one_less(W, tol):
    """This is the last number of steps that is not enough. The first one that is enough is asked for."""
    polar = _polar(W)
    return max(_first(W, tol, lambda X: np.linalg.norm(X - polar, 2)) - 1, 0)


def steps_needed__never_zero(W, tol):
    """The count begins with 1, but a matrix may be near enough to U V^T after 0 steps."""
    polar = _polar(W)
    return _first(W, tol, lambda X: np.linalg.norm(X - polar, 2), start=1)


def steps_needed__not_scaled(W, tol):
    """The steps are counted from W itself, which has to be scaled first."""
    polar, X = _polar(W), _array(W)
    with np.errstate(all="ignore"):
        for k in range(100):
            if np.nanmax(np.abs(X - polar)) <= tol:
                return k
            X = np.nan_to_num(_step(X))
    return 100


def steps_needed__at_most_five(W, tol):
    """The loop ends after five steps, whether or not that was enough."""
    polar = _polar(W)
    return min(5, _first(W, tol, lambda X: np.linalg.norm(X - polar, 2)))


def steps_needed__returns_the_error(W, tol):
    """This returns the error that was reached. The number of steps is asked for."""
    polar = _polar(W)
    k = _first(W, tol, lambda X: np.linalg.norm(X - polar, 2))
    return np.linalg.norm(_orthogonalize(W, k) - polar, 2)
