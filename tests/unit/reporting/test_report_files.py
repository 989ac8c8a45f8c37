"""The settings of the rule that builds the report."""

import json
from dataclasses import replace

import pytest

from cropmine.config.schema import Report
from cropmine.reporting.report_files import (
    AuditFiles,
    FigureFiles,
    ReportSettings,
    ShiftFile,
    dump_settings,
    load_settings,
)
from factories.reports import change_files, make_region


@pytest.fixture
def region(tmp_path):
    return change_files(
        make_region(tmp_path),
        audits=[AuditFiles("kmeans10", "global_map", "audit.parquet", "audit.json", "audit.png")],
        shifts=[ShiftFile("kmeans10", "global_map", "shift.json")],
        sweeps={"thresholds": FigureFiles("sweep.csv", "sweep.png", "0123")},
    )


def test_settings_are_the_same_after_they_went_through_json(region):
    settings = ReportSettings(
        [region], {"there": FigureFiles("t.csv", "t.png", "4")}, "run.json", Report(labels="hidden")
    )
    assert load_settings(json.dumps(dump_settings(settings))) == settings


def test_settings_of_another_form_are_refused(region):
    settings = dump_settings(ReportSettings([region]))
    del settings["regions"][0]["files"]["checks"]
    with pytest.raises(ValueError, match=r"regions\.0\.files\.checks"):
        load_settings(json.dumps(settings))


def test_the_report_waits_for_all_files_but_those_of_sweeps(region, tmp_path):
    inputs = list(region.files.list_inputs())
    here = {str(path) for path in tmp_path.iterdir()}
    assert set(inputs) == here | {"audit.parquet", "audit.json", "audit.png", "shift.json"}
    assert len(inputs) == len(set(inputs))
    weak = replace(region.files.weak, registrations=["shift_of_weak.json"])
    assert "shift_of_weak.json" in change_files(region, weak=weak).files.list_inputs()
    bare = change_files(region, weak=None, mined=None, maps=[], labels=None)
    assert not {str(tmp_path / name) for name in ("weak.tif", "map.tif", "labels.parquet")} & set(
        bare.files.list_inputs()
    )
