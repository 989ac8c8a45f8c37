"""How many simulated seams the check of inputs finds in images, and how many straight borders it takes for seams.

``python benchmarks/seams.py --bands 4 IMAGE...``, where the dates of an image follow one another in its bands. An image
is read at 256 x 256 px, as the check of inputs does, and the corners of a larger one at full resolution. Across each,
six lines in different directions are drawn, and one side of each is made brighter. The images as they are, random parts
of them, and straight borders to another image, to water and along a road hold no seam: what is found there is a false
alarm.
"""

import argparse

import numpy as np
import rasterio
from rasterio.windows import Window

from cropmine.inputs.checks.seams import find_seam

SIDE_PX = 256
LINES = 6
PARTS = 20
FACTORS = (1.1, 1.15, 1.3)
OFFSET = 0.15  # of the mean
WATER, ROAD = 300, 2500
ROAD_PX = 3


def read_images(path: str, bands: int) -> list[np.ndarray]:
    """Images (bands, h, w) float32 of a file, of each date: all of it at most 256 px high and wide, and its corners."""
    with rasterio.open(path) as image:
        shape = image.count, min(image.height, SIDE_PX), min(image.width, SIDE_PX)
        views = [image.read(out_shape=shape)]
        if min(image.shape) > SIDE_PX:
            ends = ((0, image.height - SIDE_PX), (0, image.width - SIDE_PX))
            views += [image.read(window=Window(left, top, SIDE_PX, SIDE_PX)) for top in ends[0] for left in ends[1]]
    return [view[first : first + bands].astype(np.float32) for view in views for first in range(0, len(view), bands)]


def draw_lines(shape: tuple[int, int], rng: np.random.Generator) -> list[np.ndarray]:
    """Masks (h, w) of one side of lines in evenly spread directions, through points in the middle half."""
    rows, columns = np.indices(shape)
    lines = []
    for angle in (np.arange(LINES) + rng.random()) * np.pi / LINES:
        row, column = (rng.uniform(0.25, 0.75) * side for side in shape)
        lines.append((columns - column) * np.cos(angle) + (rows - row) * np.sin(angle) > 0)
    return lines


def count_found(images: list[np.ndarray]) -> str:
    """The number of images in which a seam is found, and their share."""
    found = sum(find_seam(image, (image != 0).any(axis=0)) is not None for image in images)
    return f"{found:4} of {len(images):4} ({found / max(len(images), 1):.0%})"


def make_borders(image: np.ndarray, other: np.ndarray, side: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """The image with another one, with water and with a road along a straight line."""
    height, width = (min(a, b) for a, b in zip(image.shape[1:], other.shape[1:], strict=True))
    joined = np.where(side[:height, :width], other[:, :height, :width], image[:, :height, :width])
    water = np.where(side, WATER + rng.normal(0, WATER / 30, image.shape), image)
    road = side ^ np.roll(np.roll(side, ROAD_PX, axis=1), ROAD_PX, axis=0)
    road[:ROAD_PX], road[:, :ROAD_PX] = False, False
    return [joined, water, np.where(road, ROAD, image)]


def cut_parts(image: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Parts of an image of random sizes, from 192 px on, the least that is searched."""
    parts = []
    for _ in range(PARTS):
        height, width = (int(rng.integers(192, side + 1)) for side in image.shape[1:])
        top, left = (int(rng.integers(0, a - b + 1)) for a, b in zip(image.shape[1:], (height, width), strict=True))
        parts.append(image[:, top : top + height, left : left + width])
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="+")
    parser.add_argument("--bands", type=int, default=4)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    images = [image for path in asked.images for image in read_images(path, asked.bands)]
    images = [image for image in images if min(image.shape[1:]) >= 192]
    sides = [draw_lines(image.shape[1:], rng) for image in images]
    drawn = [(image, side) for image, own in zip(images, sides, strict=True) for side in own]
    for factor in FACTORS:
        print(f"x {factor:<5}", count_found([np.where(side, image * factor, image) for image, side in drawn]))
    means = {id(image): image[:, (image != 0).any(axis=0)].mean() for image in images}
    print(
        f"+ {OFFSET:<5.0%}",
        count_found([np.where(side, image + OFFSET * means[id(image)], image) for image, side in drawn]),
    )
    print("none   ", count_found(images))
    print("parts  ", count_found([part for image in images for part in cut_parts(image, rng)]))
    borders = [
        made
        for place, (image, side) in enumerate(drawn)
        for made in make_borders(image, images[(place // LINES + 1) % len(images)], side, rng)
    ]
    for place, name in enumerate(("land", "water", "road")):
        print(f"{name:7}", count_found(borders[place::3]))


if __name__ == "__main__":
    main()
