"""Incidents that were, gone through by a book with a treasurer and without one, while a market moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.engine.treasured import Incident
from perpbook.errors import InputError
from perpbook.model.units import SECOND_NS
from perpbook.runs.drill import DrillAsked, Tell, nothing, plan_drill
from perpbook.runs.treasury_given import TreasuryGiven, treasurer_of

if TYPE_CHECKING:
    from perpbook.engine.drill import Drill
    from perpbook.runs.drill import Planned
    from perpbook.scenario.overlay import Absence
    from perpbook.treasury.courier import Fallen, Sky
    from perpbook.treasury.facts import Facts

INCIDENTS = (
    "arbitrum-2023-12-15", "arbitrum-2024-06-20", "base-2026-06-25", "zksync-2025-07-30", "starknet-2025-09-02",
    "starknet-2026-01-05", "hyperliquid-2025-07-29", "hyperliquid-2025-11-12", "dydx-2025-10-10", "aws-2025-10-20",
    "drift-2026-04-01", "usdc-2023-03-11", "gas-ethereum-2021-05-19", "layerzero-2026-04-18", "binance-2023-10-25",
)  # fmt: skip
"""Those that are gone through unless others are named: halts, rollbacks, gas, bridges and exchanges that paid nothing out."""


def go_through(
    asked: DrillAsked,
    given: TreasuryGiven,
    names: Sequence[str] = (),
    market: tuple[str, str] = ("", "0h"),
    tell: Tell = nothing,
    facts: Facts | None = None,
) -> list[Incident]:
    """Each incident alone, so long after a market's storm began. asked : the book, how long and how finely. facts :
    of ways, the package's when left out.

    Raises
    ------
    InputError : a file is wrong, or a storm is unknown.
    """
    from perpbook.scenario.catalogue import find_storm

    wanted, out = list(names or INCIDENTS), []
    for number, name in enumerate(wanted):
        tell(name, number, len(wanted))
        storm = find_storm(name)
        both = f"({market[0]}) then ({name}) after {market[1]}" if market[0] else name
        try:
            planned = plan_drill(replace(asked, storm=both, kind="still", paths=1), threads=1)
            out.append(_one(name, storm.title, planned, given, facts))
        except InputError as error:
            out.append(Incident(name=name, title=storm.title, why=str(error)))
    return out


def _one(name: str, title: str, planned: Planned, given: TreasuryGiven, facts: Facts | None) -> Incident:
    from perpbook.engine.drill import replay_path
    from perpbook.engine.treasured import named_ways, treasured_of

    drill = planned.drill
    holder = treasurer_of(given, drill.journey, sky_of(drill, planned.situation.absences, facts))
    idle = treasurer_of(given, drill.journey, holder.courier.sky, np.zeros(0, dtype=np.int64))
    outcome = named_ways(holder, replay_path(drill, 0, holder))
    done = treasured_of(holder, outcome, replay_path(drill, 0, idle))
    heard = [one for one in planned.unheard if "gas" not in one]
    return Incident(
        name=name, title=title, outcome=outcome, treasured=done,
        notes=(*done.notes, *planned.notes, *heard),
    )  # fmt: skip


def sky_of(drill: Drill, absences: Sequence[Absence], facts: Facts | None = None) -> Sky:
    """A drill's absences in seconds; one that lasts to its last step has no end."""
    from perpbook.treasury.courier import Sky
    from perpbook.treasury.facts_load import packaged_facts

    bars = drill.journey.bars
    step = bars.bar_ns // SECOND_NS
    away = tuple(replace(one, start_step=one.start_step * step, end_step=one.end_step * step) for one in absences)
    return Sky(facts=facts or packaged_facts(), absences=away, fallen=_fallen(drill, step), horizon=bars.count * step)


def _fallen(drill: Drill, step: int) -> tuple[Fallen, ...]:
    from perpbook.treasury.courier import Fallen

    pegs = drill.surroundings.pegs if drill.surroundings else {}
    out = []
    for coin, peg in pegs.items():
        off = np.flatnonzero(peg.close < 1.0 - 1e-9)
        if off.size:
            end = np.inf if off[-1] + 1 == peg.close.size else float((off[-1] + 1) * step)
            out.append(Fallen(coin=coin, start=float(off[0] * step), end=end))
    return tuple(out)
