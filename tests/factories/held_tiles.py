"""Tiles to be segmented whose pixels are in memory."""

from dataclasses import dataclass

import numpy as np

from cropmine.inputs.tile_sources import TileSource
from cropmine.mining.segmentation import Tile


@dataclass(frozen=True)
class HeldTile(Tile):
    """A tile without files."""

    pixels: np.ndarray | None = None

    def read_rows(self, top, bottom):
        return self.pixels[:, top:bottom], self.usable[top:bottom]


def hold_tile(pixels, valid, grid, bands, name="r0c0", fitted=""):
    """A tile of pixels (channels, h, w), valid bool (h, w)."""
    return HeldTile(name, TileSource((), len(bands)), grid, tuple(bands), valid, fitted, pixels=pixels)
