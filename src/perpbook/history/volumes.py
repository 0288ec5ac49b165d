"""What was traded a day, in dollars: what the cost of taking liquidity is reckoned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from perpbook.history.choose import Wanted, choose_prices
from perpbook.history.lake import Lake
from perpbook.history.widths import MILLISECOND_NS
from perpbook.model.bars import Bars, Floats
from perpbook.model.units import DAY_NS


def daily_volumes(lake: Lake, wanted: Sequence[Wanted], bars: Bars, proxies: Mapping[str, str]) -> Floats:
    """(C, days) dollars traded in each 24 hours from the first bar, by the candles the bars came from; NaN unknown.

    Volumes are taken to be base units, as the lake keeps them.
    """
    start, end = int(bars.open_ns[0]), int(bars.open_ns[-1]) + bars.bar_ns
    days = (int(bars.open_ns[-1]) - start) // DAY_NS + 1
    out = np.full((len(wanted), days), np.nan)
    for row, one in enumerate(wanted):
        held = choose_prices(lake, one, bars.bar_ns, (start, end), proxies).held
        rows = lake.read(held, ["ts", "close", "volume"], start_ns=start, end_ns=end)
        traded = rows.group_by((pl.col("ts") * MILLISECOND_NS - start) // DAY_NS).agg(
            (pl.col("close") * pl.col("volume")).sum().alias("dollars")
        )
        out[row, traded["ts"].to_numpy()] = traded["dollars"].to_numpy()
    out[~(out > 0)] = np.nan
    return out
