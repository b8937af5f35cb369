"""Bands at every place of an image, and how well networks see them there; problem 6."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hw4kit import edges, training
from hw4kit.models import SIZE, Architecture

_REPEATS, _SEED = 8, 6


def accuracy_by_end(networks: Sequence[Architecture], beyond: int = 0) -> Tensor:
    """Share of bands that each network classifies correctly, by where the band ends, (len(networks), 2, 28).

    Entry [i, 0, e - 1] is about network i and horizontal bands that end at e, the first row below them; [i, 1, e - 1]
    about vertical ones, where e is the first column to their right. Every place counts the same, with random
    intensities and backgrounds.

    With ``beyond`` (an even number) the CNN sees that many more rows (columns) of background behind the last one, and
    nothing else changes: its average still divides by the number of pixels of the usual map.
    """
    shares = torch.zeros(len(networks), 2, SIZE)
    for label in (0, 1):
        images, backgrounds, ends = _bands(label, beyond)
        counts = torch.bincount(ends - 1, minlength=SIZE)
        for number, network in enumerate(networks):
            logits = _logits_beyond(network, images, backgrounds) if beyond else training.outputs(network, images)
            right = (logits.argmax(1) == label).float()
            shares[number, label] = torch.bincount(ends - 1, right, minlength=SIZE) / counts
    return shares


def _bands(label: int, beyond: int) -> tuple[Tensor, Tensor, Tensor]:
    """All places of one orientation several times: images (N, 1, H, W), backgrounds (N, 1, 1, 1) and ends (N,)."""
    limits = edges.DEFAULTS
    places = _REPEATS * edges.bands()
    generator = torch.Generator().manual_seed(_SEED + label)

    def levels(what: str) -> Tensor:
        low, high = limits[f"min_{what}_intensity"], limits[f"max_{what}_intensity"]
        drawn: Tensor = low + (high - low) * torch.rand(len(places), 1, 1, generator=generator)
        return (255 * drawn).round() / 255

    backgrounds, intensities = levels("background"), levels("edge")
    start, width = (torch.tensor(column).view(-1, 1, 1) for column in zip(*places, strict=True))
    row = torch.arange(SIZE + beyond).view(1, -1, 1)
    covered = ((row >= start) & (row < start + width)).expand(-1, -1, SIZE)
    images = torch.where(covered, intensities, backgrounds)
    if edges.CLASSES[label] == "vertical":
        images = images.transpose(1, 2)
    return images.unsqueeze(1).contiguous(), backgrounds.unsqueeze(1), (start + width).flatten()


def _logits_beyond(network: Architecture, images: Tensor, backgrounds: Tensor) -> Tensor:
    """Logits of images larger than 28x28: what a band adds to the background's features, over the usual area."""
    usual = backgrounds.expand(-1, -1, SIZE, SIZE)
    added = _features(network, images) - _features(network, backgrounds.expand_as(images))
    with torch.no_grad(), training.one_thread():
        area = images.shape[2] * images.shape[3] / SIZE**2
        logits: Tensor = network.get_submodule("fc")(_features(network, usual) + area * added)
    return logits


def _features(network: Architecture, images: Tensor) -> Tensor:
    """What the network's last layer gets, (N, filters)."""
    seen: list[Tensor] = []
    handle = network.get_submodule("fc").register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    try:
        training.outputs(network, images)
    finally:
        handle.remove()
    return torch.cat(seen)
