"""A cluster of SLURM on this machine, started for the tests and stopped whatever happens."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("cluster.sh")
PORTS = 3


@dataclass(frozen=True)
class Cluster:
    """A running cluster: the environment that its users need, and what can be done to it."""

    folder: Path
    environment: dict[str, str]

    def ask(self, *command: str) -> str:
        """Run one of SLURM's commands."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout

    def jobs(self, states: str = "all") -> list[tuple[str, str, str]]:
        """Job id, comment and node of the jobs in some states."""
        lines = self.ask("squeue", "-h", "-t", states, "-o", "%A|%k|%N").splitlines()
        return [tuple(line.split("|")) for line in lines]

    def crash(self, node: str) -> None:
        """Kill a node with all that runs on it."""
        subprocess.run([SCRIPT, "crash-node", node], env=self.environment, timeout=300, check=True)


def free_ports() -> int:
    """The first of some adjacent ports that nobody listens on."""
    for first in range(20_000 + os.getpid() % 20_000, 60_000, PORTS):
        try:
            for port in range(first, first + PORTS):
                with socket.socket() as probe:
                    probe.bind(("", port))
        except OSError:
            continue
        return first
    raise OSError("no free ports")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster for `make test-slurm`; other runs of the tests leave it out, since it takes many minutes."""
    if "CROPMINE_SLURM" not in os.environ:
        pytest.skip("make test-slurm runs the tests on a cluster")
    folder = Path(tempfile.mkdtemp(prefix="cropmine-slurm-", dir="/tmp"))  # munge wants a short way that all may go
    folder.chmod(0o755)
    environment = os.environ | {
        "CLUSTER_DIR": str(folder),
        "CLUSTER_PORT": str(free_ports()),
        "CLUSTER_OWNER": str(os.getpid()),
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        started = subprocess.run([SCRIPT, "start"], env=environment, capture_output=True, text=True, timeout=300)
        if started.returncode:
            why = f"no SLURM on this machine: {started.stderr.strip()[-500:]}"
            pytest.fail(why)
        yield Cluster(folder, environment)
    finally:
        subprocess.run([SCRIPT, "stop"], env=environment, capture_output=True, timeout=60, check=False)
        shutil.rmtree(folder, ignore_errors=True)
