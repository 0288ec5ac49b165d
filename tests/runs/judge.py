"""Hold many seeded journeys to the laws of the tick: `python -m tests.runs.judge FIRST LAST LONGEST`."""

from __future__ import annotations

import sys
import traceback
from collections import Counter

from perpbook.errors import BookError
from perpbook.kernels import jit
from perpbook.kernels.journal import BACKSTOP, FILL, LIQUIDATION, REFUSED
from tests.runs.laws import judge
from tests.runs.seeded import seeded_journey


def judged(seed: int, longest: int, seen: Counter[str]) -> str:
    """What is wrong with one seed, "" for nothing; `seen` counts what happened."""
    journey = seeded_journey(seed, longest)
    try:
        run = judge(journey)
    except BookError as error:
        seen["dead at the start"] += 1
        return "" if "liquidatable at the first bar" in str(error) else f"seed {seed}: {error}"
    except Exception as error:  # every seed is judged, whatever another does
        return f"seed {seed}: {''.join(traceback.format_exception_only(error)).strip()}"
    for kind in run.outcome.what[:, 1].tolist():
        seen[
            {FILL: "fills", LIQUIDATION: "liquidations", BACKSTOP: "backstops", REFUSED: "refused"}.get(kind, "other")
        ] += 1
    for reason in set(run.outcome.what[:, 4].tolist()):
        seen[run.outcome.reasons.get(reason, "no reason")] += 1
    seen["runs"] += 1
    seen["bars"] += journey.bars.count
    for name, count in run.outcome.counts.items():
        seen[name] += count
    return ""


def main(first: int, last: int, longest: int) -> int:
    seen: Counter[str] = Counter()
    wrong = list(filter(None, (judged(seed, longest, seen) for seed in range(first, last))))
    print("\n".join(wrong))
    print(f"{jit.mode()}: {last - first} seeds, {len(wrong)} broken, {dict(sorted(seen.items()))}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:4])))
