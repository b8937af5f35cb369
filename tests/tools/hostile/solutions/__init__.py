"""Reference answers of the notebook under attack. ``@CANARY@`` stands for the secret that must not get out."""

import torch

SECRET = "@CANARY@"


def generator() -> torch.Generator:
    """A fresh generator for the inputs of one hidden test."""
    return torch.Generator().manual_seed(182)
