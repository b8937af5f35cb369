"""Trials of notebook functions: plain data in, plain data out, one mistake counted once."""

import pytest
import torch
import torch.nn.functional as F
from harness import PlainKernel
from torch.utils.data import DataLoader

import solutions.hw4.edge_detection as reference
from hw4kit import models, training, trials
from hw4kit.edges import EdgeDataset
from kit import boxes, progress
from kit.explain import UNANSWERED

BROKEN = {
    "make_dataset": "def make_dataset(*args, **kwargs):\n    raise NotImplementedError('yours')",
    "make_loader": "make_loader = None",
    "train_one_epoch": "def train_one_epoch(model, optimizer, loader):\n    return 1.0, 1.0",
    "evaluate": "def evaluate(model, loader):\n    return 0.5",
}
SWEEP = """
import torch
from hw4kit.models import ThreeLayerMLP
def sweep(num_images, seeds, epochs, make_model, valid_loader):
    def one(n, seed):
        torch.manual_seed(seed)
        model = make_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(epochs):
            train_one_epoch(model, optimizer, make_loader(make_dataset(n, seed=seed), 10, True))
        return evaluate(model, valid_loader)[1]
    return [[one(n, seed) for seed in seeds] for n in num_images]
def overfit():
    optimizer = torch.optim.SGD((model := ThreeLayerMLP()).parameters(), lr=0.01)
    train_one_epoch(model, optimizer, make_loader(make_dataset(10), 10, True))
    return [model, model]
"""


def notebook(*sources):
    space = {"__name__": "__main__"}
    for source in (reference.HELPERS, SWEEP, *sources):
        exec(source, space)
    return space


def try_sweep(space, helpers=""):
    data = EdgeDataset({"data_per_class": 2}, "valid")
    with progress.silent():
        return trials.sweeping(space["sweep"], [2], [0, 1], 1, data.images, data.labels, helpers)


def test_right_answers_to_question_1_have_no_problem():
    assert trials.earlier_problem(notebook()["sweep"]) is None
    assert try_sweep(notebook())["accuracies"].shape == (1, 2)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_question_1_is_named_and_stood_in_for(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []
    monkeypatch.setattr(boxes, "note", notes.append)
    space = notebook(BROKEN[name])
    assert name in trials.earlier_problem(space["sweep"])
    assert try_sweep(space) is None
    assert try_sweep(space, reference.HELPERS)["accuracies"].shape == (1, 2)
    assert trials.result("q1_overfit", space["overfit"]) is None
    assert [name in note for note in notes] == [True, True]
    assert len(trials.result("q1_overfit", space["overfit"], reference.HELPERS)) == 2
    assert not list(tmp_path.iterdir()), "what stand-ins give should not be saved"
    if name != "make_loader":
        assert space[name].__globals__ is space, "the student's own function is back in its place"


def test_an_open_question_is_not_taken_for_one_that_cannot_be_tried(monkeypatch):
    notes: list[str] = []
    monkeypatch.setattr(boxes, "note", notes.append)
    stub = f"    raise NotImplementedError('{UNANSWERED}: write ...')"
    space = notebook(f"def overfit():\n{stub}", f"def make_dataset(*args, **kwargs):\n{stub}")
    with pytest.raises(NotImplementedError):
        trials.result("q1_overfit", space["overfit"])
    assert notes == []
    assert try_sweep(space) is None
    assert notes == ["sweep was not tested: make_dataset is not answered yet. See the tests of question 1."]


def test_only_the_changed_configuration_runs_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for epochs, name, expected in (
        (1, "q3_cnn", "ran"),
        (1, "q4_cnn", "ran"),
        (2, "q3_cnn", "ran"),
        (2, "q3_cnn", "loaded"),
        (1, "q4_cnn", "loaded"),
    ):
        trials.configured(name, {"epochs": epochs}, 1, [0])
        assert f"{name}: {expected}" in capsys.readouterr().out


def test_a_changed_answer_reruns_only_the_experiments_that_use_it(tmp_path, capsys):
    """The notebook's own cells, with short experiments."""
    first = (
        "def run_a():\n    return overfit()[0]\n"
        "def run_b():\n    return training.train_seeds(SimpleCNN, 1, [0], {'epochs': 1})"
    )
    both = "experiment('a', run_a)\nexperiment('b', run_b)"
    with PlainKernel("edge_detection", tmp_path) as kernel:
        kernel.run_given()
        kernel.run_solutions()
        kernel.run("def overfit():\n    train_one_epoch\n    return SimpleCNN(), ThreeLayerMLP()\n" + first)
        kernel.run(both)
        capsys.readouterr()
        kernel.run(both)
        assert "a: loaded" in (out := capsys.readouterr().out)
        assert "b: loaded" in out
        kernel.run("def train_one_epoch(model, optimizer, loader):\n    return 0, 0")
        kernel.run(both)
        assert "a: ran" in (out := capsys.readouterr().out)
        assert "b: loaded" in out


def test_training_in_order_is_the_plain_loop():
    data, model = EdgeDataset({"data_per_class": 4}), models.restore(models.network("SimpleCNN", seed=1))
    plain = models.restore(models.describe(model))
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9)
    for images, labels in DataLoader(data, batch_size=5):
        optimizer.zero_grad()
        F.cross_entropy(plain(images), labels).backward()
        optimizer.step()
    training.in_order(model, data, {"epochs": 1, "batch_size": 5, "lr": 0.1})
    for found, expected in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(found, expected, atol=1e-5)


def test_better_half():
    assert training.better_half([0.2, 1.0, 0.8, 0.1]) == pytest.approx(0.9)
    assert training.better_half([0.2, 1.0, 0.6]) == pytest.approx(0.8)
    with pytest.raises(ValueError, match="no accuracies"):
        training.better_half([])


@pytest.mark.parametrize(
    "change",
    [
        lambda network: network["weights"].update({"conv1.weight": torch.zeros(9, 1, 7, 7)}),
        lambda network: network["settings"].update(pool="avg"),
        lambda network: network["weights"].pop("fc.bias"),
    ],
)
def test_other_networks_do_not_count_as_a_simple_cnn(change):
    network = models.network("SimpleCNN", seed=0)
    reference.check_simple_cnn(network)
    change(network)
    with pytest.raises(AssertionError, match="SimpleCNN"):
        reference.check_simple_cnn(network)
