"""What settlements before a book's time say of its positions: the part of `State` that one look does not hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from perpbook.kernels.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFunding:
    """One position's funding, as if it had been held at its present size (`kernels.state.SEEN_POSITION`).

    `paid` dollars (> 0 paid) this UTC day; `yearly` the rate in force and `expected`, a year, > 0 longs pay; `due` dollars that
    the rate in force still costs a long of one dollar until midnight UTC; `paid_in_row` settlements paid since the last
    `received`, 0 where none ever was.
    """

    paid: float
    yearly: float
    expected: float
    due: float
    paid_in_row: float
    received: bool


Past = tuple[PastFunding | None, ...]
"""Of every position of a book, in its order; None where it is not known."""


def write_past(state: State, past: Sequence[PastFunding | None]) -> None:
    """Write what is known, in the order of the state's positions, into `state`, whose values are.

    What a day costs is left unknown unless every position's is: a cap on the book is not held against a part of it.
    A rate in force that the book file gives stays.
    """
    whole = None not in past
    for seen, one in zip(state.positions, past, strict=True):
        if one is None:
            continue
        seen.expected, seen.paid_in_row = one.expected, one.paid_in_row
        if math.isnan(seen.yearly):
            seen.yearly = one.yearly
        if whole:
            seen.funding, seen.ahead = one.paid, seen.value * one.due
