"""The rescue gap in closed form, for an account that lives by one price: first passage of its liquidation, met by a law of
arrival.

P(liquidated before T) = E[F(min(T, H))], F the chance that a geometric Brownian motion touches the barrier by then, watched all
the time (`scenario.passage`), H the drill's end. Two barriers are added up, which is at most too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.liquidation import joint_moves
from perpbook.kernels.types import Floats, Lines
from perpbook.scenario.passage import first_passage
from perpbook.treasury.standing import Standing

POINTS = 400
"""Quantiles of an arrival that stand for its law."""

YEAR_SECONDS = 365.0 * 86_400.0

ALARM = 0.5
"""The margin ratio (maintenance margin over equity) at which the alarm is taken to ring; liquidation is at 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneFactor:
    """An account of one asset. barriers : its liquidation prices over today's; rings : the price over today's at which the alarm
    rings on the way to each (1 when it rings already)."""

    asset: str
    barriers: tuple[float, ...]
    rings: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """A price: volatility of a year, and drift of the price a year."""

    volatility: float
    drift: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Chances in closed form: dies while the drill lasts; dies before money sent at the start arrives; and, once the alarm has
    rung, dies before money sent then arrives."""

    asset: str
    volatility: float
    dies: float
    late: float
    late_after_alarm: float


def one_factors(standing: Standing) -> dict[str, OneFactor]:
    """Accounts that live by one price and may die of it, by id."""
    arrays, deaths, alarms = standing.arrays, standing.moves, np.empty_like(standing.moves)
    joint_moves(strained(standing.lines, 1.0 / ALARM), arrays.prices, arrays.betas, alarms)
    out = {}
    for number, account in enumerate(arrays.accounts):
        rows = range(int(arrays.held.start[number]), int(arrays.held.start[number + 1]))
        assets = {arrays.items[row].asset for row in rows}
        if len(assets) != 1:
            continue
        beta = float(arrays.betas[arrays.items[rows[0]].column])
        barriers, rings = [], []
        for side in (0, 1):
            if np.isfinite(deaths[number, side]):
                barriers.append(1.0 + beta * float(deaths[number, side]))
                alarm = float(alarms[number, side])
                reached = not np.isfinite(alarm) or alarm * (1 if side else -1) <= 0.0
                rings.append(1.0 if reached else 1.0 + beta * alarm)
        if barriers and min(barriers) > 0.0:
            out[account.id] = OneFactor(asset=assets.pop(), barriers=tuple(barriers), rings=tuple(rings))
    return out


def strained(lines: Lines, by: float) -> Lines:
    """The same book under requirements so many times as large."""
    return lines._replace(slope=lines.slope * by, offset=lines.offset * by, reciprocal=lines.reciprocal * by)


def closed_form(one: OneFactor, motion: Motion, arrivals: Floats, calm: Floats, horizon_seconds: float) -> Closed:
    """The chances of one account. arrivals : seconds from the start in the storm; calm : without it, for an alarm whose moment
    nobody knows."""
    times, later = points_of(arrivals, horizon_seconds), points_of(calm, horizon_seconds)
    after = max(passed(barrier / ring, motion, later) for barrier, ring in zip(one.barriers, one.rings, strict=True))
    return Closed(
        asset=one.asset,
        volatility=motion.volatility,
        dies=_either(one.barriers, motion, [horizon_seconds]),
        late=_either(one.barriers, motion, times),
        late_after_alarm=after,
    )


def points_of(arrivals: Floats, horizon_seconds: float) -> list[float]:
    """Quantiles of an arrival, cut at the horizon."""
    shares = (np.arange(POINTS) + 0.5) / POINTS
    found = np.quantile(arrivals, shares, method="inverted_cdf")
    return [float(one) for one in np.minimum(found, horizon_seconds)]


def passed(barrier: float, motion: Motion, times: Sequence[float]) -> float:
    """The chance to touch `barrier` (over the price now) by each of several times, on average."""
    chances = [
        first_passage(1.0, barrier, motion.drift, motion.volatility, seconds / YEAR_SECONDS) if seconds > 0.0 else 0.0
        for seconds in times
    ]
    return sum(chances) / len(chances)


def _either(barriers: Sequence[float], motion: Motion, times: Sequence[float]) -> float:
    return min(1.0, sum(passed(one, motion, times) for one in barriers))
