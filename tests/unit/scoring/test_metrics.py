"""Scores from counts: figures of a matrix, what is counted once, intervals over blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cropmine.scoring.metrics import (
    PieceCounts,
    bootstrap_f1,
    compute_f1,
    count_blocks,
    count_confusion,
    describe_classes,
    describe_scores,
    join_histograms,
    leave_blocks_out,
    pool_rows,
    score_by_label,
    score_confusion,
    tabulate_pieces,
)
from cropmine.scoring.thresholds import choose_threshold
from factories.scores import piece


def count(*pieces, threshold=0.5):
    return count_confusion(tabulate_pieces(pieces, "test"), threshold)


labelled = st.lists(
    st.tuples(st.integers(0, 1), st.lists(st.integers(0, 200), min_size=1, max_size=8)), min_size=1, max_size=8
)


@given(labelled, st.integers(0, 200))
def test_counts_agree_with_counting_pixel_by_pixel(pieces, code):
    counts = count(*(piece(i, *row) for i, row in enumerate(pieces)), threshold=code / 200).counts.sum(axis=0)
    pixels = [(target, value > code) for target, values in pieces for value in values]
    assert counts.tolist() == [pixels.count(kind) for kind in [(1, True), (0, True), (1, False), (0, False)]]


@given(labelled)
@settings(max_examples=50)
def test_the_chosen_threshold_is_the_best_of_all_and_of_equals_the_nearest_to_a_half(pieces):
    histograms = tabulate_pieces([piece(i, *row) for i, row in enumerate(pieces)], "test")
    chosen = choose_threshold(histograms)
    scores = np.array([compute_f1(count_confusion(histograms, c / 200).counts.sum(axis=0)) for c in range(1, 200)])
    if np.isnan(scores).all():
        assert chosen == 0.5
        return
    assert scores[round(chosen * 200) - 1] == pytest.approx(scores.max())
    best = np.flatnonzero(np.isclose(scores, scores.max(), atol=1e-12)) + 1
    assert abs(round(chosen * 200) - 100) == np.abs(best - 100).min()


def test_a_pixel_at_the_threshold_is_not_cropland():
    assert count(piece(1, 1, [100, 101])).counts.tolist() == [[1, 0, 1, 0]]
    assert count(piece(1, 1, [29, 30]), threshold=0.145).counts.tolist() == [[1, 0, 1, 0]]


def test_counts_are_whole_numbers_whatever_the_file_says_them_in():
    one = piece(1, 1, [100, 101, 200])
    histograms = tabulate_pieces([one | {"codes": [100.0, 101.0, 200.0], "target": 1.0, "block": 7}], "test")
    assert [getattr(histograms, name).dtype.kind for name in ("label", "block", "target", "counts")] == list("iUbi")
    assert count_confusion(histograms, 0.5).counts.tolist() == [[2, 0, 1, 0]]
    assert tabulate_pieces([], "test").block.dtype.kind == "U"


def test_nodata_codes_are_not_counted():
    assert count(piece(1, 1, [255, 255, 200])).counts.sum() == 1


def test_figures_of_a_known_matrix():
    figures = score_confusion(np.array([6, 2, 4, 8]))
    assert figures["precision_cropland"] == pytest.approx(0.75)
    assert figures["recall_cropland"] == pytest.approx(0.6)
    assert figures["f1_cropland"] == pytest.approx(12 / 18)
    assert figures["f1_noncropland"] == pytest.approx(16 / 22)
    assert figures["precision_noncropland"] == pytest.approx(8 / 12)
    assert figures["recall_noncropland"] == pytest.approx(0.8)
    assert figures["false_positive_rate"] == pytest.approx(0.2)


def test_an_absent_class_gives_none_and_not_0_or_1():
    no_cropland = score_confusion(np.array([0, 3, 0, 5]))
    assert no_cropland["f1_cropland"] is no_cropland["precision_cropland"] is no_cropland["recall_cropland"] is None
    no_other = score_confusion(np.array([3, 0, 1, 0]))
    assert no_other["f1_noncropland"] is no_other["precision_noncropland"] is no_other["recall_noncropland"] is None
    assert no_other["false_positive_rate"] is None
    assert no_other["f1_cropland"] == pytest.approx(6 / 7)


def test_a_single_pixel_of_a_class_has_figures():
    figures = score_confusion(np.array([1, 0, 0, 1]))
    assert {key: value for key, value in figures.items() if value != 1} == {"false_positive_rate": 0}
    assert score_confusion(np.array([0, 1, 1, 0]))["f1_noncropland"] == 0


def test_f1_of_nothing_is_no_number_and_nothing_is_divided_by_0():
    with np.errstate(all="raise"):
        scores = compute_f1([[0, 0, 0, 0], [0, 3, 0, 5], [1, 0, 0, 0], [0, 0, 1, 0]])
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, [np.nan, np.nan, 1, 0])


def test_cropland_that_is_never_predicted_has_f1_0_and_no_precision():
    figures = score_confusion(np.array([0, 0, 4, 4]))
    assert figures["f1_cropland"] == 0
    assert figures["precision_cropland"] is None


def test_each_label_counts_once_however_large_and_in_however_many_pieces():
    large = [piece(1, 1, [200] * 900, "b0"), piece(1, 1, [200] * 100, "b1")]
    small = [piece(2, 1, [0] * 10), piece(3, 0, [200, 0])]
    assert score_by_label(count(*large, *small)) == pytest.approx(2 * 1 / (2 * 1 + 0.5 + 1))
    unseen, tiny = piece(4, 1, [255, 255]), piece(5, 0, [200])
    assert score_by_label(count(*large, *small, unseen, tiny)) == pytest.approx(2 * 1 / (2 * 1 + 1.5 + 1))


def test_rows_of_one_name_are_summed_as_whole_numbers():
    names, sums = pool_rows(np.array(["b", "a", "b"]), np.array([[1, 0, 0, 2], [0, 3, 0, 0], [4, 0, 5, 0]]))
    assert names.tolist() == ["a", "b"] and sums.tolist() == [[0, 3, 0, 0], [5, 0, 5, 2]]
    assert sums.dtype == np.int64


def test_chosen_rows_keep_their_labels_and_blocks():
    pieces = count(piece(7, 1, [200], "b0"), piece(8, 0, [0], "b1"), piece(9, 1, [0], "b2"))
    for rows in (np.array([True, False, True]), [0, 2]):
        kept = pieces.where(rows)
        assert kept.label.tolist() == [7, 9] and kept.block.tolist() == ["b0", "b2"]
        assert kept.counts.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]


def make_blocks(count_of_class, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count_of_class):
        rows.append(piece(number, 1, rng.integers(40, 200, 50), f"c{number}"))
        rows.append(piece(1000 + number, 0, rng.integers(0, 140, 50), f"n{number}"))
    return rows


def test_the_interval_holds_the_estimate_and_repeats():
    figures = [describe_scores(count(*make_blocks(12)), seed=3) for _ in range(2)]
    assert figures[0] == figures[1]
    assert figures[0]["f1_cropland_lo"] < figures[0]["f1_cropland"] < figures[0]["f1_cropland_hi"]
    assert (figures[0]["blocks_cropland"], figures[0]["blocks_noncropland"]) == (12, 12)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    truth = compute_f1(count(*make_blocks(4000, seed=99)).counts.sum(axis=0))
    figures = [describe_scores(count(*make_blocks(30, seed)), seed) for seed in range(60)]
    covered = np.mean([f["f1_cropland_lo"] <= truth <= f["f1_cropland_hi"] for f in figures])
    assert 0.85 <= covered <= 1


def test_a_block_counts_for_each_class_that_it_has_a_pixel_of():
    blocks = [[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1]]
    assert count_blocks(np.array(blocks)) == (3, 3)


def test_ten_blocks_of_each_class_are_enough_for_an_interval():
    counts = count(*make_blocks(10))
    figures = describe_scores(counts, seed=0)
    assert figures["f1_cropland_lo"] < figures["f1_cropland_hi"]
    assert figures["f1_cropland_by_label"] == score_by_label(counts)
    support = figures["support_cropland"], figures["support_noncropland"]
    assert support == (500, 500) and {type(number) for number in support} == {int}


def test_the_scores_of_a_map_of_classes_are_those_of_its_pieces_at_a_half():
    counts = [{"codes": [0, 200], "counts": [number * 5 % 7 + 1, number + 5]} for number in range(24)]
    pieces = [row | own for row, own in zip(make_blocks(12), counts, strict=True)]
    others = [row | {"split": "validation"} for row in make_blocks(3, seed=1)]
    figures = describe_classes(pieces + others, "test")
    assert figures == describe_scores(count(*pieces), seed=0) != describe_classes(pieces, "test", seed=1)


def test_under_ten_blocks_of_a_class_there_is_no_interval_but_a_range():
    figures = describe_scores(count(*make_blocks(9)), seed=0)
    assert figures["f1_cropland_lo"] is figures["f1_cropland_hi"] is None
    assert figures["f1_cropland_loo_lo"] <= figures["f1_cropland"] <= figures["f1_cropland_loo_hi"]


def test_the_range_leaves_out_one_block_at_a_time():
    blocks = np.array([[8, 0, 2, 10], [2, 3, 8, 5]])
    assert leave_blocks_out(blocks) == pytest.approx((4 / 15, 16 / 18))
    assert leave_blocks_out(blocks[:1]) == (None, None)


def test_classifiers_in_one_bootstrap_share_the_draws():
    blocks = np.random.default_rng(0).integers(1, 9, (15, 4))
    draws = bootstrap_f1(np.stack([blocks, blocks]), seed=0)
    assert (draws[0] == draws[1]).all()


def test_a_bootstrap_draws_as_many_blocks_with_cropland_as_there_are_however_little_they_hold():
    """Blocks of each class are alike, so that draws within the classes all score as the whole."""
    for cropland in ([1, 0, 0, 0], [1, 2, 0, 0], [1, 0, 3, 0]):
        blocks = np.array([cropland] * 4 + [[0, 1, 0, 3]] * 6)
        assert set(bootstrap_f1(blocks.tolist(), seed=0)) == {float(compute_f1(blocks.sum(axis=0)))}


def test_runs_are_pooled_by_summing_and_support_counts_pixels_once():
    runs = [tabulate_pieces(make_blocks(10, seed), "test") for seed in (0, 1)]
    pooled = count_confusion(join_histograms(runs), 0.5)
    assert pooled.counts.sum(axis=0).tolist() == sum(count_confusion(r, 0.5).counts.sum(axis=0) for r in runs).tolist()
    assert describe_scores(pooled, 0, repeats=2)["support_cropland"] == 500


def test_no_piece_at_all_gives_none_throughout():
    nothing = PieceCounts(np.zeros(0, np.int64), np.zeros(0, str), np.zeros((0, 4), np.int64))
    figures = describe_scores(nothing, 0)
    assert {value for key, value in figures.items() if not key.startswith(("support", "blocks"))} == {None}
    assert figures["support_cropland"] == figures["blocks_cropland"] == 0
