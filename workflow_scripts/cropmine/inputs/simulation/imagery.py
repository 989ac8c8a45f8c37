"""Simulated imagery of land: reflectance by cover and crop, texture, two scenes with a seam, and haze."""

import numpy as np
from scipy import ndimage

from cropmine.inputs.simulation.land import (
    BARE,
    FIELD,
    FOREST,
    GRASS,
    HEDGE,
    PASTURE,
    ROAD,
    ROOF,
    SHRUB,
    WATER,
    YARD,
    Land,
    draw_noise,
)

SPECTRA = {
    FOREST: (270, 470, 330, 2900),
    SHRUB: (440, 700, 640, 2650),
    GRASS: (600, 910, 900, 2750),
    BARE: (960, 1330, 1820, 2500),
    WATER: (520, 680, 560, 330),
    ROAD: (1180, 1560, 2080, 2750),
    YARD: (1130, 1500, 1980, 2650),
    ROOF: (2000, 2150, 2350, 2750),
    HEDGE: (330, 560, 430, 2700),
    PASTURE: (590, 900, 880, 2760),
    FIELD: (0, 0, 0, 0),  # every field has a spectrum of its own
}
DRY_GRASS = (860, 1210, 1480, 2480)
CROPS = {  # growth stage: share of the fields, spectrum
    "tilled": (0.27, (900, 1250, 1700, 2350)),
    "sprouting": (0.18, (720, 1040, 1200, 2500)),
    "growing": (0.27, (590, 900, 870, 2800)),
    "closed": (0.10, (430, 760, 560, 3350)),
    "ripe": (0.18, (850, 1200, 1450, 2500)),
}
# Relative deviation of each cover's own texture.
TEXTURE = {FOREST: 0.15, SHRUB: 0.10, GRASS: 0.05, BARE: 0.05, WATER: 0.02, ROAD: 0.05}
TEXTURE |= {YARD: 0.06, ROOF: 0.03, HEDGE: 0.10, PASTURE: 0.05, FIELD: 0.035}
SEAM_GAIN = (0.94, 0.955, 0.965, 1.05)
SEAM_OFFSET = (45, 30, 20, -60)
HAZE = (2500, 2350, 2250, 2700)


def image_land(rng: np.random.Generator, land: Land, visible: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image a landscape once.

    Returns the pixels, uint16 (4, h, w), 0 where not `visible`, and the mask, uint8 (h, w), 1 under haze.
    """
    rest, noise, air = rng.spawn(3)
    pixels = _reflect(rest, land)
    pixels *= _draw_texture(rest, land)
    seam = _draw_seam(air, visible.shape)
    haze = _draw_haze(air, visible)
    image = np.zeros(pixels.shape, np.uint16)
    for band, layer in enumerate(pixels):
        layer = ndimage.gaussian_filter(layer, 0.65, truncate=3)
        layer = np.where(seam, layer * SEAM_GAIN[band] + SEAM_OFFSET[band], layer)
        layer += haze * (HAZE[band] - layer)
        layer *= 1 + 0.012 * noise.standard_normal(layer.shape, dtype=np.float32)
        layer += 14 * noise.standard_normal(layer.shape, dtype=np.float32)
        image[band] = np.where(visible, layer.clip(1, 10_000).round(), 0)
    return image, (haze > 0.08).astype(np.uint8)


def _reflect(rng: np.random.Generator, land: Land) -> np.ndarray:
    """The reflectance of every pixel before texture, float32 (4, h, w)."""
    shape = land.cover.shape
    table = np.zeros((4, 12), np.float32)
    for cover, spectrum in SPECTRA.items():
        table[:, cover] = spectrum
    crops = _draw_crops(rng, land)
    dryness = (0.42 - 0.30 * land.moisture + 0.22 * draw_noise(rng, shape, 28)).clip(0, 1)
    soil = 1 + 0.10 * draw_noise(rng, shape, 130) + 0.07 * draw_noise(rng, shape, 22)
    mottle = (0.5 + 0.5 * draw_noise(rng, shape, 14)).clip(0, 1)
    grassy, fields = (land.cover == GRASS) | (land.cover == PASTURE), land.cover == FIELD
    earth, shrubs, roofs = np.isin(land.cover, (BARE, ROAD, YARD)), land.cover == SHRUB, land.roofs > 0
    crowns = _scatter_trees(rng, land)
    bright = np.append(1, rng.uniform(0.45, 1.5, land.roofs.max()) ** 1.5).astype(np.float32)
    pixels = np.empty((4, *shape), np.float32)
    for band, layer in enumerate(pixels):
        layer[:] = table[band][land.cover]
        layer[grassy] += (dryness * (DRY_GRASS[band] - SPECTRA[GRASS][band]))[grassy]
        layer[shrubs] += (mottle * 0.5 * (SPECTRA[GRASS][band] - SPECTRA[SHRUB][band]))[shrubs]
        layer[earth] *= soil[earth]
        layer[earth] += (0.35 * mottle * (SPECTRA[GRASS][band] - layer))[earth]
        layer[fields] = crops[band][land.parcels[fields]]
        layer[roofs] *= bright[land.roofs[roofs]]
        layer += crowns * (SPECTRA[FOREST][band] - layer)
    return pixels


def _draw_crops(rng: np.random.Generator, land: Land) -> np.ndarray:
    """A spectrum for every parcel, float32 (4, parcels + 1): a growth stage, more or less far, on its own soil."""
    count = land.angles.size
    stage = rng.choice(len(CROPS), count, p=[share for share, _ in CROPS.values()])
    spectra = np.array([spectrum for _, spectrum in CROPS.values()], float)
    ahead = rng.uniform(-0.35, 0.35, count)[:, None]
    follow = spectra[(stage + np.where(ahead[:, 0] > 0, 1, -1)).clip(0, len(spectra) - 1)]
    mixed = spectra[stage] + np.abs(ahead) * (follow - spectra[stage])
    mixed *= rng.normal(1, 0.07, (count, 1)) * rng.normal(1, 0.03, (count, 4))
    return mixed.T.astype(np.float32)


def _scatter_trees(rng: np.random.Generator, land: Land) -> np.ndarray:
    """How much of a pixel the crowns of single trees cover, float32 (h, w)."""
    level = np.full(12, 9, np.float32)
    level[[SHRUB, GRASS, BARE, PASTURE, YARD, FIELD]] = 0.7, 1.95, 2.3, 2.4, 2.0, 3.3
    noise = draw_noise(rng, land.cover.shape, 3.2)
    return ((noise - level[land.cover] + 0.25 * land.moisture) * 2.5).clip(0, 0.85)


def _draw_texture(rng: np.random.Generator, land: Land) -> np.ndarray:
    """What brightness is multiplied by: terrain, each cover's own texture, rows and unevenness in fields."""
    shape = land.cover.shape
    deviation = np.zeros(12, np.float32)
    deviation[list(TEXTURE)] = list(TEXTURE.values())
    deviation = deviation[land.cover]
    shade = np.gradient(land.relief, axis=1) - np.gradient(land.relief, axis=0)
    texture = 1 + (1.2 * shade).clip(-0.12, 0.12)
    texture += 0.7 * deviation * draw_noise(rng, shape, 2.5) + 0.5 * deviation * draw_noise(rng, shape, 9)
    texture += 0.03 * draw_noise(rng, shape, 55)
    count = land.angles.size
    depth = rng.uniform(0.0, 0.085, count).astype(np.float32)
    period = rng.uniform(2.3, 4.5, count).astype(np.float32)
    across = land.angles + rng.choice([0, 0, 0, np.pi / 2], count).astype(np.float32)
    wave = 2 * np.pi / period
    rows, columns = np.nonzero(land.cover == FIELD)
    parcel = land.parcels[rows, columns]
    phase = columns * (wave * -np.sin(across))[parcel] + rows * (wave * np.cos(across))[parcel]
    texture[rows, columns] += depth[parcel] * np.sin(phase + 0.7 * draw_noise(rng, shape, 12)[rows, columns])
    return texture


def _draw_seam(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Where the second of two scenes is: west of a crooked line from north to south."""
    line = shape[1] * rng.uniform(0.35, 0.62) + 0.04 * shape[1] * draw_noise(rng, (shape[0], 1), 160)[:, 0]
    line += 2.5 * draw_noise(rng, (shape[0], 1), 7)[:, 0]
    return np.arange(shape[1])[None, :] < line[:, None]


def _draw_haze(rng: np.random.Generator, visible: np.ndarray) -> np.ndarray:
    """How much of a pixel's light comes from one cloud of haze, float32 (h, w)."""
    height, width = visible.shape
    row, column = height * rng.uniform(0.15, 0.85), width * rng.uniform(0.15, 0.8)
    y, x = np.ogrid[-row : height - row, -column : width - column]
    reach = 0.085 * np.sqrt(height * width)
    distance = np.hypot(y * 1.4, x + 0.4 * y) / reach + 0.22 * draw_noise(rng, visible.shape, reach / 3)
    return (0.75 * (1.1 - distance)).clip(0, 0.8).astype(np.float32)
