"""Labelled probability samples, read and checked, and kept apart from training."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from cropmine.config.regions import ProbabilitySample
from cropmine.errors import CropmineError
from cropmine.inputs.probability_samples import mark_sample, read_design, read_sample
from factories.rasters import make_grid
from factories.samples import GRIDS, freeze_sample, label


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    return freeze_sample(tmp_path_factory.mktemp("frozen"))


@pytest.mark.parametrize("columns", [[], ["stratum", "weight", "sample"]])
def test_polygons_are_refused_however_they_are_declared(frozen, tmp_path, columns):
    points, _, _ = label(frozen, tmp_path / "s.gpkg")
    polygons = points[[*columns, "class", "geometry"]].copy()
    polygons["geometry"] = polygons.geometry.to_crs(3857).buffer(5).to_crs(4326)
    for name in ("p.gpkg", "p.parquet"):
        polygons.to_file(tmp_path / name) if name.endswith("gpkg") else polygons.to_parquet(tmp_path / name)
        with pytest.raises(CropmineError, match="drawn at random, but there is Polygon"):
            read_sample(tmp_path / name, frozen[2], ProbabilitySample(path="s", design="d"))


def refuse(frozen, path, points, match):
    points.to_file(path, driver="GPKG")
    with pytest.raises(CropmineError, match=match):
        read_sample(path, frozen[2], ProbabilitySample(path="s", design="d"))


def test_points_that_were_added_moved_doubled_or_left_unlabelled_are_told(frozen, tmp_path):
    points, _, _ = label(frozen, tmp_path / "s.gpkg")
    path = tmp_path / "bad.gpkg"
    refuse(frozen, path, points.assign(sample=["mine", *points["sample"][1:]]), "aren't of this sample: mine")
    refuse(frozen, path, points.assign(geometry=points.geometry.translate(0.001)), "from where it was drawn")
    refuse(frozen, path, pd.concat([points, points.iloc[:1]]), "occurs twice")
    refuse(frozen, path, points.assign(**{"class": ""}), "no point has a class")
    refuse(frozen, path, points.assign(**{"class": "field"}), "holds 'field'")
    refuse(frozen, path, points.drop(columns="sample"), "no field 'sample'")
    points["class"] = ["", *points["class"][1:]]
    points.to_file(path, driver="GPKG")
    sample = read_sample(path, frozen[2], ProbabilitySample(path="s", design="d"))
    assert len(sample) == len(points) - 1


def test_nothing_trains_near_a_sampled_pixel_labelled_or_not(frozen):
    grid = GRIDS[1]
    marked = mark_sample(frozen[2], grid, 30)
    points = geopandas.GeoSeries(
        shapely.points([[place["lon"], place["lat"]] for place in frozen[2]["pixels"]]), crs=4326
    ).to_crs(grid.crs.to_wkt())
    rows, columns = np.mgrid[: grid.height, : grid.width]
    x = grid.transform.c + (columns + 0.5) * grid.transform.a
    y = grid.transform.f + (rows + 0.5) * grid.transform.e
    distance = np.min([np.hypot(x - point.x, y - point.y) for point in points], axis=0)
    assert marked[distance < 29].all() and not marked[distance > 45].any()
    assert not mark_sample(frozen[2], make_grid(8, 8), 30).any()


def test_what_is_no_design_is_told(tmp_path):
    with pytest.raises(CropmineError, match="no such file"):
        read_design(tmp_path / "design.json")
    (tmp_path / "design.json").write_text(json.dumps({"strata": 1}))
    with pytest.raises(CropmineError, match="isn't the design of a sample"):
        read_design(tmp_path / "design.json")
