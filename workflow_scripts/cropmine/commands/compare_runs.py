"""Two kept runs beside each other: configuration, scores on the same test labels, change of the map, and area."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import geopandas
import numpy as np
import pandas as pd
from rasterio.enums import Resampling
from rasterio.windows import Window

from cropmine.classes import CROPLAND, NODATA, NONCROPLAND, STEPS
from cropmine.files import write_text
from cropmine.geo.cogs import write_cog
from cropmine.geo.grids import Grid, open_raster, read_grid
from cropmine.geo.rasters import warp_nearest
from cropmine.inputs.label_pieces import read_pieces
from cropmine.mapping.bands import list_colours
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.planning import paths
from cropmine.reporting.kept_runs import find_run, read_run
from cropmine.scoring.experiment_tables import Evaluation, compare_pair
from cropmine.scoring.metrics import count_confusion, score_confusion, tabulate_pieces
from cropmine.scoring.score_files import collect_scores
from cropmine.tables import read_json, write_table

BLOCK_PX = 2048
GAINED, LOST = 2, 3
CHANGES = {
    NONCROPLAND: (NONCROPLAND_COLOUR, "non-cropland in both"),
    CROPLAND: (CROPLAND_COLOUR, "cropland in both"),
    GAINED: ("#009E73", "cropland in the second alone"),
    LOST: ("#CC79A7", "cropland in the first alone"),
}
FIGURES = ("f1_cropland", "precision_cropland", "recall_cropland", "f1_noncropland")
MEANING = "change: 0 and 1 the same in both, 2 cropland in the second alone, 3 in the first alone"


def compare_runs(results: str | Path, first: str, second: str) -> Path:
    """Compare two kept runs by their names, or by how these begin; gives the folder comparisons/{first}_{second}.

    In it are configuration.csv, and a folder a region that both have with scores.csv, area.csv and a change raster a
    CRS; summary.md says it in words. Raises CropmineError for a name that isn't kept.
    """
    runs = [find_run(results, name) for name in (first, second)]
    folder = Path(results) / "comparisons" / "_".join(run.name for run in runs)
    configs = [read_run(run)["config"] for run in runs]
    differences = diff_configs(*configs)
    write_table(folder / "configuration.csv", differences)
    names = [{path.name for path in run.iterdir() if path.is_dir()} for run in runs]
    described = []
    for region in sorted(names[0] & names[1]):
        pair = [run / region for run in runs]
        scores = score_common_labels(*pair)
        write_table(folder / region / "scores.csv", scores)
        area = compare_areas(*pair)
        write_table(folder / region / "area.csv", area)
        changes = draw_changes(folder / region, *pair)
        described.append((region, scores, area, changes))
    alone = sorted(names[0] ^ names[1])
    write_text(folder / "summary.md", _write_summary(runs, differences, described, alone))
    return folder


def diff_configs(first: Mapping, second: Mapping) -> pd.DataFrame:
    """List the keys in which two configurations differ: columns key (dotted), first and second, empty where absent."""
    flat = [dict(_flatten(config)) for config in (first, second)]
    keys = sorted(key for key in {*flat[0], *flat[1]} if flat[0].get(key) != flat[1].get(key))
    rows = [{"key": key, "first": flat[0].get(key), "second": flat[1].get(key)} for key in keys]
    return pd.DataFrame(rows, columns=["key", "first", "second"])


def _flatten(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flatten(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, str(value)


def score_common_labels(first: Path, second: Path) -> pd.DataFrame:
    """Score two delivered maps on the pieces of test labels that both runs tested on, and their difference.

    Rows: first, second and difference (second − first; f1_cropland alone, with lo and hi, 95 % over blocks in pairs).
    A piece is the same if its outline and class are. No rows without such pieces: with kfold every label has trained.
    """
    tested, other = (_read_tested(run) for run in (first, second))
    columns = ["map", "labels", "blocks", *FIGURES, "lo", "hi"]
    if tested is None or other is None:
        return pd.DataFrame(columns=columns)
    common = tested[tested["key"].isin(set(other["key"]))].reset_index(drop=True)
    if common.empty:
        return pd.DataFrame(columns=columns)
    rows, evaluations = [], []
    for name, run in (("first", first), ("second", second)):
        counts = count_confusion(tabulate_pieces(_score_pieces(run, common), "test"), 0.5)
        figures = {key: score_confusion(counts.counts.sum(axis=0))[key] for key in FIGURES}
        support = {"labels": len(np.unique(counts.label)), "blocks": len(np.unique(counts.block))}
        rows.append({"map": name} | support | figures)
        seeds = {"test": np.zeros(len(counts.label), np.int64)}
        evaluations.append(Evaluation({"name": name}, 0.5, None, {("test", "default"): counts}, seeds))
    pair = compare_pair(evaluations[1], evaluations[0], "test", "default")
    told = {"f1_cropland": pair["difference"], "lo": pair["lo"], "hi": pair["hi"], "blocks": pair["blocks"]}
    return pd.DataFrame([*rows, {"map": "difference"} | told], columns=columns)


def _read_tested(run: Path) -> geopandas.GeoDataFrame | None:
    """The pieces that a run tested on, with a key of outline and class; None without labels."""
    path = run / PurePath(paths.LABELS).name
    if not path.exists() or not _list_classes(run):
        return None
    labels = read_pieces(path)
    tested = labels[labels["split"].fillna("") == "test"]
    outlines = tested.geometry.normalize().to_wkb(hex=True)
    return tested.assign(
        key=[f"{outline} {target}" for outline, target in zip(outlines, tested["target"], strict=True)]
    )


def _score_pieces(run: Path, labels: geopandas.GeoDataFrame) -> list[dict]:
    """The pieces of a scores file of a run's classes, read block by block."""
    blocks = {}
    for path in _list_classes(run):
        grid = read_grid(path)
        for window in _list_windows(grid):
            blocks[f"{path}#{window.row_off}#{window.col_off}"] = (path, window, grid.window(*_spell_window(window)))

    def read_codes(name: str, _ids: np.ndarray) -> np.ndarray:
        path, window, _ = blocks[name]
        with open_raster(path) as dataset:
            classes = dataset.read(1, window=window)
        return np.where(classes == CROPLAND, np.uint8(STEPS), classes)

    grids = {name: grid for name, (_, _, grid) in blocks.items()}
    return collect_scores(labels, np.full(len(labels), "test", object), grids, read_codes, ("test",))


def _list_classes(run: Path) -> list[Path]:
    return sorted(path for path in run.glob("*_class_*.tif"))


def _list_windows(grid: Grid) -> Iterator[Window]:
    for top in range(0, grid.height, BLOCK_PX):
        for left in range(0, grid.width, BLOCK_PX):
            yield Window(left, top, min(BLOCK_PX, grid.width - left), min(BLOCK_PX, grid.height - top))


def _spell_window(window: Window) -> tuple[int, int, int, int]:
    return int(window.col_off), int(window.row_off), int(window.width), int(window.height)


def compare_areas(first: Path, second: Path) -> pd.DataFrame:
    """Put the hectares of cropland of two maps beside each other, in all and by unit where both counted those.

    Columns: unit (empty for all), first_ha, second_ha, difference_ha: counts of pixels, biased as the maps err.
    """
    totals = [read_json(run / PurePath(paths.AREA).name)["total"]["cropland_ha"] for run in (first, second)]
    table = pd.DataFrame({"unit": [None], "first_ha": totals[:1], "second_ha": totals[1:]})
    units = [run / PurePath(paths.UNIT_AREAS).name for run in (first, second)]
    if all(path.exists() for path in units):
        parts = [pd.read_csv(path, dtype={"unit": str})[["unit", "cropland_ha"]] for path in units]
        joined = parts[0].merge(parts[1], on="unit", how="outer", suffixes=("_first", "_second"))
        joined.columns = ["unit", "first_ha", "second_ha"]
        table = pd.concat([table, joined], ignore_index=True)
    return table.assign(difference_ha=(table["second_ha"] - table["first_ha"]).round(4))


def draw_changes(folder: Path, first: Path, second: Path) -> list[Path]:
    """Write a raster of the change between two maps for each CRS that both have, on the grid of the first."""
    seconds = {path.stem.rsplit("_", 1)[1]: path for path in _list_classes(second)}
    written = []
    for path in _list_classes(first):
        crs = path.stem.rsplit("_", 1)[1]
        if crs in seconds:
            target = folder / f"change_{crs}.tif"
            grid, known = read_grid(path), list_colours(CHANGES)
            parts = _find_changes(path, seconds[crs], grid)
            tags = {"first": first.parent.name, "second": second.parent.name, "meaning": MEANING}
            write_cog(
                target, grid, parts, NODATA, [MEANING], tags, resampling=Resampling.mode, colours=known, sparse=True
            )
            written.append(target)
    return written


def _find_changes(first: Path, second: Path, grid: Grid) -> Iterator[tuple[Window, np.ndarray]]:
    with open_raster(first) as before, open_raster(second) as after:
        for window in _list_windows(grid):
            old = before.read(1, window=window)
            new, inside = warp_nearest(after, 1, grid.window(*_spell_window(window)))
            change = np.where(old == new, old, np.where(new == CROPLAND, GAINED, LOST)).astype(np.uint8)
            change[(old == NODATA) | (new == NODATA) | ~inside] = NODATA
            yield window, change[None]


def _write_summary(runs: Sequence[Path], differences: pd.DataFrame, described: Sequence, alone: Sequence[str]) -> str:
    lines = [f"# {runs[0].name} and {runs[1].name}", "", "## Configuration", ""]
    if differences.empty:
        lines.append("The configurations are the same.")
    else:
        lines += ["| key | first | second |", "|---|---|---|"]
        lines += [
            f"| `{row.key}` | {_spell_cell(row.first)} | {_spell_cell(row.second)} |"
            for row in differences.itertuples()
        ]
    for region, scores, area, changes in described:
        lines += ["", f"## {region}", ""]
        lines += _write_scores(scores)
        lines += ["", "| unit | first, ha | second, ha | difference, ha |", "|---|---|---|---|"]
        for row in area.itertuples():
            name = _spell_cell(row.unit) if isinstance(row.unit, str) else "**all**"
            lines.append(f"| {name} | {row.first_ha:.1f} | {row.second_ha:.1f} | {row.difference_ha:+.1f} |")
        lines += ["", "Hectares are counts of pixels, biased as the maps err.", ""]
        lines += [f"- `{path.name}`: {MEANING}" for path in changes]
    lines += ["", f"In one of both alone: {', '.join(alone)}."] if alone else []
    return "\n".join(lines) + "\n"


def _write_scores(scores: pd.DataFrame) -> list[str]:
    if scores.empty:
        return ["The runs have no test label in common that the maps could be scored on."]
    first, second, pair = (scores.iloc[place] for place in range(3))
    interval = "" if pd.isna(pair["lo"]) else f" (95 % interval {pair['lo']:+.3f} to {pair['hi']:+.3f})"
    figures = f"{first['f1_cropland']:.3f} and {second['f1_cropland']:.3f}"
    return [
        f"On the {first['labels']:.0f} test labels in {first['blocks']:.0f} blocks that both have, F1 of cropland is "
        f"{figures}, a difference of {pair['f1_cropland']:+.3f}{interval}. Scores are on labelled polygons."
    ]


def _spell_cell(value: Any) -> str:
    return "" if pd.isna(value) else str(value).replace("|", "\\|")
