"""A cluster of SLURM on this machine, started for the tests and stopped whatever happens."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm.cluster import SCRIPT, Cluster, free_ports


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
