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
    from perpbook.model.market import Snapshot
    from perpbook.model.scenario import Scenario
    from perpbook.runs.check import CheckResult
    from perpbook.runs.hedge_desk import HedgeDesk
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.storm import Storm
    from perpbook.tails.returns import JointReturns

GRID = "grid"
"""The kind of storm that a playbook's moves are."""

NOTHING = 1e-3
"""Share of equity: a hedge that leaves no more than this less has not failed, and a storm that does no more does nothing."""


NEEDS_PATHS = "it shocks correlation alone, which the tail and broken sets stand for"


def only_correlation(storm: Storm) -> bool:
    """A storm that does nothing to prices that stand still."""
    shock = storm.correlation
    return shock is not None and shock.how != "dislocated" and replace(storm, correlation=None).empty


def storms_of(kinds: Sequence[str]) -> tuple[Storm, ...]:
    """Storms of the catalogue of some kinds, every one for none.

    Raises
    ------
    InputError : a kind that is none.
    """
    from perpbook.scenario.catalogue import catalogue
    from perpbook.scenario.storm import KINDS

    known = tuple(one for one in KINDS if one != GRID)
    for kind in kinds:
        if kind not in known:
            always = "the survival grid is assessed always" if kind == GRID else "there is no such kind"
            raise InputError(f"--storms {kind}: {always}; choose from {', '.join(known)}")
    return tuple(one for one in catalogue().values() if not kinds or one.kind in kinds)


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


def in_grid(desk: HedgeDesk, after: CheckResult) -> tuple[InStorm, ...]:
    """The playbook's survival grid, assessed with the hedge and without: moves at one instant, a dead account lost whole."""
    from perpbook.runs.check import assess_under

    scenarios = joint_grid(desk.before.assessed.scenarios, after.assessed.scenarios)
    both = [
        assess_under(snapshot, desk.before.playbook, desk.terms, scenarios).assessment
        for snapshot in (desk.before.snapshot, after.snapshot)
    ]
    out = []
    for pair in zip(*(whole.stress for whole in both), strict=True):
        without, hedged = (
            Weathered(change=-one.loss, start=whole.book.equity, dies=tuple(death.account for death in one.deaths))
            for one, whole in zip(pair, both, strict=True)
        )
        out.append(told(pair[0].scenario, GRID, without, hedged))
    return tuple(out)


def joint_grid(before: Sequence[Scenario], after: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """One grid for two books: assets that either holds move in both; a scenario against one book is there beside that against
    the other."""
    known = {one.name: one for one in after}
    out = []
    for one in before:
        other = known.pop(one.name, one)
        out.append(replace(one, moves={**other.moves, **one.moves}))
        if any(one.moves.get(asset, move) != move for asset, move in other.moves.items()):
            against = {**one.moves, **other.moves}
            out.append(replace(other, name=f"{other.name}, hedged book", moves=against))
    return (*out, *known.values())


def _through(desk: HedgeDesk, snapshot: Snapshot, returns: JointReturns, lake: Path, storm: Storm) -> Weathered:
    from perpbook.engine.drill import Drill, run_drill
    from perpbook.engine.stage import contracts_of
    from perpbook.kernels.drill import END
    from perpbook.runs.drill import DrillAsked, History, stage_journey
    from perpbook.runs.drill_source import alone_source
    from perpbook.runs.storms import face, ground_of

    if not contracts_of(snapshot, desk.terms) and not storm.collateral:
        return Weathered(change=0.0, start=desk.before.assessment.book.equity, dies=())
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
