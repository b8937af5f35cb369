"""Experiments run once, and again when something they use has changed."""

import json

import pytest
import torch

from hw4kit import experiments
from hw4kit.edges import EdgeDataset
from hw4kit.experiments import experiment
from hw4kit.fingerprint import fingerprint
from hw4kit.models import SimpleCNN, ThreeLayerMLP
from kit import progress


@pytest.fixture(autouse=True)
def _quiet():
    with progress.silent():
        yield


class Counter:
    """Counts how often an experiment really ran."""

    runs = 0


def notebook(source, **names):
    """Runs ``source`` as a notebook's cells and returns its names."""
    space = {"__name__": "__main__", "torch": torch, "SimpleCNN": SimpleCNN, "EdgeDataset": EdgeDataset, **names}
    exec(source, space)
    return space


def run_in(folder, source, **names):
    """Runs the experiment of a small notebook; whether its function was called, and the result."""
    called = []
    space = notebook(source, called=called.append, **names)
    result = experiment("trial", space["run"], folder)
    return bool(called), result


BASE = """
n = 3
def helper(x):
    return x + n
def run():
    called(1)
    return {"value": helper(1), "curve": torch.arange(3.0)}
"""


def test_runs_once_and_loads_the_same_afterwards(tmp_path):
    ran, first = run_in(tmp_path, BASE)
    again, second = run_in(tmp_path, BASE)
    assert ran
    assert not again
    assert first["value"] == second["value"] == 4
    assert torch.equal(first["curve"], second["curve"])


@pytest.mark.parametrize(
    "change",
    [("x + n", "x - n"), ("n = 3", "n = 4"), ("helper(1)", "helper(2)"), ("arange(3.0)", "arange(4.0)")],
)
def test_runs_again_when_something_it_uses_has_changed(tmp_path, change):
    run_in(tmp_path, BASE)
    assert run_in(tmp_path, BASE.replace(*change))[0]


@pytest.mark.parametrize(
    "change",
    [("n = 3", "n = 3  # three"), ("def run", "other = 5\ndef unused():\n    return other\ndef run"), ("\n", "\n\n")],
)
def test_does_not_run_again_for_what_it_does_not_use(tmp_path, change):
    run_in(tmp_path, BASE)
    assert not run_in(tmp_path, BASE.replace(*change))[0]


def test_values_closed_over_and_defaults_count():
    def make(value, default):
        def run(argument=default):
            return value + argument

        return run

    assert fingerprint(make(1, 2)) == fingerprint(make(1, 2))
    assert len({fingerprint(make(*pair)) for pair in ((1, 2), (2, 2), (1, 3))}) == 3


def test_an_attribute_with_the_name_of_a_global_does_not_count(tmp_path):
    source = "def sweep():\n    return 1\ndef run():\n    called(1)\n    return int(torch.ones(2).sum())\n"
    run_in(tmp_path, source, sum=1)
    assert not run_in(tmp_path, source, sum=2)[0]


def test_data_sets_networks_and_arrays_count_by_content():
    def make(value):
        def run():
            return value

        return fingerprint(run)

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SimpleCNN()
        torch.manual_seed(0)
        same = SimpleCNN()
        other = SimpleCNN()
    assert make(EdgeDataset({}, "train", 1)) == make(EdgeDataset({}, "train", 1)) != make(EdgeDataset({}, "valid", 1))
    assert make(network) == make(same) != make(other)
    assert make(torch.ones(2)) != make(torch.ones(3))


def test_recursive_functions_have_a_fingerprint():
    space = notebook("def run(n=3):\n    return run(n - 1) if n else 0\n")
    assert fingerprint(space["run"]) == fingerprint(space["run"])


def test_networks_come_back_in_their_architecture(tmp_path):
    networks = [SimpleCNN(kernel_size=5, pool="avg"), ThreeLayerMLP(hidden_dims=(7, 6))]
    found = experiment("networks", lambda: networks, tmp_path)
    for before, after in zip(networks, found, strict=True):
        assert type(after) is type(before)
        assert after.settings == before.settings
        assert torch.equal(after(torch.ones(1, 1, 28, 28)), before(torch.ones(1, 1, 28, 28)))


def test_results_are_data_in_two_files(tmp_path):
    experiment("trial", lambda: {"network": SimpleCNN(), "epochs": [1, 2], "text": "a"}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trial.json", "trial.safetensors"]
    assert json.loads((tmp_path / "trial.json").read_text())["result"]["epochs"] == [1, 2]


@pytest.mark.parametrize("value", [{1: 2}, object(), torch.nn.Linear(2, 2), {"a": {3}}])
def test_what_is_no_data_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match="result"):
        experiment("trial", lambda: value, tmp_path)


DAMAGES = {
    "empty weights": lambda folder: (folder / "trial.safetensors").write_bytes(b""),
    "other weights": lambda folder: (folder / "trial.safetensors").write_bytes(b"x" * 100),
    "no weights": lambda folder: (folder / "trial.safetensors").unlink(),
    "no JSON": lambda folder: (folder / "trial.json").write_text("{"),
    "JSON list": lambda folder: (folder / "trial.json").write_text("[]"),
    "JSON that is deep": lambda folder: (folder / "trial.json").write_text("[" * 100000),
    "not UTF-8": lambda folder: (folder / "trial.json").write_bytes(b"\xff\xfe"),
    "name that is not there": lambda folder: (folder / "trial.json").write_text(
        (folder / "trial.json").read_text().replace('"tensor": "result.curve"', '"tensor": "other"')
    ),
    "unknown architecture": lambda folder: (folder / "trial.json").write_text(
        (folder / "trial.json")
        .read_text()
        .replace('{\n   "tensor"', '{"network": "os", "settings": {}, "weights": 1, "tensor"')
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_results_are_run_again(tmp_path, damage):
    run_in(tmp_path, BASE)
    damage(tmp_path)
    ran, result = run_in(tmp_path, BASE)
    assert "value" in result
    if damage is not DAMAGES["unknown architecture"]:
        assert ran


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path):
    blocked = tmp_path / "results"
    blocked.write_text("a file is in the way")
    assert run_in(blocked, BASE)[1]["value"] == 4


def test_each_experiment_has_its_own_files(tmp_path):
    first = experiment("one", lambda: 1, tmp_path)
    second = experiment("two", lambda: 2, tmp_path)
    assert (first, second) == (1, 2)
    assert experiments.experiment("one", lambda: 1, tmp_path) == 1
