"""What a cluster can't give is told with the setting to change."""

from dataclasses import replace

import pytest

from cropmine.errors import CropmineError
from cropmine.planning.slurm import find_misfits, parse_limits, read_accounts, read_limits

PARTITIONS = """\
PartitionName=short AllowGroups=ALL Default=YES MaxNodes=UNLIMITED MaxTime=04:00:00 MinNodes=0 State=UP
PartitionName=long AllowGroups=ALL Default=NO MaxNodes=UNLIMITED MaxTime=7-00:00:00 MinNodes=0 State=UP
"""
NODES = """\
NodeName=n1 CPUAlloc=0 CPUTot=8 Gres=(null) NodeAddr=n1 RealMemory=16000 AllocMem=0
NodeName=n2 CPUAlloc=0 CPUTot=8 Gres=gpu:a100:4(S:0-1) NodeAddr=n2 RealMemory=64000 AllocMem=0
"""


@pytest.fixture
def limits():
    return parse_limits(PARTITIONS, NODES)


def told(faults) -> list[str]:
    return [str(fault) for fault in faults]


def test_the_limits_are_those_of_the_largest_node_and_of_each_partition(limits):
    assert (limits.partitions, limits.mb, limits.gpus) == (("short", "long"), 64000, 4)
    assert limits.minutes == {"short": 240, "long": 7 * 24 * 60}
    assert limits.longest("short") == 240
    assert limits.longest() == 7 * 24 * 60


def test_a_partition_without_a_limit_is_the_longest():
    limits = parse_limits(PARTITIONS + "PartitionName=free MaxTime=UNLIMITED\n", NODES)
    assert limits.longest("free") is None
    assert limits.longest() is None
    assert limits.longest("short") == 240


def test_what_fits_is_no_fault(limits):
    common = {"mem_mb": 2000, "runtime": 60, "slurm_partition": "short", "slurm_account": "maize"}
    assert find_misfits(limits, common, {"train_model": {"gpu": 4}}, ["maize"]) == []


def test_a_partition_and_an_account_whose_names_are_numbers_are_known(limits):
    numbered = replace(limits, partitions=("7", *limits.partitions), minutes={**limits.minutes, "7": 60})
    common = {"slurm_partition": 7, "slurm_account": 12}
    assert find_misfits(numbered, common, {}, ["12"]) == []
    (fault,) = told(find_misfits(numbered, common, {"train_model": {"runtime": 300}}, ["12"]))
    assert "at most 60 minutes in partition 7" in fault


def test_a_cluster_without_partitions_has_no_longest_time():
    assert parse_limits("", "").longest() is None


def test_a_wrong_partition_names_its_setting_and_the_near_one(limits):
    (fault,) = told(find_misfits(limits, {"slurm_partition": "shrot"}, {}))
    assert fault.startswith("profiles/slurm/config.yaml: default-resources: slurm_partition: no partition 'shrot'")
    assert "did you mean 'short'" in fault


@pytest.mark.parametrize(
    ("key", "value", "most"),
    [("mem_mb", 70_000, "64000 MB"), ("runtime", 20_000, "10080 minutes"), ("gpu", 8, "4 GPUs")],
)
def test_a_job_that_never_fits_names_its_setting_and_the_most_that_does(limits, key, value, most):
    (fault,) = told(find_misfits(limits, {}, {"train_model": {key: value}}))
    assert fault.startswith(f"profiles/slurm/config.yaml: set-resources: train_model: {key}: {value} never fits")
    assert most in fault


def test_the_time_limit_is_that_of_the_partition_asked_for(limits):
    (fault,) = told(find_misfits(limits, {"slurm_partition": "short"}, {"train_model": {"runtime": 300}}))
    assert "at most 240 minutes in partition short" in fault


def test_a_missing_and_a_wrong_account_are_told_where_the_cluster_asks_for_one(limits):
    (missing,) = told(find_misfits(limits, {}, {}, ["maize", "teff"]))
    assert "default-resources: slurm_account: the cluster asks for an account. Hint: yours are maize, teff" in missing
    (wrong,) = told(find_misfits(limits, {"slurm_account": "mais"}, {}, ["maize", "teff"]))
    assert "no account 'mais'" in wrong
    assert find_misfits(limits, {}, {}, None) == []


def test_a_machine_without_slurm_is_told_apart_from_a_cluster(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CropmineError, match=r"no sbatch on the PATH\. Hint: start it on a login node"):
        read_limits()


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands of SLURM that say what they are told to, since a test's machine has no cluster."""

    def answer(command, text, code=0):
        path = tmp_path / command
        path.write_text(f"#!/bin/sh\n{text}\nexit {code}\n")
        path.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    answer("sbatch", "")
    return answer


def test_a_cluster_is_asked_for_its_limits(slurm, limits):
    slurm("scontrol", f"if [ $2 = node ]; then cat <<'END'\n{NODES}END\nelse cat <<'END'\n{PARTITIONS}END\nfi")
    assert read_limits() == limits


def test_accounts_are_asked_for_where_the_cluster_asks_for_one(slurm):
    slurm("sacctmgr", "printf 'maize\\nteff\\n'")
    slurm("scontrol", "echo 'AccountingStorageEnforce = associations,limits'")
    assert read_accounts() == ["maize", "teff"]
    slurm("scontrol", "printf 'AccountingStorageEnforce = none\\nother = associations\\n'")
    assert read_accounts() is None


def test_a_cluster_that_does_not_answer_is_told(slurm, monkeypatch):
    slurm("scontrol", "echo 'Unable to contact slurm controller' >&2", code=1)
    what = r"scontrol show partition -o says: Unable to contact slurm controller\. Hint: is the cluster up"
    with pytest.raises(CropmineError, match=what):
        read_limits()
    monkeypatch.setattr("cropmine.planning.slurm.SECONDS_TO_ANSWER", 0.1)
    slurm("scontrol", "exec sleep 5")
    with pytest.raises(CropmineError, match=r"scontrol show partition -o doesn't answer\. Hint: is the cluster up\?"):
        read_limits()
