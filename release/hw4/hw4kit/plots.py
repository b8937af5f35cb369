"""One look for every figure of the homework."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from hw4kit.checks import to_numpy

_HERE = Path(__file__).parent
RESULTS = Path("results")


def use_style() -> None:
    """Use the homework's figure style in this notebook (sizes, fonts, a colour-blind safe palette)."""
    plt.style.use(_HERE / "hw4.mplstyle")


def show_images(images: Sequence[Any], titles: Sequence[str], signed: bool = False, width: float = 2.6) -> Figure:
    """Show (H, W) images of one size in a row on a common scale, with a colour bar when ``signed``.

    Unsigned images are drawn from black (0) to white (1). Signed responses are drawn on a diverging scale that is
    symmetric about 0, so that negative values can be told from positive ones.
    """
    arrays = [to_numpy(image, title) for image, title in zip(images, titles, strict=True)]
    limit = max(float(np.abs(array).max()) for array in arrays) or 1.0
    scale = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if signed else {"cmap": "gray", "vmin": 0.0, "vmax": 1.0}
    height = width * arrays[0].shape[0] / arrays[0].shape[1] + 0.4
    figure, axes = plt.subplots(1, len(arrays), figsize=(width * len(arrays) + 0.8 * signed, height), squeeze=False)
    for axis, array, title in zip(axes[0], arrays, titles, strict=True):
        drawn = axis.imshow(array, **scale)
        axis.set_title(title)
        axis.set_axis_off()
    if signed:
        figure.colorbar(drawn, ax=axes[0], shrink=0.8, label="response")
    return figure


def show_kernel(kernels: Sequence[Any], titles: Sequence[str], width: float = 2.4) -> Figure:
    """Draw small matrices as heat maps with their numbers written in, on a scale symmetric about 0."""
    arrays = [to_numpy(kernel, title) for kernel, title in zip(kernels, titles, strict=True)]
    figure, axes = plt.subplots(1, len(arrays), figsize=(width * len(arrays), width + 0.3), squeeze=False)
    for axis, array, title in zip(axes[0], arrays, titles, strict=True):
        limit = float(np.abs(array).max()) or 1.0
        axis.imshow(array, cmap="RdBu_r", vmin=-limit, vmax=limit)
        for (row, column), value in np.ndenumerate(array):
            colour = "white" if abs(value) > 0.6 * limit else "black"
            axis.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=9, color=colour)
        axis.set(title=title, xticks=range(array.shape[1]), yticks=range(array.shape[0]))
    return figure


def save_figure(figure: Figure, name: str) -> Path:
    """Save a figure as ``results/<name>.png`` for the written report, and return the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.png"
    figure.savefig(path, dpi=150)
    return path
