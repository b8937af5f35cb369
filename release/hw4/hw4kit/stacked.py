"""Several networks of one architecture, computed together.

Networks this small keep a processor busy with everything but arithmetic. Here the parameters of S networks are
stacked into one tensor each, and one call does the work of all of them, each on its own images. Nothing flows between
the networks: each gets the logits and the gradients it would get alone, up to rounding.

The convolutions are *depthwise*: every pair (input map, output map) of every network and every image is a channel of
its own, and the sum over input maps follows. torch has fast kernels for that, in channels-last order; the gradient
with respect to a filter is a depthwise convolution too, with the gradient of the output as its filter.
Activations have the shape (H, W, maps, B, S): for the kernels these are H x W images with maps*B*S channels.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from hw4kit.models import POOLS, Architecture, ThreeLayerMLP

Parameters = dict[str, Tensor]


def stack(models: Sequence[nn.Module]) -> Parameters:
    """The parameters of ``models`` as leaf tensors with a leading axis S; frozen ones need no gradient.

    Raises ``ValueError`` when the architectures differ.
    """
    states = [dict(model.named_parameters()) for model in models]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if (
        not models
        or any(type(model) is not type(models[0]) for model in models)
        or shapes.count(shapes[0]) < len(shapes)
    ):
        raise ValueError("networks trained together should be at least one, and all of one architecture.")
    stacked = {}
    for name, first in states[0].items():
        value = torch.stack([state[name].detach() for state in states])
        stacked[name] = value.requires_grad_(first.requires_grad)
    return stacked


def unstack(parameters: Parameters, models: Sequence[nn.Module]) -> None:
    """Write stacked parameters back into the networks."""
    with torch.no_grad():
        for number, model in enumerate(models):
            for name, value in model.named_parameters():
                value.copy_(parameters[name][number])


def arrange(model: Architecture, images: Tensor) -> Tensor:
    """Images (S, N, 1, 28, 28) as ``take`` wants them: one row per image, (S*N, pixels).

    For a CNN the border that the first convolution needs is added here, once instead of in every step.
    """
    if isinstance(model, ThreeLayerMLP):
        return images.flatten(0, 1).flatten(1)
    first = getattr(model, model.convs[0])
    padded = F.pad(images.flatten(0, 1), _border(first.kernel_size[0]), mode="reflect")
    return padded.flatten(1)


def take(model: Architecture, arranged: Tensor, index: Tensor) -> Tensor:
    """A batch: for network s the images ``index[s]``; ``index`` is (S, B).

    For an MLP (S, B, pixels); for a CNN (H, W, 1, B, S).
    """
    networks, pixels = len(index), arranged.shape[1]
    row = index + torch.arange(networks).unsqueeze(1) * (len(arranged) // networks)
    if isinstance(model, ThreeLayerMLP):
        return arranged.index_select(0, row.reshape(-1)).view(networks, -1, pixels)
    side = math.isqrt(pixels)
    return arranged.index_select(0, row.T.reshape(-1)).T.reshape(side, side, 1, -1, networks)


def logits(model: Architecture, parameters: Parameters, batch: Tensor) -> Tensor:
    """Logits (S, B, num_classes) of a batch from ``take``; ``model`` says the architecture."""
    if isinstance(model, ThreeLayerMLP):
        hidden = batch
        for name in model.layers[:-1]:
            hidden = F.relu(_linear(parameters, name, hidden))
        return _linear(parameters, model.layers[-1], hidden)
    maps = batch
    for number, name in enumerate(model.convs, start=1):
        weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        padded = maps if number == 1 else _padded(maps, weight.shape[-1])
        maps = _convolved(_paired(padded, weight.shape[1]), weight, bias)
        # ReLU of the largest is the largest of the ReLUs: behind the pooling it has a quarter of the work.
        late = number == model.pool_after and model.pool == "max"
        maps = maps if late else maps.relu_()
        if number == model.pool_after:
            maps = _from_channels(POOLS[model.pool](_as_channels(maps), 2), maps.shape)
        maps = maps.relu_() if late else maps
    return _linear(parameters, "fc", maps.mean(dim=(0, 1)).permute(2, 1, 0))


def _linear(parameters: Parameters, name: str, inputs: Tensor) -> Tensor:
    """(S, B, inputs) to (S, B, outputs)."""
    return torch.baddbmm(parameters[f"{name}.bias"].unsqueeze(1), inputs, parameters[f"{name}.weight"].mT)


def _border(kernel_size: int) -> tuple[int, int, int, int]:
    """Padding that keeps the size, as ``padding="same"`` has it: an even kernel gets the extra pixel at the end."""
    before, after = (kernel_size - 1) // 2, kernel_size // 2
    return before, after, before, after


def _as_channels(maps: Tensor) -> Tensor:
    """(H, W, maps, B, S) as one image (1, maps*B*S, H, W) in channels-last order; shares the memory."""
    return maps.reshape(1, *maps.shape[:2], -1).permute(0, 3, 1, 2)


def _from_channels(image: Tensor, shape: torch.Size) -> Tensor:
    """Back to (H', W', maps, B, S), with the last three sizes of ``shape``."""
    return image.permute(0, 2, 3, 1).reshape(*image.shape[2:], *shape[2:])


def _padded(maps: Tensor, kernel_size: int) -> Tensor:
    return _from_channels(F.pad(_as_channels(maps), _border(kernel_size), mode="reflect"), maps.shape)


def _paired(maps: Tensor, outputs: int) -> Tensor:
    """(H, W, inputs, B, S) to (H, W, inputs, outputs, B, S), each input map once for every output map."""
    return maps.unsqueeze(3).expand(*maps.shape[:3], outputs, *maps.shape[3:])


def _convolved(pairs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Valid cross-correlation of (H, W, inputs, outputs, B, S) with weights (S, outputs, inputs, k, k) and
    biases (S, outputs)."""
    networks, outputs, inputs, size, _ = weight.shape
    batch = pairs.shape[4]
    filters = weight.permute(2, 1, 0, 3, 4).unsqueeze(2).expand(inputs, outputs, batch, networks, size, size)
    # The bias belongs to the sum over input maps: the pairs with the first one bring it in.
    biases = F.pad(bias.T.unsqueeze(1).expand(outputs, batch, networks).reshape(1, -1), (0, 0, 0, inputs - 1)).flatten()
    image: Tensor = _Depthwise.apply(  # type: ignore[no-untyped-call]
        _as_channels(pairs), filters.reshape(-1, 1, size, size), biases
    )
    per_pair = _from_channels(image, pairs.shape)
    return per_pair.sum(dim=2) if inputs > 1 else per_pair.squeeze(2)


class _Depthwise(torch.autograd.Function):
    """Depthwise convolution of one channels-last image (1, C, H, W) with filters (C, 1, k, k) and biases (C,)."""

    @staticmethod
    def forward(ctx: FunctionCtx, image: Tensor, filters: Tensor, biases: Tensor) -> Tensor:
        ctx.save_for_backward(image, filters)
        return F.conv2d(image, filters, biases, groups=len(filters))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        image, filters = ctx.saved_tensors
        channels = len(filters)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        for_image = for_filters = for_biases = None
        if ctx.needs_input_grad[0]:
            # Each pixel collects what the filter spread: the filter turned round, over the gradient and zeros.
            turned, border = filters.flip(2, 3), filters.shape[-1] - 1
            for_image = F.conv2d(gradient, turned, padding=border, groups=channels)
        if ctx.needs_input_grad[1]:
            # Sum over positions of image(position + offset) * gradient(position): again a depthwise convolution.
            as_filters = gradient.transpose(0, 1).contiguous()
            for_filters = F.conv2d(image, as_filters, groups=channels).transpose(0, 1)
        if ctx.needs_input_grad[2]:
            for_biases = gradient.sum(dim=(0, 2, 3))
        return for_image, for_filters, for_biases
