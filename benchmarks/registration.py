"""What registration and a guard add to mined labels, at equal coverage, on real chips with reference pixels.

Mines the chips from their weak map as it lies, registered, guarded and both, erodes it as the control, and holds all
against every reference pixel that annotators agreed on.
``python benchmarks/registration.py $CROPMINE_REAL_DATA/africa``
"""

import argparse
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio

from cropmine.config.regions import WeakMap
from cropmine.config.segmentations import KMeans
from cropmine.geo.areas import pixel_areas
from cropmine.geo.grids import read_grid
from cropmine.inputs.tile_sources import source_from_settings
from cropmine.inputs.weak_maps import erode_weak_map, measure_weak_pixel, read_weak_map
from cropmine.mining.methods.kmeans import fit_region
from cropmine.mining.overlaps import overlap_segments
from cropmine.mining.registration import measure_surfaces, pool_surfaces
from cropmine.mining.segmentation import Tile, divide_tile, number_segments

BANDS = ["blue", "green", "red", "nir", "swir1", "swir2"]
CULTIVATED, AGREED = 6, 67
CLASSES = ("non-cropland", "cropland")
COVERAGES = {0: (0.3, 0.4), 1: (0.08, 0.1)}
ERODED_M = range(0, 601, 15)


class Chips:
    """Chips with their segments, from one codebook, and their reference: 1 cultivated, 0 not, -1 unknown."""

    def __init__(self, folder: Path):
        self.weak = folder / "weak.vrt"
        paths = sorted((folder / "imagery").glob("*.tif"))
        self.grids = [read_grid(path) for path in paths]
        settings = {"bands": BANDS, "mask_bad": [], "mask_band": 1}
        sources = [source_from_settings([str(path)], [], settings) for path in paths]
        tiles = [Tile("", source, grid, tuple(BANDS)) for source, grid in zip(sources, self.grids, strict=True)]
        segmentation = KMeans(scope="region")
        with TemporaryDirectory() as temporary:
            codebook = Path(temporary) / "codebook.json"
            fit_region(tiles, segmentation, codebook)
            parts = [divide_tile(replace(tile, fitted=codebook), segmentation) for tile in tiles]
        pairs = zip(parts, self.grids, strict=True)
        self.segments = [number_segments(part, grid, segmentation) for part, grid in pairs]
        self.reference = []
        for path in paths:
            with rasterio.open(folder / "reference" / path.name) as dataset:
                classes, consensus = dataset.read()[:2]
            known = (classes > 0) & (consensus >= AGREED)
            self.reference.append(np.where(known, (classes == CULTIVATED).astype(int), -1))
        self.known = sum(int((reference >= 0).sum()) for reference in self.reference)

    def register(self) -> dict:
        measured = {}
        for place, (grid, (ids, _)) in enumerate(zip(self.grids, self.segments, strict=True)):
            other, side = self.grids[(place + 1) % len(self.grids)], measure_weak_pixel(self.weak, grid)
            measured[f"{place:03}"] = measure_surfaces(
                ids, grid, lambda part: read_weak_map(self.weak, WeakMap(path="x"), part), [other], side
            )
        return pool_surfaces(measured)

    def mine(self, weak: WeakMap) -> np.ndarray:
        """Segments with enough valid weak pixels: weak fraction, cultivated and known reference pixels, (n, 3)."""
        rows = []
        for grid, (ids, clusters), reference in zip(self.grids, self.segments, self.reference, strict=True):
            overlap = overlap_segments(ids, *read_weak_map(self.weak, weak, grid), pixel_areas(grid), clusters)
            known, n = reference >= 0, len(clusters)
            counts = [np.bincount(ids[where], minlength=n)[1:] for where in (reference == 1, known)]
            rows.append(np.column_stack([overlap["weak_fraction"], *counts])[overlap["weak_valid"] >= weak.min_valid])
        return np.concatenate(rows)

    def erode(self, weak: WeakMap, target: int) -> np.ndarray:
        """Coverage and share of the other class of eroded labels of a class, by distance, (n, 2)."""
        found = []
        for erode_m in ERODED_M:
            counts = np.zeros(2)
            for grid, reference in zip(self.grids, self.reference, strict=True):
                classes, valid = erode_weak_map(self.weak, weak, grid, erode_m)
                inside = reference[valid & (classes == target) & (reference >= 0)]
                counts += len(inside), np.count_nonzero(inside != target)
            if counts[0]:
                found.append((counts[0] / self.known, counts[1] / counts[0]))
        return np.array(found)


def share_at(segments: np.ndarray, target: int, coverage: float, known: int) -> float:
    """The share of the other class among the most unanimous segments that cover so much."""
    order = np.argsort(segments[:, 0] if target == 0 else -segments[:, 0], kind="stable")
    cultivated, pixels = segments[order, 1].cumsum(), segments[order, 2].cumsum()
    if pixels[-1] < coverage * known:
        return np.nan
    place = np.searchsorted(pixels, coverage * known)
    wrong = cultivated[place] if target == 0 else pixels[place] - cultivated[place]
    return wrong / pixels[place]


def score_map(chips: Chips, weak: WeakMap) -> float:
    """F1 of the weak map itself against the reference."""
    hits, counted = 0, 0
    for grid, reference in zip(chips.grids, chips.reference, strict=True):
        values, valid = read_weak_map(chips.weak, weak, grid)
        valid &= reference >= 0
        hits += 2 * np.count_nonzero(valid & (values == 1) & (reference == 1))
        counted += np.count_nonzero(valid & (values == 1)) + np.count_nonzero(valid & (reference == 1))
    return hits / counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    chips = Chips(parser.parse_args().folder)
    found = chips.register()
    shift = (found["east"], found["north"])
    print({key: value for key, value in found.items() if "surface" not in key}, flush=True)
    raw, moved = WeakMap(path="x"), WeakMap(path="x", register=shift)
    for name, weak in (("as it lies", raw), ("registered", moved)):
        print(f"F1 of the weak map {name} against the reference: {score_map(chips, weak):.3f}", flush=True)
    points = [(target, coverage) for target, coverages in COVERAGES.items() for coverage in coverages]
    heads = [f"{CLASSES[target]} at {coverage:g}" for target, coverage in points]
    print(f"\n| share of the other class, % | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for name, options in (("as in the paper", {}), ("registered", {"register": shift})):
        for guard_m in (0, 30, 60):
            segments = chips.mine(WeakMap(path="x", guard_m=guard_m, **options))
            shares = [share_at(segments, target, coverage, chips.known) for target, coverage in points]
            label = f"mined, {name}" + (f", guard of {guard_m} m" if guard_m else "")
            print(f"| {label} | {' | '.join(f'{100 * share:.2f}' for share in shares)} |", flush=True)
    for name, weak in (("as it lies", raw), ("registered", moved)):
        curves = {target: chips.erode(weak, target)[::-1] for target in COVERAGES}
        shares = [np.interp(coverage, *curves[target].T) for target, coverage in points]
        cells = " | ".join(f"{100 * share:.2f}" for share in shares)
        print(f"| eroded, {name}, no segments | {cells} |", flush=True)


if __name__ == "__main__":
    main()
