"""cropmine as a module of another workflow."""

import subprocess
import sys

import pytest
import yaml

from cropmine.planning.resources import NEEDS
from workspace import ROOT, valley_config

pytestmark = pytest.mark.slow

OUTER = f"""
configfile: "outer.yaml"


module cropmine:
    snakefile:
        "{ROOT}/Snakefile"
    config:
        config["cropmine"]


use rule * from cropmine as cropmine_*


onstart:
    for job in workflow.dag.needrun_jobs():
        print(job.rule.name, "may take", job.resources.get("runtime"), "minutes")


rule count_mined:
    input:
        mined="results/valley/mined/kmeans6/global_map/neg0.2_valid0.5/r0c0.parquet",
    output:
        "mined.txt",
    default_target: True
    shell:
        "wc -c < {{input.mined}} > {{output}}"
"""


def test_another_workflow_uses_cropmines_rules_as_a_module(valley, tmp_path):
    (tmp_path / "Snakefile").write_text(OUTER)
    (tmp_path / "outer.yaml").write_text(yaml.safe_dump({"cropmine": valley_config(valley)}))
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"cropmine_check_region may take {NEEDS['check_region'].minutes} minutes" in done.stdout
    assert int((tmp_path / "mined.txt").read_text()) > 0
    assert (tmp_path / "results/valley/segments/kmeans6/r0c0.tif").exists()
    assert not (tmp_path / "results/valley/models").exists()
    again = subprocess.run([*command, "--dry-run"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Nothing to be done" in again.stdout + again.stderr
