"""The cheapest hedge that keeps a tail budget: least cost such that what the worst of the scenarios lose on average (CVaR) is
no more than so many dollars.

    min over z >= 0 :  cost' z,   subject to  CVaR_tail( -(pnl + effect z) ) <= budget,   rows z <= most

For a price t of a dollar, `shortfall.least_shortfall` finds the least of t x cost + CVaR. The answers trace the lower edge of all
(shortfall, cost) that can be had, which is convex and has corners. From the two corners beside the budget the line between them
gives the next price; where no answer lies below the line it is the edge, and the mixture on it that has just the budget is the
cheapest. Exact, in as many programmes as there are corners on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from perpbook.errors import InvariantError
from perpbook.hedging.cvar import MOST_WHOLE, ROUNDS, LotSearch, fits
from perpbook.hedging.instruments import Instruments, Room, split
from perpbook.hedging.shortfall import Limits, Scenarios, least_shortfall
from perpbook.kernels.types import Floats

CHEAP = 1e-7
"""The price of cost, in shortfall, of the hedge of least shortfall: among those that reach it, a cheap one."""

CLOSE = 1e-9
"""Relative to the loss without a hedge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """A hedge (K,) dollars; its cost and the shortfall it leaves, dollars. `kept` : within the budget; where nothing is, this is
    the hedge that leaves least."""

    hedge: Floats
    cost: float
    shortfall: float
    kept: bool


def cost_of(one: Instruments, hedge: Floats) -> float:
    """Dollars of fees and of funding paid. Funding received does not count, or the cheapest hedge would be the largest carry."""
    return float(one.fees @ np.abs(hedge) + np.maximum(one.funding * hedge, 0.0).sum())


def budget_hedge(scenarios: Scenarios, one: Instruments, room: Room, budget: float) -> Within:
    """The cheapest hedge of any size within the budget (dollars), or the one that leaves least. scenarios : as `cvar_hedge`."""
    limits, effect = _limits(scenarios, one, room)
    wide = replace(scenarios, effect=effect)
    columns = _cheapest(wide, limits, budget)
    bought, sold, _ = np.split(columns, 3)
    return _told(scenarios, one, np.clip(bought - sold, one.low, one.high), budget)


def budget_in_lots(scenarios: Scenarios, one: Instruments, room: Room, budget: float, best: Within) -> Within:
    """The same in whole lots: the cheapest found by branch and bound over cuts, at least the cheapest of those around `best`."""
    room = room.for_contracts(one)
    if not one.lots.any():
        return best
    if one.count > MOST_WHOLE:
        return _lot_by_lot(scenarios, one, room, budget, best)
    found = _around(scenarios, one, room, budget, best)
    if not best.kept:
        return found
    limits, _ = _limits(scenarios, one, room)
    search = LotSearch(scenarios, one, limits, budget=budget)
    for start in (best.hedge, found.hedge):
        search.cut(start)
    for _ in range(ROUNDS):
        hedge = search.next()
        if hedge is None:
            break
        tried = _told(scenarios, one, hedge, budget)
        found = min((found, tried), key=_worth) if fits(one, room, hedge) else found
        if tried.kept:
            break
        search.cut(hedge)
    return found


def _limits(scenarios: Scenarios, one: Instruments, room: Room) -> tuple[Limits, Floats]:
    """As `split`, with funding received left out of the cost."""
    limits, effect = split(one, room.for_contracts(one), scenarios.effect)
    paid = np.concatenate([np.maximum(one.funding, 0.0), np.maximum(-one.funding, 0.0), np.zeros(one.count)])
    return replace(limits, cost=np.concatenate([one.fees, one.fees, np.zeros(one.count)]) + paid), effect


def _told(scenarios: Scenarios, one: Instruments, hedge: Floats, budget: float) -> Within:
    short = scenarios.shortfall(hedge)
    kept = short <= budget + 10.0 * CLOSE * _scale(scenarios)
    return Within(hedge=hedge, cost=cost_of(one, hedge), shortfall=short, kept=kept)


def _worth(found: Within) -> tuple[bool, float]:
    """Within the budget first, then the cheaper; outside it, that which leaves less."""
    return not found.kept, found.cost if found.kept else found.shortfall


def _scale(scenarios: Scenarios) -> float:
    return max(
        abs(scenarios.shortfall(np.zeros(scenarios.effect.shape[1]))), float(np.abs(scenarios.pnl).mean()), 1e-12
    )


def _cheapest(scenarios: Scenarios, limits: Limits, budget: float) -> Floats:
    """(3K,) the columns, along the edge of what can be had."""

    def at(price: float) -> tuple[Floats, float, float]:
        """Columns, cost and shortfall of the least of `price` x cost + shortfall."""
        least = least_shortfall(scenarios, replace(limits, cost=limits.cost * price))
        if least is None:
            raise InvariantError("no hedge at all keeps every limit, and yet none was found")
        return least.columns, float(limits.cost @ least.columns), scenarios.shortfall(least.columns)

    close = CLOSE * _scale(scenarios)
    none = np.zeros(scenarios.effect.shape[1])
    dear, cheap = at(CHEAP), (none, 0.0, scenarios.shortfall(none))
    if cheap[2] <= budget:
        return none
    while dear[2] <= budget and cheap[2] - dear[2] > close:
        price = (cheap[2] - dear[2]) / max(dear[1] - cheap[1], 1e-12)
        found = at(price)
        gain = price * dear[1] + dear[2] - (price * found[1] + found[2])
        if gain <= close:
            share = (cheap[2] - budget) / (cheap[2] - dear[2])
            mixed: Floats = share * dear[0] + (1.0 - share) * cheap[0]
            return mixed
        dear, cheap = (found, cheap) if found[2] <= budget else (dear, found)
    return dear[0]


def _around(scenarios: Scenarios, one: Instruments, room: Room, budget: float, best: Within) -> Within:
    """The best of the whole lots next to a hedge, up and down in every contract, and of none at all."""
    lots = np.where(one.lots > 0.0, one.lots, 1.0)
    steps = [np.unique([np.floor(n + 1e-9), np.ceil(n - 1e-9)]) for n in best.hedge / lots]
    found = _told(scenarios, one, np.zeros(one.count), budget)
    for corner in product(*steps):
        hedge = np.where(one.lots > 0.0, np.array(corner) * lots, best.hedge)
        if fits(one, room, hedge):
            found = min((found, _told(scenarios, one, hedge, budget)), key=_worth)
    return found


def _lot_by_lot(scenarios: Scenarios, one: Instruments, room: Room, budget: float, best: Within) -> Within:
    """A hedge rounded towards none, then moved by the lot that takes away most shortfall until the budget is kept."""
    lots = np.where(one.lots > 0.0, one.lots, 1.0)
    whole = np.trunc(best.hedge / lots + 1e-9 * np.sign(best.hedge)) * lots
    now = _told(scenarios, one, np.where(one.lots > 0.0, whole, best.hedge), budget)
    if not fits(one, room, now.hedge):
        now = _told(scenarios, one, np.zeros(one.count), budget)
    for _ in range(ROUNDS):
        if now.kept:
            break
        steps = [step * one.lots * (np.arange(one.count) == k) for k in range(one.count) for step in (1.0, -1.0)]
        tries = [_told(scenarios, one, now.hedge + step, budget) for step in steps if fits(one, room, now.hedge + step)]
        least = min(tries, key=lambda each: each.shortfall, default=now)
        if least.shortfall >= now.shortfall:
            break
        now = least
    return now
