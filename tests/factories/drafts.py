"""Files as users have them, of which commands guess what they are."""

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from cropmine.commands.guess_imagery import guess_imagery
from cropmine.commands.new_region import Inputs
from cropmine.geo.footprints import Footprint


def write_tif(path, values, step=5.0, nodata=None, names=None, dtype="uint16", alpha=False, west=400_000.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.asarray(values, dtype)
    shape = {"driver": "GTiff", "width": values.shape[2], "height": values.shape[1], "count": len(values)}
    place = {"crs": "EPSG:32637", "transform": from_origin(west, 100_000, step, step), "nodata": nodata}
    with rasterio.open(path, "w", dtype=dtype, **shape, **place) as dataset:
        if names:
            dataset.descriptions = names
        if alpha:
            dataset.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * (len(values) - 2), ColorInterp.alpha]
        dataset.write(values)
    return path


def noise(bands, side=32, seed=0):
    return np.random.default_rng(seed).integers(1, 5000, (bands, side, side))


def inputs_of(here, **changes):
    files = {"imagery": f"{here}/imagery", "weak": f"{here}/weak.tif", "labels": (f"{here}/labels.gpkg",)}
    return Inputs("valley", **files | changes)


def grids_of(tmp_path):
    image = write_tif(tmp_path / "imagery/a.tif", noise(4))
    return [header.grid for header in guess_imagery(str(image)).headers.values()]


def look_at(here) -> Footprint:
    headers = guess_imagery(f"{here}/imagery").headers
    return Footprint(tuple(headers), tuple(header.grid for header in headers.values()))
