"""Access to users' files: which formats GDAL may open, told by a file's first bytes, and that none leads elsewhere."""

import os
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
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
VECTOR_HINT = "GeoPackage, GeoJSON, GeoParquet, Shapefile, FlatGeobuf and KML are read"
_VECTOR_HEADS = {
    ".parquet": rb"PAR1",
    ".geoparquet": rb"PAR1",
    ".gpkg": rb"SQLite format 3\0",
    ".fgb": rb"fgb",
    ".shp": rb"\0\0'\n",
    ".geojson": rb"(\xef\xbb\xbf)?\s*\{",
    ".json": rb"(\xef\xbb\xbf)?\s*\{",
    ".kml": rb"(?s)(\xef\xbb\xbf)?\s*<(?!.*<!DOCTYPE).*<kml\b",
}
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
_NETWORKS = ("curl", "s3", "gs", "az", "adls", "oss", "swift", "hdfs", "webhdfs")
# What GDAL knows beside what cropmine reads and writes; a test holds it against the drivers that there are.
SKIPPED_DRIVERS = (
    "AAIGrid,ACE2,ADBC,ADRG,AIG,AIVector,AVCBin,AVCE00,AirSAR,AmigoCloud,BAG,BIGGIF,BLX,BMP,BSB,BT,BYN,CALS,CEOS,"
    "COASP,COSAR,CPG,CSV,CSW,CTG,CTable2,Carto,DAAS,DERIVED,DGN,DIMAP,DIPEx,DOQ1,DOQ2,DTED,DXF,ECRGTOC,EDIGEO,EEDA,"
    "EEDAI,EHdr,EIR,ELAS,ENVI,ERS,ESAT,ESRIC,ESRIJSON,Elasticsearch,FAST,FIT,GDALG,GFF,GIF,GML,GNMDatabase,GNMFile,"
    "GPSBabel,GPX,GRASSASCIIGrid,GRIB,GS7BG,GSAG,GSBG,GSC,GTFS,GTI,GTX,GXF,GenBin,GeoJSONSeq,GeoRSS,HDF5,HDF5Image,"
    "HF2,HTTP,ILWIS,IRIS,ISCE,ISG,ISIS2,ISIS3,Idrisi,JAXAPALSAR,JDEM,JML,JPEG,JSONFG,KMLSUPEROVERLAY,KRO,L1B,LAN,"
    "LCP,LOSLAS,LVBAG,Leveller,MAP,MBTiles,MFF,MFF2,MRF,MSGN,MVT,MapML,MiraMonVector,NDF,NGSGEOID,NGW,NITF,NOAA_B,"
    "NSIDCbin,NTv2,NWT_GRC,NWT_GRD,OAPIF,ODS,OGCAPI,OGR_GMT,OGR_PDS,OGR_VRT,OSM,OZI,OpenFileGDB,PAux,PCIDSK,"
    "PCRaster,PDF,PDS,PDS4,PGDUMP,PLMOSAIC,PLSCENES,PMTiles,PNG,PNM,PRF,R,RIK,RMF,ROI_PAC,RPFTOC,RRASTER,RS2,RST,"
    "Rasterlite,S102,S104,S111,S57,SAFE,SAGA,SAR_CEOS,SDTS,SENTINEL2,SGI,SIGDEM,SNAP_TIFF,SNODAS,SQLite,SRP,"
    "SRTMHGT,STACIT,STACTA,SXF,Selafin,TGA,TIL,TSX,Terragen,TopoJSON,USGSDEM,VDV,VFK,VICAR,WAsP,WCS,WEBP,WFS,WMS,"
    "WMTS,XLSX,XPM,XYZ,ZMap,Zarr,netCDF,MapInfo File"
)


def confine_gdal(settings: object) -> dict[str, str]:
    """The environment in which GDAL has no drivers but those that are needed, and no network.

    settings: a configuration as plain builtins. If a path in it lies on a network, as /vsis3/… and /vsicurl/… do,
    network file systems stay on. To be set before GDAL starts.
    """
    limits = {"GDAL_SKIP": SKIPPED_DRIVERS, "GDAL_VRT_ENABLE_PYTHON": "NO", "OGR_GEOJSON_MAX_OBJ_SIZE": "50"}
    # Each build of GDAL warns of drivers that it lacks anyway when it starts; what comes later goes through Python.
    limits["CPL_LOG"] = os.devnull
    if not any(is_remote(text) for text in _list_texts(settings)):
        limits["CPL_VSIL_CURL_ALLOWED_FILENAME"] = "none"
    return limits


def is_remote(path: str) -> bool:
    """Tell whether a path is one of GDAL's network file systems."""
    return path.startswith(VIRTUAL) and any(f"{VIRTUAL}{name}" in path for name in _NETWORKS)


def _list_texts(settings: object) -> Iterable[str]:
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, dict | list | tuple):
        for value in settings.values() if isinstance(settings, dict) else settings:
            yield from _list_texts(value)


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
        raise CropmineError(repr(str(path)), f"can't be read ({error})", "may it be read by you?") from error
    if not head:
        raise CropmineError(path, "the file is empty", "fetch or write it anew")
    return head


def _check_sidecars(path: str) -> None:
    """Overviews and masks beside a raster are opened by GDAL, too, whatever they are."""
    for suffix in (".ovr", ".msk"):
        if os.path.exists(path + suffix) and not read_head(path + suffix).startswith(RASTERS["GTiff"]):  # noqa: PTH110
            raise CropmineError(path + suffix, "isn't a TIFF, but lies where GDAL looks for one", "delete it")


@lru_cache(maxsize=4096)
def _check_vrt(path: str, _changed: int, size: int, depth: int = 0) -> None:
    if size > VRT_BYTES or depth > VRT_DEPTH:
        raise CropmineError(path, "a VRT that is too large, or too deep", "build one of the rasters themselves")
    for source in _list_sources(path, _parse_vrt(path)):
        if source.startswith(VIRTUAL) and is_stand_in(path, source):
            continue
        folder = Path(path).resolve().parent
        file = (folder / source).resolve()
        if ":" in source or not file.is_relative_to(folder) or source.startswith(VIRTUAL):
            what = f"a VRT that leads out of its folder, to {source!r}"
            raise CropmineError(path, what, "put it beside or above the rasters that it names, by relative paths")
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
    beside = element.get("relativeToVRT", "0") == "1" or text.startswith(VIRTUAL)
    return text if beside else str(Path(text).absolute())


def place_sources(path: str | Path, band: int) -> dict[str, tuple[float, float, float, float]]:
    """Tell where the files of a band of a VRT lie in it: columns and rows of the first and after the last pixel.

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


def is_stand_in(path: str | Path, source: str) -> bool:
    """Tell whether a VRT is the one that the workflow made for a virtual path: its name ends in the path's digest."""
    path = Path(path)
    return path.parent.name == "virtual" and path.parts[0] == "results" and path.stem.endswith(digest_path(source))


def digest_path(path: str) -> str:
    """Eight hex digits of a path."""
    return sha256(path.encode()).hexdigest()[:8]


def check_vector(path: str | Path) -> None:
    """Check by its first bytes that a vector file is what its suffix says, and that no database computes its rows.

    Raises CropmineError if it isn't there, is of no format that is read, or is a GeoPackage whose layers are views.
    """
    head, suffix = read_head(path), Path(path).suffix.lower()
    pattern = _VECTOR_HEADS.get(suffix)
    if pattern is None or not re.match(pattern, head):
        what = f"not a readable vector file: its first bytes aren't those of {suffix or 'a vector file'}"
        raise CropmineError(path, what, VECTOR_HINT)
    if suffix == ".gpkg":
        status = Path(path).stat()
        _check_geopackage(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _check_geopackage(path: str, _changed: int, _size: int) -> None:
    """A view, or a column that is computed, can make a query run for ever: only tables that are stored are read."""
    try:
        address = f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            rows = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
            kinds = {str(name).lower(): (kind, str(sql)) for kind, name, sql in rows if kind in ("table", "view")}
            if kinds.get("gpkg_contents", ("", ""))[0] != "table":
                raise CropmineError(path, "not a readable vector file: a database without gpkg_contents", VECTOR_HINT)
            layers = [str(name).lower() for (name,) in database.execute("SELECT table_name FROM gpkg_contents")]
    except (sqlite3.Error, ValueError) as error:
        raise CropmineError(path, f"not a readable vector file ({error})", "is the file whole?") from error
    for name, (kind, sql) in kinds.items():
        computed = kind == "view" or re.search(r"\bas\s*\(", sql, re.IGNORECASE)
        if computed and (name in layers or name.startswith(("gpkg_", "rtree_"))):
            what = f"its table {name!r} is computed, not stored"
            raise CropmineError(path, what, "write the layer out as a table: ogr2ogr layer.gpkg …")
    if missing := [name for name in layers if name not in kinds]:
        what = f"it lists a layer {missing[0]!r}, but has no such table"
        raise CropmineError(path, what, "was a table renamed? Write the file anew")
