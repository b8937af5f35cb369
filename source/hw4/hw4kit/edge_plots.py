"""Figures of problem 6: sample images, filters, accuracies over several seeds, confusion matrices."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from hw4kit.edges import EdgeDataset
from kit.checks import to_numpy

_MARKERS = "osD^vPX"


def show_samples(dataset: EdgeDataset, per_class: int = 8) -> Figure:
    """The first images of each class, one class per row, from black (0) to white (1)."""
    names = dataset.config["class_type"]
    figure, axes = plt.subplots(
        len(names), per_class, figsize=(0.95 * per_class + 1.0, 0.98 * len(names)), squeeze=False
    )
    for label, name in enumerate(names):
        images = to_numpy(dataset.images[dataset.labels == label][:per_class, 0], name)
        for axis, image in zip(axes[label], images, strict=False):
            axis.imshow(image, cmap="gray", vmin=0.0, vmax=1.0)
        for axis in axes[label]:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        axes[label, 0].set_ylabel(f"{label}: {name}", rotation=0, ha="right", va="center")
    return figure


def show_filters(networks: Sequence[nn.Module], titles: Sequence[str]) -> Figure:
    """The first layer's filters, one network per row, each row on its own scale symmetric about 0."""
    layers = [network.get_submodule("conv1") for network in networks]
    filters = [to_numpy(layer.weight, title)[:, 0] for layer, title in zip(layers, titles, strict=True)]
    columns = max(len(rows) for rows in filters)
    figure, axes = plt.subplots(
        len(filters), columns, figsize=(1.05 * columns + 2.2, 1.05 * len(filters)), squeeze=False
    )
    for row, (group, title) in enumerate(zip(filters, titles, strict=True)):
        limit = float(np.abs(group).max()) or 1.0
        for axis in axes[row]:
            axis.set_axis_off()
        for axis, array in zip(axes[row], group, strict=False):
            drawn = axis.imshow(array, cmap="RdBu_r", vmin=-limit, vmax=limit)
        figure.colorbar(drawn, ax=list(axes[row]), shrink=0.9, ticks=[-limit, 0, limit], format="%.2f")
        axes[row, 0].text(-0.12, 0.5, title, transform=axes[row, 0].transAxes, ha="right", va="center")
    return figure


def show_accuracies(
    accuracies: Mapping[str, Any],
    positions: Sequence[float],
    xlabel: str = "training images per class",
    title: str = "",
    classes: int = 3,
    colors: Sequence[str] = (),
    dashed: Sequence[str] = (),
) -> Figure:
    """Accuracies (len(positions), seeds) per name: a dot per seed, the mean as a line, one deviation as a band.

    The dotted line is chance for that many ``classes``; ``dashed`` names the curves that are drawn so. The legend
    stands beside the panel, where it covers neither.
    """
    figure, axis = plt.subplots(figsize=(9, 3.8))
    for number, (name, values) in enumerate(accuracies.items()):
        values = 100 * to_numpy(values, name)
        mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1)
        color = colors[number] if colors else f"C{number}"
        marker, line = _MARKERS[number % len(_MARKERS)], "--" if name in dashed else "-"
        axis.plot(positions, mean, line, color=color, marker=marker, label=name)
        axis.fill_between(positions, mean - spread, np.minimum(mean + spread, 100), color=color, alpha=0.15, lw=0)
        axis.plot(np.repeat(positions, values.shape[1]), values.ravel(), ".", color=color, alpha=0.45, ms=4)
    axis.axhline(100 / classes, color="0.5", ls=":", lw=1)
    axis.annotate("chance", (0.99, 100 / classes), (0, 2), ("axes fraction", "data"), "offset points", ha="right",
                  color="0.35", fontsize=9, annotation_clip=True)  # fmt: skip
    axis.set(xlabel=xlabel, ylabel="validation accuracy (%)", title=title, ylim=(min(25, 80 / classes), 102))
    axis.set_xticks(positions, [f"{position:g}" for position in positions])
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def show_differences(differences: Mapping[str, Any], positions: Sequence[float], xlabel: str, title: str) -> Figure:
    """Differences (len(positions), seeds) in accuracy, paired by seed: above 0 the first of the two is better."""
    figure, axis = plt.subplots(figsize=(7.2, 3.4))
    places = np.arange(len(positions))
    for number, (name, values) in enumerate(differences.items()):
        values = 100 * to_numpy(values, name)
        shift = 0.22 * (number - (len(differences) - 1) / 2)
        axis.plot(np.repeat(places + shift, values.shape[1]), values.ravel(), _MARKERS[number], color=f"C{number}",
                  alpha=0.6, label=name)  # fmt: skip
        axis.plot(places + shift, values.mean(axis=1), "_", color=f"C{number}", ms=22, mew=2.5)
    axis.axhline(0, color="0.5", lw=1)
    axis.set(xlabel=xlabel, ylabel="difference (points)", title=title)
    axis.set_xticks(places, [f"{position:g}" for position in positions])
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def show_learning(panels: Mapping[str, Mapping[str, Any]], steps: Sequence[int]) -> Figure:
    """Accuracies (len(steps), seeds) as networks learn: per panel and name a thin line per seed, the mean thick."""
    figure, axes = plt.subplots(1, len(panels), figsize=(4.7 * len(panels), 3.6), sharey=True, squeeze=False)
    for axis, (title, curves) in zip(axes[0], panels.items(), strict=True):
        for number, (name, values) in enumerate(curves.items()):
            _seeds_and_mean(axis, steps, 100 * to_numpy(values, name), number, name)
        axis.set(xlabel="steps of training", title=title, ylim=(20, 102))
    axes[0, 0].set_ylabel("validation accuracy (%)")
    axes[0, -1].legend(loc="lower right")
    return figure


def show_by_end(shares: Mapping[str, Any], title: str) -> Figure:
    """Shares (networks, 28) by where a band ends: per name a thin line per network, the mean thick."""
    figure, axis = plt.subplots(figsize=(9, 3.6))
    ends = np.arange(1, 29)
    for number, (name, values) in enumerate(shares.items()):
        _seeds_and_mean(axis, ends, 100 * to_numpy(values, name).T, number, name)
    axis.set(xlabel="end of the band: the first row below it (or the first column to its right)", title=title)
    axis.set(ylabel="bands recognized (%)", ylim=(-3, 103), xlim=(0.5, 28.5))
    axis.set_xticks([1, *range(4, 29, 4)])
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _seeds_and_mean(axis: Axes, positions: Any, values: np.ndarray, number: int, name: str) -> None:
    """Columns of ``values`` as thin lines, their mean as a thick one with markers."""
    color = f"C{number}"
    axis.plot(positions, values, "-", color=color, alpha=0.25, lw=0.8)
    axis.plot(positions, values.mean(axis=1), "-", marker=_MARKERS[number], ms=4, color=color, lw=2, label=name)


def show_history(history: Mapping[str, Any], title: str) -> Figure:
    """Curves over the epochs, from a dictionary with ``epoch`` and pairs ``<name>_loss``, ``<name>_accuracy``."""
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.2))
    names = [key.removesuffix("_loss") for key in history if key.endswith("_loss")]
    for number, name in enumerate(names):
        line = {"color": f"C{number}", "label": name, "ls": ["-", "--", "-.", ":"][number % 4]}
        axes[0].plot(history["epoch"], history[f"{name}_loss"], **line)
        axes[1].plot(history["epoch"], 100 * to_numpy(history[f"{name}_accuracy"]), **line)
    axes[0].set(xlabel="epoch", ylabel="mean loss per image", ylim=(0, None))
    axes[1].set(xlabel="epoch", ylabel="accuracy (%)", ylim=(0, 103))
    axes[1].legend(loc="lower right")
    figure.suptitle(title)
    return figure


def show_confusion(matrices: Sequence[Any], titles: Sequence[str], names: Sequence[str]) -> Figure:
    """Confusion matrices of counts side by side: rows true, columns predicted, shaded by the share of the row."""
    size = 0.75 * len(names) + 0.9
    figure, axes = plt.subplots(1, len(matrices), figsize=(size * len(matrices) + 1.2, size + 0.5), squeeze=False)
    for number, (axis, counts, title) in enumerate(zip(axes[0], matrices, titles, strict=True)):
        _confusion(axis, to_numpy(counts, title), names)
        axis.set(title=title, xlabel="predicted", ylabel="true" if number == 0 else "")
    return figure


def _confusion(axis: Axes, counts: np.ndarray, names: Sequence[str]) -> None:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for (row, column), count in np.ndenumerate(counts):
        axis.text(
            column, row, f"{count:g}", ha="center", va="center", color="white" if share[row, column] > 0.5 else "black"
        )
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.spines[:].set_visible(False)
