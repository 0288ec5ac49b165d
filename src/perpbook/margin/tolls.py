"""What hard times take of an account besides a move of prices: funding that turned, and closing into a book that thinned.

Both are dollars at today's prices and whole sizes, by position, >= 0. At a share u of a position they are u times as much: for
funding exactly, for closing at most, because each further unit costs at least as much as the one before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.in_force import yearly_rate
from perpbook.kernels.types import Flags, Floats, Holdings
from perpbook.margin.arrays import BookArrays, Item, exit_levels, fee_to_close, price_lost
from perpbook.margin.measures import sums
from perpbook.model.units import DAY_NS

YEAR_NS = 365 * DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardship:
    """What a playbook asks an account to stand besides moves.

    funding_ns : how long funding that turned is paid, None where it does not turn.  depth_loss : the share of what rests in books
    that goes, None for none.  yearly : by position, rates a year that stand in where the market gives none, NaN not known.
    rule : the playbook key that asks for all of it.
    """

    funding_ns: int | None = None
    depth_loss: float | None = None
    yearly: Sequence[float] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolls:
    """(positions,) dollars, in the order of the arrays' positions; what is not asked is nothing.

    funding, closing : what is known of each.  rateless : no rate is known.  depthless : no depth is known, or less of it than the
    position needs, so that closing costs at least so much.  account : whose they are.  rule : as in `Hardship`.
    """

    funding: Floats
    closing: Floats
    rateless: Flags
    depthless: Flags
    account: Sequence[int]
    rule: str = ""

    @property
    def total(self) -> Floats:
        """(positions,) both together."""
        return self.funding + self.closing


def tolls_of(arrays: BookArrays, hardship: Hardship) -> Tolls:
    """What a hardship takes of every position."""
    items = [arrays.items[row] for row in arrays.positions()]
    count = len(items)
    funding, closing = np.zeros(count), np.zeros(count)
    rateless, depthless = np.zeros(count, dtype=np.uint8), np.zeros(count, dtype=np.uint8)
    stand_in = arrays.by_row(hardship.yearly) if hardship.yearly else [math.nan] * count
    for number, item in enumerate(items):
        size = abs(item.delta) * float(arrays.prices[item.column])
        if size == 0.0:
            continue
        if hardship.funding_ns is not None:
            rate = rate_in_force(arrays, item)
            rate = stand_in[number] if math.isnan(rate) else rate
            rateless[number] = math.isnan(rate)
            funding[number] = 0.0 if math.isnan(rate) else size * abs(rate) * hardship.funding_ns / YEAR_NS
        if hardship.depth_loss is not None:
            slipped, whole = slippage_in_thin_book(item, hardship.depth_loss)
            closing[number] = fee_to_close(item, arrays.prices) + slipped
            depthless[number] = not whole
    return Tolls(
        funding=funding,
        closing=closing,
        rateless=rateless,
        depthless=depthless,
        account=[item.account for item in items],
        rule=hardship.rule,
    )


def account_tolls(arrays: BookArrays, tolls: Tolls | None) -> Floats:
    """(accounts,) dollars that a hardship takes of each."""
    if tolls is None:
        return np.zeros(len(arrays.accounts))
    return sums(np.array(tolls.account, dtype=np.int64), tolls.total, len(arrays.accounts))


def slippage_in_thin_book(item: Item, depth_loss: float) -> tuple[float, bool]:
    """Dollars lost by closing a position whole once a share of every resting level is gone, and whether what is left is enough to
    close it; where it is not, the last level's price is taken to go on, so the true cost is at least this."""
    assert item.position is not None
    levels = [(price, quantity * (1.0 - depth_loss)) for price, quantity in exit_levels(item)]
    size = abs(item.delta)
    if not levels:
        return 0.0, False
    lost = price_lost(levels, size, item.mark, selling=item.position.quantity > 0)
    return lost * size * item.mark * item.ratio, sum(quantity for _, quantity in levels) >= size


def rate_in_force(arrays: BookArrays, item: Item) -> float:
    """The rate of a position's contract as a simple rate of 365 days, > 0 longs pay; NaN when the market gives none."""
    rate = item.quote.funding_rate if item.quote else None
    if rate is None:
        return math.nan
    return float(yearly_rate(rate, arrays.terms[item.account].funding.interval_ns))


def tolled(arrays: BookArrays, tolls: Tolls | None) -> Holdings:
    """The holdings with what a hardship takes as if entered so much dearer: at a share u of a row, u times its toll is gone."""
    if tolls is None:
        return arrays.held
    price, rows = arrays.held.price.copy(), arrays.positions()
    delta = arrays.held.delta[rows]
    price[rows] += np.divide(tolls.total, delta, out=np.zeros(len(rows)), where=delta != 0.0)
    return arrays.held._replace(price=price)
