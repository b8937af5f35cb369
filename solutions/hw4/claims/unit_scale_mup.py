"""Claims of unit_scale_mup: rounding errors, scales, and what gradients do on their way back."""

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import solutions.hw4.unit_scale_mup as reference
from solutions.hw4.claims import claim

WIDTHS = (65, 33, 129, 97, 101, 65, 33, 129, 75, 41, 51)  # of figure_backward
RUNS = range(40)
TABLE = (0.3, -3.3, 0.001, 0.0005, 1.0625, 400)


def _xavier(*fans_in: int) -> list[float]:
    return [reference.fp8_error(d_in**-0.5) for d_in in fans_in]


def _rms(x: torch.Tensor) -> float:
    return float(x.square().mean().sqrt())


def _all(*matrices: Any) -> list[float]:
    return [float(value) for matrix in matrices for value in np.ravel(matrix)]


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@claim("9b8c9e5d", "253 and 247 are different finite numbers", how="all values listed", stated=(253, 247))
def finite_numbers() -> list[float]:
    return [len(reference.fp8_values(format)) for format in ("e4m3", "e5m2")]


@claim(
    "9b8c9e5d",
    "8 equally spaced numbers between one power of two and the next, up to 448",
    how="e4m3: numbers in [1, 2), and the largest",
    stated=(8, 448),
)
def e4m3() -> list[float]:
    values = reference.fp8_values("e4m3")
    return [float(np.sum((values >= 1) & (values < 2))), values.max()]


@claim(
    "9b8c9e5d",
    "4 numbers between powers of two, up to 57344",
    how="e5m2: numbers in [1, 2), and the largest",
    stated=(4, 57344),
)
def e5m2() -> list[float]:
    values = reference.fp8_values("e5m2")
    return [float(np.sum((values >= 1) & (values < 2))), values.max()]


@claim(
    "9b8c9e5d",
    "the exponents end at $2^{-6} = 0.0156$. Below, the spacing stays at $2^{-9} = 0.00195$ down to 0",
    how="spacing of e4m3 just above 1/64 and just above 0, in units of 2^-9, and just above 1/32",
    stated=(1, 1, 2),
)
def subnormal_spacing() -> list[float]:
    values = reference.fp8_values("e4m3")
    above = [values[values >= start][:2] for start in (2**-6, 0, 2**-5)]
    return [float(pair[1] - pair[0]) * 2**9 for pair in above]


@claim(
    "9b8c9e5d",
    r"`torch.nn.init.xavier_normal_` has the variance $2 / (d_\text{in} + d_\text{out})$",
    how="variance for 1000x400 times 1400 / 2, seeds 0 to 4",
    stated=1,
    tolerance=0.01,
)
def xavier_normal() -> list[float]:
    weights = [torch.nn.init.xavier_normal_(torch.empty(1000, 400), generator=_seeded(seed)) for seed in range(5)]
    return [float(weight.var()) * 700 for weight in weights]


@claim(
    "54726eba",
    "| e4m3 | 0.3125 | -3.25 | 0.001953125 | 0 | 1 | 384 |",
    how="rounding by the definition of the format",
    stated=(0.3125, -3.25, 0.001953125, 0, 1, 384),
)
def rounded_to_e4m3() -> list[float]:
    return list(reference.fp8_round(TABLE, "e4m3"))


@claim(
    "54726eba",
    "| e5m2 | 0.3125 | -3.5 | 0.0009765625 | 0.00048828125 | 1 | 384 |",
    how="rounding by the definition of the format",
    stated=(0.3125, -3.5, 0.0009765625, 0.00048828125, 1, 384),
)
def rounded_to_e5m2() -> list[float]:
    return list(reference.fp8_round(TABLE, "e5m2"))


@claim(
    "54726eba",
    "(Torch takes a `float64` to `float32` first, which can turn a near tie into a tie.",
    how="1.0625 + 1e-12 to e4m3: by torch, then the nearest number",
    stated=(1, 1.125),
)
def near_tie() -> list[float]:
    x = torch.tensor(1.0625 + 1e-12, dtype=torch.float64)
    return [float(x.to(torch.float8_e4m3fn)), float(reference.fp8_round(x, "e4m3"))]


@claim(
    "42a42a7e",
    "$0.0125 / 0.3 = 0.0417$ and $0.05 / 3.3 = 0.0152$, with mean 0.0284",
    how="by the definition",
    stated=(0.0417, 0.0152, 0.0284),
    tolerance=5e-5,
)
def example_of_errors() -> list[float]:
    x = np.array([0.3, -3.3])
    errors = np.abs(reference.fp8_round(x, "e4m3") - x) / np.abs(x)
    return [*errors, errors.mean()]


@claim(
    "42a42a7e",
    "`fp8_error(1.0)` is about 0.024, `fp8_error(0.01)` about 0.17",
    how="an integral over the normal density",
    stated=(0.024, 0.17),
    tolerance=0.005,
)
def mean_errors() -> list[float]:
    return [reference.fp8_error(1.0), reference.fp8_error(0.01)]


@claim(
    "42a42a7e",
    "(the standard error of a sample of 100,000 is at most 0.9 %)",
    how="0.9 % minus the standard error, as a share, from a million draws, for std 0.002, 0.01, 0.03, 0.07, 0.1, 1, 20",
)
def sampling_error() -> list[float]:
    x = torch.randn(1_000_000, dtype=torch.float64, generator=_seeded(0)).numpy()

    def standard_error(std: float) -> float:
        errors = np.abs(reference.fp8_round(std * x, "e4m3") / (std * x) - 1)
        return float(errors.std()) / reference.fp8_error(std) / float(100_000**0.5)

    return [0.009 - standard_error(std) for std in (0.002, 0.01, 0.03, 0.07, 0.1, 1, 20)]


@claim(
    "42a42a7e",
    "In `float32`, `torch.randn` returns an exact 0 about once in ten million draws",
    how="zeros in 4e7 draws, seeds 0 to 399, as a share of 4",
    stated=1,
    tolerance=0.5,
)
def exact_zeros() -> float:
    return sum(int((torch.randn(100_000, generator=_seeded(seed)) == 0).sum()) for seed in range(400)) / 4


@claim(
    "prompt-unit-scale",
    "mean error 0.024 at N(0, 1) against 0.12 for d_in = 4096, 0.21 for 16384, 0.35 for 65536",
    how="an integral over the normal density",
    stated=(0.024, 0.12, 0.21, 0.35),
    tolerance=0.005,
)
def errors_at_xaviers_scale() -> list[float]:
    return _xavier(1, 4096, 16384, 65536)


@claim("prompt-unit-scale", "below 2^-10 all becomes 0", how="2^-10, and the next float above", stated=(0, 2**-9))
def becomes_zero() -> list[float]:
    return list(reference.fp8_round([2.0**-10, np.nextafter(2.0**-10, 1)], "e4m3"))


@claim(
    "written-unit-scale",
    r"0.12 for $d_\text{in} = 4096$ and 0.35 for 65536, against 0.024 for $N(0, 1)$",
    how="an integral over the normal density",
    stated=(0.12, 0.35, 0.024),
    tolerance=0.005,
)
def errors_in_the_answer() -> list[float]:
    return _xavier(4096, 65536, 1)


@claim(
    "written-unit-scale",
    "For e5m2 it hardly matters (0.045 to 0.048)",
    how="N(0, 1) and Xavier's scale for d_in = 65536",
    stated=(0.045, 0.048),
    tolerance=5e-4,
)
def e5m2_hardly_cares() -> list[float]:
    return [reference.fp8_error(1, "e5m2"), reference.fp8_error(1 / 256, "e5m2")]


@claim(
    "88e805b0",
    "Only the right constant survives depth.",
    how="log10 of the RMS norm after 40 layers: over 10 for c = 1, half, twice; under 1 for the right one; seed 3",
)
def depth() -> list[float]:
    logs = []
    for factor in (128**0.5, 0.5, 2, 1):
        generator = _seeded(3)
        x = torch.randn(128, generator=generator, dtype=torch.float64)
        for _ in range(40):
            x = factor * 128**-0.5 * torch.randn(128, 128, generator=generator, dtype=torch.float64) @ x
        logs.append(abs(float(np.log10(_rms(x)))))
    return [*(log - 10 for log in logs[:3]), 1 - logs[3]]


@claim("forward-question", "`forward_scale(16)` is 0.25", how="by the formula", stated=0.25)
def forward_scale() -> float:
    return reference.forward_scale(16)


@claim("update-question", "it is 3", how="from RMS norms, shape (9, 4)", stated=3)
def largest_update() -> float:
    return reference.max_update_spectral_norm(9, 4)


@claim("signsgd-question", "it is 0.5", how="from the norms, shape (9, 4)", stated=0.5)
def rate_of_signsgd() -> float:
    return reference.signsgd_lr(9, 4)


@claim("muon-question", "it is 3", how="from the norms, shape (9, 4)", stated=3)
def rate_of_muon() -> float:
    return reference.muon_lr(9, 4)


@claim("a5aacaaa", r"it is $\tfrac13$", how="from the norms, shape (9, 4)", stated=1 / 3, tolerance=1e-12)
def factor_on_the_way_back() -> float:
    return reference.backward_scale(9, 4)


@claim(
    "66aa8173",
    r"\Delta W = \begin{bmatrix} 0.5 & -0.5 & 0 & 0.5 \\ -0.5 & 0.5 & 0.5 & -0.5 \end{bmatrix}",
    how="the rate times signs",
    stated=(0.5, -0.5, 0, 0.5, -0.5, 0.5, 0.5, -0.5),
    tolerance=1e-12,
)
def example_of_signsgd() -> list[float]:
    return _all(reference.signsgd_update([[0.3, -2, 0, 1], [-5, 0.1, 4, -1]]))


@claim(
    "66aa8173",
    "For a higher rank the update then stays *below* the limit",
    how="1 minus the share of the limit, 20 random 12x9 gradients of full rank",
)
def below_the_limit() -> list[float]:
    gradients = torch.randn(20, 12, 9, generator=_seeded(0), dtype=torch.float64)
    return [1 - float(np.linalg.norm(reference.signsgd_update(G), 2)) / 12**0.5 for G in gradients]


@claim(
    "e039af82",
    r"\Delta W = \sqrt 2\; \frac{1}{\sqrt 5} \begin{bmatrix} 0.6&0.8&0 \\ 1.2&1.6&0 \end{bmatrix}.",
    how="both examples, divided by sqrt(2); the second one times sqrt(5)",
    stated=(0, 1, 0, 1, 0, 0, 0.6, 0.8, 0, 1.2, 1.6, 0),
    tolerance=1e-7,
)
def examples_of_muon() -> list[float]:
    first, second = (reference.muon_update(G) for G in ([[0, 3, 0], [4, 0, 0]], [[3, 4, 0], [6, 8, 0]]))
    return _all(first / 2**0.5, second / 2**0.5 * 5**0.5)


@claim(
    "66aa8173",
    "batches of 2, 8, and 64 random examples it reaches about 0.66, 0.35, and 0.18 of the limit",
    how="spectral norm of a 256x256 update over the limit; Gaussian examples; mean of seeds 0 to 4",
    stated=(0.66, 0.35, 0.18),
    tolerance=0.01,
)
def timid_sign() -> list[float]:
    means = []
    for batch in (2, 8, 64):
        shares = []
        for seed in range(5):
            generator = _seeded(seed)
            G = torch.randn(256, batch, generator=generator) @ torch.randn(batch, 256, generator=generator)
            norm = np.linalg.norm(reference.signsgd_update(G.numpy()), 2)
            shares.append(norm / reference.max_update_spectral_norm(256, 256))
        means.append(float(np.mean(shares)))
    return means


@cache
def _changes(kind: str, sign: bool) -> tuple[float, ...]:
    """The RMS norm of the change for inputs of RMS norm 1, 1000 outputs, widths 16, 256, 4096, seeds 0 to 4."""
    update = reference.signsgd_update if kind == "SignSGD" else reference.muon_update
    changes = []
    for width in (16, 256, 4096):
        for seed in range(5):
            generator = _seeded(seed)
            x = torch.randn(width, generator=generator, dtype=torch.float64)
            x = x.sign() if sign else x / _rms(x)
            g = torch.randn(20, generator=generator, dtype=torch.float64)
            dW = g.sign().outer(x.sign()) / width**0.5 if kind == "SignSGD" else g.outer(x) / (g.norm() * x.norm())
            if width < 4096:
                assert np.allclose(update(g.outer(x)), dW * (20**0.5 if kind == "Muon" else 1))
            dW = dW * (20**0.5 if kind == "Muon" else 1)
            changes.append(_rms(dW @ x / width**0.5))
    return tuple(changes)


@claim(
    "768a5deb",
    "With your updates, the change is 1 in all layers.",
    how="inputs of +-1, widths 16, 256, 4096, seeds 0 to 4; SignSGD, then Muon",
    stated=1,
    tolerance=1e-9,
)
def changes_of_one() -> tuple[float, ...]:
    return _changes("SignSGD", True) + _changes("Muon", True)


@claim(
    "768a5deb",
    "too bold on one side and too timid on the other",
    how="SignSGD at the rate for 64: change at width 256 minus 1, and 1 minus the change at width 16; inputs of +-1",
)
def constant_rate() -> list[float]:
    bold, timid = (reference.signsgd_lr(32, 64) / reference.signsgd_lr(32, width) for width in (256, 16))
    return [bold - 1, 1 - timid]


@claim(
    "768a5deb",
    "Muon's change is still exactly 1 (in a batch of one)",
    how="Gaussian inputs of RMS norm 1, widths 16, 256, 4096, seeds 0 to 4",
    stated=1,
    tolerance=1e-9,
)
def muon_for_any_input() -> tuple[float, ...]:
    return _changes("Muon", False)


@claim(
    "768a5deb",
    "For Gaussian inputs it is about 0.8",
    how="SignSGD, widths 16, 256, 4096, seeds 0 to 4 for each",
    stated=0.8,
    tolerance=0.1,
)
def sign_for_gaussian_inputs() -> tuple[float, ...]:
    return _changes("SignSGD", False)


@claim(
    "37aa679c",
    "multiply all gradients by 1000, from the first step on, and the updates stay the same",
    how="1e-6 minus the largest relative difference: SignSGD, Muon, and three steps of torch's Adam",
)
def scale_does_not_matter() -> list[float]:
    gradients = torch.randn(3, 6, 5, generator=_seeded(0), dtype=torch.float64)

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
    generator = _seeded(seed)
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
        generator = _seeded(seed)

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
    gradients = torch.randn(3, 5, generator=_seeded(0), dtype=torch.float64).numpy()
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
        generator = _seeded(seed)
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
            generator = _seeded(seed)
            W, g = torch.randn(d_out, d_in, generator=generator), torch.randn(d_out, generator=generator)
            shares.append(_rms(g @ W / d_in**0.5) / _rms(g) / (d_out / d_in) ** 0.5)
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
