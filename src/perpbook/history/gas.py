"""Gas in the lake: base fees by layer, and closes of the coins that they are paid in, as arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perpbook.history.choose import DOLLARS
from perpbook.history.lake import Held, Lake
from perpbook.history.widths import MILLISECOND_NS

GAS_SYMBOL = "GAS-GWEI"
PRICE_KINDS = ("candles_spot", "candles", "mark", "closes")

Rows = tuple[NDArray[np.int64], NDArray[np.float64]]
"""When rows begin, ns UTC, rising, and their values."""


def fee_series(lake: Lake, layer: str) -> tuple[Held, ...]:
    """Series of a layer's gas, the finest first."""
    return lake.held("gas", layer, GAS_SYMBOL)


def price_series(lake: Lake, coin: str, start_ns: int, end_ns: int) -> Held | None:
    """The series of a coin in dollars that has most of a span, of those the coin itself before contracts on it, then the
    finest; None for none."""
    found = [
        (held, (-min(held.end_ns, end_ns) + max(held.first_ns, start_ns), number, held.id.bar_ns or 0, str(held.id)))
        for number, kind in enumerate(PRICE_KINDS)
        for quote in DOLLARS
        for held in lake.held(kind, "*", f"{coin}-{quote}")
        if held.first_ns < end_ns and held.end_ns > start_ns
    ]
    return min(found, key=lambda one: one[1])[0] if found else None


def read_values(lake: Lake, held: Held, column: str, start_ns: int, end_ns: int) -> Rows:
    """A column's rows that begin in a span, in order, the later of two of one time; those without a number left out."""
    rows = lake.read(held, start_ns=start_ns, end_ns=end_ns)
    if column not in rows.columns:
        return np.zeros(0, np.int64), np.zeros(0)
    rows = rows.select("ts", column).unique("ts", keep="last").sort("ts").drop_nulls()
    times = rows["ts"].to_numpy().astype(np.int64) * MILLISECOND_NS
    values = rows[column].to_numpy().astype(np.float64)
    fit = np.isfinite(values)
    return times[fit], values[fit]
