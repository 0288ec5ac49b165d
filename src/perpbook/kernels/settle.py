"""Funding crossed: settlements paid on the bar's open by what was held when the bar began."""

from __future__ import annotations

from perpbook.kernels.holding import FUNDING, Holding, pay
from perpbook.kernels.jit import inlined, lean
from perpbook.kernels.screens import Block
from perpbook.kernels.slots import Slots
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats


@lean
def payment(slots: Slots, holding: Holding, i: int, price: float, rate: float) -> float:
    """Dollars that row i receives (> 0) or pays at one settlement: minus its notional times the rate."""
    quantity = holding.rows[i].quantity
    return -quantity * rate if slots.rows[i].inverse else -quantity * price * rate


@inlined
def settle_bar(tape: Tape, slots: Slots, holding: Holding, bar: int, cursor: int) -> int:
    """Pay every settlement up to a bar; `cursor` is the first not yet paid, the new one is given back."""
    while cursor < tape.settlements.size and tape.settlements[cursor].bar <= bar:
        column, rate = tape.settlements[cursor].column, tape.settlements[cursor].rate
        price = tape.open[column, tape.settlements[cursor].bar]
        for k in range(slots.column_start[column], slots.column_start[column + 1]):
            i = slots.of_column[k]
            if holding.rows[i].quantity != 0.0:
                dollars = payment(slots, holding, i, price, rate)
                holding.totals[i, FUNDING] += dollars
                holding.rows[i].day_funding += dollars
                pay(slots, holding, i, dollars, price)
        cursor += 1
    for a in range(holding.accounts.size):
        holding.lines.cash[a] = holding.accounts[a].cash + holding.accounts[a].fixed
    return cursor


@inlined
def cash_rows(
    tape: Tape, slots: Slots, holding: Holding, cursor: int, first: int, last: int, rows: Floats, block: Block
) -> None:
    """Write each account's `lines.cash` at every bar first..last-1 into `rows` (A, lanes), as `settle_bar` would leave it.

    Nothing is changed. Linear contracts only: a block with others held ends before their settlements. The lane after the
    last holds cash without `fixed`, so that sums round alike. `block` learns the least cash of each account, and the most
    that each row may have paid in any day by any bar, money received left out.
    """
    lanes, least, paid = last - first, block.cash, block.paid
    for a in range(holding.accounts.size):
        rows[a, lanes], block.since[a] = holding.accounts[a].cash, 0
        least[a] = holding.accounts[a].cash
    for i in range(holding.rows.size):
        paid[i] = max(-holding.rows[i].day_funding, 0.0)
    while cursor < tape.settlements.size and tape.settlements[cursor].bar < last:
        column, bar = tape.settlements[cursor].column, tape.settlements[cursor].bar
        price, rate, lane = tape.open[column, bar], tape.settlements[cursor].rate, bar - first
        for k in range(slots.column_start[column], slots.column_start[column + 1]):
            i = slots.of_column[k]
            if holding.rows[i].quantity != 0.0:
                a = slots.rows[i].account
                spread_cash(rows[a], block.since[a], lane, rows[a, lanes] + holding.accounts[a].fixed)
                block.since[a] = max(lane, block.since[a])
                dollars = payment(slots, holding, i, price, rate)
                rows[a, lanes] += dollars
                least[a] = min(least[a], rows[a, lanes])
                paid[i] += max(-dollars, 0.0)
        cursor += 1
    for a in range(holding.accounts.size):
        spread_cash(rows[a], block.since[a], lanes, rows[a, lanes] + holding.accounts[a].fixed)
        least[a] += holding.accounts[a].fixed


@inlined
def spread_cash(row: Floats, first: int, last: int, dollars: float) -> None:
    """Write `dollars` into lanes first..last-1; assigning a slice costs more than most of these have lanes."""
    for lane in range(first, last):
        row[lane] = dollars


@lean
def next_coin_settlement(tape: Tape, slots: Slots, holding: Holding, cursor: int, last: int) -> int:
    """The first bar before `last` at which a held contract settles in coin, else `last`."""
    any_coin = False
    for i in range(slots.rows.size):
        any_coin = any_coin or (slots.rows[i].pays >= 0 and holding.rows[i].quantity != 0.0)
    while any_coin and cursor < tape.settlements.size and tape.settlements[cursor].bar < last:
        for i in range(slots.rows.size):
            if (
                slots.rows[i].pays >= 0
                and slots.rows[i].column == tape.settlements[cursor].column
                and holding.rows[i].quantity != 0.0
            ):
                return int(tape.settlements[cursor].bar)
        cursor += 1
    return last
