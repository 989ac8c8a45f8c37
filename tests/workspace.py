"""A copy of the workflow in a folder of its own, with a small region, run by the real Snakemake."""

import copy
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "rules", "profiles", "envs", "workflow_scripts", "pyproject.toml")
COLLECTING = ("all", "check", "check_inputs", "mine", "train", "map", "report", "sample", "suggest")
TINY_MODEL = {
    "architecture": "unet",
    "encoder": "resnet18",
    "encoder_weights": None,
    "decoder_channels": [16, 16, 8, 8, 8],
    "steps": 4,
    "epochs": 2,
    "batch_size": 4,
    "patch_px": 32,
}


@dataclass(frozen=True)
class Outcome:
    """What a run of Snakemake did."""

    code: int
    text: str

    @property
    def jobs(self) -> Counter:
        """Finished jobs by rule, the collecting ones left out."""
        rules = Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", self.text))
        return Counter(
            {
                rule: count
                for rule, count in rules.items()
                if rule not in COLLECTING and not rule.startswith(("sweep_", "transfer_"))
            }
        )

    @property
    def idle(self) -> bool:
        return "Nothing to be done" in self.text


class Workspace:
    """A folder with the workflow, a configuration and data."""

    def __init__(self, folder: Path, config: dict):
        self.folder, self.config = folder, config
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)

    def copy_to(self, folder: Path) -> "Workspace":
        """Copy a finished run, to be edited: with the times of files and Snakemake's records, so nothing is stale."""
        shutil.copytree(self.folder, folder, symlinks=True)
        twin = copy.copy(self)
        twin.folder, twin.config = folder, copy.deepcopy(self.config)
        return twin

    def write_config(self) -> None:
        """Write the configuration as it is now."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))

    def run(self, *arguments: str, cores: int = 2) -> Outcome:
        """Run Snakemake on the configuration as it is now."""
        self.write_config()
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments]
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

    def succeed(self, *arguments: str, cores: int = 2) -> Outcome:
        """Run Snakemake and insist that it succeeds."""
        outcome = self.run(*arguments, cores=cores)
        assert outcome.code == 0, outcome.text[-6000:]
        return outcome


def valley_config(inputs: Path) -> dict:
    """The configuration of the small region as a user would write it: two of its three tiles."""
    return {
        "regions": {
            "valley": {
                "imagery": f"{inputs}/imagery/{{tile}}.tif",
                "bands": ["blue", "green", "red", "nir"],
                "mask": {"path": f"{inputs}/masks/{{tile}}.tif", "bad": [1]},
                "weak": {"global_map": {"path": f"{inputs}/weak.tif", "cropland": [1], "year": 2021}},
                "labels": {
                    "path": f"{inputs}/labels.gpkg",
                    "class_field": "class",
                    "cropland": ["cropland"],
                    "noncropland": ["other"],
                    "ignore": ["unsure"],
                    "definition": "fields of annual crops",
                    "year": 2021,
                },
                "split": {
                    "method": "holdout",
                    "block_m": 250,
                    "buffer_m": 20,
                    "train": 0.5,
                    "validation": 0.25,
                    "test": 0.25,
                },
            }
        },
        "segmentations": {"kmeans6": {"clusters": 6, "min_area_m2": 500}},
        "models": {"tiny": dict(TINY_MODEL)},
        "experiments": {
            "half_human": {"human": 0.5},
            "half_human_mined_neg": {"human": 0.5, "mined": {"noncropland": 0.2}},
        },
        "training": {"cpu_threads": 1},
        "seeds": [0],
    }
