import json
from dataclasses import replace

import pandas as pd
import pytest

from cropmine.mapping.tags import stamp_tags
from cropmine.planning.map_stamps import MapContents
from cropmine.reporting.model_card import CardFiles, write_card
from cropmine.scoring.calibration import measure_calibration
from cropmine.scoring.metrics import describe_classes
from factories.products import STAMP
from factories.reports import make_scores, write_comparison
from factories.verdicts import write_made

CONTENTS = MapContents(
    runs=1,
    simulated=False,
    tiles=4,
    bands=["red", "nir"],
    dates=[],
    weak=[],
    label_year=2021,
    label_files=["labels.gpkg"],
    settings=["model: architecture unet"],
)


@pytest.fixture
def card(tmp_path):
    """A function that writes the card of a region and gives its text."""
    write_comparison(tmp_path, ["plain", "mined"])
    scores = {"note": None} | {split: describe_classes(make_scores(50), split) for split in ("validation", "test")}
    scores["calibration"] = measure_calibration(make_scores(50), "test")
    area = {
        "total": {"cropland_ha": 50.0, "valid_ha": 200.0},
        "by_threshold": [{"threshold": 0.5, "cropland_ha": 50.0}],
    }
    for name, content in {"map": scores, "area": area}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    write_made(tmp_path / "checks.json", warnings=["a <warning>"])
    splits = {"block": ["a", "b"], "split": ["train", "test"], "labels_cropland": [3, 1], "labels_noncropland": [4, 2]}
    pd.DataFrame(splits).to_csv(tmp_path / "splits.csv", index=False)
    names = ("experiments.csv", "selected.json", "map.json", "area.json", "splits.csv", "checks.json")

    def write(stamp=STAMP, accuracy=None, **contents):
        files = CardFiles(*(str(tmp_path / name) for name in names), accuracy, ["m.safetensors"])
        write_card(tmp_path / "card.md", files, stamp, replace(CONTENTS, **contents), stamp_tags(stamp, ["image.tif"]))
        return (tmp_path / "card.md").read_text()

    return write


def test_the_card_has_definition_recipe_metrics_with_intervals_use_and_limits(card):
    text = card()
    assert "**annual crops**" in text and "`first-0123abcd`" in text and "`0123abcd`" in text
    for heading in ("What it shows", "Data", "Recipe", "Scores on labelled polygons", "Use and limits", "Files"):
        assert f"\n## {heading}\n" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| the delivered map, test labels"))
    figures = describe_classes(make_scores(50), "test")
    assert f"{figures['f1_cropland_lo']:.3f} to {figures['f1_cropland_hi']:.3f}" in row
    assert "50 ha (25 %)" in text and "biased" in text
    assert "They are not the accuracy of the map" in text
    assert "- Weights: `m.safetensors`" in text and "  - `image.tif`" in text
    assert "with one run it is 0 everywhere" in text and "simulated" not in text


def test_a_simulated_landscape_and_an_unknown_year_are_stated(card):
    text = card(replace(STAMP, year=None), simulated=True, runs=3)
    assert "A simulated landscape" in text and "# Cropland of valley, undated" in text
    assert "mean over 3 runs" in text and "it is 0 everywhere" not in text


def test_accuracy_by_a_probability_sample_is_in_the_card(card, tmp_path):
    lines = ["map,map_version,estimator,class,measure,estimate,standard_error,lo,hi,samples"]
    lines += ["sampled,v1,Olofsson 2014,cropland,user,0.9,0.05,0.8,1.1,300"]
    lines += ["sampled,v1,Olofsson 2014,cropland,area_ha,1500,50,1400,1600,300"]
    lines += ["sampled,v1,Olofsson 2014,noncropland,producer,-,-,-,-,300"]
    (tmp_path / "accuracy.csv").write_text("\n".join(lines) + "\n")
    text = card(accuracy=tmp_path / "accuracy.csv")
    assert "| cropland | user's accuracy | 0.900 | 0.800 to 1.000 |" in text
    assert "| cropland | area | 1,500 ha | 1,400 ha to 1,600 ha |" in text
    assert "| non-cropland | producer's accuracy | \N{EN DASH} | \N{EN DASH} |" in text


def test_text_from_outside_is_no_markup(card):
    text = card(replace(STAMP, definition="crops\n# Not a heading"))
    assert "a \\<warning\\>" in text and "\n# Not a heading" not in text
