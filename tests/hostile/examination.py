"""One hostile input at a time, in a process of its own that has ten seconds and a gibibyte.

Run as a program it is the process that the others are forked from: it reads the names of cases, a line each, and
answers with an outcome as JSON, a line each.
"""

import ctypes
import gc
import json
import logging
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 10
MEGABYTES = 1024


@dataclass(frozen=True)
class Case:
    """A hostile input: `prepare` makes its files in a folder and gives what is examined, which asserts what is right.

    `expected` is right, refused or either; `told` is what the message of a refusal must hold.
    """

    name: str
    kind: str
    prepare: Callable[[Path], Callable[[], None]]
    expected: str
    told: str


@dataclass(frozen=True)
class Outcome:
    """What became of a case: right, refused or wrong, and why; seconds of CPU time, which other work on the
    machine doesn't change, and the peak of the process' memory."""

    result: str
    message: str
    seconds: float
    megabytes: float


def judge(case: Case, folder: Path) -> Outcome:
    """Prepare a case and examine it here and now, with a limit on memory."""
    from cropmine.errors import CropmineError

    try:
        act = case.prepare(folder)
    except BaseException:  # noqa: BLE001 (a case that can't be made is no case)
        return Outcome("wrong", f"it can't be made: {traceback.format_exc()}", 0, 0)
    limit_memory()
    start = time.process_time()
    try:
        act()
        result, message = "right", ""
    except CropmineError as error:
        message = str(error)
        result = "refused" if case.told in message else "wrong"
    except BaseException:  # noqa: BLE001 (whatever comes out is what is examined)
        result, message = "wrong", traceback.format_exc()
    seconds = time.process_time() - start
    if result != "wrong" and case.expected not in ("either", result):
        result, message = "wrong", f"{result}, but {case.expected} was expected. {message}"
    return Outcome(result, message[-4000:], seconds, read_status("VmHWM"))


def limit_memory() -> None:
    """Forget the peak so far, and allow a gibibyte more than there is."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    limit = int((read_status("VmSize") + MEGABYTES) * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def read_status(key: str) -> float:
    """A line of this process' status, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def fork_case(case: Case) -> Outcome:
    """Judge a case in a child."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            outcome = judge(case, Path(folder))
            os.write(writing, json.dumps(asdict(outcome)).encode())
            os.chdir("/")
        os._exit(0)
    os.close(writing)
    told = b""
    deadline = time.monotonic() + 6 * SECONDS  # the making of the case counts here, and not in its seconds
    while select.select([reading], [], [], max(deadline - time.monotonic(), 0))[0]:
        part = os.read(reading, 2**16)
        told += part
        if not part:
            break
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if told:
        return Outcome(**json.loads(told))
    return Outcome("wrong", f"it ended without a word, by signal {os.WTERMSIG(status)}", 6.0 * SECONDS, 0)


class Examiner:
    """The processes that cases are forked from: one for models, since PyTorch alone takes 200 MB, one for the rest."""

    def __init__(self):
        self.processes = {}

    def examine(self, name: str) -> Outcome:
        group = "model" if name.startswith("model:") else "other"
        if group not in self.processes:
            self.processes[group] = subprocess.Popen(
                [sys.executable, "-m", "hostile.examination", group],
                cwd=HERE.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        process = self.processes[group]
        process.stdin.write(name + "\n")
        process.stdin.flush()
        return Outcome(**json.loads(process.stdout.readline()))

    def close(self) -> None:
        for process in self.processes.values():
            process.stdin.close()
            process.wait()


def serve(group: str) -> None:
    """Answer until no more names come."""
    from cropmine.geo.gdal import confine_gdal

    os.environ |= confine_gdal({})
    if group == "model":
        import cropmine.training.models.random_forest  # noqa: F401 (once here, and not in each child)
        from hostile.model_cases import MODEL_CASES as CASES

        first = ("model: a sound checkpoint",)
    else:
        from hostile.corpus import CASES

        first = ("imagery: sound", "weak map: sound", "labels: a sound ring", "area: a sound ring")
    logging.disable(logging.CRITICAL)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    by_name = {case.name: case for case in CASES}
    for name in first:
        with tempfile.TemporaryDirectory() as folder:  # what starts once starts here, and not in each child
            by_name[name].prepare(Path(folder))()
    gc.collect()
    gc.freeze()  # else each child looks through all that its parent imported
    for line in sys.stdin:
        answers.write(json.dumps(asdict(fork_case(by_name[line.rstrip("\n")]))) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.modules["hostile.examination"] = sys.modules["__main__"]
    serve(sys.argv[1])
