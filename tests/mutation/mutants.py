"""Change the heart of the library in thousands of small ways, and count by module how many the tests notice.

Which modules and tests is said in pyproject.toml, [tool.mutmut]; names of mutants as arguments choose among them. A
mutant that survived is shown by `mutmut show NAME`, run in the folder .mutation.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".mutation"
MUTMUT = Path(sys.executable).with_name("mutmut")
KILLED = "killed", "timeout", "segfault"


def main(chosen: list[str]) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "mutants").mkdir(parents=True)
    # mutmut tells a module's name from its path, below src; tests and scripts find it in workflow_scripts.
    links = {"src": "workflow_scripts", "tests": "tests", "pyproject.toml": "pyproject.toml"}
    for link, name in links.items():
        (FOLDER / link).symlink_to(ROOT / name)
    (FOLDER / "mutants/workflow_scripts").symlink_to("src")
    environment = os.environ | {"CI": "1", "OMP_NUM_THREADS": "1"}  # the same examples each time, in one thread
    subprocess.run([MUTMUT, "run", *chosen], cwd=FOLDER, env=environment, check=True)
    print(spell_table(read_outcomes()))


def read_outcomes() -> dict[str, Counter]:
    """How many mutants of each module had which outcome; those that weren't tested are left out."""
    command = [MUTMUT, "results", "--all", "true"]
    found = defaultdict(Counter)
    for line in subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True).stdout.splitlines():
        name, _, outcome = line.strip().rpartition(": ")
        if outcome != "not checked":
            found[".".join(name.split(".")[1:-1])][outcome] += 1  # without the library and the function
    return found


def spell_table(found: dict[str, Counter]) -> str:
    rows = ["| module | mutants | killed | survived | without a test | killed, % |", "|---|---|---|---|---|---|"]
    for module, outcomes in [*sorted(found.items()), ("**all**", sum(found.values(), Counter()))]:
        total, killed = outcomes.total(), sum(outcomes[name] for name in KILLED)
        untested = outcomes["no tests"]
        cells = module, total, killed, total - killed - untested, untested, f"{100 * killed / total:.1f}"
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
