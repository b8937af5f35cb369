"""The functions of problem 6, question 1, that its later questions use.

Hidden tests of the later questions run with these in place of the student's, so that one mistake is counted once.
The text of this module is what they send.
"""

from collections.abc import Iterable as _Iterable
from collections.abc import Sequence as _Sequence
from typing import Any as _Any

from torch import Tensor as _Tensor
from torch.nn import Module as _Module
from torch.nn.functional import cross_entropy as _cross_entropy
from torch.optim import Optimizer as _Optimizer
from torch.utils.data import DataLoader as _DataLoader
from torch.utils.data import Dataset as _Dataset

from hw4kit import edges as _edges
from hw4kit import training as _training

_Batch = tuple[_Tensor, _Tensor]


def make_dataset(
    data_per_class: int,
    class_type: _Sequence[str] = ("horizontal", "vertical", "none"),
    split: str = "train",
    seed: int = 0,
    **config: _Any,
) -> _edges.EdgeDataset:
    """As question 1 defines it."""
    return _edges.EdgeDataset({**config, "data_per_class": data_per_class, "class_type": class_type}, split, seed)


def make_loader(dataset: _Dataset[_Batch], batch_size: int, shuffle: bool) -> _DataLoader[_Batch]:
    """As question 1 defines it."""
    return _DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)


def train_one_epoch(model: _Module, optimizer: _Optimizer, loader: _Iterable[_Batch]) -> tuple[float, float]:
    """As question 1 defines it."""
    model.train()
    loss_sum, right, count = 0.0, 0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        _training.check_labels(labels, logits.shape[1])
        loss = _cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        right += (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    if not count:
        raise ValueError("the loader has no images")
    return loss_sum / count, right / count


def evaluate(model: _Module, loader: _Iterable[_Batch]) -> tuple[float, float]:
    """As question 1 defines it."""
    import torch as _torch

    model.eval()
    loss_sum, right, count = 0.0, 0, 0
    with _torch.no_grad():
        for images, labels in loader:
            logits = model(images)
            _training.check_labels(labels, logits.shape[1])
            loss_sum += _cross_entropy(logits, labels, reduction="sum").item()
            right += (logits.argmax(1) == labels).sum().item()
            count += len(labels)
    if not count:
        raise ValueError("the loader has no images")
    return loss_sum / count, right / count
