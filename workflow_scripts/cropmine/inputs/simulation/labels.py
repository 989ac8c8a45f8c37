"""Simulated human labels: polygons within fields and within other land, drawn at sites spread over a region."""

import edt
import numpy as np
import shapely
import shapely.affinity
from rasterio.features import rasterize
from scipy.spatial import cKDTree

from cropmine.inputs.simulation.land import FIELD, PASTURE, Land

OTHER_REACH_PX = (20, 40)  # how far a site's other label is from its cropland label; farther where there is none
CLEARANCE_PX = 3.2
UNSURE_SHARE = 0.05
ALONE_SHARE = 0.06


def draw_labels(
    rng: np.random.Generator, land: Land, clear: np.ndarray, sites: int
) -> tuple[list[shapely.Polygon], list[str]]:
    """Draw human labels at sites spread over a region, most with a field and a piece of other land near it.

    `clear` bool (h, w): where the imagery can be seen. Returns polygons in pixel coordinates (column, row), each wholly
    in one field or stretch of other land and apart, and their classes: cropland, other, or, for some pastures, unsure.
    """
    fields, others = _distances(land, clear)
    centres, tree = _field_centres(land, fields)
    drawn: list[tuple[shapely.Polygon | None, str]] = []
    taken: set[int] = set()
    spacing = np.sqrt(clear.size / sites)
    for site in _spread_sites(rng, clear.shape, sites):
        alone = rng.random() < ALONE_SHARE
        index = _nearest_free(tree, site, taken, spacing)
        place = site if index is None else centres[index]
        field = None
        if index is not None and not alone:
            field = _draw_polygon(rng, land.parcels, land.parcels[tuple(place)], fields, place)
            taken.add(index)
        drawn += [(field, "cropland"), (_draw_other(rng, land, others, place), "other")]
    drawn += [(polygon, "unsure") for polygon in _draw_unsure(rng, land, others, max(1, round(UNSURE_SHARE * sites)))]
    polygons: list[shapely.Polygon] = []
    classes = []
    for polygon, name in drawn:
        if polygon is not None and not shapely.intersects(polygon, polygons).any():
            polygons.append(polygon)
            classes.append(name)
    return polygons, classes


def _distances(land: Land, clear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the edge of the field, and to that of the stretch of other land, that a pixel is in; else 0."""
    cover = land.cover
    fields = edt.edt(np.where((cover == FIELD) & clear, land.parcels, 0).astype(np.uint32), parallel=1)
    others = edt.edt(np.where((cover != FIELD) & clear, cover, 0).astype(np.uint32), parallel=1)
    return fields, others


def _field_centres(land: Land, fields: np.ndarray) -> tuple[np.ndarray, cKDTree | None]:
    """The innermost pixels of the fields that are wide enough, (n, 2), and a tree of them."""
    rows, columns = np.nonzero(fields >= CLEARANCE_PX)
    parcel = land.parcels[rows, columns]
    order = np.lexsort((-fields[rows, columns], parcel))
    first = order[np.unique(parcel[order], return_index=True)[1]]
    centres = np.stack([rows[first], columns[first]], axis=1)
    return centres, cKDTree(centres) if len(centres) else None


def _nearest_free(tree: cKDTree | None, site: np.ndarray, taken: set[int], reach: float) -> int | None:
    if tree is None:
        return None
    near = tree.query_ball_point(site, reach, return_sorted=True)
    free = [index for index in near if index not in taken]
    return min(free, key=lambda index: np.hypot(*(tree.data[index] - site)), default=None)


def _spread_sites(rng: np.random.Generator, shape: tuple[int, ...], count: int) -> np.ndarray:
    """Places on a jittered grid, row and column, in its order."""
    rows = max(1, round(np.sqrt(count * shape[0] / shape[1])))
    columns = -(-count // rows)
    cells = np.sort(rng.permutation(rows * columns)[:count])
    places = np.stack(np.divmod(cells, columns), axis=1) + rng.uniform(0.2, 0.8, (count, 2))
    return (places * shape / (rows, columns)).astype(int)


def _draw_other(rng: np.random.Generator, land: Land, others: np.ndarray, place: np.ndarray) -> shapely.Polygon | None:
    """A polygon on land that isn't cropland, near a place; each cover that is near has the same chance."""
    for reach in OTHER_REACH_PX:
        low = np.maximum(place - reach, 0)
        box = tuple(slice(a, a + 2 * reach + 1) for a in low)
        roomy = others[box] >= CLEARANCE_PX
        for cover in rng.permutation(np.unique(land.cover[box][roomy])):
            spots = np.argwhere(roomy & (land.cover[box] == cover))
            spots = spots[rng.integers(len(spots), size=6)] + low
            for spot in spots[np.argsort(-others[tuple(spots.T)], kind="stable")]:
                polygon = _draw_polygon(rng, land.cover, cover, others, spot)
                if polygon is not None:
                    return polygon
    return None


def _draw_unsure(rng: np.random.Generator, land: Land, others: np.ndarray, count: int) -> list[shapely.Polygon | None]:
    spots = np.argwhere((land.cover == PASTURE) & (others >= CLEARANCE_PX))
    spots = spots[rng.integers(len(spots), size=count)] if len(spots) else spots
    return [_draw_polygon(rng, land.cover, PASTURE, others, spot) for spot in spots]


def _draw_polygon(
    rng: np.random.Generator, numbers: np.ndarray, number: int, room: np.ndarray, centre: np.ndarray
) -> shapely.Polygon | None:
    """A quadrangle or pentagon round a pixel whose every touched pixel has the number; None if none fits."""
    low = np.maximum(centre - 16, 0)
    box = tuple(slice(a, a + 33) for a in low)
    pure = (numbers[box] == number) & (room[box] > 0)
    middle = centre - low + 0.5
    for _ in range(8):
        corners = rng.integers(4, 6)
        turns = rng.uniform() + (np.arange(corners) + rng.uniform(-0.25, 0.25, corners)) / corners
        rays = np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1)
        steps = np.arange(0, rng.uniform(7, 13), 0.5)
        walks = np.floor(middle + steps[:, None, None] * rays).astype(int)
        inside = ((walks >= 0) & (walks < pure.shape)).all(axis=2)
        row, column = np.where(inside[..., None], walks, 0).transpose(2, 0, 1)
        free = np.logical_and.accumulate(inside & pure[row, column], axis=0).sum(axis=0) * 0.5
        reach = (free - 0.8) * rng.uniform(0.75, 1, corners)
        polygon = shapely.Polygon((middle + reach.clip(0.5)[:, None] * rays)[:, ::-1])
        touched = rasterize([polygon], pure.shape, all_touched=True).astype(bool)
        if polygon.is_valid and polygon.area >= 14 and pure[touched].all():
            return shapely.affinity.translate(polygon, low[1], low[0])
    return None
