"""Orders inside a run: started at a close, filled at a later bar, refused where the margin does not allow them.

A row has at most one market order under way. Reductions fill before increases, never flip a position, and are rounded so
that less risk stays; increases are rounded down to the lot and need their initial margin.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from perpbook.kernels.holding import Holding, draw_account, trade
from perpbook.kernels.jit import inlined, part
from perpbook.kernels.journal import BY_LIMIT, FILL, REFUSED, Journal, write
from perpbook.kernels.margin import account_margin
from perpbook.kernels.slots import Slots, closing_fee, initial_fraction
from perpbook.kernels.tape import DAY_NS, NO_PRICE, Tape
from perpbook.kernels.types import Floats, Integers, Rows

MARKET_ROOM = 1e-9
"""Relative: orders smaller than this part of a position are none."""


ORDER = np.dtype([("quantity", np.float64), ("bar", np.int64), ("reason", np.int64), ("reduce", np.int64)], align=True)
"""A row's market order: signed quantity, the bar (-1 none) at whose open it fills, why, and 1 when it may not grow or flip
what is held."""

RESTING = np.dtype(
    [("row", np.int64), ("quantity", np.float64), ("price", np.float64), ("reduce", np.int64)], align=True
)
"""A resting limit order."""


class Orders(NamedTuple):
    """rows : (n,) of `ORDER`.  resting : (room,) of `RESTING`, the first `resting_count` (1,) of them."""

    rows: Rows
    resting: Rows
    resting_count: Integers


class Desk(NamedTuple):
    """What an order touches: the rows' rules, what they hold, what is under way, and the journal."""

    slots: Slots
    holding: Holding
    orders: Orders
    journal: Journal


class Habits(NamedTuple):
    """How orders are treated in a run: `latency` ticks before an order may fill, `slip` (0 or 1) on modelled slippage,
    `touch` 1 when a limit fills at a touch, `adverse` 1 when margin is tested at a bar's extremes."""

    latency: int
    slip: float
    touch: int
    adverse: int


@part
def rounded(slots: Slots, i: int, held: float, change: float) -> float:
    """A wanted change as an order: reductions up to the lot, at most the whole; increases down to it."""
    lot = slots.rows[i].lot
    reduces = held * change < 0.0 and abs(change) <= abs(held)
    if lot > 0.0:
        lots = abs(change) / lot
        count = math.ceil(lots - 1e-9) if reduces else math.floor(lots + 1e-9)
        change = math.copysign(count * lot, change)
    if reduces and abs(change) > abs(held) * (1.0 - MARKET_ROOM):
        return -held
    return change


@part
def start(
    slots: Slots, holding: Holding, orders: Orders, i: int, change: float, price: float, bar: int, reason: int
) -> bool:
    """Start a market order for row i, to fill at the open of `bar`; False when there is nothing to do.

    A reduction under the venue's least order is raised to it; any other order under it is none. One already under way
    stays, unless this one comes from a rule of higher precedence.
    """
    held = holding.rows[i].quantity
    least = slots.rows[i].least_trade / (1.0 if slots.rows[i].inverse else price)
    reduces = held * change < 0.0 and abs(change) <= abs(held)
    if reduces and abs(change) < least:
        change = math.copysign(min(least, abs(held)), change)
    change = rounded(slots, i, held, change)
    if abs(change) <= MARKET_ROOM * abs(held) or change == 0.0 or (not reduces and abs(change) < least):
        return False
    if orders.rows[i].bar >= 0:
        if reason >= orders.rows[i].reason:
            return False
        bar = min(bar, orders.rows[i].bar)
    orders.rows[i].quantity, orders.rows[i].bar, orders.rows[i].reason = change, bar, reason
    orders.rows[i].reduce = 1 if reduces else 0
    return True


@part
def cancel_all(slots: Slots, orders: Orders, a: int) -> None:
    """Take back every order of account a."""
    for i in range(slots.start[a], slots.start[a + 1]):
        orders.rows[i].bar = -1
    kept = 0
    for k in range(orders.resting_count[0]):
        if slots.rows[orders.resting[k].row].account != a:
            keep_limit(orders, k, kept)
            kept += 1
    orders.resting_count[0] = kept


@part
def keep_limit(orders: Orders, k: int, at: int) -> None:
    """Move limit order k to place `at`."""
    orders.resting[at].row, orders.resting[at].quantity = orders.resting[k].row, orders.resting[k].quantity
    orders.resting[at].price, orders.resting[at].reduce = orders.resting[k].price, orders.resting[k].reduce


@part
def slippage_rate(tape: Tape, c: int, bar: int, dollars: float) -> float:
    """The fraction of price lost by taking `dollars` at once: half the spread, and impact with their square root."""
    day = min((tape.open_ns[bar] - tape.open_ns[0]) // DAY_NS, tape.impact.shape[1] - 1)
    impact = tape.impact[c, day] * tape.thin[c, min(bar, tape.thin.shape[1] - 1)]
    return tape.spread[c] * tape.strain[c, min(bar, tape.strain.shape[1] - 1)] + impact * math.sqrt(dollars)


@part
def has_margin(slots: Slots, holding: Holding, i: int, change: float, prices: Floats, cost: float) -> bool:
    """Whether the account keeps its initial margin after row i changes, paying `cost` dollars."""
    a = slots.rows[i].account
    equity, _ = account_margin(holding.lines, a, prices)
    asked = 0.0
    for k in range(slots.start[a], slots.start[a + 1]):
        quantity = holding.rows[k].quantity + (change if k == i else 0.0)
        if quantity != 0.0 and not slots.rows[k].coin:
            price = prices[slots.rows[k].column]
            notional = abs(quantity) if slots.rows[k].inverse else abs(quantity) * price
            fee = closing_fee(slots, k, quantity, price) if slots.rows[k].bankruptcy_fee > 0.0 else 0.0
            asked += notional * (initial_fraction(slots, k, abs(quantity), price) + fee)
    return equity - cost >= asked


@part
def fill(tape: Tape, desk: Desk, habits: Habits, i: int, change: float, bar: int, reason: int, prices: Floats) -> bool:
    """Trade row i at the bar's open by taking, or refuse it; draws its account anew."""
    slots, holding, journal = desk.slots, desk.holding, desk.journal
    c, a = slots.rows[i].column, slots.rows[i].account
    reference = prices[c]
    dollars = abs(change) if slots.rows[i].inverse else abs(change) * reference
    worse = habits.slip * slippage_rate(tape, c, bar, dollars)
    price = reference * (1.0 + worse) if change > 0.0 else reference * (1.0 - min(worse, 0.99))
    grows = abs(holding.rows[i].quantity + change) > abs(holding.rows[i].quantity)
    if grows and not has_margin(slots, holding, i, change, prices, dollars * (worse + slots.rows[i].taker)):
        number = write(journal, bar, REFUSED, a, i, reason)
        journal.figures[number, 0], journal.figures[number, 1] = change, price
        return False
    settle_trade(desk, i, change, price, slots.rows[i].taker, bar, reason, prices)
    return True


@part
def settle_trade(
    desk: Desk, i: int, change: float, price: float, fee: float, bar: int, reason: int, prices: Floats
) -> None:
    """Trade row i at a price known to be good, write it down, draw its account anew."""
    slots, holding, journal = desk.slots, desk.holding, desk.journal
    reference = prices[slots.rows[i].column]
    fees, slipped = holding.totals[i, 2], holding.totals[i, 3]
    trade(slots, holding, i, change, reference, price, fee)
    draw_account(slots, holding, prices, slots.rows[i].account)
    number = write(journal, bar, FILL, slots.rows[i].account, i, reason)
    journal.figures[number, 0], journal.figures[number, 1] = change, price
    journal.figures[number, 2], journal.figures[number, 3] = holding.totals[i, 2] - fees, holding.totals[i, 3] - slipped


@inlined
def fill_due(tape: Tape, desk: Desk, habits: Habits, bar: int, prices: Floats) -> int:
    """Fill every market order due at this bar's open, reductions first; gives how many are still under way.

    `prices` (C,) are the bar's opens. A market that is stale, or out of reach, fills nothing: its orders wait.
    """
    slots, holding, orders = desk.slots, desk.holding, desk.orders
    for reducing in range(1, -1, -1):
        for i in range(slots.rows.size):
            if orders.rows[i].bar < 0 or orders.rows[i].bar > bar or tape.stale[slots.rows[i].column, bar]:
                continue
            held, change = holding.rows[i].quantity, orders.rows[i].quantity
            if (held * change < 0.0) != (reducing == 1):
                continue
            orders.rows[i].bar = -1
            if orders.rows[i].reduce:
                change = 0.0 if held * change >= 0.0 else math.copysign(min(abs(change), abs(held)), change)
            if change != 0.0:
                fill(tape, desk, habits, i, change, bar, orders.rows[i].reason, prices)
    waiting = 0
    for i in range(slots.rows.size):
        waiting += 1 if orders.rows[i].bar >= 0 else 0
    return waiting


@part
def limit_crossed(tape: Tape, habits: Habits, quantity: float, limit: float, low: float, high: float) -> bool:
    """Whether a range of prices fills a limit order: traded through, or touched when `habits.touch`."""
    if quantity > 0.0:
        return low < limit or (habits.touch == 1 and low <= limit)
    return high > limit or (habits.touch == 1 and high >= limit)


@inlined
def fill_limits(tape: Tape, desk: Desk, habits: Habits, bar: int, prices: Floats) -> None:
    """Fill resting orders that this bar trades through, at their limit, or at the open where that is better."""
    slots, holding, orders = desk.slots, desk.holding, desk.orders
    kept = 0
    for k in range(orders.resting_count[0]):
        i, change, limit = orders.resting[k].row, orders.resting[k].quantity, orders.resting[k].price
        c = slots.rows[i].column
        crossed = limit_crossed(tape, habits, change, limit, tape.low[c, bar], tape.high[c, bar])
        if tape.stale[c, bar] & NO_PRICE or not crossed:
            keep_limit(orders, k, kept)
            kept += 1
            continue
        price = min(limit, prices[c]) if change > 0.0 else max(limit, prices[c])
        held = holding.rows[i].quantity
        if orders.resting[k].reduce:
            change = 0.0 if held * change >= 0.0 else math.copysign(min(abs(change), abs(held)), change)
        dollars = abs(change) * price
        grows = abs(held + change) > abs(held)
        if change != 0.0 and (
            not grows or has_margin(slots, holding, i, change, prices, dollars * slots.rows[i].maker)
        ):
            settle_trade(desk, i, change, price, slots.rows[i].maker, bar, BY_LIMIT, prices)
        elif change != 0.0:
            write(desk.journal, bar, REFUSED, slots.rows[i].account, i, BY_LIMIT)
    orders.resting_count[0] = kept


def no_orders(rows: int, room: int = 64) -> Orders:
    """Nothing under way; room for so many limit orders."""
    under_way = np.zeros(rows, dtype=ORDER).view(np.recarray)
    under_way["bar"] = -1
    return Orders(
        rows=under_way,
        resting=np.zeros(room, dtype=RESTING).view(np.recarray),
        resting_count=np.zeros(1, dtype=np.int64),
    )
