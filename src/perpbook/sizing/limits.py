"""What a set of sizes must satisfy, as concave functions of the scale vector u: the playbook, ready for an optimiser.

u (n,) is the share of every position that is kept, 0 to 1. Two shapes of limit:

* margin: an account at some prices keeps `E(u) - weight M(u) >= 0`. E is linear in u (closing realises profit at the
  price now and pays its cost), M is convex, so the limit is concave and a gradient cut never removes a good size.
* linear: `coefficients u <= bound`, with the leverage caps written out (book equity falls by the cost of the trims).

Plain NumPy on purpose: a second, independent reading of the margin rules, held to the kernels' by tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpbook.kernels.types import Flags, Floats, Holdings, Integers
from perpbook.sizing.tiers import TierSteps, true_savings


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """`coefficients u <= bound`, dollars. `per_dollar` is how much the bound grows with a dollar of equity: the book's,
    or that of `account`. `rule` is the playbook key, `subject` the asset, account or "book" it is about."""

    rule: str
    subject: str
    coefficients: Floats
    bound: float
    per_dollar: float
    account: int = -1

    @property
    def name(self) -> str:
        """Rule and subject in one."""
        return self.rule if self.subject == "book" else f"{self.rule} {self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPoint:
    """Prices (columns,) at which an account, or every account (`account` None), must keep `weight` x its maintenance
    margin, or miss it by no more than `allowed` dollars. `name` is the scenario or cap, `rule` the playbook key.

    `by_tier` False: always at today's tier, since the prices themselves were worked out from its rate. `tolled`: less what
    hardship takes beside the move."""

    name: str
    rule: str
    prices: Floats
    weight: float
    account: int | None = None
    allowed: float = 0.0
    by_tier: bool = True
    tolled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Everything u must satisfy. `rows` (n,) are the book rows that are positions; `upper` (n,) bounds u from above;
    `steps` are the positions that can fall into a lower whole-position tier. `tolls` (n,) dollars that hardship takes of each
    whole position, None for nothing."""

    held: Holdings
    rows: Integers
    upper: Floats
    linear: tuple[Linear, ...]
    margin: tuple[MarginPoint, ...]
    account_names: tuple[str, ...]
    steps: tuple[TierSteps, ...] = ()
    tolls: Floats | None = None

    def account_of(self) -> Integers:
        """(n,) the account each position stands in."""
        of = np.repeat(np.arange(self.held.cash.size), np.diff(self.held.start))
        picked: Integers = of[self.rows]
        return picked


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginLimits:
    """The margin limits of a book as arrays: one row per (point, account) that has positions.

    `base` (m,): equity of the emptied account before costs, with what may be missing. `gain` (points, n): dollars per
    unit of u, notional and curve (points, n). `rise` and `deducted` (tiers, points, n): what each tier asks is
    `u rise - deducted`, dollars; a tier a position has not got asks minus infinity.
    """

    point: Integers
    account: Integers
    weight: Floats
    by_tier: Flags
    base: Floats
    gain: Floats
    notional: Floats
    curve: Floats
    rise: Floats
    deducted: Floats


def margin_limits(limits: Limits) -> MarginLimits:
    """Lay the margin limits out as arrays."""
    held, rows = limits.held, limits.rows
    columns = int(held.column.max(initial=-1)) + 1
    prices = np.array([point.prices[:columns] for point in limits.margin]).reshape(len(limits.margin), columns)
    at = prices[:, held.column[rows]]
    of = limits.account_of()
    pairs = [
        (p, a)
        for p, point in enumerate(limits.margin)
        for a in (range(held.cash.size) if point.account is None else [point.account])
        if (of == a).any()
    ]
    notional = held.notional_slope[rows] * at + held.notional_offset[rows]
    rise, deducted = by_tier(held, rows, notional, at)
    allowed = np.array([limits.margin[p].allowed for p, _ in pairs], dtype=np.float64)
    point, account = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in (0, 1))
    return MarginLimits(
        point=point,
        account=account,
        weight=np.array([limits.margin[p].weight for p in point]),
        by_tier=np.array([limits.margin[p].by_tier for p in point], dtype=np.uint8),
        base=emptied_equity(held, prices)[point, account] + allowed if len(pairs) else np.zeros(0),
        gain=held.delta[rows] * (at - held.price[rows]) - _tolls(limits),
        notional=notional,
        curve=held.curve_slope[rows] * at + held.curve_reciprocal[rows] / at,
        rise=rise,
        deducted=deducted,
    )


def by_tier(held: Holdings, rows: Integers, notional: Floats, at: Floats) -> tuple[Floats, Floats]:
    """`rise` and `deducted` of `MarginLimits` at prices `at` (points, n)."""
    worth = np.where(held.in_coin[rows] == 1, at, 1.0)
    tiers = max(held.rate.shape[1], 1)
    rise, deducted = np.zeros((tiers, *notional.shape)), np.full((tiers, *notional.shape), np.inf)
    for k in range(held.rate.shape[1]):
        used = k < held.pieces[rows]
        rise[k] = np.where(used, held.rate[rows, k] * notional, 0.0)
        deducted[k] = np.where(used, held.deduction[rows, k] * worth, np.inf)
    return rise, deducted


def _tolls(limits: Limits) -> Floats:
    """(points, n) dollars that hardship takes of each whole position at each point."""
    out = np.zeros((len(limits.margin), limits.rows.size))
    if limits.tolls is not None:
        out[[point.tolled for point in limits.margin]] = limits.tolls
    return out


def emptied_equity(held: Holdings, prices: Floats) -> Floats:
    """(points, accounts): cash and coins alone, dollars."""
    coins = np.flatnonzero(held.scalable == 0)
    of = np.repeat(np.arange(held.cash.size), np.diff(held.start))
    out = np.tile(held.cash, (prices.shape[0], 1))
    for row in coins:
        out[:, of[row]] += held.delta[row] * prices[:, held.column[row]]
    return out


def surpluses(limits: Limits, laid: MarginLimits, u: Floats) -> tuple[Floats, Floats]:
    """Value (m,) of every margin limit at u, and its gradient (m, n), dollars.

    Whole-position tiers are read by today's rate; `relief` is what the true tiers add.
    """
    asked = u * laid.rise - laid.deducted
    tier = asked.argmax(axis=0)[None]
    need = np.take_along_axis(asked, tier, axis=0)[0] + u * u * laid.curve
    slope = np.take_along_axis(laid.rise, tier, axis=0)[0] + 2.0 * u * laid.curve
    cost, own = limits.held.close_cost[limits.rows], _own(limits, laid)
    gradient = own * (laid.gain[laid.point] + cost - laid.weight[:, None] * slope[laid.point])
    return _values(limits, laid, u, need), gradient


def _values(limits: Limits, laid: MarginLimits, u: Floats, need: Floats) -> Floats:
    """(m,) `surpluses` alone; need (points, n) is every position's maintenance margin, dollars."""
    cost, own = limits.held.close_cost[limits.rows], _own(limits, laid)
    equity = laid.base + (own * (u * laid.gain[laid.point] - (1.0 - u) * cost)).sum(axis=1)
    value: Floats = equity - laid.weight * (own * need[laid.point]).sum(axis=1)
    return value


def _own(limits: Limits, laid: MarginLimits) -> NDArray[np.bool_]:
    """(m, n) whether a position stands in the account of a limit."""
    own: NDArray[np.bool_] = limits.account_of()[None, :] == laid.account[:, None]
    return own


def relief(limits: Limits, laid: MarginLimits, position: int) -> Floats:
    """(m,) dollars a margin limit gains when a position of today's size is asked a rate lower by one."""
    own = limits.account_of()[position] == laid.account
    gained: Floats = own * laid.by_tier * laid.weight * laid.notional[laid.point, position]
    return gained


def worst_shortfall(limits: Limits, laid: MarginLimits, u: Floats) -> float:
    """The largest violation of any limit at u, by the tiers u truly stands in, dollars; <= 0 when all hold."""
    need = (u * laid.rise - laid.deducted).max(axis=0) + u * u * laid.curve
    value = _values(limits, laid, u, need)
    if limits.steps:
        saved = u * true_savings(limits.steps, u)
        for one in limits.steps:
            value = value + saved[one.position] * relief(limits, laid, one.position)
    linear = [float(one.coefficients @ u) - one.bound for one in limits.linear]
    size = np.abs(limits.held.delta * limits.held.price)[limits.rows]
    over = float((size * (u - limits.upper)).max(initial=-np.inf))
    return max([-float(value.min(initial=np.inf)), *linear, over])
