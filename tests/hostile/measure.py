"""Examine the whole corpus and write its table into docs/reliability.md, between the two marks."""

from collections import defaultdict

from hostile.corpus import CASES
from hostile.examination import Examiner
from workspace import ROOT

PAGE = ROOT / "docs/reliability.md"
OPENING, CLOSING = "<!-- the table of `make corpus` -->\n", "<!-- its end -->\n"
COLUMNS = "input", "cases", "right", "refused", "wrong", "slowest, CPU s", "which", "largest, MB", "which"
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"


def main() -> None:
    examiner, outcomes = Examiner(), defaultdict(list)
    for case in CASES:
        outcome = examiner.examine(case.name)
        outcomes[case.kind].append((case.name.partition(": ")[2], outcome))
        if outcome.result == "wrong":
            print(f"{case.name}: {outcome.message}")
    examiner.close()
    rows = [spell_row(kind, found) for kind, found in outcomes.items()]
    rows.append(spell_row("**all**", [entry for found in outcomes.values() for entry in found]))
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(OPENING)
    PAGE.write_text(before + OPENING + HEAD + "".join(rows) + CLOSING + rest.partition(CLOSING)[2], encoding="utf-8")


def spell_row(kind: str, found: list) -> str:
    counts = [sum(outcome.result == result for _, outcome in found) for result in ("right", "refused", "wrong")]
    slowest = max(found, key=lambda entry: entry[1].seconds)
    largest = max(found, key=lambda entry: entry[1].megabytes)
    cells = [
        kind,
        len(found),
        *counts,
        f"{slowest[1].seconds:.1f}",
        slowest[0],
        f"{largest[1].megabytes:.0f}",
        largest[0],
    ]
    return f"| {' | '.join(map(str, cells))} |\n"


if __name__ == "__main__":
    main()
