"""A large order in slices: even, front-loaded, or as a ladder of prices; and how fast it must go for the account to live.

Front-loaded is the path of Almgren and Chriss (2000) under linear impact: what is left at t is X sinh(k (T - t)) / sinh(k T),
with k = sqrt(risk aversion x variance / temporary impact); k = 0 is even in time (TWAP). Slices are whole lots that add up
exactly.

While an order is under way the account holds what is left. Its loss L in dollars moves with a spread that gets smaller slice by
slice, and it dies where L passes what the rest of the position can bear (`chances.Barrier`: at x spread), so the chance of that
before the end is one pass over the intervals: the density of L, killed at each one's barrier (Brownian bridge inside).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from perpbook.errors import InputError
from perpbook.execution.chances import YEAR_SECONDS, Barrier
from perpbook.kernels.types import Floats

CELLS = 320
"""That the loss is counted in: about 16 to a standard deviation of all that is to come."""

REACH = 9.0
"""Standard deviations beyond which nothing is counted."""

BENDS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""k T, from even to nearly all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`lots` of each slice, the first at once, then one every `every_seconds`. `bend`: k T, 0 even."""

    lots: tuple[int, ...]
    every_seconds: float
    bend: float = 0.0

    @property
    def seconds(self) -> float:
        """From the first slice to the last."""
        return self.every_seconds * (len(self.lots) - 1)

    def left(self) -> tuple[float, ...]:
        """The share that is left after each slice."""
        through = np.cumsum(self.lots)
        return tuple(float(one) for one in 1.0 - through / through[-1])


def even(lots: int, slices: int, every_seconds: float) -> Schedule:
    """TWAP: slices alike up to one lot."""
    return front_loaded(lots, slices, every_seconds, 0.0)


def front_loaded(lots: int, slices: int, every_seconds: float, bend: float) -> Schedule:
    """Almgren and Chriss's path in `slices` slices. bend : k T, >= 0.

    Slices of no lot are left out: there are never more slices than lots.
    """
    if lots < 1 or slices < 1 or not 0.0 <= bend < math.inf or not 0.0 <= every_seconds < math.inf:
        raise InputError(
            f"{lots} lots in {slices} slices, bent by {bend:g}: all must be numbers, lots and slices above 0"
        )
    slices = min(slices, lots)
    through = [round(lots * (1.0 - _left(number / slices, bend))) for number in range(slices + 1)]
    made = tuple(b - a for a, b in pairwise(through) if b > a)
    return Schedule(lots=made, every_seconds=every_seconds, bend=bend)


def _left(time: float, bend: float) -> float:
    """sinh(b (1 - t)) / sinh(b), without overflow."""
    if bend < 1e-6:
        return 1.0 - time
    return math.exp(-bend * time) * (1.0 - math.exp(-2.0 * bend * (1.0 - time))) / (1.0 - math.exp(-2.0 * bend))


def urgency(risk_aversion: float, volatility: float, impact: float, seconds: float) -> float:
    """k T of Almgren and Chriss. risk_aversion : per dollar; volatility : dollars per base unit and root second; impact :
    temporary, dollars per base unit for a base unit a second."""
    if not (risk_aversion >= 0.0 and volatility >= 0.0 and impact > 0.0 and seconds >= 0.0):
        raise InputError("risk aversion, volatility and time are not below 0, the impact is above 0")
    return math.sqrt(risk_aversion * volatility**2 / impact) * seconds


def ladder(lots: int, rungs: int, best: float, worst: float) -> tuple[tuple[float, int], ...]:
    """(price, lots) of resting orders in even steps from the best price to the worst, both included; lots alike up to one."""
    if not (0.0 < best < math.inf and 0.0 < worst < math.inf):
        raise InputError(f"a ladder from {best:g} to {worst:g}: both must be prices")
    sizes = even(lots, rungs, 0.0).lots
    steps = max(len(sizes) - 1, 1)
    return tuple((best + (worst - best) * number / steps, size) for number, size in enumerate(sizes))


def square_root_impact(quantity: float, volume_day: float, volatility_day: float, y: float) -> float:
    """Fraction of the price that an order moves it by, where the visible book is too thin to say: Y sigma sqrt(Q / V).

    volume_day, quantity : base units; volatility_day : a day's, fraction; y : near 1 by what is commonly quoted, and yours to
    set.
    """
    if not (volume_day > 0.0 and quantity >= 0.0 and volatility_day >= 0.0 and y >= 0.0 and math.isfinite(y)):
        raise InputError("the day's volume is above 0; quantity, volatility and Y are not below 0")
    return y * volatility_day * math.sqrt(quantity / volume_day)


def chance_before_done(barriers: Sequence[Barrier | None], every_seconds: float) -> float:
    """The chance that the account dies before the last slice. barriers : of the account on one side while 1, 2, .. slices are
    done, one for every interval between two slices; None: it cannot die."""
    years = every_seconds / YEAR_SECONDS
    moving = [one for one in barriers if one is not None]
    if not moving or years <= 0.0:
        return 0.0
    if min(abs(one.at) for one in moving) <= 0.0:
        return 1.0
    total = math.sqrt(sum(one.spread**2 for one in moving) * years)
    shift = sum(abs(one.drift * one.spread) for one in moving) * years
    top = min(REACH * total + shift, max(abs(one.at) * one.spread for one in moving))
    walls = np.linspace(-REACH * total - shift, top, CELLS + 1)
    at, mass = np.zeros(1), np.ones(1)
    for one, alike in groupby(moving):
        lasts = years * len(list(alike))
        edge, mean = abs(one.at) * one.spread, math.copysign(1.0, one.at) * one.drift * one.spread * lasts
        mass = _carried(at, mass, walls, (edge, mean, one.spread * math.sqrt(lasts)))
        at = 0.5 * (walls[1:] + walls[:-1])
    return min(max(1.0 - float(mass.sum()), 0.0), 1.0)


def _carried(at: Floats, mass: Floats, walls: Floats, step: tuple[float, float, float]) -> Floats:
    """Mass by cell after an interval. step : the barrier in it, mean and standard deviation of the loss.

    Counting in cells adds the variance of a cell, a twelfth of its width squared, each time; the step is made smaller by it.
    """
    from scipy.special import ndtr

    edge, mean, spread = step
    cells = 0.5 * (walls[1:] + walls[:-1])
    width = float(walls[1] - walls[0])
    narrow = math.sqrt(max(spread**2 - width**2 / 12.0, (0.05 * width) ** 2))
    at, mass = at[at < edge], mass[at < edge]
    reached = np.diff(ndtr((np.minimum(walls, edge)[:, None] - at[None, :] - mean) / narrow), axis=0)
    room = np.maximum(edge - cells, 0.0)[:, None] * (edge - at)[None, :]
    out: Floats = (reached * -np.expm1(-2.0 * room / spread**2)) @ mass
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """The slowest schedule tried that keeps the budget, or, where `kept` is False, the one that comes nearest."""

    schedule: Schedule
    chance: float
    budget: float
    kept: bool


def slowest_within(
    budget: float, barriers: Callable[[float], Sequence[Barrier]], lots: int, slices: int, seconds: tuple[float, float]
) -> Paced:
    """Slices such that P(liquidated before done) <= budget, as slow and even as that allows.

    barriers : of the account at a share of the position, one for each side; seconds : the shortest and longest the whole may
    take.
    """
    if not 0.0 <= budget <= 1.0 or not 0.0 <= seconds[0] <= seconds[1] < math.inf:
        raise InputError(
            f"a budget of {budget:g} within {seconds[0]:g} to {seconds[1]:g} seconds: a chance, and two times in order"
        )
    best: Paced | None = None
    for length in _lengths(*seconds):
        for bend in BENDS:
            made = front_loaded(lots, slices, length / max(min(slices, lots) - 1, 1), bend)
            found = Paced(schedule=made, chance=_dies(made, barriers), budget=budget, kept=False)
            if found.chance <= budget:
                return Paced(schedule=made, chance=found.chance, budget=budget, kept=True)
            best = found if best is None or found.chance < best.chance else best
    assert best is not None
    return best


def _lengths(shortest: float, longest: float) -> list[float]:
    out = [longest]
    while out[-1] / 2.0 > shortest and len(out) < 20:
        out.append(out[-1] / 2.0)
    return [*out, shortest] if out[-1] > shortest else out


def _dies(schedule: Schedule, barriers: Callable[[float], Sequence[Barrier]]) -> float:
    held = [barriers(left) for left in schedule.left()[:-1]]
    total = 0.0
    for side in (1.0, -1.0):
        ones = [
            next((one for one in sides if one.at * side > 0.0 or (one.at == 0.0 and side > 0.0)), None)
            for sides in held
        ]
        total += chance_before_done(ones, schedule.every_seconds)
    return min(total, 1.0)
