"""Styles of QGIS layers, as XML: the same for the project and for the files beside the rasters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from cropmine.files import replacing

QGIS_VERSION = "3.22.0"
PROBABILITY_RAMP = ((0.0, "#FFFFFF"), (0.5, "#F3CF8B"), (1.0, "#B35900"))
DISAGREEMENT_RAMP = ((0.0, "#FFFFFF"), (0.1, "#C9B7DC"), (0.3, "#54278F"))


def style_classes(band: int, classes: Mapping[float, tuple[str, str]]) -> Element:
    """Style a band by value: {value: (colour, label)}; other values aren't drawn."""
    renderer = _start_renderer("paletted", band=str(band))
    palette = SubElement(renderer, "colorPalette")
    for value, (colour, label) in classes.items():
        SubElement(palette, "paletteEntry", value=f"{value:g}", color=colour, label=label, alpha="255")
    return renderer


def style_ramp(band: int, ramp: Sequence[tuple[float, str]]) -> Element:
    """Style a band by a ramp of (value, colour), linear between them."""
    low, high = ramp[0][0], ramp[-1][0]
    ends = {"classificationMin": f"{low:g}", "classificationMax": f"{high:g}"}
    renderer = _start_renderer("singlebandpseudocolor", band=str(band), **ends)
    shader = SubElement(
        SubElement(renderer, "rastershader"),
        "colorrampshader",
        colorRampType="INTERPOLATED",
        classificationMode="1",
        clip="0",
        minimumValue=f"{low:g}",
        maximumValue=f"{high:g}",
    )
    for value, colour in ramp:
        SubElement(shader, "item", value=f"{value:g}", color=colour, label=f"{value:g}", alpha="255")
    return renderer


def style_image(bands: Sequence[int], limits: Sequence[tuple[float, float]]) -> Element:
    """Style three bands as red, green and blue, each stretched between its limits."""
    names = ("red", "green", "blue")
    numbers = {f"{name}Band": str(band) for name, band in zip(names, bands, strict=True)}
    renderer = _start_renderer("multibandcolor", **numbers)
    for name, (low, high) in zip(names, limits, strict=True):
        contrast = SubElement(renderer, f"{name}ContrastEnhancement")
        SubElement(contrast, "minValue").text = f"{low:g}"
        SubElement(contrast, "maxValue").text = f"{high:g}"
        SubElement(contrast, "algorithm").text = "StretchToMinimumMaximum"
    return renderer


def style_outlines(field: str | None, classes: Mapping[str, tuple[str, str]]) -> Element:
    """Style polygons as outlines: {value of a field: (colour, label)}; without a field all alike, by the only entry."""
    kind = "categorizedSymbol" if field else "singleSymbol"
    renderer = Element("renderer-v2", {"type": kind, "symbollevels": "0", "forceraster": "0"} | _name_attribute(field))
    if field:
        categories = SubElement(renderer, "categories")
        for number, (value, (_, label)) in enumerate(classes.items()):
            SubElement(categories, "category", value=value, label=label, symbol=str(number), render="true")
    symbols = SubElement(renderer, "symbols")
    for number, (colour, _) in enumerate(classes.values()):
        symbol = SubElement(symbols, "symbol", {"type": "fill", "name": str(number), "alpha": "1"})
        layer = SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0"})
        layer.set("pass", "0")
        options = SubElement(layer, "Option", type="Map")
        red, green, blue = bytes.fromhex(colour[1:])
        shown = {"color": "0,0,0,0", "style": "no", "outline_color": f"{red},{green},{blue},255"}
        shown |= {"outline_style": "solid", "outline_width": "0.5", "outline_width_unit": "MM"}
        for key, value in shown.items():
            SubElement(options, "Option", name=key, value=value, type="QString")
            SubElement(layer, "prop", k=key, v=value)
    return renderer


def _name_attribute(field: str | None) -> dict[str, str]:
    return {"attr": field} if field else {}


def _start_renderer(kind: str, **attributes: str) -> Element:
    renderer = Element(
        "rasterrenderer", {"type": kind, "opacity": "1", "alphaBand": "-1", "nodataColor": ""} | attributes
    )
    SubElement(SubElement(renderer, "minMaxOrigin"), "limits").text = "None"
    return renderer


def write_style(path: str | Path, renderer: Element) -> None:
    """Write a raster's style as the .qml file that QGIS takes when it opens the raster of the same name."""
    root = Element("qgis", version=QGIS_VERSION, styleCategories="Symbology")
    SubElement(root, "pipe").append(renderer)
    indent(root)
    with replacing(path) as temporary:
        ElementTree(root).write(temporary, encoding="utf-8")
