"""A QGIS project: layers from imagery to labels to map, styled, with relative paths, in one .qgz file."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from os.path import relpath
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

import pyproj

from cropmine.files import replacing

DOCTYPE = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can name
QGIS_VERSION = "3.22.0"
PROBABILITY_RAMP = ((0.0, "#FFFFFF"), (0.5, "#F3CF8B"), (1.0, "#B35900"))
DISAGREEMENT_RAMP = ((0.0, "#FFFFFF"), (0.1, "#C9B7DC"), (0.3, "#54278F"))


@dataclass(frozen=True)
class Layer:
    """A layer of a project: its name, file, WKT of its CRS, renderer of module styles, and whether it is shown."""

    name: str
    path: Path
    crs: str
    renderer: Element
    shown: bool

    @property
    def vector(self) -> bool:
        return self.renderer.tag == "renderer-v2"

    @property
    def identifier(self) -> str:
        """A name that is unique in the project and the same each time."""
        return f"layer_{sha256(f'{self.name} {self.path}'.encode()).hexdigest()[:16]}"


def write_project(
    path: str | Path,
    title: str,
    groups: Mapping[str, Sequence[Layer]],
    crs: str,
    extent: tuple[float, float, float, float],
    tags: Mapping[str, str],
) -> None:
    """Write a project of groups of layers, the first on top, the same bytes for the same layers.

    crs: WKT of the canvas; extent: what it shows, in its units; tags: those of the map, as variables of the project.
    """
    path = Path(path)
    root = Element("qgis", projectname=title, version=QGIS_VERSION)
    SubElement(root, "title").text = title
    SubElement(root, "projectCrs").append(_describe_crs(crs))
    tree = SubElement(root, "layer-tree-group")
    for name, layers in groups.items():
        group = SubElement(tree, "layer-tree-group", name=name, expanded="1", checked="Qt::Checked")
        for layer in layers:
            SubElement(group, "layer-tree-layer", _describe_node(layer, path.parent))
    canvas = SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    SubElement(canvas, "units").text = "degrees" if pyproj.CRS.from_wkt(crs).is_geographic else "meters"
    bounds = SubElement(canvas, "extent")
    for key, value in zip(("xmin", "ymin", "xmax", "ymax"), extent, strict=True):
        SubElement(bounds, key).text = repr(float(value))
    SubElement(canvas, "rotation").text = "0"
    SubElement(canvas, "destinationsrs").append(_describe_crs(crs))
    layers = [layer for group in groups.values() for layer in group]
    described = SubElement(root, "projectlayers")
    for layer in layers:
        described.append(_describe_layer(layer, path.parent))
    order = SubElement(root, "layerorder")
    for layer in layers:
        SubElement(order, "layer", id=layer.identifier)
    root.append(_describe_properties(tags))
    indent(root)
    _write_archive(path, root)


def _describe_node(layer: Layer, folder: Path) -> dict[str, str]:
    return {
        "id": layer.identifier,
        "name": layer.name,
        "source": _point_to(layer.path, folder),
        "providerKey": "ogr" if layer.vector else "gdal",
        "checked": "Qt::Checked" if layer.shown else "Qt::Unchecked",
        "expanded": "0",
    }


def _point_to(path: Path, folder: Path) -> str:
    """A file as the project names it: by a relative path, unless it is a virtual one of GDAL."""
    if str(path).startswith("/vsi"):
        return str(path)
    relative = relpath(path, folder)
    return relative if relative.startswith(".") else f"./{relative}"


def _describe_layer(layer: Layer, folder: Path) -> Element:
    kind = {"type": "vector", "geometry": "Polygon"} if layer.vector else {"type": "raster"}
    element = Element("maplayer", kind | {"styleCategories": "AllStyleCategories", "autoRefreshEnabled": "0"})
    SubElement(element, "id").text = layer.identifier
    SubElement(element, "datasource").text = _point_to(layer.path, folder)
    SubElement(element, "layername").text = layer.name
    SubElement(element, "srs").append(_describe_crs(layer.crs))
    SubElement(element, "provider").text = "ogr" if layer.vector else "gdal"
    if layer.vector:
        element.append(layer.renderer)
    else:
        SubElement(element, "pipe").append(layer.renderer)
    return element


def _describe_crs(wkt: str) -> Element:
    crs = pyproj.CRS.from_wkt(wkt)
    authority = crs.to_authority()
    element = Element("spatialrefsys")
    SubElement(element, "wkt").text = crs.to_wkt()
    if authority:
        SubElement(element, "authid").text = ":".join(authority)
    SubElement(element, "description").text = crs.name
    SubElement(element, "geographicflag").text = "true" if crs.is_geographic else "false"
    return element


def _describe_properties(tags: Mapping[str, str]) -> Element:
    """Relative paths, and the tags as variables of the project."""
    properties = Element("properties")
    SubElement(SubElement(properties, "Paths"), "Absolute", type="bool").text = "false"
    SubElement(SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    variables = SubElement(properties, "Variables")
    for key, values in (("variableNames", sorted(tags)), ("variableValues", [tags[key] for key in sorted(tags)])):
        listed = SubElement(variables, key, type="QStringList")
        for value in values:
            SubElement(listed, "value").text = f"cropmine_{value}" if key == "variableNames" else str(value)
    return properties


def _write_archive(path: Path, root: Element) -> None:
    content = io.BytesIO()
    ElementTree(root).write(content, encoding="utf-8")
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        entry = zipfile.ZipInfo(f"{path.stem}.qgs", EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, DOCTYPE + content.getvalue())


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
