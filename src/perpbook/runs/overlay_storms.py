"""A book through its storms, one by one and without rules: what an overlay is chosen against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import InputError
from perpbook.model.units import HOUR_NS
from perpbook.runs.drill import DrillAsked, Tell, nothing, plan_drill

if TYPE_CHECKING:
    from perpbook.engine.drill import Drill
    from perpbook.engine.outcome import Outcome
    from perpbook.hedging.moments import StormPath
    from perpbook.kernels.types import Floats
    from perpbook.scenario.storm import Storm

USUAL = ("historic", "synthetic", "grid")


def storms_asked(drill: DrillAsked, names: Sequence[str], kinds: Sequence[str]) -> list[Storm]:
    """The storms by name, else every one of the kinds; `grid` is the playbook's own."""
    from perpbook.runs.all_storms import own_storms
    from perpbook.scenario.catalogue import catalogue, find_storm
    from perpbook.scenario.storm import KINDS

    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f'"{kind}" is no kind of storm: choose from {", ".join(KINDS)}')
    own = own_storms(drill).storms
    if names:
        return [replace(find_storm(text, extra=own), name=text) for text in names]
    from perpbook.scenario.worst import OWN

    known = [*catalogue().values(), *(one for one in own if one.replay is None or one.replay.source != OWN)]
    return [one for one in known if one.kind in kinds]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faced:
    """What became of the book in its storms. `start` dollars of equity before; `unfaced` why some could not be gone through."""

    start: float
    paths: tuple[StormPath, ...]
    unfaced: tuple[str, ...]


def run_storms(
    drill: DrillAsked, storms: Sequence[Storm], tell: Tell = nothing, outside: Mapping[str, float] | None = None
) -> Faced:
    """Every storm gone through by the book. outside : dollars by asset of coins outside accounts, which move with their asset.

    Raises
    ------
    InputError : there is no storm, or none can be faced.
    """
    paths: list[StormPath] = []
    unfaced: list[str] = []
    start = 0.0
    for number, storm in enumerate(storms):
        tell(storm.name, number, len(storms))
        try:
            alone = _alone(drill, storm)
            paths.append(_path_of(storm, alone, outside or {}))
            start = start or start_of(alone) + sum((outside or {}).values())
        except InputError as error:
            unfaced.append(f"{storm.name}: {error}")
    if not paths:
        raise InputError("no storm can be faced: " + "; ".join(unfaced) if unfaced else "there is no storm to face")
    return Faced(start=start, paths=tuple(paths), unfaced=tuple(unfaced))


def _alone(drill: DrillAsked, storm: Storm) -> Drill:
    """One storm, the book left alone in it."""
    from perpbook.scenario.worst import OWN

    own = storm.replay is not None and storm.replay.source == OWN
    asked = replace(
        drill, storm=storm.name, kind="replay" if own else "still", horizon_ns=storm.horizon_ns, step_ns=storm.step_ns,
        paths=1,
    )  # fmt: skip
    planned = plan_drill(asked).drill
    return replace(planned, journey=replace(planned.journey, playbook=None, due=None))


def start_of(drill: Drill) -> float:
    """Dollars of equity before anything happens, money on layers and on its way included."""
    from perpbook.engine.backtest import prepare

    ready = prepare(drill.journey)
    return float(ready.start_equity.sum() + ready.body.outside.layers.sum() + ready.body.outside.transit[0])


def outside_worth(outside: Mapping[str, float], factors: Mapping[str, Floats]) -> Floats | float:
    """(T,) dollars of coins outside accounts along a path."""
    return sum(dollars * factors[asset] for asset, dollars in outside.items())


def _path_of(storm: Storm, drill: Drill, outside: Mapping[str, float]) -> StormPath:
    from perpbook.engine.drill import replay_path
    from perpbook.hedging.moments import StormPath

    outcome = replay_path(drill, 0)
    stage, hours = drill.journey.bars, drill.journey.bars.bar_ns / HOUR_NS
    factors = factors_of(outcome, stage.close[:, 0])
    return StormPath(
        name=storm.name,
        kind=storm.kind,
        hours=hours * np.arange(1, outcome.ended + 1, dtype=np.float64),
        equity=outcome.equity + outside_worth(outside, factors),
        factors=factors,
        deaths=deaths_in(outcome),
    )


def deaths_in(outcome: Outcome) -> tuple[str, ...]:
    """Accounts that are liquidated, in whole or in part, in order."""
    from perpbook.kernels.journal import BACKSTOP, LIQUIDATION

    died = np.isin(outcome.what[:, 1], (LIQUIDATION, BACKSTOP))
    return tuple(outcome.arrangement.accounts[one].id for one in dict.fromkeys(outcome.what[died, 2].tolist()))


def factors_of(outcome: Outcome, start: Floats) -> Mapping[str, Floats]:
    """By asset, its price over the one before: that of its first contract."""
    from perpbook.engine.coins import columns_by_asset

    bars = outcome.bars
    terms = {
        account.venue: found
        for account, found in zip(outcome.arrangement.accounts, outcome.arrangement.terms, strict=True)
    }
    columns = columns_by_asset(bars, terms)
    return {asset: bars.close[row, : outcome.ended] / start[row] for asset, row in columns.items()}
