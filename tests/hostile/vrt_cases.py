"""Broken and hostile VRTs, as imagery and as a weak map.

Each has a sound raster beside it, a secret one above its folder, and a server that must not be asked.
"""

import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hostile.examination import Case
from hostile.raster_cases import LOOK, PLACE, PX, UTM, Make, examine_imagery, make_case, write_sidecar, write_tif


def write_vrt(
    source: str, folder: Path, band='<VRTRasterBand dataType="UInt16" band="{band}">', more="", root=""
) -> Path:
    write_tif(folder / "secret.tif")
    inner = folder / "data"
    (inner / "below").mkdir(parents=True)
    for place in ("sound.tif", "below/sound.tif"):
        write_tif(inner / place)
    named = source.format(folder=folder)
    relative = 0 if named.startswith("/") or "://" in named else 1
    bands = "".join(
        f"{band.format(band=number)}<NoDataValue>0</NoDataValue><SimpleSource>"
        f'<SourceFilename relativeToVRT="{relative}">{named}</SourceFilename>'
        f"<SourceBand>{number}</SourceBand>{more}</SimpleSource></VRTRasterBand>"
        for number in (1, 2)
    )
    place = ", ".join(map(str, PLACE.to_gdal()))
    (inner / "hostile.vrt").write_text(
        f'<VRTDataset rasterXSize="{PX}" rasterYSize="{PX}"{root}><SRS>{UTM}</SRS>'
        f"<GeoTransform>{place}</GeoTransform>{bands}</VRTDataset>"
    )
    return inner / "hostile.vrt"


def write_text(text: str, folder: Path) -> Path:
    (folder / "hostile.vrt").write_text(text)
    return folder / "hostile.vrt"


def write_nested(depth: int, folder: Path) -> Path:
    """A VRT of a VRT of a VRT, and so on, of a sound raster."""
    path = write_vrt("sound.tif", folder)
    content = path.read_text()
    for number in range(depth):
        (path.parent / f"link{number}.vrt").write_text(content)
        content = path.read_text().replace("sound.tif", f"link{number}.vrt")
    path.write_text(content)
    return path


RAW = '<VRTRasterBand dataType="Byte" band="{band}" subClass="VRTRawRasterBand">'
DERIVED = '<VRTRasterBand dataType="UInt16" band="{band}" subClass="VRTDerivedRasterBand">'
CODE = DERIVED + "<PixelFunctionType>f.f</PixelFunctionType>"
PYTHON = "<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode>import os</PixelFunctionCode>"
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><VRTDataset>&b;</VRTDataset>'
REMOTE = "http://127.0.0.1:{port}/x.tif"
VRTS: dict[str, tuple[str, Make]] = {
    "a sound VRT": ("right", partial(write_vrt, "sound.tif")),
    "a VRT of a file below": ("right", partial(write_vrt, "below/sound.tif")),
    "a VRT by an absolute path in its folder": ("right", partial(write_vrt, "{folder}/data/sound.tif")),
    "a VRT of a file above": ("refused", partial(write_vrt, "../secret.tif")),
    "a VRT of a file above by detours": ("refused", partial(write_vrt, "below/../../secret.tif")),
    "a VRT by an absolute path": ("refused", partial(write_vrt, "{folder}/secret.tif")),
    "a VRT of a system's file": ("refused", partial(write_vrt, "/etc/passwd")),
    "a VRT of a device": ("refused", partial(write_vrt, "/dev/zero")),
    "a VRT of nothing": ("refused", partial(write_vrt, "gone.tif")),
    "a VRT of an empty name": ("refused", partial(write_vrt, "")),
    "a VRT of a web address": ("refused", partial(write_vrt, "http://127.0.0.1:9/x.tif")),
    "a VRT of curl": ("refused", partial(write_vrt, "/vsicurl/http://127.0.0.1:9/x.tif")),
    "a VRT of a bucket": ("refused", partial(write_vrt, "/vsis3/bucket/x.tif")),
    "a VRT of an archive": ("refused", partial(write_vrt, "/vsizip/x.zip/x.tif")),
    "a VRT of standard input": ("refused", partial(write_vrt, "/vsistdin/")),
    "a VRT of a subset of files": ("refused", partial(write_vrt, "GTIFF_DIR:1:sound.tif")),
    "a VRT of a connection": ("refused", partial(write_vrt, "vrt://sound.tif")),
    "a VRT of memory": ("refused", partial(write_vrt, "MEM:::DATAPOINTER=1,PIXELS=9,LINES=9,DATATYPE=Byte")),
    "a VRT of a VRT in a string": ("refused", partial(write_vrt, "&lt;VRTDataset/&gt;")),
    "a VRT with raw bytes": ("refused", partial(write_vrt, "sound.tif", band=RAW)),
    "a VRT with a function": ("refused", partial(write_vrt, "sound.tif", band=CODE)),
    "a VRT with Python": ("refused", partial(write_vrt, "sound.tif", band=CODE + PYTHON)),
    "a VRT with open options": ("refused", partial(write_vrt, "sound.tif", more="<OpenOptions/>")),
    "a warped VRT": ("refused", partial(write_vrt, "sound.tif", root=' subClass="VRTWarpedDataset"')),
    "a VRT of itself": ("refused", partial(write_vrt, "hostile.vrt")),
    "a VRT of VRTs": ("right", partial(write_nested, 2)),
    "a VRT of many VRTs": ("refused", partial(write_nested, 6)),
    "a VRT with entities": ("refused", partial(write_text, ENTITIES)),
    "a VRT with an outer entity": (
        "refused",
        partial(write_text, '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><VRTDataset>&a;</VRTDataset>'),
    ),
    "a VRT that ends early": ("refused", partial(write_text, '<VRTDataset rasterXSize="10" rasterYSize="10">')),
    "a VRT in another root": ("refused", partial(write_text, "<x><VRTDataset/></x>")),
    "a VRT without a size": ("refused", partial(write_text, "<VRTDataset></VRTDataset>")),
    "a VRT of a huge size": (
        "refused",
        partial(write_text, '<VRTDataset rasterXSize="2147483647" rasterYSize="2147483647"/>'),
    ),
    "a VRT of deep elements": ("refused", partial(write_text, "<VRTDataset>" + "<MDI>" * 50_000)),
    "a description of a web service": ("refused", partial(write_text, "<GDAL_WMS><Service name='WMS'/></GDAL_WMS>")),
    "a vector VRT": ("refused", partial(write_text, "<OGRVRTDataSource/>")),
}


def ask_nobody(act: Callable[[], None], server: socket.socket) -> None:
    """Examine, and see that nobody was asked over the network."""
    asked = []
    threading.Thread(target=lambda: asked.append(server.accept()), daemon=True).start()
    try:
        act()
    finally:
        assert not asked


def write_remote(prefix: str, folder: Path) -> Callable[[], None]:
    """A VRT, and overviews of a sound TIFF, that name a server which is there and listens."""
    server = socket.create_server(("127.0.0.1", 0))
    address = f"{prefix}http://127.0.0.1:{server.getsockname()[1]}/x.tif"
    return partial(ask_nobody, partial(examine_imagery, write_vrt(address, folder)), server)


def write_remote_overview(prefix: str, folder: Path) -> Callable[[], None]:
    server = socket.create_server(("127.0.0.1", 0))
    address = f"{prefix}http://127.0.0.1:{server.getsockname()[1]}/x.tif"
    path = write_sidecar(".aux.xml", LOOK.replace("/etc/hostname", address), folder)
    return partial(ask_nobody, partial(examine_imagery, path), server)


VRT_CASES = [
    make_case(role, name, expected, make) for role in ("imagery", "weak map") for name, (expected, make) in VRTS.items()
] + [
    Case(f"imagery: {name} {prefix or 'plainly'}", "imagery", partial(make, prefix), expected, "hostile")
    for name, make, expected in (
        ("a VRT of a server that listens", write_remote, "refused"),
        ("overviews on a server that listens", write_remote_overview, "either"),
    )
    for prefix in ("", "/vsicurl/", "/vsicurl_streaming/")
]
