"""Quicklooks of tiles that look suspicious, in one picture: each beside one that looks like most."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cropmine.config.regions import Region
from cropmine.files import replacing
from cropmine.inputs.checks.regions import source_of
from cropmine.inputs.checks.seams import Line
from cropmine.inputs.checks.verdicts import Verdict
from cropmine.inputs.imagery import OVERVIEW_FACTOR, find_colours, read_coarse
from cropmine.inputs.tile_sources import TileSource

MOST_TILES = 11
ACROSS = 4
SIDE_PX = 256
GAP_PX, TEXT_PX, TICK_PX = 8, 18, 10
STRETCH = (2, 98)
PAPER, INK, EMPTY, MARK = "#FFFFFF", "#1F2A30", "#F3F2EE", "#D4006A"
NOTHING = "No tile looks suspicious."


def draw_quicklooks(path: str | Path, region: Region, verdict: Verdict) -> None:
    """Draw the suspicious tiles of check_region's verdict into a PNG, all stretched as the usual one, the first.

    The date that has a seam is shown, else the last. Ticks at the edges tell where a seam begins and ends. A pixel is
    at least four of the files' wide, so that the picture shows no more than an overview. At most eleven are drawn;
    without any a sentence says so.
    """
    named, usual = list(verdict.suspicious)[:MOST_TILES], verdict.usual
    if not named:
        _save(path, _write_text(Image.new("RGB", (SIDE_PX, TEXT_PX), PAPER), (2, 2), NOTHING))
        return
    shown = [*([usual] if usual else []), *named]
    seams = {tile: {int(date): Line(**fields) for date, fields in verdict.suspicious[tile].items()} for tile in named}
    looks = [
        _look_at(source_of(region, **verdict.tiles[tile]), max(seams.get(tile, {}), default=-1), region.bands)
        for tile in shown
    ]
    limits = _find_limits(*looks[0])
    step = SIDE_PX + GAP_PX, SIDE_PX + TEXT_PX + GAP_PX
    rows, columns = -(-len(shown) // ACROSS), min(len(shown), ACROSS)
    sheet = Image.new("RGB", (columns * step[0] + GAP_PX, rows * step[1] + GAP_PX), PAPER)
    for place, (tile, (pixels, valid)) in enumerate(zip(shown, looks, strict=True)):
        left, top = GAP_PX + place % ACROSS * step[0], GAP_PX + place // ACROSS * step[1]
        told = f"{tile}, like most" if tile == usual else tile
        _write_text(sheet, (left, top), told)
        sheet.paste(_colour(pixels, valid, limits), (left, top + TEXT_PX))
        for line in seams.get(tile, {}).values():
            _mark_line(sheet, left, top + TEXT_PX, line)
    _save(path, sheet)


def _look_at(source: TileSource, date: int, bands: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The bands to be shown of a date of a tile, float32 (3, h, w), and which pixels are valid."""
    pixels, valid, _ = read_coarse(source, SIDE_PX, factor=OVERVIEW_FACTOR)
    own = pixels.reshape(len(source.images), source.bands, *valid.shape)[date]
    return own[find_colours(bands)].astype(np.float32), valid


def _find_limits(pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The values (2, 3) that are drawn black and full."""
    return np.percentile(pixels[:, valid], STRETCH, axis=1) if valid.any() else np.array([[0.0] * 3, [1.0] * 3])


def _colour(pixels: np.ndarray, valid: np.ndarray, limits: np.ndarray) -> Image.Image:
    low, high = limits[:, :, None, None]
    shades = np.clip((pixels - low) / np.maximum(high - low, 1e-6), 0, 1)
    colours = np.rint(np.moveaxis(shades, 0, -1) * 255).astype(np.uint8)
    colours[~valid] = tuple(bytes.fromhex(EMPTY[1:]))
    return Image.fromarray(colours).resize((SIDE_PX, SIDE_PX), Image.Resampling.NEAREST)


def _mark_line(sheet: Image.Image, left: int, top: int, line: Line) -> None:
    """Ticks where a line enters and leaves a quicklook, drawn outwards in its direction."""
    draw = ImageDraw.Draw(sheet)
    for share in (0.0, 1.0):
        along = share * (SIDE_PX - 1)
        beside = (line.start + share * (line.end - line.start) + 0.5) / line.side * SIDE_PX
        x, y = (along, beside) if line.across else (beside, along)
        if 0 <= beside < SIDE_PX:
            inward = TICK_PX if share == 0 else -TICK_PX
            end = (x + inward, y) if line.across else (x, y + inward)
            draw.line([(left + x, top + y), (left + end[0], top + end[1])], fill=MARK, width=3)


def _write_text(sheet: Image.Image, place: tuple[int, int], text: str) -> Image.Image:
    ImageDraw.Draw(sheet).text(place, text, fill=INK, font=ImageFont.load_default(12))
    return sheet


def _save(path: str | Path, sheet: Image.Image) -> None:
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)
