"""Ways to stop what a position pays while its direction stays: every way tried on the book, re-assessed, and ranked.

Money is dollars, received > 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from perpbook.funding.planner import (
    Planner,
    Sum,
    Way,
    break_even,
    cash,
    chance_of_profit,
    curve_of,
    horizons_of,
    netted,
    saved_over,
    sure_when_held,
)
from perpbook.funding.trading import Desk, Money, spot_cost
from perpbook.funding.trial import Danger, tried
from perpbook.funding.ways import ways
from perpbook.margin.assess import assess
from perpbook.margin.assessment import PositionAssessment
from perpbook.model.units import HOUR_NS, SECOND_NS

Held = frozenset[tuple[str, str]]
"""Positions by account and symbol."""

KEPT = 0.99
"""A direction kept to so much is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A sum after so long."""

    after_ns: int
    net: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """A way judged: dollars of funding `saved` over the horizon, its `cost`, at once and to end it, what the position still pays
    of that while money is under way (`waiting`), and the `net` of all three.

    `chance` is that of a net above 0, None unknown. `break_even_ns` is when the mean has paid for it (None: not within the
    longest horizon forecast); `course` is the net at each horizon forecast; `refused` says why a venue would not take it."""

    way: Way
    saved: Sum
    cost: float
    waiting: float
    net: Sum
    chance: float | None
    break_even_ns: int | None
    course: tuple[Point, ...]
    money: Money | None
    dangers: tuple[Danger, ...]
    refused: str = ""
    assumed: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bleeding:
    """A position that is expected to pay: `carry` over the horizon, `yearly` as a rate (> 0 it pays), and the ways to stop that,
    best first. `missing` names ways that could not be tried, and why."""

    position: PositionAssessment
    carry: Sum
    yearly: float
    model: str
    offsets: tuple[Offset, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What both verbs tell beside their tables: ISO times, seconds, and notes."""

    as_of: str
    horizon_days: float
    level: float
    simulated: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """Every position that is expected to pay, with the ways to stop it; of those `named` where that is not empty."""

    told: Told
    positions: tuple[Bleeding, ...]
    named: str = ""


def plan_offsets(planner: Planner, least: float = 0.0, only: Held | None = None) -> tuple[Bleeding, ...]:
    """Every position, or those of `only`, expected to pay more than `least` dollars over the horizon, the dearest first."""
    before = assess(planner.desk.snapshot, planner.desk.terms).assessment
    found = []
    for one in before.positions:
        curve = curve_of(planner, one.account, one.symbol)
        if curve is not None and (only is None or (one.account, one.symbol) in only):
            carry = cash(curve[planner.horizon], one.exposure)
            if carry.mean < -least:
                found.append(_bleeding(planner, one, carry))
    return tuple(sorted(found, key=lambda one: one.carry.mean))


def _bleeding(planner: Planner, one: PositionAssessment, carry: Sum) -> Bleeding:
    curve = curve_of(planner, one.account, one.symbol)
    assert curve is not None
    missing: list[str] = []
    offsets = [judged(planner, one.asset, way) for way in ways(planner, one, missing)]
    forecast = curve[planner.horizon]
    yearly = forecast.mean * 365 * 24 * HOUR_NS / forecast.horizon_ns
    ranked = sorted(offsets, key=rank)
    return Bleeding(
        position=one, carry=carry, yearly=yearly * (1.0 if one.exposure > 0 else -1.0), model=forecast.model,
        offsets=tuple(ranked), missing=tuple(missing),
    )  # fmt: skip


def rank(offset: Offset) -> tuple[bool, bool, bool, bool, float]:
    """The best first: what is not refused, no account dies of, pays for itself, keeps the direction, then by net."""
    dies = any(one.dies for one in offset.dangers)
    return bool(offset.refused), dies, offset.net.mean <= 0.0, offset.way.kept < KEPT, -offset.net.mean


def judged(planner: Planner, asset: str, way: Way) -> Offset:
    """Try a way on the book, and what it saves and costs."""
    trial = tried(planner.desk, planner.send, asset, way.trades, way.coins)
    cost = trial.done.cost + undoing(planner.desk, way)
    seconds = trial.money.seconds or 0.0 if trial.money else 0.0
    waits = round(seconds * SECOND_NS)
    net, waiting = netted(planner, way, cost, waits)
    even = break_even(planner, way, cost + waiting)
    return Offset(
        way=way, saved=saved_over(planner, way, planner.horizon), cost=cost, waiting=waiting, net=net,
        chance=chance_of_profit(planner, way, net), break_even_ns=None if even is None else max(even, waits),
        course=course(planner, way, cost, waits), money=trial.money, dangers=trial.dangers, refused=trial.refused,
        assumed=(*trial.done.assumed, *sure_when_held(planner, way)),
    )  # fmt: skip


def course(planner: Planner, way: Way, cost: float, waits_ns: int) -> tuple[Point, ...]:
    """What a way has come to at every horizon forecast, its whole cost paid at once; what a basket strays is taken to grow with
    the root of time."""
    horizons, out = horizons_of(planner), []
    for number, after in enumerate(horizons):
        root = math.sqrt(after / horizons[planner.horizon])
        strays = Sum(mean=0.0, low=root * way.strays.low, high=root * way.strays.high)
        net, _ = netted(replace(planner, horizon=number), replace(way, strays=strays), cost, waits_ns)
        out.append(Point(after_ns=after, net=net))
    return tuple(out)


def undoing(desk: Desk, way: Way) -> float:
    """Dollars that ending a way later costs more than ending the position alone: a hedge is closed again, and coins are sold
    where the perpetual would have been closed."""
    closing = sum(desk.cost(trade) for trade in way.trades)
    if way.kind == "hedge":
        return closing
    return sum(spot_cost(desk, one) for one in way.coins) - closing if way.coins else 0.0
