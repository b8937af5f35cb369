"""Tries a function of the notebook on given numbers: plain data in, plain data out.

The tests of problem 6 need networks, optimizers and loaders on which the student's function works. Those are made
here, next to that function; what a test hands over and gets back are tensors, numbers, strings, lists and
dictionaries. A network travels as a dictionary ``{"architecture", "settings", "weights"}``.

``helpers`` is Python source that defines stand-ins for other functions of the notebook; they replace these while the
function runs, so that a mistake in one answer is not counted again in another. Without ``helpers``, functions that
build on question 1 are tried only if its answers work (see ``earlier_problem``).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from hw4kit import edges, models, training
from hw4kit.experiments import experiment
from kit import boxes, progress
from kit.explain import UNANSWERED

# A function of the notebook, which may return anything.
Answer = Callable[..., Any]
_MOST_EPOCHS, _MOST_KERNEL, _LEAST_BATCH = 400, 15, 5
CONFIGURATION = {**training.RECIPE, "epochs": 30, "kernel_size": 7}


def contents(make_dataset: Answer, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """What a data set holds, item by item: images (N, 1, 28, 28) and labels (N,)."""
    dataset = make_dataset(*args, **kwargs)
    items = [dataset[number] for number in range(len(dataset))]
    images = torch.stack([torch.as_tensor(np.asarray(image)) for image, _ in items])
    return {"images": images, "labels": torch.tensor([int(label) for _, label in items])}


def batches(
    make_loader: Answer, images: Tensor, labels: Tensor, batch_size: int, shuffle: bool, passes: int = 1
) -> list[list[tuple[Tensor, Tensor]]]:
    """For each pass over the loader its batches, as pairs of images and labels."""
    loader = make_loader(TensorDataset(images, labels), batch_size, shuffle)
    return [[tuple(batch) for batch in loader] for _ in range(passes)]


def epochs(
    train_one_epoch: Answer,
    start: models.Network,
    images: Tensor,
    labels: Tensor,
    count: int = 2,
    batch_size: int = 10,
    lr: float = 0.01,
    momentum: float = 0.9,
    train_mode: bool = True,
) -> dict[str, Any]:
    """Train ``start`` for ``count`` epochs of SGD on a plain unshuffled loader.

    Gives the ``network`` afterwards, what each call returned (``returned``), and whether each forward pass found the
    network in training mode (``modes``).
    """
    model = models.restore(start).train(train_mode)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size)
    with training.one_thread(), _watched(model) as seen:
        returned = [_numbers(train_one_epoch(model, optimizer, loader)) for _ in range(count)]
    return {"network": models.describe(model), "returned": returned, "modes": seen["modes"]}


def evaluation(
    evaluate: Answer,
    description: models.Network,
    images: Tensor,
    labels: Tensor,
    batch_size: int = 10,
    train_mode: bool = True,
) -> dict[str, Any]:
    """What ``evaluate`` returns, the ``modes`` of its forward passes, whether gradients were recorded (``gradients``)
    and the ``network`` afterwards."""
    model = models.restore(description).train(train_mode)
    loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size)
    with training.one_thread(), _watched(model) as seen:
        returned = _numbers(evaluate(model, loader))
    return {
        "returned": returned,
        "modes": seen["modes"],
        "gradients": seen["gradients"],
        "network": models.describe(model),
    }


def confusion(
    confusion_matrix: Answer,
    description: models.Network,
    images: Tensor,
    labels: Tensor,
    num_classes: int,
    shuffle: bool = False,
) -> dict[str, Any]:
    """The matrix, and how many images went through the network (``images``)."""
    model = models.restore(description)
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(TensorDataset(images, labels), batch_size=8, shuffle=shuffle, generator=generator)
    with training.one_thread(), _watched(model) as seen:
        matrix = confusion_matrix(model, loader, num_classes)
    return {"matrix": torch.as_tensor(np.asarray(matrix)), "images": sum(len(images) for images in seen["images"])}


def sweeping(
    sweep: Answer,
    num_images: Sequence[int],
    seeds: Sequence[int],
    count: int,
    valid_images: Tensor,
    valid_labels: Tensor,
    helpers: str = "",
    global_seed: int = 0,
) -> dict[str, Any] | None:
    """Run ``sweep`` with small MLPs; ``global_seed`` seeds torch's global generator before it starts.

    Gives the ``accuracies`` and, for each network that was made, the accuracy it ends with on the validation images
    (``judged``), the network at the beginning and at the end (``initial``, ``final``), and the batches of images it saw
    with gradients on (``saw``). None, and a note that says why, when it could not be tried.
    """
    if not helpers and not _ready(sweep):
        return None
    made: list[nn.Module] = []
    initial: list[models.Network] = []

    def make_model() -> nn.Module:
        made.append(models.ThreeLayerMLP(hidden_dims=(12, 8)))
        initial.append(models.describe(made[-1]))
        made[-1].register_forward_pre_hook(_remember)
        return made[-1]

    valid = edges.EdgeDataset({"data_per_class": 1})
    valid.images, valid.labels = valid_images, valid_labels
    loader = DataLoader(valid, batch_size=10)
    with models.seeded(global_seed), _standing_in(sweep, helpers), training.one_thread(), progress.silent():
        accuracies = sweep(list(num_images), list(seeds), count, make_model, loader)
    saw = [getattr(model, "seen", []) for model in made]
    judged = [training.accuracy(model, valid) for model in made]
    values = torch.as_tensor(np.asarray(accuracies, dtype=np.float64))
    final = [models.describe(model) for model in made]
    return {"accuracies": values, "judged": judged, "initial": initial, "final": final, "saw": saw}


def changed(change: Answer, description: models.Network) -> models.Network:
    """The network after ``change(model)``: what it returns if that is a network, else its argument."""
    model = models.restore(description)
    returned = change(model)
    return models.describe(returned if isinstance(returned, nn.Module) else model)


def returns_network(change: Answer, description: models.Network) -> bool:
    """Whether ``change(model)`` returns a network."""
    return isinstance(change(models.restore(description)), nn.Module)


def trained_after(change: Answer, description: models.Network, images: Tensor, labels: Tensor) -> models.Network:
    """The network after ``change(model)`` and a few steps of SGD on every parameter that still takes gradients."""
    given = models.restore(description)
    returned = change(given)
    model = returned if isinstance(returned, nn.Module) else given
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model.train()
    with training.one_thread():
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
    return models.describe(model)


def result(name: str, run: Callable[[], Any], helpers: str = "") -> list[models.Network] | None:
    """The networks that ``run`` returns, through ``experiment``: loaded when they are saved, otherwise trained now.

    None, and a note that says why, when it could not be tried. With ``helpers`` nothing is loaded or saved.
    """
    if not helpers and not _ready(run):
        return None
    with progress.silent(), _standing_in(run, helpers):
        networks = run() if helpers else experiment(name, run)
    return [models.describe(model) for model in networks]


def earlier_problem(function: Answer) -> str | None:
    """What is wrong with the answers of question 1 that ``function`` finds in its notebook; None when they work."""
    data = edges.EdgeDataset({"data_per_class": 4})
    start = models.network("ThreeLayerMLP", seed=0, hidden_dims=(6, 4))
    for name, works in _WORKING.items():
        answer = function.__globals__.get(name)
        try:
            if answer is None or not works(answer, start, data):
                return f"{name} is not right yet"
        except Exception as error:
            is_open = isinstance(error, NotImplementedError) and UNANSWERED in str(error)
            return f"{name} is not answered yet" if is_open else f"{name} ends with {type(error).__name__}: {error}"
    return None


def _ready(function: Answer) -> bool:
    """Whether the answers that ``function`` builds on work. One that is not answered itself is tried, and says so."""
    problem = None if _is_stub(function) else earlier_problem(function)
    if problem is not None:
        boxes.note(f"{function.__name__} was not tested: {problem.rstrip('.')}. See the tests of question 1.")
    return problem is None


def _is_stub(function: Answer) -> bool:
    """Whether a function does nothing but say that it is not answered yet; what trains networks uses more names."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_names == ("NotImplementedError",)


def _makes_data(make_dataset: Answer, start: models.Network, data: edges.EdgeDataset) -> bool:
    made = contents(make_dataset, 4)
    return made["images"].shape == data.images.shape and torch.allclose(made["images"].float(), data.images)


def _makes_batches(make_loader: Answer, start: models.Network, data: edges.EdgeDataset) -> bool:
    (one_pass,) = batches(make_loader, data.images, data.labels, 5, False)
    return [len(labels) for _, labels in one_pass] == [5, 5, 2]


def _trains(train_one_epoch: Answer, start: models.Network, data: edges.EdgeDataset) -> bool:
    run = epochs(train_one_epoch, start, data.images, data.labels, count=1, batch_size=5, lr=0.1)
    expected = training.in_order(models.restore(start), data, {"epochs": 1, "batch_size": 5, "lr": 0.1}).state_dict()
    return all(torch.allclose(run["network"]["weights"][name], value, atol=1e-4) for name, value in expected.items())


def _evaluates(evaluate: Answer, start: models.Network, data: edges.EdgeDataset) -> bool:
    found = evaluation(evaluate, start, data.images, data.labels, batch_size=5)["returned"]
    return np.allclose(found, training.judge(models.restore(start), data), atol=1e-4)


_WORKING = {
    "make_dataset": _makes_data,
    "make_loader": _makes_batches,
    "train_one_epoch": _trains,
    "evaluate": _evaluates,
}


def complete_configuration(configuration: dict[str, Any]) -> dict[str, Any]:
    """A ``q3_config`` or ``q4_config`` with the defaults filled in; ``ValueError`` says what is wrong with it."""
    if not isinstance(configuration, dict):
        raise ValueError(f"the configuration should be a dictionary, got {type(configuration).__name__}.")
    unknown = sorted(set(configuration) - set(CONFIGURATION), key=str)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}: the keys are {', '.join(CONFIGURATION)}.")
    full = {**CONFIGURATION, **configuration}
    full.update(training.complete_recipe({key: full[key] for key in training.RECIPE}))
    for key, most in (("epochs", _MOST_EPOCHS), ("kernel_size", _MOST_KERNEL)):
        if int(full[key]) != full[key] or not 1 <= full[key] <= most:
            raise ValueError(f"{key} is {full[key]}, it should be a whole number from 1 to {most}.")
    if full["batch_size"] < _LEAST_BATCH:
        raise ValueError(f"batch_size is {full['batch_size']}, it should be at least {_LEAST_BATCH}.")
    return full


def configured(
    name: str, configuration: dict[str, Any], count: int, seeds: Sequence[int], **images: Any
) -> list[models.Architecture]:
    """``SimpleCNN`` trained as ``configuration`` says, one per seed, on ``count`` images per class.

    An experiment of its own, called ``name``; ``images`` are further configuration keys of the data set.
    """
    full, seeds = complete_configuration(configuration), list(seeds)

    def run() -> list[models.Architecture]:
        recipe = {key: full[key] for key in training.RECIPE}
        make_model = _Maker(full["kernel_size"])
        return training.train_seeds(make_model, count, seeds, recipe, images)

    run.__module__ = "__main__"  # so that its inputs count, as those of a notebook's own function do
    networks: list[models.Architecture] = experiment(name, run)
    return networks


def configured_networks(*args: Any, **kwargs: Any) -> list[models.Network]:
    """``configured`` without a word, the networks as plain data."""
    with progress.silent():
        return [models.describe(model) for model in configured(*args, **kwargs)]


class _Maker:
    """Makes the networks of a configuration."""

    def __init__(self, kernel_size: int) -> None:
        self.kernel_size = kernel_size

    def __call__(self) -> models.SimpleCNN:
        return models.SimpleCNN(kernel_size=self.kernel_size)


def _numbers(returned: Any) -> list[float]:
    """The numbers of a pair such as ``(loss, accuracy)``."""
    is_row = isinstance(returned, (tuple, list, Tensor, np.ndarray)) and getattr(returned, "ndim", 1) == 1
    if not is_row or len(returned) != 2:
        raise AssertionError(f"the function should return a pair (mean loss, accuracy), got {type(returned).__name__}.")
    return [float(value) for value in returned]


@contextmanager
def _watched(model: nn.Module) -> Iterator[dict[str, list[Any]]]:
    """What each forward pass inside finds: the network's mode, whether gradients are recorded, the images."""
    seen: dict[str, list[Any]] = {"modes": [], "gradients": [], "images": []}

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen["modes"].append(module.training)
        seen["gradients"].append(torch.is_grad_enabled())
        seen["images"].append(inputs[0].detach())

    handle = model.register_forward_pre_hook(look)
    try:
        yield seen
    finally:
        handle.remove()


def _remember(model: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Forward hook: keep the images of passes with gradients, those that train."""
    if torch.is_grad_enabled():
        model.__dict__.setdefault("seen", []).append(inputs[0].detach().clone())


def _standing_in(function: Answer, helpers: str) -> AbstractContextManager[None]:
    return _replaced(function.__globals__, helpers) if helpers else nullcontext()


@contextmanager
def _replaced(names: dict[str, Any], helpers: str) -> Iterator[None]:
    """Inside, ``names`` holds the functions that ``helpers`` defines."""
    defined: dict[str, Any] = {}
    exec(helpers, defined)
    new = {name: value for name, value in defined.items() if not name.startswith("_")}
    missing = object()
    before = {name: names.get(name, missing) for name in new}
    names.update(new)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is missing:
                del names[name]
            else:
                names[name] = value
