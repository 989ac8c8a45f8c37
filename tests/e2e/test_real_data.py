"""The same Snakefile on real imagery and maps, in the folder that CROPMINE_REAL_DATA names."""

import json
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import yaml
from rasterio.features import rasterize

from cropmine.commands.new_region import Inputs, draft_region
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from workspace import TINY_MODEL, Workspace

FOLDER = os.environ.get("CROPMINE_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FOLDER, reason="CROPMINE_REAL_DATA doesn't name the folder of real imagery and maps"),
]
REAL = Path(FOLDER or ".").resolve()
FEW = ["30PTV_19", "35JNN_23"]  # on both sides of the equator, each with blocks of every split that hold both classes
CHIPS = [*FEW, "28QDE_07", "31PGS_26", "33KXV_14", "33LUC_24", "33PWM_12", "35JNN_11", "35NRD_13", "36MWU_28"]
EXPERIMENTS = {
    "half_human_mined_both": {"human": 0.5, "mined": {"cropland": 0.8, "noncropland": 0.2}},
    "half_human": {"human": 0.5},
}


@pytest.fixture(scope="module")
def africa(tmp_path_factory) -> Workspace:
    """A finished run on two Sentinel-2 chips in two UTM zones, with one experiment."""
    region = {
        "imagery": f"{REAL}/africa/imagery/{{tile}}.tif",
        "tiles": FEW,
        "bands": ["blue", "green", "red", "nir", "swir1", "swir2"],
        "weak": {"degraded": {"path": f"{REAL}/africa/weak.vrt", "cropland": [1], "year": 2018}},
        "labels": {
            "path": f"{REAL}/africa/labels.gpkg",
            "class_field": "class",
            "cropland": ["cropland"],
            "noncropland": ["other"],
            "definition": "cultivated land",
            "year": 2018,
        },
        "split": {"method": "holdout", "block_m": 640, "buffer_m": 80},
    }
    config = {
        "regions": {"africa": region},
        "segmentations": {"kmeans10": {"min_area_m2": 2000}},
        "models": {"tiny": TINY_MODEL},
        "experiments": {"half_human_mined_both": EXPERIMENTS["half_human_mined_both"]},
        "training": {"cpu_threads": 1},
    }
    workspace = Workspace(tmp_path_factory.mktemp("africa"), config)
    workspace.succeed()
    return workspace


@pytest.fixture(scope="module")
def eight_zones(africa, tmp_path_factory) -> Workspace:
    """The same region with ten chips in eight UTM zones and both experiments, run on from a copy of the first run."""
    workspace = africa.copy_to(tmp_path_factory.mktemp("eight_zones") / "here")
    workspace.config["regions"]["africa"]["tiles"] = CHIPS
    workspace.config["experiments"] = EXPERIMENTS
    workspace.succeed()
    return workspace


@pytest.fixture(params=[("africa", 2), pytest.param(("eight_zones", 8), marks=pytest.mark.slow)], ids=["two", "eight"])
def finished(request) -> tuple[Workspace, int]:
    """Each of both runs, and its number of UTM zones."""
    name, zones = request.param
    return request.getfixturevalue(name), zones


def test_chips_in_several_utm_zones_are_mined_trained_on_scored_and_mapped(finished):
    workspace, count = finished
    folder = workspace.folder / "results/africa"
    table = pd.read_csv(folder / "experiments.csv")
    assert set(table.experiment) == set(workspace.config["experiments"])
    assert (table.support_cropland > 0).all()
    assert len(list((folder / "map").glob("*.vrt"))) == count
    zones = set()
    for path in (folder / "map").glob("*.tif"):
        with rasterio.open(path) as raster:
            zones.add(raster.crs.to_epsg())
            assert raster.shape == (256, 256)
    assert len(zones) == count
    chips = len(workspace.config["regions"]["africa"]["tiles"])
    area = json.loads((folder / "map/area.json").read_text())
    assert 0 < area["total"]["valid_ha"] <= chips * 256 * 256 / 100 * 1.01


def test_no_training_pixel_of_a_chip_lies_in_a_test_block(finished):
    from rasterio.warp import transform

    from cropmine.inputs.blocks import block_of

    folder = finished[0].folder / "results/africa"
    splits = pd.read_csv(folder / "labels/splits.csv").set_index("block").split
    held_out = set(splits.index[splits != "train"])
    for path in (folder / "targets").rglob("*.tif"):
        with rasterio.open(path) as raster:
            rows, columns = np.nonzero(raster.read(1) != 255)
            xs, ys = rasterio.transform.xy(raster.transform, rows, columns)
            longitudes, latitudes = transform(raster.crs, "EPSG:4326", xs, ys)
        block_rows, block_columns = block_of(np.array(longitudes), np.array(latitudes), 640)
        trained = {f"r{row}c{column}" for row, column in zip(block_rows, block_columns, strict=True)}
        assert not trained & held_out


@pytest.mark.slow
@pytest.mark.parametrize(
    "weak",
    [{"band": 1, "cropland": [0]}, {"band": 2, "probability": True, "scale": 0.01}],
    ids=["class", "probability"],
)
def test_a_stack_of_four_months_is_mined_with_a_real_map_whose_cropland_is_zero(weak, tmp_path):
    bands = [
        f"{band}_{month}"
        for month in ("2021-03", "2021-05", "2021-07", "2021-09")
        for band in ("blue", "green", "red", "nir")
    ]
    path = f"{REAL}/belgium/worldcereal_cropland.tif"
    config = {
        "regions": {
            "belgium": {
                "imagery": f"{REAL}/belgium/{{tile}}.tif",
                "tiles": ["imagery"],
                "bands": bands,
                "weak": {"worldcereal": {"path": path, "year": 2021} | weak},
            }
        }
    }
    workspace = Workspace(tmp_path, config)
    workspace.succeed()
    (polygons,) = (tmp_path / "results/belgium/mined").rglob("*.parquet")
    mined = gpd.read_parquet(polygons)
    assert mined.is_valid.all()
    with rasterio.open(path) as raster:
        cropland = raster.read(1) == 0
        transform = raster.transform
    for name, share in (("cropland", 0.8), ("noncropland", 0.2)):
        shapes = mined[mined["class"] == name].geometry
        assert len(shapes)
        inside = rasterize(shapes, cropland.shape, transform=transform).astype(bool)
        agreement = cropland[inside].mean()
        assert agreement > share if name == "cropland" else agreement < share


@pytest.mark.slow
def test_farmland_without_a_map_or_labels_is_segmented(tmp_path):
    bands = [f"{band}_{season}" for season in ("spring", "autumn") for band in ("red", "green", "blue", "nir")]
    region = {"imagery": f"{REAL}/austria/{{tile}}.tif", "bands": bands}
    workspace = Workspace(tmp_path, {"regions": {"austria": region}})
    workspace.succeed("results/austria/segments/kmeans10/imagery.tif", "results/report.html")
    with rasterio.open(tmp_path / "results/austria/segments/kmeans10/imagery.tif") as raster:
        ids = raster.read(1)
    assert ids.dtype == np.uint32
    assert 300 < ids.max() < 20_000
    assert (ids > 0).mean() > 0.4


@pytest.mark.slow
def test_first_configurations_are_drafted_from_real_folders():
    africa = draft_region(
        Inputs("africa", f"{REAL}/africa/imagery", f"{REAL}/africa/weak.vrt", (f"{REAL}/africa/labels.gpkg",))
    )
    region = validate_config(yaml.safe_load(africa.text)).regions["africa"]
    assert region.bands == ("blue", "green", "red", "nir", "swir1", "swir2")
    assert (region.labels.cropland, region.labels.noncropland) == (("cropland",), ("other",))
    assert region.split.method == "holdout" and region.split.block_m < 2560  # several blocks a chip
    belgium = draft_region(Inputs("belgium", f"{REAL}/belgium/imagery.tif", f"{REAL}/belgium/worldcereal_cropland.tif"))
    weak = validate_config(yaml.safe_load(belgium.text)).regions["belgium"].weak["worldcereal_cropland"]
    assert weak.cropland == (0,), "its band of probabilities tells that 0 is cropland"
    with pytest.raises(CropmineError, match="holds tiles of several kinds"):
        draft_region(Inputs("belgium", f"{REAL}/belgium"))


@pytest.mark.slow
def test_labels_from_elsewhere_are_told_to_lie_on_no_tile():
    (labels,) = (REAL / "labels_east_africa").glob("*.geojson")
    with pytest.raises(CropmineError, match="none lies on a tile"):
        draft_region(Inputs("africa", f"{REAL}/belgium/imagery.tif", labels=(str(labels),)))
