"""Which vector files may be opened: formats recognised by their first bytes, and databases that compute no rows."""

import re
import sqlite3
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from cropmine.errors import CropmineError
from cropmine.geo.raster_formats import read_head

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
        raise CropmineError(path, what, "was a table renamed? Write the file again")
