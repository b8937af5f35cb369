"""Claims of unit_scale_mup, in the order of the notebook: ``fp8``, ``scales``, ``way_back``."""

import torch


def rms(x: torch.Tensor) -> float:
    """The RMS norm of a vector."""
    return float(x.square().mean().sqrt())


def seeded(seed: int) -> torch.Generator:
    """A fresh generator."""
    return torch.Generator().manual_seed(seed)
