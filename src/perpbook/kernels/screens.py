"""What screens know and share: limits, scenarios, the stretch of bars that is looked at. `survey` asks the questions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import inlined, part
from perpbook.kernels.liquidation import LEAST
from perpbook.kernels.margin import requirement
from perpbook.kernels.memory import Memory
from perpbook.kernels.state import Policy
from perpbook.kernels.sums import HAIR, Sum
from perpbook.kernels.types import Flags, Floats, Integers, Lines, Rows

FLOOR = -0.99
"""No price falls further than this in one scenario (as in `scenario.grid`)."""


class Storms(NamedTuple):
    """Survival scenarios by asset: `moves` (assets, S) fractions, and where `broken` (S,) flags it, `pull` (S,) more
    against the book's own exposure in the asset. outermost : scenarios that no other of their kind goes beyond.
    widest : (assets, 2) the lowest and highest price ratio of any scenario.  asset : (C,) that of each price column."""

    moves: Floats
    broken: Flags
    pull: Floats
    outermost: Integers
    widest: Floats
    asset: Integers


class Rules(NamedTuple):
    """A playbook in a run: its limits, what it remembers, the storms it must survive."""

    policy: Policy
    memory: Memory
    storms: Storms


class Block(NamedTuple):
    """What is known of a stretch of bars, lane by lane: `sum` to look at it.

    cash : (A, lanes) `lines.cash`.  total : (lanes,) the book's equity.  lows : (A + 1,) the least of each account's equity
    and of the book's.  unit : (C, lanes), wallet : (A, lanes) what one unit pays, and an account's wallet, at each
    settlement; funding : (lanes,) what all accounts are paid there.  flow : (lanes,), paid, payers : scratch.
    equity : (A,), book : (1,) at the close last seen.
    """

    sum: Sum
    cash: Floats
    total: Floats
    lows: Floats
    unit: Floats
    wallet: Floats
    funding: Floats
    flow: Floats
    paid: Floats
    payers: Integers
    equity: Floats
    book: Floats


@inlined
def surplus_at(lines: Lines, first: int, last: int, price: float, weight: float) -> float:
    """The surplus of rows first..last-1, which share a price, their requirement weighted: concave in the price."""
    total = 0.0
    for i in range(first, last):
        total += lines.delta[i] * price - weight * requirement(lines, i, price)
    return total


@inlined
def group_end(column: Integers, first: int, last: int) -> int:
    """One past the last of the rows that share `first`'s column."""
    i = first
    while i < last and column[i] == column[first]:
        i += 1
    return i


@part
def survives_all_at_once(lines: Lines, buffer: float, storms: Storms, prices: Floats, a: int) -> bool:
    """Whether account a would live if every column stood at its worst in any scenario from `prices` (C,).

    Most accounts do, most of the time, and then there is no need to look at one scenario after the other.
    """
    total, size, i, last = lines.cash[a], 0.0, lines.start[a], lines.start[a + 1]
    while i < last:
        end, price, asset = group_end(lines.column, i, last), prices[lines.column[i]], storms.asset[lines.column[i]]
        below = surplus_at(lines, i, end, price * storms.widest[asset, 0], 1.0 + buffer)
        total += min(below, surplus_at(lines, i, end, price * storms.widest[asset, 1], 1.0 + buffer))
        for k in range(i, end):
            size += abs(lines.delta[k]) * price
        i = end
    return size == 0.0 or total > HAIR * size


@part
def lowest_rate(rows: Rows, held: Rows, first: int, last: int) -> float:
    """The lowest maintenance rate that any position among rows first..last-1 can stand in; 0 without positions."""
    lowest = np.inf
    for i in range(first, last):
        if not rows[i].coin and held[i].quantity != 0.0:
            lowest = min(lowest, held[i].floor_rate)
    return lowest if lowest < np.inf else 0.0


@part
def calm_ratio(move: float, beta: float) -> float:
    """Price ratio after a joint move, floored as everywhere."""
    return max(1.0 + move * beta, LEAST)


@part
def next_bend(rows: Rows, first: int, last: int, side: int, after: float, move: float) -> float:
    """The first joint move beyond `after` at which a falling price of rows first..last-1 comes to its floor, `move` where none
    does before it. Between two bends the way is straight, and surplus on it concave."""
    found = move
    for i in range(first, last):
        fall = -side * rows[i].beta
        if fall > 0.0 and (1.0 - LEAST) / fall > after:
            found = min(found, (1.0 - LEAST) / fall)
    return found


@inlined
def gain_of(rows: Rows, held: Rows, i: int, price: float) -> float:
    """Row i's unrealised profit over what it cost, signed."""
    if held[i].quantity == 0.0:
        return 0.0
    side = 1.0 if held[i].quantity > 0.0 else -1.0
    entry = held[i].entry
    return side * (1.0 - entry / price) if rows[i].inverse else side * (price / entry - 1.0)


@part
def is_flat(held: Rows) -> bool:
    """Whether no row holds anything that moves with a price."""
    count = 0
    for i in range(held.size):
        count += 1 if held[i].quantity != 0.0 else 0
    return count == 0
