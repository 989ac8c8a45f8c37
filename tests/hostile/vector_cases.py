"""Broken and hostile vector files, as labels, as a weak map of polygons and as an area."""

import json
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import shapely
from pyarrow import parquet as pq

from cropmine.config.regions import LabelFiles, WeakMap
from cropmine.geo.geometries import place_on_grid
from cropmine.geo.grids import read_grid
from cropmine.inputs.labels import read_labels
from cropmine.inputs.weak_maps import read_weak_map
from cropmine.inputs.zones import ZoneFiles, read_zones
from cropmine.planning.tiles import count_rows
from hostile.examination import Case
from hostile.raster_cases import UTM, cut, flip, replace_all, write_tif

Make = Callable[[Path], Path]
LABELS = {"class_field": "class", "cropland": ["crop"], "noncropland": ["other"], "radius_m": 20}
ROWS = 6
BOXES = [shapely.box(400_050 + 90 * i, 99_500, 400_120 + 90 * i, 99_600) for i in range(ROWS)]


def make_frame(geometries=BOXES, crs=UTM, classes=None) -> geopandas.GeoDataFrame:
    names = classes or ["crop", "other"] * (len(geometries) // 2 + 1)
    return geopandas.GeoDataFrame({"class": names[: len(geometries)]}, geometry=list(geometries), crs=crs)


def write_frame(suffix: str, folder: Path, **frame) -> Path:
    path, made = folder / f"hostile{suffix}", make_frame(**frame)
    made.to_parquet(path) if suffix == ".parquet" else made.to_file(path, driver="KML" if suffix == ".kml" else None)
    return path


# What is done with a vector file.


def examine_labels(path: Path, rows: int | None = None) -> None:
    """Read it as labels and lay these onto a tile: valid polygons on the earth, of the classes that there are."""
    count_rows(str(path))  # done while the workflow is planned, before anything is checked
    table = read_labels(LabelFiles(path=str(path), **LABELS), [path])
    geometries = table.geometry.to_numpy()
    assert shapely.is_valid(geometries).all()
    assert not shapely.is_empty(geometries).any()
    assert not shapely.has_z(geometries).any()
    assert np.isin(shapely.get_type_id(geometries), (3, 6)).all()
    west, south, east, north = table.total_bounds
    assert west >= -180
    assert east <= 180
    assert south >= -90
    assert north <= 90
    assert set(table["target"]) <= {0, 1}
    assert rows is None or len(table) == rows
    place_on_grid(geometries, read_grid(write_tif(path.parent / "tile.tif")))


def examine_weak_polygons(path: Path, _rows: int | None = None) -> None:
    """Read it as a weak map: what no polygon covers is invalid, and only cropland is 1."""
    grid = read_grid(write_tif(path.parent / "tile.tif"))
    weak = WeakMap(path=str(path), class_field="class", cropland=["crop"])
    values, valid = read_weak_map(path, weak, grid)
    assert values.shape == grid.shape
    assert set(np.unique(values)) <= {0, 1}
    assert not values[~valid].any()


def examine_area(path: Path, _rows: int | None = None) -> None:
    """Read it as a region's area: pixels are inside or outside."""
    grid = read_grid(write_tif(path.parent / "tile.tif"))
    zones = read_zones(grid, ZoneFiles(path))
    assert zones.shape == grid.shape
    assert set(np.unique(zones)) <= {0, 1}


# Spoilt bytes.

SUFFIXES = (".gpkg", ".geojson", ".fgb", ".parquet", ".shp")


def spoil(suffix: str, change: Callable[[bytes], bytes], folder: Path) -> Path:
    path = write_frame(suffix, folder)
    path.write_bytes(change(path.read_bytes()))
    return path


def rename_to(suffix: str, wrong: str, folder: Path) -> Path:
    return write_frame(suffix, folder).rename(folder / f"hostile{wrong}")


def drop_beside(suffix: str, folder: Path) -> Path:
    path = write_frame(".shp", folder)
    path.with_suffix(suffix).unlink()
    return path


SPOILED: dict[str, tuple[str, Make]] = {
    f"{suffix} {name}": (expected, partial(spoil, suffix, change))
    for suffix in SUFFIXES
    for name, expected, change in (
        ("empty", "refused", partial(replace_all, b"")),
        ("cut at 1%", "refused", partial(cut, 0.01)),
        ("cut at 50%", "refused" if suffix != ".shp" else "either", partial(cut, 0.5)),
        ("cut at 99%", "either", partial(cut, 0.99)),
        ("of noise", "refused", partial(replace_all, np.random.default_rng(0).bytes(3000))),
        ("of a web page", "refused", partial(replace_all, b"<html>404</html>")),
        *((f"flipped {seed}", "either", partial(flip, seed, 0 if seed % 2 else 200)) for seed in range(8)),
    )
} | {
    **{f"{a} under the name of {b}": ("refused", partial(rename_to, a, b)) for a, b in pairwise(SUFFIXES)},
    "a suffix that isn't read": ("refused", partial(rename_to, ".gpkg", ".csv")),
    "no suffix": ("refused", partial(rename_to, ".gpkg", "")),
    **{
        f"a Shapefile without {suffix}": ("either", partial(drop_beside, suffix)) for suffix in (".shx", ".dbf", ".prj")
    },
}


# Text formats, and what they may hold.


def write_json(content: object, folder: Path) -> Path:
    path = folder / "hostile.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def collect(*geometries: dict, properties=({"class": "crop"},), **more) -> dict:
    features = [
        {"type": "Feature", "properties": properties[i % len(properties)], "geometry": geometry}
        for i, geometry in enumerate(geometries)
    ]
    return {"type": "FeatureCollection", "features": features, **more}


def polygon(*rings) -> dict:
    return {"type": "Polygon", "coordinates": rings}


X, Y = 38.103, 0.902
RING = [[X, Y], [X + 1e-3, Y], [X + 1e-3, Y + 1e-3], [X, Y + 1e-3], [X, Y]]
NAN = [[X, Y], [float("nan"), Y], [X, Y + 1e-3], [X, Y]]
BOW = [[X, Y], [X + 1e-3, Y + 1e-3], [X + 1e-3, Y], [X, Y + 1e-3], [X, Y]]
HIGH = [[*point, 5.0] for point in RING]
WIDE = [[179.9, 0], [-179.9, 0], [-179.9, 1], [179.9, 1], [179.9, 0]]
BEYOND = [[179.9, 0], [180.1, 0], [180.1, 1], [179.9, 1], [179.9, 0]]
UNKNOWN = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::999999"}}
REMOTE = {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs", "type": "proj4"}}
TEXTS: dict[str, tuple[str, Make]] = {
    name: (expected, partial(write_json, content))
    for name, expected, content in (
        ("a sound ring", "right", collect(polygon(RING))),
        ("NaN", "refused", collect(polygon(NAN))),
        ("infinity", "refused", json.dumps(collect(polygon(NAN))).replace("NaN", "Infinity")),
        ("a number of 400 digits", "refused", json.dumps(collect(polygon(NAN))).replace("NaN", "9" * 400)),
        ("a number as text", "refused", collect(polygon([["a", "b"], *RING[1:]]))),
        ("a ring that crosses itself", "right", collect(polygon(BOW))),
        ("a ring twice", "either", collect(polygon(RING, RING))),
        ("a hole outside", "right", collect(polygon(RING, [[x + 1, y] for x, y in RING]))),
        ("a ring that isn't closed", "either", collect(polygon(RING[:-1]))),
        ("a ring of two points", "either", collect(polygon([RING[0], RING[1], RING[0]]))),
        ("a ring of one point", "either", collect(polygon([RING[0]] * 4))),
        ("a ring on a line", "refused", collect(polygon([[X, Y], [X + 1, Y], [X + 2, Y], [X, Y]]))),
        ("an empty ring", "either", collect(polygon([]))),
        ("no ring", "refused", collect(polygon())),
        ("nothing as geometry", "refused", collect(None)),
        ("an unknown geometry", "either", collect({"type": "Blob", "coordinates": [1]})),
        ("a line", "refused", collect({"type": "LineString", "coordinates": RING})),
        ("a collection", "refused", collect({"type": "GeometryCollection", "geometries": [polygon(RING)]})),
        ("heights", "right", collect(polygon(HIGH))),
        ("heights and none", "right", collect(polygon(HIGH), polygon(RING))),
        ("the antimeridian", "refused", collect(polygon(WIDE))),
        ("beyond the antimeridian", "refused", collect(polygon(BEYOND))),
        ("beyond the pole", "refused", collect(polygon([[x, y + 89.5] for x, y in RING]))),
        ("no feature", "refused", collect()),
        ("no features", "refused", {"type": "FeatureCollection"}),
        ("features of another type", "refused", {"type": "FeatureCollection", "features": 5}),
        ("a feature of another type", "either", {"type": "FeatureCollection", "features": [5]}),
        ("an unknown CRS", "either", collect(polygon(RING), crs=UNKNOWN)),
        ("a CRS at an address", "either", collect(polygon(RING), crs=REMOTE)),
        ("a class that isn't known", "refused", collect(polygon(RING), properties=({"class": "<script>"},))),
        ("a class that is a list", "refused", collect(polygon(RING), properties=({"class": ["crop"]},))),
        ("a class that is nothing", "refused", collect(polygon(RING), properties=({"class": None},))),
        ("a class of a megabyte", "refused", collect(polygon(RING), properties=({"class": "x" * 10**6},))),
        (
            "classes of several types",
            "refused",
            collect(*[polygon(RING)] * 3, properties=({"class": 1}, {"class": "crop"})),
        ),
        ("no properties", "refused", collect(polygon(RING), properties=(None,))),
        ("no class", "refused", collect(polygon(RING), properties=({},))),
        ("a field named geometry", "either", collect(polygon(RING), properties=({"class": "crop", "geometry": 5},))),
        (
            "a thousand fields",
            "right",
            collect(polygon(RING), properties=({"class": "crop"} | {f"f{i}": i for i in range(1000)},)),
        ),
        ("deep brackets", "refused", "[" * 100_000),
        ("deep coordinates", "either", '{"type":"Polygon","coordinates":' + "[" * 100_000),
        ("deep objects", "refused", '{"a":' * 100_000),
        ("a list", "refused", [1, 2, 3]),
        ("an object of another kind", "refused", {"type": "Topology", "objects": {}, "arcs": []}),
        ("text behind its end", "either", json.dumps(collect(polygon(RING))) + " and more"),
        ("a byte order mark", "right", "\ufeff" + json.dumps(collect(polygon(RING)))),
        ("UTF-16", "refused", "\0".join(json.dumps(collect(polygon(RING))))),
        ("a zero byte", "either", json.dumps(collect(polygon(RING))).replace("crop", "cr\0op")),
    )
}


# Geometries that geometry libraries can hold, in files that they write.


def many_vertices(suffix: str, count: int, parts: int, folder: Path) -> Path:
    """Rings of so many vertices together, all of them with a jagged edge."""
    each = count // parts
    angle = np.linspace(0, 2 * np.pi, each, endpoint=False)
    radius = np.where(np.arange(each) % 2, 40.0, 45.0)[:, None]
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius
    shapes = [shapely.polygons(ring + np.array([400_100 + 100 * i, 99_500])) for i in range(parts)]
    return write_frame(suffix, folder, geometries=shapes)


def write_tangle(count: int, folder: Path) -> Path:
    """A ring that goes from one random place to the next."""
    places = np.random.default_rng(0).random((count, 2)) * 500 + [400_050, 99_400]
    return write_frame(".gpkg", folder, geometries=[shapely.polygons(places)])


def write_long_json(count: int, folder: Path) -> Path:
    points = ",".join(f"[{X + 1e-3 * np.cos(i):.7f},{Y + 1e-3 * np.sin(i):.7f}]" for i in range(1000))
    path = folder / "hostile.geojson"
    with path.open("w") as file:
        file.write('{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"class":"crop"},')
        file.write('"geometry":{"type":"Polygon","coordinates":[[')
        for _ in range(count // 1000):
            file.write(points + ",")
        file.write(f"[{X + 1e-3:.7f},{Y:.7f}]]]}}}}]}}")
    return path


def claim_wkb(points: int, folder: Path) -> Path:
    """GeoParquet of a polygon that claims so many points and has none."""
    wkb = b"\x01\x03\0\0\0\x01\0\0\0" + points.to_bytes(4, "little")
    return write_wkb([wkb], folder)


def write_wkb(shapes: list[bytes], folder: Path, meta=None) -> Path:
    table = pa.table({"class": ["crop"] * len(shapes), "geometry": pa.array(shapes, pa.binary())})
    geo = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    told = meta if isinstance(meta, bytes) else json.dumps(geo | (meta or {})).encode()
    pq.write_table(table.replace_schema_metadata({b"geo": told}), folder / "hostile.parquet")
    return folder / "hostile.parquet"


def repeat_rows(rows: int, folder: Path) -> Path:
    """So many equal rows, a few kilobytes on disk."""
    shape = shapely.to_wkb(shapely.box(X, Y, X + 1e-3, Y + 1e-3))
    part = 1_000_000
    columns = {
        "class": pa.DictionaryArray.from_arrays(pa.array(np.zeros(part, np.int32)), ["crop"]),
        "geometry": pa.DictionaryArray.from_arrays(pa.array(np.zeros(part, np.int32)), pa.array([shape], pa.binary())),
    }
    geo = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    table = pa.table(columns).replace_schema_metadata({b"geo": json.dumps(geo).encode()})
    with pq.ParquetWriter(folder / "hostile.parquet", table.schema) as writer:
        for _ in range(rows // part):
            writer.write_table(table)
    return folder / "hostile.parquet"


def write_kml(text: str, folder: Path) -> Path:
    (folder / "hostile.kml").write_text(text)
    return folder / "hostile.kml"


def nest_collection(depth: int) -> bytes:
    return b"\x01\x07\0\0\0\x01\0\0\0" * depth + b"\x01\x07\0\0\0\0\0\0\0"


CURVE = b"\x01\x0a\0\0\0\x01\0\0\0\x01\x08\0\0\0\x03\0\0\0" + np.array([X, Y, X + 1e-3, Y, X, Y]).tobytes()
BOMB = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol"}">' for i in range(10))
SHAPES: dict[str, tuple[str, Make]] = {
    "10 million vertices in one ring": ("refused", partial(many_vertices, ".gpkg", 10_000_000, 1)),
    "10 million vertices in rings": ("refused", partial(many_vertices, ".parquet", 10_000_000, 2000)),
    "10 million vertices as text": ("either", partial(write_long_json, 10_000_000)),
    "a million vertices in one ring": ("refused", partial(many_vertices, ".fgb", 1_000_000, 1)),
    "20 thousand vertices in one ring": ("right", partial(many_vertices, ".fgb", 20_000, 1)),
    "a million vertices in rings": ("right", partial(many_vertices, ".gpkg", 1_000_000, 1000)),
    "a ring that crosses itself a million times": ("refused", partial(write_tangle, 2500)),
    "a ring that crosses itself a thousand times": ("right", partial(write_tangle, 100)),
    "a point and a polygon": (
        "right",
        partial(write_frame, ".geojson", geometries=[BOXES[0], BOXES[0].centroid]),
    ),
    "a point off the earth": ("refused", partial(write_frame, ".gpkg", geometries=[shapely.Point(1e30, 1e30)])),
    "a CRS for elsewhere": ("refused", partial(write_frame, ".gpkg", crs="EPSG:4326")),
    "a CRS that can't be turned": ("refused", partial(write_frame, ".parquet", crs='LOCAL_CS["x",UNIT["metre",1]]')),
    "empty polygons": ("refused", partial(write_frame, ".parquet", geometries=[shapely.Polygon()] * 3)),
    "an empty polygon among others": (
        "right",
        partial(write_frame, ".parquet", geometries=[shapely.Polygon(), *BOXES]),
    ),
    "a measure": (
        "either",
        partial(
            write_frame,
            ".parquet",
            geometries=[shapely.from_wkt("POLYGON M ((38 1 5, 38.1 1 5, 38.1 1.1 5, 38 1 5))")],
            crs="EPSG:4326",
        ),
    ),
    "a collection in a collection": ("refused", partial(write_wkb, [nest_collection(2)])),
    "deep collections": ("refused", partial(write_wkb, [nest_collection(100_000)])),
    "a curve": ("refused", partial(write_wkb, [CURVE])),
    "WKB that is cut": ("refused", partial(write_wkb, [shapely.to_wkb(BOXES[0])[:40]])),
    "WKB of noise": ("refused", partial(write_wkb, [b"noise"])),
    "WKB that claims 4 thousand million points": ("refused", partial(claim_wkb, 2**32 - 1)),
    "WKB that claims 100 million points": ("refused", partial(claim_wkb, 10**8)),
    "Parquet without metadata": ("refused", partial(write_wkb, [b""], meta=b"nonsense")),
    "Parquet of metadata that is a list": ("refused", partial(write_wkb, [b""], meta=b"[1]")),
    "Parquet of another column": ("refused", partial(write_wkb, [b""], meta={"primary_column": "other"})),
    "Parquet of a broken CRS": (
        "refused",
        partial(
            write_wkb, [b""], meta={"columns": {"geometry": {"encoding": "WKB", "geometry_types": [], "crs": {"a": 1}}}}
        ),
    ),
    "Parquet of an unknown encoding": (
        "refused",
        partial(write_wkb, [b""], meta={"columns": {"geometry": {"encoding": "exec", "geometry_types": []}}}),
    ),
    "Parquet of 20 million equal rows": ("refused", partial(repeat_rows, 20_000_000)),
    "KML": (
        "either",
        partial(write_frame, ".kml", crs="EPSG:4326", geometries=[shapely.box(X, Y, X + 1e-3, Y + 1e-3)]),
    ),
    "KML with entities": (
        "refused",
        partial(write_kml, f"<?xml version='1.0'?><!DOCTYPE kml [{BOMB}]><kml>&l9;</kml>"),
    ),
    "KML with a link": (
        "refused",
        partial(write_kml, "<kml><NetworkLink><Link><href>http://127.0.0.1:9/</href></Link></NetworkLink></kml>"),
    ),
    "KML that ends early": ("refused", partial(write_kml, "<kml><Document><Placemark>")),
}

ROLES = {"labels": examine_labels, "weak polygons": examine_weak_polygons, "area": examine_area}


def prepare(role: str, make: Make, folder: Path) -> Callable[[], None]:
    return partial(ROLES[role], make(folder))


def make_case(role: str, name: str, expected: str, make: Make) -> Case:
    """A case; as a weak map or an area more is right: what is no polygon is passed over, classes aren't checked."""
    return Case(
        f"{role}: {name}", role, partial(prepare, role, make), expected if role == "labels" else "either", "hostile"
    )


VECTOR_CASES = [
    make_case(role, name, expected, make)
    for role, groups in {
        "labels": (SPOILED, TEXTS, SHAPES),
        "weak polygons": (SHAPES, TEXTS),
        "area": (SHAPES, TEXTS),
    }.items()
    for group in groups
    for name, (expected, make) in group.items()
    if role == "labels" or not name.startswith("10 million")  # they take seconds to make
]
