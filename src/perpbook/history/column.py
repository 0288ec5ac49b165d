"""One price series as arrays, the way the checks look at it, and how they word what they find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perpbook.model.bars import Bars, Floats, Integers
from perpbook.model.data_finding import DataFinding, Severity

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Rows of one series. `volume` is None where it is not known; `simulated` says nobody traded at these prices."""

    kind: str
    venue: str
    symbol: str
    bar_ns: int
    times_ns: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None = None
    simulated: bool = False

    @property
    def size(self) -> int:
        """Rows."""
        return int(self.times_ns.size)

    def only(self, rows: Integers | Flags) -> Column:
        """Some of the rows."""
        return replace(
            self,
            times_ns=self.times_ns[rows],
            open=self.open[rows],
            high=self.high[rows],
            low=self.low[rows],
            close=self.close[rows],
            volume=None if self.volume is None else self.volume[rows],
        )

    def finding(self, severity: Severity, code: str, rows: tuple[int, int], message: str) -> DataFinding:
        """A finding over rows first..last, both within."""
        return DataFinding(
            severity=severity,
            code=code,
            venue=self.venue,
            symbol=self.symbol,
            start_ns=int(self.times_ns[rows[0]]),
            end_ns=int(self.times_ns[rows[1]]) + self.bar_ns,
            message=message,
            kind=self.kind,
        )


def columns_of(bars: Bars) -> Iterator[Column]:
    """Each contract's bars without those that are stale."""
    for row, key in enumerate(bars.series):
        fresh = bars.stale[row] == 0
        yield Column(
            kind="candles",
            venue=key.venue,
            symbol=key.symbol,
            bar_ns=bars.bar_ns,
            times_ns=bars.open_ns[fresh],
            open=bars.open[row][fresh],
            high=bars.high[row][fresh],
            low=bars.low[row][fresh],
            close=bars.close[row][fresh],
            simulated=bars.simulated,
        )


def runs_of(flags: Flags) -> list[tuple[int, int]]:
    """(first, last) of every unbroken run of true flags."""
    edges = np.diff(flags.astype(np.int8), prepend=0, append=0)
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))
