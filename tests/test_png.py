"""Pictures packed fast are the same pictures."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from autograder.grading.student import figures, png


@pytest.fixture(autouse=True)
def as_in_the_box(monkeypatch):
    """Pillow as the student process has it, and back again."""
    monkeypatch.setattr(Image, "ENCODERS", dict(Image.ENCODERS))
    png.pack_fast()


def _picture(mode: str, width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(182).integers(0, 256, (height, width, 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def _saved(picture: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, "png", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (300, 200)])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_pixel_is_kept(mode, size):
    picture = _picture("L" if mode == "I;16" else mode, *size).convert(mode)
    read = Image.open(io.BytesIO(_saved(picture, compress_level=png.LEVEL)))
    assert (read.mode, read.size) == (mode, size)
    np.testing.assert_array_equal(np.asarray(read.convert("RGBA")), np.asarray(picture.convert("RGBA")))


def test_what_pillow_writes_beside_the_pixels_is_kept(tmp_path):
    path = tmp_path / "picture.png"
    _picture("RGB", 5, 4).save(path, compress_level=png.LEVEL, dpi=(100, 100))
    assert Image.open(path).info["dpi"] == pytest.approx((100, 100), abs=0.1)


def test_other_levels_are_pillows_own(monkeypatch):
    picture = _picture("RGB", 30, 20)
    ours = _saved(picture, compress_level=6)
    monkeypatch.delitem(Image.ENCODERS, "zip")
    assert ours == _saved(picture, compress_level=6)


def test_pictures_of_figures_are_packed_fast(monkeypatch):
    packed = []
    encode = png.Packer.encode
    monkeypatch.setattr(png.Packer, "encode", lambda self, size: (packed.append(self), encode(self, size))[1])
    figures.print_figure(plt.figure().canvas, io.BytesIO(), format="png", bbox_inches="tight")
    plt.close("all")
    assert len(packed) == 1
