"""What gas cost in the past: base fees of layers and prices of the coins that they are paid in, by time of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perpbook.model.units import DAY_NS, SECOND_NS

LONGEST = DAY_NS / SECOND_NS
"""Seconds that a row still stands for beyond the next one, which is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One series: rows that begin at `starts` (rising, seconds from the run's start) and last `width` seconds, their `values`,
    and in `words` which series it is."""

    starts: NDArray[np.float64]
    width: float
    values: NDArray[np.float64]
    words: str = ""

    def ended(self, now: float) -> float | None:
        """The value of the last row that is over at `now`; None where that was too long ago."""
        at = int(np.searchsorted(self.starts, now - self.width, side="right")) - 1
        if at < 0 or now - self.starts[at] - 2.0 * self.width > LONGEST:
            return None
        return float(self.values[at])

    def lasting(self, now: float) -> float | None:
        """The value of the row that `now` is in; None where there is none."""
        at = int(np.searchsorted(self.starts, now, side="right")) - 1
        return float(self.values[at]) if at >= 0 and now < self.starts[at] + self.width else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GasPast:
    """By layer its base fees, gwei, the finest series first; by coin its closes, dollars."""

    fees: Mapping[str, Sequence[Past]] = field(default_factory=dict)
    prices: Mapping[str, Past] = field(default_factory=dict)

    def fee(self, layer: str, now: float, *, paid: bool = False) -> float | None:
        """The base fee at `now`: as it was known, or as it is `paid`. None where no series has it."""
        series = self.fees.get(layer, ())
        if paid:
            found = next((value for one in series if (value := one.lasting(now)) is not None), None)
            if found is not None:
                return found
        return next((value for one in series if (value := one.ended(now)) is not None), None)

    def price(self, coin: str, now: float) -> float | None:
        """The last close of a coin that was known at `now`; None for none."""
        return self.prices[coin].ended(now) if coin in self.prices else None
