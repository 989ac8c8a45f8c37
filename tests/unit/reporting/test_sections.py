"""Audits beside each other at equal coverage."""

import pandas as pd
import pytest

from cropmine.reporting.sections import compare_audits
from cropmine.scoring.audit_rates import ERODED, MINED


def table(mined, eroded):
    """Audits of one class: (threshold, coverage, purity) of mined and (coverage, purity) of eroded labels."""
    rows = [{"source": MINED, "threshold": t, "coverage": c, "purity": p} for t, c, p in mined]
    rows += [{"source": ERODED, "threshold": None, "coverage": c, "purity": p} for c, p in eroded]
    frame = pd.DataFrame(rows).assign(**{"class": "noncropland"})
    return frame.assign(purity_lo=frame["purity"] - 0.1, purity_hi=frame["purity"] + 0.1)


def test_every_map_is_read_at_the_coverage_of_the_first_ones_mined_labels():
    paper = table([(0.1, 0.2, 0.99), (0.2, 0.4, 0.9)], [(0.5, 0.8), (0.3, 1.0)])
    registered = table([(0.1, 0.3, 0.98), (0.2, 0.5, 0.94)], [(0.6, 0.5), (0.5, 0.7)])
    found = pd.DataFrame(compare_audits({"paper": paper, "registered": registered}, {"noncropland": [0.2]}))
    assert (found["coverage"] == 0.4).all()
    purity = found.set_index(["weak", "source"])["purity"]
    assert purity["paper", MINED] == pytest.approx(0.9)
    assert purity["paper", ERODED] == pytest.approx(0.9)
    assert purity["registered", MINED] == pytest.approx(0.96)
    assert pd.isna(purity["registered", ERODED])  # even its widest erosion keeps more
    assert found["purity_lo"].iloc[2] == pytest.approx(0.86)


def test_a_class_without_marks_is_left_out():
    assert compare_audits({"paper": table([(0.2, 0.4, 0.9)], [])}, {"noncropland": []}) == []
