"""How many tiles a second the preflight checks: headers, the place of each, and windows of each, all on one core."""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from cropmine.config.regions import Region
from cropmine.inputs.checks.regions import check_region


def write_tile(path: Path, row: int, column: int, px: int) -> None:
    """A tile of noise with four bands, as a provider would deliver it."""
    place = from_origin(4_000_000 + column * px * 4.777, -row * px * 4.777, 4.777, 4.777)
    shape = {"width": px, "height": px, "count": 4, "dtype": "uint16", "nodata": 0}
    tiled = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "zlevel": 1}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:3857", transform=place, **shape, **tiled) as file:
        file.write(np.random.default_rng(column).integers(1, 4000, (4, px, px)).astype(np.uint16))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=400)
    parser.add_argument("--px", type=int, default=1024)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "t0.tif"
        side = int(np.ceil(np.sqrt(asked.tiles)))
        names = [f"t{number}" for number in range(asked.tiles)]
        for number, name in enumerate(names):
            write_tile(first.with_name(f"{name}.tif"), number // side, number % side, asked.px)
        files = {name: {"images": [f"{folder}/{name}.tif"], "masks": []} for name in names}
        region = Region(imagery=f"{folder}/{{tile}}.tif", bands=["blue", "green", "red", "nir"])
        walls, spent = [], []
        for _ in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            check_region(region, files, "regions.r")
            walls.append(time.perf_counter() - wall)
            spent.append(time.process_time() - cpu)
            print(f"{asked.tiles} tiles: {walls[-1]:.2f} s wall, {spent[-1]:.2f} s CPU", flush=True)
    for what, seconds in (("wall", np.median(walls)), ("CPU", np.median(spent))):
        print(
            f"{asked.tiles} tiles of {asked.px} px: {seconds:.2f} s {what}, {asked.tiles / seconds:.0f} tiles a second"
        )


if __name__ == "__main__":
    main()
