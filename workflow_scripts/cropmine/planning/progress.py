"""Progress of a run, told by phase from Snakemake's events: what is done, running and left, and for how long.

The lines go to the logger that the events come from, so that a terminal and the log file of the run show the same.
"""

import logging
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

EVERY_S = 60.0  # while nothing finishes
LEAST_S = 10.0
COUNTING_SHARE = 0.01
HEAD_BYTES, TAIL_BYTES = 16_384, 4096
EPOCHS = re.compile(r'"epochs":\s*(\d+)')
EPOCH = re.compile(
    r"epoch (?P<epoch>\d+), step (?P<step>\d+), loss (?P<loss>\S+), .*validation_f1_cropland (?P<f1>[^, ]*),"
)


@dataclass(frozen=True)
class Job:
    """A job that runs: its rule, what tells it from its rule's others, its log, its threads and when it began, s."""

    rule: str
    name: str
    log: str | None
    threads: int
    since: float


class Progress:
    """What has been done of a run, what runs, and how long its jobs take.

    phases: the phase of each rule, in the order in which they are told; of other rules nothing is. slots: threads that
    work at a time. past: mean seconds of a rule's jobs in earlier runs, None where there are none.
    """

    def __init__(self, phases: Mapping[str, str], slots: int, past: Callable[[str], float | None]):
        self.phases, self.slots, self.past = phases, max(slots, 1), past
        self.running: dict[int, Job] = {}
        self.done: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._threads: dict[str, int] = {}

    def start(self, jobid: int, job: Job) -> None:
        """Note that a job begins."""
        if job.rule in self.phases:
            self.running[jobid] = job
            self._threads[job.rule] = job.threads

    def finish(self, jobid: int, now: float) -> None:
        """Note that a job is done."""
        job = self.running.pop(jobid, None)
        if job is not None:
            self.done[job.rule] += 1
            self.left[job.rule] -= self.left[job.rule] > 0
            self._seconds[job.rule] += now - job.since

    def fail(self, jobid: int) -> None:
        """Note that a job failed; it may be tried again."""
        self.running.pop(jobid, None)

    def describe(self, now: float) -> str:
        """Describe phases, time left and running trainings, in a line and one a training; now: seconds."""
        rest = {rule: self._find_rest(rule, now) for rule in self.phases if self.left[rule]}
        parts = []
        for phase in dict.fromkeys(self.phases.values()):
            rules = [rule for rule, own in self.phases.items() if own == phase]
            done, left = (sum(counts[rule] for rule in rules) for counts in (self.done, self.left))
            runs = sum(job.rule in rules for job in self.running.values())
            told = [f"{runs} running"] if runs else []
            told += [self._spell_rest([rest[rule] for rule in rules if rule in rest])] if left else []
            if done or left:
                parts.append(f"{phase} {done}/{done + left}" + (f" ({', '.join(told)})" if told else ""))
        unknown = [rule for rule, seconds in rest.items() if seconds is None]
        whole = self._spell_rest(list(rest.values())) if rest else "nothing is left"
        if unknown:
            named = ", ".join(unknown[:3]) + (" …" if len(unknown) > 3 else "")
            whole += f": no job has told yet how long {named} takes"
        trainings = [job for job in self.running.values() if self.phases[job.rule] == "training"]
        lines = [f"Progress: {', '.join(parts)}; {whole}"]
        return "\n".join([*lines, *(f"  {told}" for told in map(describe_training, trainings) if told)])

    def _spell_rest(self, seconds: list[float | None]) -> str:
        """Spell the time that is left on all slots; over that, where some of it is unknown."""
        known = [value for value in seconds if value is not None]
        if not known:
            return "no time known yet"
        return f"{'about' if len(known) == len(seconds) else 'over'} {spell_time(sum(known) / self.slots)} left"

    def _find_rest(self, rule: str, now: float) -> float | None:
        """Seconds of one slot that the jobs left of a rule take; None where nothing tells."""
        mean = self._find_mean(rule, now)
        if mean is None:
            return None
        spent = sum(min(now - job.since, mean) for job in self._list_running(rule))
        return max(mean * self.left[rule] - spent, 0) * self._threads.get(rule, 1)

    def _find_mean(self, rule: str, now: float) -> float | None:
        """Seconds of a rule's job: of this run, of earlier ones, or as the epochs of running trainings foretell it."""
        if self.done[rule]:
            return self._seconds[rule] / self.done[rule]
        foretold = [
            (now - job.since) * state.epochs / state.epoch
            for job in self._list_running(rule)
            if (state := read_training(job.log)) and state.epochs
        ]
        return self.past(rule) or (fmean(foretold) if foretold else None)

    def _list_running(self, rule: str) -> list[Job]:
        return [job for job in self.running.values() if job.rule == rule]


@dataclass(frozen=True)
class TrainingState:
    """The last epoch in the log of a training, of how many, its loss and its F1 of cropland on validation labels."""

    epoch: int
    epochs: int | None
    loss: float
    f1: float | None


def read_training(log: str | None) -> TrainingState | None:
    """Read how far a training is from its log; None before its first epoch, and for logs of anything else."""
    path = Path(log) if log else None
    if path is None or not path.exists():
        return None
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).decode("utf-8", "replace")
        file.seek(max(path.stat().st_size - TAIL_BYTES, 0))
        found = list(EPOCH.finditer(file.read().decode("utf-8", "replace")))
    if not found:
        return None
    last, planned = found[-1], EPOCHS.search(head)
    epochs = int(planned[1]) if planned else None
    return TrainingState(int(last["epoch"]), epochs, float(last["loss"]), float(last["f1"]) if last["f1"] else None)


def describe_training(job: Job) -> str | None:
    """Describe how far a training is; None before its first epoch."""
    state = read_training(job.log)
    if state is None:
        return None
    of = f" of {state.epochs}" if state.epochs else ""
    f1 = "" if state.f1 is None else f", validation F1 {state.f1:.2f}"
    return f"{job.name}: epoch {state.epoch}{of}, loss {state.loss:.3f}{f1}"


class ProgressHandler(logging.Handler):
    """Follows the events on Snakemake's logger and tells the progress on it.

    count_left gives the jobs left by rule. It is asked before jobs begin, every 10 seconds at most, and so seldom that
    it takes a hundredth of the time: on a shared file system it may look at very many files.
    """

    def __init__(self, logger: logging.Logger, progress: Progress, count_left: Callable[[], Counter]):
        super().__init__()
        self.logger, self.progress, self.count_left = logger, progress, count_left
        self.told = time.monotonic()
        self.count()
        self.ended = threading.Event()
        threading.Thread(target=self._tell_regularly, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take in an event of Snakemake: a job that begins, ends or fails."""
        said, now = vars(record), time.monotonic()  # Snakemake's own keys are attributes of the record
        event = str(said.get("event", ""))
        if event == "job_started" and now >= self.next_count:
            self.count()
        elif event == "job_info":
            name = f"{said['rule_name']} {' '.join(said['wildcards'].values())}".strip()
            log = str(said["log"][0]) if said["log"] else None
            self.progress.start(said["jobid"], Job(said["rule_name"], name, log, said["threads"], now))
        elif event == "job_error":
            self.progress.fail(said["jobid"])
        elif event == "job_finished":
            self.progress.finish(said["job_id"], now)
            if now - self.told >= LEAST_S:
                self.tell()

    def count(self) -> None:
        """Count what is left, and settle when to do it again."""
        start = time.monotonic()
        self.progress.left = self.count_left()
        end = time.monotonic()
        self.next_count = end + max(LEAST_S, (end - start) / COUNTING_SHARE)

    def tell(self) -> None:
        """Tell the progress now."""
        self.told = time.monotonic()
        self.logger.info(self.progress.describe(self.told))

    def _tell_regularly(self) -> None:
        while not self.ended.wait(LEAST_S):
            self.acquire()
            try:
                if self.progress.running and time.monotonic() - self.told >= EVERY_S:
                    self.tell()
            finally:
                self.release()

    def close(self) -> None:
        """Tell no more."""
        self.ended.set()
        super().close()


def spell_time(seconds: float) -> str:
    """Spell a time in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
