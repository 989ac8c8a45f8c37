"""Steps a second of a training: the bare model on a tensor in memory, ours through the loader, a plain Lightning setup.

Makes up one tile, then trains the same network in turns, a few steps of each, and prints medians and their ratios: bare
in the precision and memory format that cropmine chooses here; ours as train_model trains, from the tile in memory and
again read from its files; plain as a user would write it, a Dataset that reads patches by rasterio under Lightning's
defaults (float32, contiguous). With --cpu-time seconds are those of the processor, all threads together: on a machine
that others use as well, a lower bound of how ours compares, since the loader's threads count in full. --compile adds
the bare model under torch.compile, and tells how long compiling takes.
``python benchmarks/training.py [--patch 128] [--batch 8] [--steps 6] [--rounds 3] [--threads 2] [--cpu-time]``
"""

import argparse
import logging
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
import pytorch_lightning as lightning
import rasterio
import segmentation_models_pytorch as smp
import torch
from rasterio.windows import Window

from cropmine.classes import HUMAN, IGNORE, MINED
from cropmine.config.experiments import Training
from cropmine.config.models import Network
from cropmine.config.regions import Simulation
from cropmine.geo.rasters import write_raster
from cropmine.inputs.simulation.regions import simulate_region
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.losses.weighting import compute_loss, encode_labels
from cropmine.training.networks import build_network, choose_device, choose_precision
from cropmine.training.patches import LabelledTile, PatchBatches, PatchReader, index_labels, measure_normalisation
from cropmine.training.trainer import Bookkeeper, LastCheckpoint, Progress, SegmentationTask, fit_task

TILE_PX = 1024
CLOCK = time.perf_counter


def make_tile(folder: Path) -> LabelledTile:
    """A made-up tile, a third of whose pixels are labelled: 1 % by people, the rest mined."""
    scene, rng = simulate_region(Simulation(seed=7, rows=1, columns=1, tile_px=TILE_PX)), np.random.default_rng(0)
    draw = rng.random(scene.truth.shape)
    target = np.where(draw < 0.33, (scene.truth == 1).astype(np.uint8), np.uint8(IGNORE))
    source = np.where(target == IGNORE, 0, np.where(draw < 0.01, HUMAN, MINED)).astype(np.uint8)
    write_raster(folder / "image.tif", scene.pixels, scene.grid, nodata=0)
    write_raster(folder / "target.tif", np.stack([target, source]), scene.grid, nodata=IGNORE)
    return LabelledTile(TileSource((str(folder / "image.tif"),), len(scene.pixels)), str(folder / "target.tif"))


class Clock(lightning.Callback):
    """The times at which steps end."""

    def __init__(self):
        self.ends: list[float] = []

    def on_train_batch_end(self, *_):
        self.ends.append(read_clock())

    def step_times(self) -> list[float]:
        return np.diff(self.ends).tolist()


class Bare:
    """The network, its loss and its optimiser on one batch that stays in memory."""

    def __init__(self, model: Network, batch: tuple[np.ndarray, np.ndarray], compiled: bool = False):
        self.model, self.device = model, choose_device()
        self.dtype = choose_precision("auto", self.device)
        self.network = build_network(model, batch[0].shape[1]).to(self.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), model.learning_rate, fused=True)
        pixels, self.labels = (torch.from_numpy(array).to(self.device) for array in batch)
        self.pixels = pixels.contiguous(memory_format=torch.channels_last)
        self.forward = torch.compile(self.network) if compiled else self.network

    def run(self, steps: int) -> list[float]:
        ends = []
        for _ in range(steps + 1):
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
                logits = self.forward(self.pixels)
            loss = compute_loss(logits, self.labels, self.model)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            ends.append(read_clock())
        return np.diff(ends).tolist()


def read_clock() -> float:
    """Seconds, of the wall or of the processor."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return CLOCK()


class Ours:
    """The training of cropmine, without validation."""

    def __init__(self, model: Network, tile: LabelledTile, in_memory: bool, folder: Path):
        reader = PatchReader([tile], **({} if in_memory else {"in_memory_bytes": 0}))
        strata = index_labels([tile.target], np.random.default_rng(0))
        norm = measure_normalisation(reader)
        self.batches = PatchBatches(reader, strata, norm, model.batch_size, model.patch_px, 0)
        self.model, self.folder = model, folder

    def run(self, steps: int) -> list[float]:
        model = self.model.model_copy(update={"steps": steps + 1, "epochs": 1})
        progress, clock = Progress(), Clock()
        task = SegmentationTask(build_network(model, len(self.batches.norm.mean)), model, self.batches, progress)
        keeper = Bookkeeper(task, progress, None, LastCheckpoint(self.folder / "last.ckpt", ""), "auto")
        fit_task(task, [keeper, clock], Training())
        return clock.step_times()


class PlainPatches(torch.utils.data.Dataset):
    """Patches around labelled pixels as a user's own Dataset reads them."""

    def __init__(self, tile: LabelledTile, patch: int, norm, count: int):
        self.image, self.target, self.patch, self.norm, self.count = (
            tile.source.images[0],
            tile.target,
            patch,
            norm,
            count,
        )
        with rasterio.open(self.target) as dataset:
            self.places = np.argwhere(dataset.read(1) != IGNORE)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int):
        rng = np.random.default_rng(index)
        row, column = self.places[rng.integers(len(self.places))]
        row, column = (int(np.clip(start - self.patch // 2, 0, TILE_PX - self.patch)) for start in (row, column))
        window = Window(column, row, self.patch, self.patch)
        with rasterio.open(self.image) as image, rasterio.open(self.target) as target:
            pixels, labels = image.read(window=window).astype(np.float32), encode_labels(*target.read(window=window))
        pixels = (pixels - self.norm.mean[:, None, None]) / self.norm.std[:, None, None]
        for axis in (1, 2):
            if rng.random() < 0.5:
                pixels, labels = np.flip(pixels, axis), np.flip(labels, axis - 1)
        return torch.from_numpy(pixels.astype(np.float32)), torch.from_numpy(labels.copy())


class PlainTask(lightning.LightningModule):
    """A network under Lightning as its first tutorial has it."""

    def __init__(self, model: Network, channels: int):
        super().__init__()
        decoder = {"decoder_channels": model.decoder_channels} if model.decoder_channels else {}
        self.network = smp.Unet(model.encoder, encoder_weights=None, in_channels=channels, classes=2, **decoder)
        self.rate, self.settings = model.learning_rate, model

    def training_step(self, batch, _):
        return compute_loss(self.network(batch[0]), batch[1], self.settings)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), self.rate)


class Plain:
    """The plain setup."""

    def __init__(self, model: Network, tile: LabelledTile, norm):
        self.model, self.tile, self.norm = model, tile, norm

    def run(self, steps: int) -> list[float]:
        patches = PlainPatches(self.tile, self.model.patch_px, self.norm, (steps + 1) * self.model.batch_size)
        clock = Clock()
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        trainer = lightning.Trainer(max_epochs=1, callbacks=[clock], enable_model_summary=False, **quiet)
        loader = torch.utils.data.DataLoader(patches, batch_size=self.model.batch_size)
        trainer.fit(PlainTask(self.model, len(self.norm.mean)), loader)
        return clock.step_times()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("patch", 128), ("batch", 8), ("steps", 6), ("rounds", 3), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    if options.cpu_time:
        global CLOCK
        CLOCK = time.process_time
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(options.threads)
    sizes = {"batch_size": options.batch, "patch_px": options.patch}
    model = Network(encoder=options.encoder, encoder_weights=None, schedule="constant", **sizes)
    with tempfile.TemporaryDirectory() as folder:
        tile = make_tile(Path(folder))
        ours = Ours(model, tile, True, Path(folder))
        batch = ours.batches.cut_batch(0)
        setups = {"bare model": Bare(model, batch), "cropmine, tile in memory": ours}
        setups["cropmine, read from files"] = Ours(model, tile, False, Path(folder))
        setups["plain Lightning"] = Plain(model, tile, ours.batches.norm)
        if options.compile:
            setups["bare model, torch.compile"] = Bare(model, batch, compiled=True)
            start = time.perf_counter()
            setups["bare model, torch.compile"].run(1)
            print(f"compiling took {time.perf_counter() - start:.0f} s", flush=True)
        times: dict[str, list[float]] = {name: [] for name in setups}
        for number in range(1, options.rounds + 1):
            for name, setup in setups.items():
                steps = setup.run(options.steps)
                print(f"round {number}, {name}: {median(steps):.3f} s a step", flush=True)
                times[name] += steps
    clock = "CPU time" if options.cpu_time else "wall time"
    sizes = f"{clock}, {options.batch} patches of {options.patch} px, {options.threads} threads"
    print(f"U-Net/{options.encoder}, {sizes}, {choose_precision('auto', choose_device())}")
    bare, plain = median(times["bare model"]), median(times["plain Lightning"])
    for name, found in times.items():
        ratios = (
            f"{bare / median(found):5.2f} of the bare model's speed, {plain / median(found):5.2f} of the plain setup's"
        )
        print(f"{name:28} {median(found):7.3f} s a step, {ratios}")


if __name__ == "__main__":
    main()
