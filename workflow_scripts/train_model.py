"""Train the network of one run on its targets."""

import json
from hashlib import sha256
from pathlib import Path

import geopandas

from cropmine.config import Model, Split, Training
from cropmine.logs import rule_log
from cropmine.sources import group_sources
from cropmine.splits import VALIDATION, split_of
from cropmine.training import train_model


def read_validation(path, settings):
    """The pieces that validate the run."""
    labels = geopandas.read_parquet(path)
    return labels[split_of(labels, settings["fold"], Split(**settings["split"]).folds) == VALIDATION]


def fingerprint_job(snakemake):
    """A digest of what the training is made from: settings, code, targets and labels by content, imagery by date."""
    digest = sha256(json.dumps([snakemake.params.settings, snakemake.params.get("code", "")]).encode())
    for path in [*snakemake.input.targets, *snakemake.input.get("labels", [])]:
        digest.update(sha256(Path(path).read_bytes()).digest())
    for path in [*snakemake.input.images, *snakemake.input.get("masks", [])]:
        facts = Path(path).stat()
        digest.update(json.dumps([path, facts.st_size, facts.st_mtime_ns]).encode())
    return digest.hexdigest()


def main(snakemake):
    settings = json.loads(snakemake.params.settings)
    sources = group_sources(snakemake.input.images, snakemake.input.get("masks", []), settings)
    labels = [read_validation(path, settings) for path in snakemake.input.get("labels", [])]
    train_model(
        sources,
        dict(zip(sources, snakemake.input.targets, strict=True)),
        labels[0] if labels else None,
        Model(**settings["model"]),
        Training(**settings["training"]),
        seed=settings["seed"],
        bands=settings["bands"],
        dates=settings["dates"],
        out_checkpoint=snakemake.output.model,
        out_history=snakemake.output.history,
        fingerprint=fingerprint_job(snakemake),
    )


with rule_log(snakemake):
    main(snakemake)
