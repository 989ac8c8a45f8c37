import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from cropmine.config.regions import LabelFiles, Split, WeakMap
from cropmine.errors import CropmineError
from cropmine.geo.rasters import write_raster
from cropmine.inputs.label_pieces import split_of
from cropmine.inputs.labels import read_labels
from cropmine.inputs.splits import assign_blocks, split_labels
from cropmine.mapping.map_tiles import write_map
from cropmine.mapping.suggestions import choose_suggestions, score_places, write_suggestions
from factories.tiles import make_grid

SPLIT = Split(method="holdout", block_m=100, buffer_m=0, train=0.5, validation=0.25, test=0.25)
NO_BLOCKS = pd.DataFrame({"block": [], "split": []})


@pytest.fixture
def scored(tmp_path):
    """Places of a tile whose runs disagree in the north-west, while the weak map differs in the south-east."""
    grid = make_grid(96, 96)
    bands = np.zeros((3, 96, 96), np.uint8)
    bands[2, :48, :48] = 60
    bands[:, :, 90:] = 255
    write_map(tmp_path / "t.tif", bands, grid, {})
    weak = np.zeros((96, 96), np.uint8)
    weak[48:, 48:] = 1
    write_raster(tmp_path / "weak.tif", weak, grid)
    described = WeakMap(path=str(tmp_path / "weak.tif"))
    return grid, score_places(tmp_path / "t.tif", 60, (str(tmp_path / "weak.tif"), described))


def test_places_score_by_disagreement_of_runs_and_difference_from_the_weak_map(scored):
    grid, places = scored
    points = geopandas.GeoSeries(shapely.points(places["lon"], places["lat"]), crs=4326).to_crs(grid.crs.to_wkt())
    west, north = points.x < grid.centre[0], points.y > grid.centre[1]
    assert (places["disagreement"][west & north] == 0.6).all() and (places["weak_difference"][west & north] == 0).all()
    assert (places["weak_difference"][~west & ~north] == 1).all()
    assert (places["score"][west & ~north] == 0).all()
    assert len(places) == 8 * 8  # the last column is half covered
    assert (places["score"] == (places["disagreement"] + places["weak_difference"]).round(4)).all()


def test_without_a_weak_map_the_runs_alone_count(tmp_path):
    bands = np.zeros((3, 24, 24), np.uint8)
    bands[2, :12] = 100
    write_map(tmp_path / "t.tif", bands, make_grid(24, 24), {})
    places = score_places(tmp_path / "t.tif", 60, None)
    assert places["score"].tolist() == [1, 1, 0, 0]


def test_suggestions_are_spread_over_blocks_that_train_and_carry_their_origin(scored, tmp_path):
    chosen = choose_suggestions(scored[1], 8, SPLIT, NO_BLOCKS)
    assert (chosen["origin"] == "suggested").all() and (chosen["class"] == "").all()
    blocks = assign_blocks(pd.unique(chosen["block"]), SPLIT)
    assert set(blocks["split"]) == {"train"}
    assert chosen["block"].value_counts().max() <= 2
    first = chosen.drop_duplicates("block")
    assert first["score"].is_monotonic_decreasing and first["score"].iloc[0] == 1
    held = pd.DataFrame({"block": [chosen["block"].iloc[0]], "split": ["test"]})
    assert held["block"].item() not in set(choose_suggestions(scored[1], 8, SPLIT, held)["block"])
    write_suggestions(tmp_path / "s.gpkg", chosen, {"map_version": "v"})
    assert geopandas.read_file(tmp_path / "s.gpkg")["place"].tolist() == list(range(1, len(chosen) + 1))


def test_a_region_without_labels_gets_suggestions_in_blocks_that_holdout_would_train(scored):
    chosen = choose_suggestions(scored[1], 8, SPLIT.model_copy(update={"method": "auto"}), None)
    pd.testing.assert_frame_equal(chosen, choose_suggestions(scored[1], 8, SPLIT, NO_BLOCKS))


def write_pieces_of(folder, chosen, drawn):
    """Suggestions that somebody labelled, and labels of other origin beside them."""
    own = chosen[["origin", "geometry"]].assign(**{"class": ["cropland", "other"] * (len(chosen) // 2)})
    own.to_file(folder / "suggested.gpkg")
    drawn.to_file(folder / "drawn.gpkg")
    paths = [str(folder / "drawn.gpkg"), str(folder / "suggested.gpkg")]
    files = LabelFiles(path=paths, class_field="class", cropland=["cropland"], noncropland=["other"])
    return read_labels(files, files.path)


def test_labelled_suggestions_train_and_one_in_a_held_out_block_is_refused(scored, tmp_path):
    chosen = choose_suggestions(scored[1], 8, SPLIT, NO_BLOCKS)
    drawn = scored[1][["geometry"]].assign(**{"class": ["cropland", "other"] * 32})
    labels = write_pieces_of(tmp_path, chosen, drawn)
    pieces, _ = split_labels(labels, SPLIT, [0])
    suggested = pieces["origin"] == "suggested"
    assert suggested.sum() >= len(chosen) and set(pieces["split"][suggested]) == {"train"}
    assert set(pieces["split"][~suggested]) == {"train", "validation", "test"}
    wrong = labels.assign(origin="suggested")
    with pytest.raises(CropmineError, match=r"labels of origin suggested are in blocks of the (test|validation) split"):
        split_labels(wrong, SPLIT, [0])


def test_in_folds_a_suggested_label_trains_or_is_unused_and_never_tests(scored, tmp_path):
    chosen = choose_suggestions(scored[1], 16, SPLIT.model_copy(update={"method": "kfold"}), NO_BLOCKS)
    drawn = scored[1][["geometry"]].assign(**{"class": ["cropland", "other"] * 32})
    pieces, _ = split_labels(
        write_pieces_of(tmp_path, chosen, drawn), Split(method="kfold", folds=3, block_m=100, buffer_m=0), [0]
    )
    suggested = (pieces["origin"] == "suggested").to_numpy()
    for fold in range(3):
        parts = split_of(pieces, fold, 3)
        assert set(parts[suggested]) == {"train", "unused"}
        assert set(parts[~suggested]) == {"train", "validation", "test"}
