"""Auto-deleveraging: which winners a venue closes first, and what a bankrupt account costs them where no fund pays.

Venues rank winners by how much they win and how leveraged their account is, and close the first in the queue until enough is
closed. How the rest of a venue's traders stand is not known: a storm says what share of the book's own winners is taken, the
queue says which.
"""

from __future__ import annotations

import numpy as np

from perpbook.kernels.holding import Holding, draw_account, trade, value_of
from perpbook.kernels.jit import part
from perpbook.kernels.journal import BACKSTOP, BY_VENUE, FILL, INSURED_LOSS, LIQUIDATION, Journal, write
from perpbook.kernels.margin import account_margin
from perpbook.kernels.rows import copy_row
from perpbook.kernels.screens import gain_of
from perpbook.kernels.slots import Slots
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats

BY_PROFIT, BY_PRICE, BY_CHANCE = range(3)
"""Queues: profit over cost times leverage; mark over entry (entry over mark for shorts) times leverage; none, by chance."""

DUST = 1e-9
"""Relative to all that is to be taken: less than this is rounding."""

FARTHEST = 0.99
"""A debt moves the price at which winners are closed by no more than this share of it."""


@part
def deleverage(tape: Tape, slots: Slots, holding: Holding, journal: Journal, bar: int, prices: Floats) -> None:
    """All of it, at the end of a bar."""
    if tape.unfunded.size > 0:
        share_debts(tape, slots, holding, journal, bar, prices)
    if tape.taken.size > 0:
        take_winners(tape, slots, holding, journal, bar, prices)


@part
def take_winners(tape: Tape, slots: Slots, holding: Holding, journal: Journal, bar: int, prices: Floats) -> None:
    """Let venues close their share of what is in profit at the bar's close, without a fee, first in the queue first."""
    for k in range(tape.taken.size):
        if tape.taken[k].bar != bar:
            continue
        copy_row(tape.close[:, bar], prices)
        venue, share, total = tape.taken[k].venue, tape.taken[k].share, 0.0
        for i in range(slots.rows.size):
            if not wins(slots, holding, i, venue, prices):
                continue
            if slots.accounts[slots.rows[i].account].queue == BY_CHANCE:
                take(slots, holding, journal, i, share, 0.0, prices, bar)
            else:
                total += dollars_of(slots, holding, i, prices)
        left = share * total
        while left > DUST * total:
            i = first_in_queue(slots, holding, venue, -1, 0.0, prices)
            if i < 0:
                break
            held = dollars_of(slots, holding, i, prices)
            take(slots, holding, journal, i, 1.0 if held <= left + DUST * total else left / held, 0.0, prices, bar)
            left -= held


@part
def share_debts(tape: Tape, slots: Slots, holding: Holding, journal: Journal, bar: int, prices: Floats) -> None:
    """Where no fund pays, the book's own winners on the other side of a bankrupt account are closed at the price at which
    it is bankrupt: of its debt they bear the share of what was closed that they take over, others bear the rest."""
    k = journal.rows[0] - 1
    while k >= 0 and journal.what[k, 0] == bar:
        if journal.what[k, 1] == INSURED_LOSS and has_no_fund(tape, slots.accounts[journal.what[k, 2]].home):
            copy_row(tape.close[:, bar], prices)
            share_debt(slots, holding, journal, k, prices)
        k -= 1


@part
def has_no_fund(tape: Tape, venue: int) -> bool:
    """Whether a venue's insurance fund is empty."""
    found = False
    for k in range(tape.unfunded.size):
        found = found or tape.unfunded[k] == venue
    return found


@part
def share_debt(slots: Slots, holding: Holding, journal: Journal, event: int, prices: Floats) -> None:
    """Hand what the venue closed of one bankrupt account in this bar to the winners on its other side."""
    bar, a, debt, last = journal.what[event, 0], journal.what[event, 2], debt_of(journal, event), journal.rows[0]
    closed = 0.0
    for e in range(last):
        if is_close(journal, e, bar, a):
            closed += closed_dollars(slots, journal, e, prices)
    for e in range(last):
        if not is_close(journal, e, bar, a):
            continue
        row, left = journal.what[e, 3], closed_dollars(slots, journal, e, prices)
        side = 1.0 if journal.figures[e, 0] > 0.0 else -1.0
        while left > DUST * closed:
            i = first_in_queue(slots, holding, slots.accounts[a].home, row, side, prices)
            if i < 0:
                break
            held = dollars_of(slots, holding, i, prices)
            part = min(held, left)
            take(slots, holding, journal, i, part / held, debt * part / closed, prices, bar)
            left -= held


@part
def is_close(journal: Journal, event: int, bar: int, a: int) -> bool:
    """Whether an event is a part of account a that its venue closed in a bar."""
    own = journal.what[event, 0] == bar and journal.what[event, 2] == a
    return own and journal.what[event, 1] in (LIQUIDATION, BACKSTOP)


@part
def debt_of(journal: Journal, event: int) -> float:
    """What a bankrupt account owes its venue beside the penalty for closing it, which nobody has paid to anybody."""
    debt = journal.figures[event, 3]
    for e in range(event):
        if is_close(journal, e, journal.what[event, 0], journal.what[event, 2]):
            debt += journal.figures[e, 3]
    return max(debt, 0.0)


@part
def closed_dollars(slots: Slots, journal: Journal, event: int, prices: Floats) -> float:
    """Dollars of what a liquidation closed, at prices now."""
    i, size = journal.what[event, 3], abs(journal.figures[event, 0])
    return size if slots.rows[i].inverse else size * prices[slots.rows[i].column]


@part
def wins(slots: Slots, holding: Holding, i: int, venue: int, prices: Floats) -> bool:
    """Whether row i is a position in profit on a venue."""
    if slots.rows[i].coin or slots.rows[i].venue != venue or holding.rows[i].quantity == 0.0:
        return False
    return value_of(slots, holding, i, prices[slots.rows[i].column]) > 0.0


@part
def dollars_of(slots: Slots, holding: Holding, i: int, prices: Floats) -> float:
    """Notional of row i."""
    size = abs(holding.rows[i].quantity)
    return size if slots.rows[i].inverse else size * prices[slots.rows[i].column]


@part
def first_in_queue(slots: Slots, holding: Holding, venue: int, against: int, side: float, prices: Floats) -> int:
    """The venue's winner of highest rank, the first of equals; -1 for none.

    against : a row (-1 none) whose asset alone is looked at, in other accounts, on the side of the sign of `side`; without one
    what is taken by chance has no place.
    """
    found, most = -1, -np.inf
    for i in range(slots.rows.size):
        if not wins(slots, holding, i, venue, prices):
            continue
        a = slots.rows[i].account
        if against >= 0:
            apart = slots.rows[i].asset == slots.rows[against].asset and a != slots.rows[against].account
            if not apart or holding.rows[i].quantity * side <= 0.0:
                continue
        elif slots.accounts[a].queue == BY_CHANCE:
            continue
        rank = place_in_queue(slots, holding, i, prices)
        if rank > most:
            found, most = i, rank
    return found


@part
def place_in_queue(slots: Slots, holding: Holding, i: int, prices: Floats) -> float:
    """How far in front row i stands: what it gained, by its venue's measure, times its notional over its account's equity."""
    a, price = slots.rows[i].account, prices[slots.rows[i].column]
    equity = account_margin(holding.lines, a, prices)[0]
    if equity <= 0.0:
        return 1e300
    gain = gain_of(slots.rows, holding.rows, i, price)
    if slots.accounts[a].queue == BY_PRICE:
        ratio = price / holding.rows[i].entry
        gain = ratio if holding.rows[i].quantity > 0.0 else 1.0 / ratio
    return gain * dollars_of(slots, holding, i, prices) / equity


@part
def take(
    slots: Slots, holding: Holding, journal: Journal, i: int, share: float, debt: float, prices: Floats, bar: int
) -> None:
    """Close a share of row i at its price, worse by what makes it bear `debt` dollars, without a fee."""
    price, a = prices[slots.rows[i].column], slots.rows[i].account
    change = -holding.rows[i].quantity * share
    dollars = abs(change) if slots.rows[i].inverse else abs(change) * price
    worse = min(debt / dollars, FARTHEST)
    side = 1.0 if change > 0.0 else -1.0
    at = price / (1.0 - side * worse) if slots.rows[i].inverse else price * (1.0 + side * worse)
    trade(slots, holding, i, change, price, at, 0.0)
    draw_account(slots, holding, prices, a)
    number = write(journal, bar, FILL, a, i, BY_VENUE)
    journal.figures[number, 0], journal.figures[number, 1] = change, at
    journal.figures[number, 3] = -worse * dollars
