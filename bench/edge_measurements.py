"""Measures what the texts of edge_detection state, and writes solutions/hw4/claims/data/edge_detection.json.

    python bench/edge_measurements.py [PART ...]      about fifteen minutes on one core; only the named parts, if any

The part ``notebook`` runs the experiments of the source notebook itself, with its own answers, and keeps their raw
results: accuracies per seed, in percent. The other parts are longer trainings, and alternatives that a statement about
a cause has to rule out. ``solutions/hw4/claims/edge_detection.py`` computes every stated number from the file.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot
import torch
import torch.nn.functional as F
from results import HW4, ROOT
from torch import Tensor, nn

matplotlib.use("Agg")
sys.path[:0] = [str(ROOT), str(HW4.source)]

from autograder.assignment.notebook import read_node  # noqa: E402
from hw4kit import edges, places, training  # noqa: E402
from hw4kit.models import DeeperCNN, SimpleCNN, ThreeLayerMLP, WiderCNN  # noqa: E402

OUTPUT = ROOT / "solutions" / "hw4" / "claims" / "data" / "edge_detection.json"
WORK = ROOT / "build" / "edge_measurements"  # experiments that have not changed are loaded from here
SEEDS, FIVE_SEEDS, TEN_SEEDS, MANY_SEEDS = range(8), range(5), range(10), range(24)
SHIFT = {"possible_edge_location_ratio": 0.5}
PERMUTED = {"use_permutation": True}
TOGETHER = 8
BEYOND = 12


def main() -> None:
    torch.set_num_threads(1)
    saved = json.loads(OUTPUT.read_text()) if OUTPUT.exists() else {}
    for name in sys.argv[1:] or PARTS:
        start = time.perf_counter()
        saved[name] = rounded(PARTS[name]())
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({key: saved[key] for key in PARTS if key in saved}, indent=1)
        OUTPUT.write_text(flat(text) + "\n", encoding="utf-8")
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


def rounded(value: Any) -> Any:
    """``value`` as JSON, fractional numbers to five places."""
    if isinstance(value, Tensor):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


def flat(text: str) -> str:
    """Indented JSON with each list of numbers on one line."""
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: " ".join(found.group().split()), text)


def percent(networks: Sequence[nn.Module], data: edges.EdgeDataset) -> list[float]:
    return [100 * training.accuracy(network, data) for network in networks]


def valid(config: dict[str, Any] | None = None) -> edges.EdgeDataset:
    """The 150 (250) validation images of the notebook."""
    return edges.EdgeDataset({**(config or {}), "data_per_class": 50}, "valid")


def trained(
    make_model: Callable[[], nn.Module],
    count: int,
    seeds: Sequence[int],
    recipe: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
) -> list[nn.Module]:
    """``training.train_seeds``, a few seeds at a time."""
    seeds = list(seeds)
    groups = [seeds[first : first + TOGETHER] for first in range(0, len(seeds), TOGETHER)]
    return [network for group in groups for network in training.train_seeds(make_model, count, group, recipe, config)]


def notebook() -> dict[str, Any]:
    """The notebook's experiments, and what its figures show."""
    space = run_notebook()
    starts, shifted = space["starts"], space["shift_networks"]
    shift_valid = space["shift_valid"]
    swept = {name: 100 * values for name, values in space["swept"].items()}
    return {
        "places": len(edges.bands()),
        "q1_overfit": {name: percent([space[f"overfit_{name}"]], valid()) for name in ("cnn", "mlp")},
        "q2_sweep": swept,
        "q2_curves": {n: {name: 100 * curve for name, curve in starts[n]["curves"].items()} for n in ("10", "100")},
        "q2_steps": space["STEPS"],
        "q2_by_end": {
            n: {name: 100 * places.accuracy_by_end(nets) for name, nets in starts[n]["networks"].items()}
            for n in ("10", "100")
        },
        "q2_frozen_by_end_beyond": 100 * places.accuracy_by_end(starts["100"]["networks"]["detectors, frozen"], BEYOND),
        "q2_frozen_errors": frozen_errors(starts["100"]["networks"]["detectors, frozen"]),
        "q2_filters": {
            n: stripes(starts[n]["networks"]["random start"][:2], space["untrained"]) for n in ("10", "100")
        },
        "q3_cnn": percent(space["q3_networks"], valid()),
        "q3_mlp": space["mlp_shares"],
        "q3_mlp_data": {name: 100 * values for name, values in space["mlp_data"].items()},
        "q3_history": space["history"],
        "q4_shift": {name: percent(networks, shift_valid) for name, networks in shifted.items()},
        "q4_confusion": {
            name: [confusion(network, shift_valid) for network in networks] for name, networks in shifted.items()
        },
        "q4_by_end": 100 * places.accuracy_by_end(shifted["CNN"]),
        "q4_by_end_beyond": 100 * places.accuracy_by_end(shifted["CNN"], BEYOND),
        "q4_cnn": percent(space["q4_networks"], shift_valid),
        "q4_default": percent(space["compared"]["SimpleCNN(),\n100 epochs"], shift_valid),
        "q5_permuted": {name: 100 * values for name, values in space["permuted"].items()},
        "q5_kernel_sizes": 100 * space["kernel_sizes"]["accuracies"],
        "q6_pooling": {name: 100 * values for name, values in space["pooling"].items()},
    }


def run_notebook() -> dict[str, Any]:
    """Every name of the source notebook after its answers and experiments, without its tests."""
    space: dict[str, Any] = {"__name__": "__main__"}
    before = Path.cwd()
    WORK.mkdir(parents=True, exist_ok=True)
    os.chdir(WORK)
    try:
        for cell in read_node(HW4.source / "edge_detection.ipynb").cells:
            skipped = cell.id.startswith("test-") or cell.id in ("check-setup", "submit")
            if cell.cell_type == "code" and not skipped:
                exec(compile(cell.source, cell.id, "exec"), space)
                matplotlib.pyplot.close("all")
    finally:
        os.chdir(before)
    return space


def frozen_errors(networks: Sequence[nn.Module]) -> dict[str, Any]:
    """On 1200 fresh images: how many bands at the last three ends, how many elsewhere, and the errors among each."""
    data = edges.EdgeDataset({"data_per_class": 400}, "valid", 12345)
    ends = [end_of(image, label) for image, label in zip(data.images[:, 0], data.labels.tolist(), strict=True)]
    rows = []
    for network in networks:
        predicted = training.outputs(network, data.images).argmax(1).tolist()
        counts = {"blind": [0, 0], "other bands": [0, 0], "none": [0, 0], "blind taken for none": 0}
        for end, label, guess in zip(ends, data.labels.tolist(), predicted, strict=True):
            kind = "none" if end is None else "blind" if end > 25 else "other bands"
            counts[kind][0] += 1
            counts[kind][1] += guess != label
            counts["blind taken for none"] += kind == "blind" and guess == 2
        rows.append(counts)
    return {"networks": rows}


def band_of(image: Tensor, label: int) -> tuple[int, int, int] | None:
    """(label, start, width) of the band of an image (28, 28), None where there is none."""
    if label == 2:
        return None
    profile = image[:, 0] if label == 0 else image[0]
    rows = (profile > image.min() + 1e-6).nonzero().flatten().tolist()
    return (label, rows[0], len(rows)) if rows else None


def end_of(image: Tensor, label: int) -> int | None:
    band = band_of(image, label)
    return None if band is None else band[1] + band[2]


def stripes(networks: Sequence[nn.Module], starts: Sequence[nn.Module]) -> dict[str, list[Any]]:
    """Of conv1's filters (means removed): length against the start's, share that is constant along rows, columns."""
    growth, along_rows, along_columns = [], [], []
    for network, start in zip(networks, starts, strict=True):
        for weight, before in zip(network.conv1.weight[:, 0].detach(), start.conv1.weight[:, 0].detach(), strict=True):
            centered = weight - weight.mean()
            growth.append((weight.norm() / before.norm()).item())
            along_rows.append((7**0.5 * centered.mean(1).norm() / centered.norm()).item())
            along_columns.append((7**0.5 * centered.mean(0).norm() / centered.norm()).item())
    return {"growth": growth, "along rows": along_rows, "along columns": along_columns}


def confusion(network: nn.Module, data: edges.EdgeDataset) -> list[list[int]]:
    counts = torch.zeros(3, 3, dtype=torch.int64)
    predicted = training.outputs(network, data.images).argmax(1)
    for true, guess in zip(data.labels.tolist(), predicted.tolist(), strict=True):
        counts[true, guess] += 1
    return counts.tolist()


def procedures() -> dict[str, Any]:
    """30 images per class: which seeds get stuck with which procedure."""
    adam = {"epochs": 200, "optimizer": "adam", "lr": 0.003}
    return {
        "SGD 0.01, 200 epochs": percent(trained(SimpleCNN, 30, MANY_SEEDS, {"epochs": 200}), valid()),
        "Adam 0.003, 200 epochs": percent(trained(SimpleCNN, 30, MANY_SEEDS, adam), valid()),
        "SGD 0.01, 30 epochs": percent(trained(SimpleCNN, 30, TEN_SEEDS, {"epochs": 30}), valid()),
        "SGD 0.03, 100 epochs": percent(trained(SimpleCNN, 30, SEEDS, {"lr": 0.03}), valid()),
    }


def mlp_recipes() -> list[dict[str, Any]]:
    """The MLP at 30 images per class with several recipes."""
    recipes: list[dict[str, Any]] = [
        {"epochs": 200},
        {"epochs": 400},
        {"epochs": 200, "batch_size": 5},
        {"epochs": 200, "lr": 0.03},
        {"epochs": 200, "optimizer": "adam", "lr": 0.0003},
        {"epochs": 200, "optimizer": "adam", "lr": 0.003},
        {"epochs": 200, "optimizer": "adam", "lr": 0.01},
    ]
    return [
        {"recipe": recipe, "shares": percent(trained(ThreeLayerMLP, 30, TEN_SEEDS, recipe), valid())}
        for recipe in recipes
    ]


def mlp_places() -> dict[str, Any]:
    """Bands at places that the MLP has seen in training, and at others: [right, all]; and places seen, of 212."""
    fresh = edges.EdgeDataset({"data_per_class": 400}, "valid", 77)
    bands = [band_of(image, label) for image, label in zip(fresh.images[:, 0], fresh.labels.tolist(), strict=True)]
    results = {}
    for count in (30, 100, 200):
        networks = trained(ThreeLayerMLP, count, FIVE_SEEDS, {"epochs": 200})
        totals, seen_places = {"seen": [0, 0], "other": [0, 0]}, []
        for seed, network in zip(FIVE_SEEDS, networks, strict=True):
            data = edges.EdgeDataset({"data_per_class": count}, "train", seed)
            pairs = zip(data.images[:, 0], data.labels.tolist(), strict=True)
            seen = {band_of(image, label) for image, label in pairs} - {None}
            seen_places.append(len(seen))
            right = (training.outputs(network, fresh.images).argmax(1) == fresh.labels).tolist()
            for band, is_right in zip(bands, right, strict=True):
                if band is not None:
                    total = totals["seen" if band in seen else "other"]
                    total[0] += is_right
                    total[1] += 1
        results[str(count)] = {**totals, "places": seen_places}
    return results


def mlp_simpler() -> dict[str, list[float]]:
    """The MLP at 30 images per class when intensity, background, or both are always the same."""
    intensity = {"min_edge_intensity": 0.6, "max_edge_intensity": 0.6}
    background = {"min_background_intensity": 0.1, "max_background_intensity": 0.1}
    cases = {"as it is": {}, "intensity": intensity, "background": background, "both": intensity | background}
    return {
        name: percent(trained(ThreeLayerMLP, 30, FIVE_SEEDS, {"epochs": 200}, config), valid(config))
        for name, config in cases.items()
    }


def permuted_long() -> dict[str, list[float]]:
    """Scrambled images, 300 epochs: the CNN with 100 images per class."""
    return {"CNN, n = 100": percent(trained(SimpleCNN, 100, SEEDS, {"epochs": 300}, PERMUTED), valid(PERMUTED))}


def kernels_long() -> dict[str, list[float]]:
    """Scrambled images, 30 per class, 300 epochs, by kernel size."""
    results = {}
    for size in (7, 15):
        networks = trained(lambda size=size: SimpleCNN(kernel_size=size), 30, SEEDS, {"epochs": 300}, PERMUTED)
        results[str(size)] = percent(networks, valid(PERMUTED))
    return results


def deeper_and_wider() -> dict[str, Any]:
    """The bonus: accuracies, and the length of conv1's gradient at the start."""
    adam = {"epochs": 200, "optimizer": "adam", "lr": 0.003}
    gradients: dict[str, list[float]] = {}
    for architecture in (SimpleCNN, DeeperCNN):
        for seed, network in zip(SEEDS, training.build(architecture, SEEDS), strict=True):
            data = edges.EdgeDataset({"data_per_class": 30}, "train", seed)
            F.cross_entropy(network(data.images), data.labels).backward()
            gradients.setdefault(architecture.__name__, []).append(network.conv1.weight.grad.norm().item())
    return {
        "DeeperCNN, 100 epochs": percent(trained(DeeperCNN, 30, SEEDS), valid()),
        "WiderCNN, Adam": percent(trained(WiderCNN, 30, range(3), adam), valid()),
        "WiderCNN, SGD": percent(trained(WiderCNN, 30, range(3), {"epochs": 200}), valid()),
        "gradients": gradients,
    }


PARTS: dict[str, Callable[[], Any]] = {
    part.__name__: part
    for part in (
        notebook, procedures, mlp_recipes, mlp_places, mlp_simpler, permuted_long, kernels_long, deeper_and_wider,
    )
}  # fmt: skip


if __name__ == "__main__":
    main()
