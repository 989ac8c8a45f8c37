"""Pictures of the report: colours of classes, probabilities and imagery, a scale bar, and encoding as data URIs."""

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from cropmine.classes import CROPLAND, NONCROPLAND, STEPS
from cropmine.inputs.imagery import OVERVIEW_FACTOR, find_colours
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.reporting.charts.style import INK, encode_figure
from cropmine.reporting.map_layers import stretch
from cropmine.reporting.wording import spell_metres

EMPTY_COLOUR = "#F3F2EE"
PICTURE_PX = 512
SCALE_BAR_SHARE = 0.25
DPI = 100
FIGURE_QUALITY = 88
LOSSY_QUALITY = 80


def stretch_colours(pixels: np.ndarray, valid: np.ndarray, bands: Sequence[str]) -> np.ndarray:
    """Stretch bands for display, each from its 2nd to its 98th percentile.

    pixels: (bands, h, w) of one date; valid: bool (h, w). Returns float32 (h, w, 3): red, green and blue where bands
    have these names (in any case), else the first three; one or two bands in grey. Invalid pixels are light grey.
    """
    shown = stretch(pixels[find_colours(bands)], valid)
    shown[~valid] = to_rgb(EMPTY_COLOUR)
    return shown


def coarsen_image(image: np.ndarray) -> np.ndarray:
    """Average an image, float32 (h, w, 3), over squares of 4 pixels and interpolate, which removes the detail."""
    height, width = image.shape[:2]
    small = Image.fromarray(np.rint(image * 255).astype(np.uint8))
    size = math.ceil(width / OVERVIEW_FACTOR), math.ceil(height / OVERVIEW_FACTOR)
    thinned = small.resize(size, Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(thinned, np.float32) / 255


def colour_classes(classes: np.ndarray) -> np.ndarray:
    """Colour classes, uint8 (h, w) of 0, 1 and others, as float64 (h, w, 3)."""
    shown = np.full((*classes.shape, 3), to_rgb(EMPTY_COLOUR))
    shown[classes == NONCROPLAND] = to_rgb(NONCROPLAND_COLOUR)
    shown[classes == CROPLAND] = to_rgb(CROPLAND_COLOUR)
    return shown


def colour_codes(codes: np.ndarray) -> np.ndarray:
    """Colour probability codes, uint8 (h, w), from blue to yellow (cividis); float64 (h, w, 3)."""
    shown = colormaps["cividis"](np.minimum(codes, STEPS) / STEPS)[..., :3]
    shown[codes > STEPS] = to_rgb(EMPTY_COLOUR)
    return shown


def start_picture(image: np.ndarray) -> tuple[Figure, Axes]:
    """Start a figure that shows only an image, (h, w, 3), at least 512 pixels wide or high; its axes are in pixels."""
    height, width = image.shape[:2]
    scale = max(1, PICTURE_PX // max(height, width))
    figure = Figure(figsize=(width * scale / DPI, height * scale / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(image, interpolation="nearest", aspect="auto", extent=(0, width, height, 0))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    return figure, axes


def finish_picture(figure: Figure, kind: str = "png") -> str:
    """Encode a picture as a data URI: kind png, jpeg or webp."""
    options = {"optimize": True} if kind == "png" else {"quality": FIGURE_QUALITY}
    return encode_figure(figure, kind, dpi=DPI, pil_kwargs=options)


def encode_pixels(pixels: np.ndarray, exact: bool) -> str:
    """Encode pixels, uint8 (h, w, 4), as WebP in a data URI; `exact` without any loss, else of good quality."""
    buffer = io.BytesIO()
    options = {"lossless": True, "quality": 60} if exact else {"quality": LOSSY_QUALITY}
    Image.fromarray(pixels, "RGBA").save(buffer, format="webp", method=4, **options)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def choose_bar(width_m: float) -> float:
    """Choose the length of a scale bar, metres: 1, 2 or 5 times a power of ten, at most a quarter of the width."""
    longest = width_m * SCALE_BAR_SHARE
    power = 10 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))


def draw_scale_bar(axes: Axes, shape: tuple[int, int], width_m: float, size: float = 1) -> None:
    """Draw a scale bar in the lower right corner of a picture.

    shape: (height, width) of the picture in pixels; width_m: its width on the ground, metres; size: of the text,
    relative to the usual one.
    """
    height, width = shape
    length, em = choose_bar(width_m), 0.03 * size * PICTURE_PX * max(shape) / max(PICTURE_PX, *shape)
    right, y = width - 1.2 * em, height - 1.2 * em
    left = right - width * length / width_m
    axes.fill_between([left - em, right + em], y - 2.0 * em, y + em, color="white", alpha=0.85, lw=0)
    axes.plot([left, right], [y, y], color=INK, lw=3 * size, solid_capstyle="butt")
    text: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": 11 * size, "color": INK}
    axes.text((left + right) / 2, y - 0.35 * em, spell_metres(length), **text)
