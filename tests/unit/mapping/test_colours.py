"""Colours that stand beside each other on the map stay apart to the colour-blind."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR, SPLIT_COLOURS
from cropmine.reporting.map_layers import DIFFERENCE_COLOURS

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHTS = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def see(colour, sight):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(SIGHTS[sight]) @ linear, 0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize(
    "colours",
    [(CROPLAND_COLOUR, NONCROPLAND_COLOUR), tuple(DIFFERENCE_COLOURS.values()), tuple(SPLIT_COLOURS.values())],
)
def test_colours_that_stand_beside_each_other_are_told_apart(colours, sight):
    seen = [see(colour, sight) for colour in colours]
    assert min(deltaE_ciede2000(one, two) for one, two in combinations(seen, 2)) > 15


def test_the_colours_of_the_classes_differ_in_lightness_too():
    light = [np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)) for colour in (CROPLAND_COLOUR, NONCROPLAND_COLOUR)]
    assert abs(light[0] - light[1]) > 0.04
