"""Sections of the report, described by the files that they are made from."""

import jinja2

from cropmine.mining.registration import pool_surfaces, write_registration
from cropmine.reporting.report import TEMPLATES
from cropmine.reporting.sections import describe_registrations
from factories.surfaces import make_surfaces


def test_the_report_says_where_a_map_was_moved_and_why_another_was_not(tmp_path):
    files = {}
    for name, peak in (("moved", (2, -1)), ("stayed", (4, 0))):
        result = pool_surfaces({tile: make_surfaces(peak, seed=seed) for seed, tile in enumerate("ab")})
        files[f"kmeans10/{name}"] = tmp_path / f"{name}.surfaces.json"
        write_registration(tmp_path / f"{name}.json", files[f"kmeans10/{name}"], result)
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    region = {"registrations": describe_registrations(files)}
    page = environment.get_template("registrations.html.j2").render(region=region, scroll=str)
    assert "its peak lies on the edge of the window" in page
    assert page.count("kmeans10") == 2
    assert environment.get_template("registrations.html.j2").render(region={"registrations": []}).strip() == ""
