"""Pictures of the report: imagery, weak map, mined and human labels and the map, side by side for a few places."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas
import numpy as np
import shapely
from affine import Affine
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from PIL import Image

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, STEPS
from cropmine.config.experiments import Mined
from cropmine.geo.geometries import place_on_grid
from cropmine.geo.grids import Grid, open_raster, pixel_size_m, read_grid
from cropmine.geo.rasters import read_raster
from cropmine.inputs.imagery import OVERVIEW_FACTOR, find_colours, read_tile, source_from_settings
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.mapping.bands import CLASS_BAND
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR, SPLIT_COLOURS
from cropmine.mining.overlaps import mine_segments, read_overlap
from cropmine.reporting.charts import INK, encode_figure
from cropmine.reporting.map_layers import LEAST_FILLED, stretch

PLACES = 4
LETTERS = "ABCD"
VIEW_PX = 512
PICTURE_PX = 512
OVERVIEW_PX = 1400
OVERVIEW_SHOWN_PX = 780
EMPTY_COLOUR = "#F3F2EE"
FOLD_COLOUR = "#FFFFFF"
BARE_GREY = 0.55
DPI = 100
SCALE_BAR_SHARE = 0.25


@dataclass(frozen=True)
class Place:
    """A part of a tile to look at: `window` (col, row, width, height) in pixels, and its grid."""

    tile: str
    window: tuple[int, int, int, int]
    grid: Grid

    @property
    def width_m(self) -> float:
        """True ground width."""
        return self.grid.width * pixel_size_m(self.grid)[0]


def choose_places(grids: Mapping[str, Grid], labels: geopandas.GeoDataFrame | None) -> list[Place]:
    """Choose up to 4 tiles, those with the most labels, and in each a window of at most 512 px where labels are dense.

    grids: by tile; labels: labels.parquet or None, when the first tiles and their middles are chosen.
    """
    polygons = {tile: _place_labels(grid, labels)[1] for tile, grid in grids.items()}
    ranked = sorted(grids, key=lambda tile: -len(polygons[tile]))[:PLACES]
    return [_frame_view(tile, grids[tile], polygons[tile]) for tile in grids if tile in ranked]


def _place_labels(grid: Grid, labels: geopandas.GeoDataFrame | None) -> tuple[np.ndarray, np.ndarray]:
    if labels is None:
        return np.empty(0, np.intp), np.empty(0, object)
    return place_on_grid(labels.geometry, grid)


def _frame_view(tile: str, grid: Grid, polygons: np.ndarray) -> Place:
    """The window around the label that has most labels near it."""
    width, height = min(grid.width, VIEW_PX), min(grid.height, VIEW_PX)
    middle = np.array([grid.width / 2, grid.height / 2])
    if len(polygons):
        points = shapely.get_coordinates(shapely.centroid(polygons))
        pixels = np.column_stack(~grid.transform @ (points[:, 0], points[:, 1]))
        near = np.abs(pixels[:, None] - pixels[None, :500]) < np.array([width, height]) / 2
        middle = pixels[np.argmax(near.all(axis=2).sum(axis=1))]
    col = int(np.clip(middle[0] - width / 2, 0, grid.width - width))
    row = int(np.clip(middle[1] - height / 2, 0, grid.height - height))
    return Place(tile, (col, row, width, height), grid.window(col, row, width, height))


def stretch_colours(pixels: np.ndarray, valid: np.ndarray, bands: Sequence[str]) -> np.ndarray:
    """Stretch bands for the eye, each from its 2nd to its 98th percentile.

    pixels: (bands, h, w) of one date; valid: bool (h, w). Gives float32 (h, w, 3): red, green and blue where bands have
    these names (in any case), else the first three; one or two bands in grey. Invalid pixels are light grey.
    """
    shown = stretch(pixels[find_colours(bands)], valid)
    shown[~valid] = to_rgb(EMPTY_COLOUR)
    return shown


def thin_image(image: np.ndarray) -> np.ndarray:
    """Average an image, float32 (h, w, 3), over squares of 4 pixels and spread these again, so that detail is gone."""
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


def draw_place(
    place: Place, region: dict, labels: geopandas.GeoDataFrame | None, imagery: str = "overview"
) -> list[dict]:
    """Draw the pictures of a place, as many as the region has files for and may be shown.

    region: settings of build_report; labels: None where they aren't shown; imagery: full, overview or none. Each
    picture has kind, title, note and uri; their order is imagery, human labels, weak map, mined labels, probability,
    classes.
    """
    files, pictures = region["files"], []
    image = np.full((*place.grid.shape, 3), BARE_GREY, np.float32)
    if imagery != "none":
        source = source_from_settings(files["images"][place.tile][-1:], [], region)
        pixels, valid = read_tile(source, place.window)
        image = stretch_colours(pixels, valid, region["bands"])
        note = "stretched for the eye"
        if imagery == "overview":
            image, note = thin_image(image), f"an overview, {OVERVIEW_FACTOR} times coarser than the files"
        pictures.append(_describe("imagery", "Imagery", note, _encode_view(image, place, "jpeg", bar=True)))
    if labels is not None:
        pictures.append(
            _describe("labels", "Human labels", "as they were cut into blocks", _draw_labels(image, place, labels))
        )
    if files["weak"]:
        weak = load_weak(files["weak"]["settings"], files["weak"]["paths"], files["weak"].get("registrations", []))
        values, known = read_weak_map(*weak, place.grid)
        classes = np.where(known, values > 0.5, NODATA).astype(np.uint8)
        pictures.append(
            _describe(
                "classes",
                f"Weak map {files['weak']['name']}",
                "on the grid of the imagery",
                _encode_classes(classes, place),
            )
        )
    if files["mined"] and place.tile in files["segments"]:
        classes = _read_mined(place, files)
        pictures.append(
            _describe("classes", "Mined labels", _spell_mined(files["mined"]), _encode_classes(classes, place))
        )
    if files["maps"]:
        codes, classes, *_ = read_raster(files["maps"][region["tiles"].index(place.tile)], place.window)
        pictures.append(
            _describe("probability", "Probability", "of cropland", _encode_view(colour_codes(codes), place, "webp"))
        )
        pictures.append(_describe("classes", "Map", "at the selected threshold", _encode_classes(classes, place)))
    return pictures


def _describe(kind: str, title: str, note: str, uri: str) -> dict:
    return {"kind": kind, "title": title, "note": note, "uri": uri}


def _spell_mined(mined: dict) -> str:
    limits = mined["mined"]
    parts = [f"weak fraction > {limits['cropland']:g}"] if limits["cropland"] is not None else []
    parts += [f"< {limits['noncropland']:g}"] if limits["noncropland"] is not None else []
    return " or ".join(parts)


def _read_mined(place: Place, files: dict) -> np.ndarray:
    mined = files["mined"]
    overlap = read_overlap(files["overlaps"][place.tile])
    lut = mine_segments(overlap, Mined.model_validate(mined["mined"]), mined["min_valid"])
    return lut[read_raster(files["segments"][place.tile], place.window)]


def _start_view(image: np.ndarray):
    """A figure of nothing but an image, in pixels of at least 512 across."""
    height, width = image.shape[:2]
    scale = max(1, PICTURE_PX // max(height, width))
    figure = Figure(figsize=(width * scale / DPI, height * scale / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(image, interpolation="nearest", aspect="auto", extent=(0, width, height, 0))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    return figure, axes


def _encode_view(image: np.ndarray, place: Place, kind: str = "png", bar: bool = False) -> str:
    figure, axes = _start_view(image)
    if bar:
        _draw_scale_bar(axes, image.shape[:2], place.width_m)
    return encode_figure(figure, kind, dpi=DPI, **_options(kind))


def _options(kind: str) -> dict:
    return {"pil_kwargs": {"quality": 88}} if kind in ("jpeg", "webp") else {"pil_kwargs": {"optimize": True}}


def _encode_classes(classes: np.ndarray, place: Place) -> str:
    return _encode_view(colour_classes(classes), place)


def choose_bar(width_m: float) -> float:
    """Choose the length of a scale bar, metres: 1, 2 or 5 times a power of ten, at most a quarter of the width."""
    longest = width_m * SCALE_BAR_SHARE
    power = 10 ** math.floor(math.log10(longest))
    return max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))


def spell_length(metres: float) -> str:
    """Spell a length in metres or kilometres."""
    return f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


def _draw_scale_bar(axes, shape: tuple[int, int], width_m: float, size: float = 1) -> None:
    """A scale bar in the lower right corner; `size` is that of its text."""
    height, width = shape
    length, em = choose_bar(width_m), 0.03 * size * PICTURE_PX * max(shape) / max(PICTURE_PX, *shape)
    right, y = width - 1.2 * em, height - 1.2 * em
    left = right - width * length / width_m
    axes.fill_between([left - em, right + em], y - 2.0 * em, y + em, color="white", alpha=0.85, lw=0)
    axes.plot([left, right], [y, y], color=INK, lw=3 * size, solid_capstyle="butt")
    text = {"ha": "center", "va": "bottom", "fontsize": 11 * size, "color": INK}
    axes.text((left + right) / 2, y - 0.35 * em, spell_length(length), **text)


def _draw_labels(image: np.ndarray, place: Place, labels: geopandas.GeoDataFrame) -> str:
    """The imagery in grey under the labels: the fill is their class, the outline their split."""
    grey = np.repeat(image.mean(axis=2, keepdims=True) * 0.75 + 0.1, 3, axis=2)
    figure, axes = _start_view(grey)
    positions, polygons = place_on_grid(labels.geometry, place.grid)
    west, _, _, north = place.grid.bounds
    step = np.array([place.grid.transform.a, place.grid.transform.e])
    for position, polygon in zip(positions, polygons, strict=True):
        label = labels.iloc[position]
        fill = CROPLAND_COLOUR if label["target"] == CROPLAND else NONCROPLAND_COLOUR
        edge = FOLD_COLOUR if label["fold"] >= 0 else SPLIT_COLOURS.get(label["split"], FOLD_COLOUR)
        for part in shapely.get_parts(polygon):
            outline = _trace(shapely.transform(part, lambda points: (points - (west, north)) / step))
            axes.add_patch(PathPatch(outline, fc=(*to_rgb(fill), 0.8), ec="black", lw=2.4))
            axes.add_patch(PathPatch(outline, fc="none", ec=edge, lw=1.3))
    return encode_figure(figure, "jpeg", dpi=DPI, **_options("jpeg"))


def _trace(polygon: shapely.Polygon) -> Outline:
    rings = [Outline(np.asarray(ring.coords), closed=True) for ring in (polygon.exterior, *polygon.interiors)]
    return Outline.make_compound_path(*rings)


def draw_overview(maps: Sequence[str], places: Sequence[Place]) -> str | None:
    """Draw the classes of the whole map with the places framed and lettered; a data URI, None for scattered tiles.

    maps: the tiles' files, of which those of the commonest CRS are shown, at most 1400 px wide or high.
    """
    grids = {path: read_grid(path) for path in maps}
    names = [grid.crs.to_string() for grid in grids.values()]
    grids = {path: grid for path, grid in grids.items() if grid.crs.to_string() == max(names, key=names.count)}
    wests, souths, easts, norths = np.array([grid.bounds for grid in grids.values()]).T
    west, north, width, height = wests.min(), norths.max(), np.ptp([*wests, *easts]), np.ptp([*souths, *norths])
    if np.sum((easts - wests) * (norths - souths)) < LEAST_FILLED * width * height:
        return None
    first = next(iter(grids.values()))
    pixel = max(max(width, height) / OVERVIEW_PX, first.transform.a)
    canvas = np.full((math.ceil(height / pixel - 1e-6), math.ceil(width / pixel - 1e-6)), NODATA, np.uint8)
    for path, grid in grids.items():
        _paste_classes(canvas, path, (grid.bounds - np.array([west, north, west, north])) / pixel)
    figure, axes = _start_view(colour_classes(canvas))
    size = max(1, max(canvas.shape) / OVERVIEW_SHOWN_PX)
    whole = Grid(first.crs, Affine(pixel, 0, west, 0, -pixel, north), canvas.shape[1], canvas.shape[0])
    _draw_scale_bar(axes, canvas.shape, whole.width * pixel_size_m(whole)[0], size)
    for letter, place in zip(LETTERS, places, strict=False):
        if place.grid.crs == first.crs:
            _frame_place(axes, letter, (place.grid.bounds - np.array([west, north, west, north])) / pixel, size)
    return encode_figure(figure, "png", dpi=DPI, **_options("png"))


def _paste_classes(canvas: np.ndarray, path: str, bounds: np.ndarray) -> None:
    """Put the classes of a map tile, thinned, into a canvas; bounds are its columns, and its rows upwards."""
    left, right = np.round(bounds[[0, 2]]).astype(int)
    top, bottom = np.round(-bounds[[3, 1]]).astype(int)
    shape = max(bottom - top, 1), max(right - left, 1)
    with open_raster(path) as dataset:
        classes = dataset.read(CLASS_BAND, out_shape=shape)
    part = canvas[top : top + shape[0], left : left + shape[1]]
    classes = classes[: part.shape[0], : part.shape[1]]
    np.copyto(part, classes, where=classes != NODATA)


def _frame_place(axes, letter: str, bounds: np.ndarray, size: float) -> None:
    left, bottom, right, top = bounds * (1, -1, 1, -1)
    box = {"xy": (left, top), "width": right - left, "height": bottom - top, "fill": False}
    axes.add_patch(Rectangle(**box, ec="white", lw=3.4 * size))
    axes.add_patch(Rectangle(**box, ec=INK, lw=1.7 * size))
    badge = {"boxstyle": "square,pad=0.25", "fc": INK, "ec": "white", "lw": 1}
    axes.annotate(
        letter,
        (left, top),
        (8 * size, -8 * size),
        textcoords="offset points",
        ha="left",
        va="top",
        color="white",
        fontsize=11 * size,
        weight="bold",
        bbox=badge,
    )
