"""GDAL has the drivers that are needed and no others, and no network unless a path is on one."""

import os
import subprocess
import sys

import pytest

from cropmine.geo.gdal import confine_gdal, is_remote

NEEDED_RASTERS = {"COG", "GTiff", "HFA", "JP2OpenJPEG", "MEM", "VRT"}
NEEDED_VECTORS = {"ESRI Shapefile", "FlatGeobuf", "GPKG", "GeoJSON", "KML", "LIBKML", "MEM", "Memory"}


def list_drivers():
    """The drivers of both copies of GDAL in a process of the workflow."""
    code = "import rasterio, pyogrio\nwith rasterio.Env() as e: print(*e.drivers(), *pyogrio.list_drivers(), sep='|')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | confine_gdal({}), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""  # nothing of drivers that one of the copies doesn't have
    return set(done.stdout.strip().split("|"))


def test_a_process_of_the_workflow_has_the_drivers_that_are_needed_and_no_other():
    assert list_drivers() <= NEEDED_RASTERS | NEEDED_VECTORS
    assert list_drivers() >= {"GTiff", "VRT", "COG", "GPKG", "GeoJSON", "ESRI Shapefile", "FlatGeobuf", "JP2OpenJPEG"}


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("/vsis3/bucket/{tile}.tif", True),
        ("/vsizip//vsicurl/http://host/x.zip/{tile}.tif", True),
        ("/vsigs_streaming/x/{tile}.tif", True),
        ("/vsizip/quads.zip/{tile}.tif", False),
        ("data/vsis3/{tile}.tif", False),
    ],
)
def test_the_network_is_on_only_where_the_configuration_names_a_path_on_it(path, remote):
    assert is_remote(path) == remote
    limits = confine_gdal({"regions": {"r": {"imagery": {"2021": path}, "bands": ["red"]}}})
    assert ("CPL_VSIL_CURL_ALLOWED_FILENAME" not in limits) == remote
