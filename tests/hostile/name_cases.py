"""Files of tiles whose names are hostile: found by a pattern, or refused before any rule hears of them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from cropmine.config.base import TILE_NAME
from cropmine.config.regions import Region
from cropmine.planning.tiles import check_files, find_tiles, name_virtual_source, tile_files
from hostile.config_cases import NAMES
from hostile.examination import Case
from hostile.raster_cases import write_tif


def examine_tiles(folder: Path) -> None:
    """Find the tiles of a folder: each has a name that stays in its folder whatever it is put behind."""
    region = Region(imagery=f"{folder}/imagery/{{tile}}.tif", bands=["red", "nir"])
    tiles = find_tiles("r", region)
    check_files("r", region, {tile: tile_files(region, tile) for tile in tiles})
    assert all(TILE_NAME.fullmatch(tile) for tile in tiles)


def name_tile(name: str, folder: Path) -> Callable[[], None]:
    (folder / "imagery").mkdir()
    sound = write_tif(folder / "sound.tif")
    sound.rename(folder / "imagery" / f"{name}.tif")
    return partial(examine_tiles, folder)


def name_folder(name: str, folder: Path) -> Callable[[], None]:
    """A hostile name of a folder is no fault: it is the user's."""
    inner = folder / name
    inner.mkdir()
    (inner / "imagery").mkdir()
    write_tif(inner / "imagery/a.tif")
    return partial(examine_tiles, inner)


def examine_virtual_source(path: str) -> None:
    file = name_virtual_source("r", path)
    assert Path(file).parts[:3] == ("results", "r", "virtual")
    assert len(Path(file).parts) == 4
    assert Path(file).stem.replace("_", "").isalnum()


USABLE = {name: sign for name, sign in NAMES.items() if "/" not in sign and "\0" not in sign and sign not in ("", "..")}
SHORT = {name: sign for name, sign in USABLE.items() if len(sign) < 200}
NAME_CASES = [
    *(
        Case(f"tile file: {name}", "name", partial(name_tile, sign), "refused", repr(sign) if sign[0] != "." else sign)
        for name, sign in SHORT.items()
    ),
    *(
        Case(f"folder: {name}", "name", partial(name_folder, sign), "right", "")
        for name, sign in SHORT.items()
        if "{tile}" not in sign
    ),
    *(
        Case(
            f"virtual path: {name}",
            "name",
            lambda _, sign=sign: partial(examine_virtual_source, f"/vsizip/{sign}"),
            "right",
            "",
        )
        for name, sign in NAMES.items()
    ),
]
