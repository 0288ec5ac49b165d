"""Everything a run changes, in two tuples: what it holds and has under way, and what decides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.holding import Holding
from perpbook.kernels.journal import Journal
from perpbook.kernels.orders import Orders
from perpbook.kernels.screens import Block, Rules
from perpbook.kernels.shelter import Shelter
from perpbook.kernels.sight import Outside, Scratch
from perpbook.kernels.state import Findings, Proposals, State
from perpbook.kernels.types import Floats, Integers, Rows

WIDTH = 512
"""Most bars done at once."""

DONE, FULL = 0, 1
"""Why `advance` came back: it is where it was sent, or the journal must be emptied first."""

TICK, SETTLED, TARGETED, EVENT, DAY, SPAN, WAITING, HALTED = range(8)
"""Places in `Body.clock`: next bar, settlement, target, event, new day; width tried next, orders under way, halted 1/0."""

TICKS, BLOCKS, TRIED, UNKNOWN, DECIDED = range(5)
"""Places in `Body.counts`: full ticks, blocks done at once, blocks given up, ticks with a stale market, decisions."""


MONEY = np.dtype([("bar", np.int64), ("account", np.int64), ("dollars", np.float64)], align=True)
"""Money under way: the bar it arrives in, whose it will be (an account, or -1 - layer), how much."""


class Body(NamedTuple):
    """What a run holds and has under way, and its scratch.

    under_way : (room,) of `MONEY`, the first `moving` (1,) of them.  target : (n,) the strategy's standing targets, NaN
    none.  curve : (A, B) written.  prices : (C,), weights, columns : (n,) scratch.
    clock, counts : see above.
    """

    holding: Holding
    orders: Orders
    journal: Journal
    under_way: Rows
    moving: Integers
    outside: Outside
    block: Block
    shelter: Shelter
    target: Floats
    curve: Floats
    prices: Floats
    weights: Floats
    columns: Integers
    clock: Integers
    counts: Integers


class Mind(NamedTuple):
    """What decides: the rules, and room for what they see and say."""

    rules: Rules
    state: State
    findings: Findings
    proposals: Proposals
    scratch: Scratch
