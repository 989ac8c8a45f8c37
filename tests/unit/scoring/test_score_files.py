import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cropmine.errors import CropmineError
from cropmine.scoring.score_files import collect_scores, histogram_pieces, read_scores, write_scores
from factories.tiles import label_boxes, make_grid


@given(
    ids=arrays(np.int32, (6, 7), elements=st.integers(0, 4)),
    codes=arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 100, 200, 255])),
)
def test_histograms_count_every_valid_pixel_of_a_piece(ids, codes):
    counted = {(piece, code): count for piece, code, count in zip(*histogram_pieces(ids, codes), strict=True)}
    expected = {
        (piece, code): np.count_nonzero((ids == piece) & (codes == code))
        for piece in range(1, 5)
        for code in (0, 1, 100, 200)
    }
    assert counted == {key: count for key, count in expected.items() if count}


@pytest.fixture
def grids():
    return {"west": make_grid(32, 32), "east": make_grid(32, 32, column=1)}


def test_a_piece_over_two_tiles_has_the_pixels_of_both_and_training_pieces_have_none(grids):
    boxes = [
        (28, 4, 8, 2, 1, "test"),
        (2, 2, 4, 4, 0, "train"),
        (2, 10, 4, 4, 0, "validation"),
        (90, 90, 4, 4, 1, "test"),
    ]
    labels = label_boxes(grids["west"], boxes)
    asked = []

    def read_codes(tile, ids):
        asked.append(tile)
        codes = np.full(ids.shape, {"west": 10, "east": 150}[tile], np.uint8)
        codes[4, 30:] = 255
        codes[5, 31] = 200
        return codes

    pieces = collect_scores(labels, labels["split"].to_numpy(object), grids, read_codes)
    assert asked == ["west", "east"]
    assert [(piece["label"], piece["split"], piece["target"]) for piece in pieces] == [
        (0, "test", 1),
        (2, "validation", 0),
    ]
    assert pieces[0]["codes"] == [10, 150, 200]
    assert pieces[0]["counts"] == [5, 8, 1]
    assert pieces[0]["pixels"] == 14
    assert pieces[0]["block"] == "r0c0"
    assert pieces[1]["counts"] == [16]


def test_contradictory_labels_count_for_neither(grids):
    labels = label_boxes(grids["west"], [(2, 2, 4, 4, 1, "test"), (4, 2, 4, 4, 0, "test")])
    pieces = collect_scores(
        labels, labels["split"].to_numpy(object), grids, lambda _, ids: np.zeros(ids.shape, np.uint8)
    )
    assert [piece["pixels"] for piece in pieces] == [8, 8]


def test_pixels_that_two_tiles_share_count_once_for_each(grids):
    labels = label_boxes(grids["west"], [(2, 2, 4, 4, 1, "test")])
    tiles = {"one": grids["west"], "again": grids["west"]}
    pieces = collect_scores(
        labels, labels["split"].to_numpy(object), tiles, lambda _, ids: np.full(ids.shape, 7, np.uint8)
    )
    assert pieces[0]["counts"] == [32]


def test_scores_are_read_back_and_other_files_refused(tmp_path):
    pieces = [{"label": 1, "block": "r1c2", "target": 1, "split": "test", "pixels": 3, "codes": [7], "counts": [3]}]
    write_scores(tmp_path / "scores.json", pieces)
    assert read_scores(tmp_path / "scores.json") == pieces
    unreadable, other = r"can't be read as scores: Expecting", r"isn't a scores file of this format\."
    cases = (("{", unreadable), ("[]", other), ('{"format": 2, "pieces": []}', other), ('{"format": 1}', other))
    for number, (text, fault) in enumerate(cases):
        (tmp_path / f"{number}.json").write_text(text)
        hint = r"Hint: delete it and it will be made again\.$"
        with pytest.raises(CropmineError, match=rf"{number}\.json: {fault}.*{hint}"):
            read_scores(tmp_path / f"{number}.json")
