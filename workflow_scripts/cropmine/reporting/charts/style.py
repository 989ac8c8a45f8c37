"""The common style of charts, and how a figure is written or embedded."""

import base64
import io
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from cropmine.files import replacing

INK = "#1F2A30"
MUTED = "#6B767D"
GRID_LINE = "#E3E7EA"
SPREAD_COLOUR = "#0072B2"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "cropmine",
    "svg.fonttype": "none",
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": INK,
}
WIDTH_IN = 10.4
NARROW_IN = 4.5  # on a phone
PNG_DPI = 150
PNG_COLOURS = 256
FONTS = "'Source Sans 3', 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans'"  # as the page


def encode_figure(figure: Figure, kind: str = "svg", **options: Any) -> str:
    """Encode a figure as a data URI: kind svg, png or jpeg; options as for savefig."""
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None} if kind == "png" else None
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format=kind, metadata=metadata, **options)
    content, mime = buffer.getvalue(), kind
    if kind == "svg":
        content, mime = content.replace(b"'DejaVu Sans'", FONTS.encode()), "svg+xml"
    return f"data:image/{mime};base64,{base64.b64encode(content).decode('ascii')}"


def write_figure(path: str | Path, figure: Figure) -> None:
    """Write a figure as PNG of at most 256 colours, the same bytes for the same figure."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="png", dpi=PNG_DPI)
    picture = Image.open(buffer).convert("RGB").quantize(PNG_COLOURS, kmeans=1, dither=Image.Dither.NONE)
    with replacing(path) as temporary:
        picture.save(temporary, optimize=True, dpi=(PNG_DPI, PNG_DPI))


def embed_picture(path: str | Path) -> str:
    """Give a PNG file as it is as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(Path(path).read_bytes()).decode('ascii')}"


def protect(name: str) -> str:
    """Write a name so that matplotlib shows it as it is: it would set text between dollar signs as a formula."""
    return str(name).replace("$", r"\$")
