"""Configurations of a small region, with values set or spoiled."""

import pytest
import yaml

from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError

MINIMAL = """
regions:
  highlands:
    imagery: imagery/{tile}.tif
    bands: [blue, green, red, nir]
    weak:
      global_map: {path: weak.tif, register: off}
      other_map: {path: other.tif}
segmentations:
  kmeans10: {}
models:
  unet: {}
experiments:
  half_human: {human: 0.5}
  mined: {human: 0.5, mined: {cropland: 0.8, noncropland: 0.2}}
"""
LABELS = {"path": "l.gpkg", "class_field": "c", "cropland": ["a"], "noncropland": ["b"], "definition": "crops"}


def read(text=MINIMAL, **changes):
    """The minimal configuration with values set at places such as experiments__mined__human."""
    raw = yaml.safe_load(text)
    for place, value in changes.items():
        set_value(raw, place, value)
    return raw


def set_value(raw, place, value):
    *parents, key = place.split("__")
    for parent in parents:
        raw = raw[parent]
    raw[key] = value


def refuse(raw) -> str:
    with pytest.raises(CropmineError) as caught:
        validate_config(raw)
    return str(caught.value)
