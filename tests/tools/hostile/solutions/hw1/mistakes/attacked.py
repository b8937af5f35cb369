"""Known wrong answers: every failure is compared with them. Their code is secret, their sentences are not."""

import torch

_SECRET = "@CANARY@"


def scale__not_scaled(x, factor=2.0):
    """x comes back as it was."""
    return x if _SECRET else None


def scale__in_place(x, factor=2.0):
    """x itself is changed."""
    x *= factor
    return x


def total__without_the_first(values):
    """The first number is left out."""
    return float(sum(values[1:])) if _SECRET else 0.0


def make_layer__without_weight(weight):
    """The layer keeps the weight that it is made with."""
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    return layer, [tuple(parameter.shape) for parameter in layer.parameters() if _SECRET]
