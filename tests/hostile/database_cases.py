"""Broken and hostile GeoPackages, which are databases, as labels, as a weak map of polygons and as an area."""

import sqlite3
from functools import partial
from pathlib import Path

from hostile.vector_cases import ROLES, Make, make_case, write_frame


def change_database(script: str, folder: Path) -> Path:
    path = write_frame(".gpkg", folder)
    with sqlite3.connect(path) as database:
        database.create_function("ST_IsEmpty", 1, lambda _: 0)
        for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        database.executescript(script)
    database.close()
    return path


FOR_EVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
DATABASES: dict[str, tuple[str, Make]] = {
    "with a trigger": (
        "right",
        partial(change_database, "CREATE TRIGGER t AFTER UPDATE ON hostile BEGIN DELETE FROM hostile; END;"),
    ),
    "with a trigger on its contents": (
        "right",
        partial(change_database, "CREATE TRIGGER t AFTER UPDATE ON gpkg_contents BEGIN DELETE FROM hostile; END;"),
    ),
    "with a renamed table": ("refused", partial(change_database, "ALTER TABLE hostile RENAME TO other;")),
    "with a dropped table": ("refused", partial(change_database, "DROP TABLE hostile;")),
    "without contents": ("refused", partial(change_database, "DROP TABLE gpkg_contents;")),
    "with empty contents": ("refused", partial(change_database, "DELETE FROM gpkg_contents;")),
    "without geometry columns": ("refused", partial(change_database, "DROP TABLE gpkg_geometry_columns;")),
    "without reference systems": ("either", partial(change_database, "DROP TABLE gpkg_spatial_ref_sys;")),
    "with a broken reference system": (
        "refused",
        partial(change_database, "UPDATE gpkg_spatial_ref_sys SET definition = 'nonsense', organization = 'X';"),
    ),
    "with a view that never ends": (
        "refused",
        partial(
            change_database,
            f"ALTER TABLE hostile RENAME TO stored; CREATE VIEW hostile AS {FOR_EVER} "
            "SELECT x AS fid, geom, class FROM c, stored;",
        ),
    ),
    "with contents that never end": (
        "refused",
        partial(
            change_database,
            f"ALTER TABLE gpkg_contents RENAME TO stored; CREATE VIEW gpkg_contents AS {FOR_EVER} "
            "SELECT stored.* FROM c, stored;",
        ),
    ),
    "with a count that never ends": (
        "refused",
        partial(
            change_database,
            f"DROP TABLE gpkg_ogr_contents; CREATE VIEW gpkg_ogr_contents AS {FOR_EVER} "
            "SELECT 'hostile' AS table_name, x AS feature_count FROM c;",
        ),
    ),
    "with a computed column": (
        "refused",
        partial(
            change_database,
            "CREATE TABLE large (fid INTEGER PRIMARY KEY, geom BLOB, class TEXT AS (hex(zeroblob(400000000))));"
            "INSERT INTO large (fid, geom) SELECT fid, geom FROM hostile; DROP TABLE hostile;"
            "ALTER TABLE large RENAME TO hostile;",
        ),
    ),
    "with a count of a thousand million": (
        "refused",
        partial(change_database, "DROP TRIGGER IF EXISTS x; UPDATE gpkg_ogr_contents SET feature_count = 1000000000;"),
    ),
    "with a negative count": ("either", partial(change_database, "UPDATE gpkg_ogr_contents SET feature_count = -5;")),
    "with geometries of text": ("refused", partial(change_database, "UPDATE hostile SET geom = 'POINT (1 1)';")),
    "with geometries of noise": ("either", partial(change_database, "UPDATE hostile SET geom = randomblob(99);")),
    "with geometries of nothing": ("refused", partial(change_database, "UPDATE hostile SET geom = NULL;")),
    "with one geometry of nothing": (
        "right",
        partial(change_database, "UPDATE hostile SET geom = NULL WHERE fid = 1;"),
    ),
    "with an injection as table name": (
        "either",
        partial(
            change_database,
            'ALTER TABLE hostile RENAME TO "x; DROP TABLE y";'
            "UPDATE gpkg_contents SET table_name = 'x; DROP TABLE y';"
            "UPDATE gpkg_geometry_columns SET table_name = 'x; DROP TABLE y';"
            "UPDATE gpkg_ogr_contents SET table_name = 'x; DROP TABLE y';",
        ),
    ),
}

DATABASE_CASES = [
    make_case(role, name, expected, make) for role in ROLES for name, (expected, make) in DATABASES.items()
]
