"""Broken and hostile rasters, as imagery, as a mask and as a weak map."""

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from cropmine.config.regions import Region, WeakMap
from cropmine.geo.grids import read_grid
from cropmine.inputs.checks.regions import check_region
from cropmine.inputs.imagery import read_tile
from cropmine.inputs.tile_sources import TileSource
from cropmine.inputs.weak_maps import read_weak_map
from hostile.examination import Case

PX = 64
UTM, PLACE = "EPSG:32637", from_origin(400_000, 100_000, 10, 10)
Make = Callable[[Path], Path]


def pixels(bands: int, dtype="uint16") -> np.ndarray:
    """Sound pixels: noise between 1 and 99, and 0, which is nodata, in a corner."""
    values = np.random.default_rng(bands).integers(1, 100, (bands, PX, PX)).astype(dtype)
    values[:, :8, :8] = 0
    return values


def write_tif(path: Path, bands=2, crs=UTM, transform=PLACE, values=None, **profile) -> Path:
    values = pixels(bands) if values is None else values
    shape = {"count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
    tiled = {"tiled": True, "blockxsize": 32, "blockysize": 32, "compress": "deflate", "nodata": 0}
    with rasterio.open(
        path, "w", crs=crs, transform=transform, **{"driver": "GTiff"} | tiled | shape | profile
    ) as file:
        file.write(values)
    return path


# What is done with a raster: as the workflow would.


def examine_imagery(path: Path) -> None:
    """Check it as a region's only tile and read it; what is read must be what the file holds."""
    region = Region(imagery=f"{path.parent}/{{tile}}.tif", bands=["red", "nir"])
    check_region(region, {"t": {"images": [str(path)], "masks": []}}, "regions.r")
    values, valid = read_tile(TileSource((str(path),), 2))
    with rasterio.open(path) as dataset:
        plain = dataset.read([1, 2])
        known = np.isfinite(plain).all(axis=0)
        for band, tag in zip(plain, dataset.nodatavals, strict=False):
            known &= band != tag if tag is not None else True
    assert values.shape == plain.shape
    assert not (valid & ~known).any()
    assert np.array_equal(values[:, valid], plain[:, valid])
    assert not values[:, ~valid].any()


def examine_mask(path: Path) -> None:
    """Check it as the mask of a sound tile and read that: what it masks is invalid, and nothing else changes."""
    tile = write_tif(path.parent / "sound_tile.tif")
    region = Region(imagery=f"{path.parent}/{{tile}}.tif", bands=["red", "nir"], mask={"path": "m/{tile}.tif"})
    check_region(region, {"t": {"images": [str(tile)], "masks": [str(path)]}}, "regions.r")
    values, valid = read_tile(TileSource((str(tile),), 2, (str(path),), (1.0,)))
    assert not (valid & (pixels(2) == 0).any(axis=0)).any()
    assert np.array_equal(values[:, valid], pixels(2)[:, valid])


def examine_weak(path: Path) -> None:
    """Check it as a weak map over a sound tile and read it: 0 and 1, and 1 only where the file has the class."""
    tile = write_tif(path.parent / "sound_tile.tif")
    weak = WeakMap(path=str(path), cropland=[*range(1, 50)])
    region = Region(imagery=f"{path.parent}/{{tile}}.tif", bands=["red", "nir"], weak={"w": weak.model_dump()})
    check_region(region, {"t": {"images": [str(tile)], "masks": []}}, "regions.r")
    grid = read_grid(tile)
    values, valid = read_weak_map(path, weak, grid)
    assert values.shape == grid.shape
    assert set(np.unique(values)) <= {0, 1}
    assert not values[~valid].any()
    with rasterio.open(path) as dataset:
        if read_grid(path).aligns(grid):
            plain = dataset.read(1)
            assert np.array_equal(values[valid], ((plain > 0) & (plain < 50))[valid])


# Spoilers of the bytes of a sound file.


def cut(share: float, content: bytes) -> bytes:
    return content[: int(len(content) * share)]


def flip(seed: int, reach: int, content: bytes) -> bytes:
    """Flip all bits of a byte within the first `reach` bytes, or of any with 0."""
    place = int(np.random.default_rng(seed).integers(4, min(reach or len(content), len(content))))
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def replace_all(new: bytes, _content: bytes) -> bytes:
    return new


def spoil(change: Callable[[bytes], bytes], folder: Path) -> Path:
    path = write_tif(folder / "hostile.tif")
    path.write_bytes(change(path.read_bytes()))
    return path


def make_folder(folder: Path) -> Path:
    (folder / "hostile.tif").mkdir()
    return folder / "hostile.tif"


def make_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "hostile.tif")
    return folder / "hostile.tif"


def link_to(target: str, folder: Path) -> Path:
    (folder / "hostile.tif").symlink_to(target)
    return folder / "hostile.tif"


def write_png(folder: Path) -> Path:
    Image.fromarray(pixels(1, "uint8")[0]).save(folder / "hostile.tif", format="PNG")
    return folder / "hostile.tif"


def write_envi(folder: Path) -> Path:
    """Bare pixels, and a header beside them that GDAL would find."""
    head = f"ENVI\nsamples = {PX}\nlines = {PX}\nbands = 2\ndata type = 12\ninterleave = bsq\nbyte order = 0\n"
    (folder / "hostile.hdr").write_text(head)
    (folder / "hostile.tif").write_bytes(pixels(2).tobytes())
    return folder / "hostile.tif"


SPOILED: dict[str, tuple[str, Make]] = {
    **{f"cut at {share:.0%}": ("refused", partial(spoil, partial(cut, share))) for share in (0, 0.001, 0.02, 0.1, 0.5)},
    **{f"cut at {share:.1%}": ("either", partial(spoil, partial(cut, share))) for share in (0.9, 0.999)},
    **{f"flipped in the header {seed}": ("either", partial(spoil, partial(flip, seed, 420))) for seed in range(20)},
    **{f"flipped anywhere {seed}": ("either", partial(spoil, partial(flip, seed, 0))) for seed in range(100, 110)},
    "zeros": ("refused", partial(spoil, partial(replace_all, bytes(5000)))),
    "noise": ("refused", partial(spoil, partial(replace_all, np.random.default_rng(0).bytes(5000)))),
    "a web page": ("refused", partial(spoil, partial(replace_all, b"<html><body>404 not found</body></html>"))),
    "magic and nothing": ("refused", partial(spoil, partial(replace_all, b"II*\0"))),
    "magic and noise": ("refused", partial(spoil, lambda _: b"II*\0\x08\0\0\0" + np.random.default_rng(1).bytes(999))),
    "packed by gzip": ("refused", partial(spoil, gzip.compress)),
    "a folder": ("refused", make_folder),
    "a pipe": ("refused", make_pipe),
    "a link to nothing": ("refused", partial(link_to, "nowhere")),
    "a link to itself": ("refused", partial(link_to, "hostile.tif")),
    "a link to a device": ("refused", partial(link_to, "/dev/zero")),
    "a PNG": ("refused", write_png),
    "an ENVI file": ("refused", write_envi),
}


# TIFFs written by hand: sizes that a file claims and doesn't have.


def write_claim(folder: Path, width=PX, height=PX, bands=2, bits=16, rows=None, data=b"", compression=8, next_ifd=0):
    """A TIFF of one strip with whatever size is claimed."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, bits), (259, 3, 1, compression), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 1000), (277, 3, 1, bands), (278, 4, 1, rows or height), (279, 4, 1, len(data))]
    entries += [(284, 3, 1, 1), (33550, 12, 3, 600), (33922, 12, 6, 700), (34735, 3, 16, 800)]
    keys = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32637]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    head += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", next_ifd)
    content = bytearray(1000) + data
    content[: len(head)] = head
    content[600:624] = struct.pack("<3d", 10, 10, 0)
    content[700:748] = struct.pack("<6d", 0, 0, 0, 400_000, 100_000, 0)
    content[800:832] = struct.pack("<16H", *keys)
    path = folder / "hostile.tif"
    path.write_bytes(content)
    return path


def write_bomb(folder: Path) -> Path:
    """A strip of 10 GB of zeros, deflated to 10 MB: one block after another, each without a look at the last."""
    packer, blocks = zlib.compressobj(9), 160
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**26)) + packer.flush(zlib.Z_FULL_FLUSH)
    check = struct.pack(">HH", blocks * 2**26 % 65521, 1)
    return write_claim(folder, 50_000, 53_687, data=head + block * blocks + b"\x03\0" + check)


def write_sparse(side: int, folder: Path) -> Path:
    """A valid file without a block of data, whatever its size."""
    path = folder / "hostile.tif"
    shape = {"width": side, "height": side, "count": 2, "dtype": "uint16", "crs": UTM, "transform": PLACE}
    tiled = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "sparse_ok": True}
    with rasterio.open(path, "w", driver="GTiff", nodata=0, bigtiff="YES", **shape, **tiled):
        pass
    return path


SMALL = zlib.compress(bytes(PX * PX * 4))
CLAIMED: dict[str, tuple[str, Make]] = {
    "a sound claim": ("right", partial(write_claim, data=SMALL)),
    "claims 2 thousand million pixels a side": ("refused", partial(write_claim, width=2**31 - 1, height=2**31 - 1)),
    "claims 4 thousand million columns": ("refused", partial(write_claim, width=2**32 - 1, data=SMALL)),
    "claims a strip of 40 GB": ("refused", partial(write_claim, width=100_000, height=100_000, data=SMALL)),
    "claims 65535 bands": ("refused", partial(write_claim, bands=65_535, data=SMALL)),
    "claims no pixel": ("refused", partial(write_claim, width=0, height=0, data=SMALL)),
    "claims no row in a strip": ("either", partial(write_claim, rows=2**31, data=SMALL)),
    "claims 3 bits": ("either", partial(write_claim, bits=3, data=SMALL)),
    "claims 64 bits": ("refused", partial(write_claim, bits=64, data=SMALL)),
    "claims an unknown compression": ("refused", partial(write_claim, compression=60_000, data=SMALL)),
    "points at itself": ("either", partial(write_claim, next_ifd=8, data=SMALL)),
    "points behind its end": ("either", partial(write_claim, next_ifd=2**31, data=SMALL)),
    "a decompression bomb": ("refused", write_bomb),
    "a sparse file of 200000 px a side": ("refused", partial(write_sparse, 200_000)),
}


# Files that are whole and unusual.


def write_rotated(folder: Path) -> Path:
    return write_tif(folder / "hostile.tif", transform=PLACE @ Affine.rotation(10))


def write_values(dtype: str, fill, folder: Path, **profile) -> Path:
    values = pixels(2).astype(dtype)
    values[:, 20:30, 20:30] = fill
    return write_tif(folder / "hostile.tif", values=values, **profile)


def write_sidecar(suffix: str, text: str, folder: Path) -> Path:
    path = write_tif(folder / "hostile.tif")
    (folder / f"hostile.tif{suffix}").write_text(text)
    return path


LOOK = '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/etc/hostname</MDI></Metadata></PAMDataset>'
UNUSUAL: dict[str, tuple[str, Make]] = {
    "sound": ("right", lambda folder: write_tif(folder / "hostile.tif")),
    "without a CRS": ("refused", lambda folder: write_tif(folder / "hostile.tif", crs=None)),
    "of a local CRS": ("refused", lambda folder: write_tif(folder / "hostile.tif", crs=CRS.from_wkt(LOCAL))),
    "rotated": ("refused", write_rotated),
    "south up": ("refused", lambda folder: write_tif(folder / "hostile.tif", transform=Affine(10, 0, 4e5, 0, 10, 0))),
    "pixels of no size": (
        "refused",
        lambda folder: write_tif(folder / "hostile.tif", transform=Affine(0, 0, 0, 0, 0, 0)),
    ),
    "a place that isn't a number": (
        "refused",
        lambda folder: write_tif(folder / "hostile.tif", transform=from_origin(np.nan, 0, 10, 10)),
    ),
    "a place that isn't finite": (
        "refused",
        lambda folder: write_tif(folder / "hostile.tif", transform=from_origin(np.inf, 0, 10, 10)),
    ),
    "off the earth": (
        "refused",
        lambda folder: write_tif(folder / "hostile.tif", transform=from_origin(1e30, 1e30, 10, 10)),
    ),
    "across the antimeridian": (
        "either",
        lambda folder: write_tif(
            folder / "hostile.tif", crs="EPSG:4326", transform=from_origin(179.999, 1, 1e-4, 1e-4)
        ),
    ),
    "at the pole": (
        "either",
        lambda folder: write_tif(folder / "hostile.tif", crs="EPSG:3031", transform=from_origin(-320, 320, 10, 10)),
    ),
    "complex": ("refused", partial(write_values, "complex64", 1 + 1j)),
    "of int8": ("refused", partial(write_values, "int8", -7)),
    "of uint64": ("refused", partial(write_values, "uint64", 7)),
    "with NaN": ("either", partial(write_values, "float32", np.nan)),
    "with infinity": ("either", partial(write_values, "float32", np.inf)),
    "all NaN": ("either", partial(write_values, "float32", np.nan, nodata=np.nan)),
    "with nodata that its dtype can't hold": ("either", partial(write_values, "float32", 5, nodata=-9999)),
    "of one band": ("either", lambda folder: write_tif(folder / "hostile.tif", bands=1)),
    "of one row": ("either", lambda folder: write_tif(folder / "hostile.tif", values=pixels(2)[:, 40:41])),
    "of one pixel": ("either", lambda folder: write_tif(folder / "hostile.tif", values=pixels(2)[:, 40:41, 40:41])),
    "with a script as overview": ("refused", partial(write_sidecar, ".ovr", "#!/bin/sh\ntouch pwned\n")),
    "with a VRT of a URL as overview": ("refused", partial(write_sidecar, ".ovr", "<VRTDataset/>")),
    "with a VRT as mask": ("refused", partial(write_sidecar, ".msk", "<VRTDataset/>")),
    "with broken metadata beside it": ("either", partial(write_sidecar, ".aux.xml", "<PAMDataset><")),
    "with metadata that point elsewhere": ("either", partial(write_sidecar, ".aux.xml", LOOK)),
}
LOCAL = 'LOCAL_CS["here",UNIT["metre",1]]'


ROLES = {"imagery": examine_imagery, "mask": examine_mask, "weak map": examine_weak}
ANYTHING = "either"


def make_case(role: str, name: str, expected: str, make: Make) -> Case:
    def prepare(folder: Path) -> Callable[[], None]:
        return partial(ROLES[role], make(folder))

    # A mask or a weak map may have any dtype, and a weak map may be larger than what is held in memory.
    lenient = role != "imagery" and make in {entry[1] for entry in (*UNUSUAL.values(), *CLAIMED.values())}
    return Case(f"{role}: {name}", role, prepare, ANYTHING if lenient else expected, "hostile")


RASTER_CASES = [
    make_case(role, name, expected, make)
    for role, groups in {
        "imagery": (SPOILED, CLAIMED, UNUSUAL),
        "weak map": (SPOILED, CLAIMED, UNUSUAL),
        "mask": (CLAIMED, UNUSUAL),
    }.items()
    for group in groups
    for name, (expected, make) in group.items()
]
