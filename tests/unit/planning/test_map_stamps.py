"""A map's name tells the settings that it hangs on, and nothing else changes it."""

import pytest

from cropmine.config.validation import validate_config
from cropmine.planning.map_stamps import describe_contents, find_year, stamp_map
from cropmine.planning.plans import plan_region
from workspace import valley_config


def plan(tmp_path, **changes):
    raw = valley_config(tmp_path)
    raw["regions"]["valley"] |= {"tiles": ["a", "b"]} | changes.pop("region", {})
    raw |= changes
    config = validate_config(raw)
    return plan_region("valley", config), config


def name_map(tmp_path, name="half_human_mined_neg", **changes):
    return stamp_map(*plan(tmp_path, **changes), name, 0.5)


def test_a_map_is_called_by_its_region_run_experiment_and_digest(tmp_path):
    named = name_map(tmp_path)
    assert named.region == "valley" and named.experiment == "half_human_mined_neg"
    assert (named.year, named.definition) == (2021, "fields of annual crops")
    assert named.version == f"{named.run}-{named.config_digest}"


def test_what_moves_no_pixel_of_a_map_leaves_its_name(tmp_path):
    named = name_map(tmp_path)
    assert name_map(tmp_path, region={"experiments": ["half_human_mined_neg"]}) == named
    assert name_map(tmp_path, region={"year": 2020}).config_digest == named.config_digest
    segmentations = {"kmeans6": {"clusters": 7, "min_area_m2": 500}}
    assert name_map(tmp_path, segmentations=segmentations).config_digest != named.config_digest
    plain = name_map(tmp_path, "half_human").config_digest
    assert name_map(tmp_path, "half_human", segmentations=segmentations).config_digest == plain
    assert name_map(tmp_path, "half_human", seeds=[1]).config_digest != plain


def test_a_map_of_a_model_from_elsewhere_is_called_so(tmp_path):
    region = {"model": "m.ckpt", "labels": None, "weak": {}}
    named = name_map(tmp_path, None, region=region)
    assert named.experiment == "none: a model from elsewhere, m.ckpt"
    assert named.definition is named.year is None


@pytest.mark.parametrize(
    ("region", "year"),
    [
        ({"year": 2018, "imagery": {"2020-01": "i/{tile}.tif"}}, 2018),
        ({"imagery": {"2019-11": "i/{tile}.tif", "2020-02": "j/{tile}.tif"}}, 2020),
        ({"imagery": {"20200215": "i/{tile}.tif"}}, 2020),
        ({"imagery": {"dry": "i/{tile}.tif"}}, 2021),
        ({"labels": None, "weak": {"map": {"path": "w.tif", "year": 2017}}}, 2017),
        ({"labels": None, "weak": {}}, None),
    ],
)
def test_the_year_is_as_told_or_of_the_imagery_the_labels_or_the_weak_map(tmp_path, region, year):
    planned, _ = plan(tmp_path, region={"mask": None} | region)
    assert find_year(planned.region) == year


def test_a_model_card_is_told_what_the_map_was_made_of(tmp_path):
    planned, config = plan(tmp_path)
    told = describe_contents(planned, config, "half_human_mined_neg", planned.runs["half_human_mined_neg"])
    assert (told.runs, told.tiles, told.simulated) == (1, 2, False)
    assert told.weak == [f"global_map, {tmp_path}/weak.tif, of 2021"]
    assert told.label_files == [f"{tmp_path}/labels.gpkg"] and told.label_year == 2021
    kinds = [line.partition(":")[0] for line in told.settings]
    assert kinds == ["model", "training", "segmentation", "split"]
    assert "clusters 6" in told.settings[2] and "None" not in " ".join(told.settings)
