"""A figure that is drawn once is, pixel by pixel, the one that matplotlib draws."""

import io
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core import pylabtools
from matplotlib.axis import Axis
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import ScalarFormatter
from mpl_toolkits.axes_grid1 import make_axes_locatable
from PIL import Image

from autograder.grading.student import figures

_VALUES = np.random.default_rng(182).random((5, 5))


def _legend_outside() -> None:
    plt.plot([1, 2], label="a long label")
    plt.legend(loc="upper left", bbox_to_anchor=(1, 1))
    plt.title("two\nlines")


def _titles() -> None:
    figure, axes = plt.subplots(2, 2)
    figure.suptitle("all")
    figure.supxlabel("below")
    axes[0, 0].set_ylabel("far", labelpad=40)


def _annotation_and_colour_bar() -> None:
    plt.colorbar(plt.imshow(_VALUES), label="value", extend="both")
    plt.annotate("outside", (0, 0), (-1.5, -1), arrowprops={})


def _shared_colour_bar() -> None:
    figure, axes = plt.subplots(2, 2)
    drawn = [axis.imshow(_VALUES) for axis in axes.flat]
    figure.colorbar(drawn[0], ax=axes, location="bottom")


def _quiver_key() -> None:
    axis = plt.gca()
    axis.quiverkey(axis.quiver([0, 1], [0, 1], [1, 1], [1, 0]), 1.1, 1.1, 1, "key")


def _table() -> None:
    plt.table([["1", "2"]], colLabels=["a", "b"], loc="bottom")


def _polar() -> None:
    plt.subplot(projection="polar").plot([1, 2], [3, 4])


def _three_dimensions() -> None:
    axis = plt.subplot(projection="3d")
    axis.plot([1, 2], [3, 4], [1, 2])
    axis.set_zlabel("a label")


def _twins_and_insets() -> None:
    plt.plot([1e9, 2e9])
    twin = plt.twinx()
    twin.semilogy([1, 1e5])
    twin.set_ylabel("right")
    twin.inset_axes((1.1, 0.5, 0.5, 0.5)).plot([1, 2])


def _second_axis_and_text() -> None:
    plt.plot([1, 2])
    plt.gca().secondary_xaxis("top").set_xlabel("second")
    plt.text(1.5, 3, "far away")


def _subfigures() -> None:
    left, right = plt.figure().subfigures(1, 2)
    left.subplots().plot([1, 2])
    right.subplots(2)[0].set_title("right")
    right.suptitle("above")


def _equal_aspect_and_long_ticks() -> None:
    plt.scatter(*_VALUES[:2])
    plt.gca().set_aspect("equal", "datalim")
    plt.xticks([0.5], ["a very long label of a tick"], rotation=80)


def _appended_axes() -> None:
    drawn = plt.imshow(_VALUES)
    plt.colorbar(drawn, cax=make_axes_locatable(plt.gca()).append_axes("right", "5%", "5%"))


def _own_layout() -> None:
    plt.subplots(2, 1, layout="tight")[1][1].set_xlabel(r"$\frac{a}{b}$")


def _contours() -> None:
    plt.clabel(plt.contour(_VALUES))
    plt.axline((0, 0), (1, 1))
    plt.xlim(2, 3)


def _bars() -> None:
    plt.bar_label(plt.bar(["x", "y"], [1, 2]))


def _text_alone() -> None:
    plt.figure().text(0.5, 0.5, "no axes")


def _wrapped_text() -> None:
    plt.gca().set_title("a title that is far too long for one line of this figure " * 3, wrap=True)
    plt.text(0.3, 0.5, "and a text that has to be wrapped, wherever it is drawn, at the end", wrap=True)


def _table_that_shrinks_its_text() -> None:
    plt.table([["a text that is much too long for its cell", "2"]], colLabels=["a", "b"], loc="bottom")


def _one_formatter_for_two_axes() -> None:
    axes = plt.subplots(1, 2)[1]
    formatter = ScalarFormatter(useOffset=True)
    for axis, start in zip(axes, (1e9, 3e5), strict=True):
        axis.plot([start, start + 0.1])
        axis.yaxis.set_major_formatter(formatter)


_FIGURES = (
    _legend_outside, _titles, _annotation_and_colour_bar, _shared_colour_bar, _quiver_key, _table, _polar,
    _three_dimensions, _twins_and_insets, _second_axis_and_text, _subfigures, _equal_aspect_and_long_ticks,
    _appended_axes, _own_layout, _contours, _bars, _text_alone, _wrapped_text,
    _table_that_shrinks_its_text, _one_formatter_for_two_axes,
)  # fmt: skip


@pytest.fixture(autouse=True)
def as_in_the_box(monkeypatch):
    """matplotlib as the student process has it, and back again."""
    for kind, name in ((FigureCanvasBase, "print_figure"), (Axis, "_update_ticks"), (Text, "_get_layout")):
        monkeypatch.setattr(kind, name, getattr(kind, name))
    figures.draw_once()
    yield
    plt.close("all")


def _pixels(show: Callable[[Figure], bytes | None]) -> np.ndarray | None:
    picture = show(plt.gcf())
    return None if picture is None else np.asarray(Image.open(io.BytesIO(picture)))


def _shown(figure: Figure) -> bytes | None:
    return pylabtools.print_figure(figure)


def _saved(figure: Figure) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, bbox_inches="tight", facecolor="0.9")
    return picture.getvalue()


@pytest.mark.filterwarnings("ignore:There are no gridspecs with layoutgrids")
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("make", _FIGURES)
def test_the_picture_is_matplotlibs(make, constrained, monkeypatch):
    with plt.rc_context({"figure.constrained_layout.use": constrained}):
        make()
        ours = [_pixels(show) for show in (_shown, _saved)]
        plt.close("all")
        make()
        monkeypatch.undo()
        for picture, show in zip(ours, (_shown, _saved), strict=True):
            np.testing.assert_array_equal(picture, _pixels(show))


@pytest.mark.parametrize("show", [_shown, _saved])
def test_it_is_drawn_once_and_keeps_its_layout(show, monkeypatch):
    drawn = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: (drawn.append(self), draw(self, renderer)))
    figure, _ = plt.subplots(layout="constrained")
    engine = figure.get_layout_engine()
    show(figure)
    assert len(drawn) == 1
    assert figure.get_layout_engine() is engine


def test_what_changes_between_two_pictures_shows():
    axis = plt.gca()
    text = axis.text(0.2, 0.2, "short")
    before = _pixels(_shown)
    axis.set_xlim(0, 1000)
    text.set_text("a longer text")
    assert not np.array_equal(before, _pixels(_shown))


def test_other_formats_are_matplotlibs_own(monkeypatch):
    def drawing() -> str:
        picture = io.StringIO()
        plt.savefig(picture, format="svg", bbox_inches="tight", metadata={"Date": None})
        return picture.getvalue()

    plt.plot([1, 2])
    with plt.rc_context({"svg.hashsalt": "same"}):
        ours = drawing()
        monkeypatch.undo()
        assert ours == drawing()
