"""A QGIS project of styled layers with relative paths, and the style files of rasters, written from templates."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from os.path import relpath
from pathlib import Path
from typing import ClassVar

import jinja2
import pyproj

from cropmine.files import replacing

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip file can hold
QGIS_VERSION = "3.22.0"
TEMPLATES = Path(__file__).parent / "templates"
PROJECT_TEMPLATE, STYLE_TEMPLATE = "project.qgs.j2", "style.qml.j2"


@dataclass(frozen=True)
class LegendEntry:
    """A value of a raster or of a field, its colour (#RRGGBB) and the words in the legend."""

    value: float | str
    colour: str
    words: str


@dataclass(frozen=True)
class ClassStyle:
    """A raster's band, coloured by class value. Other values are transparent."""

    kind: ClassVar[str] = "classes"
    band: int
    entries: tuple[LegendEntry, ...]


@dataclass(frozen=True)
class RampStyle:
    """A raster's band, coloured by a ramp of (value, colour), linear between them."""

    kind: ClassVar[str] = "ramp"
    band: int
    stops: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class ImageStyle:
    """Three bands of a raster as red, green and blue, each stretched between its limits (low, high)."""

    kind: ClassVar[str] = "image"
    bands: tuple[int, ...]
    limits: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class OutlineStyle:
    """Outlines of polygons, coloured by the values of a field; without a field, all in the colour of the only entry."""

    kind: ClassVar[str] = "outlines"
    field: str | None
    entries: tuple[LegendEntry, ...]


Style = ClassStyle | RampStyle | ImageStyle | OutlineStyle


@dataclass(frozen=True)
class Layer:
    """A layer of a project: name, file, CRS, style, and whether it is shown when the project opens."""

    name: str
    path: Path
    crs: pyproj.CRS
    style: Style
    shown: bool

    @property
    def is_vector(self) -> bool:
        return isinstance(self.style, OutlineStyle)

    @property
    def identifier(self) -> str:
        """An identifier that is unique in the project and the same in every run."""
        return f"layer_{sha256(f'{self.name} {self.path}'.encode()).hexdigest()[:16]}"

    def locate(self, folder: Path) -> str:
        """The path relative to a folder, with a leading dot; a virtual path of GDAL (/vsi…) stays as it is."""
        if str(self.path).startswith("/vsi"):
            return str(self.path)
        relative = relpath(self.path, folder)
        return relative if relative.startswith(".") else f"./{relative}"


@dataclass(frozen=True)
class Canvas:
    """What a project shows when it opens: a CRS, and the extent (west, south, east, north) in its unit."""

    crs: pyproj.CRS
    extent: tuple[float, float, float, float]


def write_project(
    path: str | Path, title: str, groups: Mapping[str, Sequence[Layer]], canvas: Canvas, tags: Mapping[str, str]
) -> None:
    """Write a project (.qgz) of groups of layers, the first on top. The same layers give the same bytes.

    tags: those of the map, which become variables of the project.
    """
    path = Path(path)
    text = _load_template(PROJECT_TEMPLATE).render(
        title=title, groups=groups, canvas=canvas, tags=dict(sorted(tags.items())), folder=path.parent
    )
    entry = zipfile.ZipInfo(f"{path.stem}.qgs", EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(entry, text)


def write_style(path: str | Path, style: Style) -> None:
    """Write the style of a raster as the .qml file that QGIS applies to the raster of the same name."""
    with replacing(path) as temporary:
        temporary.write_text(_load_template(STYLE_TEMPLATE).render(style=style), encoding="utf-8")


def _load_template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["version"] = QGIS_VERSION
    environment.filters["channels"] = lambda colour: ",".join(map(str, bytes.fromhex(colour[1:])))
    return environment.get_template(name)
