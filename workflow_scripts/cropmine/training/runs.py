"""The training of a run: from the files and settings of its rule to a checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cropmine.config.experiments import Training
from cropmine.config.models import Network
from cropmine.inputs.label_pieces import VALIDATION, read_pieces, select_split
from cropmine.inputs.tile_sources import TileSource
from cropmine.training.networks import Normalisation
from cropmine.training.trainer import fingerprint_training, train_model


@dataclass(frozen=True)
class TrainingFiles:
    """The files that a training reads: images and masks of tiles, their targets, no or one labels.parquet, and models
    whose statistics normalise."""

    images: Sequence[str]
    masks: Sequence[str]
    targets: Sequence[str]
    labels: Sequence[str]
    statistics: Sequence[str] = ()


def train_run(
    sources: Mapping[str, TileSource],
    files: TrainingFiles,
    settings: Mapping[str, Any],
    made_by: Sequence[str],
    out_checkpoint: str | Path,
    out_history: str | Path,
    norm: Normalisation | None = None,
) -> None:
    """Train the network of a run as train_model does.

    sources: by tile, in the order of the targets; settings: model, training, seed, bands, dates, fold and folds;
    made_by: texts that tell the run from others, its settings and the digest of its code; norm: statistics in place of
    those of all tiles.
    """
    pieces = [read_pieces(path) for path in files.labels]
    validation = [select_split(labels, settings["fold"], settings["folds"], VALIDATION) for labels in pieces]
    train_model(
        sources,
        dict(zip(sources, files.targets, strict=True)),
        next(iter(validation), None),
        Network.model_validate(settings["model"]),
        Training(**settings["training"]),
        seed=settings["seed"],
        bands=settings["bands"],
        dates=settings["dates"],
        out_checkpoint=out_checkpoint,
        out_history=out_history,
        fingerprint=fingerprint_training(
            made_by, [*files.targets, *files.labels, *files.statistics], [*files.images, *files.masks]
        ),
        norm=norm,
    )
