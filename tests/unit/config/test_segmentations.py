"""Settings of segmentations: each method has its own keys."""

import pytest

from cropmine.config.segmentations import SEGMENTATIONS, Deep, KMeans, Slic
from cropmine.config.validation import validate_config
from factories.configs import read, refuse


def segment(settings):
    return read(segmentations__a=settings)


def test_kmeans_is_the_method_that_needs_no_name_and_a_name_alone_stands_for_defaults():
    config = validate_config(read(segmentations__a={}, segmentations__b={"clusters": 5}, segmentations__c="slic"))
    found = [config.segmentations[name] for name in "abc"]
    assert found == [KMeans(), KMeans(clusters=5), Slic()]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"method": "slik"},
            "segmentations.a.method: must be 'kmeans' or 'slic' or 'watershed' or 'deep', not 'slik'. "
            "Hint: did you mean 'slic'?",
        ),
        ({"method": ["slic"]}, "segmentations.a.method: must be 'kmeans' or 'slic' or 'watershed' or 'deep', not ['"),
        ("watershd", "segmentations.a: must be 'kmeans' or 'slic' or 'watershed' or 'deep', not 'watershd'."),
        (3, "segmentations.a: must be keys with values, such as name: value, not 3."),
        ({"method": "slic", "clusters": 10}, "segmentations.a.clusters: clusters goes with method kmeans or deep, not"),
        ({"method": "slic", "compactnes": 2}, "segmentations.a.compactnes: unknown key 'compactnes'. Hint: did you "),
        ({"method": "slic", "compactness": 0}, "segmentations.a.compactness: must be above 0, not 0. Hint: difference"),
        (
            {"method": "deep"},
            "segmentations.a.experiment: this key is required. "
            "Hint: the trained experiment whose features are clustered.",
        ),
    ],
)
def test_a_fault_is_told_in_the_words_of_its_method(settings, told):
    assert refuse(segment(settings)).startswith(told)


def test_only_what_a_method_reads_is_in_its_settings():
    assert "compactness" not in KMeans().model_dump()
    assert set(Slic().model_dump()) == {
        "method",
        "segment_m2",
        "compactness",
        "features",
        "min_area_m2",
        "max_area_m2",
    }


def test_settings_are_read_again_from_what_they_are_written_as():
    for chosen in (KMeans(clusters=3, scope="region"), Slic(features=("ndvi",)), Deep(experiment="half_human")):
        assert SEGMENTATIONS.validate(chosen.model_dump(mode="json")) == chosen


def test_only_kmeans_of_the_scope_region_is_fitted_to_a_region():
    chosen = [KMeans(), KMeans(scope="region"), Slic(), Deep(experiment="half_human")]
    assert [segmentation.fits_region for segmentation in chosen] == [False, True, False, False]
