"""Tables and JSON files have the same bytes for the same content, and are written whole."""

import json

import pandas as pd
import pytest

from cropmine.tables import read_json, write_json, write_table


def test_a_table_is_rounded_and_has_unix_line_ends(tmp_path):
    table = pd.DataFrame({"name": ["a", "b"], "value": [1 / 3, None]})
    write_table(tmp_path / "six.csv", table)
    assert (tmp_path / "six.csv").read_bytes() == b"name,value\na,0.333333\nb,\n"
    write_table(tmp_path / "two.csv", table, decimals=2, missing="-")
    assert (tmp_path / "two.csv").read_bytes() == b"name,value\na,0.33\nb,-\n"


def test_json_is_indented_by_one_space_and_keeps_letters_beyond_ascii(tmp_path):
    write_json(tmp_path / "a.json", {"class": "café", "codes": [1]})
    assert (tmp_path / "a.json").read_bytes() == '{\n "class": "café",\n "codes": [\n  1\n ]\n}\n'.encode()
    assert read_json(tmp_path / "a.json") == {"class": "café", "codes": [1]}


def test_what_cannot_be_written_as_json_leaves_the_file_as_it_was(tmp_path):
    write_json(tmp_path / "a.json", [1])
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {1, 2})
    assert json.loads((tmp_path / "a.json").read_text()) == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
