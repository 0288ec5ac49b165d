"""The past as the tick reads it: bars of C columns, coarse bounds on them, settlements, and what is due when.

A block of bars is judged by the lowest and highest price in it. So that this costs nothing per bar, every column keeps
its extremes by chunks of `CHUNK` bars; a block shorter than two chunks reads its own bars.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import lean, part
from perpbook.kernels.lanes import highest, lowest
from perpbook.kernels.types import Flags, Floats, Integers, Rows

DAY_NS = 86_400_000_000_000

CHUNK = 32
"""Bars per chunk."""


NO_PRICE, NO_ORDERS = 1, 2
"""Flags of `Tape.stale`: nobody knows the price; orders reach no venue, though its margin goes on."""

TAKEN = np.dtype([("bar", np.int64), ("venue", np.int64), ("share", np.float64)], align=True)
"""A venue closes a share of the book's positions in profit there, at a bar's close (auto-deleveraging, `kernels.deleverage`)."""


class Tape(NamedTuple):
    """Bars (C, B) with `open_ns` (B,) and width `bar_ns`; prices > 0; `stale` (C, B) flags, see above.

    lows, highs : (C, ceil(B / CHUNK)) extremes by chunk, or (C, 0) where they change too often
    to keep.  funding_bar : (S,) rising bars in which funding is
    settled; funding_rate : (C, S) the sum of a column's rates then, 0 for none; > 0: longs pay.
    interval_ns : (C, S) how long what a column settles then had run, 0 for none.  settled : (C, S) the last settlement
    of a column at or before, -1 none.  decay, expected : (C, S) the share of what was expected that stays, and the rate a
    year expected after a settlement (`kernels.in_force`); or expected (C, 0) where no rule asks.
    spread : (C,) half the spread, a fraction of price; `impact` (C, D) coefficient of sqrt(dollars), by day from the first.
    strain, thin : (C, B) factors on spread and impact, or (C, 1) where they stay.  taken : (k,) of `TAKEN`.
    off : (C, B) marks over trades in the part of `low` (below 1) or `high` (above 1) that margin alone sees, or (C, 1) of
    ones.  unfunded : (v,) numbers of venues whose insurance fund pays nothing.
    """

    open_ns: Integers
    bar_ns: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    stale: Flags
    lows: Floats
    highs: Floats
    funding_bar: Integers
    funding_rate: Floats
    interval_ns: Integers
    settled: Integers
    decay: Floats
    expected: Floats
    spread: Floats
    impact: Floats
    strain: Floats
    thin: Floats
    taken: Rows
    off: Floats
    unfunded: Integers


class Schedule(NamedTuple):
    """What is due when. event_bar : (E,) rising bars that need a tick whatever the prices.  day_bar : rising bars whose
    close is the first of a UTC day.

    due : (B,) 1 where the playbook's rebalance falls due at the close.  target_bar : (T,) rising; target : (T, n) signed
    shares of book equity decided at that close, NaN to leave a row alone.
    """

    event_bar: Integers
    day_bar: Integers
    due: Flags
    target_bar: Integers
    target: Floats


@lean
def scan(opens: Floats, high: Floats, low: Floats, close: Floats, lows: Floats, highs: Floats) -> int:
    """Write every column's lowest and highest price by chunk; gives column x B + bar of the first bar that is none, or -1.

    A bar has 0 < low <= open, close <= high < inf; anything that is not a number fails that.
    """
    columns, bars = low.shape
    for c in range(columns):
        for k in range(lows.shape[1]):
            first, last = k * CHUNK, min((k + 1) * CHUNK, bars)
            lowest, highest, wrong = low[c, first], high[c, first], 0
            for b in range(first, last):
                lowest, highest = min(lowest, low[c, b]), max(highest, high[c, b])
                inside = (low[c, b] <= opens[c, b]) & (low[c, b] <= close[c, b]) & (opens[c, b] <= high[c, b])
                wrong += 0 if inside & (close[c, b] <= high[c, b]) & (low[c, b] > 0.0) else 1
            lows[c, k], highs[c, k] = lowest, highest
            if wrong > 0 or not highest < np.inf:
                return c * bars + first_wrong(opens[c], high[c], low[c], close[c], first)
    return -1


@part
def is_bar(first: float, high: float, low: float, last: float) -> bool:
    """Whether four prices make a bar; every comparison with what is no number fails."""
    if not (low > 0.0 and high < np.inf):
        return False
    return low <= first and low <= last and first <= high and last <= high


@part
def first_wrong(opens: Floats, high: Floats, low: Floats, close: Floats, first: int) -> int:
    """The first bar from `first` on that is none."""
    b = first
    while b < low.size and is_bar(opens[b], high[b], low[b], close[b]):
        b += 1
    return b


@part
def block_bounds(tape: Tape, first: int, last: int, out: Floats) -> None:
    """A range that holds every price of bars first..last-1: `out` (C, 2). Whole chunks, where the block is long and the tape
    has them."""
    columns = tape.low.shape[0]
    if last - first < 2 * CHUNK or tape.lows.shape[1] == 0:
        for c in range(columns):
            out[c, 0] = lowest(tape.low[c, first:last])
            out[c, 1] = highest(tape.high[c, first:last])
        return
    left, right = first // CHUNK, (last - 1) // CHUNK + 1
    for c in range(columns):
        out[c, 0] = lowest(tape.lows[c, left:right])
        out[c, 1] = highest(tape.highs[c, left:right])
