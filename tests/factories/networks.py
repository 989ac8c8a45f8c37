"""A tiny network and the imagery that it was trained on."""

import numpy as np

from cropmine.config.models import Network
from cropmine.training.networks import Normalisation

TINY = Network(encoder="resnet18", encoder_weights=None, decoder_channels=(16, 8, 8, 8, 8))


NORM = Normalisation(np.array([100.5, 7.0, 3.0, 1.0]), np.array([10.0, 2.0, 1.0, 0.5]))


PLACE = {"bands": ["blue", "green", "red", "nir"], "dates": 1, "resolution_m": 4.8, "precision": "auto"}
