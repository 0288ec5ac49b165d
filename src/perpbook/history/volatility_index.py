"""A volatility index from a Parquet table: `ts` (milliseconds UTC, a day's begin), `currency`, `dvol` (percent a year).

A row is its day's close, known when the day has ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from perpbook.errors import InputError
from perpbook.model.units import DAY_NS, SECOND_NS

NEEDED = ("ts", "currency", "dvol")


def read_volatility_index(path: Path, coin: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """When each close was known, ns UTC, rising, and the index then, a fraction.

    Raises
    ------
    InputError : the file is no such table, has nothing of the coin, or a figure in it is none.
    """
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise InputError(f"{path} has no column {', '.join(missing)}: a volatility index has {', '.join(NEEDED)}")
    mine = table.filter(pl.col("currency") == coin).unique("ts", keep="last").sort("ts")
    if mine.is_empty():
        known = ", ".join(sorted(str(one) for one in table["currency"].unique()))
        raise InputError(f"{path} has no volatility index of {coin}: it has {known or 'nothing'}")
    known_ns = mine["ts"].cast(pl.Int64).to_numpy() * (SECOND_NS // 1_000) + DAY_NS
    values = mine["dvol"].cast(pl.Float64).to_numpy() / 100.0
    if not (np.isfinite(values) & (values > 0.0) & (values < 10.0)).all():
        raise InputError(f"{path}: dvol of {coin} must be percent a year, above 0 and below 1000")
    return known_ns, values
