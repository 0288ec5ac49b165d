"""Cross-venue basis: one asset's price on two venues drifts apart and is expected to come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Bars, Floats
from perpbook.strategies.bounds import bars_within, gross_within, within
from perpbook.strategies.changes import Wish, fresh_bars, row_of, table_of
from perpbook.strategies.pairs import pairs_of, round_trip, unless_known, wishes_of
from perpbook.strategies.table import Leg, TargetTable
from perpbook.strategies.windows import before, hysteresis, rolling_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisOptions:
    """When a basis is far enough out to trade.

    The basis is the log of the first leg's close over the second's. Its z-score is its distance from the mean of the
    `window` bars before (those at which both traded) in their standard deviations. A pair is entered when the z-score is
    beyond `entry` and the distance itself exceeds the fees and slippage of opening and closing both legs by `edge` (a
    fraction of one leg's notional), and left when the z-score is back within `exit`. `fee` and `slippage` are fractions
    of notional per fill; no fee is the venue's own taker rate at its dearest tier. `gross` (share of book equity) is
    shared out equally among the legs.
    """

    window: int = 240
    entry: float = 3.0
    exit: float = 0.5
    edge: float = 0.0
    fee: float | None = None
    slippage: float = 0.0001
    gross: float = 1.0

    def __post_init__(self) -> None:
        bars_within("window", self.window, 2)
        within("entry", self.entry, 0.1, 100.0, "standard deviations")
        within("exit", self.exit, -100.0, 100.0, "standard deviations")
        if not -self.entry <= self.exit < self.entry:
            raise InputError(f"exit is {self.exit:g} and entry {self.entry:g}: exit must be lower, from -entry up")
        within("edge", self.edge, -1.0, 1.0, "fraction of one leg's notional")
        if self.fee is not None:
            within("fee", self.fee, 0.0, 0.1, "fraction of notional per fill")
        within("slippage", self.slippage, 0.0, 0.1, "fraction of notional per fill")
        gross_within(self.gross)


def basis(bars: Bars, legs: Sequence[Leg], options: BasisOptions = BasisOptions()) -> TargetTable:
    """Short the dear leg of each asset and long the cheap one, both of the same size, until the basis is back."""
    wishes: list[Wish] = []
    for pair in pairs_of(legs):
        one, two = legs[pair.first], legs[pair.second]
        at = fresh_bars(bars, one, two)
        spread = np.log(bars.close[row_of(bars, one), at] / bars.close[row_of(bars, two), at])
        away, score = _score(spread, options.window)
        cost = round_trip(legs, pair, options.fee, options.slippage)
        worth = np.abs(away) > cost + options.edge
        # A distance that does not pay is no reason to enter, while it still is one to leave.
        entered = np.where(worth | ~(np.abs(score) > options.entry), score, np.copysign(options.entry, score))
        side = 0.0 - hysteresis(entered, options.entry, options.exit)
        wishes += wishes_of(pair, at, unless_known(score, side), options.gross / len(legs))
    return table_of(legs, wishes)


def _score(spread: Floats, window: int) -> tuple[Floats, Floats]:
    """Distance of each value from the mean of the `window` before it, and that in their standard deviations.

    NaN until there are so many; the score is NaN as well where they were all equal.
    """
    level = spread - spread[:1]
    mean = before(rolling_mean(level, window))
    variance = before(rolling_mean(np.square(level), window)) - np.square(mean)
    away = level - mean
    flat = ~(variance > 1e-12 * np.square(mean)) | ~(variance > 0.0)
    return away, np.where(flat, np.nan, away / np.sqrt(np.where(flat, 1.0, variance)))
