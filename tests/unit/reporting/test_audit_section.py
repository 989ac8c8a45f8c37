"""The report's section on audits: what it says of each, and weak maps at equal coverage."""

import re
from html import unescape

import pandas as pd
import pytest

from cropmine.reporting.audit_section import DescribedAudit, compare_audits, compare_weak_maps
from cropmine.reporting.report_files import AuditFiles
from cropmine.reporting.wording import make_environment
from cropmine.scoring.audit_summary import ERODED, MINED, ErodedLabels, Estimate, SharedLabels
from factories.audits import NOTHING, make_class, make_summary


def say(summary, compared=()):
    """The text of the section, with plain spaces, hyphens for dashes and for minus signs."""
    region = {"audits": [DescribedAudit("kmeans10", "global_map", "data:,", summary)], "compared_audits": compared}
    page = make_environment().get_template("audits.html.j2").render(region=region, scroll=lambda words: "")
    text = " ".join(unescape(re.sub("<[^>]*>", " ", page)).split())
    return text.translate({ord("\N{EN DASH}"): "-", ord("\N{MINUS SIGN}"): "-"})


def say_class(**changes):
    return say(make_summary(classes={"cropland": make_class(), "noncropland": make_class(mined_at=0.2, **changes)}))


def test_the_section_says_what_the_audit_rests_on():
    text = say(make_summary(prevalence_corrected=0.2))
    assert "Measured on 60 cropland and 60 non-cropland training labels in 30 and 30 blocks, on 2 of 3 training" in text
    assert "12 % of the land is cropland, the weak map's own share; corrected for the map's errors" in text
    assert "the share is 20 %." in text
    assert "as stated in the configuration." in say(make_summary(prevalence_assumed=False))
    assert "all that aren't declared as test (k-fold)" in say(make_summary(kfold=True))
    assert "Purity is unknown: no prevalence" in say(make_summary(prevalence=None))


def test_the_section_gives_the_errors_of_the_weak_map_that_are_known():
    text = say(make_summary())
    assert "Human cropland that the weak map omits 31 % 95 % interval 20 % to 40 %" in text
    assert "Human non-cropland that it calls cropland 3 %" in text
    assert "Cropland of the weak map that is wrong" not in text


def test_each_class_has_its_verdict():
    assert "Mined non-cropland is worth training on." in say_class()
    text = say_class(pure_at=(0.1, 0.11, 0.12, 0.3))
    assert "purity is at least 95 % below 0.1 to 0.12, 0.3, where a random pixel is non-cropland at 88 %." in text
    text = say_class(verdict="common", pure_at=(0.1,))
    assert "Mined non-cropland is pure only because non-cropland is common. It covers over a tenth of human cr" in text
    text = say_class(verdict="no", purity=Estimate(0.7, 0.6, 0.8))
    assert "No threshold gives a purity of 95 %; the best, below 0.2, gives 70 % (60-80 %)." in text


def test_an_unsure_verdict_says_what_it_needs():
    text = say_class(verdict="unsure", more_blocks=12, more_labels=30)
    assert "Mined non-cropland is not shown to be pure enough. Below 0.2 its purity is 97 % (96-99 %)." in text
    assert "To decide, about 30 more cropland labels in 12 more blocks are needed." in text
    assert "over ten times as many cropland labels and blocks are needed" in say_class(verdict="unsure")
    assert "It covers no human label." in say_class(verdict="unsure", threshold=None, purity=None)
    text = say_class(verdict="unsure", blocks=7)
    assert "needs 10 blocks of each class, so at least 3 more with non-cropland labels." in text


def test_a_class_without_labels_leaves_the_audit_without_a_verdict():
    text = say_class(verdict="unsure", labels=0, blocks=0)
    assert "There is no non-cropland label that trains on these tiles, so this audit can't tell" in text
    assert "Mined non-cropland" not in text


def test_mined_labels_are_compared_with_eroded_ones_in_words():
    def compare(value, lo, hi):
        eroded = ErodedLabels(34.4, 0.95, Estimate(value, lo, hi))
        return say_class(eroded=eroded)

    text = compare(0.02, 0.01, 0.03)
    assert (
        "non-cropland, below 0.2 25 % 97 % 96 % to 99 % 2 % 1 % to 6 % by 34 m 95 % +2.0 +1.0 to +3.0 mining is" in text
    )
    assert "-2.0 -3.0 to -1.0 erosion is purer" in compare(-0.02, -0.03, -0.01)
    assert "+1.0 -1.0 to +3.0 no clear difference" in compare(0.01, -0.01, 0.03)
    assert "+1.0 too few blocks for an interval" in compare(0.01, None, None)
    assert "No distance of erosion covers as much." in say_class()


def test_the_section_warns_of_labels_that_the_weak_map_omits_entirely():
    text = say(make_summary(omitted_whole=Estimate(0.25, 0.15, 0.4)))
    assert "The weak map omits 25 % (15-40 %) of the cropland labels entirely" in text
    assert "mined non-cropland contains 2 % (below 0.2) of human cropland" in text
    assert "entirely" not in say(make_summary(omitted_whole=Estimate(0.05, 0.01, 0.1)))


def test_the_section_warns_of_labels_that_trained_the_weak_map():
    text = say(make_summary(shared_labels=SharedLabels(3, 120)))
    assert "3 of 120 human labels are among the labels that the weak map was trained on." in text
    assert "was trained on" not in say(make_summary(shared_labels=SharedLabels(0, 120)))


def table(mined, eroded):
    """Audits of one class: (threshold, coverage, purity) of mined and (coverage, purity) of eroded labels."""
    rows = [{"source": MINED, "threshold": t, "coverage": c, "purity": p} for t, c, p in mined]
    rows += [{"source": ERODED, "threshold": None, "coverage": c, "purity": p} for c, p in eroded]
    frame = pd.DataFrame(rows).assign(**{"class": "noncropland"})
    return frame.assign(purity_lo=frame["purity"] - 0.1, purity_hi=frame["purity"] + 0.1)


def test_every_map_is_read_at_the_coverage_of_the_first_ones_mined_labels():
    paper = table([(0.1, 0.2, 0.99), (0.2, 0.4, 0.9)], [(0.5, 0.8), (0.3, 1.0)])
    registered = table([(0.1, 0.3, 0.98), (0.2, 0.5, 0.94)], [(0.6, 0.5), (0.5, 0.7)])
    (found,) = compare_audits("kmeans10", {"paper": paper, "registered": registered}, {"noncropland": [0.2]})
    assert (found.name, found.coverage) == ("noncropland", 0.4)
    purity = {(row.weak, row.source): row.purity for row in found.rows}
    assert purity["paper", MINED].value == pytest.approx(0.9)
    assert purity["paper", ERODED].value == pytest.approx(0.9)
    assert purity["registered", MINED].value == pytest.approx(0.96)
    assert purity["registered", MINED].lo == pytest.approx(0.86)
    assert purity["registered", ERODED] == NOTHING  # even its widest erosion keeps more
    text = say(make_summary(), [found])
    assert "paper, mined 90 % 80 % to 100 %" in text
    assert "registered, eroded without segments -" in text


def test_weak_maps_are_compared_where_they_share_a_segmentation(tmp_path):
    path = tmp_path / "audit.parquet"
    both = [table([(0.2, 0.4, 0.9)], [(0.5, 0.8)]).assign(**{"class": name}) for name in ("cropland", "noncropland")]
    pd.concat(both).to_parquet(path)
    places = (("kmeans10", "paper"), ("kmeans10", "registered"), ("slic", "paper"))
    summary = make_summary(classes={name: make_class(mined_at=0.2) for name in ("cropland", "noncropland")})
    audits = [DescribedAudit(*place, "data:,", summary) for place in places]
    files = [AuditFiles(*place, table=str(path), summary="", figure="") for place in places]
    compared = compare_weak_maps(files, audits)
    assert [(one.segmentation, one.name) for one in compared] == [("kmeans10", "cropland"), ("kmeans10", "noncropland")]


def test_a_class_without_thresholds_is_left_out():
    assert compare_audits("kmeans10", {"paper": table([(0.2, 0.4, 0.9)], [])}, {"noncropland": []}) == []
