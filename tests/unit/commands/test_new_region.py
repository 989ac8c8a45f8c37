"""What new-region writes for files as users have them, and what it says of those that it can't use."""

import logging
import shutil
import subprocess
import sys

import geopandas
import numpy as np
import pandas
import pytest
import rasterio
import yaml
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from cropmine.commands import new_region
from cropmine.commands.guess_imagery import guess_imagery
from cropmine.commands.guess_labels import Wishes, guess_labels
from cropmine.commands.guess_weak_map import guess_weak_map
from cropmine.commands.new_region import Inputs, draft_region, parse_inputs
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.geo.headers import Footprint
from cropmine.inputs.labels import read_labels
from cropmine.inputs.splits import split_labels
from cropmine.planning.plans import resolve_split
from workspace import ROOT


@pytest.fixture(autouse=True)
def _loudness():
    """The command is quiet about splits that it only tries; the tests after it aren't to be."""
    log = logging.getLogger("cropmine")
    level = log.level
    yield
    log.setLevel(level)


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


@pytest.fixture
def here(valley, tmp_path):
    """A copy of the small region's files."""
    shutil.copytree(valley, tmp_path / "valley", ignore=shutil.ignore_patterns("truth.tif"))
    return tmp_path / "valley"


def inputs_of(here, **changes):
    files = {"imagery": f"{here}/imagery", "weak": f"{here}/weak.tif", "labels": (f"{here}/labels.gpkg",)}
    return Inputs("valley", **files | changes)


def test_a_draft_holds_what_the_files_are_and_says_what_was_guessed(here):
    draft = draft_region(inputs_of(here))
    config = yaml.safe_load(draft.text)
    region = config["regions"]["valley"]
    assert region["imagery"] == f"{here}/imagery/{{tile}}.tif"
    assert region["bands"] == ["blue", "green", "red", "nir"]
    assert region["mask"] == {"path": f"{here}/masks/{{tile}}.tif", "bad": [1]}
    assert region["weak"]["weak"]["cropland"] == [1]
    assert region["labels"]["cropland"] == ["cropland"]
    assert region["labels"]["noncropland"] == ["other"]
    assert region["labels"]["ignore"] == ["unsure"]
    assert region["split"]["method"] == "kfold"
    assert {"all_human", "all_human_mined_both", "all_human_eroded_neg", "weak_only"} <= set(config["experiments"])
    assert "purity" in draft.text
    assert any("labels.definition" in note for note in draft.notes)
    assert all(f"# CHECK: {note}" in draft.text for note in draft.notes)


def test_a_draft_needs_no_labels_and_no_weak_map(here):
    config = yaml.safe_load(draft_region(inputs_of(here, weak="", labels=())).text)
    assert set(config["regions"]["valley"]) == {"imagery", "bands", "mask"}
    mined = yaml.safe_load(draft_region(inputs_of(here, labels=())).text)
    assert "experiments" not in mined
    labelled = yaml.safe_load(draft_region(inputs_of(here, weak="")).text)
    assert set(labelled["experiments"]) == {"all_human", "all_human_forest"}


def test_files_that_only_test_stay_apart(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels[::2].to_file(here / "drawn.gpkg")
    labels[1::2].to_file(here / "sample.gpkg")
    draft = draft_region(inputs_of(here, labels=(f"{here}/drawn.gpkg",), tests=(f"{here}/sample.gpkg",)))
    region = validate_config(yaml.safe_load(draft.text)).regions["valley"]
    assert region.labels.test_path == (f"{here}/sample.gpkg",)
    assert region.split.method == "auto"
    pieces, _ = split_labels(
        read_labels(region.labels, region.labels.path, None, region.labels.test_path), resolve_split(region), [0]
    )
    held = pieces[pieces["split"] == "validation"].groupby("target")["block"].nunique()
    assert len(held) == 2 and held.min() >= 3


def test_labels_that_lie_on_no_tile_count_for_no_split(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    away = labels.assign(geometry=labels.geometry.translate(0.5, 0.5))
    pandas.concat([labels] + [away] * 4).to_file(here / "more.gpkg")
    drafts = [draft_region(inputs_of(here, labels=(f"{here}/{name}.gpkg",))) for name in ("labels", "more")]
    splits = [yaml.safe_load(draft.text)["regions"]["valley"]["split"] for draft in drafts]
    assert splits[0] == splits[1]
    assert any("labels lie on no tile" in warning for warning in drafts[1].warnings)


def test_a_user_says_what_can_not_be_guessed(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels["k"] = labels.pop("class").map({"cropland": "A", "other": "B", "unsure": "C"})
    labels.to_file(here / "coded.gpkg")
    with pytest.raises(CropmineError, match=r"no field holds classes of cropland and others.*k: 3 values.*CLASS_FIELD"):
        draft_region(inputs_of(here, labels=(f"{here}/coded.gpkg",)))
    given = ["valley", "--imagery", f"{here}/imagery", "--labels", f"{here}/coded.gpkg", "--class-field", "k"]
    inputs, path = parse_inputs([*given, "--cropland", "A", "--noncropland", "B", "--definition", "maize and beans"])
    region = yaml.safe_load(draft_region(inputs).text)["regions"]["valley"]
    assert str(path) == "valley.yaml"
    assert region["labels"]["ignore"] == ["C"]
    assert region["labels"]["definition"] == "maize and beans"


def test_make_new_region_writes_a_configuration_once(here):
    command = [sys.executable, "-m", "cropmine.commands.new_region", "valley", "--imagery", f"{here}/imagery"]
    run = {"cwd": here, "env": {"PYTHONPATH": str(ROOT / "workflow_scripts")}, "capture_output": True, "text": True}
    done = subprocess.run(command, check=True, **run)
    assert "Written to valley.yaml, which passes the check of inputs." in done.stdout
    validate_config(yaml.safe_load((here / "valley.yaml").read_text()))
    again = subprocess.run(command, check=False, **run)
    assert again.returncode == 1
    assert again.stderr == "valley.yaml: there is such a file already. Hint: remove it, or name another: OUT=…\n"


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(CropmineError, match=r"holds no raster: it is empty. Hint: put GeoTIFFs there"):
        guess_imagery(str(tmp_path))
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CropmineError, match=r"holds no raster: it holds notes.txt"):
        guess_imagery(str(tmp_path))


def test_mixed_tiles_are_told_by_kind_with_a_pattern_that_parts_them(tmp_path):
    for tile in ("12-7", "12-8"):
        write_tif(tmp_path / f"{tile}_quad.tif", noise(4))
        write_tif(tmp_path / f"{tile}_pan.tif", noise(1, 64), step=2.5)
    with pytest.raises(CropmineError) as caught:
        guess_imagery(str(tmp_path))
    text = str(caught.value)
    assert "2 of 1 band of uint16 with pixels of 2.5 m (12-7_pan.tif, 12-8_pan.tif)" in text
    assert "2 of 4 bands of uint16 with pixels of 5 m (12-7_quad.tif, 12-8_quad.tif)" in text
    assert f"IMAGERY='{tmp_path}/{{tile}}_pan.tif' takes the first kind alone" in text
    guess = guess_imagery(f"{tmp_path}/{{tile}}_quad.tif")
    assert guess.settings["imagery"] == f"{tmp_path}/{{tile}}_quad.tif"
    assert list(guess.headers) == ["12-7", "12-8"]


def test_a_pattern_is_taken_as_it_is_written(tmp_path):
    for name in ("S2_a_07.tif", "S2_b_07.tif", "S2_a_08.tif"):
        write_tif(tmp_path / name, noise(4))
    guess = guess_imagery(f"{tmp_path}/S2_{{tile}}_07.tif")
    assert guess.settings["imagery"] == f"{tmp_path}/S2_{{tile}}_07.tif"
    assert list(guess.headers) == ["a", "b"]
    assert "tiles" not in guess.settings


def test_planet_quads_with_alpha_and_udm2_are_known(tmp_path):
    for tile in ("1087-1030", "1088-1030"):
        quad = noise(5)
        quad[4] = 65535
        write_tif(tmp_path / f"{tile}_quad.tif", quad, alpha=True)
        write_tif(tmp_path / f"{tile}_udm2.tif", np.ones((8, 32, 32)), dtype="uint8")
    guess = guess_imagery(str(tmp_path))
    assert guess.settings == {
        "imagery": f"{tmp_path}/{{tile}}_quad.tif",
        "bands": ["blue", "green", "red", "nir"],
        "mask": {"path": f"{tmp_path}/{{tile}}_udm2.tif", "bad": [0], "band": 1},
    }
    assert "is the order right?" in guess.notes[0]


def test_near_infrared_that_is_marked_as_alpha_is_a_band(tmp_path):
    write_tif(tmp_path / "a.tif", noise(4), alpha=True)
    assert guess_imagery(str(tmp_path)).settings["bands"] == ["blue", "green", "red", "nir"]


def test_folders_of_dates_are_dates_and_sentinels_codes_get_names(tmp_path):
    for date in ("2021-03", "2021-09"):
        write_tif(tmp_path / date / "36MZE.tif", noise(4), step=10, names=("B02", "B03", "B04", "B08"))
    guess = guess_imagery(str(tmp_path))
    assert guess.settings["imagery"] == {date: f"{tmp_path}/{date}/{{tile}}.tif" for date in ("2021-03", "2021-09")}
    assert guess.settings["bands"] == ["blue", "green", "red", "nir"]


def test_black_pixels_without_a_nodata_tag_are_told(tmp_path):
    image = noise(3)
    image[:, :8] = 0
    write_tif(tmp_path / "a.tif", image)
    assert "25.0% of the pixels looked at are 0 in every band" in guess_imagery(str(tmp_path)).notes[-1]


@pytest.mark.parametrize(
    ("file", "values", "settings"),
    [
        ("ESA_WorldCover_10m_2021_v200_N00E036_Map.tif", [10, 40], {"preset": "esa_worldcover_2021"}),
        ("ESA_WorldCover_10m_2020_v100_N00E036_Map.tif", [10, 40], {"preset": "esa_worldcover_2020"}),
        ("map.tif", [10, 30, 40, 50], {"preset": "esa_worldcover_2021"}),
        ("PROBAV_LC100_global_v3.0.1_2019.tif", [40, 112], {"preset": "copernicus_lc100", "year": 2019}),
        ("Global_cropland_SE_2019.tif", [0, 1], {"preset": "glad_cropland", "year": 2019}),
        ("map.tif", [0, 1, 4, 6], {"preset": "dynamic_world"}),
        ("tc-annual_temporarycrops_classification.tif", [0, 100], {"preset": "worldcereal_2021"}),
        ("chance.tif", list(range(0, 101, 2)), {"probability": True, "scale": 0.01}),
        ("mine.tif", [0, 1], {"cropland": [1], "nodata": 255}),
    ],
)
def test_a_weak_map_is_known_by_name_or_values(tmp_path, file, values, settings):
    path = write_tif(tmp_path / file, np.resize(values, (1, 32, 32)), dtype="uint8")
    image = guess_imagery(str(write_tif(tmp_path / "imagery/a.tif", noise(4))))
    guess = guess_weak_map(str(path), [header.grid for header in image.headers.values()], None)
    assert guess.settings == {"path": str(path)} | settings


def test_a_weak_map_of_unknown_values_is_told_with_its_values(tmp_path):
    path = write_tif(tmp_path / "landuse.tif", np.resize([3, 3, 3, 17], (1, 32, 32)), dtype="uint8")
    grids = [header.grid for header in guess_imagery(str(write_tif(tmp_path / "i/a.tif", noise(4)))).headers.values()]
    with pytest.raises(CropmineError, match=r"3 \(75.0%\), 17 \(25.0%\) of the imagery. Hint: .*WEAK_CROPLAND="):
        guess_weak_map(str(path), grids, None)
    assert guess_weak_map(str(path), grids, None, ("17",)).settings["cropland"] == [17]
    away = write_tif(tmp_path / "away.tif", np.ones((1, 32, 32)), west=900_000.0)
    with pytest.raises(CropmineError, match=r"no valid pixel lies over the imagery"):
        guess_weak_map(str(away), grids, None)
    with pytest.raises(CropmineError, match=r"holds 2 rasters: away.tif, landuse.tif. Hint: .*rio merge"):
        guess_weak_map(str(tmp_path), grids, None)


def test_classes_that_are_not_known_are_left_out_aloud(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels.loc[labels["class"] == "unsure", "class"] = "khat"
    labels.to_file(here / "khat.gpkg")
    draft = draft_region(inputs_of(here, weak="", labels=(f"{here}/khat.gpkg",)))
    assert any("khat (" in note for note in draft.notes)
    only = inputs_of(here, weak="", labels=(f"{here}/khat.gpkg",), wishes=Wishes("class", (), ("cropland", "other")))
    with pytest.raises(CropmineError, match=r"no class of the field class is known to be cropland; it holds"):
        draft_region(only)


def test_imagery_that_is_not_there_is_told_by_what_is(tmp_path):
    write_tif(tmp_path / "kenya/a.tif", noise(4))
    (tmp_path / "empty").mkdir()
    for path, told in (
        ("", r"IMAGERY: names nothing\. Hint: a folder of rasters, a file, or a pattern with \{tile\}"),
        (f"{tmp_path}/none", r"none: no such folder or file"),
        (f"{tmp_path}/kenya/{{tile}}.jp2", r"no file matches\. Hint: write \{tile\} once"),
        (f"{tmp_path}/{{tile}}/a.tif", r"no file matches"),
        (str(tmp_path), r"holds no raster itself\. Hint: its folders kenya do: name one of them"),
    ):
        with pytest.raises(CropmineError, match=told):
            guess_imagery(path)
    assert list(guess_imagery(str(tmp_path / "kenya/a.tif")).headers) == ["a"]
    (tmp_path / "kenya/b.tif").write_bytes(b"no raster")
    with pytest.raises(CropmineError, match=r"IMAGERY: not a readable raster: .*kenya/b\.tif"):
        guess_imagery(str(tmp_path / "kenya"))


def grids_of(tmp_path):
    image = write_tif(tmp_path / "imagery/a.tif", noise(4))
    return [header.grid for header in guess_imagery(str(image)).headers.values()]


def test_a_band_of_probabilities_tells_which_of_two_classes_is_cropland(tmp_path):
    classes = np.indices((32, 32))[1] % 2
    chances = np.where(classes == 0, 80, 10)
    names = ("probability", "classification")
    path = write_tif(tmp_path / "two.tif", np.stack([chances, classes]), dtype="uint8", names=names)
    guess = guess_weak_map(str(path), grids_of(tmp_path), None)
    assert (guess.settings["cropland"], guess.settings["band"]) == ([0], 2)
    assert "where it is 0, its band probability is high (80)" in guess.why


def test_a_weak_map_is_one_file(tmp_path):
    with pytest.raises(CropmineError, match=r"no such file\. Hint: WEAK is a raster or a polygon file"):
        guess_weak_map(str(tmp_path / "none.tif"), [], None)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CropmineError, match=r"folder: holds no raster\. Hint: a weak map is one file"):
        guess_weak_map(str(tmp_path / "folder"), [], None)
    path = write_tif(tmp_path / "folder/only.tif", np.resize([0, 1], (1, 32, 32)), dtype="uint8")
    guess = guess_weak_map(str(tmp_path / "folder"), grids_of(tmp_path), None)
    assert guess.settings["path"] == str(path)


def test_polygons_are_a_weak_map_of_cropland_or_of_the_values_that_a_user_names(here):
    path = str(here / "labels.gpkg")
    guess = guess_weak_map(path, [], None)
    assert guess.settings == {"path": path}
    assert "every polygon" in guess.notes[0] and "class" in guess.notes[0]
    named = guess_weak_map(path, [], None, ("cropland",))
    assert named.settings == {"path": path, "class_field": "class", "cropland": ["cropland"]}
    with pytest.raises(CropmineError, match=r"no field holds maize\. Hint: WEAK_CROPLAND names values of a field"):
        guess_weak_map(path, [], None, ("maize",))


def look_at(here) -> Footprint:
    headers = guess_imagery(f"{here}/imagery").headers
    return Footprint(tuple(headers), tuple(header.grid for header in headers.values()))


def test_a_weak_map_that_the_labels_contradict_is_told(here):
    labels = guess_labels([f"{here}/labels.gpkg"], [], Wishes(), look_at(here)).labels
    sound, turned = (guess_weak_map(f"{here}/weak.tif", look_at(here).grids, labels, named) for named in ((), ("0",)))
    note = "the weak map weak doesn't know cropland labels from others: are its values right?"
    assert turned.notes == [note] and note not in sound.notes
    assert "of the area of cropland labels is cropland in it" in sound.why


def test_labels_that_say_what_they_are_for_are_split_so(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels["part"] = np.resize(["train", "validation", "test"], len(labels))
    labels.to_file(here / "parted.gpkg")
    guess = guess_labels([f"{here}/parted.gpkg"], [], Wishes(), look_at(here))
    assert guess.settings["split"] == {"method": "field", "field": "part"}
    assert guess.why["split"] == "the field part tells it of each label"


def test_points_become_circles_of_two_pixels_and_the_name_of_a_file_tells_its_year(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels.assign(geometry=labels.representative_point()).to_file(here / "points_2019.gpkg")
    wishes = Wishes(definition="maize and beans")
    guess = guess_labels([f"{here}/points_2019.gpkg"], [], wishes, look_at(here))
    found = guess.settings["labels"]
    assert (found["radius_m"], found["year"], found["definition"]) == (9.5, 2019, "maize and beans")


def test_fields_whose_values_tell_nothing_are_not_taken_for_classes(here):
    labels = geopandas.read_file(here / "labels.gpkg").drop(columns="class")
    labels["seen"] = np.resize([0, 1], len(labels))
    labels["landuse"] = [f"crop {number}" for number in range(len(labels))]
    pandas.concat([labels.assign(landuse=labels["landuse"] + f" {copy}") for copy in range(2)]).to_file(
        here / "no.gpkg"
    )
    with pytest.raises(CropmineError, match=r"no field holds classes of cropland and others.*seen: 2 values"):
        draft_region(inputs_of(here, labels=(f"{here}/no.gpkg",)))
    with pytest.raises(CropmineError, match=r"CLASS_FIELD: no such field: kind\. Hint: fields of all files: .*seen"):
        draft_region(inputs_of(here, labels=(f"{here}/no.gpkg",), wishes=Wishes("kind")))


def test_a_region_takes_a_name_that_can_be_a_folder(here):
    with pytest.raises(CropmineError, match=r"NAME: 'my valley' isn't a name"):
        draft_region(Inputs("my valley", f"{here}/imagery"))


def test_what_was_guessed_is_printed_and_an_error_ends_in_its_words(here, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    new_region.main(["valley", "--imagery", f"{here}/imagery", "--labels", f"{here}/labels.gpkg"])
    told = capsys.readouterr().out
    assert "Check: say in labels.definition" in told and "Written to valley.yaml" in told
    with pytest.raises(SystemExit, match="there is such a file already"):
        new_region.main(["valley", "--imagery", f"{here}/imagery"])
