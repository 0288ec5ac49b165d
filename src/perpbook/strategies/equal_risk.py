"""Equal risk: a basket in which every leg is weighted by the inverse of its volatility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Bars, Floats
from perpbook.strategies.bounds import bars_within, gross_within
from perpbook.strategies.changes import fresh_bars, row_of
from perpbook.strategies.table import Leg, TargetTable
from perpbook.strategies.volatility import annual_volatility


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualRiskOptions:
    """Volatility over `window` returns between bars that traded, weighed anew every `every` bars.

    `gross` is the share of book equity that the weights add up to; `short` True sells the basket instead.
    """

    window: int = 720
    every: int = 168
    gross: float = 1.0
    short: bool = False

    def __post_init__(self) -> None:
        bars_within("window", self.window, 2)
        bars_within("every", self.every, 1)
        gross_within(self.gross)


def equal_risk(bars: Bars, legs: Sequence[Leg], options: EqualRiskOptions = EqualRiskOptions()) -> TargetTable:
    """Weights in proportion to one over volatility; what they come to is always `gross`.

    A leg that is stale, has not moved, or has too short a history keeps its last weight (0 before its first) and is left
    alone, and the others share out what that leaves.
    """
    if not legs:
        raise InputError("there are no legs: name at least one for the basket")
    due = np.arange(options.window, bars.count, options.every, dtype=np.int64)
    inverse = np.zeros((due.size, len(legs)))
    for number, leg in enumerate(legs):
        at = fresh_bars(bars, leg)
        volatility = annual_volatility(bars.close[row_of(bars, leg), at], at, options.window, bars.bar_ns)
        there = np.searchsorted(at, due)
        known = np.flatnonzero(np.isin(due, at))
        found = volatility[there[known]]
        inverse[known, number] = np.where(found > 0.0, 1.0 / np.where(found > 0.0, found, 1.0), 0.0)
    weights = share_out(inverse, options.gross)
    some = np.flatnonzero(np.count_nonzero(inverse > 0.0, axis=1) > 0)
    sign = -1.0 if options.short else 1.0
    return TargetTable(bar=due[some], legs=tuple(legs), exposure=sign * weights[some])


def share_out(inverse: Floats, gross: float) -> Floats:
    """Rows in proportion to `inverse` (T, n) that add up to `gross` with what the legs at 0 still hold; those are NaN."""
    total = inverse.sum(axis=1, keepdims=True)
    out = np.where(inverse > 0.0, gross * inverse / np.where(total > 0.0, total, 1.0), np.nan)
    whole = np.count_nonzero(inverse > 0.0, axis=1) == inverse.shape[1]
    standing = np.zeros(inverse.shape[1])
    for row in np.flatnonzero(~whole):
        if row > 0 and whole[row - 1]:
            standing = out[row - 1].copy()
        known = inverse[row] > 0.0
        if known.any():
            left = max(gross - float(standing[~known].sum()), 0.0)
            out[row, known] = left * inverse[row, known] / total[row, 0]
            standing[known] = out[row, known]
    return out
