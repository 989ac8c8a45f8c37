"""A training in an allocation of SLURM, alone or with several processes."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import cropmine
from cropmine.config.experiments import Training
from cropmine.errors import CropmineError
from cropmine.training.checkpoints import load_checkpoint
from cropmine.training.trainer import count_devices
from factories.trainings import train_arguments

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


def test_an_allocation_of_several_tasks_trains_once(region, tmp_path):
    assert len(train_apart(region, tmp_path / "one", 1)) == 3


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
