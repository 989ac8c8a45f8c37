"""Whether a model from elsewhere fits a region's imagery: its bands, the size of a pixel, and its units."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cropmine.errors import CropmineError
from cropmine.geo.grids import measure_pixel, read_grid
from cropmine.inputs.checks.tiles import survey_tile
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.predictors import load_predictor

SAMPLED_TILES = 16
SAME_SIZE = 0.1
OFF_SCALE = 8.0
BRIGHT_DEVIATIONS = 1.645  # of a normal distribution, to the percentile that survey_tile measures


def check_model(path: str | Path, sources: Sequence[TileSource], bands: list[str], dates: int) -> dict:
    """Check a trained model for the tiles of a region.

    Returns, for model and region, resolution_m and the bright end of each channel, in up to 16 tiles evenly chosen.
    Raises CropmineError with every fault: other bands or dates, pixels over 10 % larger or smaller than those that the
    model was trained on, or values of every channel over 8 times as high or as low: other units.
    """
    meta = load_predictor(path, bands, dates, 1).meta
    faults = []
    if meta.get("raster"):
        what = f"is a forest that was trained on the raster of features {meta['raster']!r}, not on imagery"
        faults.append(CropmineError(path, what, "map with a model that was trained on the bands"))
    resolution = measure_pixel([read_grid(source.images[0]) for source in sources])
    if abs(resolution / meta["resolution_m"] - 1) > SAME_SIZE:
        what = f"was trained on pixels of {meta['resolution_m']:.4g} m, those of the imagery are {resolution:.4g} m"
        faults.append(CropmineError(path, what, f"warp the imagery to {meta['resolution_m']:.4g} m (gdalwarp -tr …)"))
    chosen = np.unique(np.linspace(0, len(sources) - 1, min(len(sources), SAMPLED_TILES)).round().astype(int))
    surveys = [survey_tile(sources[number]) for number in chosen]
    seen = [survey.bright for survey in surveys if survey.valid_share]
    trained = np.abs(meta["mean"]) + BRIGHT_DEVIATIONS * np.array(meta["std"])
    bright = np.median(np.abs(seen), axis=0) if seen else None
    if bright is not None:
        ratio = np.log(np.maximum(bright, np.finfo(np.float64).tiny) / trained)
        if (ratio > np.log(OFF_SCALE)).all() or (ratio < -np.log(OFF_SCALE)).all():
            what = f"was trained on values up to about {_spell(trained)}, the imagery has {_spell(bright)}"
            hint = "reflectance against digital numbers? Bring the imagery to the model's scale"
            faults.append(CropmineError(path, f"{what} in the bands {', '.join(bands)}", hint))
    if faults:
        raise CropmineError.gather(f"{path}", faults)
    return {
        "model": {"resolution_m": meta["resolution_m"], "bright": trained.tolist()},
        "region": {"resolution_m": resolution, "bright": None if bright is None else bright.tolist()},
    }


def _spell(values: np.ndarray) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
