"""A range around where a run begins in which no account may die and no rule act, asked once for many paths from one start.

`survey` settles most of its questions by the range of a stretch's prices and the least its accounts hold. A path whose week
stays inside a range for which every question has been settled already need not be asked again: most weeks of a book that its
playbook fits. As in `survey`, a path outside only takes longer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.holding import Holding
from perpbook.kernels.jit import part
from perpbook.kernels.lanes import lowest
from perpbook.kernels.orders import Orders
from perpbook.kernels.rows import copy_row
from perpbook.kernels.screens import Block, Rules
from perpbook.kernels.slots import Slots
from perpbook.kernels.sums import CALM, FIRST, LOOKS
from perpbook.kernels.survey import survey_margin, survey_rules
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats, Integers

HALVINGS = 12
"""How often the widest range is halved for."""

WORST_SHARE, BOOK_SHARE, CASH_SHARE = 0.75, 0.35, 0.05
"""What may be lost for the range to hold: by an account of what every price moving against it would cost; by the book of its
equity for a move of every price, and by an account to funding of its own."""


class Shelter(NamedTuple):
    """prices : (C, 2) lowest and highest.  cash, equity : (A,), (A + 1,) the least, the book's equity last.  holds : (1,) 1
    while what is held is what it was asked for."""

    prices: Floats
    cash: Floats
    equity: Floats
    holds: Integers


@part
def is_sheltered(shelter: Shelter, bounds: Floats, cash: Floats, lows: Floats, count: int) -> bool:
    """Whether a stretch's prices (C, 2), its first `count` bars of cash (A, lanes) and its least equities are inside."""
    outside = 1 - shelter.holds[0]
    for c in range(bounds.shape[0]):
        outside += 0 if bounds[c, 0] >= shelter.prices[c, 0] and bounds[c, 1] <= shelter.prices[c, 1] else 1
    for k in range(lows.size):
        outside += 0 if lows[k] >= shelter.equity[k] else 1
    if outside > 0:
        return False
    for a in range(cash.shape[0]):
        outside += 0 if lowest(cash[a, :count]) >= shelter.cash[a] else 1
    return outside == 0


@part
def find_shelter(
    tape: Tape,
    slots: Slots,
    holding: Holding,
    orders: Orders,
    rules: Rules,
    block: Block,
    curve: Floats,
    shelter: Shelter,
) -> int:
    """Find the widest range around the tape's first opens, and whether there is one: 1 or 0. What is on the first bar of `curve`
    is overwritten."""
    least, most = 0.0, 1.0
    if orders.resting_count[0] > 0:
        return 0
    for _ in range(HALVINGS):
        reach = 0.5 * (least + most)
        open_up(tape.open[:, 0], holding, block, curve, reach)
        block.sum.span[FIRST], block.sum.span[CALM], block.sum.span[LOOKS] = 0, 1, 0
        survey_margin(tape.low, tape.high, holding.lines, orders, block.sum, block.cash)
        survey_rules(slots.rows, holding.rows, holding.lines, rules, block, tape.close, curve)
        if block.sum.span[CALM] == 1 and block.sum.span[LOOKS] == 0:
            least = reach
        else:
            most = reach
    open_up(tape.open[:, 0], holding, block, curve, least)
    for c in range(shelter.prices.shape[0]):
        copy_row(block.sum.bounds[c], shelter.prices[c])
    copy_row(block.cash[:, 0], shelter.cash)
    copy_row(block.lows, shelter.equity)
    return 1 if least > 0.0 else 0


@part
def open_up(opens: Floats, holding: Holding, block: Block, curve: Floats, reach: float) -> None:
    """Lay out a range for the survey: every price at most `reach` away, and the least of accounts that goes with it."""
    lines, book, worth = holding.lines, 0.0, 0.0
    for c in range(opens.size):
        block.sum.bounds[c, 0], block.sum.bounds[c, 1] = opens[c] / (1.0 + reach), opens[c] * (1.0 + reach)
    for a in range(lines.cash.size):
        equity, size = lines.cash[a], 0.0
        for i in range(lines.start[a], lines.start[a + 1]):
            value = lines.delta[i] * opens[lines.column[i]]
            equity, size = equity + value, size + abs(value)
        block.cash[a, 0] = lines.cash[a] - CASH_SHARE * reach * abs(equity)
        block.lows[a] = equity - WORST_SHARE * reach * size
        curve[a, 0] = block.lows[a]
        book, worth = book + equity, worth + abs(equity)
    block.lows[lines.cash.size] = book - BOOK_SHARE * reach * worth
    block.total[0] = block.lows[lines.cash.size]


def no_shelter(columns: int, accounts: int) -> Shelter:
    """Room for one; until it is found, none holds."""
    return Shelter(
        prices=np.zeros((columns, 2)), cash=np.zeros(accounts), equity=np.zeros(accounts + 1),
        holds=np.zeros(1, dtype=np.int64),
    )  # fmt: skip
