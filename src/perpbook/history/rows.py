"""Arrays as the lake's rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from perpbook.errors import DataError
from perpbook.history.importing import intervals_of
from perpbook.history.lake import PRICED, SeriesId
from perpbook.history.widths import MILLISECOND_NS
from perpbook.model.bars import Floats, Integers
from perpbook.model.units import HOUR_NS, to_iso

Frame = pl.DataFrame
"""Rows of one series, for modules that hand them on without looking inside."""


def bars_as_rows(open_ns: Integers, prices: Sequence[Floats]) -> pl.DataFrame:
    """Candles: `prices` are open, high, low, close and volume."""
    names = ("open", "high", "low", "close", "volume")
    return pl.DataFrame({"ts": open_ns // MILLISECOND_NS, **dict(zip(names, prices, strict=False))})


def funding_as_rows(times_ns: Integers, rates: Floats, interval_ns: int) -> pl.DataFrame:
    """Settlements, all of one interval."""
    rows = pl.DataFrame({"ts": times_ns // MILLISECOND_NS, "rate": rates})
    return rows.with_columns(pl.lit(interval_ns / HOUR_NS).alias("interval_hours"))


def pulled_rows(series: SeriesId, rows: Sequence[Sequence[float]], before: Sequence[int]) -> pl.DataFrame:
    """Rows as a venue gave them, [ts, ...] each; `before` are the times of settlements already there.

    Raises
    ------
    DataError : a price is none; names its time.
    """
    table = np.array([list(row) for row in rows], dtype=np.float64)
    times = table[:, 0].astype(np.int64)
    if series.kind not in PRICED:
        hours = intervals_of(np.concatenate([np.array(before, dtype=np.int64), times]))[len(before) :]
        return (
            pl.DataFrame({"ts": times, "rate": table[:, 1], "interval_hours": hours})
            .unique("ts", keep="last")
            .sort("ts")
        )
    wrong = np.flatnonzero(~((table[:, 1:5] > 0) & np.isfinite(table[:, 1:5])).all(axis=1))
    if wrong.size:
        raise DataError(
            f"{series}: the venue gave a price that is none at {to_iso(int(times[wrong[0]]) * MILLISECOND_NS)}"
        )
    names = ("open", "high", "low", "close") + (("volume",) if series.kind != "mark" else ())
    columns = {name: table[:, number + 1] for number, name in enumerate(names)}
    return pl.DataFrame({"ts": times, **columns}).unique("ts", keep="last").sort("ts")
