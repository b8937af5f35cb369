"""Claims of newton_schulz: what steps do to singular values, what they cost, how many one needs."""

import numpy as np
import torch

import solutions.hw4.newton_schulz as reference
from solutions.hw4.claims import claim

Array = reference.Array
EXAMPLE = np.array([[1.0, 1, 0], [0, 1, 1]])
TWO_VALUES = np.array([[0.0, 3, 0], [4, 0, 0]])
CONDITIONS = (10, 100, 1000, 10000)


def _step(value: float, steps: int = 1) -> float:
    for _ in range(steps):
        value = (3 * value - value**3) / 2
    return value


def _quintic(value: Array, steps: int) -> Array:
    for _ in range(steps):
        value = 3.4445 * value - 4.7750 * value**3 + 2.0315 * value**5
    return value


def _conditioned(condition: float) -> Array:
    """The figure's 8x12 matrix of that condition number."""
    return reference.matrix(np.geomspace(1, 1 / condition, 8), (8, 12), torch.Generator().manual_seed(2))


@claim("step-in-code", "that alone is a matrix of 160 GB", how="GB of 200000^2 `float32`", stated=160)
def left_gram_matrix() -> float:
    return 200_000**2 * 4 / 1e9


@claim(
    "step-in-code",
    r"p(W) = \begin{bmatrix} 0.5&0&-0.5 \\ -0.5&0&0.5 \end{bmatrix}",
    how="one step, by the singular value decomposition",
    stated=(0.5, 0, -0.5, -0.5, 0, 0.5),
    tolerance=1e-12,
)
def example_of_a_step() -> list[float]:
    return list(reference.newton_schulz_step(EXAMPLE).ravel())


@claim(
    "step-in-code",
    r"Its $W$ has the singular values $\sqrt 3$ and 1, and $p(W)$ has 0 and 1",
    how="singular values of W, then of p(W), each in descending order",
    stated=(3**0.5, 1, 1, 0),
    tolerance=1e-12,
)
def example_loses_a_direction() -> list[float]:
    steps = (reference.iterate(EXAMPLE, count) for count in (0, 1))
    return [value for W in steps for value in np.linalg.svd(W, compute_uv=False)]


@claim(
    "5d02ba62",
    "It leaves 0 and 1 where they are, raises what lies between, and lowers what lies above 1.",
    how="p(s) - s for 999 values in (0, 1), s - p(s) for 1000 values in (1, 2.3]",
)
def raises_and_lowers() -> list[float]:
    between, above = np.linspace(0, 1, 1001)[1:-1], np.linspace(1, 2.3, 1001)[1:]
    return [min(_step(s) - s for s in between), min(s - _step(s) for s in above)]


@claim("5d02ba62", r"It sends $\sqrt 3 = 1.732$ to 0", how="p(sqrt(3))", stated=0, tolerance=1e-12)
def root_of_three() -> float:
    return _step(3**0.5)


@claim("5d02ba62", "Small values grow by a factor of 1.5 per step", how="p(0.001)/0.001", stated=1.5, tolerance=1e-5)
def growth() -> float:
    return _step(0.001) / 0.001


@claim(
    "5d02ba62",
    "a step takes an error $e$ to about $1.5\\,e^2$",
    how="(1 - p(1 - e)) / e^2 for e = 0.1, 0.01, 0.001",
    stated=1.5,
    tolerance=0.06,
)
def error_is_squared() -> list[float]:
    return [(1 - _step(1 - e)) / e**2 for e in (0.1, 0.01, 0.001)]


@claim(
    "5d02ba62",
    "such a value may end at $-1$, which reverses a singular vector, or jump between the signs before it settles",
    how="100 steps from 1.74, 1.85, 2, 2.1, and from 2.2",
    stated=(-1, -1, -1, -1, 1),
    tolerance=1e-6,
)
def ends_at_minus_one() -> list[float]:
    return [_step(s, 100) for s in (1.74, 1.85, 2, 2.1, 2.2)]


@claim("5d02ba62", r"Above $\sqrt 5 = 2.236$ it explodes", how="|p(s)| - s for s = 2.24, 2.5, 3, 10")
def explodes() -> list[float]:
    return [abs(_step(s)) - s for s in (2.24, 2.5, 3, 10)]


@claim(
    "dd51a9ea",
    '`step_cost(2, 3, "left")` is 24. On the right way it is 36, so `"auto"` gives 24.',
    how="products added up",
    stated=(24, 36, 24),
)
def example_of_costs() -> list[float]:
    return [reference.step_cost(2, 3, gram) for gram in ("left", "right", "auto")]


@claim("e268e359", "At 16 inputs, the wrong way costs 64 times as much", how="left / right for 1024x16", stated=64)
def wrong_way() -> float:
    return reference.step_cost(1024, 16, "left") / reference.step_cost(1024, 16, "right")


@claim(
    "e268e359",
    "The lines cross where the matrix is square.",
    how="left / right for 1024x512, 1024x1024, 1024x2048",
    stated=(2, 1, 0.5),
)
def crossing() -> list[float]:
    return [reference.step_cost(1024, d, "left") / reference.step_cost(1024, d, "right") for d in (512, 1024, 2048)]


@claim("35ad0c79", "no singular value exceeds 1 afterwards", how="1 minus the largest, eight shapes of N(0, 1) entries")
def frobenius_norm() -> list[float]:
    generator = torch.Generator().manual_seed(0)
    matrices = [torch.randn(rows, 9, generator=generator) for rows in range(2, 10)]
    return [1 - float(np.linalg.norm(reference.orthogonalize(W, 0), 2)) for W in matrices]


@claim("35ad0c79", "$p(0.6) = 0.792$ and $p(0.8) = 0.944$", how="p", stated=(0.792, 0.944), tolerance=1e-12)
def example_of_values() -> list[float]:
    return [_step(0.6), _step(0.8)]


@claim(
    "024b7cf7",
    "the small ones climb parallel to the dashed line, by a factor of 1.5 per step",
    how="smallest singular value of the 32x64 matrix, growth in each of the first ten steps",
    stated=1.5,
    tolerance=0.01,
)
def small_values_climb() -> list[float]:
    values = np.logspace(2, -1, 32)
    smallest = values[-1] / np.linalg.norm(values)
    return [_step(smallest, k + 1) / _step(smallest, k) for k in range(10)]


@claim(
    "024b7cf7",
    "The smallest singular value sets the number of steps.",
    how="steps needed to 0.01 for 8 values: seven of 1 and one of 0.001, less those for seven of 0.3 and one of 1",
)
def the_smallest_decides() -> float:
    small = reference.steps_needed(np.diag([1.0] * 7 + [0.001]), 0.01)
    return small - reference.steps_needed(np.diag([0.3] * 7 + [1.0]), 0.01)


@claim(
    "1c437ae5",
    "It becomes the identity",
    how="1e-3 minus the largest entry of O O^T - I after 22 steps, values 100 to 0.1, 32x64",
)
def becomes_the_identity() -> float:
    W = reference.matrix(np.logspace(2, -1, 32), (32, 64), torch.Generator().manual_seed(1))
    O = reference.orthogonalize(W, 22)  # noqa: E741
    return float(1e-3 - np.abs(O @ O.T - np.eye(32)).max())


@claim(
    "2573eced",
    "the errors are $1 - 0.6 = 0.4$, then $1 - 0.792 = 0.208$, then $0.0604$",
    how="spectral norm of the difference from U V^T",
    stated=(0.4, 0.208, 0.0604),
    tolerance=5e-5,
)
def example_of_errors() -> list[float]:
    polar = reference.polar_factor(TWO_VALUES)
    return [float(np.linalg.norm(reference.orthogonalize(TWO_VALUES, k) - polar, 2)) for k in range(3)]


@claim(
    "2573eced",
    "the singular values start at 0.75 and 1, the errors are $0.25$ and $0.0859$",
    how="1 - 0.75, 1 - p(0.75)",
    stated=(0.25, 0.0859),
    tolerance=5e-5,
)
def example_with_the_spectral_norm() -> list[float]:
    return [0.25, 1 - _step(0.75)]


@claim(
    "2573eced",
    "`steps_needed(W, 0.3)` is 1 and `steps_needed(W, 0.2)` is 2",
    how="by the singular values",
    stated=(1, 2),
)
def example_of_steps() -> list[float]:
    return [reference.steps_needed(TWO_VALUES, tol) for tol in (0.3, 0.2)]


@claim("2573eced", "100 steps are more than enough", how="100 less the steps for condition number 10000 and tol 1e-5")
def enough_steps() -> float:
    return 100 - reference.steps_needed(_conditioned(10_000), 1e-5)


@claim(
    "38ec83ad",
    "three more steps take the error from 0.1 to below $10^{-6}$",
    how="1e-6 minus the error after three steps from 0.9",
)
def cliff() -> float:
    return 1e-6 - (1 - _step(0.9, 3))


@claim(
    "38ec83ad",
    r"each factor of 10 in the condition number $\sigma_\max / \sigma_\min$ costs 5 or 6 steps",
    how="differences of the steps needed for 10, 100, 1000, 10000; tol 0.1, then 0.0001",
    stated=5.5,
    tolerance=0.5,
)
def steps_per_decade() -> list[float]:
    needed = [[reference.steps_needed(_conditioned(c), tol) for c in CONDITIONS] for tol in (0.1, 1e-4)]
    return [float(step) for row in needed for step in np.diff(row)]


@claim("38ec83ad", r"$1.5^{5.7} \approx 10$", how="the power", stated=10, tolerance=0.1)
def steps_by_growth() -> float:
    return float(1.5**5.7)


@claim(
    "38ec83ad",
    "After 5 steps, singular values from 0.01 to 1 lie between 0.68 and 1.13",
    how="smallest and largest of 20,000 values after 5 steps of the quintic",
    stated=(0.68, 1.13),
    tolerance=0.005,
)
def muons_polynomial() -> list[float]:
    values = _quintic(np.geomspace(0.01, 1, 20_000), 5)
    return [values.min(), values.max()]
