"""Oracle of problem 6: networks, training and judging in float64, from the definitions.

A network is plain data here, as the tests receive it: ``{"architecture", "settings", "weights"}``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Network = dict[str, Any]
Weights = dict[str, Tensor]

_AT_ONCE = 30  # images whose patches fit into a processor's cache

# Source of stand-ins for the functions of question 1, sent into the student's process.
HELPERS = (Path(__file__).parent / "edge_detection_helpers.py").read_text(encoding="utf-8")


def logits(network: Network, images: Any) -> Tensor:
    """Logits (N, num_classes) of images (N, 1, 28, 28); problem 6, "Models"."""
    weights, parts = _double(network["weights"]), torch.split(torch.as_tensor(images).double(), _AT_ONCE)
    return torch.cat([_logits(network, weights, part) for part in parts])


def evaluation(network: Network, images: Any, labels: Any) -> tuple[float, float]:
    """Mean cross-entropy per image and accuracy."""
    with torch.no_grad():
        scores = logits(network, images)
    return _cross_entropy(scores, labels).mean().item(), _share_right(scores, labels)


def check_simple_cnn(network: Network) -> None:
    """Raise ``AssertionError`` unless the weights are those of a ``SimpleCNN`` for three classes with three filters."""
    size = int(network["settings"].get("kernel_size", 0))
    shapes = {name: tuple(torch.as_tensor(value).shape) for name, value in network["weights"].items()}
    expected = {
        "conv1.weight": (3, 1, size, size),
        "conv1.bias": (3,),
        "conv2.weight": (3, 3, size, size),
        "conv2.bias": (3,),
        "fc.weight": (3, 3),
        "fc.bias": (3,),
    }
    if network["architecture"] != "SimpleCNN" or network["settings"].get("pool") != "max" or shapes != expected:
        raise AssertionError("the networks should be SimpleCNNs with three filters: delete results/ and run again.")


def accuracy(network: Network, images: Any, labels: Any) -> float:
    """Share of images classified correctly, judged from weights that are only data.

    Raises ``AssertionError`` when the weights are not finite.
    """
    if not all(torch.isfinite(value).all() for value in _double(network["weights"]).values()):
        raise AssertionError("the weights are not finite: the training diverged, try a smaller learning rate.")
    return evaluation(network, images, labels)[1]


def training(
    network: Network,
    images: Any,
    labels: Any,
    epochs: int = 2,
    batch_size: int = 10,
    lr: float = 0.01,
    momentum: float = 0.9,
) -> tuple[Weights, list[tuple[float, float]]]:
    """Weights after ``epochs`` of SGD in the given order, and the (mean loss, accuracy) of each epoch as it ran."""
    images, labels = torch.as_tensor(images), torch.as_tensor(labels)
    epoch = list(zip(images.split(batch_size), labels.split(batch_size), strict=True))
    weights, judged = sgd(network, epochs * epoch, lr, momentum)
    history = []
    for start in range(0, len(judged), len(epoch)):
        losses, right = map(torch.cat, zip(*judged[start : start + len(epoch)], strict=True))
        history.append((losses.mean().item(), right.double().mean().item()))
    return weights, history


def sgd(
    network: Network, batches: Sequence[tuple[Any, Any]], lr: float = 0.01, momentum: float = 0.9
) -> tuple[Weights, list[tuple[Tensor, Tensor]]]:
    """Weights after a step for each of the ``batches`` of images and labels, and what the network gave before each.

    v <- momentum v + gradient, w <- w - lr v; the gradient is that of a batch's mean loss. What the network gave is the
    loss of each image, and whether it was classified correctly.
    """
    weights = _double(network["weights"])
    velocity = {name: torch.zeros_like(value) for name, value in weights.items()}
    judged = []
    for images, labels in batches:
        leaves = {name: value.clone().requires_grad_() for name, value in weights.items()}
        scores = _logits(network, leaves, torch.as_tensor(images).double())
        losses = _cross_entropy(scores, labels)
        gradients = torch.autograd.grad(losses.mean(), list(leaves.values()))
        for name, gradient in zip(leaves, gradients, strict=True):
            velocity[name] = momentum * velocity[name] + gradient
            weights[name] = weights[name] - lr * velocity[name]
        judged.append((losses.detach(), scores.argmax(1) == torch.as_tensor(labels)))
    return weights, judged


def confusion_matrix(network: Network, images: Any, labels: Any, num_classes: int) -> np.ndarray:
    """Counts (num_classes, num_classes): rows true, columns predicted."""
    counts = np.zeros((num_classes, num_classes))
    predicted = logits(network, images).argmax(1).tolist()
    for true, guess in zip(torch.as_tensor(labels).tolist(), predicted, strict=True):
        counts[true, guess] += 1
    return counts


def permute_pixels(images: Any, permutation: Any) -> np.ndarray:
    """Images (N, 1, H, W) whose pixel i, in row-major order, is pixel ``permutation[i]`` of the original."""
    images = np.asarray(images, dtype=np.float64)
    result: np.ndarray = np.empty_like(images).reshape(len(images), -1)
    for target, source in enumerate(np.asarray(permutation).tolist()):
        result[:, target] = images.reshape(len(images), -1)[:, source]
    return result.reshape(images.shape)


def invert_permutation(permutation: Any) -> np.ndarray:
    """The permutation q with q[permutation[i]] = i."""
    order = np.asarray(permutation).tolist()
    return np.array([order.index(number) for number in range(len(order))], dtype=np.float64)


def edge_detectors(network: Network) -> Weights:
    """Both convolutions' weights and biases with the detectors of question 2 in place, the rest as it was."""
    horizontal = torch.zeros(7, 7, dtype=torch.float64)
    horizontal[2], horizontal[3] = 1.0, -1.0
    weights = _double(network["weights"])
    for number, detector in enumerate((horizontal, horizontal.T)):
        weights["conv1.weight"][number, 0] = detector
        for channel in range(weights["conv2.weight"].shape[1]):
            weights["conv2.weight"][number, channel] = detector
    weights["conv1.bias"], weights["conv2.bias"] = (torch.zeros_like(weights[f"conv{i}.bias"]) for i in (1, 2))
    return weights


def _double(weights: Any) -> Weights:
    return {name: torch.as_tensor(value).detach().double().clone() for name, value in weights.items()}


def _logits(network: Network, weights: Weights, images: Tensor) -> Tensor:
    if network["architecture"] == "ThreeLayerMLP":
        hidden = images.reshape(len(images), -1)
        for name in ("fc1", "fc2"):
            hidden = (hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]).clamp(min=0)
        return hidden @ weights["fc3.weight"].T + weights["fc3.bias"]
    if network["architecture"] not in ("SimpleCNN", "WiderCNN"):
        raise AssertionError(f"expected a SimpleCNN or a ThreeLayerMLP, got a {network['architecture']}.")
    maps = _convolution(images, weights["conv1.weight"], weights["conv1.bias"]).clamp(min=0)
    windows = maps.unfold(2, 2, 2).unfold(3, 2, 2)
    maps = windows.amax(dim=(4, 5)) if network["settings"].get("pool", "max") == "max" else windows.mean(dim=(4, 5))
    maps = _convolution(maps, weights["conv2.weight"], weights["conv2.bias"]).clamp(min=0)
    return maps.mean(dim=(2, 3)) @ weights["fc.weight"].T + weights["fc.bias"]


def _convolution(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Cross-correlation that keeps the size, the image mirrored at its border (the border itself not doubled)."""
    before, after = (weight.shape[-1] - 1) // 2, weight.shape[-1] // 2
    return F.conv2d(F.pad(maps, (before, after, before, after), mode="reflect"), weight, bias)


def _cross_entropy(scores: Tensor, labels: Any) -> Tensor:
    """-log softmax of the true class, per image."""
    true = scores[torch.arange(len(scores)), torch.as_tensor(labels)]
    return torch.logsumexp(scores, dim=1) - true


def _share_right(scores: Tensor, labels: Any) -> float:
    return (scores.argmax(1) == torch.as_tensor(labels)).double().mean().item()
