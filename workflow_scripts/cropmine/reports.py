"""The report: what was mapped, how well it agrees with labels, and what may be concluded, in one HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from cropmine import __version__
from cropmine.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR
from cropmine.comparison import find_base
from cropmine.figures import draw_differences, draw_experiments
from cropmine.files import replacing
from cropmine.grids import read_grid
from cropmine.metrics import LEAST_BLOCKS
from cropmine.panels import EMPTY_COLOUR, SPLIT_COLOURS, choose_places, draw_overview, draw_place, spell_length
from cropmine.sections import (
    compare_weak_maps,
    describe_accuracy,
    describe_audits,
    describe_calibration,
    describe_distances,
    describe_registrations,
    describe_sweeps,
    describe_threshold,
    describe_transfers,
    list_rows,
    read_json,
)
from cropmine.splits import read_pieces
from cropmine.wording import (
    explain_difference,
    spell_difference,
    spell_figure,
    spell_hectares,
    spell_interval,
    spell_labels,
    spell_percent,
    spell_share,
)

TEMPLATES = Path(__file__).parent / "templates"


def build_report(
    path: str | Path,
    regions: Sequence[dict],
    transfers: Mapping[str, Mapping[str, str]] | None = None,
    run: str | None = None,
) -> None:
    """Write the report of regions as one HTML file that needs no network.

    regions: settings of the rule build_report, one dict a region with name, definition, tiles, bands, simulated and
    files; transfers: by name the files `table` and `figure`; run: the file that says how often test labels were scored.
    A section is left out where there are no files for it. Everything that isn't ours is escaped.
    """
    known = read_json(run)["regions"] if run else {}
    described = [describe_region(region) for region in regions]
    for region in described:
        region["test_scorings"] = known.get(region["name"], {}).get("test_scorings")
    page = render_report(described, describe_transfers(transfers or {}))
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render_report(regions: Sequence[dict], transfers: Sequence[dict]) -> str:
    """Render the HTML of regions as describe_region gives them, and of transfers as describe_transfers does."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "figure": spell_figure,
        "hectares": spell_hectares,
        "share": spell_share,
        "percent": spell_percent,
    }
    environment.globals |= {"spell_interval": spell_interval, "spell_difference": spell_difference}
    colours = {"cropland": CROPLAND_COLOUR, "noncropland": NONCROPLAND_COLOUR, "empty": EMPTY_COLOUR} | SPLIT_COLOURS
    template = environment.get_template("report.html.j2")
    return template.render(
        regions=regions, transfers=transfers, colours=colours, version=__version__, least_blocks=LEAST_BLOCKS
    )


def describe_region(region: dict) -> dict:
    """Describe a region for the template: tables as rows of plain values, charts and pictures as data URIs."""
    files = region["files"]
    area, scores = (read_json(files[key]) if files[key] else None for key in ("area", "map_scores"))
    described = {
        "name": region["name"],
        "definition": region["definition"],
        "tiles": len(region["tiles"]),
        "simulated": region["simulated"],
        "warnings": read_json(files["checks"])["warnings"],
        "area": area["total"] if area else None,
        "map_scores": scores,
        "calibration": describe_calibration(scores),
        "accuracy": describe_accuracy(files.get("accuracy")),
        "threshold": describe_threshold(read_json(files["selected"]), area) if files["selected"] and area else None,
        "splits": _describe_splits(pd.read_csv(files["splits"])) if files["splits"] else None,
        "truth": list_rows(pd.read_csv(files["truth_check"])) if files.get("truth_check") else None,
        "comparison": None,
        "sweeps": describe_sweeps(files.get("sweeps") or {}),
        "audits": describe_audits(files.get("audits") or {}),
        "compared_audits": compare_weak_maps(files.get("audits") or {}),
        "registrations": describe_registrations(files.get("registrations") or {}),
        "distances": describe_distances(files["distances"]) if files.get("distances") else None,
    }
    if files["experiments"]:
        described["comparison"] = _describe_comparison(files)
    return described | _describe_pictures(region)


def _describe_comparison(files: dict) -> dict:
    """The experiments, their differences, and the one that was selected with its rows at its own threshold."""
    table, differences = pd.read_csv(files["experiments"]), pd.read_csv(files["differences"])
    choice = read_json(files["selected"])
    rows = list_rows(table)
    for row in rows:
        row["labels"] = spell_labels(row)
    base = find_base(table)
    differs = "difference" in table and table["difference"].notna().any()
    compared = differences[(differences["base"] == base) & (differences["split"] == "test")]
    chosen = {row["split"]: row for row in rows if row["selected"]}
    return {
        "rows": rows,
        "splits": [split for split in ("test", "validation") if any(row["split"] == split for row in rows)],
        "count": table["experiment"].nunique(),
        "seeds": int(table["seeds"].max()),
        "interval": bool(table[table["split"] == "test"]["f1_cropland_lo"].notna().any()),
        "chart": draw_experiments(table),
        "choice": choice,
        "chosen": chosen,
        "base": base,
        "differs": bool(differs),
        "differences": list_rows(differences),
        "differences_chart": draw_differences(differences, base, choice["experiment"]) if len(compared) else None,
        "verdict": explain_difference(_find_difference(differences, choice, base)),
    }


def _find_difference(differences: pd.DataFrame, choice: dict, base: str | None) -> dict | None:
    """The difference of the selected experiment from a base, at the kind of threshold that the map takes."""
    experiment = choice["experiment"]
    kind = "validation" if choice["threshold"] == choice["threshold_best"] else "default"
    own = differences[(differences["threshold_choice"] == kind) & (differences["split"] == "test")]
    for first, second, sign in ((experiment, base, 1), (base, experiment, -1)):
        found = list_rows(own[(own["experiment"] == first) & (own["base"] == second)])
        if found:
            row = found[0]
            bounds = [row["lo"], row["hi"]][::sign]
            flipped = {"difference": row["difference"], "lo": bounds[0], "hi": bounds[1]}
            flipped = {key: None if value is None else sign * value for key, value in flipped.items()}
            return row | flipped | {"experiment": experiment, "base": base}
    return None


def _describe_splits(blocks: pd.DataFrame) -> dict:
    """Blocks and labels by split; with k-fold by fold."""
    key = "fold" if "fold" in blocks else "split"
    sums = blocks.groupby(key, sort=key == "fold")[["labels_cropland", "labels_noncropland"]].sum()
    sums.insert(0, "blocks", blocks.groupby(key).size())
    order = sums.index if key == "fold" else [name for name in ("train", "validation", "test") if name in sums.index]
    rows = [{"name": name} | {k: int(v) for k, v in sums.loc[name].items()} for name in order]
    return {"folded": key == "fold", "rows": rows}


def _describe_pictures(region: dict) -> dict:
    """The overview of the map and the pictures of up to four places."""
    files = region["files"]
    labels = read_pieces(files["labels"]) if files["labels"] else None
    grids = {tile: read_grid(files["images"][tile][0]) for tile in region["tiles"]}
    places = choose_places(grids, labels)
    pictures = [
        {
            "tile": place.tile,
            "width": spell_length(float(np.format_float_positional(place.width_m, 2, fractional=False))),
            "pictures": draw_place(place, region, labels),
        }
        for place in places
    ]
    return {
        "overview": draw_overview(files["maps"], places) if files["maps"] else None,
        "places": pictures,
        "kinds": {picture["kind"] for place in pictures for picture in place["pictures"]},
    }
