"""Recorded prices and funding, read from the files as they lie: decimals on a grid, with no help from the package."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
HOUR_MS = 3_600_000
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Bars of one contract, and by bar the rates of the settlements inside it; `times` are (ms, hours) of those."""

    open: Sequence[Decimal]
    high: Sequence[Decimal]
    low: Sequence[Decimal]
    close: Sequence[Decimal]
    settled: dict[int, list[Decimal]]
    times: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From midnight UTC of one day up to another's, in bars of so many ms."""

    first: str
    end: str
    bar_ms: int = HOUR_MS

    @property
    def bounds(self) -> tuple[int, int]:
        return ms_of(self.first), ms_of(self.end)

    @property
    def bars(self) -> int:
        return (self.bounds[1] - self.bounds[0]) // self.bar_ms

    def day_of(self, bar: int) -> str:
        return datetime.fromtimestamp((self.bounds[0] + bar * self.bar_ms) / 1000, UTC).date().isoformat()


def ms_of(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000


def data_file(name: str) -> Path:
    """A file of real history, or a skip that says which is missing."""
    folder = Path(os.environ.get("PERPBOOK_DATA", ROOT / "../shared/data")).resolve()
    if not (folder / name).is_file():
        pytest.skip(f"no {name} at {folder} (PERPBOOK_DATA): this test needs real history")
    return folder / name


def rows_of(name: str, venue: str, symbol: str) -> pl.DataFrame:
    """Every row of a series in a file."""
    mine = (pl.col("venue") == venue) & (pl.col("symbol") == symbol)
    return pl.scan_parquet(data_file(name)).filter(mine).sort("ts").collect()


def series_of(prices: tuple[str, str, str], funding: tuple[str, str] | None, span: Span) -> Series:
    """`prices` is (file, venue, symbol), `funding` (venue, symbol) or None for none.

    Finer rows make coarser bars; a bar without rows stands at the last close.
    """
    start, end = span.bounds
    rows = rows_of(*prices).filter(pl.col("ts").is_between(start, end, closed="left"))
    columns: dict[str, list[Decimal]] = {name: [] for name in PRICES}
    parts: dict[int, list[tuple[float, ...]]] = {}
    for at, *four in rows.select("ts", *PRICES).iter_rows():
        parts.setdefault((at - start) // span.bar_ms, []).append(tuple(four))
    for bar in range(span.bars):
        within = parts.get(bar) or [(float(columns["close"][-1]),) * 4]
        highest, lowest = max(part[1] for part in within), min(part[2] for part in within)
        for name, price in zip(PRICES, (within[0][0], highest, lowest, within[-1][3]), strict=True):
            columns[name].append(Decimal(str(price)))
    settled: dict[int, list[Decimal]] = {}
    times = []
    if funding is not None:
        paid = rows_of("funding/funding.parquet", *funding).filter(pl.col("ts").is_between(start, end, closed="left"))
        for at, rate, hours in paid.select("ts", "rate", "interval_hours").iter_rows():
            settled.setdefault((at - start) // span.bar_ms, []).append(Decimal(str(rate)))
            times.append((at, hours))
    return Series(**columns, settled=settled, times=times)
