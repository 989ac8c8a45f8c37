"""The report: what was mapped, how well it agrees with labels, and what may be concluded, in one HTML file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd

from cropmine.config.schema import Report
from cropmine.files import write_text
from cropmine.geo.grids import read_grid
from cropmine.inputs.label_pieces import read_pieces
from cropmine.mapping.colours import CROPLAND_COLOUR, NONCROPLAND_COLOUR, SPLIT_COLOURS
from cropmine.reporting.audit_section import compare_weak_maps, describe_audits
from cropmine.reporting.charts import (
    LIBRARY_VERSION,
    NARROW_IN,
    TEMPLATES,
    WIDTH_IN,
    draw_differences,
    draw_experiments,
    embed_library,
    embed_picture,
    hash_script,
)
from cropmine.reporting.diagnosis import diagnose_region, explain_mining
from cropmine.reporting.places import EMPTY_COLOUR, choose_places, draw_overview, draw_place, spell_length
from cropmine.reporting.sections import (
    describe_accuracy,
    describe_calibration,
    describe_distances,
    describe_registrations,
    describe_run,
    describe_sweeps,
    describe_threshold,
    describe_transfers,
    list_rows,
)
from cropmine.reporting.web_map import describe_webmap
from cropmine.reporting.wording import (
    explain_difference,
    explain_map,
    spell_difference,
    spell_estimate,
    spell_figure,
    spell_hectares,
    spell_interval,
    spell_labels,
    spell_percent,
    spell_points,
    spell_ranges,
    spell_share,
)
from cropmine.scoring.experiment_tables import find_base
from cropmine.scoring.metrics import LEAST_BLOCKS
from cropmine.tables import read_json
from cropmine.version import VERSION

SCRIPTS = ("report.js", "webmap.js")


def build_report(
    path: str | Path,
    regions: Sequence[dict],
    transfers: Mapping[str, Mapping[str, str]] | None = None,
    run: str | None = None,
    shown: Report | None = None,
) -> None:
    """Write the report of regions as one HTML file that needs no network.

    regions: settings of the rule build_report, one dict a region with name, definition, tiles, bands, simulated and
    files; transfers: by name the files `table` and `figure`; run: the file that says what was run; shown: what of
    imagery and labels may be seen. A section is left out where there are no files for it. Everything that isn't ours is
    escaped.
    """
    shown, ran = shown or Report(), read_json(run) if run else {}
    known = ran.get("regions", {})
    described = [describe_region(region, shown) for region in regions]
    for region in described:
        region["test_scorings"] = known.get(region["name"], {}).get("test_scorings")
    page = render_report(described, describe_transfers(transfers or {}), describe_run(ran), shown)
    write_text(path, page)


def make_environment() -> jinja2.Environment:
    """Make the environment of the report's templates, with the filters that spell numbers."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "estimate": spell_estimate,
        "figure": spell_figure,
        "hectares": spell_hectares,
        "percent": spell_percent,
        "points": spell_points,
        "ranges": spell_ranges,
        "share": spell_share,
    }
    environment.globals |= {
        "least_blocks": LEAST_BLOCKS,
        "spell_difference": spell_difference,
        "spell_interval": spell_interval,
    }
    return environment


def render_report(regions: Sequence[dict], transfers: Sequence[dict], run: dict | None, shown: Report) -> str:
    """Render the HTML of regions, transfers and the run as they are described by functions of that name."""
    environment = make_environment()
    colours = {"cropland": CROPLAND_COLOUR, "noncropland": NONCROPLAND_COLOUR, "empty": EMPTY_COLOUR} | SPLIT_COLOURS
    library = embed_library()
    scripts = [library["script"], *((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)]
    if not any(region["webmap"] for region in regions):
        library["style"], scripts = "", scripts[1:2]
    return environment.get_template("report.html.j2").render(
        regions=regions,
        transfers=transfers,
        run=run,
        shown=shown,
        colours=colours,
        version=VERSION,
        library=library | {"version": LIBRARY_VERSION},
        scripts=scripts,
        hashes=" ".join(map(hash_script, scripts)),
    )


def describe_region(region: dict, shown: Report) -> dict:
    """Describe a region for the template: tables as rows of plain values, charts and pictures as data URIs."""
    files = region["files"]
    area, scores = (read_json(files[key]) if files[key] else None for key in ("area", "map_scores"))
    checks, audits = read_json(files["checks"]), describe_audits(files.get("audits") or {})
    described = {
        "name": region["name"],
        "definition": region["definition"],
        "tiles": len(region["tiles"]),
        "simulated": region["simulated"],
        "warnings": checks["warnings"],
        "suspicious": list(checks["suspicious"]),
        "quicklooks": embed_picture(files["quicklooks"]) if checks["suspicious"] and shown.imagery != "none" else None,
        "area": area["total"] if area else None,
        "map_scores": scores,
        "calibration": describe_calibration(scores),
        "accuracy": describe_accuracy(files.get("accuracy")),
        "threshold": describe_threshold(read_json(files["selected"]), area) if files["selected"] and area else None,
        "splits": _describe_splits(pd.read_csv(files["splits"])) if files["splits"] else None,
        "truth": list_rows(pd.read_csv(files["truth_check"])) if files.get("truth_check") else None,
        "comparison": _describe_comparison(files) if files["experiments"] else None,
        "sweeps": describe_sweeps(files.get("sweeps") or {}),
        "audits": audits,
        "compared_audits": compare_weak_maps(files.get("audits") or {}, audits),
        "registrations": describe_registrations(files.get("registrations") or {}),
        "distances": describe_distances(files["distances"]) if files.get("distances") else None,
    }
    chosen = described["comparison"]["chosen"].get("test") if described["comparison"] else None
    described["mining"] = explain_mining(described["comparison"])
    described["plainly"] = explain_map(described["area"], chosen)
    described["diagnosis"] = diagnose_region(described | {"area": area})
    return described | _describe_pictures(region, shown)


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
        "charts": [draw_experiments(table, width_in) for width_in in (WIDTH_IN, NARROW_IN)],
        "choice": choice,
        "chosen": chosen,
        "base": base,
        "differs": bool(differs),
        "differences": list_rows(differences),
        "differences_charts": [
            draw_differences(differences, base, choice["experiment"], width_in)
            for width_in in (WIDTH_IN, NARROW_IN)
            if len(compared)
        ],
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


def _describe_pictures(region: dict, shown: Report) -> dict:
    """The interactive map, the overview of the map, and the pictures of up to four places."""
    files = region["files"]
    labels = read_pieces(files["labels"]) if files["labels"] and shown.labels == "shown" else None
    grids = {tile: read_grid(files["images"][tile][0]) for tile in region["tiles"]}
    places = choose_places(grids, labels)
    pictures = [
        {
            "tile": place.tile,
            "width": spell_length(float(np.format_float_positional(place.width_m, 2, fractional=False))),
            "pictures": draw_place(place, region, labels, shown.imagery),
        }
        for place in places
    ]
    return {
        "webmap": describe_webmap(region, grids, places, labels, shown.imagery),
        "overview": draw_overview(files["maps"], places) if files["maps"] else None,
        "places": [place for place in pictures if place["pictures"]],
        "kinds": {picture["kind"] for place in pictures for picture in place["pictures"]},
    }
