"""What an overlay is worth along paths: dollars over time and price, worked out once for each coin and read off between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from perpbook.hedging.worth import Overlay
from perpbook.kernels.types import Floats

PRICES: Floats = np.log(
    np.concatenate([np.geomspace(0.1, 0.7, 25)[:-1], np.linspace(0.7, 1.3, 49), np.geomspace(1.3, 5.0, 13)[1:]])
)
"""Logs of the spot over today's at which an overlay is valued: every 1.25 % near it. Beyond the ends it stays as there."""

TIMES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayTable:
    """Dollars gained (see `Overlay.gains`) by coin, (prices, times); `years` (times,) from now."""

    years: Floats
    dollars: Mapping[str, Floats]

    def along(self, factors: Mapping[str, Floats], years: Floats) -> Floats:
        """(m,) dollars gained at m moments of a path, linear between the table's."""
        out = np.zeros(years.size)
        late = np.clip(np.interp(years, self.years, np.arange(self.years.size)), 0.0, self.years.size - 1.0)
        early = np.minimum(late.astype(np.int64), self.years.size - 2)
        for base, found in self.dollars.items():
            at = np.interp(np.log(factors[base]), PRICES, np.arange(PRICES.size))
            low = np.minimum(at.astype(np.int64), PRICES.size - 2)
            over, on = at - low, late - early
            out += (1.0 - over) * ((1.0 - on) * found[low, early] + on * found[low, early + 1])
            out += over * ((1.0 - on) * found[low + 1, early] + on * found[low + 1, early + 1])
        return out


def tabled(overlay: Overlay, until_years: float) -> OverlayTable:
    """An overlay from now until some time, coin by coin."""
    years = np.linspace(0.0, until_years, TIMES)
    spot, when = (one.ravel() for one in np.meshgrid(np.exp(PRICES), years, indexing="ij"))
    dollars = {}
    for base in overlay.board:
        alone = replace(overlay, coins=np.where(overlay.columns.base == base, overlay.coins, 0.0))
        if alone.coins.any():
            dollars[base] = alone.gains({base: spot}, when).reshape(PRICES.size, TIMES)
    return OverlayTable(years=years, dollars=dollars)
