import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cropmine.config.schema import Report
from cropmine.inputs.label_pieces import read_pieces
from cropmine.reporting.charts.style import write_figure
from cropmine.reporting.charts.sweeps import draw_sweep
from cropmine.reporting.report import build_report, hash_script
from cropmine.reporting.report_files import AuditFiles, ReportSettings
from cropmine.reporting.web_map import embed_library
from cropmine.scoring.audit_summary import write_summary
from cropmine.scoring.experiment_tables import DIFFERENCE_TAIL
from cropmine.tables import write_table
from factories.audits import make_summary
from factories.reports import EVIL, change_files, make_region, write_comparison, write_figure_files
from factories.sweeps import THRESHOLDS, make_sweep


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make_region(tmp_path_factory.mktemp("region"))


def without(region, *names):
    """The region without some of its files."""
    empty = {"maps": [], "segments": {}, "overlaps": {}}
    return change_files(region, **{name: empty.get(name) for name in names})


def render(folder, *regions, transfers=None, run=None, **shown):
    settings = ReportSettings(list(regions), transfers or {}, run, Report(**shown))
    build_report(folder / "report.html", settings)
    return (folder / "report.html").read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Headings, sources of images, and whether every element is closed."""

    VOID = ("meta", "img", "br", "link", "input", "source")

    def __init__(self, page):
        super().__init__()
        self.open, self.headings, self.sources, self.titles = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open += [] if tag in self.VOID else [tag]
        self.sources += [value for key, value in attributes if key in ("src", "href", "srcset")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)
        if self.open and self.open[-1] == "strong":
            self.titles.append(data)


def test_the_report_holds_all_sections_and_is_whole(whole, tmp_path):
    outline = Outline(render(tmp_path, whole))
    assert outline.open == []
    assert outline.headings == [
        *("In short", "The map", "What to watch out for", "Experiments", "What was chosen, and why"),
        *("Do the added labels help?", "Threshold and reliability", "Views", "What these numbers are, and are not"),
    ]
    pictures = ["Imagery", "Human labels", "Weak map global_map", "Mined labels", "Probability", "Map"]
    assert [title for title in outline.titles if title in pictures] == pictures


def test_the_report_needs_no_network(whole, tmp_path):
    page = render(tmp_path, whole)
    assert all(source.startswith(("data:image/", "#")) for source in Outline(page).sources)
    own = page.replace(embed_library()["script"], "")
    assert len(own) < len(page) - 100_000
    own = re.sub(r"data:image/[^\"]+", "", own)
    assert not re.findall(r"https?://|url\(|@import", own)
    assert 'href="http' not in page and "sourceMappingURL" not in page
    assert "default-src 'none'" in page


def test_only_the_scripts_of_the_report_may_run(whole, tmp_path):
    page = render(tmp_path, whole)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    policy = re.search(r"script-src ([^\"]+)\"", page)[1]
    assert policy.split() == [hash_script(script) for script in scripts] and len(scripts) == 3


def test_all_that_is_not_ours_is_escaped(whole, tmp_path):
    write_comparison(tmp_path, [EVIL, f"mined{EVIL}"])
    tables = {"experiments": "experiments.csv", "differences": "differences.csv", "selected": "selected.json"}
    files = {key: str(tmp_path / name) for key, name in tables.items()}
    changed = change_files(whole, weak=replace(whole.files.weak, name=EVIL), **files)
    page = render(tmp_path, replace(changed, name=EVIL, definition=f"crops {EVIL}"))
    assert EVIL not in page
    assert page.count("<script>") == 3
    assert page.count("&lt;script&gt;") > 10


def test_the_locations_of_private_labels_are_not_in_the_report(whole, tmp_path):
    longitude, _ = read_pieces(whole.files.labels).geometry.iloc[0].exterior.coords[0]
    written = f"{longitude:.5f}"[:-1]
    assert written in render(tmp_path, whole)
    page = render(tmp_path, whole, labels="hidden")
    assert written not in page and "Human labels" not in Outline(page).titles and "<legend>Human labels" not in page
    assert "The locations of the human labels" in page
    unlabelled = Outline(render(tmp_path, without(whole, "labels"), labels="hidden"))
    assert Outline(page).sources[-6:] == unlabelled.sources[-6:]


def test_licensed_imagery_is_shown_as_an_overview_with_its_makers_or_not_at_all(whole, tmp_path):
    page = render(tmp_path, whole, attribution="Makers & Sons")
    assert page.count("Imagery: Makers &amp; Sons") == 2 and "4 times coarser than the files" in page
    full = render(tmp_path, whole, imagery="full")
    assert "coarser" not in full and 'data-layer="imagery"' in full
    none = render(tmp_path, whole, imagery="none", attribution="Makers")
    assert "Makers" not in none and 'data-layer="imagery"' not in none and "Imagery" not in Outline(none).titles


def test_quicklooks_of_suspicious_tiles_are_next_to_the_warnings(whole, tmp_path):
    words = "Quicklooks of the tiles that look suspicious: t0"
    assert words in render(tmp_path, whole)
    assert words not in render(tmp_path, whole, imagery="none")


def test_the_same_inputs_make_the_same_report(whole, tmp_path):
    assert render(tmp_path, whole) == render(tmp_path, whole)


def test_it_says_how_little_the_numbers_say(whole, tmp_path):
    page = render(tmp_path, whole)
    assert "on labelled polygons" in page
    assert "is no estimate of the area of cropland" in page
    assert "Cropland here means:</strong> annual crops" in page
    assert "chance in training and in the draw of labels" in page


def test_a_simulated_region_says_so_and_another_does_not(whole, tmp_path):
    assert "A simulated landscape" in render(tmp_path, replace(whole, simulated=True))
    assert "imulated landscape" not in render(tmp_path, whole)


def test_the_threshold_its_range_and_the_reliability_are_shown(whole, tmp_path):
    page = render(tmp_path, whole)
    assert "draws of blocks give" in page
    assert re.search(r"0\.400.*?1,543 ha", page, re.DOTALL)
    assert "On labelled test polygons the Brier score is" in page
    assert "Reliability diagram" in page


def test_several_regions_are_in_one_report(whole, tmp_path):
    page = render(tmp_path, whole, replace(whole, name="lowlands"))
    assert 'href="#region-2"' in page
    assert Outline(page).headings.count("Experiments") == 2


COMPARED = ("experiments", "differences", "selected", "map_scores", "area", "maps")
UNWEAK = ("segments", "overlaps", "mined", "weak")


@pytest.mark.parametrize(
    ("lacking", "sections"),
    [
        (UNWEAK, {"The map", "Experiments", "Views"}),
        (COMPARED, {"Views"}),
        ((*COMPARED, "labels", "splits"), {"Views"}),
        ((*COMPARED, *UNWEAK, "labels", "splits"), {"Views"}),
    ],
)
def test_what_a_region_lacks_is_left_out(whole, tmp_path, lacking, sections):
    outline = Outline(render(tmp_path, without(whole, *lacking)))
    assert sections <= set(outline.headings)
    assert ("Experiments" in outline.headings) == ("Experiments" in sections)
    assert ("Mined labels" in outline.titles) == ("mined" not in lacking)
    assert ("Human labels" in outline.titles) == ("labels" not in lacking)


def test_with_folds_the_report_says_what_that_means(whole, tmp_path):
    blocks = {"block": ["a", "b"], "fold": [0, 1], "labels_cropland": [1, 1], "labels_noncropland": [0, 2]}
    pd.DataFrame(blocks).to_csv(tmp_path / "splits.csv", index=False)
    changed = change_files(whole, map_scores=None, splits=str(tmp_path / "splits.csv"))
    assert "every label is tested once" in render(tmp_path, changed)


def write_sweep(folder, name, grid=THRESHOLDS):
    files = write_figure_files(folder, make_sweep(grid), name)
    write_figure(files.figure, draw_sweep(make_sweep(grid), grid, name))
    return files


def write_json(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def measured(median, count):
    metres = np.linspace(median / 2, median * 1.5, 101).round(1).tolist()
    return {"count": count, "ecdf": metres, "quantiles": {str(q): metres[q] for q in (0, 5, 25, 50, 75, 95, 100)}}


@pytest.fixture(scope="module")
def further(whole, tmp_path_factory):
    """The region with sweeps, audits and distances, and transfers and a run to go with it."""
    folder = tmp_path_factory.mktemp("further")
    sweep = write_sweep(folder, "thresholds")
    write_summary(folder / "audit.json", make_summary())
    distances = {"test": measured(300, 40), "map": measured(9000, 1990), "folds": None, "ratio": 0.03}
    region = change_files(
        whole,
        sweeps={"thresholds": sweep, EVIL: write_sweep(folder, "evil", {"segmentation": ["a", EVIL]})},
        audits=[AuditFiles("kmeans10", EVIL, "no table is read", str(folder / "audit.json"), sweep.figure)],
        distances=write_json(folder / "distances.json", distances | {"criterion": 0.5, "optimistic": True}),
    )
    rows = make_sweep({"row": ["human_source", "human_source_mined_target", "mined_target", "human_target"]})
    rows = rows.assign(source="highlands", target=EVIL, normalise="each", split="test")
    transfers = {"there": write_figure_files(folder, rows, "transfer")}
    run = write_json(folder / "run.json", {"regions": {"highlands": {"test_scorings": 17}}})
    return region, {"transfers": transfers, "run": run}


def test_sweeps_audits_distances_and_transfers_have_sections(further, tmp_path):
    region, more = further
    page = render(tmp_path, region, **more).replace("\N{NO-BREAK SPACE}", " ")
    outline = Outline(page)
    assert outline.open == [] and all(source.startswith(("data:image/", "#")) for source in outline.sources)
    further = ["Sweeps", "What mining is worth", "Do the scores hold for the whole map?", "Transfer between regions"]
    assert [heading for heading in outline.headings if heading in further] == further
    assert page.count("The best of 6 is mined.cropland 0.9") == 2 and page.count(">base</span>") == 4
    assert "is worth training on.</strong>" in page
    assert "20 % to 40 %" in page and "12 %" in page
    assert "so the scores are too optimistic for the map" in page and "9 km" in page and "300 m" in page
    assert "human labels of highlands + mined labels of" in page
    assert "The test labels have been scored 17 times." in page
    assert EVIL not in page and page.count("<script>") == 3


def test_pictures_are_embedded_as_they_are(further, tmp_path):
    region, _ = further
    page = render(tmp_path, region)
    picture = base64.b64encode(Path(region.files.sweeps["thresholds"].figure).read_bytes()).decode()
    assert f"data:image/png;base64,{picture}" in page


def test_the_scorings_of_other_regions_are_no_matter_of_this_one(whole, tmp_path):
    plain = render(tmp_path, whole)
    assert "have been scored" not in plain
    run = write_json(tmp_path / "run.json", {"regions": {"elsewhere": {"test_scorings": 3}}})
    assert render(tmp_path, whole, run=run) == plain


def test_distances_that_could_not_be_measured_are_said_to_be_so(whole, tmp_path):
    nothing = {"test": None, "map": measured(10, 3), "folds": 4, "ratio": None, "criterion": 0.5, "optimistic": None}
    page = render(tmp_path, change_files(whole, distances=write_json(tmp_path / "distances.json", nothing)))
    assert "There are no test labels, or no valid pixels" in page and "Distances of test labels" not in page


def test_the_table_of_experiments_shows_differences_from_its_base_where_it_has_them(whole, tmp_path):
    assert "Difference from the base" in render(tmp_path, whole)
    table = pd.read_csv(whole.files.experiments).drop(columns=list(DIFFERENCE_TAIL))
    write_table(tmp_path / "experiments.csv", table)
    changed = change_files(whole, experiments=str(tmp_path / "experiments.csv"))
    assert "Difference from the base" not in render(tmp_path, changed)
