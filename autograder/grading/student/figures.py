"""Draws a figure once for the notebook.

matplotlib draws a figure that is to be trimmed twice: without ink, to learn how much room it takes, and with ink. The
room is known without the first, from the same artists, as soon as the layout is. The picture is the same.
https://matplotlib.org/stable/api/_as_gen/matplotlib.figure.Figure.get_tightbbox.html
"""

from typing import Any

import matplotlib as mpl
from IPython.core import pylabtools
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

_draw_as_ipython = pylabtools.print_figure


def draw_once() -> None:
    """From here on IPython's formatters for figures draw each one once."""
    pylabtools.print_figure = print_figure  # type: ignore[assignment]


def print_figure(figure: Figure, fmt: str = "png", bbox_inches: Any = "tight", **options: Any) -> Any:
    """A figure as bytes or text, as ``IPython.core.pylabtools.print_figure`` makes it."""
    # Other kinds of axes (in three dimensions, of other packages) may find their places when they are drawn.
    if bbox_inches != "tight" or fmt == "retina" or not all(type(axes) is Axes for axes in figure.axes):
        return _draw_as_ipython(figure, fmt, bbox_inches, **options)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    box = _room(figure)
    figure._layout_engine = None  # type: ignore[attr-defined]  # done: with one, it would be drawn without ink again
    try:
        return _draw_as_ipython(figure, fmt, box, **options)
    finally:
        figure._layout_engine = engine  # type: ignore[attr-defined]


def _room(figure: Figure) -> Bbox:
    """What the figure takes, in inches, with matplotlib's margin."""
    return figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
