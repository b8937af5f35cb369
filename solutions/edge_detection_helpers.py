"""The functions of problem 6, question 1, that its later questions use.

Hidden tests of the later questions run with these in place of the student's, so that one mistake is counted once.
The text of this module is what they send.
"""

from hw4kit import edges as _edges
from hw4kit import training as _training
from torch.nn.functional import cross_entropy as _cross_entropy
from torch.utils.data import DataLoader as _DataLoader


def make_dataset(data_per_class, class_type=("horizontal", "vertical", "none"), split="train", seed=0, **config):
    """As question 1 defines it."""
    return _edges.EdgeDataset({**config, "data_per_class": data_per_class, "class_type": class_type}, split, seed)


def make_loader(dataset, batch_size, shuffle):
    """As question 1 defines it."""
    return _DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)


def train_one_epoch(model, optimizer, loader):
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


def evaluate(model, loader):
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
