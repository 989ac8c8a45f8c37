"""Well-known cropland maps: which of their values are cropland, and what their makers mean by it."""

from dataclasses import dataclass
from typing import Any, Literal

PresetName = Literal[
    "esa_worldcover_2020",
    "esa_worldcover_2021",
    "worldcereal_2021",
    "copernicus_lc100",
    "glad_cropland",
    "digital_earth_africa_2019",
    "cdl",
    "dynamic_world",
]


@dataclass(frozen=True)
class Preset:
    """A well-known map: its settings as a weak map, its makers' page, years, definition of cropland, training labels.

    training_labels says where the labels that it was trained on can be had, or that none are known to be public.
    """

    settings: dict[str, Any]
    title: str
    source: str
    years: str
    definition: str
    training_labels: str


ANNUAL = "land sown or planted and harvestable at least once within 12 months after sowing"


PRESETS: dict[str, Preset] = {
    "esa_worldcover_2020": Preset(
        {"cropland": [40], "nodata": 0, "year": 2020},
        "ESA WorldCover 10 m 2020 v100",
        "https://esa-worldcover.org",
        "2020",
        f"{ANNUAL}; perennial woody crops are trees or shrubs, greenhouses are built-up",
        "none known to be public",
    ),
    "esa_worldcover_2021": Preset(
        {"cropland": [40], "nodata": 0, "year": 2021},
        "ESA WorldCover 10 m 2021 v200",
        "https://esa-worldcover.org",
        "2021",
        f"{ANNUAL}; perennial woody crops are trees or shrubs, greenhouses are built-up",
        "none known to be public",
    ),
    "worldcereal_2021": Preset(
        {"cropland": [100], "nodata": 255, "year": 2021},
        "ESA WorldCereal 2021 v100, product temporarycrops, band classification",
        "https://esa-worldcereal.org",
        "2021",
        "temporary crops",
        "WorldCereal Reference Data Module, https://rdm.esa-worldcereal.org, the public collections",
    ),
    "copernicus_lc100": Preset(
        {"cropland": [40], "nodata": 255},
        "Copernicus Global Land Cover 100 m v3, discrete classification",
        "https://land.copernicus.eu/global/products/lc",
        "2015 to 2019, one map a year",
        "temporary crops followed by harvest and a bare soil period; perennial woody crops are forest or shrubs",
        "none known to be public",
    ),
    "glad_cropland": Preset(
        {"cropland": [1], "nodata": 255},
        "GLAD global cropland extent 30 m (Potapov et al. 2022)",
        "https://glad.umd.edu/dataset/croplands",
        "2003, 2007, 2011, 2015 and 2019, each for the four years up to it",
        "annual and perennial herbaceous crops for food, forage (hay too) and biofuel, fallow for up to four years; no "
        "perennial woody crops, permanent pasture or shifting cultivation. 0 means both other land and nodata",
        "none known to be public",
    ),
    "digital_earth_africa_2019": Preset(
        {"cropland": [1], "nodata": 255, "year": 2019},
        "Digital Earth Africa cropland extent 2019, bands mask or filtered",
        "https://docs.digitalearthafrica.org/en/latest/data_specs/Cropland_extent_specs.html",
        "2019",
        f"a piece of {ANNUAL}, at least 0.01 ha; no grazing land and no perennial crops. The files declare 0, "
        "other land, as nodata",
        "https://github.com/digitalearthafrica/crop-mask",
    ),
    "cdl": Preset(
        {"cropland": [*range(1, 61), *range(66, 78), *range(204, 255)], "nodata": 0},
        "USDA Cropland Data Layer 30 m",
        "https://www.nass.usda.gov/Research_and_Science/Cropland/SARS1a.php",
        "2008 and later, one map a year",
        "every crop class, hay and orchards too; fallow (61) and grassland (176) aren't",
        "none: the farmers' reports that it is trained on are confidential",
    ),
    "dynamic_world": Preset(
        {"cropland": [4], "nodata": 255},
        "Dynamic World V1, band label, such as its mode over a season",
        "https://developers.google.com/earth-engine/datasets/catalog/GOOGLE_DYNAMICWORLD_V1",
        "2015 and later, one map for each Sentinel-2 image",
        "row crops and paddy crops",
        "https://doi.org/10.1594/PANGAEA.933475",
    ),
}


def fill_preset(settings: Any) -> Any:
    """Put what a preset says under the settings of a weak map that names one; what is written there itself wins."""
    if not isinstance(settings, dict) or settings.get("preset") not in PRESETS:
        return settings
    return PRESETS[settings["preset"]].settings | settings
