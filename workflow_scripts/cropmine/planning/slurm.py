"""A cluster's limits, and what a profile asks of it: what SLURM would refuse or never start is told at once."""

import getpass
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cropmine.errors import CropmineError, hint_at

PROFILE = "profiles/slurm/config.yaml"
DAY_MINUTES = 24 * 60
SECONDS_TO_ANSWER = 30


@dataclass(frozen=True)
class Limits:
    """The largest that a job may ask for: memory of a node (MB), GPUs of a node, and minutes by partition.

    A partition without a limit isn't among `minutes`.
    """

    partitions: tuple[str, ...]
    mb: int
    gpus: int
    minutes: Mapping[str, int]

    def longest(self, partition: str | None = None) -> int | None:
        """The time limit of a partition, minutes, or of the most patient one; None without a limit."""
        names = [partition] if partition in self.partitions else self.partitions
        if any(name not in self.minutes for name in names):
            return None
        return max((self.minutes[name] for name in names), default=None)


def read_limits() -> Limits:
    """Ask SLURM for its limits. Raises CropmineError if it isn't there or doesn't answer."""
    if shutil.which("sbatch") is None:
        hint = "start it on a login node of the cluster (module load slurm?), or without --profile profiles/slurm"
        raise CropmineError("executor: slurm", "there is no sbatch on the PATH", hint)
    return parse_limits(_ask("scontrol", "show", "partition", "-o"), _ask("scontrol", "show", "node", "-o"))


def parse_limits(partitions: str, nodes: str) -> Limits:
    """Read what `scontrol show partition -o` and `scontrol show node -o` say."""
    minutes = {}
    for name, limit in re.findall(r"^PartitionName=(\S+).*?MaxTime=(\S+)", partitions, re.MULTILINE):
        if limit != "UNLIMITED":
            minutes[name] = _parse_minutes(limit)
    names = tuple(re.findall(r"^PartitionName=(\S+)", partitions, re.MULTILINE))
    memory = [int(value) for value in re.findall(r"\bRealMemory=(\d+)", nodes)]
    gpus = [int(value) for value in re.findall(r"\bGres=\S*?gpu[^,\s]*?:(\d+)", nodes)]
    return Limits(names, max(memory, default=0), max(gpus, default=0), minutes)


def _parse_minutes(limit: str) -> int:
    """Minutes of SLURM's [days-]hours:minutes:seconds."""
    days, _, clock = limit.rpartition("-")
    hours, minutes, _ = (int(part) for part in clock.split(":"))
    return int(days or 0) * DAY_MINUTES + hours * 60 + minutes


def read_accounts() -> list[str] | None:
    """The accounts that this user may charge; None where the cluster doesn't ask for one."""
    if "associations" not in _ask("scontrol", "show", "config").partition("AccountingStorageEnforce")[2].split("\n")[0]:
        return None
    who = f"user={getpass.getuser()}"
    return _ask("sacctmgr", "--noheader", "--parsable2", "show", "associations", who, "format=account").split()


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, check=False)  # noqa: S603  # nosec B603
    except subprocess.TimeoutExpired:
        raise CropmineError("executor: slurm", f"{' '.join(command)} doesn't answer", "is the cluster up?") from None
    if done.returncode:
        what = f"{' '.join(command)} says: {done.stderr.strip()}"
        raise CropmineError("executor: slurm", what, "is the cluster up, and SLURM_CONF right?")
    return done.stdout


def find_misfits(
    limits: Limits,
    common: Mapping[str, int | str],
    rules: Mapping[str, Mapping[str, int | str]],
    accounts: Sequence[str] | None = None,
) -> list[CropmineError]:
    """Find what a cluster can't give: unknown partitions, a missing or unknown account, jobs that never fit.

    common: the profile's default-resources; rules: its set-resources by rule; accounts: as read_accounts gives them.
    """
    faults = []
    for where, asked in [
        ("default-resources", common),
        *((f"set-resources: {name}", ask) for name, ask in rules.items()),
    ]:
        place = f"{PROFILE}: {where}"
        partition = _read_name({**common, **asked}, "slurm_partition")
        if partition is not None and partition not in limits.partitions:
            faults.append(
                CropmineError(
                    f"{place}: slurm_partition",
                    f"no partition {partition!r}",
                    hint_at(partition, list(limits.partitions)),
                )
            )
        faults += _find_oversize(place, asked, limits, partition)
        account = _read_name(asked, "slurm_account")
        if accounts is not None and account is not None and account not in accounts:
            faults.append(
                CropmineError(f"{place}: slurm_account", f"no account {account!r}", hint_at(account, list(accounts)))
            )
    if accounts is not None and "slurm_account" not in common:
        hint = f"yours are {', '.join(accounts)}" if accounts else "ask the cluster's support for one"
        faults.append(
            CropmineError(f"{PROFILE}: default-resources: slurm_account", "the cluster asks for an account", hint)
        )
    return faults


def _read_name(asked: Mapping[str, int | str], key: str) -> str | None:
    """A name that YAML may have read as a number."""
    value = asked.get(key)
    return None if value is None else str(value)


def _find_oversize(
    place: str, asked: Mapping[str, int | str], limits: Limits, partition: str | None
) -> list[CropmineError]:
    largest = {"mem_mb": (limits.mb, "MB in the largest node"), "gpu": (limits.gpus, "GPUs in a node")}
    longest = limits.longest(partition)
    if longest is not None:
        largest["runtime"] = (longest, f"minutes in {'partition ' + partition if partition else 'any partition'}")
    faults = []
    for key, (most, of_what) in largest.items():
        wished = asked.get(key)
        if isinstance(wished, int) and wished > most:
            faults.append(
                CropmineError(
                    f"{place}: {key}",
                    f"{wished} never fits: at most {most} {of_what}",
                    f"set {key} to {most} or less",
                )
            )
    return faults
