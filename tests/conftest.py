"""Profiles of hypothesis, and a small simulated region for the slower tests."""

import os
from pathlib import Path

import pytest
from hypothesis import Phase, settings

# A busy machine is no fault of the code; and what CI tries is the same each time.
settings.register_profile("cropmine", deadline=None, derandomize="CI" in os.environ)
# A mutant is to be found, by few examples, and not to be explained by the smallest one.
few = {"max_examples": 25, "phases": [Phase.explicit, Phase.generate]}
settings.register_profile("mutants", settings.get_profile("cropmine"), **few)
settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "cropmine")


@pytest.fixture(scope="session")
def valley(tmp_path_factory) -> Path:
    """A folder with the inputs of a made-up region of 1 × 3 small tiles, as a user would have them."""
    from cropmine.config.regions import Simulation
    from cropmine.inputs.simulation.regions import simulate_region, write_region

    folder = tmp_path_factory.mktemp("valley")
    settings = Simulation(seed=5, rows=1, columns=3, tile_px=192, label_sites=40)
    files = [[folder / kind / f"r0c{column}.tif" for column in range(3)] for kind in ("imagery", "masks")]
    weak = folder / "weak.tif", folder / "weak_other.tif"
    write_region(simulate_region(settings), *files, weak, folder / "labels.gpkg", folder / "truth.tif")
    return folder
