"""Ask an advisory service about every locked package; fails for one with a known hole.

Without a service that answers it says so and passes: linting needs no network. Options go to pip-audit.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements.txt"
PIP_AUDIT = Path(sys.executable).with_name("pip-audit")
QUIET = "--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json"
UNREACHED = "Could not connect", "ConnectionError"


def audit(lock: Path, *options: str) -> tuple[bool, str]:
    """Whether no package of a lock has a known hole, and what was found, text."""
    command = [PIP_AUDIT, f"--requirement={lock}", *QUIET, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout:
        if any(words in done.stderr for words in UNREACHED):
            return True, "pip-audit: no advisory service was reached, so no package was audited"
        return False, done.stderr
    packages = json.loads(done.stdout)["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    holes = [_spell_hole(package, hole) for package in packages for hole in package.get("vulns", ())]
    told = [f"pip-audit: {len(packages) - len(skipped)} of {len(packages)} packages were audited", *holes]
    if skipped:
        told.append(f"not audited, such as {skipped[0]['name']}: {skipped[0]['skip_reason']}")
    return not holes, "\n".join(told)


def _spell_hole(package: dict, hole: dict) -> str:
    mended = ", ".join(hole["fix_versions"]) or "no version yet"
    return f"{package['name']} {package['version']}: {' '.join([hole['id'], *hole['aliases']])}, mended in {mended}"


def main() -> None:
    passed, told = audit(LOCK, *sys.argv[1:])
    print(told)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
