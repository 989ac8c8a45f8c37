"""What users would write instead of cropmine's mining: run by benchmarks/mining.py, each in a process of its own.

Each takes the same quad, clusters (centres from the same draw) and thresholds, and writes mined polygons.
"""

import subprocess
import zlib
from pathlib import Path

import numpy as np
import rasterio

MIN_AREA_PX, CLUSTERS, SAMPLE_PX = 23, 10, 100_000  # 500 m² of true area where the quad lies


def fit_clusters(pixels: np.ndarray, valid: np.ndarray):
    """Fit scikit-learn's K-means to standardised pixels of a draw: that of cropmine, so that all find one optimum."""
    from sklearn.cluster import KMeans
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    places, rng = np.flatnonzero(valid), np.random.default_rng([0, zlib.crc32(b"quad")])
    drawn = places[np.sort(rng.choice(len(places), SAMPLE_PX, replace=False, shuffle=False))]
    samples = pixels.reshape(len(pixels), -1)[:, drawn].T.astype(np.float64)
    model = make_pipeline(StandardScaler(), KMeans(CLUSTERS, n_init=1, random_state=0)).fit(samples)
    model[-1].cluster_centers_ = model[-1].cluster_centers_.astype(np.float32)  # predicts float32 in half the time
    return model


def read_quad(folder: Path):
    """Pixels, validity and profile of the quad."""
    with rasterio.open(folder / "quad.tif") as dataset, rasterio.open(folder / "mask.tif") as mask:
        pixels = dataset.read()
        return pixels, (pixels != 0).all(axis=0) & (mask.read(1) == 0), dataset.profile


def predict_clusters(pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Clusters from 1 as uint8 (h, w), 0 where invalid."""
    model = fit_clusters(pixels, valid)
    flat = pixels.reshape(len(pixels), -1).T.astype(np.float32)
    clusters = np.empty(len(flat), np.uint8)
    for start in range(0, len(flat), 1 << 20):
        clusters[start : start + (1 << 20)] = model.predict(flat[start : start + (1 << 20)]) + 1
    return np.where(valid, clusters.reshape(valid.shape), 0).astype(np.uint8)


def warp_weak(folder: Path, profile: dict) -> np.ndarray:
    """The weak map on the quad's grid."""
    from rasterio.vrt import WarpedVRT

    with (
        rasterio.open(folder / "weak.tif") as dataset,
        WarpedVRT(
            dataset,
            crs=profile["crs"],
            transform=profile["transform"],
            width=profile["width"],
            height=profile["height"],
            src_nodata=255,
            nodata=255,
        ) as warped,
    ):
        return warped.read(1)


def name_classes(fraction: np.ndarray) -> np.ndarray:
    """Class names of mined segments by weak fraction."""
    return np.where(fraction > 0.8, "cropland", "noncropland")


def prepare_prototype() -> None:
    """Have numba compile, which the prototype's time leaves out, and import what it uses."""
    import geopandas  # noqa: F401
    import sklearn.cluster  # noqa: F401
    import xarray
    from xrspatial.experimental import polygonize

    polygonize(xarray.DataArray(np.eye(8, dtype=np.int64)), return_type="numpy")


def run_prototype(folder: Path) -> None:
    """The plain prototype: predict, cc3d, bincount, xarray-spatial's polygonize of the kept segments, GeoParquet."""
    import cc3d
    import geopandas
    import shapely
    import xarray
    from xrspatial.experimental import polygonize

    pixels, valid, profile = read_quad(folder)
    clusters = predict_clusters(pixels, valid)
    ids, n = cc3d.connected_components(clusters, connectivity=4, return_N=True)
    flat = ids.ravel()
    counts = np.bincount(flat, minlength=n + 1)
    weak = warp_weak(folder, profile).ravel()
    known = np.bincount(flat, weights=weak != 255, minlength=n + 1)
    cropland = np.bincount(flat, weights=weak == 1, minlength=n + 1)
    with np.errstate(invalid="ignore"):
        fraction = cropland / known
    kept = (counts >= MIN_AREA_PX) & (known >= 0.5 * counts) & ((fraction > 0.8) | (fraction < 0.2))
    kept[0] = False
    lut = np.where(kept, np.arange(n + 1), 0).astype(np.int64)
    raster = lut[ids]
    column, polygons = polygonize(xarray.DataArray(raster), mask=xarray.DataArray(raster > 0), return_type="numpy")
    column = np.asarray(column).astype(np.int64)
    rings = [ring for polygon in polygons for ring in polygon]
    points = np.concatenate(rings) * [profile["transform"].a, profile["transform"].e]
    points += [profile["transform"].c, profile["transform"].f]
    offsets = np.cumsum([0, *map(len, rings)]), np.cumsum([0, *map(len, polygons)])
    geometry = shapely.from_ragged_array(shapely.GeometryType.POLYGON, points, offsets)
    columns = {"class": name_classes(fraction[column]), "weak_fraction": fraction[column]}
    frame = geopandas.GeoDataFrame(columns, geometry=geometry, crs=profile["crs"])
    frame.to_parquet(folder / "prototype.parquet")


def run_script(folder: Path) -> None:
    """What a user would write: rasterio.features.shapes of clusters, and an overlay with the weak map's polygons."""
    import geopandas
    from rasterio.features import shapes
    from shapely.geometry import shape

    pixels, valid, profile = read_quad(folder)
    clusters = predict_clusters(pixels, valid)
    found = shapes(clusters, mask=valid, transform=profile["transform"])
    segments = geopandas.GeoDataFrame(geometry=[shape(one) for one, _ in found], crs=profile["crs"])
    least = MIN_AREA_PX * profile["transform"].a ** 2
    segments = segments[segments.area >= least * (1 - 1e-9)].reset_index(names="segment")
    with rasterio.open(folder / "weak.tif") as dataset:
        values = dataset.read(1)
        found = [(shape(one), value) for one, value in shapes(values, mask=values != 255, transform=dataset.transform)]
        weak = geopandas.GeoDataFrame({"weak": [v for _, v in found]}, geometry=[g for g, _ in found], crs=dataset.crs)
    pieces = geopandas.overlay(segments, weak.to_crs(profile["crs"]), how="intersection")
    pieces["cropland"] = pieces.area * (pieces["weak"] == 1)
    sums = pieces.assign(known=pieces.area).groupby("segment")[["cropland", "known"]].sum()
    segments = segments.set_index("segment").join(sums, how="inner")
    segments["weak_fraction"] = segments["cropland"] / segments["known"]
    usable = segments["known"] >= 0.5 * segments.area
    mined = segments[usable & ((segments["weak_fraction"] > 0.8) | (segments["weak_fraction"] < 0.2))]
    mined.assign(**{"class": name_classes(mined["weak_fraction"])}).to_parquet(folder / "script.parquet")


def run_gdal(folder: Path) -> None:
    """GDAL's command on the raster of clusters alone."""
    command = ["gdal_polygonize.py", "-q", str(folder / "clusters.tif"), str(folder / "gdal.gpkg")]
    (folder / "gdal.gpkg").unlink(missing_ok=True)
    subprocess.run(command, check=True)  # noqa: S603
