"""Faults of one check are told together, and a long list of them stays short."""

import pytest

from cropmine.errors import CropmineError
from cropmine.findings import Findings


def test_findings_keep_the_rest_of_a_long_list_short():
    findings = Findings()
    for number in range(1000):
        findings.fault("here", f"fault {number}")
    with pytest.raises(CropmineError, match="and 960 faults more"):
        findings.raise_faults("region")
