"""Reference answers, and data that the tests hand to the student's functions without copying it first."""

import torch

SECRET = "@CANARY@"


def table() -> torch.Tensor:
    """A fresh copy of ``TABLE``."""
    return torch.tensor([[1.0, 2.0], [3.0, 4.0]])


TABLE = table()


def scale(x: torch.Tensor, factor: float) -> torch.Tensor:
    """``x`` times ``factor``."""
    return torch.mul(x, factor)


def total(values: list[float]) -> float:
    """The sum."""
    return float(torch.tensor(values, dtype=torch.float64).sum())


def linear(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """What a layer without bias gives for each row of ``x``."""
    return torch.einsum("ij,bj->bi", weight, x)
