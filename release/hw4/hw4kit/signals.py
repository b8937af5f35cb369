"""Pictures of problem 3: signals as stems, convolution as a window on a table."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator

from kit.checks import to_numpy


def stems(axis: Axes, n: Any, values: Any, colour: str = "C0", label: str | None = None) -> None:
    """Draw a signal with the ``values`` at the integers ``n``, both (T,), as stems."""
    drawn = axis.stem(to_numpy(n), to_numpy(values), linefmt=colour, markerfmt="o", basefmt="0.6", label=label)
    drawn.markerline.set_color(colour)
    drawn.stemlines.set_linewidth(1.5)
    drawn.baseline.set_linewidth(0.8)
    axis.xaxis.set_major_locator(MultipleLocator(3))


def table(
    axis: Axes,
    values: Any,
    title: str,
    outlined: Iterable[tuple[int, int, int, int]] = (),
    limit: float | None = None,
) -> None:
    """Draw a matrix as a heat map with its numbers, colours symmetric about 0.

    outlined: rectangles ``(row, column, height, width)`` to draw a frame around
    limit: where the colours end; left out, at the largest magnitude
    """
    matrix = to_numpy(values, title)
    limit = limit or float(np.abs(matrix).max()) or 1.0
    axis.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if abs(value) > 0.6 * limit else "black"
        axis.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=9, color=colour)
    for row, column, height, width in outlined:
        frame = Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor="C4", linewidth=3)
        frame.set_clip_on(False)
        axis.add_patch(frame)
    axis.set(title=title, xticks=range(matrix.shape[1]), yticks=range(matrix.shape[0]))
    axis.spines[["top", "right"]].set_visible(True)
