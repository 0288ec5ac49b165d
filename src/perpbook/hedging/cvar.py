"""The cross-asset hedge of least shortfall, costs and funding counted: exactly, and in whole lots.

In lots the problem is mixed-integer. Shortfall is convex, so it lies above the line through any hedge that was tried (its
cut); a programme over whole lots with the cuts so far gives the next hedge to try, and ends where none can be better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perpbook.errors import InvariantError
from perpbook.hedging.instruments import Instruments, Room, split
from perpbook.hedging.shortfall import Limits, Scenarios, least_shortfall
from perpbook.kernels.types import Floats
from perpbook.solver.programme import Programme

GAP = 1e-6
"""Relative: lots this near to the bound are the best."""

ROUNDS = 60
MOST_WHOLE = 8
"""Contracts up to which whole lots are sought by branch and bound; more are rounded one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A hedge (K,) dollars, cost plus shortfall with it, and the least that any hedge within the limits can reach."""

    hedge: Floats
    objective: float
    bound: float


def objective(scenarios: Scenarios, one: Instruments, hedge: Floats) -> float:
    """Cost plus shortfall, dollars."""
    return one.cost(hedge) + scenarios.shortfall(hedge)


def cvar_hedge(scenarios: Scenarios, one: Instruments, room: Room) -> Found:
    """The best hedge of any size. scenarios : `effect` (S, K) is how far each contract moves, fractions."""
    limits, effect = split(one, room.for_contracts(one), scenarios.effect)
    least = least_shortfall(replace(scenarios, effect=effect), limits)
    if least is None:
        raise InvariantError("no hedge at all keeps every limit, and yet none was found")
    bought, sold, _ = np.split(least.columns, 3)
    hedge = np.clip(bought - sold, one.low, one.high)
    return Found(hedge=hedge, objective=objective(scenarios, one, hedge), bound=least.bound)


def best_in_lots(scenarios: Scenarios, one: Instruments, room: Room, best: Found) -> Found:
    """The best hedge in whole lots. best : that of any size."""
    room = room.for_contracts(one)
    start = _rounded(scenarios, one, room, best)
    if one.count > MOST_WHOLE or not one.lots.any():
        return start
    limits, _ = split(one, room, scenarios.effect)
    return LotSearch(scenarios, one, limits).run(start, best)


def fits(one: Instruments, room: Room, hedge: Floats) -> bool:
    """Within bounds, margin and turnover, to a cent in a million."""
    slack = 1e-8 * max(1.0, float(np.abs(hedge).max(initial=0.0)))
    inside = (hedge >= one.low - slack).all() and (hedge <= one.high + slack).all()
    margin = (one.margin(hedge, room.margin.size) <= room.margin + slack).all()
    return bool(inside and margin and np.abs(hedge).sum() <= room.turnover + slack)


def _rounded(scenarios: Scenarios, one: Instruments, room: Room, best: Found) -> Found:
    """Each contract rounded towards none, then moved a lot at a time while that helps."""
    lots = np.where(one.lots > 0.0, one.lots, 1.0)
    whole = np.trunc(best.hedge / lots + 1e-9 * np.sign(best.hedge)) * lots
    now = np.where(one.lots > 0.0, whole, best.hedge)
    if not fits(one, room, now):
        now = np.zeros(one.count)
    value = objective(scenarios, one, now)
    for _ in range(ROUNDS):
        tries = [now + step * one.lots * (np.arange(one.count) == k) for k in range(one.count) for step in (1.0, -1.0)]
        values = [(objective(scenarios, one, each), n) for n, each in enumerate(tries) if fits(one, room, each)]
        least, number = min(values, default=(value, -1))
        if least >= value - 0.1 * GAP * abs(value):
            break
        now, value = tries[number], least
    return Found(hedge=now, objective=value, bound=best.bound)


class LotSearch:
    """Columns: lots n, bought u, sold v, margin m, and the shortfall s, all in units of `money`. Least is cost plus shortfall, or
    under a budget (dollars) cost alone with the shortfall within it."""

    def __init__(self, scenarios: Scenarios, one: Instruments, limits: Limits, *, budget: float | None = None) -> None:
        self.scenarios, self.one, self.budget = scenarios, one, budget
        self.money = float(np.abs(scenarios.pnl).mean()) or 1.0
        self.unit = np.where(one.lots > 0.0, one.lots, self.money)
        self.programme = Programme()
        self._lay(limits)

    def _lay(self, limits: Limits) -> None:
        one, count = self.one, self.one.count
        for k in range(count):
            whole = bool(one.lots[k] > 0.0)
            low, high = one.low[k] / self.unit[k], one.high[k] / self.unit[k]
            if whole:
                low, high = np.ceil(low - 1e-9), np.floor(high + 1e-9)
            self.programme.column(0.0, float(low), float(high), whole=whole)
        units = np.tile(self.unit, 3)
        for cost, unit in zip(limits.cost, units, strict=True):
            self.programme.column(float(cost * unit / self.money), 0.0, np.inf)
        counts, most = (1.0, np.inf) if self.budget is None else (0.0, self.budget / self.money)
        self.shortfall = self.programme.column(counts, -np.inf, most)
        for k in range(count):
            self.programme.row(0.0, 0.0, [k, count + k, 2 * count + k], [1.0, -1.0, 1.0])
        for row, most in zip(limits.rows * units, limits.most, strict=True):
            used = np.flatnonzero(row)
            size = float(np.abs(row).max())
            self.programme.row(-np.inf, float(most / size), (count + used).tolist(), (row[used] / size).tolist())

    def cut(self, hedge: Floats) -> None:
        """The shortfall is at least the mean loss under the weights that are worst at this hedge."""
        worst = self.scenarios.worst(hedge)
        slope = (worst @ self.scenarios.effect) * self.unit / self.money
        level = -float(worst @ self.scenarios.pnl) / self.money
        self.programme.row(level, np.inf, [*range(self.one.count), self.shortfall], [*slope.tolist(), 1.0])

    def next(self) -> Floats | None:
        """The best lots (dollars) under the cuts so far, None when there are none."""
        found = self.programme.solve()
        if found is None:
            return None
        lots = found[: self.one.count]
        hedge: Floats = np.where(self.one.lots > 0.0, np.round(lots), lots) * self.unit
        return hedge

    def run(self, start: Found, free: Found) -> Found:
        """The best lots, from a start. free : the best hedge of any size."""
        best, bound = start, free.bound
        self.cut(free.hedge)
        self.cut(best.hedge)
        for _ in range(ROUNDS):
            hedge = self.next()
            if hedge is None:
                break
            bound = max(bound, float(self.programme.highs.getInfo().mip_dual_bound) * self.money)
            value = objective(self.scenarios, self.one, hedge)
            if value < best.objective:
                best = replace(best, hedge=hedge, objective=value)
            if best.objective - bound <= GAP * abs(best.objective):
                break
            self.cut(hedge)
        return replace(best, bound=min(bound, best.objective))
