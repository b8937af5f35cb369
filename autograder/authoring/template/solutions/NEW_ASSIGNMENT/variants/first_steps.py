"""Correct answers to the questions of first_steps, in other styles."""

import numpy as np
import torch


def softmax__library(x):
    """torch's own function."""
    return torch.softmax(torch.as_tensor(x), dim=1)


def softmax__numpy(x):
    """numpy, with the largest entry of each row taken off."""
    x = np.asarray(x)
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def softmax__row_by_row(x):
    """A loop over the rows."""
    rows = []
    for row in torch.as_tensor(x):
        exponentials = torch.exp(row - row.max())
        rows.append(exponentials / exponentials.sum())
    return torch.stack(rows)
