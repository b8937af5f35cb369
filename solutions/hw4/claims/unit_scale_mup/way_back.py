"""What becomes of gradients on their way back."""

from functools import cache
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F

import solutions.hw4.unit_scale_mup as reference
from solutions.hw4.claims import claim
from solutions.hw4.claims.unit_scale_mup import rms, seeded

WIDTHS = (65, 33, 129, 97, 101, 65, 33, 129, 75, 41, 51)  # of figure_backward
RUNS = range(40)


@claim(
    "37aa679c",
    "multiply all gradients by 1000, from the first step on, and the updates stay the same",
    how="1e-6 minus the largest relative difference: SignSGD, Muon, and three steps of torch's Adam",
)
def scale_does_not_matter() -> list[float]:
    gradients = torch.randn(3, 6, 5, generator=seeded(0), dtype=torch.float64)

    def adam(scale: float) -> np.ndarray:
        weight = torch.nn.Parameter(torch.zeros(6, 5, dtype=torch.float64))
        optimizer = torch.optim.Adam([weight], lr=1.0)
        for gradient in gradients:
            weight.grad = scale * gradient
            optimizer.step()
        return weight.detach().numpy()

    def difference(small: np.ndarray, large: np.ndarray) -> float:
        return float(1e-6 - np.abs(small - large).max() / np.abs(small).max())

    updates = (reference.signsgd_update, reference.muon_update)
    return [*(difference(u(gradients[0]), u(1000 * gradients[0])) for u in updates), difference(adam(1), adam(1000))]


@claim(
    "a5aacaaa",
    r"for a gradient of $7 \cdot 10^{-10}$, Adam's first step is only 0.07 of what it would be without $\epsilon$",
    how="one step of torch's Adam, learning rate 1",
    stated=0.07,
    tolerance=0.005,
)
def adams_epsilon() -> float:
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.tensor([7e-10])
    torch.optim.Adam([weight], lr=1.0).step()
    return -weight.item()


def _angles(residual: bool, seed: int) -> list[float]:
    """Degrees between weight gradients with and without the factor, eight layers of width 64, first to last."""
    generator = seeded(seed)
    weights = [torch.randn(64, 64, generator=generator).requires_grad_() for _ in range(8)]
    inputs, targets = torch.randn(2, 32, 64, generator=generator)
    gradients = []
    for factor in (1.0, 64**-0.5):
        x = inputs
        for weight in weights:
            y = (x.detach() + factor * (x - x.detach())) @ weight.T / 8
            x = x + y if residual else y
        gradients.append(torch.autograd.grad((x * targets).sum(), weights))
    pairs = zip(*gradients, strict=True)
    cosines = [F.cosine_similarity(a.double().flatten(), b.double().flatten(), dim=0) for a, b in pairs]
    return [float(torch.rad2deg(torch.arccos(cosine.clamp(-1, 1)))) for cosine in cosines]


@claim(
    "1fc7ef13",
    "the weight gradients are off by 80, 75, 73, 66, 59, 49, 38, and 0 degrees, from the first block to the last",
    how="batch of 32, seed 0; seeds 1 to 3 differ by up to 5 degrees",
    stated=(80, 75, 73, 66, 59, 49, 38, 0),
    tolerance=0.5,
)
def angles_with_branches() -> list[float]:
    return _angles(True, 0)


@claim("1fc7ef13", "In a chain all eight angles are 0.", how="the same without branches", stated=0, tolerance=0.1)
def angles_in_a_chain() -> list[float]:
    return _angles(False, 0)


@claim(
    "1fc7ef13",
    r"\text{to } \mathbf x:\; \frac{(1, 4, 2, 3)}{2 \sqrt 2}",
    how="matrix products, times 2 sqrt(2)",
    stated=(1, 4, 2, 3),
    tolerance=1e-12,
)
def example_of_the_layer() -> list[float]:
    W = [[1, 0, 2, 1], [0, 2, 0, 1]]
    return list(reference.unit_linear(W, [[2, 1, 1, 0]], [[1, 2]])[1].ravel() * 8**0.5)


@cache
def _lengths(kind: str, factor: str) -> tuple[float, ...]:
    """Of the gradient after ten layers, as a share of the first, for each run of figure_backward.

    factor: "none", "root" (1 / sqrt(d_out)), or "norm" (1 / spectral norm of c W)
    """

    def one(seed: int) -> float:
        generator = seeded(seed)

        def signs(width: int) -> torch.Tensor:
            return torch.randint(0, 2, (width,), generator=generator) * 2.0 - 1.0

        vectors = [signs(width) for width in WIDTHS]
        gradient = vectors[-1] if kind == "aligned" else signs(WIDTHS[-1])
        first = float(gradient.norm())
        for n in reversed(range(10)):
            d_in, d_out = WIDTHS[n], WIDTHS[n + 1]
            if kind == "independent":
                weight = torch.randn(d_out, d_in, generator=generator)
            elif kind == "aligned":
                weight = torch.outer(vectors[n + 1], vectors[n])
            else:
                weight = torch.outer(signs(d_out), signs(d_in))
            norm = float(torch.linalg.matrix_norm(weight, 2)) / d_in**0.5 if factor == "norm" else 1.0
            gradient = gradient @ weight / d_in**0.5 / {"none": 1.0, "root": d_out**0.5, "norm": norm}[factor]
        return float(gradient.norm()) / first

    return tuple(one(seed) for seed in RUNS)


def _median(kind: str, factor: str) -> float:
    return float(np.median(_lengths(kind, factor)))


@claim(
    "prompt-explosion",
    "The mean of (u.g)^2 is |g|^2, exactly, in every layer.",
    how="all 32 vectors u of +-1 with 5 entries, as a share of |g|^2, three g",
    stated=1,
    tolerance=1e-12,
)
def mean_square_is_kept() -> list[float]:
    vectors = np.array(list(product((-1, 1), repeat=5)))
    gradients = torch.randn(3, 5, generator=seeded(0), dtype=torch.float64).numpy()
    return [float(np.mean((vectors @ g) ** 2) / (g @ g)) for g in gradients]


@claim(
    "prompt-explosion",
    "c W of independent weights has a spectral norm of about 2",
    how="mean over the figure's layers, seeds 0 to 9",
    stated=2,
    tolerance=0.05,
)
def spectral_norm_of_independent_weights() -> list[float]:
    def mean(seed: int) -> float:
        generator = seeded(seed)
        shapes = list(zip(WIDTHS[1:], WIDTHS[:-1], strict=True))
        norms = [torch.linalg.matrix_norm(torch.randn(s, generator=generator), 2) / s[1] ** 0.5 for s in shapes]
        return float(np.mean(norms))

    return [mean(seed) for seed in range(10)]


@claim(
    "prompt-explosion",
    "dividing by it makes gradients vanish by 2 per layer",
    how="tenth root of what is left after ten layers, inverted; median of 40 runs",
    stated=2,
    tolerance=0.1,
)
def dividing_by_the_spectral_norm() -> float:
    return float(_median("independent", "norm") ** -0.1)


@claim(
    "written-explosion",
    "$10^9$-fold in the ten layers of the figure",
    how="log10 of the length, 40 runs",
    stated=9,
    tolerance=0.5,
)
def aligned() -> list[float]:
    return [float(np.log10(length)) for length in _lengths("aligned", "none")]


@claim(
    "written-explosion",
    "the length stays what it was",
    how="aligned, with the factor, 40 runs",
    stated=1,
    tolerance=1e-4,
)
def aligned_with_the_factor() -> tuple[float, ...]:
    return _lengths("aligned", "root")


@claim(
    "written-explosion",
    "(median 0.0035 after ten layers)",
    how="not aligned, 40 runs",
    stated=0.0035,
    tolerance=5e-5,
)
def not_aligned() -> float:
    return _median("not aligned", "none")


@claim(
    "written-explosion",
    r"fastest of all with it ($3 \cdot 10^{-12}$)",
    how="not aligned, with the factor, median of 40 runs",
    stated=3e-12,
    tolerance=5e-13,
)
def not_aligned_with_the_factor() -> float:
    return _median("not aligned", "root")


@claim(
    "prompt-explosion",
    "Not aligned: vanishes slowly without the factor, and fastest of all with it.",
    how="log10 of lengths: independent without the factor minus not aligned; the other way: each of the five minus not "
    "aligned with it",
)
def slow_and_fast() -> list[float]:
    kinds = ("aligned", "not aligned", "independent")
    logs = {(kind, factor): float(np.log10(_median(kind, factor))) for kind in kinds for factor in ("none", "root")}
    last = logs.pop(("not aligned", "root"))
    slow = logs["independent", "none"] - logs["not aligned", "none"]
    return [slow, *(log - last for log in logs.values())]


@claim(
    "eae585d5",
    r"changes by a factor of $\sqrt{d_\text{out} / d_\text{in}}$ from the output of a layer to its input",
    how="RMS norm of W^T g / sqrt(d_in) over that of g, over the factor; 300x1200 and 1200x300, seeds 0 to 2",
    stated=1,
    tolerance=0.1,
)
def rms_norm_of_gradients() -> list[float]:
    shares = []
    for d_out, d_in in ((300, 1200), (1200, 300)):
        for seed in range(3):
            generator = seeded(seed)
            W, g = torch.randn(d_out, d_in, generator=generator), torch.randn(d_out, generator=generator)
            shares.append(rms(g @ W / d_in**0.5) / rms(g) / (d_out / d_in) ** 0.5)
    return shares


@claim(
    "written-explosion",
    "the median is 0.7 in a single layer",
    how="median of |u.g| / |g| over 100,000 vectors u of 51 signs, g of +-1",
    stated=0.7,
    tolerance=0.05,
)
def one_layer() -> float:
    sums = torch.distributions.Binomial(51, torch.tensor(0.5))
    torch.manual_seed(0)
    return float((2 * sums.sample((100_000,)) - 51).abs().median()) / float(51**0.5)


@claim(
    "written-explosion",
    "in the median (0.97)",
    how="independent, 40 runs",
    stated=0.97,
    tolerance=0.005,
)
def independent() -> float:
    return _median("independent", "none")


@claim(
    "written-explosion",
    r"With the factor it vanishes ($7 \cdot 10^{-10}$)",
    how="independent, with the factor, median of 40 runs",
    stated=7e-10,
    tolerance=5e-11,
)
def independent_with_the_factor() -> float:
    return _median("independent", "root")
