"""QGIS projects and styles."""

from xml.etree.ElementTree import fromstring

import pyproj

from cropmine.mapping.products import find_products
from cropmine.mapping.qgis import Canvas, Layer, LegendEntry, OutlineStyle, write_project, write_style
from cropmine.mapping.qgis_layers import style_product
from factories.products import STAMP, read_project


def test_a_style_file_holds_the_renderer_that_qgis_takes(delivery, tmp_path):
    for product in find_products(delivery, STAMP):
        write_style(tmp_path / "style.qml", style_product(product))
        renderer = fromstring((tmp_path / "style.qml").read_text()).find("pipe/rasterrenderer")
        assert renderer.get("type") == {"class": "paletted", "probability": "singlebandpseudocolor"}[product.kind]


def test_markup_in_names_is_text_in_the_project(tmp_path):
    evil = "<layer>\"&'</layer>"
    crs = pyproj.CRS.from_epsg(4326)
    style = OutlineStyle(evil, (LegendEntry(evil, "#0102FF", evil),))
    layer = Layer(evil, tmp_path / "a & b.gpkg", crs, style, True)
    write_project(tmp_path / "p.qgz", evil, {evil: [layer]}, Canvas(crs, (0, 1, 2.5, 3)), {"definition": evil})
    root = read_project(tmp_path / "p.qgz")
    assert root.get("projectname") == root.find("title").text == evil
    assert root.find("properties/Variables/variableValues/value").text == evil
    (described,) = root.iter("maplayer")
    assert (described.find("layername").text, described.find("datasource").text) == (evil, "./a & b.gpkg")
    assert described.find("renderer-v2").get("attr") == evil
    assert described.find("renderer-v2/categories/category").attrib.items() >= {"value": evil, "label": evil}.items()
    options = {option.get("name"): option.get("value") for option in described.iter("Option") if option.get("name")}
    assert options["outline_color"] == "1,2,255,255"
    assert [side.text for side in root.find("mapcanvas/extent")] == ["0.0", "1.0", "2.5", "3.0"]
