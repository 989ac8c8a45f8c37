"""Training of a network on targets: the same batches, and on one machine the same weights, for the same seed."""

import csv
import json
import logging
import math
import pickle
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import geopandas
import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.utilities.exceptions import SIGTERMException
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from scipy.ndimage import find_objects
from torch import nn

from cropmine.classes import CROPLAND, IGNORE, threshold_code
from cropmine.config.experiments import Training
from cropmine.config.models import Network
from cropmine.errors import CropmineError
from cropmine.files import replacing
from cropmine.geo.geometries import place_on_grid
from cropmine.geo.grids import measure_pixel, read_grid
from cropmine.inputs.label_rasters import burn_label_ids
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.checkpoints import save_checkpoint
from cropmine.training.losses.weighting import compute_loss
from cropmine.training.networks import Normalisation, build_network, choose_device, choose_precision
from cropmine.training.optimizers import build_optimizer, build_schedule
from cropmine.training.patches import (
    LabelledTile,
    PatchBatches,
    PatchReader,
    cut_window,
    index_labels,
    measure_normalisation,
)
from cropmine.training.prediction import predict_codes

log = logging.getLogger(__name__)
VALIDATION_PATCHES = 256
COLUMNS = ("epoch", "step", "loss", "learning_rate", "validation_f1_cropland", "validation_f1_noncropland", "seconds")


@dataclass(frozen=True)
class ValidationPatches:
    """A patch around each validation piece: pixels (n, channels, p, p) as read, valid and target (n, p, p)."""

    pixels: np.ndarray
    valid: np.ndarray
    target: np.ndarray

    def score(
        self, network: nn.Module, norm: Normalisation, device: torch.device, dtype: torch.dtype | None, batch: int
    ) -> tuple[float | None, float | None]:
        """F1 of cropland and of non-cropland at 0.5 over all labelled pixels; None of a class that is absent."""
        network.eval()
        parts = [
            predict_codes(network, norm.apply(self.pixels[start:stop], self.valid[start:stop]), device, dtype)
            for start, stop in ((start, start + batch) for start in range(0, len(self.pixels), batch))
        ]
        network.train()
        labelled = self.target != IGNORE
        truth, found = self.target[labelled] == CROPLAND, np.concatenate(parts)[labelled] > threshold_code(0.5)
        return _compute_f1(truth, found), _compute_f1(~truth, ~found)


def _compute_f1(truth: np.ndarray, found: np.ndarray) -> float | None:
    return float(2 * np.count_nonzero(truth & found) / (truth.sum() + found.sum())) if truth.any() else None


def cut_validation(
    reader: PatchReader, labels: geopandas.GeoDataFrame, patch_px: int, rng: np.random.Generator
) -> ValidationPatches | None:
    """Cut a patch around each validation piece that lies on the tiles, of 256 of them at most; None if none does.

    labels: the validation pieces, columns target and geometry (EPSG:4326). Only a patch's own piece is its target.
    """
    grids = [read_grid(tile.source.images[0]) for tile in reader.tiles]
    here = np.unique(np.concatenate([place_on_grid(labels.geometry, grid)[0] for grid in grids]))
    labels = labels.iloc[np.sort(rng.permutation(here)[:VALIDATION_PATCHES])]
    classes, cut = labels["target"].to_numpy(), []
    for tile, grid in enumerate(grids):
        ids = burn_label_ids(labels, grid)
        for piece, box in enumerate(find_objects(ids)):
            if box is not None:
                left, top = ((span.start + span.stop - patch_px) // 2 for span in (box[1], box[0]))
                window = (left, top, patch_px, patch_px)
                pixels, valid, _ = reader.cut(tile, window)
                own = valid & (cut_window(ids, window, 0) == piece + 1)
                cut.append((pixels, valid, np.where(own, np.uint8(classes[piece]), np.uint8(IGNORE))))
    return ValidationPatches(*(np.stack(part) for part in zip(*cut, strict=True))) if cut else None


@dataclass
class Progress:
    """What a training has come to after some epochs: history, best epoch, and the states to go on from."""

    rows: list[dict] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)
    best_f1: float = -1.0
    states: dict = field(default_factory=dict)

    def add(self, row: dict, state: dict[str, torch.Tensor]) -> None:
        """Add an epoch. The best has the highest F1 of cropland, the later of equals; without any F1 it's the last."""
        self.rows.append(row)
        f1 = row["validation_f1_cropland"]
        score = -1.0 if f1 is None else f1
        if score >= self.best_f1:
            self.best, self.best_f1 = state, score


class SegmentationTask(LightningModule):
    """The training of one network, from where its progress stands."""

    def __init__(self, network: nn.Module, model: Network, batches: PatchBatches, progress: Progress):
        super().__init__()
        self.network, self.model, self.batches, self.done = network, model, batches, len(progress.rows)
        self.bounds = np.linspace(0, model.steps, min(model.epochs, model.steps) + 1).round().astype(int)
        self.states = progress.states
        self.losses: list[torch.Tensor] = []

    @property
    def epoch(self) -> int:
        """The number of the current epoch, from 0."""
        return self.done + self.current_epoch

    def train_dataloader(self) -> "EpochBatches":
        return EpochBatches(self)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = build_optimizer(self.network.parameters(), self.model)
        scheduler = build_schedule(optimizer, self.model)
        if self.states:
            optimizer.load_state_dict(self.states["optimizer"])
            scheduler.load_state_dict(self.states["scheduler"])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        pixels, labels = batch
        loss = compute_loss(self.network(pixels), labels, self.model)
        self.losses.append(loss.detach())
        return loss


class EpochBatches:
    """The batches of a task's current epoch, as tensors; of several processes, each takes its part of every batch."""

    def __init__(self, task: SegmentationTask):
        self.task = task

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        start, stop = self.task.bounds[self.task.epoch : self.task.epoch + 2].tolist()
        part = slice(self.task.global_rank, None, self.task.trainer.world_size)
        for pixels, labels in self.task.batches.cut_batches(start, stop):
            mine = torch.from_numpy(pixels[part]), torch.from_numpy(labels[part])
            yield mine[0].contiguous(memory_format=torch.channels_last), mine[1]


class Bookkeeper(Callback):
    """Validates a task after each epoch, and keeps and saves its progress."""

    def __init__(
        self,
        task: SegmentationTask,
        progress: Progress,
        validation: ValidationPatches | None,
        last: "LastCheckpoint",
        precision: str,
    ):
        self.task, self.progress, self.validation, self.last = task, progress, validation, last
        self.precision = precision

    def on_train_epoch_start(self, *_: object) -> None:
        self.start = time.perf_counter()
        torch.manual_seed(self.task.batches.seed + 1_000_003 * (self.task.epoch + 1))

    def on_train_epoch_end(self, trainer: Trainer, *_: object) -> None:
        task = self.task
        loss, step = float(torch.stack(task.losses).mean()), int(task.bounds[task.epoch + 1])
        task.losses.clear()
        if not math.isfinite(loss):
            what = f"the loss isn't finite any more by step {step}"
            raise CropmineError("models.learning_rate", what, f"{task.model.learning_rate} is too high; lower it")
        f1: tuple[float | None, float | None] = (None, None)
        if self.validation is not None:
            dtype = choose_precision(self.precision, task.device)
            f1 = self.validation.score(task.network, task.batches.norm, task.device, dtype, task.model.batch_size)
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        values = (task.epoch + 1, step, loss, rate, *f1, time.perf_counter() - self.start)
        self.progress.add(dict(zip(COLUMNS, values, strict=True)), _copy_state(task.network))
        log.info(", ".join(f"{name} {_spell(value)}" for name, value in self.progress.rows[-1].items()))
        # After the last epoch the model itself is written.
        if trainer.is_global_zero and task.epoch + 1 < len(task.bounds) - 1:
            self.last.save(self.progress, task)


def _copy_state(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}


def _spell(value: float | int | None) -> str:
    return "" if value is None else f"{value:.6g}"


class LastCheckpoint:
    """The file from which a training that was killed goes on; only one of the same fingerprint is taken."""

    def __init__(self, path: Path, fingerprint: str):
        self.path, self.fingerprint = path, fingerprint

    def save(self, progress: Progress, task: SegmentationTask) -> None:
        """Save the progress after an epoch."""
        progress.states = {
            "network": task.network.state_dict(),
            "optimizer": task.trainer.optimizers[0].state_dict(),
            "scheduler": task.trainer.lr_scheduler_configs[0].scheduler.state_dict(),
        }
        with replacing(self.path) as temporary:
            torch.save({"fingerprint": self.fingerprint} | vars(progress), temporary)

    def load(self) -> Progress:
        """Give the saved progress; an empty one if there is none or it's another training's."""
        if not self.path.exists():
            return Progress()
        try:
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            fingerprint = content.pop("fingerprint")
        except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, ValueError) as error:
            log.warning("%s is broken (%s): training starts anew", self.path, error)
            return Progress()
        if fingerprint != self.fingerprint:
            log.info("%s is of other settings, code or inputs: training starts anew", self.path)
            return Progress()
        log.info("going on after epoch %d of %s", len(content["rows"]), self.path)
        return Progress(**content)


def train_model(
    sources: Mapping[str, TileSource],
    targets: Mapping[str, str | Path],
    labels: geopandas.GeoDataFrame | None,
    model: Network,
    training: Training,
    *,
    seed: int,
    bands: list[str],
    dates: int,
    out_checkpoint: str | Path,
    out_history: str | Path,
    fingerprint: str = "",
    norm: Normalisation | None = None,
) -> None:
    """Train a network on the tiles of `sources` and `targets`, and write its best epoch's weights and its history.

    labels: the validation pieces (columns target and geometry, EPSG:4326) or None. The best epoch has the highest F1 of
    cropland at 0.5 on them; without any it's the last. The checkpoint is as save_checkpoint writes it, the history a
    CSV of a row an epoch. A training that was killed goes on after its last finished epoch, to the same weights, if the
    fingerprint, which names all that it is made from, is the same. norm: statistics in place of those of all tiles.
    Raises CropmineError if a class has no label, no pixel is valid, the loss isn't finite, or on SIGTERM.
    """
    torch.set_num_threads(training.cpu_threads)
    reader = PatchReader([LabelledTile(source, str(targets[tile])) for tile, source in sources.items()])
    index_rng, validation_rng = np.random.default_rng(seed).spawn(2)
    strata = index_labels([tile.target for tile in reader.tiles], index_rng)
    norm = norm or measure_normalisation(reader)
    validation = (
        None if labels is None or labels.empty else cut_validation(reader, labels, model.patch_px, validation_rng)
    )
    log.info(
        "strata %s, validation patches %d", _count_strata(strata), 0 if validation is None else len(validation.target)
    )
    last = LastCheckpoint(Path(out_checkpoint).with_name("last.ckpt"), fingerprint)
    progress = last.load()
    torch.manual_seed(seed)
    network = build_network(model, len(norm.mean))
    if progress.states:
        network.load_state_dict(progress.states["network"])
    batches = PatchBatches(reader, strata, norm, model.batch_size, model.patch_px, seed)
    task = SegmentationTask(network, model, batches, progress)
    fit_task(task, [Bookkeeper(task, progress, validation, last, training.precision)], training)
    resolution_m = measure_pixel([read_grid(tile.source.images[0]) for tile in reader.tiles])
    save_checkpoint(
        out_checkpoint,
        progress.best,
        model,
        norm,
        bands=bands,
        dates=dates,
        resolution_m=resolution_m,
        precision=training.precision,
    )
    write_history(out_history, progress.rows)
    last.path.unlink(missing_ok=True)


def _count_strata(strata: dict) -> dict[str, int]:
    return {f"source {source} class {cls}": len(places) for (source, cls), places in strata.items()}


def count_devices(device: torch.device, gpus: int) -> int:
    """The devices that a training runs on: so many GPUs, or the one CPU. Raises CropmineError if there are too few."""
    if device.type == "cuda" and gpus > torch.cuda.device_count():
        what = f"asks for {gpus} GPUs, and {torch.cuda.device_count()} can be seen here"
        raise CropmineError("training.gpus", what, "lower it, or ask the cluster for more")
    return gpus if device.type == "cuda" else 1


def fit_task(task: SegmentationTask, callbacks: Sequence[Callback], training: Training) -> None:
    """Train a task to its end. Raises CropmineError on SIGTERM."""
    device = choose_device()
    devices = count_devices(device, training.gpus)
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    trainer = Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        sync_batchnorm=devices > 1 and device.type == "cuda",
        precision="32-true" if choose_precision(training.precision, device) is None else "bf16-mixed",
        max_epochs=len(task.bounds) - 1 - task.done,
        callbacks=list(callbacks),
        plugins=[LightningEnvironment()],  # else the variables of a SLURM job are taken for a launch of several tasks
        deterministic="warn" if device.type == "cuda" else None,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,  # trainings run side by side; progress.py tells their epochs
    )
    try:
        if trainer.max_epochs:
            trainer.fit(task)
    except SIGTERMException as error:  # a SystemExit with code 0, which would pass for a success
        raise CropmineError(
            "training", "was ended by SIGTERM", "start it again; is its time limit too short?"
        ) from error
    if not trainer.is_global_zero:
        sys.exit()  # a process that only helped: the first one writes what was trained
    task.network.cpu()


def write_history(path: str | Path, rows: list[dict]) -> None:
    """Write a row an epoch as CSV; what is undefined is empty."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _spell(value) for name, value in row.items()} for row in rows)


def fingerprint_training(texts: Sequence[str], contents: Iterable[str | Path], dated: Iterable[str | Path]) -> str:
    """Digest what a training is made from: texts such as settings and code, files by content, and large ones by date.

    Returns 64 hex digits.
    """
    digest = sha256(json.dumps(list(texts)).encode())
    for path in contents:
        digest.update(sha256(Path(path).read_bytes()).digest())
    for path in dated:
        facts = Path(path).stat()
        digest.update(json.dumps([str(path), facts.st_size, facts.st_mtime_ns]).encode())
    return digest.hexdigest()
