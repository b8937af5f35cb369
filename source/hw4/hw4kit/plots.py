"""One look for every figure of the homework."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kit.checks import to_numpy

_HERE = Path(__file__).parent
RESULTS = Path("results")


def use_style() -> None:
    """Use the homework's figure style in this notebook (sizes, fonts, a colour-blind safe palette)."""
    plt.style.use(_HERE / "hw4.mplstyle")


def panels(count: int, width: float, height: float, gap: float = 0.15) -> tuple[Figure, np.ndarray]:
    """A row of ``count`` panels of ``width`` x ``height`` inches for images: the figure and its axes, shape (count,).

    There are no ticks, which most images do not need.
    """
    size = (width * count + gap * (count - 1), height)
    no_ticks: dict[str, Any] = {"xticks": [], "yticks": []}
    figure, axes = plt.subplots(1, count, figsize=size, squeeze=False, subplot_kw=no_ticks, **_placed(gap / width))
    return figure, axes[0]


def rows(count: int, width: float, height: float, gap: float) -> tuple[Figure, np.ndarray]:
    """``count`` panels of ``width`` x ``height`` inches, one below the other, with one x axis: figure and axes."""
    size = (width, height * count + gap * (count - 1))
    figure, axes = plt.subplots(count, 1, figsize=size, squeeze=False, sharex=True, **_placed(gap / height))
    return figure, axes[:, 0]


def _placed(gap: float) -> dict[str, Any]:
    """Options for panels that fill a figure but for gaps, in multiples of a panel.

    Their places are known, so no layout engine has to find them, which takes longer than the drawing. Titles and labels
    lie outside, and what shows the figure makes room for them.
    """
    places = {"left": 0, "right": 1, "bottom": 0, "top": 1, "wspace": gap, "hspace": gap}
    return {"gridspec_kw": places, "layout": "none"}


def colorbar(drawn: ScalarMappable, axis: Axes, label: str = "", **options: Any) -> Colorbar:
    """A colour bar below its panel, as wide as most of it: panels of a row stay of one size."""
    place = axis.inset_axes((0.1, -0.11, 0.8, 0.04))
    ticks = MaxNLocator(4)
    return axis.figure.colorbar(drawn, cax=place, orientation="horizontal", label=label, ticks=ticks, **options)


def show_images(images: Sequence[Any], titles: Sequence[str], width: float = 2.6) -> Figure:
    """Show (H, W) images of one size in a row, from black (0) to white (1)."""
    arrays = [to_numpy(image, title) for image, title in zip(images, titles, strict=True)]
    rows, columns = arrays[0].shape
    figure, axes = panels(len(arrays), width, width * rows / columns, gap=0.1)
    for axis, array, title in zip(axes, arrays, titles, strict=True):
        axis.imshow(array, cmap="gray", vmin=0.0, vmax=1.0)
        axis.set_title(title)
        axis.set_axis_off()
    return figure


def show_kernel(kernels: Sequence[Any], titles: Sequence[str], width: float = 2.4) -> Figure:
    """Draw small matrices as heat maps with their numbers written in, on a scale symmetric about 0."""
    arrays = [to_numpy(kernel, title) for kernel, title in zip(kernels, titles, strict=True)]
    figure, axes = panels(len(arrays), width, width, gap=0.3)
    for axis, array, title in zip(axes, arrays, titles, strict=True):
        limit = float(np.abs(array).max()) or 1.0
        axis.imshow(array, cmap="RdBu_r", vmin=-limit, vmax=limit)
        for (row, column), value in np.ndenumerate(array):
            colour = "white" if abs(value) > 0.6 * limit else "black"
            axis.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=9, color=colour)
        axis.set(title=title, xticks=range(array.shape[1]), yticks=range(array.shape[0]))
    return figure


def show_and_save(figure: Figure, name: str) -> None:
    """Save a figure as ``results/<name>.png`` for the written assignment, and show that very picture."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.png"
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)
    display(Image(path))
