"""GeoPackages with the same bytes for the same content."""

from collections.abc import Mapping
from pathlib import Path

import geopandas
import pyogrio

from cropmine.files import replacing

WRITTEN = "2000-01-01T00:00:00Z"  # the time that a file says it was written: the same each time
VERSION = "1.3"  # which QGIS of some years ago reads without a warning


def write_geopackage(
    path: str | Path, frame: geopandas.GeoDataFrame, layer: str, tags: Mapping[str, str] | None = None
) -> None:
    """Write a table as a GeoPackage of one layer, with tags as the metadata of the layer."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN})
    metadata = {f"cropmine_{key}": str(value) for key, value in sorted((tags or {}).items())}
    try:
        with replacing(path) as temporary:
            options = {"driver": "GPKG", "layer": layer, "dataset_options": {"VERSION": VERSION}}
            pyogrio.write_dataframe(frame, temporary, layer_metadata=metadata or None, **options)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
