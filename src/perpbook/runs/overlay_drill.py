"""A chosen overlay along a drill's futures: the book goes through each of them alone, the overlay is added close by close.

The paths are the drill's own, of its seed and their numbers; the tick is the plain one, so some hundreds take a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.runs.drill import ALONE, DrillAsked, Tell, nothing, plan_drill
from perpbook.runs.overlay_storms import deaths_in, factors_of, outside_worth, start_of

if TYPE_CHECKING:
    from perpbook.hedging.futures import FuturesWith
    from perpbook.hedging.worth import Overlay

YEAR_NS = 365 * 86_400 * 10**9
FEWEST = 20


def refuse_unfit(asked: DrillAsked) -> None:
    """Refuse futures that tell nothing."""
    if asked.paths < FEWEST:
        raise InputError(f"{asked.paths} futures tell nothing: ask for --paths {FEWEST} or more")
    if asked.kind in ALONE:
        raise InputError(f"{asked.kind} paths are one future: choose another kind, or name storms with --storm")


def drill_overlay(
    asked: DrillAsked, overlay: Overlay, tell: Tell = nothing, outside: Mapping[str, float] | None = None
) -> FuturesWith:
    """The futures of a drill with an overlay and without; `outside` as in `run_storms`.

    Raises
    ------
    InputError : what a drill refuses.
    DataError : history is missing.
    """
    from perpbook.engine.drill import replay_path
    from perpbook.hedging.futures import FuturesWith
    from perpbook.hedging.table import tabled

    plan = plan_drill(asked)
    drill = replace(plan.drill, journey=replace(plan.drill.journey, playbook=None, due=None))
    bars, start = drill.journey.bars, start_of(drill)
    years = (np.arange(bars.count, dtype=np.float64) + 1.0) * bars.bar_ns / YEAR_NS
    table = tabled(overlay, float(years[-1]))
    deepest, ended, died = np.empty((asked.paths, 2)), np.empty((asked.paths, 2)), 0
    for path in range(asked.paths):
        tell("futures with the overlay", path, asked.paths)
        outcome = replay_path(drill, path)
        died += bool(deaths_in(outcome))
        factors = factors_of(outcome, bars.close[:, 0])
        lost = start - outcome.equity + sum((outside or {}).values()) - outside_worth(outside or {}, factors)
        with_it = lost - table.along(factors, years[: outcome.ended])
        for number, one in enumerate((lost, with_it)):
            deepest[path, number], ended[path, number] = one.max(), one[-1]
    return FuturesWith(
        deepest=deepest,
        ended=ended,
        died=died,
        kind=asked.kind,
        horizon_hours=bars.count * bars.bar_ns / 3.6e12,
        simulated=bool(plan.facts["simulated"]),
    )
