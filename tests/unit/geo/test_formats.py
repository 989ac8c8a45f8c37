"""What GDAL may open, and that the workflow's processes have no other drivers and no network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.geo.gdal import confine_gdal, is_remote
from cropmine.geo.raster_formats import choose_raster_driver, place_sources
from cropmine.geo.rasters import wrap_raster
from cropmine.planning.tiles import stand_in
from factories.rasters import make_grid, write_plain
from workspace import ROOT

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


def test_a_stand_in_may_lead_to_the_path_that_its_name_is_a_digest_of_and_to_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import zipfile

    plain = write_plain(tmp_path / "t.tif", np.ones((2, 24, 32), np.uint16), make_grid())
    with zipfile.ZipFile("quads.zip", "w") as archive:
        archive.write(plain, "t.tif")
    source = f"/vsizip/{tmp_path}/quads.zip/t.tif"
    file = stand_in("r", source)
    wrap_raster(source, file)
    assert choose_raster_driver(file) == "VRT"
    other = Path(file).rename(Path(file).with_name("x_00000000.vrt"))
    with pytest.raises(CropmineError, match="leads out of its folder"):
        choose_raster_driver(other)


def test_a_source_of_a_vrt_whose_rectangle_is_not_written_in_full_has_no_place(tmp_path):
    named = '<SourceFilename relativeToVRT="1">{}.tif</SourceFilename><DstRect {}xSize="4" ySize="5"/>'
    sources = [named.format("whole", 'xOff="2" yOff="3" '), named.format("part", "")]
    elements = "".join(f"<SimpleSource>{source}</SimpleSource>" for source in sources)
    band = f'<VRTRasterBand dataType="Byte" band="1">{elements}</VRTRasterBand>'
    mosaic = tmp_path / "mosaic.vrt"
    mosaic.write_text(f'<VRTDataset rasterXSize="8" rasterYSize="8">{band}</VRTDataset>')
    assert place_sources(mosaic, 1) == {str(tmp_path / "whole.tif"): (2, 3, 6, 8)}


def test_no_rule_runs_a_shell():
    texts = [path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "rules").rglob("*.smk")]]
    assert not [text for text in texts if re.search(r"^\s*(shell|run)\s*:|\bshell\(|os\.system|shell=True", text, re.M)]
