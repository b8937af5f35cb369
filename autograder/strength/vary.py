"""Other arguments of the same kind, for inputs that no test thought of."""

import random
from typing import Any

import numpy as np
import torch


def varied(request: list[Any], chance: random.Random) -> list[Any]:
    """A request of a test with other arguments, when it is a call."""
    if request[0] != "call":
        return request
    operation, function, arguments, keywords = request
    return [operation, function, _other(arguments, chance), _other(keywords, chance)]


def _other(value: Any, chance: random.Random) -> Any:
    if type(value) in (list, tuple):
        return type(value)(_other(item, chance) for item in value)
    if type(value) is dict:
        return {key: _other(item, chance) for key, item in value.items()}
    if type(value) is bool:
        return value if chance.random() < 0.9 else not value
    if type(value) is int:
        return max(value + chance.choice((-2, -1, 0, 0, 1, 2, value, 9 * value)), min(value, 1))
    if type(value) is float:
        return value * chance.uniform(0.5, 2) * chance.choice((1, 1, 1, 0.01, 100))
    if isinstance(value, torch.Tensor) and not value.is_complex():
        other = torch.from_numpy(
            _other_array(value.detach().to(torch.float64).numpy(), value.is_floating_point(), chance)
        )
        return other.to(value.dtype).requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
        return _other_array(value.astype(np.float64), value.dtype.kind == "f", chance).astype(value.dtype)
    return value


def _other_array(array: np.ndarray, is_real: bool, chance: random.Random) -> np.ndarray:
    """Its numbers in another order, and real ones with other signs, rounded (for ties), scaled, or with a row less.

    Whole numbers are labels, indices, permutations: others in their place would mean nothing.
    """
    generator = np.random.default_rng(chance.getrandbits(32))
    other = generator.permutation(array.ravel()).reshape(array.shape)
    match chance.randrange(6) if is_real else None:
        case 0:
            other = other * generator.choice((-1, 1), array.shape)
        case 1:
            other = np.round(other)
        case 2:
            other = other * chance.choice((0.01, 100))
        case 3 if max(array.shape, default=0) > 1:
            axis = chance.choice([axis for axis, size in enumerate(array.shape) if size > 1])
            other = np.delete(other, -1, axis)
        case 4:
            other = array
    return np.ascontiguousarray(other).reshape(other.shape)
