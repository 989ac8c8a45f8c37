"""Which raster files may be opened, and where the sources of a VRT are."""

from pathlib import Path

import numpy as np
import pytest

from cropmine.errors import CropmineError
from cropmine.geo.raster_formats import choose_raster_driver, place_sources
from cropmine.geo.rasters import wrap_raster
from cropmine.planning.tiles import name_virtual_source
from factories.rasters import make_grid, write_plain


def test_a_virtual_source_may_lead_to_the_path_that_its_name_is_a_digest_of_and_to_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import zipfile

    plain = write_plain(tmp_path / "t.tif", np.ones((2, 24, 32), np.uint16), make_grid())
    with zipfile.ZipFile("quads.zip", "w") as archive:
        archive.write(plain, "t.tif")
    source = f"/vsizip/{tmp_path}/quads.zip/t.tif"
    file = name_virtual_source("r", source)
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
