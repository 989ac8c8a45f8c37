import csv
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import cropmine
from cropmine.config.experiments import Training
from cropmine.errors import CropmineError
from cropmine.inputs.tile_views import surround_tile
from cropmine.planning.progress import read_training
from cropmine.scoring.score_files import collect_scores
from cropmine.training import trainer as training_module
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.patches import LabelledTile, PatchReader
from cropmine.training.predictors import load_predictor, predict_tile
from cropmine.training.trainer import (
    COLUMNS,
    LastCheckpoint,
    count_devices,
    cut_validation,
    fingerprint_training,
    train_model,
)
from factories.trainings import MODEL, train_arguments

LIBRARY = str(Path(cropmine.__file__).parent.parent)

# What a job of SLURM finds when it has four tasks on two nodes: Lightning would wait for the other three.
ALLOCATION = {
    "SLURM_JOB_ID": "17",
    "SLURM_JOB_NAME": "cropmine",
    "SLURM_NTASKS": "4",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_NNODES": "2",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "n[1-2]",
}
# There is no GPU here: two processes on the CPU stand for two GPUs.
PROGRAM = """
import pickle
from cropmine.training import trainer
trainer.count_devices = lambda device, gpus: {devices}
positional, named = pickle.load(open({job!r}, "rb"))
trainer.train_model(*positional, **named)
"""


def train(region, folder, model=MODEL, validate=True, **options):
    positional, named = train_arguments(region, folder, model, validate, **options)
    train_model(*positional, **named)
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def trained(region, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, train(region, folder, MODEL.model_copy(update={"steps": 24}))


def test_a_network_learns_the_region_and_tells_its_history(trained):
    folder, history = trained
    assert tuple(history[0]) == COLUMNS
    assert [(row["epoch"], row["step"]) for row in history] == [("1", "12"), ("2", "24")]
    assert float(history[1]["loss"]) < float(history[0]["loss"])
    assert float(history[1]["validation_f1_cropland"]) > 0.8
    assert sorted(path.name for path in folder.iterdir()) == ["history.csv", "model.ckpt"]


def test_scores_are_read_from_the_same_codes_as_the_map(region, trained):
    (grid, source, *_), labels = region[0]["t0"], region[1]
    model = load_predictor(trained[0] / "model.ckpt", ["red", "nir"], 1, 1)
    view = surround_tile("t0", {"t0": source})
    whole = predict_tile(model, view)

    def predict(_, ids):
        return predict_tile(model, view, ids > 0)

    splits = labels["split"].to_numpy(object)
    scored = collect_scores(labels, splits, {"t0": grid}, predict)
    assert scored == collect_scores(labels, splits, {"t0": grid}, lambda *_: whole)
    assert [piece["pixels"] for piece in scored] == [80, 80, 160]


def test_a_seed_gives_the_same_weights_twice_and_another_seed_others(region, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(region, tmp_path / name, seed=seed)
    first, second, other = ((tmp_path / name / "model.ckpt").read_bytes() for name in "abc")
    assert first == second
    assert first != other


KILLED = """
import os, pickle, signal, sys
from cropmine.training import trainer

arguments, epoch = pickle.loads(sys.stdin.buffer.read())
save = trainer.LastCheckpoint.save

def save_and_die(last, progress, task):
    save(last, progress, task)
    if len(progress.rows) == epoch:
        os.kill(os.getpid(), signal.SIGKILL)

trainer.LastCheckpoint.save = save_and_die
trainer.train_model(*arguments[0], **arguments[1])
"""


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_after_its_last_epoch_to_the_same_weights(region, tmp_path, caplog):
    model = MODEL.model_copy(update={"steps": 12, "epochs": 4})
    history = train(region, tmp_path / "whole", model, fingerprint="a")
    command = [sys.executable, "-c", KILLED]
    arguments = train_arguments(region, tmp_path / "killed", model, fingerprint="a")
    run = subprocess.run(command, input=pickle.dumps((arguments, 3)), env=os.environ | {"PYTHONPATH": LIBRARY})
    assert run.returncode == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["last.ckpt"]
    assert not LastCheckpoint(tmp_path / "killed/last.ckpt", "other").load().rows
    with caplog.at_level("INFO", logger="cropmine.training.trainer"):
        again = train(region, tmp_path / "killed", model, fingerprint="a")
    assert "going on after epoch 3" in caplog.text
    (tmp_path / "run.log").write_text(caplog.text)
    assert read_training(str(tmp_path / "run.log")).epoch == 4
    weights = [load_checkpoint(tmp_path / name / "model.ckpt")[0].state_dict() for name in ("whole", "killed")]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name
    assert (tmp_path / "killed/model.ckpt").read_bytes() == (tmp_path / "whole/model.ckpt").read_bytes()
    told = [[{key: row[key] for key in row if key != "seconds"} for row in rows] for rows in (history, again)]
    assert told[0] == told[1]
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["history.csv", "model.ckpt"]


def test_a_broken_or_foreign_progress_starts_anew(region, tmp_path):
    train(region, tmp_path / "whole", fingerprint="a")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/last.ckpt").write_bytes((tmp_path / "whole/model.ckpt").read_bytes()[:5000])
    train(region, tmp_path / "broken", fingerprint="a")
    assert (tmp_path / "broken/model.ckpt").read_bytes() == (tmp_path / "whole/model.ckpt").read_bytes()


def test_a_training_that_is_terminated_fails(region, tmp_path, monkeypatch):
    def terminate(progress, row, state):
        progress.rows.append(row)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(training_module.Progress, "add", terminate)
    with pytest.raises(CropmineError, match="SIGTERM"):
        train(region, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_without_validation_labels_the_last_epoch_is_kept(region, tmp_path):
    history = train(region, tmp_path, MODEL.model_copy(update={"steps": 2, "epochs": 2}), validate=False)
    assert [row["validation_f1_cropland"] for row in history] == ["", ""]
    assert (tmp_path / "model.ckpt").exists()


@pytest.mark.parametrize("schedule", ["constant", "cosine", "onecycle"])
def test_every_schedule_takes_as_few_as_one_step(region, tmp_path, schedule):
    change = {"schedule": schedule, "steps": 1, "epochs": 3}
    assert len(train(region, tmp_path, MODEL.model_copy(update=change))) == 1


def test_a_loss_that_explodes_is_told(region, tmp_path):
    change = {"optimizer": "sgd", "learning_rate": 1e30, "schedule": "constant", "steps": 2}
    with pytest.raises(CropmineError, match="learning_rate"):
        train(region, tmp_path, MODEL.model_copy(update=change))
    assert not (tmp_path / "model.ckpt").exists()


def test_a_validation_patch_holds_its_own_piece_alone(region):
    tiles, labels = region
    reader = PatchReader([LabelledTile(source, target) for _, source, target, _ in tiles.values()])
    patches = cut_validation(reader, labels, 32, np.random.default_rng(0))
    assert [np.unique(target).tolist() for target in patches.target] == [[1, 255], [0, 255], [1, 255]]
    assert [np.count_nonzero(target != 255) for target in patches.target] == [80, 80, 160]
    far = labels.assign(geometry=labels.geometry.translate(xoff=5))
    assert cut_validation(reader, far, 32, np.random.default_rng(0)) is None


def train_apart(region, folder, devices: int) -> list[str]:
    """Train in a process of its own, in an allocation; gives the lines of the history."""
    folder.mkdir()
    job = folder / "job.pickle"
    positional, named = train_arguments(region, folder, validate=False)
    job.write_bytes(pickle.dumps(([*positional[:4], Training(cpu_threads=1, precision="32")], named)))
    program = folder / "train.py"
    program.write_text(PROGRAM.format(devices=devices, job=str(job)))
    environment = os.environ | ALLOCATION | {"PYTHONPATH": LIBRARY}
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return (folder / "history.csv").read_text().splitlines()


@pytest.mark.slow
def test_an_allocation_of_several_tasks_trains_once(region, tmp_path):
    assert len(train_apart(region, tmp_path / "one", 1)) == 3


@pytest.mark.slow
def test_two_processes_share_every_batch_and_write_one_model(region, tmp_path):
    one, two = (train_apart(region, tmp_path / str(devices), devices) for devices in (1, 2))
    assert [line.split(",")[:2] for line in one] == [line.split(",")[:2] for line in two]
    assert sorted(path.name for path in (tmp_path / "2").iterdir()) == [
        "history.csv",
        "job.pickle",
        "model.ckpt",
        "train.py",
    ]
    network, norm, _ = load_checkpoint(tmp_path / "2" / "model.ckpt")
    assert all(torch.isfinite(weights).all() for weights in network.state_dict().values())
    alone = load_checkpoint(tmp_path / "1" / "model.ckpt")[1]
    assert np.array_equal(norm.mean, alone.mean) and np.array_equal(norm.std, alone.std)


def test_more_gpus_than_there_are_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(CropmineError, match="asks for 2 GPUs, and 1 can be seen here"):
        count_devices(torch.device("cuda"), 2)
    assert count_devices(torch.device("cpu"), 2) == 1


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
