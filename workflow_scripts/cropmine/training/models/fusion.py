"""Fusions: the mean of several models' probabilities, among them the weak map itself.

The file of a fusion is a ZIP archive of the files of its models and `fusion.json`, which says how they are averaged.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cropmine.classes import NODATA, STEPS
from cropmine.config.models import find_kind_of_file
from cropmine.errors import CropmineError
from cropmine.features.weak import WeakReader
from cropmine.files import replacing
from cropmine.inputs.neighbours import tile_windows
from cropmine.inputs.tile_views import Surroundings
from cropmine.training.descriptions import Description, check_description
from cropmine.training.predictors import Predictor, load_kind

MANIFEST = "fusion.json"
MOST_BYTES = 2**31
HINT = "delete it to make it again"
Tree = list[Any]  # places of voices in the list of voices, and lists of these, which are averaged first


class FusionDescription(Description):
    """The imagery of a fusion's models, and how they are averaged.

    voices: the names of files in the archive, or the settings of a smoothed weak map; tree: their places, nested.
    """

    voices: list[str | dict[str, float]]
    tree: list[Any]


@dataclass(frozen=True)
class WeakVoice:
    """The weak map as a voice: smoothed over a square of so many metres."""

    smooth_m: float

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Give the codes of the smoothed weak map, as a predictor does; 255 where the map is invalid."""
        reader = WeakReader(view.grid, view.context)
        height, width = view.grid.shape
        step = max(window[3] for window in tile_windows(view.grid.shape))
        for top in range(0, height, step):
            window = 0, top, width, min(step, height - top)
            codes = np.full((window[3], width), NODATA, np.uint8)
            asked = np.True_ if wanted is None else wanted[top : top + window[3]]
            if asked.any():
                probability, valid = reader.smooth(window, self.smooth_m)
                chosen = asked & valid & view.read(window)[2]
                codes[chosen] = np.rint(probability[chosen] * STEPS)
            yield top, codes


@dataclass(frozen=True)
class FusedPredictor:
    """Voices and how they are averaged."""

    voices: Sequence[Predictor | WeakVoice]
    meta: dict[str, Any]

    def predict_strips(self, view: Surroundings, wanted: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Predict a tile from top to bottom as the mean of the voices: first rows of strips and codes uint8 (rows, w).

        Where a voice has no data, such as the weak map's where that is invalid, the mean of the others counts.
        """
        step = max(window[3] for window in tile_windows(view.grid.shape))
        strips = [_cut_strips(voice.predict_strips(view, wanted), step) for voice in self.voices]
        for top, rows in zip(range(0, view.grid.height, step), zip(*strips, strict=True), strict=True):
            layers = [np.where(codes == NODATA, np.nan, codes.astype(np.float32)) for codes in rows]
            mean = _average(self.meta["tree"], layers)
            yield top, np.where(np.isnan(mean), np.float32(NODATA), np.rint(mean)).astype(np.uint8)


def _cut_strips(strips: Iterator[tuple[int, np.ndarray]], step: int) -> Iterator[np.ndarray]:
    """Cut what a predictor yields into strips of so many rows."""
    rest: list[np.ndarray] = []
    held = 0
    for _, codes in strips:
        rest.append(codes)
        held += len(codes)
        while held >= step:
            whole = np.concatenate(rest)
            yield whole[:step]
            rest, held = [whole[step:]], held - step
    if held:
        yield np.concatenate(rest)


def _average(tree: Tree, layers: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of layers (h, w) by a tree of their places, NaN left out; brackets are averaged first."""
    parts = [_average(part, layers) if isinstance(part, list) else layers[part] for part in tree]
    total, count = np.zeros_like(parts[0]), np.zeros_like(parts[0])
    for part in parts:
        known = ~np.isnan(part)
        total[known] += part[known]
        count += known
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def write_fusion(
    path: str | Path, voices: Sequence[str | Path | Mapping[str, float]], tree: Tree, bands: list[str], dates: int
) -> None:
    """Write a fusion of trained models, by their files, and of the weak map, by its settings (`smooth_m`).

    tree: the places of voices, in brackets (lists) that are averaged first. The same bytes for the same models.
    """
    named: list[str | dict[str, float]] = []
    resolution, mean, std = 1.0, [0.0] * (len(bands) * dates), [1.0] * (len(bands) * dates)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for place, voice in enumerate(voices):
            if isinstance(voice, Mapping):
                named.append(dict(voice))
                continue
            named.append(f"{place}{Path(voice).suffix}")
            archive.writestr(zipfile.ZipInfo(f"{place}{Path(voice).suffix}"), Path(voice).read_bytes())
            meta = load_kind(find_kind_of_file(voice)).read_model(voice, 1).meta
            resolution, mean, std = meta["resolution_m"], list(meta["mean"]), list(meta["std"])
        text = json.dumps(
            {"bands": bands, "dates": dates, "resolution_m": resolution, "mean": mean, "std": std}
            | {"voices": named, "tree": tree},
            sort_keys=True,
        )
        archive.writestr(zipfile.ZipInfo(MANIFEST), text)


def read_model(path: str | Path, threads: int) -> FusedPredictor:
    """Read a fusion whose models predict by so many threads; nothing in the file is executed.

    Raises CropmineError if it isn't a whole fusion of cropmine.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise CropmineError(path, "is larger than a fusion can be", HINT)
            meta = json.loads(archive.read(MANIFEST))
            check_description(path, FusionDescription, meta, HINT)
            if not _is_tree(meta["tree"], len(meta["voices"])):
                raise ValueError("its brackets name no voice or one that isn't there")
            voices = [_read_voice(archive, voice, threads) for voice in meta["voices"]]
    except FileNotFoundError as error:
        raise CropmineError(path, "no such file", HINT) from error
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile, NotImplementedError) as error:
        raise CropmineError(path, f"isn't a fusion, or is broken: {error}", HINT) from error
    return FusedPredictor(voices, meta)


def _read_voice(archive: zipfile.ZipFile, voice: str | dict[str, float], threads: int) -> Predictor | WeakVoice:
    if isinstance(voice, dict):
        return WeakVoice(float(voice["smooth_m"]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"voice{Path(voice).suffix}"
        file.write_bytes(archive.read(voice))
        return load_kind(find_kind_of_file(file)).read_model(file, threads)


def _is_tree(tree: Any, count: int) -> bool:
    """Whether a tree is lists of places of voices that are there, none of them empty."""
    if not isinstance(tree, list) or not tree:
        return False
    return all(_is_tree(part, count) if isinstance(part, list) else part in range(count) for part in tree)
