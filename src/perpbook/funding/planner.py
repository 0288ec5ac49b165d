"""What every way to pay less is judged by: what funding is expected to add up to, when a cost is earned back, how surely.

Money is dollars, received > 0. What a way saves is the funding of its trades: minus the dollars that each adds to a contract's
exposure, times what that contract's funding is expected to add up to. Intervals add end to end, as if every forecast missed
against the book at once: wider than the truth, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perpbook.funding.forecast import Forecast
from perpbook.funding.tracking import Basket
from perpbook.funding.trading import Desk, Spot
from perpbook.funding.trial import Sender
from perpbook.model.trade import Trade
from perpbook.model.units import to_iso

Curve = tuple[Forecast, ...]
"""One contract's funding over rising horizons."""

Curves = Mapping[tuple[str, str], Curve]
"""By venue and symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A sum expected over the horizon, with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What could be done: `kind` of venue, dated, spot, basket, hedge, smaller; `kept` the share of the direction that is left.
    `coins` are bought; `strays` what a basket may make beside the position, dollars over the horizon."""

    kind: str
    words: str
    trades: tuple[Trade, ...]
    kept: float
    coins: tuple[Spot, ...] = ()
    strays: Sum = Sum(mean=0.0, low=0.0, high=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """A desk, what funding is expected, how money goes, the horizon's number among those forecast, and the part of a position
    that a partial way is for. `ends_ns` says which contracts expire, and when; `baskets` by venue and asset what coins move like
    it, or why none is known."""

    desk: Desk
    curves: Curves
    send: Sender
    horizon: int
    part: float = 0.5
    ends_ns: Mapping[tuple[str, str], int] = field(default_factory=dict)
    baskets: Mapping[tuple[str, str], Basket | str] = field(default_factory=dict)


def curve_of(planner: Planner, account: str, symbol: str) -> Curve | None:
    """What is expected of a contract of an account's venue."""
    return planner.curves.get(_key(planner, account, symbol))


def _key(planner: Planner, account: str, symbol: str) -> tuple[str, str]:
    contract = planner.desk.contract(account, symbol).contract
    return contract.venue, contract.symbol


def cash(forecast: Forecast, dollars: float) -> Sum:
    """What dollars of exposure receive over a forecast's horizon."""
    ends = sorted((-dollars * forecast.low, -dollars * forecast.high))
    return Sum(mean=-dollars * forecast.mean, low=ends[0], high=ends[1])


def total(sums: Sequence[Sum]) -> Sum:
    """The sum of sums, end to end."""
    return Sum(mean=sum(one.mean for one in sums), low=sum(one.low for one in sums), high=sum(one.high for one in sums))


def saved_over(planner: Planner, way: Way, horizon: int) -> Sum:
    """Funding that a way's trades receive over a horizon, against leaving things as they are."""
    sums = []
    for trade in way.trades:
        curve = curve_of(planner, trade.account, trade.symbol)
        assert curve is not None
        dollars = planner.desk.notional(trade)
        sums.append(cash(curve[horizon], dollars if trade.quantity > 0 else -dollars))
    return total(sums)


def break_even(planner: Planner, way: Way, cost: float) -> int | None:
    """When the mean saved first comes to the cost, straight between the horizons forecast; None where it does not, or where a
    contract of the way has expired by then."""
    then, had = 0, 0.0
    for number, horizon in enumerate(horizons_of(planner)):
        saved = saved_over(planner, way, number).mean
        if saved >= cost:
            share = (cost - had) / (saved - had) if saved > had else 1.0
            found = then + round(share * (horizon - then))
            return found if found <= _first_end(planner, way) else None
        then, had = horizon, saved
    return None


def _first_end(planner: Planner, way: Way) -> float:
    """Nanoseconds until the first contract of a way expires, inf where none does."""
    keys = [_key(planner, trade.account, trade.symbol) for trade in way.trades]
    now = next(iter(planner.curves.values()))[0].now_ns
    return min((planner.ends_ns[key] - now for key in keys if key in planner.ends_ns), default=float("inf"))


def horizons_of(planner: Planner) -> list[int]:
    """The horizons forecast, rising."""
    return [forecast.horizon_ns for forecast in next(iter(planner.curves.values()))]


def saved_by(planner: Planner, way: Way, time_ns: int) -> float:
    """The mean saved by a time, straight between the horizons forecast and no more than by the last of them."""
    horizons = [0, *horizons_of(planner)]
    saved = [0.0, *(saved_over(planner, way, number).mean for number in range(len(horizons) - 1))]
    return float(np.interp(time_ns, horizons, saved))


def netted(planner: Planner, way: Way, cost: float, waits_ns: int = 0) -> tuple[Sum, float]:
    """What is left of what a way saves over the horizon: less its cost, with what its basket strays, and less what it would have
    saved while money is under way and the position still pays (the second)."""
    horizon, saved = horizons_of(planner)[planner.horizon], saved_over(planner, way, planner.horizon)
    waits = min(waits_ns, horizon)
    lost, left = saved_by(planner, way, waits), 1.0 - waits / horizon
    mean = saved.mean - cost - lost
    net = Sum(
        mean=mean,
        low=mean + left * (saved.low - saved.mean + way.strays.low),
        high=mean + left * (saved.high - saved.mean + way.strays.high),
    )
    return net, lost


def chance_of_profit(planner: Planner, way: Way, net: Sum) -> float | None:
    """`chance_above` at the level of the forecasts; None where a contract of the way expires after the horizon, because what it
    costs to leave it before is not known."""
    ahead = next(iter(planner.curves.values()))[planner.horizon]
    return None if ahead.horizon_ns < _first_end(planner, way) < float("inf") else chance_above(net, ahead.level)


def sure_when_held(planner: Planner, way: Way) -> tuple[str, ...]:
    """What the bases of a way's contracts that expire are worth, in words."""
    keys = [_key(planner, trade.account, trade.symbol) for trade in way.trades]
    return tuple(
        f"{key[1]}'s basis of {planner.curves[key][0].last_rate:+.2%} is sure only if held to {to_iso(planner.ends_ns[key])}"
        for key in keys
        if key in planner.ends_ns
    )


def chance_above(net: Sum, level: float) -> float:
    """The chance that a sum is above nothing, when its interval is one of a Laplace law about the mean, wider on one side: misses
    of forecasts crowd about nothing and have fat tails, and of this and a normal law it told what came best."""
    reach = (net.mean - net.low) if net.mean > 0.0 else (net.high - net.mean)
    if reach <= 0.0:
        return 1.0 if net.mean > 0.0 else 0.0
    beyond = 0.5 * math.pow(1.0 - level, abs(net.mean) / reach)
    return 1.0 - beyond if net.mean > 0.0 else beyond
