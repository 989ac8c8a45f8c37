import pytest

from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.planning.plans import plan_region
from cropmine.planning.sweeps import describe_sweep, expand_sweeps


def read(grid, base="both", **more):
    """A configuration with one sweep."""
    labels = {"path": "l.gpkg", "class_field": "c", "cropland": "a", "noncropland": "b", "definition": "crops"}
    region = {
        "imagery": "t/{tile}.tif",
        "tiles": ["t0"],
        "bands": ["red"],
        "weak": {"w": {"path": "w.tif"}, "v": {"path": "v.tif"}},
        "labels": labels,
    }
    raw = {
        "regions": {"r": region},
        "models": {"tiny": {"encoder": "resnet18", "encoder_weights": None}},
        "experiments": {
            "half": {"human": 0.5},
            "both": {"human": 0.5, "mined": {"cropland": 0.8, "noncropland": 0.2}},
        },
        "sweeps": {"s": {"base": base, "grid": grid}},
    }
    return validate_config(raw | more)


def expand(grid, **more):
    config, points = expand_sweeps(read(grid, **more))
    return config, points["s"]


def refuse(grid, **more) -> str:
    with pytest.raises(CropmineError) as caught:
        expand(grid, **more)
    return str(caught.value)


def test_a_grid_is_the_product_of_its_keys_around_the_base():
    _, points = expand({"mined.cropland": [0.7, 0.8], "mined.noncropland": [0.1, 0.2, 0.3]})
    assert [point.name for point in points[:2]] == [
        "mined.cropland=0.7 mined.noncropland=0.1",
        "mined.cropland=0.7 mined.noncropland=0.2",
    ]
    assert [(p.experiment.mined.cropland, p.experiment.mined.noncropland) for p in points] == [
        (cropland, noncropland) for cropland in (0.7, 0.8) for noncropland in (0.1, 0.2, 0.3)
    ]
    assert {point.experiment.human for point in points} == {0.5}


def test_a_point_may_take_mined_labels_away():
    _, points = expand({"human": [0.25, 1.0], "mined": [None, {"noncropland": 0.2}]})
    assert [(p.experiment.human, p.experiment.mined and p.experiment.mined.noncropland) for p in points] == [
        (0.25, None),
        (0.25, 0.2),
        (1.0, None),
        (1.0, 0.2),
    ]


def test_parts_that_a_point_changes_are_derived_once_and_a_named_equal_is_taken():
    config, points = expand({"segmentation.clusters": [5, 10], "model.architecture": ["unet", "fpn"]})
    assert {point.experiment.segmentation for point in points} == {"kmeans10_clusters5", "kmeans10"}
    assert {point.experiment.model for point in points} == {"tiny", "tiny_architecturefpn"}
    assert config.segmentations["kmeans10_clusters5"].clusters == 5
    assert config.models["tiny_architecturefpn"].architecture == "fpn"


def test_points_equal_to_an_experiment_share_its_runs_and_the_base_is_one_of_them():
    config, points = expand_sweeps(read({"mined.cropland": [0.6, 0.8]}))
    plan = plan_region("r", config, points)
    (_, other), (_, same) = plan.sweeps["s"]
    assert same == plan.runs["both"]
    assert other[0].recipe != same[0].recipe and other[0].model == same[0].model
    compared = describe_sweep(plan, config, "s")
    assert compared.base == "mined.cropland=0.8"
    assert [row.values for row in compared.rows] == [{"mined.cropland": 0.6}, {"mined.cropland": 0.8}]


def test_a_base_that_is_no_point_comes_first():
    config, points = expand_sweeps(read({"mined.cropland": [0.6, 0.7]}))
    compared = describe_sweep(plan_region("r", config, points), config, "s")
    assert compared.base == "both"
    assert [row.values for row in compared.rows] == [{}, {"mined.cropland": 0.6}, {"mined.cropland": 0.7}]


def test_sweeps_name_no_polygons_to_draw():
    config, points = expand_sweeps(read({"mined.cropland": [0.6, 0.7]}))
    assert plan_region("r", config, points).mined == plan_region("r", config).mined


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ({"minde.cropland": [0.6]}, "there is no key 'minde.cropland'"),
        ({"human.x": [0.6]}, "there is no key 'human.x'"),
        ({"segmentation.klusters": [5]}, "there is no key segmentation.klusters"),
        ({"mined.cropland": [1.2]}, "must be at most 1"),
        ({"mined.cropland": [0.15], "mined.noncropland": [0.2]}, "the cropland threshold must be above"),
        ({"human": [0.0], "mined": [None]}, "names no labels to train on"),
        ({"weak_map": ["u"]}, "'u' isn't a weak map of regions.r"),
        ({"segmentation": ["slik"]}, "'slik' isn't a segmentation"),
        ({"segmentation.clusters": [0]}, "must be at least 1"),
        ({"model.steps": ["many"]}, "must be a whole number"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused_with_its_place(grid, told):
    text = refuse(grid)
    assert text.startswith("sweeps") and told in text and "sweeps.s" in text


def test_every_fault_of_every_point_is_told():
    text = refuse({"mined.cropland": [0.1, 0.8], "weak_map": ["u"]})
    assert "mined.cropland=0.1" in text and "mined.cropland=0.8" in text


def test_a_fault_that_all_points_share_is_told_once():
    text = refuse({"mined.crop": [0.5], "human": [0.5, 0.75, 1.0]})
    assert text.count("did you mean 'cropland'") == 1


def test_an_unknown_base_is_refused():
    with pytest.raises(CropmineError, match=r"sweeps\.s\.base: 'boht' isn't an experiment.*did you mean 'both'"):
        read({"human": [1.0]}, base="boht")
