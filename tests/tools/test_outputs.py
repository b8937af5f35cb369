"""What cells show is harmless, and takes no time to make so."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.grading.outputs import CheckedOutputs, clean


def _shown(html: str, mime: str = "text/html") -> str | None:
    """What is left of an output after the engine has looked at it; None when it is not taken."""
    item = {"output_type": "display_data", "data": {mime: html, "text/plain": "plain"}}
    node = new_notebook(cells=[new_code_cell("x", outputs=CheckedOutputs(1 << 24).take([item]))])
    clean(node)
    assert node.cells[0].outputs[0].data["text/plain"] == "plain"
    return node.cells[0].outputs[0].data.get(mime)


@pytest.mark.parametrize(
    "html",
    [
        "<table>" + "<tr><td>1</td><td>2</td></tr>" * 2000 + "</table>",
        "<br>" * 2000,
        "<div>" * 40 + "deep" + "</div>" * 40,
        "x < y and <b>bold</b>",
    ],
)
def test_what_people_show_is_shown(html):
    assert _shown(html)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000,
        "<DIV class=a>" * 15_000,
        "<div></span>" * 20_000,
        "<div>" * 20_000 + "</div>" * 20_000,
        "<b><i>" * 20_000,
    ],
    ids=["open", "capitals", "closed by another", "closed at the end", "formatting"],
)
@pytest.mark.parametrize("mime", ["text/html", "text/markdown"])
def test_html_that_takes_long_to_clean_is_left_out(html, mime):
    assert _shown(html, mime) is None


def test_scripts_are_not_kept():
    assert "<script" not in (_shown("<b>x</b><script>alert(1)</script>") or "")
