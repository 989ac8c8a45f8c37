"""Simulated land: cover, parcels, houses and fields, drawn at random on a grid of pixels."""

from dataclasses import dataclass

import edt
import numpy as np
from scipy import ndimage, sparse

FOREST, SHRUB, GRASS, BARE, WATER, ROAD, YARD, ROOF, HEDGE, PASTURE, FIELD = range(1, 12)
CROPLAND_SHARE = 0.22
PASTURE_SHARE = 0.03
BLOCK_SPACING = 105
FIELD_PX = (44, 876)  # 0.1 to 2 ha
BLOCKS_A_ROAD_LOOP = 3.6


@dataclass(frozen=True)
class Land:
    """The land of a region, on its pixel grid of shape (h, w).

    `cover` uint8 (FOREST to FIELD), `parcels` int32 (0 none, 1 to n), `angles` float32 (n + 1,) radians, the direction
    of a parcel's longer side, `roofs` int32 (0 none, else a house's number), `moisture` and `relief` float32 of mean 0
    and deviation 1, `clearing` float32, higher where people cleared the land for fields.
    """

    cover: np.ndarray
    parcels: np.ndarray
    angles: np.ndarray
    roofs: np.ndarray
    moisture: np.ndarray
    relief: np.ndarray
    clearing: np.ndarray


def draw_land(rng: np.random.Generator, visible: np.ndarray) -> Land:
    """Draw the land of a region, with cropland on `CROPLAND_SHARE` of its visible pixels.

    `visible` bool (h, w): where the imagery has data.
    """
    shape = visible.shape
    moisture = _draw_octaves(rng, shape, 170)
    relief = _draw_octaves(rng, shape, 240)
    blocks, centres, u, v = _draw_blocks(rng, shape)
    parcels, angles, block_of_parcel = _split_blocks(rng, blocks, centres, u, v)
    clearing = draw_noise(rng, shape, 140) + 0.35 * draw_noise(rng, shape, 60) - 0.3 * moisture
    water, banks = _draw_water(rng, shape)
    cover = _draw_natural_cover(rng, moisture, banks)
    roads = _draw_roads(rng, blocks, centres)
    cover[roads] = ROAD
    roofs = _build_houses(rng, cover, clearing, roads)
    cover[water] = WATER
    roofs[water] = 0
    parcels[(cover == WATER) | (cover == ROAD) | (cover == YARD) | (cover == ROOF)] = 0
    _farm_parcels(rng, cover, parcels, block_of_parcel, clearing - 1.2 * (cover == FOREST), visible)
    return Land(cover, parcels, angles, roofs, moisture, relief, clearing)


def draw_swath(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Draw where the imagery has data: all but a slanted, frayed strip in the east. Returns bool (h, w)."""
    height, width = shape
    row = np.arange(height, dtype=np.float32)
    edge = width * (1 - rng.uniform(0.03, 0.05)) + (row / height) * width * rng.uniform(0.05, 0.08)
    edge += 1.5 * draw_noise(rng, (height, 1), 6)[:, 0] + 5 * (row // 48 % 2)
    return np.arange(width)[None, :] < edge[:, None]


def draw_noise(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Draw a smooth random field: cubic B-splines over white noise on knots `scale` pixels apart.

    Returns float32 of the given shape with mean 0 and deviation 1, but for rounding and sampling.
    """
    rows, columns = _spline_weights(shape[0], scale), _spline_weights(shape[1], scale)
    knots = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype=np.float32)
    field = rows @ np.ascontiguousarray((columns @ knots.T).T)
    step = max(1, int(scale / 4))
    sample = field[::step, ::step].astype(np.float64)
    field -= np.float32(sample.mean())
    field /= np.float32(sample.std() + 1e-6)
    return field


def _spline_weights(length: int, scale: float) -> sparse.csr_array:
    position = np.arange(length) / scale
    knot = position.astype(int)
    f = position - knot
    weights = np.stack([(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3], axis=1) / 6
    columns = knot[:, None] + np.arange(4)
    starts = np.arange(0, 4 * length + 1, 4)
    shape = (length, knot[-1] + 4)
    return sparse.csr_array((weights.astype(np.float32).ravel(), columns.ravel(), starts), shape=shape)


def _draw_octaves(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> np.ndarray:
    field = np.zeros(shape, np.float32)
    for k in range(4):
        field += draw_noise(rng, shape, scale / 3**k) * 0.45**k
    return (field / field.std()).astype(np.float32)


def _draw_blocks(
    rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Blocks of parcels, the Voronoi cells of a jittered grid on warped ground, and each one's own coordinates."""
    rows, columns = (int(np.ceil(n / BLOCK_SPACING)) + 3 for n in shape)
    row, column = np.mgrid[:rows, :columns]
    jitter = rng.uniform(-0.36, 0.36, (2, rows, columns))
    centres = (np.stack([row, column]) - 1 + jitter).reshape(2, -1).astype(np.float32) * BLOCK_SPACING
    y = np.arange(shape[0], dtype=np.float32)[:, None] + 9 * draw_noise(rng, shape, 70)
    x = np.arange(shape[1], dtype=np.float32)[None, :] + 9 * draw_noise(rng, shape, 70)
    cell_y = np.clip((y / BLOCK_SPACING + 1.5).astype(np.int32), 1, rows - 2)
    cell_x = np.clip((x / BLOCK_SPACING + 1.5).astype(np.int32), 1, columns - 2)
    nearest, blocks = np.full(shape, np.inf, np.float32), np.zeros(shape, np.int32)
    for step in (-columns - 1, -columns, -columns + 1, -1, 0, 1, columns - 1, columns, columns + 1):
        block = cell_y * columns + cell_x + step
        distance = (y - centres[0][block]) ** 2 + (x - centres[1][block]) ** 2
        nearer = distance < nearest
        nearest[nearer], blocks[nearer] = distance[nearer], block[nearer]
    angle = rng.uniform(0, np.pi, rows * columns).astype(np.float32)
    y, x = y - centres[0][blocks], x - centres[1][blocks]
    cos, sin = np.cos(angle)[blocks], np.sin(angle)[blocks]
    return blocks, (centres, angle), x * cos + y * sin, y * cos - x * sin


def _split_blocks(
    rng: np.random.Generator, blocks: np.ndarray, centres: tuple[np.ndarray, np.ndarray], u: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split each block's square again and again at its longer side until parcels have the block's size."""
    count = centres[1].size
    size = np.exp(rng.normal(np.log(300), 0.5, count)).clip(120, 800)
    slimness = rng.uniform(1.0, 2.4, count)
    bounds = np.tile(np.array([-1.1, 1.1, -1.1, 1.1]) * BLOCK_SPACING, (count, 1))
    block_of_node, leaves, node = np.arange(count), np.arange(count), blocks.copy()
    for _ in range(16):
        width, height = bounds[leaves, 1] - bounds[leaves, 0], bounds[leaves, 3] - bounds[leaves, 2]
        owner = block_of_node[leaves]
        split = width * height > size[owner] * rng.uniform(0.8, 1.7, leaves.size)
        if not split.any():
            break
        along_u = (width > height * slimness[owner])[split]
        parents, first = leaves[split], len(bounds)
        low = np.where(along_u, bounds[parents, 0], bounds[parents, 2])
        high = np.where(along_u, bounds[parents, 1], bounds[parents, 3])
        cut = (low + (high - low) * rng.uniform(0.34, 0.66, parents.size)).astype(np.float32)
        children = np.repeat(bounds[parents], 2, axis=0)
        children[np.arange(parents.size) * 2, np.where(along_u, 1, 3)] = cut
        children[np.arange(parents.size) * 2 + 1, np.where(along_u, 0, 2)] = cut
        child, cuts, axis = np.full(first, -1, np.int32), np.zeros(first, np.float32), np.zeros(first, bool)
        child[parents] = first + 2 * np.arange(parents.size, dtype=np.int32)
        cuts[parents], axis[parents] = cut, along_u
        leaves = np.arange(first, first + 2 * parents.size)
        bounds, block_of_node = np.concatenate([bounds, children]), np.append(block_of_node, owner[split].repeat(2))
        goes_on = child[node]
        node = np.where(goes_on >= 0, goes_on + (np.where(axis[node], u, v) > cuts[node]), node).astype(np.int32)
    used = np.flatnonzero(np.bincount(node.ravel(), minlength=len(bounds)))
    number = np.zeros(len(bounds), np.int32)
    number[used] = np.arange(1, used.size + 1)
    longer_v = (bounds[used, 3] - bounds[used, 2]) > (bounds[used, 1] - bounds[used, 0])
    angles = centres[1][block_of_node[used]] + np.where(longer_v, np.pi / 2, 0)
    return number[node], np.append(0, angles).astype(np.float32), np.append(0, block_of_node[used])


def _draw_water(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A river along the level of a smooth field, ponds, and the banks on which trees stand."""
    field = draw_noise(rng, shape, 420) + 0.12 * draw_noise(rng, shape, 70)
    slope = np.hypot(*np.gradient(field)) + 1e-4
    distance = np.abs(field - 0.25) / slope + 0.6 * draw_noise(rng, shape, 9)
    water = distance < 2.4
    for _ in range(max(1, round(field.size / 450_000))):
        row, column = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        y, x = np.ogrid[-row : shape[0] - row, -column : shape[1] - column]
        water |= np.hypot(y * rng.uniform(0.7, 1.5), x) < rng.uniform(3, 11)
    return water, distance < 7 + 4 * draw_noise(rng, shape, 45)


def _draw_natural_cover(rng: np.random.Generator, moisture: np.ndarray, banks: np.ndarray) -> np.ndarray:
    shape = moisture.shape
    growth = _draw_octaves(rng, shape, 200) + 0.5 * moisture
    wear = _draw_octaves(rng, shape, 120)
    cover = np.full(shape, GRASS, np.uint8)
    shrub, forest = np.quantile(growth[::4, ::4], [0.66, 0.82])
    cover[wear > np.quantile(wear[::4, ::4], 0.84)] = BARE
    cover[growth > shrub] = SHRUB
    cover[(growth > forest) | banks] = FOREST
    return cover


def _draw_roads(rng: np.random.Generator, blocks: np.ndarray, centres: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Dirt roads along block borders, round groups of blocks."""
    (rows, columns), spacing = centres[0], BLOCK_SPACING * BLOCKS_A_ROAD_LOOP
    extent = rows.max() + BLOCK_SPACING, columns.max() + BLOCK_SPACING
    grid = np.mgrid[-spacing : extent[0] : spacing, -spacing : extent[1] : spacing].reshape(2, -1)
    hubs = grid + rng.uniform(-0.35, 0.35, grid.shape) * spacing
    distance = np.hypot(rows[:, None] - hubs[0], columns[:, None] - hubs[1])
    loop = np.ascontiguousarray(distance.argmin(axis=1).astype(np.uint32)[blocks] + 1)
    return edt.edt(loop, parallel=1) < 1.3


def _build_houses(rng: np.random.Generator, cover: np.ndarray, clearing: np.ndarray, roads: np.ndarray) -> np.ndarray:
    """Homesteads where the land is cleared, and villages on roads; their yards and paths become cover."""
    height, width = cover.shape
    draws = rng.integers(0, cover.size, max(24, round(cover.size * 9e-4)))
    homesteads = draws[rng.random(draws.size) < 0.5 / (1 + np.exp(-1.5 * clearing.ravel()[draws]))]
    built = [np.stack(np.divmod(homesteads, width), axis=1).astype(float)]
    on_road = np.flatnonzero(roads if roads.any() else ~roads)
    for _ in range(max(1, round(cover.size / 500_000))):
        centre = np.array(np.divmod(on_road[rng.integers(on_road.size)], width), float)
        houses = centre + rng.normal(0, rng.uniform(12, 26), (rng.integers(35, 90), 2))
        for house in houses[::3]:
            line = np.linspace(centre, house, 120).round().astype(int)
            line = line[(line >= 0).all(axis=1) & (line < cover.shape).all(axis=1)]
            cover[line[:, 0], line[:, 1]] = YARD
        built.append(houses)
    places = np.concatenate(built)
    places = places[(places >= 0).all(axis=1) & (places < (height - 4, width - 4)).all(axis=1)].astype(int)
    yards, roofs = np.zeros(cover.shape, bool), np.zeros(cover.shape, np.int32)
    yards[places[:, 0] + 1, places[:, 1] + 1] = True
    reach = edt.edt(~yards, parallel=1) + 0.8 * draw_noise(rng, cover.shape, 5)
    cover[reach < 2.6] = YARD
    sizes = rng.integers(2, 4, places.shape)
    for number, ((row, column), (high, wide)) in enumerate(zip(places, sizes, strict=True), start=1):
        roofs[row : row + high, column : column + wide] = number
    cover[roofs > 0] = ROOF
    return roofs


def _farm_parcels(
    rng: np.random.Generator,
    cover: np.ndarray,
    parcels: np.ndarray,
    block_of_parcel: np.ndarray,
    suitability: np.ndarray,
    visible: np.ndarray,
) -> None:
    """Make the most suitable parcels fields until they hold the share of cropland, and fence some others in."""
    count = block_of_parcel.size
    inside = edt.edt(parcels.astype(np.uint32), parallel=1) > 1.0
    flat = parcels.ravel()
    pixels = np.bincount(flat, minlength=count)
    interior = np.bincount(flat, weights=(inside & visible).ravel(), minlength=count)
    score = np.bincount(flat, weights=suitability.ravel(), minlength=count) / np.maximum(pixels, 1)
    score += 0.45 * rng.standard_normal(block_of_parcel.max() + 1)[block_of_parcel] + 0.5 * rng.standard_normal(count)
    fits = (interior >= FIELD_PX[0] * 0.6) & (pixels >= FIELD_PX[0]) & (pixels <= FIELD_PX[1])
    fits[0] = False
    order = np.flatnonzero(fits)[np.argsort(-score[fits], kind="stable")]
    share = np.cumsum(interior[order]) / max(visible.sum(), 1)
    kind = np.zeros(count, np.uint8)
    kind[order[share <= CROPLAND_SHARE]] = FIELD
    fenced = order[(share > CROPLAND_SHARE) & (share <= CROPLAND_SHARE + 3 * PASTURE_SHARE)]
    kind[fenced[rng.random(fenced.size) < 1 / 3]] = PASTURE
    kinds = kind[parcels]
    cover[(kinds > 0) & inside] = kinds[(kinds > 0) & inside]
    hedged = draw_noise(rng, cover.shape, 11) > -0.9
    border = (kinds > 0) & ~inside
    cover[border] = np.where(hedged, HEDGE, GRASS)[border]
    trees = ndimage.binary_dilation(border & hedged) & np.isin(cover, (GRASS, BARE, SHRUB))
    cover[trees & (draw_noise(rng, cover.shape, 4) > 0.6)] = HEDGE
