"""Funding crossed: settlements paid on the bar's open by what was held when the bar began.

What an account receives in a bar is added up in the order of its rows, and then to its wallet: so a bar that is ticked and
a stretch that is done at once round alike.
"""

from __future__ import annotations

from perpbook.kernels.holding import FUNDING, Holding, pay
from perpbook.kernels.in_force import count_payment
from perpbook.kernels.jit import inlined, lean, part
from perpbook.kernels.lanes import add_in_order
from perpbook.kernels.rows import add_row
from perpbook.kernels.screens import Block
from perpbook.kernels.slots import Slots
from perpbook.kernels.sums import clear_row
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats, Integers, Rows

AT_ONCE = 8
"""Rows whose payments are added up side by side."""


@inlined
def settle_bar(tape: Tape, slots: Slots, holding: Holding, bar: int, cursor: int, counted: bool) -> int:
    """Pay every settlement up to a bar; `cursor` is the first not yet paid, the new one is given back."""
    while cursor < tape.funding_bar.size and tape.funding_bar[cursor] <= bar:
        settle(tape, slots, holding, cursor, counted)
        cursor += 1
    for a in range(holding.accounts.size):
        holding.lines.cash[a] = holding.accounts[a].cash + holding.accounts[a].fixed
    return cursor


@part
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


@part
def price_row(opens: Floats, bars: Integers, rates: Floats, out: Floats) -> None:
    """A row at the bars with settlements (S,) times another (S,); bars that follow each other are read as one piece."""
    count = out.size
    if count > 0 and bars[count - 1] - bars[0] == count - 1:
        times(opens[bars[0] : bars[0] + count], rates, out)
        return
    for s in range(count):
        out[s] = opens[bars[s]] * rates[s]


@part
def times(one: Floats, other: Floats, out: Floats) -> None:
    """Write the products of two rows."""
    for s in range(out.size):
        out[s] = one[s] * other[s]


@part
def cash_ahead(tape: Tape, slots: Slots, holding: Holding, cursor: int, first: int, last: int, block: Block) -> int:
    """Each account's `lines.cash` at every bar first..last-1, as `settle_bar` would leave it, into `block.cash` (A, lanes),
    and its wallet after each settlement into `block.wallet` (A, settlements); how many bars with settlements there are.

    Nothing is changed. Linear contracts only: a block with others held ends before their settlements.
    """
    count = price_settlements(tape, cursor, last, block.unit)
    bars, every = tape.funding_bar[cursor : cursor + count], block.funding[:count]
    clear_row(every)
    for a in range(holding.accounts.size):
        flow, payers = block.wallet[a, :count], 0
        clear_row(flow)
        for i in range(slots.start[a], slots.start[a + 1]):
            if holding.rows[i].quantity != 0.0 and not slots.rows[i].coin and slots.rows[i].pays < 0:
                block.sum.weights[payers], block.sum.columns[payers] = -holding.rows[i].quantity, slots.column[i]
                payers += 1
        add_in_order(flow, block.sum.weights, block.sum.columns, payers, block.unit)
        add_row(flow, every)
    run_wallets(holding.accounts, block.wallet, count)
    for a in range(holding.accounts.size):
        fill_lanes(
            holding.accounts[a].cash,
            holding.accounts[a].fixed,
            first,
            bars,
            block.wallet[a],
            block.cash[a, : last - first],
        )
    return count


@part
def run_wallets(accounts: Rows, wallets: Floats, count: int) -> None:
    """Turn what accounts are paid at the first `count` settlements (A, lanes) into their wallets after each, two at a time: sums
    that wait for themselves take no longer by two than alone."""
    for a in range(0, accounts.size - 1, 2):
        one, other = wallets[a, :count], wallets[a + 1, :count]
        cash, more = accounts[a].cash, accounts[a + 1].cash
        for s in range(one.size):
            cash, more = cash + one[s], more + other[s]
            one[s], other[s] = cash, more
    if accounts.size % 2 == 1:
        last = wallets[accounts.size - 1, :count]
        cash = accounts[accounts.size - 1].cash
        for s in range(last.size):
            cash += last[s]
            last[s] = cash


@part
def fill_lanes(cash: float, fixed: float, first: int, bars: Integers, wallet: Floats, out: Floats) -> None:
    """Write what is in a wallet, with `fixed`, at every bar from `first` on into `out` (lanes,): before the first settlement
    `cash`, then what each left."""
    lane, count = 0, bars.size
    if count == 0 or bars[count - 1] - bars[0] != count - 1:
        for s in range(count):
            lane = fill_until(cash + fixed, bars[s] - first, lane, out)
            cash = wallet[s]
    else:
        lane = fill_until(cash + fixed, bars[0] - first, 0, out)
        along, cash = out[lane : lane + count], wallet[count - 1]
        for s in range(along.size):
            along[s] = wallet[s] + fixed
        lane += count
    fill_until(cash + fixed, out.size, lane, out)


@part
def fill_until(value: float, last: int, lane: int, out: Floats) -> int:
    """Write a value from `lane` up to `last`, which is given back."""
    while lane < last:
        out[lane] = value
        lane += 1
    return lane


@part
def take_in(slots: Slots, holding: Holding, block: Block, last: int, day: int) -> None:
    """Make the first `last` settlements of a block true: wallets, and what every row was paid, `AT_ONCE` rows at a time; those
    from `day` on are of the day that goes on."""
    count = 0
    for i in range(slots.rows.size):
        if holding.rows[i].quantity != 0.0 and not slots.rows[i].coin and slots.rows[i].pays < 0:
            block.payers[count] = i
            count += 1
        if count == AT_ONCE or (count > 0 and i == slots.rows.size - 1):
            for k in range(count, AT_ONCE):
                block.payers[k] = block.payers[0]
            pay_rows(holding, slots.column, block, last, day)
            for k in range(count):
                j = block.payers[k]
                holding.totals[j, FUNDING], holding.rows[j].day_funding = block.paid[k], block.paid[AT_ONCE + k]
            count = 0
    for a in range(holding.accounts.size):
        if last > 0:
            holding.accounts[a].cash = block.wallet[a, last - 1]
        holding.lines.cash[a] = holding.accounts[a].cash + holding.accounts[a].fixed


@inlined
def pay_rows(holding: Holding, column: Integers, block: Block, last: int, day: int) -> None:
    """What some rows have been paid in all, and today, after some settlements, into `block.paid`."""
    for k in range(AT_ONCE):
        j = block.payers[k]
        block.paid[k], block.paid[AT_ONCE + k] = holding.totals[j, FUNDING], holding.rows[j].day_funding
        block.sum.weights[k], block.sum.columns[k] = -holding.rows[j].quantity, column[j]
    add_payments(block.sum.weights, block.sum.columns, block.unit, 0, last, block.paid[:AT_ONCE])
    add_payments(block.sum.weights, block.sum.columns, block.unit, day, last, block.paid[AT_ONCE:])


@part
def add_payments(shares: Floats, places: Integers, unit: Floats, first: int, last: int, out: Floats) -> None:
    """Add eight rows' payments to a total of each, one after the other as they come: sums that wait for themselves take no
    longer by eight than alone."""
    p, q, r, s = (
        unit[places[0], first:last],
        unit[places[1], first:last],
        unit[places[2], first:last],
        unit[places[3], first:last],
    )
    t, u, v, w = (
        unit[places[4], first:last],
        unit[places[5], first:last],
        unit[places[6], first:last],
        unit[places[7], first:last],
    )
    a, b, c, d = shares[0], shares[1], shares[2], shares[3]
    e, f, g, h = shares[4], shares[5], shares[6], shares[7]
    one, two, three, four = out[0], out[1], out[2], out[3]
    five, six, seven, eight = out[4], out[5], out[6], out[7]
    for k in range(p.size):
        one, two, three, four = one + a * p[k], two + b * q[k], three + c * r[k], four + d * s[k]
        five, six, seven, eight = five + e * t[k], six + f * u[k], seven + g * v[k], eight + h * w[k]
    out[0], out[1], out[2], out[3] = one, two, three, four
    out[4], out[5], out[6], out[7] = five, six, seven, eight


@part
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
