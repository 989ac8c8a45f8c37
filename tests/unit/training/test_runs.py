"""A run is trained on the files of its rule, and another file, setting or code makes it another run."""

from dataclasses import replace

import pytest
import torch

from cropmine.training import runs
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.runs import TrainingFiles, train_run
from factories.trainings import MODEL


@pytest.fixture
def given(region, tmp_path):
    """Sources, files and settings of a run."""
    tiles, labels = region
    labels.to_parquet(tmp_path / "labels.parquet")
    sources = {name: source for name, (_, source, _, _) in tiles.items()}
    images, targets = [source.images[0] for source in sources.values()], [target for _, _, target, _ in tiles.values()]
    files = TrainingFiles(images, [], targets, [str(tmp_path / "labels.parquet")])
    settings = {"model": MODEL.model_dump(mode="json"), "training": {"cpu_threads": 1}, "seed": 1}
    return sources, files, settings | {"bands": ["red", "nir"], "dates": 1, "fold": None, "folds": None}


def test_a_run_trains_on_its_files_and_is_validated_on_the_labels_that_do(given, tmp_path):
    train_run(*given, ["settings", "code"], tmp_path / "model.ckpt", tmp_path / "history.csv")
    _, _, meta = load_checkpoint(tmp_path / "model.ckpt")
    assert (meta["bands"], meta["dates"]) == (["red", "nir"], 1)
    rows = (tmp_path / "history.csv").read_text().splitlines()
    assert len(rows) == 3 and all(row.split(",")[4] for row in rows[1:])  # an F1 of cropland an epoch


def test_what_a_run_is_made_by_tells_it_from_others(given, tmp_path, monkeypatch):
    sources, files, settings = given
    named = []
    monkeypatch.setattr(runs, "train_model", lambda *_, fingerprint, **__: named.append(fingerprint))
    other = tmp_path / "other.ckpt"
    torch.save({}, other)
    for own, made_by in (
        (files, ["a", "b"]),
        (files, ["a", "b"]),
        (files, ["a", "c"]),
        (replace(files, statistics=[str(other)]), ["a", "b"]),
        (replace(files, labels=[]), ["a", "b"]),
    ):
        train_run(sources, own, settings, made_by, tmp_path / "m", tmp_path / "h")
    assert named[0] == named[1]
    assert len(set(named)) == 4
