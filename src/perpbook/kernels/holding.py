"""What a run holds, and the only four ways it changes: a mark, a payment, a trade, a drawing of its lines.

Every dollar that moves is also added to a total by kind, from prices and sizes and not from the balance it moved, so
that a run can be checked: start equity plus all totals is end equity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import part
from perpbook.kernels.slots import Slots, draw_row, floor_rate
from perpbook.kernels.types import Floats, Lines, Rows

PRICE, FUNDING, FEES, SLIPPAGE, PENALTIES = range(5)
"""Columns of `Holding.totals`: dollars by row, received > 0."""

SEIZED, INSURED, ARRIVED, SENT, GAS = range(5)
"""Columns of `Holding.moved`: dollars by account, received > 0."""


HELD = np.dtype(
    [
        (name, np.float64)
        for name in ("quantity", "entry", "marked", "day_funding", "floor_rate", "turned", "paid_in_row", "received")
    ],
    align=True,
)
"""A row: signed size (coins for a coin row), average entry, the price its PRICE total is counted up to, dollars of funding
received this UTC day, the lowest rate of its requirement above zero (inf for none),
1 since it was closed or turned over until the tick has seen it; where a rule asks, settlements paid since the last received, and
1 since one was received."""

WALLET = np.dtype([("cash", np.float64), ("fixed", np.float64), ("cool_until_ns", np.int64)], align=True)
"""An account: dollars with realised profit, what its positions add whatever the price, and when it may next be
liquidated by parts."""


class Holding(NamedTuple):
    """The run's book. rows : (n,) of `HELD`.  accounts : (A,) of `WALLET`.  totals : (n, 5).  moved : (A, 5).

    lines : every row's lines; `lines.cash` is `cash + fixed`.
    """

    rows: Rows
    accounts: Rows
    totals: Floats
    moved: Floats
    lines: Lines


@part
def value_of(slots: Slots, holding: Holding, i: int, price: float) -> float:
    """Dollars that row i is worth at a price: unrealised profit, or a coin at its weight."""
    quantity = holding.rows[i].quantity
    if slots.rows[i].coin:
        return quantity * (slots.rows[i].weight if quantity > 0.0 else 1.0) * price
    if quantity == 0.0:
        return 0.0
    if slots.rows[i].inverse:
        return quantity * (price / holding.rows[i].entry - 1.0)
    return quantity * (price - holding.rows[i].entry)


@part
def mark(slots: Slots, holding: Holding, i: int, price: float) -> None:
    """Count row i's price profit up to a price; do this before its quantity or entry changes."""
    quantity = holding.rows[i].quantity
    if quantity != 0.0:
        step = price - holding.rows[i].marked
        if slots.rows[i].coin:
            step *= slots.rows[i].weight if quantity > 0.0 else 1.0
        elif slots.rows[i].inverse:
            step /= holding.rows[i].entry
        holding.totals[i, PRICE] += quantity * step
    holding.rows[i].marked = price


@part
def pay(slots: Slots, holding: Holding, i: int, dollars: float, price: float) -> None:
    """Pay dollars (> 0 received) to the wallet of row i: cash, or its coin at a price, whose line moves with it."""
    coin = slots.rows[i].pays
    if coin < 0:
        holding.accounts[slots.rows[i].account].cash += dollars
    else:
        mark(slots, holding, coin, price)
        quantity = holding.rows[coin].quantity + dollars / price
        holding.rows[coin].quantity = quantity
        holding.lines.delta[coin] = quantity * (slots.rows[coin].weight if quantity > 0.0 else 1.0)


@part
def trade(slots: Slots, holding: Holding, i: int, change: float, reference: float, price: float, fee: float) -> None:
    """Change row i by a signed quantity at `price`, against a `reference` price now; `fee` is a rate on the fill.

    The difference between the two prices is slippage; profit of what is closed is realised.
    """
    mark(slots, holding, i, reference)
    held, entry = holding.rows[i].quantity, holding.rows[i].entry
    closed = 0.0
    if held * change < 0.0:
        closed = max(-abs(held), -abs(change)) if held > 0.0 else min(abs(held), abs(change))
        gain = -closed * ((price / entry - 1.0) * reference / price if slots.rows[i].inverse else price - entry)
        pay(slots, holding, i, gain, reference)
    opened = change - closed
    remaining = held + closed
    if opened != 0.0 and slots.rows[i].inverse:
        entry = (remaining + opened) / ((remaining / entry if remaining != 0.0 else 0.0) + opened / price)
    elif opened != 0.0:
        entry = (remaining * entry + opened * price) / (remaining + opened)
    left = remaining + opened
    if abs(left) <= 1e-12 * max(abs(held), abs(change)):
        left = 0.0
    holding.rows[i].quantity, holding.rows[i].entry = left, entry if left != 0.0 else 0.0
    if left * held <= 0.0:
        holding.rows[i].turned = 1.0
    dollars = abs(change) * reference / price if slots.rows[i].inverse else abs(change) * price
    lost = change * (reference / price - 1.0) if slots.rows[i].inverse else change * (reference - price)
    holding.totals[i, SLIPPAGE] += lost
    holding.totals[i, FEES] -= dollars * fee
    pay(slots, holding, i, -dollars * fee, reference)


@part
def draw_account(slots: Slots, holding: Holding, prices: Floats, a: int) -> None:
    """Bring account a's lines up to what it holds; `prices` (C,) are its columns' now."""
    fixed = 0.0
    for i in range(slots.start[a], slots.start[a + 1]):
        price = prices[slots.rows[i].column]
        fixed += draw_row(slots, i, holding.rows[i].quantity, holding.rows[i].entry, price, holding.lines)
        holding.rows[i].floor_rate = floor_rate(slots, i, holding.rows[i].quantity, price)
    holding.accounts[a].fixed = fixed
    holding.lines.cash[a] = holding.accounts[a].cash + fixed


def empty_holding(slots: Slots) -> Holding:
    """Nothing held."""
    rows, accounts, tiers = slots.rows.size, slots.accounts.size, slots.rate.shape[1] + 1
    lines = Lines(
        start=slots.start,
        column=slots.column,
        delta=np.zeros(rows),
        slope=np.zeros((rows, tiers)),
        offset=np.zeros((rows, tiers)),
        pieces=np.zeros(rows, dtype=np.int64),
        reciprocal=np.zeros(rows),
        cash=np.zeros(accounts),
    )
    return Holding(
        rows=np.zeros(rows, dtype=HELD).view(np.recarray),
        accounts=np.zeros(accounts, dtype=WALLET).view(np.recarray),
        totals=np.zeros((rows, 5)),
        moved=np.zeros((accounts, 5)),
        lines=lines,
    )
