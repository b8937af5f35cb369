"""The networks of problem 6, for grey images of 28x28 pixels.

Building one draws its weights from torch's global generator and nothing else: seed it with
``torch.manual_seed``, or build inside ``seeded(seed)``, which leaves the global generator as it found it.

As plain data a network is a dictionary ``{"architecture", "settings", "weights"}``: see ``describe`` and ``restore``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZE = 28
Network = dict[str, Any]
POOLS: dict[str, Callable[[Tensor, int], Tensor]] = {"max": F.max_pool2d, "avg": F.avg_pool2d}


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global generator starts from ``seed``; afterwards it goes on as if nothing had happened."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


class _CNN(nn.Module):
    """Convolutions that keep the size, each followed by ReLU, one 2x2 pooling, a global average, a linear layer.

    ``convs`` names the convolutions in order; the pooling comes after number ``pool_after`` of them; ``settings`` are
    the arguments that build the same architecture again.
    """

    convs: tuple[str, ...]
    pool_after: int

    def __init__(self, widths: tuple[int, ...], kernel_size: int, num_classes: int, pool: str) -> None:
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f"pool is {pool!r}, it should be one of {', '.join(POOLS)}.")
        # Reflection at the border of the 14x14 maps behind the pooling has at most 13 pixels to mirror.
        if not 1 <= kernel_size < SIZE:
            raise ValueError(
                f"kernel_size is {kernel_size}, it should be from 1 to {SIZE - 1} for {SIZE}x{SIZE} images."
            )
        self.pool = pool
        self.settings = {"kernel_size": kernel_size, "num_classes": num_classes, "pool": pool}
        for name, inputs, outputs in zip(self.convs, (1, *widths[:-1]), widths, strict=True):
            layer = nn.Conv2d(inputs, outputs, kernel_size, padding="same", padding_mode="reflect")
            self.add_module(name, layer)
        self.fc = nn.Linear(widths[-1], num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, num_classes) of images (N, 1, 28, 28)."""
        maps = images
        for number, name in enumerate(self.convs, start=1):
            maps = F.relu(getattr(self, name)(maps))
            if number == self.pool_after:
                maps = POOLS[self.pool](maps, 2)
        logits: Tensor = self.fc(maps.mean(dim=(2, 3)))
        return logits


class SimpleCNN(_CNN):
    """conv1, ReLU, 2x2 pooling, conv2, ReLU, global average pooling, fc.

    ``pool`` is ``"max"`` or ``"avg"``. Images (N, 1, 28, 28) give logits (N, num_classes).
    """

    convs = ("conv1", "conv2")
    pool_after = 1

    def __init__(self, num_filters: int = 3, kernel_size: int = 7, num_classes: int = 3, pool: str = "max") -> None:
        super().__init__((num_filters,) * 2, kernel_size, num_classes, pool)
        self.settings["num_filters"] = num_filters


class WiderCNN(SimpleCNN):
    """``SimpleCNN`` with six filters in each convolution."""

    def __init__(self, kernel_size: int = 7, num_classes: int = 3, pool: str = "max") -> None:
        super().__init__(6, kernel_size, num_classes, pool)
        del self.settings["num_filters"]


class DeeperCNN(_CNN):
    """Four convolutions with three filters each, the pooling after the second."""

    convs = ("conv1", "conv2", "conv3", "conv4")
    pool_after = 2

    def __init__(self, num_filters: int = 3, kernel_size: int = 7, num_classes: int = 3, pool: str = "max") -> None:
        super().__init__((num_filters,) * 4, kernel_size, num_classes, pool)
        self.settings["num_filters"] = num_filters


class ThreeLayerMLP(nn.Module):
    """Three linear layers with ReLU between them: 784, ``hidden_dims``, ``num_classes``."""

    layers = ("fc1", "fc2", "fc3")

    def __init__(self, hidden_dims: tuple[int, int] = (50, 10), num_classes: int = 3) -> None:
        super().__init__()
        first, second = hidden_dims
        self.settings = {"hidden_dims": [first, second], "num_classes": num_classes}
        self.fc1 = nn.Linear(SIZE * SIZE, first)
        self.fc2 = nn.Linear(first, second)
        self.fc3 = nn.Linear(second, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, num_classes) of images (N, 1, 28, 28)."""
        hidden = F.relu(self.fc1(images.flatten(1)))
        logits: Tensor = self.fc3(F.relu(self.fc2(hidden)))
        return logits


Architecture = _CNN | ThreeLayerMLP
ARCHITECTURES: dict[str, type[Architecture]] = {
    architecture.__name__: architecture for architecture in (SimpleCNN, WiderCNN, DeeperCNN, ThreeLayerMLP)
}
_LARGEST = 256


def from_settings(architecture: str, settings: dict[str, Any]) -> Architecture:
    """A network by the name of its class and its ``settings``, as saved results and the grader have them.

    The settings may come from anybody: ``ValueError`` unless the name is known and every size is reasonable.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"{architecture!r} is none of the networks {', '.join(ARCHITECTURES)}.")
    sizes = [*settings.get("hidden_dims", ()), *(v for k, v in settings.items() if k not in ("hidden_dims", "pool"))]
    if not all(type(size) is int and 1 <= size <= _LARGEST for size in sizes):
        raise ValueError(f"the settings of a {architecture} should be whole numbers from 1 to {_LARGEST}.")
    try:
        with seeded(0):
            return ARCHITECTURES[architecture](**settings)
    except TypeError as error:
        raise ValueError(f"the settings do not fit a {architecture}: {error}") from None


def describe(model: nn.Module) -> Network:
    """A network as plain data. Raises ``ValueError`` for anything but a network of ``hw4kit.models``."""
    if type(model) not in ARCHITECTURES.values():
        raise ValueError(f"expected a network of hw4kit.models, got {type(model).__name__}.")
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    return {"architecture": type(model).__name__, "settings": model.settings, "weights": weights}


def restore(description: Network) -> Architecture:
    """The network that ``describe`` described, in training mode, its weights independent of the description."""
    model = from_settings(description["architecture"], description["settings"])
    model.load_state_dict({name: torch.as_tensor(value) for name, value in description["weights"].items()})
    return model


def network(architecture: str, seed: int, **settings: Any) -> Network:
    """A freshly initialised network as plain data."""
    with seeded(seed):
        return describe(ARCHITECTURES[architecture](**settings))
