"""Funding crossed: settlements paid on the bar's open by what was held when the bar began.

What an account receives in a bar is added up in the order of its rows, and then to its wallet: so a bar that is ticked and
a stretch that is done at once round alike.
"""

from __future__ import annotations

from perpbook.kernels.holding import FUNDING, Holding, pay
from perpbook.kernels.in_force import count_payment
from perpbook.kernels.jit import inlined, lean
from perpbook.kernels.lanes import add_in_order
from perpbook.kernels.rows import add_row
from perpbook.kernels.screens import Block
from perpbook.kernels.slots import Slots
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats, Integers


@inlined
def settle_bar(tape: Tape, slots: Slots, holding: Holding, bar: int, cursor: int, counted: bool) -> int:
    """Pay every settlement up to a bar; `cursor` is the first not yet paid, the new one is given back."""
    while cursor < tape.funding_bar.size and tape.funding_bar[cursor] <= bar:
        settle(tape, slots, holding, cursor, counted)
        cursor += 1
    for a in range(holding.accounts.size):
        holding.lines.cash[a] = holding.accounts[a].cash + holding.accounts[a].fixed
    return cursor


@lean
def settle(tape: Tape, slots: Slots, holding: Holding, cursor: int, counted: bool) -> None:
    """Pay the settlements of one bar: minus notional times rate, in dollars or in the contract's coin. `counted`: a rule asks
    who paid how often in a row."""
    bar = tape.funding_bar[cursor]
    for a in range(holding.accounts.size):
        total = 0.0
        for i in range(slots.start[a], slots.start[a + 1]):
            c, quantity = slots.column[i], holding.rows[i].quantity
            if slots.rows[i].coin or quantity == 0.0 or tape.funding_rate[c, cursor] == 0.0:
                continue
            price = tape.open[c, bar]
            rate = tape.funding_rate[c, cursor]
            dollars = -quantity * (rate if slots.rows[i].inverse else price * rate)
            holding.totals[i, FUNDING] += dollars
            holding.rows[i].day_funding += dollars
            if counted:
                count_payment(holding, i, dollars)
            if slots.rows[i].pays < 0:
                total += dollars
            else:
                pay(slots, holding, i, dollars, price)
        holding.accounts[a].cash += total


@lean
def price_settlements(tape: Tape, cursor: int, last: int, unit: Floats) -> int:
    """Write what one unit of each linear contract pays at the settlements from `cursor` on, up to bar `last` (not included),
    into `unit` (C, room); how many bars with settlements that are."""
    count = 0
    while cursor + count < tape.funding_bar.size and tape.funding_bar[cursor + count] < last:
        count += 1
    bars = tape.funding_bar[cursor : cursor + count]
    for c in range(unit.shape[0]):
        price_row(tape.open[c], bars, tape.funding_rate[c, cursor : cursor + count], unit[c, :count])
    return count


@lean
def price_row(opens: Floats, bars: Integers, rates: Floats, out: Floats) -> None:
    """A row at the bars with settlements (S,) times another (S,); bars that follow each other are read as one piece."""
    count = out.size
    if count > 0 and bars[count - 1] - bars[0] == count - 1:
        times(opens[bars[0] : bars[0] + count], rates, out)
        return
    for s in range(count):
        out[s] = opens[bars[s]] * rates[s]


@lean
def times(one: Floats, other: Floats, out: Floats) -> None:
    """Write the products of two rows."""
    for s in range(out.size):
        out[s] = one[s] * other[s]


@lean
def cash_ahead(tape: Tape, slots: Slots, holding: Holding, cursor: int, first: int, last: int, block: Block) -> int:
    """Each account's `lines.cash` at every bar first..last-1, as `settle_bar` would leave it, into `block.cash` (A, lanes),
    and its wallet after each settlement into `block.wallet` (A, settlements); how many bars with settlements there are.

    Nothing is changed. Linear contracts only: a block with others held ends before their settlements.
    """
    count = price_settlements(tape, cursor, last, block.unit)
    flow, bars, every = block.flow[:count], tape.funding_bar[cursor : cursor + count], block.funding[:count]
    for s in range(count):
        every[s] = 0.0
    for a in range(holding.accounts.size):
        for s in range(count):
            flow[s] = 0.0
        payers = 0
        for i in range(slots.start[a], slots.start[a + 1]):
            if holding.rows[i].quantity != 0.0 and not slots.rows[i].coin and slots.rows[i].pays < 0:
                block.sum.weights[payers], block.sum.columns[payers] = -holding.rows[i].quantity, slots.column[i]
                payers += 1
        add_in_order(flow, block.sum.weights, block.sum.columns, payers, block.unit)
        add_row(flow, every)
        wallet, cash = block.wallet[a], block.cash[a, : last - first]
        run_wallet(holding.accounts[a].cash, holding.accounts[a].fixed, first, bars, flow, wallet, cash)
    return count


@lean
def run_wallet(
    cash: float, fixed: float, first: int, bars: Integers, flow: Floats, wallet: Floats, out: Floats
) -> None:
    """A wallet through its settlements, and `out` (lanes,) what is in it, with `fixed`, at every bar."""
    lane = 0
    for s in range(flow.size):
        while lane < bars[s] - first:
            out[lane] = cash + fixed
            lane += 1
        cash += flow[s]
        wallet[s] = cash
    while lane < out.size:
        out[lane] = cash + fixed
        lane += 1


@lean
def take_in(slots: Slots, holding: Holding, block: Block, last: int, day: int) -> None:
    """Make the first `last` settlements of a block true: wallets, and what every row was paid, four rows at a time; those from
    `day` on are of the day that goes on."""
    count = 0
    for i in range(slots.rows.size):
        if holding.rows[i].quantity != 0.0 and not slots.rows[i].coin and slots.rows[i].pays < 0:
            block.payers[count] = i
            count += 1
        if count == 4 or (count > 0 and i == slots.rows.size - 1):
            for k in range(count, 4):
                block.payers[k] = block.payers[0]
            pay_four(holding, slots.column, block, last, day)
            for k in range(count):
                j = block.payers[k]
                holding.totals[j, FUNDING], holding.rows[j].day_funding = block.paid[k], block.paid[4 + k]
            count = 0
    for a in range(holding.accounts.size):
        if last > 0:
            holding.accounts[a].cash = block.wallet[a, last - 1]
        holding.lines.cash[a] = holding.accounts[a].cash + holding.accounts[a].fixed


@inlined
def pay_four(holding: Holding, column: Integers, block: Block, last: int, day: int) -> None:
    """What four rows have been paid in all, and today, after some settlements, into `block.paid`."""
    for k in range(4):
        j = block.payers[k]
        block.paid[k], block.paid[4 + k] = holding.totals[j, FUNDING], holding.rows[j].day_funding
    i, j, k, m = block.payers[0], block.payers[1], block.payers[2], block.payers[3]
    weights = (
        -holding.rows[i].quantity, -holding.rows[j].quantity, -holding.rows[k].quantity, -holding.rows[m].quantity,
    )  # fmt: skip
    p, q, r, s = block.unit[column[i]], block.unit[column[j]], block.unit[column[k]], block.unit[column[m]]
    add_payments(weights, p[:last], q[:last], r[:last], s[:last], block.paid[:4])
    add_payments(weights, p[day:last], q[day:last], r[day:last], s[day:last], block.paid[4:])


@lean
def add_payments(
    weights: tuple[float, float, float, float], p: Floats, q: Floats, r: Floats, s: Floats, out: Floats
) -> None:
    """Add four rows' payments to a total of each (4,), one after the other as they come: sums that wait for themselves take
    no longer by four than alone."""
    first, second, third, fourth = out[0], out[1], out[2], out[3]
    for t in range(p.size):
        first += weights[0] * p[t]
        second += weights[1] * q[t]
        third += weights[2] * r[t]
        fourth += weights[3] * s[t]
    out[0], out[1], out[2], out[3] = first, second, third, fourth


@lean
def next_coin_settlement(tape: Tape, slots: Slots, holding: Holding, cursor: int, last: int) -> int:
    """The first bar before `last` at which a held contract settles in coin, else `last`."""
    any_coin = False
    for i in range(slots.rows.size):
        any_coin = any_coin or (slots.rows[i].pays >= 0 and holding.rows[i].quantity != 0.0)
    while any_coin and cursor < tape.funding_bar.size and tape.funding_bar[cursor] < last:
        for i in range(slots.rows.size):
            held = slots.rows[i].pays >= 0 and holding.rows[i].quantity != 0.0
            if held and tape.funding_rate[slots.column[i], cursor] != 0.0:
                return int(tape.funding_bar[cursor])
        cursor += 1
    return last
