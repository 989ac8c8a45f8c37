"""Classes, splits and years of labels, guessed from their fields and names."""

import geopandas
import numpy as np

from cropmine.commands.guess_labels import LabelOptions, guess_labels
from factories.drafts import look_at


def test_labels_that_say_what_they_are_for_are_split_so(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels["part"] = np.resize(["train", "validation", "test"], len(labels))
    labels.to_file(here / "parted.gpkg")
    guess = guess_labels([f"{here}/parted.gpkg"], [], LabelOptions(), look_at(here))
    assert guess.settings["split"] == {"method": "field", "field": "part"}
    assert guess.why["split"] == "the field part names the split of each label"


def test_points_become_circles_of_two_pixels_and_the_name_of_a_file_tells_its_year(here):
    labels = geopandas.read_file(here / "labels.gpkg")
    labels.assign(geometry=labels.representative_point()).to_file(here / "points_2019.gpkg")
    label_options = LabelOptions(definition="maize and beans")
    guess = guess_labels([f"{here}/points_2019.gpkg"], [], label_options, look_at(here))
    found = guess.settings["labels"]
    assert (found["radius_m"], found["year"], found["definition"]) == (9.5, 2019, "maize and beans")
