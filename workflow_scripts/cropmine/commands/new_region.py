"""A first configuration for a user's files: their settings are guessed, checked and written with the reasons."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cropmine.commands.guess_imagery import ImageryGuess, guess_imagery
from cropmine.commands.guess_labels import LabelGuess, LabelOptions, guess_labels
from cropmine.commands.guess_thresholds import PAPER, ThresholdGuess, guess_thresholds
from cropmine.commands.guess_weak_map import WeakGuess, guess_weak_map
from cropmine.config.base import NAME, WEAK_MAP_MODEL
from cropmine.config.regions import Region
from cropmine.config.validation import validate_config
from cropmine.errors import CropmineError
from cropmine.files import write_text
from cropmine.geo.footprints import Footprint
from cropmine.geo.grids import Grid, measure_pixel
from cropmine.inputs.checks.regions import check_region
from cropmine.inputs.tile_sources import TileSource, source_from_settings
from cropmine.inputs.weak_maps import POLYGON_STEP_M, find_weak_pixel
from cropmine.planning.plans import plan_region
from cropmine.planning.tiles import TileFiles, find_tiles, tile_files

TEMPLATES = Path(__file__).parent / "drafts"  # not "templates", any change in which makes the report anew
SMALL_TILE_PX = 512
LEAST_SEGMENT_PX = 4
NEXT = """
Written to {path}, which passes the check of inputs. Look it through, then, in the activated environment:
  cropmine plan {path}                             what a run costs
  snakemake --cores all --configfile {path}        the run; open results/report.html when it is done"""


@dataclass(frozen=True)
class Inputs:
    """What a user has: imagery, and perhaps a weak map, label files, test files, and options of the labels."""

    name: str
    imagery: str
    weak: str = ""
    labels: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    weak_cropland: tuple[str, ...] = ()
    label_options: LabelOptions = field(default_factory=LabelOptions)


@dataclass(frozen=True)
class Draft:
    """A configuration as text, what of it is to be checked by its user, and the warnings of the preflight."""

    text: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def draft_region(inputs: Inputs) -> Draft:
    """Draft the configuration of a region from its files; it passes the preflight.

    Raises CropmineError, with what was seen and what to do, where the files don't allow it.
    """
    if not NAME.fullmatch(inputs.name):
        raise CropmineError("NAME", f"{inputs.name!r} isn't a name", "use letters, digits and underscores")
    imagery = guess_imagery(inputs.imagery)
    grids = [header.grid for header in imagery.headers.values()]
    footprint = Footprint(tuple(imagery.headers), tuple(grids))
    labels = guess_labels(inputs.labels, inputs.tests, inputs.label_options, footprint) if inputs.labels else None
    seen = labels.labels if labels else None
    weak = guess_weak_map(inputs.weak, grids, seen, inputs.weak_cropland) if inputs.weak else None
    region = _compose_region(imagery, weak, labels)
    segmentation = _choose_segmentation(measure_pixel(grids))
    config = validate_config({"regions": {inputs.name: region}, "segmentations": {"kmeans10": segmentation}})
    parsed = config.regions[inputs.name]
    files = {tile: tile_files(parsed, tile) for tile in find_tiles(inputs.name, parsed)}
    checked = check_region(parsed, files, f"regions.{inputs.name}")
    thresholds = None
    if weak and labels:
        sources = {tile: _open_source(parsed, found) for tile, found in files.items()}
        thresholds = guess_thresholds(parsed, config.segmentations["kmeans10"], sources, labels.labels)
    notes = [note for guess in (imagery, weak, labels) if guess for note in guess.notes]
    filled = {
        "name": inputs.name,
        "notes": notes,
        "region": region,
        "segmentation": segmentation,
        "network": _choose_network(grids, region["split"]["method"] == "kfold") if labels else {},
        "experiments": _choose_experiments(weak, thresholds, grids) if labels else {},
        "why": _gather_reasons(imagery, weak, labels, thresholds),
    }
    text = _render(filled)
    plan_region(inputs.name, validate_config(yaml.safe_load(text)))
    return Draft(text, tuple(notes), tuple(checked.warnings))


def _open_source(region: Region, files: TileFiles) -> TileSource:
    mask = {"mask_bad": list(region.mask.bad), "mask_band": region.mask.band} if region.mask else {}
    return source_from_settings(files["images"], files["masks"], {"bands": list(region.bands)} | mask)


def _compose_region(imagery: ImageryGuess, weak: WeakGuess | None, labels: LabelGuess | None) -> dict:
    region = dict(imagery.settings)
    if weak:
        region["weak"] = {weak.name: weak.settings}
    return region | (labels.settings if labels else {})


def _choose_segmentation(pixel_m: float) -> dict:
    """The demo's settings; a segment has four pixels at least."""
    return {"method": "kmeans", "clusters": 10, "scope": "tile"} | {
        "min_area_m2": max(500, round(LEAST_SEGMENT_PX * pixel_m**2)),
        "max_area_m2": 2_000_000,
    }


def _choose_network(grids: Sequence[Grid], folded: bool) -> dict:
    """A network that a CPU trains in minutes; with k-fold each experiment trains many."""
    return {
        "architecture": "unet",
        "encoder": "resnet18",
        "encoder_weights": None,
        "class_weights": "balanced",
        "steps": 200 if folded else 400,
        "epochs": 5,
        "batch_size": 8,
        "patch_px": 64 if min(min(grid.shape) for grid in grids) < SMALL_TILE_PX else 128,
    }


def _choose_experiments(
    weak: WeakGuess | None, thresholds: ThresholdGuess | None, grids: Sequence[Grid]
) -> dict[str, dict[str, Any]]:
    """All labels, with labels mined in three ways, beside what mining has to beat."""
    alone: dict[str, dict[str, Any]] = {
        "all_human": {"human": 1.0},
        "all_human_forest": {"human": 1.0, "model": "forest"},
    }
    if weak is None:
        return alone
    levels = thresholds.thresholds if thresholds else PAPER
    pixel_m = find_weak_pixel([weak.settings["path"]], grids[0]) or POLYGON_STEP_M
    return alone | {
        "all_human_mined_neg": {"human": 1.0, "mined": {"noncropland": levels["noncropland"]}},
        "all_human_mined_both": {"human": 1.0, "mined": dict(levels)},
        "all_human_weak": {"human": 1.0, "weak_classes": ["cropland"]},
        "all_human_eroded_neg": {"human": 1.0, "weak_classes": ["noncropland"], "erode_m": round(pixel_m)},
        "weak_only": {"model": WEAK_MAP_MODEL},
    }


def _gather_reasons(
    imagery: ImageryGuess, weak: WeakGuess | None, labels: LabelGuess | None, thresholds: ThresholdGuess | None
) -> dict[str, str]:
    """Why each setting is what it is, by its key."""
    why = dict(imagery.why) | {"network.encoder_weights": "imagenet is better where the internet can be reached"}
    if weak:
        why[f"weak.{weak.name}"] = weak.why
    if labels:
        why |= {key if key in ("labels", "split") else f"labels.{key}": text for key, text in labels.why.items()}
    if thresholds:
        why["thresholds"] = f"by {thresholds.labels} labels on {thresholds.tiles} tiles; the report's audit uses all"
        why |= thresholds.why
    return why


def _render(filled: dict[str, Any]) -> str:
    def because(key: str) -> str:
        return f"    # {' '.join(filled['why'][key].split())}" if key in filled["why"] else ""

    environment = Environment(  # noqa: S701  # nosec B701 # YAML, no HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("region.yaml.j2").render(filled, flow=spell_flow, because=because)


def spell_flow(value: Any) -> str:
    """Spell a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def write_draft(inputs: Inputs, path: Path) -> Draft:
    """Draft the configuration of a region, as draft_region does, into a new file.

    Raises CropmineError if there is such a file already, or the region can't be drafted.
    """
    if path.exists():
        raise CropmineError(path, "there is such a file already", "remove it, or name another with --out")
    draft = draft_region(inputs)
    write_text(path, draft.text)
    return draft


def spell_draft(draft: Draft, path: Path) -> str:
    """Spell a draft, what to check in it and what to do next, for a terminal."""
    notes = [f"Check: {note}" for note in draft.notes] + [f"Warning: {warning}" for warning in draft.warnings]
    return "\n".join([draft.text, *notes, NEXT.format(path=path)])
