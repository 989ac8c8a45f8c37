"""Virtual mosaics: tiles of one CRS joined by a VRT that names them by relative paths."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from cropmine.files import replacing
from cropmine.geo.grids import Grid, read_grid

GDAL_TYPES = {
    "uint8": "Byte",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "float32": "Float32",
    "float64": "Float64",
}
Colours = Sequence[tuple[int, int, int, int]]


@dataclass(frozen=True)
class MosaicBand:
    """A band of a mosaic: its number in the tiles, description, dtype, nodata, scale and colour table.

    `only`: another band of the tiles and its value where the band shows; elsewhere it is nodata.
    """

    number: int
    description: str
    dtype: str
    nodata: float | None = None
    scale: float = 1.0
    colours: Colours | None = None
    only: tuple[int, int] | None = None


def write_mosaics(
    path: str | Path,
    tiles: Sequence[str | Path],
    bands: Sequence[MosaicBand],
    tags: Mapping[str, str] | None = None,
) -> list[Path]:
    """Join tiles in one VRT a CRS: the commonest at `path`, others next to it with their EPSG code in the name.

    Tiles are named by relative paths, tags are metadata. Where tiles overlap, the last that has data shows. The finest
    pixel size is that of the VRT. Returns the VRTs' paths; other VRTs of an earlier mosaic are deleted.
    """
    path = Path(path)
    grids = {str(tile): read_grid(tile) for tile in tiles}
    names = {tile: grid.crs.to_wkt() for tile, grid in grids.items()}
    made = []
    for stale in path.parent.glob(f"{path.stem}_*.vrt"):
        stale.unlink()
    for rank, (name, _) in enumerate(Counter(names.values()).most_common()):
        own = {tile: grid for tile, grid in grids.items() if names[tile] == name}
        epsg = next(iter(own.values())).crs.to_epsg() or f"other{rank}"
        made.append(path if rank == 0 else path.with_name(f"{path.stem}_{epsg}.vrt"))
        with replacing(made[-1]) as temporary:
            _describe_mosaic(own, path.parent, bands, tags or {}).write(temporary, encoding="utf-8")
    return made


def _describe_mosaic(
    tiles: dict[str, Grid], folder: Path, bands: Sequence[MosaicBand], tags: Mapping[str, str]
) -> ElementTree:
    """The XML of a VRT in a folder, of tiles of one CRS."""
    first = next(iter(tiles.values()))
    wests, souths, easts, norths = zip(*(grid.bounds for grid in tiles.values()), strict=True)
    west, north = min(wests), max(norths)
    across = min(grid.transform.a for grid in tiles.values())
    down = min(-grid.transform.e for grid in tiles.values())
    size = {"rasterXSize": round((max(easts) - west) / across), "rasterYSize": round((north - min(souths)) / down)}
    root = Element("VRTDataset", {key: str(value) for key, value in size.items()})
    SubElement(root, "SRS").text = first.crs.to_wkt()
    SubElement(root, "GeoTransform").text = ", ".join(map(repr, map(float, (west, across, 0, north, 0, -down))))
    metadata = SubElement(root, "Metadata")
    for key in sorted(tags):
        SubElement(metadata, "MDI", key=key).text = str(tags[key])
    for place, described in enumerate(bands, start=1):
        band = SubElement(root, "VRTRasterBand", dataType=GDAL_TYPES[described.dtype], band=str(place))
        _describe_band(band, described)
        for tile, grid in tiles.items():
            left, top = (grid.transform.c - west) / across, (north - grid.transform.f) / down
            scale = grid.transform.a / across, -grid.transform.e / down
            place_of = _spell_rectangle(left, top, grid.width * scale[0], grid.height * scale[1])
            _add_source(band, relpath(tile, folder), described.number, described.nodata, grid, place_of)
            if described.only:
                # Painted over what was painted: nodata, but for where the other band has the value, which is skipped.
                number, value = described.only
                cover = _add_source(band, relpath(tile, folder), number, value, grid, place_of)
                SubElement(cover, "ScaleOffset").text = f"{described.nodata:g}"
                SubElement(cover, "ScaleRatio").text = "0"
    indent(root)
    return ElementTree(root)


def _add_source(
    band: Element, tile: str, number: int, skipped: float | None, grid: Grid, place_of: dict[str, str]
) -> Element:
    """A band of a tile as source of a band of a VRT; a value of it is skipped."""
    source = SubElement(band, "ComplexSource")
    SubElement(source, "SourceFilename", relativeToVRT="1").text = tile
    SubElement(source, "SourceBand").text = str(number)
    SubElement(source, "SrcRect", _spell_rectangle(0, 0, grid.width, grid.height))
    SubElement(source, "DstRect", place_of)
    if skipped is not None:
        SubElement(source, "NODATA").text = f"{skipped:g}"
    return source


def _describe_band(band: Element, described: MosaicBand) -> None:
    """What the values of a band of a VRT mean."""
    SubElement(band, "Description").text = described.description
    if described.nodata is not None:
        SubElement(band, "NoDataValue").text = f"{described.nodata:g}"
    if described.scale != 1:
        SubElement(band, "Offset").text = "0"
        SubElement(band, "Scale").text = repr(described.scale)
    if described.colours:
        SubElement(band, "ColorInterp").text = "Palette"
        table = SubElement(band, "ColorTable")
        for colour in described.colours:
            SubElement(table, "Entry", dict(zip(("c1", "c2", "c3", "c4"), map(str, colour), strict=True)))


def _spell_rectangle(left: float, top: float, width: float, height: float) -> dict[str, str]:
    values = {"xOff": left, "yOff": top, "xSize": width, "ySize": height}
    return {key: repr(round(float(value), 6)) for key, value in values.items()}
