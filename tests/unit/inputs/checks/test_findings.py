"""Faults of one check are told together, and a long list of them stays short."""

import pandas as pd
import pytest

from cropmine.errors import CropmineError
from cropmine.inputs.checks.findings import Findings
from cropmine.tables import write_table


def test_findings_keep_the_rest_of_a_long_list_short():
    findings = Findings()
    for number in range(1000):
        findings.fault("here", f"fault {number}")
    with pytest.raises(CropmineError, match="and 960 more faults"):
        findings.raise_faults("region")


def test_the_table_names_every_file_where_messages_name_a_few(tmp_path):
    findings = Findings()
    tiles = [f"t{number}" for number in range(9)]
    findings.fault("regions.r.imagery", "no such file", "look, there", *tiles, "t0")
    findings.warn("regions.r", "imagery and labels are 2 years apart")
    write_table(tmp_path / "found.csv", findings.tabulate())
    table = pd.read_csv(tmp_path / "found.csv", keep_default_na=False)
    assert list(table) == ["kind", "setting", "what", "hint", "name"]
    assert table["name"].tolist() == [*tiles, ""]
    assert table.iloc[0].tolist() == ["fault", "regions.r.imagery", "no such file", "look, there", "t0"]
    assert table.iloc[9].tolist() == ["warning", "regions.r", "imagery and labels are 2 years apart", "", ""]
    with pytest.raises(CropmineError, match="no such file: t0, t1, t2 and 6 more"):
        findings.raise_faults("regions.r")
