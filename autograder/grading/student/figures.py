"""Draws a figure once when it is shown or saved, and finds out nothing twice while it does.

matplotlib draws a figure that is to be trimmed twice: without ink, to learn how much room it takes, and with ink. The
room is known without the first, from the same artists, as soon as the layout is. And whenever one artist asks how large
another is, ticks are placed and text is measured again, several times each although nothing has changed. The picture
is the same.
https://matplotlib.org/stable/api/_as_gen/matplotlib.figure.Figure.get_tightbbox.html
"""

import contextlib
import functools
import os
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import matplotlib as mpl
from matplotlib import cbook
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

_print_as_matplotlib = FigureCanvasBase.print_figure
# Half of the time that packing takes by default, for a few more bytes.
_PACKED = {"compress_level": 1}
# What is known of the artists of the figure that is printed now; None between figures, when anything may change.
_known: dict[Hashable, Any] | None = None


def draw_once() -> None:
    """From here on matplotlib draws a figure that is shown in a notebook, or saved as a PNG file, once."""
    FigureCanvasBase.print_figure = print_figure  # type: ignore[method-assign, assignment]
    _ask_once(Axis, "_update_ticks", _view_of)
    _ask_once(Text, "_get_layout", _look_of)


def print_figure(canvas: FigureCanvasBase, filename: Any, *unnamed: Any, **options: Any) -> Any:
    """Print a figure into a file or a buffer, as ``FigureCanvasBase.print_figure`` does."""
    if unnamed or not _can_be_laid_out(canvas.figure) or not _is_trimmed_png(canvas, filename, options):
        return _print_as_matplotlib(canvas, filename, *unnamed, **options)
    with _remembering(), _laid_out(canvas.figure, options.get("dpi")) as box:
        return _print_as_matplotlib(canvas, filename, **{"pil_kwargs": _PACKED, **options, "bbox_inches": box})


def _can_be_laid_out(figure: Figure) -> bool:
    """Whether its artists find their places before they are drawn.

    Other kinds of axes (in three dimensions, of other packages) may do so only then.
    """
    return all(type(axes) is Axes for axes in figure.axes)


def _is_trimmed_png(canvas: FigureCanvasBase, filename: Any, options: dict[str, Any]) -> bool:
    if any(options.get(name) is not None for name in ("pad_inches", "bbox_extra_artists", "backend")):
        return False
    box, kind = options.get("bbox_inches"), options.get("format")
    if kind is None and isinstance(filename, (str, os.PathLike)):
        kind = os.path.splitext(os.fspath(filename))[1][1:]
    kind = kind or canvas.get_default_filetype()
    return (mpl.rcParams["savefig.bbox"] if box is None else box) == "tight" and kind == "png"


@contextlib.contextmanager
def _laid_out(figure: Figure, dpi: Any) -> Iterator[Bbox]:
    """Within, the figure's layout is settled; gives the room that it takes, in inches, with matplotlib's margin."""
    dpi = mpl.rcParams["savefig.dpi"] if dpi is None else dpi
    engine = figure.get_layout_engine()
    with cbook._setattr_cm(figure, dpi=getattr(figure, "_original_dpi", figure.dpi) if dpi == "figure" else dpi):
        if engine is not None:
            engine.execute(figure)
        box = figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
    figure._layout_engine = None  # type: ignore[attr-defined]  # done: with one, it would be drawn without ink again
    try:
        yield box
    finally:
        figure._layout_engine = engine  # type: ignore[attr-defined]


@contextlib.contextmanager
def _remembering() -> Iterator[None]:
    global _known
    before, _known = _known, {}
    try:
        yield
    finally:
        _known = before


def _ask_once(kind: type, name: str, state: Callable[[Any], Hashable]) -> None:
    """Let a method compute its answer once for each figure, artist, and ``state`` that drawing may change.

    An answer belongs to the state that it leaves behind: in that one it holds, and what computing it set is in place.
    """
    compute = getattr(kind, name)

    @functools.wraps(compute)
    def method(artist: Any, *arguments: Any) -> Any:
        if _known is None:
            return compute(artist, *arguments)
        asked = (artist, name, state(artist))
        if asked in _known:
            return _known[asked]
        answer = compute(artist, *arguments)
        _known[artist, name, state(artist)] = answer
        return answer

    setattr(kind, name, method)


def _view_of(axis: Axis) -> Hashable:
    """What decides which ticks there are: the limits, and the room for them.

    And the offset that will be written beside them: a formatter that two axes share has that of its last labels.
    """
    room, formatter = axis.axes.bbox, axis.get_major_formatter()
    view = (*axis.get_view_interval(), round(room.width, 3), round(room.height, 3))
    return (*view, _dpi_of(axis), formatter.get_offset())


def _look_of(text: Text) -> Hashable:
    """What decides how large a piece of text is, wherever it stands; a table shrinks its text while it is drawn."""
    return (
        text.get_text(),
        text.get_fontsize(),
        text.get_rotation(),
        text.get_horizontalalignment(),
        text.get_verticalalignment(),
        _dpi_of(text),
        _place_of(text) if text.get_wrap() else None,
    )


def _place_of(text: Text) -> Hashable:
    """Text that is wrapped ends where the figure does."""
    return tuple(text.get_transform().transform(text.get_unitless_position()))


def _dpi_of(artist: Artist) -> float:
    figure = artist.get_figure(root=True)
    return figure.get_dpi() if isinstance(figure, Figure) else 0.0
