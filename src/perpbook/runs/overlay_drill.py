"""A chosen overlay along a drill's futures: the book goes through each of them alone, the overlay is added close by close; and,
where it is asked for, once more under its playbook with the overlay in the run, where rules see it.

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
    from perpbook.engine.backtest import Journey
    from perpbook.engine.drill import Drill
    from perpbook.engine.overlaid import Standing
    from perpbook.hedging.futures import FuturesWith, Ruled
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
    asked: DrillAsked,
    overlay: Overlay,
    tell: Tell = nothing,
    outside: Mapping[str, float] | None = None,
    *,
    ruled: bool = False,
) -> FuturesWith:
    """The futures of a drill with an overlay and without; `outside` as in `run_storms`. `ruled` asks for them once more under the
    playbook, the overlay in the run.

    Raises
    ------
    InputError : what a drill refuses, or there is no playbook to ask for.
    DataError : history is missing.
    """
    from perpbook.engine.drill import replay_path
    from perpbook.hedging.futures import FuturesWith
    from perpbook.hedging.table import tabled

    plan = plan_drill(asked)
    if ruled and plan.drill.journey.playbook is None:
        raise InputError(
            "there is no playbook whose rules could act: name one after the book, or leave --with-rules out"
        )
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
    found = FuturesWith(
        deepest=deepest,
        ended=ended,
        died=died,
        kind=asked.kind,
        horizon_hours=bars.count * bars.bar_ns / 3.6e12,
        simulated=bool(plan.facts["simulated"]),
    )
    return replace(found, ruled=_ruled(plan.drill, overlay, found, tell)) if ruled else found


def _ruled(drill: Drill, overlay: Overlay, alone: FuturesWith, tell: Tell) -> Ruled:
    """Every future as history, under the playbook: without options, and with them as an account of the run."""
    from perpbook.engine.backtest import backtest
    from perpbook.engine.drill import path_bars
    from perpbook.engine.overlaid import overlaid
    from perpbook.hedging.futures import Ruled
    from perpbook.kernels.journal import RULE

    start, shape = start_of(drill), alone.deepest.shape
    deepest, ended = np.empty(shape), np.empty(shape)
    acted, died = [0, 0], [0, 0]
    for path in range(alone.paths):
        tell("futures under the playbook", path, alone.paths)
        bare = replace(drill.journey, bars=path_bars(drill, path))
        for number, journey in enumerate((bare, overlaid(bare, _standing(overlay, bare)))):
            outcome = backtest(journey)
            lost = start - outcome.equity
            deepest[path, number], ended[path, number] = lost.max(), lost[-1]
            acted[number] += bool((outcome.what[:, 1] == RULE).any())
            died[number] += bool(deaths_in(outcome))
    playbook = drill.journey.playbook
    assert playbook is not None
    return Ruled(
        playbook=playbook.name,
        losses=replace(alone, deepest=deepest, ended=ended),
        acted=(acted[0], acted[1]),
        died=(died[0], died[1]),
    )


def _standing(overlay: Overlay, journey: Journey) -> Standing:
    """An overlay's account along a run's bars."""
    from perpbook.engine.coins import columns_by_asset
    from perpbook.engine.overlaid import payer_of, stood

    bars = journey.bars
    prices = np.concatenate([bars.open[:, :1], bars.close], axis=1)
    factors = {asset: prices[row] / prices[row, 0] for asset, row in columns_by_asset(bars, journey.terms).items()}
    worth = overlay.values(factors, np.arange(bars.count + 1) * bars.bar_ns / YEAR_NS)
    return stood((), worth, worth, overlay.outlay, payer_of(journey.book))
