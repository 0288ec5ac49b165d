"""The past, as the engine reads it: aligned bars of several contracts, and the funding settled between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesKey:
    """Whose prices a row of bars is.

    `venue` and `symbol` are the contract's. `proxy` names the venue whose series stands in for it, None for its own.
    """

    venue: str
    symbol: str
    proxy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlements:
    """Funding of one contract: `times_ns` (m,) rising, `rates` (m,) fractions per settlement (> 0: longs pay),
    `interval_ns` (m,) how long each interval was."""

    times_ns: Integers
    rates: Floats
    interval_ns: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars of C contracts on one grid of B bars.

    `open_ns` (B,) is each bar's opening time, ns UTC, `bar_ns` apart without a hole: a bar a series lacks is stale, with
    all four prices at its last close. Prices (C, B) are quote per base, C-contiguous; `stale` (C, B) 1 where there was no
    bar. `bar_ns` is the width. A settlement belongs to the bar with `open_ns <= time < open_ns + bar_ns`.
    """

    bar_ns: int
    open_ns: Integers
    series: tuple[SeriesKey, ...]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    stale: Flags
    settlements: tuple[Settlements, ...]
    simulated: bool = False
    source: str = ""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        shape = (len(self.series), self.open_ns.size)
        for prices in (self.open, self.high, self.low, self.close, self.stale):
            assert prices.shape == shape and prices.flags.c_contiguous, "one row per series, one column per bar"
        assert len(self.settlements) == len(self.series)

    @property
    def count(self) -> int:
        """Bars."""
        return int(self.open_ns.size)

    def column(self, venue: str, symbol: str) -> int:
        """The row of a contract; KeyError when it has none."""
        for number, key in enumerate(self.series):
            if (key.venue, key.symbol) == (venue, symbol):
                return number
        raise KeyError((venue, symbol))
