"""What happened in a run, as rows of numbers: the run's only output besides its equity curves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perpbook.kernels.jit import part
from perpbook.kernels.types import Floats, Integers

FILL, LIQUIDATION, BACKSTOP, SEIZED_REST, INSURED_LOSS, MONEY_IN, MONEY_OUT, REFUSED, RULE, HALT, WANTED = range(1, 12)
"""Kinds of event. WANTED: a layer has come short of money; its account is -1 - layer."""

BY_STRATEGY, BY_LIMIT, BY_VENUE = 100, 101, 102
"""Reasons of a fill besides the rule codes of `kernels.state`; BY_VENUE is auto-deleveraging."""

ROOM = 64
"""Rows that one tick may need at most, per row held; a journal with less room stops the run to be emptied."""


class Journal(NamedTuple):
    """`rows` (1,) used. what : (capacity, 5) tick, kind, account, row (-1 none), reason.
    figures : (capacity, 6) signed quantity, price, fee dollars, slippage or penalty dollars (both <= 0), measured, limit.
    """

    rows: Integers
    what: Integers
    figures: Floats


@part
def write(journal: Journal, tick: int, kind: int, account: int, row: int, reason: int) -> int:
    """Append an event, its figures zero; gives its number, for `figures`."""
    number = journal.rows[0]
    journal.what[number, 0] = tick
    journal.what[number, 1] = kind
    journal.what[number, 2] = account
    journal.what[number, 3] = row
    journal.what[number, 4] = reason
    journal.figures[number, :] = 0.0
    journal.rows[0] = number + 1
    return number


def empty_journal(capacity: int) -> Journal:
    """Room for `capacity` events."""
    return Journal(
        rows=np.zeros(1, dtype=np.int64),
        what=np.zeros((capacity, 5), dtype=np.int64),
        figures=np.zeros((capacity, 6)),
    )
