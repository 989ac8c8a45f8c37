"""Still pictures of the report: the whole map, and views of a few tiles in which all layers are side by side."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import shapely
from affine import Affine
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline

from cropmine.classes import CROPLAND, NODATA
from cropmine.config.experiments import Mined
from cropmine.features.overlap_files import read_overlap
from cropmine.geo.geometries import place_on_grid
from cropmine.geo.grids import Grid, open_raster, pixel_size_m, read_grid
from cropmine.geo.rasters import read_raster
from cropmine.inputs.imagery import OVERVIEW_FACTOR, read_tile
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.weak_maps import load_weak, read_weak_map
from cropmine.mapping.bands import CLASS_BAND
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR, SPLIT_COLOURS
from cropmine.mining.overlaps import mine_segments
from cropmine.reporting.charts.style import INK
from cropmine.reporting.map_layers import LEAST_FILLED
from cropmine.reporting.pictures import (
    coarsen_image,
    colour_classes,
    colour_codes,
    draw_scale_bar,
    finish_picture,
    start_picture,
    stretch_colours,
)
from cropmine.reporting.report_files import RegionFiles, ReportRegion
from cropmine.reporting.wording import spell_metres

MOST_VIEWS = 4
LETTERS = "ABCD"
VIEW_PX = 512
OVERVIEW_PX = 1400
OVERVIEW_SHOWN_PX = 780
FOLD_COLOUR = "#FFFFFF"
BARE_GREY = 0.55


@dataclass(frozen=True)
class View:
    """A part of a tile that is shown in detail: `window` (col, row, width, height) in pixels, and its grid."""

    tile: str
    window: tuple[int, int, int, int]
    grid: Grid

    @property
    def width_m(self) -> float:
        """True ground width."""
        return self.grid.width * pixel_size_m(self.grid)[0]


@dataclass(frozen=True)
class Picture:
    """A picture of a view: kind (imagery, labels, classes or probability), title, a note, and the data URI."""

    kind: str
    title: str
    note: str
    uri: str


@dataclass(frozen=True)
class DrawnView:
    """The pictures of a view; width: of the view on the ground, in words."""

    tile: str
    width: str
    pictures: list[Picture]


def choose_views(grids: Mapping[str, Grid], labels: geopandas.GeoDataFrame | None) -> list[View]:
    """Choose up to 4 tiles, those with the most labels, and in each a window of at most 512 px where labels are dense.

    grids: by tile; labels: labels.parquet or None, when the first tiles and their middles are chosen.
    """
    polygons = {tile: _clip_labels(grid, labels)[1] for tile, grid in grids.items()}
    ranked = sorted(grids, key=lambda tile: -len(polygons[tile]))[:MOST_VIEWS]
    return [_frame_view(tile, grids[tile], polygons[tile]) for tile in grids if tile in ranked]


def _clip_labels(grid: Grid, labels: geopandas.GeoDataFrame | None) -> tuple[np.ndarray, np.ndarray]:
    if labels is None:
        return np.empty(0, np.intp), np.empty(0, object)
    return place_on_grid(labels.geometry, grid)


def _frame_view(tile: str, grid: Grid, polygons: np.ndarray) -> View:
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
    return View(tile, (col, row, width, height), grid.window(col, row, width, height))


def draw_view(
    view: View, region: ReportRegion, labels: geopandas.GeoDataFrame | None, imagery: str = "overview"
) -> DrawnView:
    """Draw the pictures of a view, as many as the region has files for and may be shown.

    labels: None where they aren't shown; imagery: full, overview or none. Their order is imagery, human labels, weak
    map, mined labels, probability, classes.
    """
    pictures = []
    image = np.full((*view.grid.shape, 3), BARE_GREY, np.float32)
    if imagery != "none":
        image = _read_image(view, region)
        note = "stretched for display"
        if imagery == "overview":
            image, note = coarsen_image(image), f"an overview, {OVERVIEW_FACTOR} times coarser than the files"
        pictures.append(Picture("imagery", "Imagery", note, _draw_image(image, view)))
    if labels is not None:
        uri = _draw_labels(image, view, labels)
        pictures.append(Picture("labels", "Human labels", "as cut into blocks", uri))
    pictures += [*_draw_classes(view, region.files), *_draw_map(view, region)]
    return DrawnView(view.tile, spell_metres(view.width_m), pictures)


def _read_image(view: View, region: ReportRegion) -> np.ndarray:
    """The imagery of the last date, float32 (h, w, 3)."""
    source = TileSource(tuple(region.files.images[view.tile][-1:]), len(region.bands))
    return stretch_colours(*read_tile(source, view.window), region.bands)


def _draw_image(image: np.ndarray, view: View) -> str:
    figure, axes = start_picture(image)
    draw_scale_bar(axes, view.grid.shape, view.width_m)
    return finish_picture(figure, "jpeg")


def _draw_classes(view: View, files: RegionFiles) -> Iterator[Picture]:
    """The weak map and the labels that are mined from it."""
    if files.weak:
        weak = load_weak(files.weak.settings, files.weak.paths, files.weak.registrations)
        values, known = read_weak_map(*weak, view.grid)
        uri = _encode(colour_classes(np.where(known, values > 0.5, NODATA).astype(np.uint8)))
        yield Picture("classes", f"Weak map {files.weak.name}", "on the grid of the imagery", uri)
    if files.mined and view.tile in files.segments:
        overlap = read_overlap(files.overlaps[view.tile])
        labels = mine_segments(overlap, files.mined.mined, files.mined.min_valid)
        uri = _encode(colour_classes(labels[read_raster(files.segments[view.tile], view.window)]))
        yield Picture("classes", "Mined labels", _spell_thresholds(files.mined.mined), uri)


def _spell_thresholds(mined: Mined) -> str:
    parts = [f"weak fraction > {mined.cropland:g}"] if mined.cropland is not None else []
    parts += [f"< {mined.noncropland:g}"] if mined.noncropland is not None else []
    return " or ".join(parts)


def _draw_map(view: View, region: ReportRegion) -> Iterator[Picture]:
    if region.files.maps:
        path = region.files.maps[region.tiles.index(view.tile)]
        codes, classes, *_ = read_raster(path, view.window)
        yield Picture("probability", "Probability", "of cropland", _encode(colour_codes(codes), "webp"))
        yield Picture("classes", "Map", "at the selected threshold", _encode(colour_classes(classes)))


def _encode(image: np.ndarray, kind: str = "png") -> str:
    return finish_picture(start_picture(image)[0], kind)


def _draw_labels(image: np.ndarray, view: View, labels: geopandas.GeoDataFrame) -> str:
    """The imagery in grey under the labels: the fill is their class, the outline their split."""
    grey = np.repeat(image.mean(axis=2, keepdims=True) * 0.75 + 0.1, 3, axis=2)
    figure, axes = start_picture(grey)
    positions, polygons = place_on_grid(labels.geometry, view.grid)
    west, _, _, north = view.grid.bounds
    step = np.array([view.grid.transform.a, view.grid.transform.e])
    for position, polygon in zip(positions, polygons, strict=True):
        label = labels.iloc[position]
        fill = CROPLAND_COLOUR if label["target"] == CROPLAND else NONCROPLAND_COLOUR
        edge = FOLD_COLOUR if label["fold"] >= 0 else SPLIT_COLOURS.get(label["split"], FOLD_COLOUR)
        for part in shapely.get_parts(polygon):
            outline = _trace(shapely.transform(part, lambda points: (points - (west, north)) / step))
            axes.add_patch(PathPatch(outline, fc=(*to_rgb(fill), 0.8), ec="black", lw=2.4))
            axes.add_patch(PathPatch(outline, fc="none", ec=edge, lw=1.3))
    return finish_picture(figure, "jpeg")


def _trace(polygon: shapely.Polygon) -> Outline:
    rings = [Outline(np.asarray(ring.coords), closed=True) for ring in (polygon.exterior, *polygon.interiors)]
    return Outline.make_compound_path(*rings)


def draw_overview(maps: Sequence[str], views: Sequence[View]) -> str | None:
    """Draw the classes of the whole map with the views framed and lettered; a data URI, None for scattered tiles.

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
    shape = math.ceil(height / pixel - 1e-6), math.ceil(width / pixel - 1e-6)
    whole = Grid(first.crs, Affine(pixel, 0, west, 0, -pixel, north), shape[1], shape[0])
    classes = np.full(shape, NODATA, np.uint8)
    for path, grid in grids.items():
        _paste_classes(classes, path, _find_sides(whole, grid))
    figure, axes = start_picture(colour_classes(classes))
    size = max(1, max(shape) / OVERVIEW_SHOWN_PX)
    draw_scale_bar(axes, shape, whole.width * pixel_size_m(whole)[0], size)
    for letter, view in zip(LETTERS, views, strict=False):
        if view.grid.crs == whole.crs:
            _mark_view(axes, letter, _find_sides(whole, view.grid), size)
    return finish_picture(figure)


def _find_sides(whole: Grid, part: Grid) -> np.ndarray:
    """The left, bottom, right and top side of a grid in pixels of another one, rows counted downwards."""
    west, north, pixel = whole.transform.c, whole.transform.f, whole.transform.a
    return (part.bounds - np.array([west, north, west, north])) / pixel * (1, -1, 1, -1)


def _paste_classes(classes: np.ndarray, path: str, sides: np.ndarray) -> None:
    """Read the classes of a map tile, thinned, into those of the whole map."""
    left, bottom, right, top = np.round(sides).astype(int)
    shape = max(bottom - top, 1), max(right - left, 1)
    with open_raster(path) as dataset:
        thinned = dataset.read(CLASS_BAND, out_shape=shape)
    part = classes[top : top + shape[0], left : left + shape[1]]
    thinned = thinned[: part.shape[0], : part.shape[1]]
    np.copyto(part, thinned, where=thinned != NODATA)


def _mark_view(axes: Axes, letter: str, sides: np.ndarray, size: float) -> None:
    left, bottom, right, top = sides
    box = {"xy": (left, top), "width": right - left, "height": bottom - top, "fill": False}
    axes.add_patch(Rectangle(**box, ec="white", lw=3.4 * size))
    axes.add_patch(Rectangle(**box, ec=INK, lw=1.7 * size))
    badge = {"boxstyle": "square,pad=0.25", "fc": INK, "ec": "white", "lw": 1}
    text: dict[str, Any] = {"color": "white", "fontsize": 11 * size, "weight": "bold", "ha": "left", "va": "top"}
    axes.annotate(letter, (left, top), (8 * size, -8 * size), textcoords="offset points", bbox=badge, **text)
