"""Sections of the report, from the files of a region."""

import json

import pytest

from cropmine.mining.registration import pool_surfaces, write_registration
from cropmine.reporting.report_files import ShiftFile
from cropmine.reporting.sections import (
    SplitRow,
    describe_distances,
    describe_registration,
    describe_splits,
    describe_threshold,
    summarise_run,
)
from cropmine.reporting.wording import make_environment
from factories.reports import say
from factories.surfaces import make_surfaces


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def write_distances(path, test_m, map_m, optimistic):
    both = {
        kind: {"count": 3, "ecdf": [metres] * 101, "quantiles": dict.fromkeys(("5", "25", "50", "75", "95"), metres)}
        for kind, metres in (("test", test_m), ("map", map_m))
    }
    return write(path, both | {"folds": None, "criterion": 0.5, "optimistic": optimistic})


def test_nearer_test_labels_make_scores_too_optimistic(tmp_path):
    distances = describe_distances(write_distances(tmp_path / "d.json", 310.0, 9040.0, True))
    assert say("sentences.html.j2", "nearness", distances) == (
        "Half of the test labels are within 310 m of a training label, half of the map\N{RIGHT SINGLE QUOTATION MARK}s "
        "pixels within 9 km. The test labels are much nearer, so the scores are too optimistic for the map "
        "(the criterion: a median under 0.5 times that of the map)."
    )
    assert distances.chart.startswith("data:image/svg+xml")
    distances = describe_distances(write_distances(tmp_path / "d.json", 310.0, 340.0, False))
    assert "gives no reason to think that the scores are too optimistic (the" in say(
        "sentences.html.j2", "nearness", distances
    )


def test_without_test_labels_no_distance_is_shown(tmp_path):
    path = write(tmp_path / "d.json", {"test": None, "folds": 4, "criterion": 0.5, "optimistic": None})
    distances = describe_distances(path)
    assert distances.chart is None and distances.test == {} and distances.folds == 4
    assert say("sentences.html.j2", "nearness", distances).startswith("There are no test labels, or no valid pixels")


@pytest.mark.parametrize(
    ("key", "names", "expected"),
    [
        ("split", ["test", "train", "train"], [SplitRow("train", 2, 5, 3), SplitRow("test", 1, 1, 0)]),
        ("fold", [1, 0, 1], [SplitRow("0", 1, 2, 1), SplitRow("1", 2, 4, 2)]),
    ],
)
def test_labels_are_counted_by_split_or_by_fold(tmp_path, key, names, expected):
    labels = [(1, 0), (2, 1), (3, 2)]
    lines = [f"block,{key},labels_cropland,labels_noncropland"]
    lines += [f"b{n},{name},{one},{other}" for n, (name, (one, other)) in enumerate(zip(names, labels, strict=True))]
    (tmp_path / "splits.csv").write_text("\n".join(lines))
    splits = describe_splits(str(tmp_path / "splits.csv"))
    assert list(splits.rows) == expected and splits.folded == (key == "fold")


def test_a_registration_that_found_nothing_has_no_peak(tmp_path):
    found = {"east": 0.0, "north": 0.0, "applied": False, "reason": "no segment", "tiles": 3}
    described = describe_registration(ShiftFile("kmeans10", "global_map", write(tmp_path / "r.json", found)))
    assert (described.peak, described.best_east, described.highest_null, described.length_m) == (None, None, None, 0)
    found |= {"east": 3.0, "north": -4.0, "applied": True, "null_peaks": {"mirrored": 1.5, "rotated": 2.5}}
    described = describe_registration(ShiftFile("kmeans10", "global_map", write(tmp_path / "r.json", found)))
    assert (described.highest_null, described.length_m) == (2.5, 5)


def test_the_report_says_where_a_map_was_moved_and_why_another_was_not(tmp_path):
    files = []
    for name, peak in (("moved", (2, -1)), ("stayed", (4, 0))):
        result = pool_surfaces({tile: make_surfaces(peak, seed=seed) for seed, tile in enumerate("ab")})
        files.append(ShiftFile("kmeans10", name, str(tmp_path / f"{name}.surfaces.json")))
        write_registration(tmp_path / f"{name}.json", files[-1].path, result)
    template = make_environment().get_template("registrations.html.j2")
    page = template.render(region={"registrations": [describe_registration(file) for file in files]}, scroll=str)
    assert "its peak is on the edge of the window" in page
    assert page.count("kmeans10") == 2
    assert template.render(region={"registrations": []}).strip() == ""


def test_each_threshold_says_what_it_is():
    choice = {"threshold": 0.5, "threshold_best": 0.6, "threshold_range": [0.4, 0.6]}
    area = {"by_threshold": [{"threshold": at, "cropland_ha": 1.0} for at in (0.4, 0.5, 0.6)]}
    rows = describe_threshold(choice, area).rows
    assert [row.words for row in rows] == ["low end of its range", "used", "best on validation, high end of its range"]
    rows = describe_threshold(choice | {"threshold_range": None}, area).rows
    assert [row.words for row in rows] == ["", "used", "best on validation"]


def test_the_threshold_is_explained_by_the_best_one_and_its_range():
    area = {"by_threshold": []}

    def explain(used, reach):
        choice = {"threshold": used, "threshold_best": 0.61, "threshold_range": reach}
        return say("sentences.html.j2", "threshold", describe_threshold(choice, area))

    best = "The best on validation labels is 0.61"
    text = f"{best}; 95 % of bootstrap draws of blocks give 0.45 to 0.7"
    assert explain(0.5, [0.45, 0.7]) == f"The threshold is 0.5. {text}, which includes 0.5, so that is used."
    text = text.replace("0.45", "0.55")
    assert explain(0.61, [0.55, 0.7]) == f"The threshold is 0.61. {text}, which excludes 0.5."
    few = "they are in fewer than 10 blocks of a class, too few to distinguish it from 0.5."
    assert explain(0.5, None) == f"The threshold is 0.5. {best}, but {few}"


def test_a_run_is_summarised_by_the_longest_rule_first():
    run = {"cropmine": "1", "commit": None, "python": "3.11", "packages": {"numpy": "2"}, "config": {"a": 1}}
    summary = summarise_run(run | {"hours": {"map_tile": 0.5, "train_model": 1.5}})
    assert [rule for rule, _ in summary.hours] == ["train_model", "map_tile"]
    assert list(summary.packages) == ["python", "numpy"] and json.loads(summary.config) == {"a": 1}
    assert summarise_run({"regions": {}}) is None
