"""Files are whole or not there."""

import pytest

from cropmine.files import replacing, write_text


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "new/a.csv"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert temporary.suffix == ".csv" and not path.exists()
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "of before")
    with pytest.raises(KeyError), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "of before" and list(tmp_path.iterdir()) == [path]


def test_text_is_written_in_utf_8(tmp_path):
    write_text(tmp_path / "a.txt", "30 m²")
    assert (tmp_path / "a.txt").read_bytes() == "30 m²".encode()
