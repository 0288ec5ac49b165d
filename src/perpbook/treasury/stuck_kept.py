"""The facts of the package with the chances of being stuck, which are kept beside them: reckoning takes longer than a check.

`make stuck` reckons and writes them again, after a change of facts or of storms.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from perpbook.treasury.facts import Facts, Stuck, Times
from perpbook.treasury.facts_load import PACKAGE, packaged_facts

KEPT = PACKAGE / "stuck.json"
DOORS = ("withdrawal", "deposit")

Row = Sequence[float]
"""Chance; least, typical, 90 % and worst seconds; incidents and years."""


@lru_cache(maxsize=1)
def reckoned_facts() -> Facts:
    """The facts of the package, with the chance of being stuck on every route and at the doors of exchanges."""
    facts, kept = packaged_facts(), json.loads(KEPT.read_text(encoding="utf-8"))
    ways: dict[str, dict[tuple[str, str], Stuck]] = {name: {} for name in facts.routes}
    for route, start, end, *row in kept["routes"]:
        ways[route][start, end] = _stuck(row)
    return replace(
        facts,
        routes={name: replace(one, stuck=ways[name]) for name, one in facts.routes.items()},
        withdrawal=replace(facts.withdrawal, stuck=_stuck(kept["withdrawal"])),
        deposit=replace(facts.deposit, stuck=_stuck(kept["deposit"])),
    )


def kept_text(facts: Facts) -> str:
    """What is kept of facts whose chances are reckoned: one way a line."""
    doors = [f'"{name}": {json.dumps(_row(getattr(facts, name).stuck))}' for name in DOORS]
    ways = [
        json.dumps([route.id, *pair, *_row(stuck)])
        for route in facts.routes.values()
        for pair, stuck in route.stuck.items()
    ]
    return "\n".join(["{", *(f"{one}," for one in doors), '"routes": [', ",\n".join(ways), "]", "}", ""])


def _stuck(row: Row) -> Stuck:
    chance, least, typical, p90, worst, incidents, years = row
    times = Times(least=least, typical=typical, p90=p90, worst=worst)
    return Stuck(chance=chance, seconds=times, incidents=int(incidents), years=years)


def _row(stuck: Stuck) -> Row:
    times = stuck.seconds
    assert times.p90 is not None
    return stuck.chance, times.least, times.typical, times.p90, times.worst, stuck.incidents, stuck.years


def write(path: Path) -> None:
    """Reckon, and keep."""
    from perpbook.scenario.catalogue import packaged
    from perpbook.treasury.stuck import with_stuck

    path.write_text(kept_text(with_stuck(packaged_facts(), packaged().values())), encoding="utf-8")


if __name__ == "__main__":
    write(KEPT)
