"""A tiny demo region, from made-up tiles to a map and a report, through the real Snakefile."""

import json
import shutil
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
from rasterio.features import rasterize

from browsing import start_browser, visit
from workspace import TINY_MODEL, Workspace

COLUMNS = [
    "experiment",
    "human_fraction",
    "weak_map",
    "weak_classes",
    "mined_cropland",
    "mined_noncropland",
    "segmentation",
    "model",
    "runs",
    "split",
    "threshold",
    "f1_cropland",
    "f1_cropland_lo",
    "f1_cropland_hi",
    "precision_cropland",
    "recall_cropland",
    "f1_noncropland",
    "precision_noncropland",
    "recall_noncropland",
    "f1_cropland_by_label",
    "false_positive_rate",
    "support_cropland",
    "support_noncropland",
    "blocks_cropland",
    "blocks_noncropland",
    "selected",
]
EXPERIMENTS = {
    "half_human": {"human": 0.5},
    "half_human_weak": {"human": 0.5, "weak_classes": ["cropland"]},
    "half_human_eroded_neg": {"human": 0.5, "weak_classes": ["noncropland"], "erode_m": 60},
    "half_human_random_neg": {"human": 0.5, "mined": {"noncropland": 0.2, "random": True}},
    "mined_only": {"mined": {"cropland": 0.8, "noncropland": 0.2}},
    "weak_only": {"model": "weak_map"},
}
FEW = ("half_human", "mined_only", "weak_only")


@pytest.fixture(scope="module")
def glen(tmp_path_factory):
    """A finished run of a tiny simulated region: the fewest experiments, one seed."""
    inputs = "results/glen/inputs"
    region = {
        "simulate": {"seed": 3, "rows": 1, "columns": 2, "tile_px": 256, "label_sites": 40},
        "imagery": f"{inputs}/imagery/{{tile}}.tif",
        "bands": ["blue", "green", "red", "nir"],
        "mask": {"path": f"{inputs}/masks/{{tile}}.tif", "bad": [1]},
        "weak": {"global_map": {"path": f"{inputs}/weak.tif", "cropland": [1]}},
        "labels": {
            "path": f"{inputs}/labels.gpkg",
            "class_field": "class",
            "cropland": ["cropland"],
            "noncropland": ["other"],
            "ignore": ["unsure"],
            "definition": "fields of <b>annual</b> crops",
        },
        "split": {"method": "holdout", "block_m": 250, "buffer_m": 20, "train": 0.5, "validation": 0.25, "test": 0.25},
    }
    config = {
        "regions": {"glen": region},
        "segmentations": {"paper": {"clusters": 6, "scope": "region"}},
        "models": {"tiny": TINY_MODEL},
        "experiments": {name: EXPERIMENTS[name] for name in FEW},
        "training": {"cpu_threads": 1},
        "seeds": [0],
    }
    workspace = Workspace(tmp_path_factory.mktemp("glen"), config)
    workspace.succeed()
    return workspace


@pytest.fixture(scope="module")
def wide(glen, tmp_path_factory):
    """The same region with every experiment and two seeds, run on from a copy of the first run."""
    workspace = glen.copy_to(tmp_path_factory.mktemp("wide") / "here")
    workspace.config |= {"experiments": EXPERIMENTS, "seeds": [0, 1]}
    workspace.succeed()
    return workspace


@pytest.fixture(params=["glen", pytest.param("wide", marks=pytest.mark.slow)])
def finished(request):
    """Each of both runs."""
    return request.getfixturevalue(request.param)


def results(workspace, *parts):
    return workspace.folder.joinpath("results", "glen", *parts)


def test_a_second_run_has_nothing_to_do(finished):
    assert finished.succeed().idle


def test_the_table_has_its_columns_and_a_row_for_each_experiment_split_and_threshold(finished):
    table = pd.read_csv(results(finished, "experiments.csv"))
    assert list(table.columns[: len(COLUMNS)]) == COLUMNS
    assert set(table.experiment) == set(finished.config["experiments"])
    assert set(table.split) == {"validation", "test"}
    assert (table.groupby(["experiment", "split"]).size() == 2).all()
    assert table.groupby(["experiment", "split"]).threshold.apply(lambda t: 0.5 in set(t)).all()
    assert table[table.selected].experiment.nunique() == 1
    assert "weak_only" not in set(table[table.selected].experiment)
    assert (table.runs[table.experiment != "weak_only"] == len(finished.config["seeds"])).all()
    shown = table.f1_cropland.dropna()
    assert shown.between(0, 1).all()


def test_mined_polygons_rasterised_again_are_the_mined_pixels_of_the_target(finished):
    from cropmine.geo.grids import read_grid
    from cropmine.inputs.held_out import held_out_mask
    from cropmine.inputs.label_pieces import split_of

    labels = gpd.read_parquet(results(finished, "labels/labels.parquet"))
    (folder,) = results(finished, "targets").glob("mined-*")
    mined = 0
    for path in sorted(folder.glob("*.tif")):
        with rasterio.open(path) as raster:
            target, source = raster.read()
        grid = read_grid(path)
        polygons = gpd.read_parquet(next(results(finished, "mined").rglob(f"{path.stem}.parquet")))
        shapes = [
            (geometry, value == "cropland")
            for geometry, value in zip(polygons.geometry, polygons["class"], strict=True)
        ]
        drawn = rasterize(shapes, grid.shape, fill=255, transform=grid.transform, dtype="uint8")
        held_out = held_out_mask(labels, split_of(labels, None, 1), grid, 20, 250)
        assert np.array_equal(target, np.where(held_out, 255, drawn))
        assert np.array_equal(source == 2, target != 255)
        mined += int((source == 2).sum())
    assert mined > 1000


@pytest.mark.slow
def test_random_pixels_are_as_many_as_were_mined(wide):
    (random,) = results(wide, "targets").glob("human0.5_draw0_random-neg0.2*")
    for path in sorted(random.glob("*.tif")):
        with rasterio.open(path) as raster:
            target, source = raster.read()
        assert (target[source == 4] == 0).all()
        assert (source == 4).sum() > 100


def test_the_map_has_classes_that_follow_from_the_probability(finished):
    threshold = json.loads(results(finished, "selected.json").read_text())["threshold"]
    with rasterio.open(results(finished, "map/cropland.vrt")) as mosaic:
        probability, cropland, disagreement = mosaic.read()
        assert mosaic.crs.to_epsg() == 3857
        assert mosaic.shape == (256, 512)
    valid = probability != 255
    assert valid.any()
    assert (~valid).any()
    assert np.array_equal(cropland == 255, ~valid)
    assert np.array_equal(cropland[valid] == 1, probability[valid] > round(threshold * 200))
    assert probability[valid].max() <= 200
    assert (disagreement[valid] > 0).any() == (len(finished.config["seeds"]) > 1)


def test_what_people_open_is_there_and_says_which_map_it_is(finished):
    stac = json.loads(results(finished, "delivery/collection.json").read_text())
    version = stac["cropmine:map_version"]
    assert pystac.Collection.from_file(str(results(finished, "delivery/collection.json"))).validate_all() == 1
    (classes,) = results(finished, "delivery").glob("glen_class_*.tif")
    with rasterio.open(classes) as delivered, rasterio.open(results(finished, "map/cropland.vrt")) as mosaic:
        assert delivered.tags()["map_version"] == version
        west, north = delivered.transform.c - mosaic.transform.c, mosaic.transform.f - delivered.transform.f
        left, top = round(west / mosaic.res[0]), round(north / mosaic.res[1])
        shown = mosaic.read(2)[top : top + delivered.height, left : left + delivered.width]
        assert np.array_equal(delivered.read(1), shown)
        outside = mosaic.read(2)
        outside[top : top + delivered.height, left : left + delivered.width] = 255
        assert (outside == 255).all()
    patches = gpd.read_parquet(next(results(finished, "delivery").glob("*.parquet")))
    assert (patches.area_ha >= 0.0999).all()
    assert version in results(finished, "model_card.md").read_text()
    with zipfile.ZipFile(results(finished, "qgis/glen.qgz")) as project:
        assert version in project.read("glen.qgs").decode()
    assert len(list(results(finished, "models").rglob("model.safetensors"))) == len(finished.config["seeds"])
    kept = json.loads((finished.folder / "results/kept.json").read_text())
    assert (finished.folder / kept["folder"] / "glen" / classes.name).read_bytes() == classes.read_bytes()


@pytest.mark.slow
def test_a_sample_and_suggestions_are_made_when_they_are_asked_for(wide):
    assert set(wide.succeed("sample", "suggest").jobs) == {"design_sample", "suggest_labels"}
    folder = wide.folder / json.loads(results(wide, "sample.json").read_text())["sample"]
    assert len(gpd.read_file(folder / "sample.gpkg")) >= 100
    assert set(gpd.read_file(results(wide, "suggestions.gpkg")).origin) == {"suggested"}


def test_the_map_is_scored_as_it_is_delivered(finished):
    scores = json.loads(results(finished, "scores/map.json").read_text())
    assert {"validation", "test"} <= set(scores)


def test_the_report_stands_alone_and_escapes_what_users_wrote(finished):
    text = (finished.folder / "results/report.html").read_text()
    assert "&lt;b&gt;annual&lt;/b&gt;" in text
    assert "<b>annual</b>" not in text
    for fetched in ('src="http', "src='http", 'href="http', "@import", "<link"):
        assert fetched not in text


def test_the_report_works_in_a_browser(finished):
    path = finished.folder / "results/report.html"
    assert path.stat().st_size < 15_000_000
    with start_browser() as browser, visit(browser, path) as visited:
        visited.page.get_by_label("Swipe between two layers").uncheck()
        several = ("disagreement",) if len(finished.config["seeds"]) > 1 else ()
        for key in ("imagery", "weak", "mined", "probability", *several, "difference", "class"):
            visited.page.locator(f"[data-layer={key}]").check()
            assert visited.page.locator(f"img.{key}").evaluate("image => image.naturalWidth") > 1
        assert visited.find_faults() == []
        assert visited.complaints == []
        assert {url for url in visited.requests if not url.startswith("data:")} == {path.resolve().as_uri()}


def test_the_demo_checks_itself_against_the_truth(finished):
    table = pd.read_csv(results(finished, "truth_check.csv"))
    assert set(table.experiment) == set(finished.config["experiments"])
    assert {"f1_cropland_labels", "f1_cropland_truth"} <= set(table.columns)


@pytest.mark.slow
def test_snakemakes_own_report_works(wide):
    wide.succeed("--report", "snakemake-report.html")
    assert (wide.folder / "snakemake-report.html").stat().st_size > 10_000


def test_no_output_is_half_written_and_every_job_left_a_log(finished):
    assert not [path for path in finished.folder.joinpath("results").rglob(".*") if path.is_file()]
    assert list(results(finished, "logs").rglob("train_model/**/*.log"))
    assert list(results(finished, "benchmarks").rglob("segment_tile/**/*.tsv"))


@pytest.mark.slow
def test_the_same_bytes_come_from_one_core(wide, tmp_path):
    other = Workspace(tmp_path, wide.config)
    other.succeed("mine", "results/glen/labels/labels.parquet", *targets(wide), cores=1)
    made = sorted(
        p
        for part in ("inputs", "segments", "overlaps", "targets", "mined", "labels")
        for p in results(wide, part).rglob("*.*")
        if p.is_file()
    )
    assert made
    for path in made:
        twin = other.folder / path.relative_to(wide.folder)
        assert twin.read_bytes() == path.read_bytes(), path
    shutil.rmtree(other.folder)


def targets(workspace):
    return [str(path.relative_to(workspace.folder)) for path in results(workspace, "targets").rglob("*.tif")]
