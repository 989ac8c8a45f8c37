"""Which raster files may be opened: formats recognised by their first bytes, and VRTs that stay in their folder."""

import os
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

from cropmine.errors import CropmineError

VIRTUAL = "/vsi"
HEAD_BYTES = 1024
VRT_BYTES = 50_000_000
VRT_DEPTH = 3
RASTERS = {
    "GTiff": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "JP2OpenJPEG": (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
    "HFA": (b"EHFA_HEADER_TAG",),
}
SUFFIXES = {".tif": "GTiff", ".tiff": "GTiff", ".jp2": "JP2OpenJPEG", ".img": "HFA"}
RASTER_HINT = "GeoTIFF, JPEG 2000, ERDAS Imagine (.img) and VRT are read; gdal_translate makes a GeoTIFF of others"
# A mosaic of plain rasters. Warped, raw and derived ones, open options and code have elements that aren't here.
_MOSAIC = (
    "VRTDataset SRS GeoTransform Metadata MDI GCPList GCP OverviewList BlockXSize BlockYSize MaskBand "
    "VRTRasterBand Description UnitType Offset Scale NoDataValue HideNoDataValue ColorInterp ColorTable Entry "
    "CategoryNames Category Histograms HistItem HistMin HistMax BucketCount IncludeOutOfRange Approximate "
    "HistCounts Overview SourceFilename SimpleSource ComplexSource AveragedSource SourceBand SourceProperties "
    "SrcRect DstRect NODATA ScaleOffset ScaleRatio LUT ColorTableComponent UseMaskBand Exponent SrcMin SrcMax "
    "DstMin DstMax Clamp"
)
_VRT_TAGS = frozenset(_MOSAIC.split())


def choose_raster_driver(path: str | Path) -> str:
    """Name the driver that a raster is opened with, by its first bytes; of a virtual path, such as /vsis3/…, by suffix.

    Raises CropmineError if there is no such file, it is of no format that is read, a sidecar isn't, or it is a VRT that
    leads elsewhere than to files in its own folder and below.
    """
    path = str(path)
    if path.startswith(VIRTUAL):
        if Path(path).suffix.lower() not in SUFFIXES:
            raise CropmineError(path, "isn't a format that is read there", f"{', '.join(SUFFIXES)} are")
        return SUFFIXES[Path(path).suffix.lower()]
    driver = _tell_driver(path, read_head(path))
    if driver == "VRT":
        status = Path(path).stat()
        _check_vrt(path, status.st_mtime_ns, status.st_size)
    _check_sidecars(path)
    return driver


def _tell_driver(path: str, head: bytes) -> str:
    for driver, starts in RASTERS.items():
        if head.startswith(starts):
            return driver
    if b"<VRTDataset" in head:
        return "VRT"
    raise CropmineError(path, "not a readable raster: its first bytes are of no format that is read", RASTER_HINT)


def read_head(path: str | Path) -> bytes:
    """Read the first bytes of a file. Raises CropmineError if there is none, or it is empty or no file."""
    try:
        if not Path(path).exists():
            raise CropmineError(path, "no such file")
        if not Path(path).is_file():
            raise CropmineError(path, "is no file", "name a file, not a folder or a device")
        with open(path, "rb") as file:  # noqa: PTH123 (called for each window that is read)
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:
        hint = "do you have permission to read it?"
        raise CropmineError(repr(str(path)), f"can't be read ({error})", hint) from error
    if not head:
        raise CropmineError(path, "the file is empty", "fetch or write it again")
    return head


def _check_sidecars(path: str) -> None:
    """GDAL also opens overviews and masks next to a raster, whatever they are."""
    for suffix in (".ovr", ".msk"):
        if os.path.exists(path + suffix) and not read_head(path + suffix).startswith(RASTERS["GTiff"]):  # noqa: PTH110
            raise CropmineError(path + suffix, "isn't a TIFF, but is where GDAL looks for one", "delete it")


@lru_cache(maxsize=4096)
def _check_vrt(path: str, _changed: int, size: int, depth: int = 0) -> None:
    if size > VRT_BYTES or depth > VRT_DEPTH:
        raise CropmineError(path, "a VRT that is too large, or too deep", "build one of the rasters themselves")
    for source in _list_sources(path, _parse_vrt(path)):
        if source.startswith(VIRTUAL) and is_virtual_source(path, source):
            continue
        folder = Path(path).resolve().parent
        file = (folder / source).resolve()
        if ":" in source or not file.is_relative_to(folder) or source.startswith(VIRTUAL):
            what = f"a VRT that leads out of its folder, to {source!r}"
            raise CropmineError(path, what, "put it next to or above the rasters that it names, by relative paths")
        if not file.is_file():
            raise CropmineError(path, f"a VRT of a file that isn't there: {source!r}")
        if _tell_driver(str(file), read_head(file)) == "VRT":
            status = file.stat()
            _check_vrt(str(file), status.st_mtime_ns, status.st_size, depth + 1)
        _check_sidecars(str(file))


def _parse_vrt(path: str) -> ET.Element:
    content = Path(path).read_bytes()
    try:
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ET.ParseError("it declares entities")
        root = ET.fromstring(content)  # noqa: S314  # nosec B314 # no entities: see above
    except (ET.ParseError, ValueError, LookupError) as error:
        raise CropmineError(path, f"not a readable raster: a VRT that isn't sound ({error})", RASTER_HINT) from error
    if root.tag != "VRTDataset":
        raise CropmineError(path, f"not a readable raster: a VRT of <{root.tag}>", RASTER_HINT)
    return root


def _list_sources(path: str, root: ET.Element) -> list[str]:
    """The files that a VRT names, relative to its folder or absolute."""
    sources = []
    for element in root.iter():
        kind = element.get("subClass", "VRTSourcedRasterBand")
        external = element.tag == "Metadata" and element.get("domain") in ("GEOLOCATION", "OVERVIEWS", "RPC", "xml:VRT")
        if element.tag not in _VRT_TAGS or kind != "VRTSourcedRasterBand" or external:
            what = f"a VRT of another kind than a mosaic of rasters: <{element.tag}> {kind}".replace(
                " VRTSourcedRasterBand", ""
            )
            raise CropmineError(path, what, "write it out as a GeoTIFF (gdal_translate)")
        if element.tag == "SourceFilename":
            sources.append(_name_source(element))
    return sources


def _name_source(element: ET.Element) -> str:
    text = element.text or ""
    is_relative = element.get("relativeToVRT", "0") == "1" or text.startswith(VIRTUAL)
    return text if is_relative else str(Path(text).absolute())


def place_sources(path: str | Path, band: int) -> dict[str, tuple[float, float, float, float]]:
    """Locate the files of a band of a VRT: columns and rows of the first and after the last pixel.

    A source whose rectangle isn't written in full is left out: GDAL stretches it over the band.
    """
    folder, places = Path(path).resolve().parent, {}
    for element in _parse_vrt(str(path)).findall(f"VRTRasterBand[@band='{band}']/*"):
        place, name = element.find("DstRect[@xOff][@yOff][@xSize][@ySize]"), element.find("SourceFilename")
        if place is None or name is None:
            continue
        left, top, width, height = (float(place.attrib[key]) for key in ("xOff", "yOff", "xSize", "ySize"))
        places[str(folder / _name_source(name))] = (left, top, left + width, top + height)
    return places


def is_virtual_source(path: str | Path, source: str) -> bool:
    """Check whether the workflow made a VRT for a virtual path: its name then ends in the path's digest."""
    path = Path(path)
    return path.parent.name == "virtual" and path.parts[0] == "results" and path.stem.endswith(digest_path(source))


def digest_path(path: str) -> str:
    """Eight hex digits of a path."""
    return sha256(path.encode()).hexdigest()[:8]
