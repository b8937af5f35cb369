"""The scale of activations and of updates."""

from functools import cache
from typing import Any

import numpy as np
import torch

import solutions.hw4.unit_scale_mup as reference
from solutions.hw4.claims import claim
from solutions.hw4.claims.unit_scale_mup import rms, seeded


def _all(*matrices: Any) -> list[float]:
    return [float(value) for matrix in matrices for value in np.ravel(matrix)]


@claim(
    "88e805b0",
    "Only the right constant survives depth.",
    how="log10 of the RMS norm after 40 layers: over 10 for c = 1, half, twice; under 1 for the right one; seed 3",
)
def depth() -> list[float]:
    logs = []
    for factor in (128**0.5, 0.5, 2, 1):
        generator = seeded(3)
        x = torch.randn(128, generator=generator, dtype=torch.float64)
        for _ in range(40):
            x = factor * 128**-0.5 * torch.randn(128, 128, generator=generator, dtype=torch.float64) @ x
        logs.append(abs(float(np.log10(rms(x)))))
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
    gradients = torch.randn(20, 12, 9, generator=seeded(0), dtype=torch.float64)
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
            generator = seeded(seed)
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
            generator = seeded(seed)
            x = torch.randn(width, generator=generator, dtype=torch.float64)
            x = x.sign() if sign else x / rms(x)
            g = torch.randn(20, generator=generator, dtype=torch.float64)
            dW = g.sign().outer(x.sign()) / width**0.5 if kind == "SignSGD" else g.outer(x) / (g.norm() * x.norm())
            if width < 4096:
                assert np.allclose(update(g.outer(x)), dW * (20**0.5 if kind == "Muon" else 1))
            dW = dW * (20**0.5 if kind == "Muon" else 1)
            changes.append(rms(dW @ x / width**0.5))
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
