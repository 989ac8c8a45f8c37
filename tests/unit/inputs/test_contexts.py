from cropmine.config.regions import WeakMap
from cropmine.inputs.contexts import TileContext, gather_contexts
from cropmine.planning.recipes import WeakSource


def test_each_tile_has_its_segments_and_all_have_the_weak_map():
    weak = WeakMap(path="weak.tif", cropland=[1], guard_m=30)
    files = {"segments": ["a.tif", "b.tif"], "overlaps": ["a.parquet", "b.parquet"], "weak": ["weak.tif"]}
    contexts = gather_contexts(["a", "b"], files, WeakSource("w", weak).settings)
    assert contexts["b"].segments == "b.tif" and contexts["a"].overlap == "a.parquet"
    path, read = contexts["a"].weak
    assert path == "weak.tif" and read.cropland == (1,)
    assert read.guard_m == 0, "a guard is for mining"


def test_tiles_of_models_that_read_imagery_alone_have_nothing_else():
    assert gather_contexts(["a"], {}, None) == {"a": TileContext()}
