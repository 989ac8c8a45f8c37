"""How figures are written and embedded."""

import base64
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from cropmine.reporting.charts.style import FONTS, embed_picture, encode_figure, protect, write_figure


def draw(words="a $name$"):
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, protect(words))
    figure.add_axes((0, 0, 1, 1)).imshow(np.arange(4096).reshape(64, 64), cmap="viridis")
    return figure


def decode(uri):
    head, content = uri.split(";base64,")
    return head, base64.b64decode(content)


@pytest.mark.parametrize("kind", ["svg", "png", "jpeg"])
def test_a_figure_is_encoded_as_the_same_data_uri_each_time(kind):
    head, content = decode(encode_figure(draw(), kind))
    assert head == f"data:image/{kind.replace('svg', 'svg+xml')}"
    assert encode_figure(draw(), kind) == encode_figure(draw(), kind)
    assert b"Matplotlib" not in content


def test_an_svg_has_its_words_as_text_in_the_fonts_of_the_page():
    svg = decode(encode_figure(draw()))[1].decode()
    assert ">a $name$<" in svg and FONTS in svg


def test_a_figure_file_has_few_colours_and_is_embedded_as_it_is(tmp_path):
    write_figure(tmp_path / "figure.png", draw())
    picture = Image.open(tmp_path / "figure.png")
    assert picture.mode == "P" and picture.size == (300, 150)
    head, content = decode(embed_picture(tmp_path / "figure.png"))
    assert head == "data:image/png" and content == (tmp_path / "figure.png").read_bytes()
    assert Image.open(io.BytesIO(content)).info["dpi"] == pytest.approx((150, 150), abs=0.1)
