"""The report in a browser: it requests nothing, runs nothing of others, and works by mouse, keyboard and on a phone."""

import json
import re
from dataclasses import replace

import pytest

from browsing import PHONE, start_browser, visit
from cropmine.config.schema import Report
from cropmine.reporting.report import build_report
from cropmine.reporting.report_files import ReportSettings
from factories.reports import EVIL, change_files, make_region, write_comparison

TITLE = f"{EVIL}</title><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    with start_browser() as started:
        yield started


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of a region whose names are all hostile."""
    folder = tmp_path_factory.mktemp("page")
    region = replace(make_region(folder), name=TITLE, definition=TITLE)
    region = change_files(region, weak=replace(region.files.weak, name=TITLE))
    write_comparison(folder, [EVIL, f"mined{EVIL}"])
    run = {"regions": {}, "cropmine": "1", "commit": EVIL, "python": "3", "packages": {}, "hours": {"map_tile": 0.5}}
    (folder / "run.json").write_text(json.dumps(run | {"config": {EVIL: EVIL}}))
    shown = Report(imagery="full", attribution=TITLE)
    build_report(folder / "report.html", ReportSettings([region], {}, str(folder / "run.json"), shown))
    return folder / "report.html"


def test_it_requests_nothing_and_runs_nothing_of_its_data(browser, report):
    with visit(browser, report) as visited:
        asked = []
        visited.page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        visited.page.wait_for_timeout(200)
        assert asked == [] and visited.complaints == []
        assert [url for url in visited.requests if not url.startswith("data:")] == [report.resolve().as_uri()]
        assert visited.page.locator("h1").inner_text() == TITLE


def test_layers_are_shown_by_their_boxes(browser, report):
    with visit(browser, report) as visited:
        page = visited.page
        page.get_by_label("Swipe between two layers").uncheck()
        for key in ("imagery", "weak", "mined", "probability", "difference", "class"):
            page.locator(f"[data-layer={key}]").check()
            assert page.locator(f"img.{key}").evaluate("image => image.complete && image.naturalWidth > 0")
            page.locator(f"[data-layer={key}]").uncheck()
            assert page.locator(f"img.{key}").count() == 0
        page.locator("[data-layer=class]").check()
        pane = page.locator(".leaflet-class-pane")
        page.locator("[data-opacity]").fill("25")
        assert pane.evaluate("pane => pane.style.opacity") == "0.25"
        assert pane.evaluate("pane => pane.style.clipPath") == "none"


def test_labels_are_shown_by_what_they_serve(browser, report):
    with visit(browser, report) as visited:
        outlines = visited.page.locator(".leaflet-overlay-pane path[stroke='#D55E00']")
        assert outlines.count() == 2
        visited.page.get_by_label("test labels").uncheck()
        assert outlines.count() == 0
        assert visited.page.locator(".leaflet-overlay-pane path[stroke='#F0E442']").count() == 1


def find_edge(page, key):
    """How far from the left the map's layer is cut, pixels."""
    clip = page.locator(f".leaflet-{key}-pane").evaluate("pane => pane.style.clipPath")
    return [float(x) for x in re.findall(r"(-?[\d.]+)px -?[\d.]+px", clip)]


def test_the_swipe_moves_by_mouse_and_by_keyboard(browser, report):
    with visit(browser, report) as visited:
        page, slider = visited.page, visited.page.locator(".swipe")
        left, right = find_edge(page, "imagery"), find_edge(page, "class")
        assert max(left) == min(right)
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 2, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, y, steps=3)
        page.mouse.up()
        dragged = max(find_edge(page, "imagery"))
        assert dragged > max(left) + 0.2 * box["width"]
        assert min(find_edge(page, "class")) == dragged
        slider.press("ArrowLeft")
        assert dragged - 20 < max(find_edge(page, "imagery")) < dragged
        slider.press("Home")
        assert max(find_edge(page, "imagery")) < dragged - 0.5 * box["width"]


def test_the_swipe_takes_other_layers(browser, report):
    with visit(browser, report) as visited:
        visited.page.get_by_label("Left").select_option("mined")
        assert visited.page.locator("img.mined").count() == 1
        assert visited.page.locator("img.imagery").count() == 0
        assert visited.page.locator(".side.left").inner_text() == "Mined labels"


def test_views_and_the_whole_region_are_gone_to_and_the_scale_follows(browser, report):
    with visit(browser, report) as visited:
        scale = visited.page.locator(".leaflet-control-scale-line")
        before = scale.inner_text()
        assert re.fullmatch(r"\d+ k?m", before)
        visited.page.locator(".canvas").focus()
        for _ in range(3):
            visited.page.keyboard.press("Minus")
        assert scale.inner_text() != before
        visited.page.get_by_role("button", name="Whole region").click()
        assert scale.inner_text() == before


def test_a_heading_sorts_its_table_by_keyboard_and_says_how(browser, report):
    with visit(browser, report) as visited:
        table = visited.page.locator("table.sortable").first
        heading = table.locator("thead th", has_text="Recall").first
        heading.get_by_role("button").press("Enter")
        cells = table.locator("tbody tr td:nth-child(6)")
        recalls = [value for value in cells.evaluate_all("cells => cells.map((cell) => cell.dataset.value)") if value]
        assert len(recalls) > 2 and recalls == sorted(recalls, key=float, reverse=True)
        assert heading.get_attribute("aria-sort") == "descending"


def test_the_contents_lead_to_the_sections(browser, report):
    with visit(browser, report) as visited:
        link = visited.page.get_by_role("navigation", name="Contents").get_by_role("link", name="Experiments")
        link.press("Enter")
        heading = visited.page.get_by_role("heading", name="Experiments", exact=True)
        assert abs(heading.bounding_box()["y"]) < 60


@pytest.mark.parametrize("size", [None, PHONE])
def test_axe_finds_no_serious_fault(browser, report, size):
    with visit(browser, report, *([size] if size else [])) as visited:
        visited.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert visited.find_faults() == []


def test_a_phone_scrolls_down_only(browser, report):
    with visit(browser, report, PHONE) as visited:
        assert visited.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        assert visited.page.locator(".webmap .view").bounding_box()["width"] > 0.85 * PHONE[0]


def test_in_print_the_map_is_a_still_picture(browser, report):
    with visit(browser, report) as visited:
        assert visited.page.locator(".webmap").is_visible() and not visited.page.locator(".still").is_visible()
        visited.page.emulate_media(media="print")
        assert visited.page.locator(".still").is_visible() and not visited.page.locator(".webmap").is_visible()


def test_without_scripts_the_map_is_a_still_picture_and_all_else_is_there(browser, report):
    with visit(browser, report, java_script_enabled=False) as visited:
        assert visited.page.locator(".still").is_visible() and not visited.page.locator(".webmap").is_visible()
        assert visited.page.locator("table.sortable").first.is_visible()
