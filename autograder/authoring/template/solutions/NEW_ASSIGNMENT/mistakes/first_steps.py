"""Known wrong answers to the questions of first_steps."""

import torch


def softmax__of_all_entries(x):
    """You divide by the sum over all entries. Each row has a sum of its own: use `dim=1` and keep the dimension."""
    x = torch.as_tensor(x)
    exponentials = torch.exp(x - x.max())
    return exponentials / exponentials.sum()
