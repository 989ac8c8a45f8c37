import os

import pytest

from cropmine.training.trainer import fingerprint_training


@pytest.fixture
def files(tmp_path):
    for name in ("target.tif", "image.tif"):
        (tmp_path / name).write_bytes(b"pixels")
    return tmp_path


def fingerprint(folder, settings="{}", code="c0de"):
    return fingerprint_training([settings, code], [folder / "target.tif"], [folder / "image.tif"])


def test_the_same_training_has_the_same_fingerprint_and_a_touched_target_too(files):
    first = fingerprint(files)
    os.utime(files / "target.tif", (1, 1))
    assert fingerprint(files) == first


def test_another_setting_code_target_or_image_starts_a_training_anew(files):
    seen = {fingerprint(files), fingerprint(files, settings="{1}"), fingerprint(files, code="f00d")}
    (files / "target.tif").write_bytes(b"labels")
    seen.add(fingerprint(files))
    os.utime(files / "image.tif", (1, 1))
    seen.add(fingerprint(files))
    assert len(seen) == 5
