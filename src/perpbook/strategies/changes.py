"""From what a strategy wants at every bar to a table of the bars at which that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Bars, Floats, Integers
from perpbook.strategies.table import Leg, TargetTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a strategy wants of the leg numbered `leg`: `exposure` (k,) at the rising bars `bar` (k,); NaN: nothing yet."""

    leg: int
    bar: Integers
    exposure: Floats


def row_of(bars: Bars, leg: Leg) -> int:
    """The row of bars of a leg's contract.

    Raises
    ------
    InputError : the bars have no such contract; lists those they have.
    """
    try:
        return bars.column(leg.venue, leg.symbol)
    except KeyError:
        known = ", ".join(f"{key.symbol} on {key.venue}" for key in bars.series) or "none"
        raise InputError(f"{leg.symbol} on {leg.venue} has no bars: name one of {known}, or load its history") from None


def fresh_bars(bars: Bars, *legs: Leg) -> Integers:
    """Bars at which every one of the legs traded: a stale price is no reason to trade."""
    fresh = np.ones(bars.count, dtype=np.bool_)
    for leg in legs:
        fresh &= bars.stale[row_of(bars, leg)] == 0
    return np.flatnonzero(fresh).astype(np.int64)


def table_of(legs: Sequence[Leg], wishes: Sequence[Wish]) -> TargetTable:
    """One row per bar at which a leg's wish is a number other than its last one; the other legs are left alone there."""
    moved = []
    for wish in wishes:
        known = np.flatnonzero(~np.isnan(wish.exposure))
        values = wish.exposure[known]
        changed = np.ones(values.size, dtype=np.bool_)
        changed[1:] = values[1:] != values[:-1]
        moved.append((wish.leg, wish.bar[known[changed]], values[changed]))
    decided = np.zeros(1 + max((int(at[-1]) for _, at, _ in moved if at.size), default=-1), dtype=np.bool_)
    for _, at, _ in moved:
        decided[at] = True
    bar, place = np.flatnonzero(decided).astype(np.int64), np.cumsum(decided) - 1
    exposure = np.full((bar.size, len(legs)), np.nan)
    for leg, at, values in moved:
        exposure[place[at], leg] = values
    return TargetTable(bar=bar, legs=tuple(legs), exposure=exposure)
