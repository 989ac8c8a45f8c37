"""The summary of an audit: what follows from it, and its file."""

from cropmine.scoring.audit_summary import Estimate, SharedLabels, read_summary, write_summary
from factories.audits import make_class, make_summary


def test_a_summary_is_read_as_it_was_written(tmp_path):
    summary = make_summary(shared_labels=SharedLabels(3, 120))
    write_summary(tmp_path / "audit.json", summary)
    assert read_summary(tmp_path / "audit.json") == summary


def test_whole_labels_are_called_omitted_from_a_tenth_of_ten_labels_on():
    tenth = Estimate(0.1, None, None)
    assert make_summary(omitted_whole=tenth).omits_whole_labels
    assert not make_summary(omitted_whole=Estimate(0.09, None, None)).omits_whole_labels
    few = {"cropland": make_class(labels=9), "noncropland": make_class()}
    assert not make_summary(omitted_whole=tenth, classes=few).omits_whole_labels


def test_blocks_are_lacking_up_to_ten_of_each_class():
    classes = {"cropland": make_class(blocks=10), "noncropland": make_class(blocks=9)}
    assert make_summary(classes=classes).lacking_blocks == {"noncropland": 1}
