"""A cluster of SLURM on this machine, and what tests can do to it."""

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

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
