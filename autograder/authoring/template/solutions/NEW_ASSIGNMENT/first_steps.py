"""Reference answers of first_steps: float64, from the definition and not from the source notebook's code."""

import torch


def softmax(x: torch.Tensor) -> torch.Tensor:
    """Exponentials of the entries of each row of ``x``, as shares of their sum: (N, K), float64."""
    logarithms = x.double() - torch.logsumexp(x.double(), dim=1, keepdim=True)
    return logarithms.exp()
