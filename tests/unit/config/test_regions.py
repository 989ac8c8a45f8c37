"""Settings of regions."""

import yaml

from cropmine.config.validation import validate_config
from factories.configs import read, refuse


def test_register_off_is_read_as_yaml_reads_it():
    raw = read()
    assert raw["regions"]["highlands"]["weak"]["global_map"]["register"] is False
    assert validate_config(raw).regions["highlands"].weak["global_map"].register_ == "off"
    moved = read(regions__highlands__weak__global_map__register=[12, -3.5])
    assert validate_config(moved).regions["highlands"].weak["global_map"].register_ == (12, -3.5)


def test_dates_may_be_written_without_quotes():
    dates = yaml.safe_load("2021-03-15: a/{tile}.tif\n2021: b/{tile}.tif\n2021-09: c/{tile}.tif")
    config = validate_config(read(regions__highlands__imagery=dates))
    assert list(config.regions["highlands"].imagery) == ["2021-03-15", "2021", "2021-09"]


def test_the_dates_of_masks_are_those_of_the_imagery():
    raw = read(regions__highlands__imagery={"2021-03": "a/{tile}.tif", "2021-09": "b/{tile}.tif"})
    raw["regions"]["highlands"]["mask"] = {"path": {"2021-03": "m/{tile}.tif"}}
    assert "its dates aren't those of imagery" in refuse(raw)
    raw["regions"]["highlands"]["mask"] = {"path": "m/{tile}.tif"}
    validate_config(raw)
