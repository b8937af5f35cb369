"""What rounding to 8 bits does, and with which error."""

import numpy as np
import torch

import solutions.hw4.unit_scale_mup as reference
from solutions.hw4.claims import claim
from solutions.hw4.claims.unit_scale_mup import seeded

TABLE = (0.3, -3.3, 0.001, 0.0005, 1.0625, 400)


def _xavier(*fans_in: int) -> list[float]:
    return [reference.fp8_error(d_in**-0.5) for d_in in fans_in]


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
    weights = [torch.nn.init.xavier_normal_(torch.empty(1000, 400), generator=seeded(seed)) for seed in range(5)]
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
    x = torch.randn(1_000_000, dtype=torch.float64, generator=seeded(0)).numpy()

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
    return sum(int((torch.randn(100_000, generator=seeded(seed)) == 0).sum()) for seed in range(400)) / 4


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
