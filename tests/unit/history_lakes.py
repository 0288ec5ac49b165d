"""Small lakes for the tests: series of our own making, real ones where a folder of them is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from perpbook.history.choose import Wanted
from perpbook.history.lake import Lake, Origin, SeriesId
from perpbook.model.units import HOUR_NS, from_iso

ROOT = Path(__file__).parents[2]
START = from_iso("2024-01-01")
MS = 1_000_000
BTC = Wanted(venue="binance", symbol="BTCUSDT", base="BTC", quote="USDT")
HL_BTC = Wanted(venue="hyperliquid", symbol="BTC", base="BTC", quote="USD")


def real_data() -> Path:
    """The folder of real history, or a skip that says so."""
    folder = Path(os.environ.get("PERPBOOK_DATA", ROOT / "../shared/data")).resolve()
    if not (folder / "candles").is_dir():
        pytest.skip(f"no real history at {folder} (PERPBOOK_DATA)")
    return folder


def origin(rows: int) -> Origin:
    return Origin(where="made in a test", sha256="0", imported_ns=1, rows=rows)


def candles(
    closes: Sequence[float] | NDArray[np.float64],
    *,
    start_ns: int = START,
    bar_ns: int = HOUR_NS,
    rows: Sequence[int] | None = None,
) -> pl.DataFrame:
    """Bars that open at the close before, with a high and a low 1 % beyond both; `rows` picks some of them."""
    close = np.asarray(closes, dtype=np.float64)
    opened = np.concatenate([close[:1], close[:-1]])
    frame = pl.DataFrame(
        {
            "ts": (start_ns + np.arange(close.size) * bar_ns) // MS,
            "open": opened,
            "high": np.maximum(opened, close) * 1.01,
            "low": np.minimum(opened, close) * 0.99,
            "close": close,
            "volume": np.ones(close.size),
        }
    )
    return frame if rows is None else frame[list(rows)]


def funding(count: int, *, start_ns: int = START, hours: float = 8.0, rate: float = 1e-4) -> pl.DataFrame:
    times = (start_ns + np.arange(count) * int(hours * HOUR_NS)) // MS
    return pl.DataFrame({"ts": times, "rate": np.full(count, rate), "interval_hours": np.full(count, hours)})


def put(
    lake: Lake, frame: pl.DataFrame, kind: str = "candles", name: str = "binance BTC-USDT", bar_ns: int | None = HOUR_NS
) -> None:
    venue, symbol = name.split()
    series = SeriesId(kind=kind, venue=venue, symbol=symbol, bar_ns=None if kind == "funding" else bar_ns)
    lake.store(series, frame, origin(frame.height))


def lake_with(folder: Path, frame: pl.DataFrame, settled: pl.DataFrame | None = None) -> Lake:
    """A lake with Binance's BTC and its funding."""
    lake = Lake(folder)
    put(lake, frame)
    put(lake, funding(frame.height // 8 + 1) if settled is None else settled, kind="funding")
    return lake


def wander(count: int, seed: int = 1, wild: bool = True) -> NDArray[np.float64]:
    """A path like a market's (calm and wild spells, fat tails), or a plain drawn walk."""
    chance = np.random.default_rng(seed)
    spells = np.exp(np.repeat(chance.standard_normal(count // 50 + 1), 50)[:count]) if wild else np.ones(count)
    return 100.0 * np.exp(np.cumsum(0.004 * spells * chance.standard_normal(count)))
