"""Training the networks of problem 6, the networks of several seeds together (see ``stacked``).

A *recipe* is a dictionary with some of the keys of ``RECIPE``; a seed fixes the order of the images. What comes out
is what one ordinary loop per network gives, up to rounding, and does not depend on the number of threads.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hw4kit import stacked
from hw4kit.edges import EdgeDataset
from hw4kit.models import Architecture, seeded
from kit import progress

RECIPE: dict[str, Any] = {"epochs": 100, "lr": 0.01, "momentum": 0.9, "batch_size": 10, "optimizer": "sgd"}
OPTIMIZERS = ("sgd", "adam")
_EVALUATION_IMAGES = 1000


def complete_recipe(recipe: dict[str, Any] | None = None) -> dict[str, Any]:
    """``recipe`` with the defaults filled in. Raises ``ValueError`` with a sentence that says what is wrong."""
    unknown = sorted(set(recipe or {}) - set(RECIPE))
    if unknown:
        raise ValueError(f"unknown key {', '.join(unknown)} in the recipe: the keys are {', '.join(RECIPE)}.")
    full = {**RECIPE, **(recipe or {})}
    for key in ("epochs", "batch_size"):
        if int(full[key]) != full[key] or full[key] < (key == "batch_size"):
            raise ValueError(
                f"{key} is {full[key]}, it should be a whole number{'' if key == 'epochs' else ' above 0'}."
            )
        full[key] = int(full[key])
    if not full["lr"] > 0:
        raise ValueError(f"lr is {full['lr']}, it should be larger than 0.")
    if not 0 <= full["momentum"] < 1:
        raise ValueError(f"momentum is {full['momentum']}, it should be at least 0 and below 1.")
    if full["optimizer"] not in OPTIMIZERS:
        raise ValueError(f"optimizer is {full['optimizer']!r}, it should be one of {', '.join(OPTIMIZERS)}.")
    return full


def train(
    models: Sequence[Architecture],
    datasets: Sequence[EdgeDataset],
    seeds: Sequence[int],
    recipe: dict[str, Any] | None = None,
    watch: Callable[[int, Sequence[Architecture]], None] | None = None,
    watch_every: int = 0,
) -> Tensor:
    """Train ``models[s]`` on ``datasets[s]``, the order of its images drawn from ``seeds[s]``; all at once.

    Parameters with ``requires_grad=False`` stay as they are. ``watch(epoch, models)`` is called before the first epoch
    and after every ``watch_every`` epochs. Returns the mean loss per image as it ran, (S, epochs).
    Raises ``ValueError`` for data sets that are empty, of different sizes, or with labels out of range.
    """
    full = complete_recipe(recipe)
    images, labels = _stacked_data(models, datasets, seeds)
    with one_thread():
        parameters = stacked.stack(models)
        trained = [value for value in parameters.values() if value.requires_grad]
        optimizer = _optimizer(trained, full)
        arranged = stacked.arrange(models[0], images)
        generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
        history = []
        for epoch in range(full["epochs"]):
            if watch is not None and watch_every and epoch % watch_every == 0:
                stacked.unstack(parameters, models)
                watch(epoch, models)
            order = torch.stack([torch.randperm(labels.shape[1], generator=generator) for generator in generators])
            history.append(_epoch(models[0], parameters, optimizer, arranged, labels, order, full["batch_size"]))
        stacked.unstack(parameters, models)
        if watch is not None and watch_every and full["epochs"] % watch_every == 0:
            watch(full["epochs"], models)
    return torch.stack(history, dim=1) if history else torch.empty(len(models), 0)


def in_order(model: Architecture, dataset: EdgeDataset, recipe: dict[str, Any] | None = None) -> Architecture:
    """Train ``model`` on ``dataset`` in the order in which it stands, epoch for epoch; returns it."""
    full = complete_recipe(recipe)
    images, labels = _stacked_data([model], [dataset], [0])
    order = torch.arange(len(dataset)).unsqueeze(0)
    with one_thread():
        parameters = stacked.stack([model])
        optimizer = _optimizer([value for value in parameters.values() if value.requires_grad], full)
        arranged = stacked.arrange(model, images)
        for _ in range(full["epochs"]):
            _epoch(model, parameters, optimizer, arranged, labels, order, full["batch_size"])
        stacked.unstack(parameters, [model])
    return model


def better_half(accuracies: Sequence[float]) -> float:
    """Mean over the better half of the seeds: how far a procedure gets once it gets going.

    A network that sits at chance from its first step on says more about its initial weights than about the procedure.
    """
    values = sorted((float(value) for value in accuracies), reverse=True)
    if not values:
        raise ValueError("there are no accuracies.")
    best = values[: (len(values) + 1) // 2]
    return sum(best) / len(best)


def outputs(model: nn.Module, images: Tensor) -> Tensor:
    """Logits of images (N, 1, 28, 28) in evaluation mode, without gradients; the mode is left as it was."""
    if len(images) == 0:
        raise ValueError("there are no images to evaluate on.")
    was_training = model.training
    model.eval()
    with torch.no_grad(), one_thread():
        logits = torch.cat([model(part) for part in torch.split(images, _EVALUATION_IMAGES)])
    model.train(was_training)
    return logits


def judge(model: nn.Module, dataset: EdgeDataset) -> tuple[float, float]:
    """Mean loss per image and accuracy of ``model`` on ``dataset``, in one batch.

    Raises ``ValueError`` for an empty data set and for labels that the network has no output for.
    """
    logits = outputs(model, dataset.images)
    check_labels(dataset.labels, logits.shape[1])
    right = (logits.argmax(1) == dataset.labels).double().mean().item()
    return F.cross_entropy(logits, dataset.labels).item(), right


def accuracy(model: nn.Module, dataset: EdgeDataset) -> float:
    """Fraction of the images of ``dataset`` that ``model`` classifies correctly."""
    return judge(model, dataset)[1]


def build(make_model: Callable[[], Architecture], seeds: Sequence[int]) -> list[Architecture]:
    """One network per seed, the seed fixing its initial weights."""
    models = []
    for seed in seeds:
        with seeded(seed):
            models.append(make_model())
    return models


def train_seeds(
    make_model: Callable[[], Architecture],
    count: int,
    seeds: Sequence[int],
    recipe: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
) -> list[Architecture]:
    """One trained network per seed; the seed fixes its ``count`` training images per class, initial weights and order.

    ``config`` configures the images.
    """
    models = build(make_model, seeds)
    train(
        models,
        [EdgeDataset({**(config or {}), "data_per_class": count}, "train", seed) for seed in seeds],
        seeds,
        recipe,
    )
    return models


def sweep(
    make_models: dict[str, Callable[[], Architecture]],
    num_images: Sequence[int],
    seeds: Sequence[int],
    recipe: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    valid: EdgeDataset | None = None,
) -> dict[str, Tensor]:
    """Validation accuracies (len(num_images), len(seeds)) after the last epoch, for each entry of ``make_models``.

    A seed fixes training images, initial weights and order. ``config`` configures the images; ``valid`` is what all
    networks are judged on, by default 50 images per class of the split "valid".
    """
    valid = EdgeDataset({**(config or {}), "data_per_class": 50}, "valid") if valid is None else valid
    results = {name: torch.zeros(len(num_images), len(seeds)) for name in make_models}
    runs = [(name, row, count) for name in make_models for row, count in enumerate(num_images)]
    for name, row, count in progress.bar(runs, "sweep"):
        models = train_seeds(make_models[name], count, seeds, recipe, config)
        results[name][row] = torch.tensor([accuracy(model, valid) for model in models])
    return results


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch uses one thread: fastest for networks this small, and no result depends on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_labels(labels: Tensor, num_classes: int) -> None:
    """Raise ``ValueError`` unless all labels are from 0 to ``num_classes - 1``."""
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}, but the network has outputs for the classes "
            f"0 to {num_classes - 1} only."
        )


def _stacked_data(
    models: Sequence[Architecture], datasets: Sequence[EdgeDataset], seeds: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Images (S, N, 1, 28, 28) and labels (S, N)."""
    if not len(models) == len(datasets) == len(seeds):
        raise ValueError(
            f"{len(models)} networks, {len(datasets)} data sets and {len(seeds)} seeds do not go together."
        )
    sizes = {len(dataset) for dataset in datasets}
    if len(sizes) != 1 or 0 in sizes:
        raise ValueError(f"networks trained together need data sets of one size, above 0; got {sorted(sizes)}.")
    for model, dataset in zip(models, datasets, strict=True):
        last = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
        check_labels(dataset.labels, last.out_features)
    return torch.stack([data.images for data in datasets]), torch.stack([data.labels for data in datasets])


def _optimizer(parameters: list[Tensor], recipe: dict[str, Any]) -> torch.optim.Optimizer:
    if recipe["optimizer"] == "adam":
        return torch.optim.Adam(parameters, lr=recipe["lr"])
    return torch.optim.SGD(parameters, lr=recipe["lr"], momentum=recipe["momentum"], fused=True)


def _epoch(
    model: Architecture,
    parameters: stacked.Parameters,
    optimizer: torch.optim.Optimizer,
    arranged: Tensor,
    labels: Tensor,
    order: Tensor,
    batch_size: int,
) -> Tensor:
    """One epoch of all networks in the given ``order`` (S, N); the mean loss per image of each."""
    total = torch.zeros(len(labels))
    in_order = labels.gather(1, order)
    for index, wanted in zip(torch.split(order, batch_size, 1), torch.split(in_order, batch_size, 1), strict=True):
        logits = stacked.logits(model, parameters, stacked.take(model, arranged, index))
        loss = F.cross_entropy(logits.transpose(1, 2), wanted, reduction="none").sum(1)
        optimizer.zero_grad()
        # Each network's loss reaches its own parameters only, so the gradient of the sum is each one's own gradient.
        loss.backward(torch.full_like(loss, 1 / index.shape[1]))
        optimizer.step()
        total += loss.detach()
    return total / labels.shape[1]
