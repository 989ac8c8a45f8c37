"""The workflow on a real cluster: as on one machine, through every kind of failure, and nothing done is done again."""

import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from slurm.cluster import Cluster
from workspace import Outcome, Workspace, valley_config

pytestmark = pytest.mark.slow

# What the cluster of the tests needs beside the profile: it has no database, and no patience.
QUICK = [
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=1",
    "--seconds-between-status-checks=2",
    "--latency-wait=15",
    "--jobs=24",
]
# A tile waits while a file of its name lies in hold/, and fills the memory of its first attempt if one lies in greedy/.
DELAY = """
import time
from pathlib import Path


def be_awkward(tile):
    greedy = Path("greedy") / tile
    if greedy.exists():
        greedy.unlink()
        filled = b"x" * 1_500_000_000
        time.sleep(60)
        assert filled
    while (Path("hold") / tile).exists():
        time.sleep(0.2)


"""
COMPARED = ("segments", "overlaps", "mined", "masks", "targets", "map")


class Run:
    """A run of Snakemake through the profile, in the background."""

    def __init__(self, workspace: Workspace, cluster: Cluster, *arguments: str):
        self.log = workspace.folder / "run.log"
        workspace.write_config()
        command = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm", *QUICK, *arguments]
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                command, cwd=workspace.folder, env=cluster.environment, stdout=file, stderr=subprocess.STDOUT
            )

    def wait(self, seconds: int = 1500) -> Outcome:
        """Wait for its end; it is killed if it takes too long."""
        try:
            return Outcome(self.process.wait(seconds), self.log.read_text())
        finally:
            self.process.kill()

    def wait_for(self, happened: Callable[[], bool], seconds: int = 900) -> None:
        """Wait until something happened while it runs."""
        end = time.monotonic() + seconds
        while not happened():
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            assert time.monotonic() < end, self.log.read_text()[-4000:]
            time.sleep(0.5)


def submit(workspace: Workspace, cluster: Cluster, *arguments: str) -> Outcome:
    return Run(workspace, cluster, *arguments).wait()


def submitted(text: str) -> Counter:
    """The number of submissions by the rule or group in the names of SLURM's logs."""
    return Counter(re.findall(r"slurm_logs/(?:rule|group)_([a-z]+)", text))


@pytest.fixture
def workspace(valley, tmp_path) -> Workspace:
    """The small region, all that it needs and no more."""
    config = valley_config(valley)
    config["regions"]["valley"]["tiles"] = ["r0c0", "r0c1"]
    config["experiments"].pop("half_human")
    return Workspace(tmp_path / "here", config)


@pytest.fixture
def awkward(valley, tmp_path) -> Workspace:
    """Three tiles to be mined, that can be made to wait or to fill the memory."""
    config = valley_config(valley)
    del config["regions"]["valley"]["labels"], config["regions"]["valley"]["split"]
    made = Workspace(tmp_path / "awkward", config)
    script = made.folder / "workflow_scripts/segment_tile.py"
    head, tail = script.read_text().split("def main(snakemake):\n")
    script.write_text(f"{head}{DELAY}def main(snakemake):\n    be_awkward(snakemake.wildcards.tile)\n{tail}")
    (made.folder / "hold").mkdir()
    (made.folder / "greedy").mkdir()
    return made


def test_a_run_on_the_cluster_leaves_what_a_local_one_does(workspace, valley, cluster, tmp_path):
    local = Workspace(tmp_path / "local", workspace.config)
    run = Run(workspace, cluster)
    local.succeed(cores=1)
    outcome = run.wait()
    assert outcome.code == 0, outcome.text[-6000:]
    counts = submitted(outcome.text)
    assert (counts["segmenting"], counts["train"]) == (1, 1)  # both tiles' segments and masks in one job
    assert counts["mining"] == 2  # overlaps and targets, and polygons once the experiments are compared
    for tile in ("r0c0", "r0c1"):
        assert f"Segmenting {tile} of valley" in outcome.text  # and told one by one
    made = [path for kind in COMPARED for path in local.folder.glob(f"results/valley/{kind}/**/*")]
    files = [path.relative_to(local.folder) for path in made if path.suffix in (".tif", ".parquet")]
    assert len(files) >= 12
    differing = [path for path in files if (local.folder / path).read_bytes() != (workspace.folder / path).read_bytes()]
    assert differing == []
    for table in ("experiments.csv", "selected.json", "map/area.json"):
        path = Path("results/valley") / table
        assert (workspace.folder / path).read_text() == (local.folder / path).read_text()
    for script in (workspace.folder / "workflow_scripts").glob("*.py"):
        script.touch()
    assert submit(workspace, cluster).idle  # profiles/default, with its triggers, still applies


def test_nothing_is_lost_when_jobs_nodes_and_the_main_process_die(awkward, cluster):
    tiles = ("r0c0", "r0c1", "r0c2")
    for tile in tiles:
        (awkward.folder / "hold" / tile).touch()
    apart = ["mine", "--group-components", "segmenting=1", "mining=1", "--set-resources"]
    apart += [f"{rule}:mem_mb=1000*attempt**2" for rule in ("segment_tile", "overlap_tile", "mine_polygons")]

    def segmenting() -> list[tuple[str, str, str]]:
        return [job for job in cluster.jobs("running") if "segmenting" in job[1]]

    first = Run(awkward, cluster, *apart)
    first.wait_for(lambda: len(segmenting()) == 3)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    for job, *_ in cluster.jobs("running,pending"):  # as docs/slurm.md tells users to
        cluster.ask("scancel", job)
    while cluster.jobs("running,completing"):
        time.sleep(0.2)
    assert not list(awkward.folder.glob("results/valley/segments/*/*"))

    (awkward.folder / "greedy" / "r0c0").touch()
    (awkward.folder / "hold" / "r0c0").unlink()
    assert awkward.run("--unlock").code == 0
    second = Run(awkward, cluster, *apart)
    second.wait_for(lambda: len(segmenting()) == 3)
    second.wait_for(lambda: "Trying to restart" in second.log.read_text())  # r0c0: over its memory
    waiting = {job: node for job, _, node in segmenting()}
    cancelled = min(waiting, key=int)
    cluster.ask("scancel", cancelled)
    node = next(node for job, node in waiting.items() if job != cancelled)
    cluster.crash(node)
    for tile in ("r0c1", "r0c2"):
        (awkward.folder / "hold" / tile).unlink()
    outcome = second.wait()
    assert outcome.code == 0, outcome.text[-6000:]
    text = outcome.text
    assert "CANCELLED" in text
    assert cluster.jobs("node_fail")
    assert "rule_check_region" not in text  # done before the kill, and not again
    polygons = sorted(path.stem for path in awkward.folder.glob("results/valley/mined/**/*.parquet"))
    assert polygons == list(tiles)
    assert not list(awkward.folder.glob("results/**/.*"))  # no half-written file
    assert submit(awkward, cluster, "mine").idle


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--default-resources", "slurm_partition=mian", "mem_mb=2000"],
            "default-resources: slurm_partition: no partition 'mian'. Hint: did you mean 'main'?",
        ),
        (
            ["--set-resources", "train_model:mem_mb=99000"],
            "profiles/slurm/config.yaml: set-resources: train_model: mem_mb: 99000 never fits: at most 16000 MB",
        ),
    ],
)
def test_what_the_cluster_cant_give_is_told_before_the_first_job(workspace, cluster, arguments, message):
    before = len(cluster.jobs())
    outcome = submit(workspace, cluster, *arguments)
    assert outcome.code != 0
    assert message in outcome.text
    assert "Traceback" not in outcome.text
    assert len(cluster.jobs()) == before
