"""Every storm of the catalogue, gone through with a hedge and without it: the report says where the hedge fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perpbook.errors import DataError, InputError
from perpbook.hedging.plan import InStorm
from perpbook.model.units import DAY_NS

if TYPE_CHECKING:
    from perpbook.margin.assessment import Assessment
    from perpbook.model.market import Snapshot
    from perpbook.runs.hedge_desk import HedgeDesk
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.storm import Storm
    from perpbook.tails.returns import JointReturns

NOTHING = 1e-3
"""Share of equity: a hedge that leaves no more than this less has not failed, and a storm that does no more does nothing."""


NEEDS_PATHS = "it shocks correlation alone, which the tail and broken sets stand for"


def only_correlation(storm: Storm) -> bool:
    """A storm that does nothing to prices that stand still."""
    shock = storm.correlation
    return shock is not None and shock.how != "dislocated" and replace(storm, correlation=None).empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Weathered:
    """What became of one book in one storm."""

    change: float
    start: float
    dies: tuple[str, ...]


def face_storms(
    desk: HedgeDesk,
    after: Snapshot,
    returns: JointReturns,
    lake: Path,
    storms: Sequence[Storm],
    tell: Callable[[str, int, int], object],
) -> tuple[InStorm, ...]:
    """Each storm alone, its own length, with nobody acting."""
    out = []
    for number, storm in enumerate(storms):
        tell(f"storm {storm.name}", number, len(storms))
        if only_correlation(storm):
            out.append(InStorm(storm=storm.name, kind=storm.kind, not_faced=NEEDS_PATHS))
            continue
        try:
            without = _through(desk, desk.before.snapshot, returns, lake, storm)
            hedged = _through(desk, after, returns, lake, storm)
        except (InputError, DataError) as error:
            out.append(InStorm(storm=storm.name, kind=storm.kind, not_faced=str(error).splitlines()[0]))
            continue
        out.append(told(storm.name, storm.kind, without, hedged))
    return tuple(out)


def told(name: str, kind: str, without: Weathered, hedged: Weathered) -> InStorm:
    """A storm's two outcomes side by side, and how the hedge fails in it."""
    killed = [one for one in hedged.dies if one not in without.dies]
    slack, fails = NOTHING * without.start, []
    if killed:
        fails.append(f"kills {', '.join(killed)}")
    if hedged.change < min(without.change, 0.0) - slack:
        fails.append("loses more")
    return InStorm(
        storm=name, kind=kind, change_without=without.change, change=hedged.change, dies_without=without.dies,
        dies=hedged.dies, fails=", ".join(fails),
        felt=bool(without.dies or hedged.dies or max(abs(without.change), abs(hedged.change)) > slack),
    )  # fmt: skip


def in_grid(before: Assessment, after: Assessment) -> tuple[InStorm, ...]:
    """The playbook's survival grid, assessed with the hedge and without: moves at one instant, a dead account lost whole."""
    with_hedge = {one.scenario: one for one in after.stress}
    out = []
    for one in before.stress:
        pair = [
            Weathered(change=-each.loss, start=whole.book.equity, dies=tuple(death.account for death in each.deaths))
            for each, whole in ((one, before), (with_hedge[one.scenario], after))
        ]
        out.append(told(one.scenario, "grid", pair[0], pair[1]))
    return tuple(out)


def _through(desk: HedgeDesk, snapshot: Snapshot, returns: JointReturns, lake: Path, storm: Storm) -> Weathered:
    from perpbook.engine.drill import Drill, run_drill
    from perpbook.kernels.drill import END
    from perpbook.runs.drill import DrillAsked, History, stage_journey
    from perpbook.runs.drill_source import alone_source
    from perpbook.runs.storms import face, ground_of

    kind = "replay" if storm.replay and not storm.replay.moves else "still"
    asked = DrillAsked(
        book=Path(snapshot.book.source), playbook=None, history=History(lake=lake, proxies={}, funding={}), storm=storm.name,
        kind=kind, paths=1, horizon_ns=storm.horizon_ns, step_ns=storm.step_ns,
    )  # fmt: skip
    bare = stage_journey(asked, snapshot, desk.terms, None)
    ground = _known(desk, ground_of(snapshot, desk.terms, bare, None), returns)
    journey = stage_journey(asked, snapshot, desk.terms, None, storm)
    faced = face(storm, journey, ground, kind)
    source = alone_source(asked, None, storm, ground).source
    found = run_drill(
        Drill(journey=journey, source=source, paths=1, seed=1, surroundings=faced.surroundings), threads=1
    )
    dies = tuple(
        account.id for number, account in enumerate(snapshot.book.accounts) if found.died[0, number] < found.steps
    )
    return Weathered(change=float(found.figures[0, END]) - found.start, start=found.start, dies=dies)


def _known(desk: HedgeDesk, ground: Ground, returns: JointReturns) -> Ground:
    """The ground with the past's volatility, and the lake's funding where the book has none."""
    a_day = (DAY_NS / returns.bar_ns) ** 0.5
    spread: Mapping[str, float] = {
        name: float(row.std()) * a_day for name, row in zip(returns.names, returns.values, strict=True)
    }
    assert ground.funding is not None
    of_late = np.array([desk.funding.get(asset, np.nan) for asset in ground.assets])
    funding = np.where(np.isnan(ground.funding), of_late, ground.funding)
    return replace(ground, volatility={one: spread[one] for one in ground.assets if one in spread}, funding=funding)
