"""Rasters and vectors: grids, areas, files. Nothing here knows about cropland."""
