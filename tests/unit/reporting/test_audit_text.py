"""What the audit says of a weak map."""

import numpy as np
import pytest

from factories.audits import draw_truth, make_pieces, omit_corner, omit_edges, run_audit, spread


def test_the_audit_warns_of_a_weak_map_that_omits_whole_labels_of_cropland(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit_corner(truth), make_pieces(truth))
    assert summary["omits_whole_labels"]
    (warning,) = (text for text in summary["sentences"] if "Warning" in text)
    assert "of the cropland labels entirely" in warning
    assert "costs recall" in warning


@pytest.mark.parametrize(("omit", "omission"), [(spread, 0), (omit_edges, 1 - 36 / 64)])
def test_the_audit_does_not_warn_of_a_weak_map_that_omits_nothing_or_only_edges(tmp_path, omit, omission):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit(truth), make_pieces(truth))
    assert summary["weak_map"]["omission_by_label"]["value"] == pytest.approx(omission)
    assert not summary["omits_whole_labels"]
    assert not any("Warning" in text for text in summary["sentences"])


def test_a_good_weak_map_makes_both_classes_worth_it(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, 120), prevalence=None)
    assert [summary["classes"][name]["verdict"] for name in ("cropland", "noncropland")] == ["yes", "yes"]
    assert summary["prevalence"] == pytest.approx(truth.mean(), abs=1e-3)
    assert summary["prevalence_assumed"]
    assert "both classes are worth a training" in summary["sentences"][-1]


def test_a_coverage_that_no_erosion_reaches_is_told(tmp_path):
    truth = draw_truth()
    _, summary = run_audit(tmp_path, omit_edges(truth), make_pieces(truth), marks={"cropland": [0.3]})
    assert summary["at_equal_coverage"][0]["difference"] is None
    assert any("No distance of erosion gives the coverage of mined cropland" in s for s in summary["sentences"])


def test_too_few_blocks_give_no_interval_but_say_how_many_are_lacking(tmp_path):
    truth = draw_truth()
    table, summary = run_audit(tmp_path, spread(truth), make_pieces(truth, 12, blocks=7))
    assert table["purity_lo"].isna().all()
    assert summary["classes"]["cropland"]["verdict"] == "unsure"
    assert any("at least 3 more of non-cropland and 3 more of cropland" in text for text in summary["sentences"])
    assert summary["at_equal_coverage"][0]["lo"] is None


def test_folds_are_said_to_take_turns(tmp_path):
    truth = draw_truth()
    pieces = make_pieces(truth).assign(split=None, fold=np.int32(2))
    _, summary = run_audit(tmp_path, spread(truth), pieces)
    assert "k-fold" in summary["sentences"][0]
    assert summary["labels"]["cropland"] == 60
