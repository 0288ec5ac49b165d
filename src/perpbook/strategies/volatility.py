"""How much a price moves, from the bars that traded."""

from __future__ import annotations

import numpy as np

from perpbook.model.bars import Floats, Integers
from perpbook.model.units import DAY_NS
from perpbook.strategies.windows import rolling

DAYS_A_YEAR = 365
"""Perpetuals trade every day."""


def annual_volatility(close: Floats, bar: Integers, window: int, bar_ns: int) -> Floats:
    """Annualised standard deviation of log returns at each close, over the `window` returns that end there.

    `close` (k,) are the closes of the bars numbered `bar` (k,), without the stale ones: variance is per elapsed bar, so a
    jump over a hole counts for the whole hole. The mean return is taken as 0. NaN until there are `window` returns.
    """
    out = np.full(close.size, np.nan)
    if close.size <= window:
        return out
    squares = np.square(np.diff(np.log(close)))
    elapsed = (bar[window:] - bar[:-window]) * (bar_ns / DAY_NS / DAYS_A_YEAR)
    out[window:] = np.sqrt(rolling(squares, window, np.add)[window - 1 :] / elapsed)
    return out
