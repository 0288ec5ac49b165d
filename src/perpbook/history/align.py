"""Rows of one series onto a grid: checked, put together into coarser bars, and stale where there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from perpbook.errors import DataError
from perpbook.history.lake import Held
from perpbook.history.widths import MILLISECOND_NS
from perpbook.model.bars import Flags, Floats, Integers
from perpbook.model.units import to_iso

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of one series in rising order of time, each of `bar_ns`, every price a positive number."""

    times_ns: Integers
    bar_ns: int
    prices: tuple[Floats, Floats, Floats, Floats]

    @classmethod
    def of(cls, held: Held, seen: pl.DataFrame) -> Rows:
        """The rows read of a series; of two with one time the later row counts.

        Raises
        ------
        DataError : a price is none, or a row does not stand on the series' own grid; names file, row and time.
        """
        width = held.id.bar_ns or 0
        times = seen["ts"].to_numpy()
        step = width // MILLISECOND_NS
        off = np.flatnonzero(times % step)
        if off.size:
            raise _refused(held, seen, int(off[0]), f"does not open on a multiple of {held.id.bar}")
        prices = [seen[name].cast(pl.Float64).to_numpy() for name in PRICES]
        for name, price in zip(PRICES, prices, strict=True):
            wrong = np.flatnonzero(~((price > 0) & np.isfinite(price)))
            if wrong.size:
                raise _refused(held, seen, int(wrong[0]), f"has {name} {price[wrong[0]]}")
        if times.size > 1 and not bool((times[1:] > times[:-1]).all()):
            last = seen.with_row_index("row").unique("ts", keep="last").sort("ts")["row"].to_numpy()
            times, prices = times[last], [price[last] for price in prices]
        return cls(times_ns=times * MILLISECOND_NS, bar_ns=width, prices=(prices[0], prices[1], prices[2], prices[3]))

    def starts_at(self, start_ns: int) -> bool:
        """Whether there is a row in the first grid bar's opening part."""
        return self.times_ns.size > 0 and int(self.times_ns[0]) == start_ns


def _refused(held: Held, seen: pl.DataFrame, row: int, what: str) -> DataError:
    at = int(seen["ts"][row])
    whole = pl.scan_parquet(held.path).select("ts").collect()["ts"].to_numpy()
    number = int(np.flatnonzero(whole == at)[0]) + 1
    return DataError(
        f"{held.path}: row {number} ({to_iso(at * MILLISECOND_NS)}) {what}: mend the file it came from and import it again "
        "(`perpbook data quality` lists the rest)"
    )


def place_rows(
    rows: Rows, start_ns: int, bar_ns: int, before: float | None, into: tuple[Floats, Floats, Floats, Floats, Flags]
) -> tuple[int, int]:
    """Write rows onto the grid; (bars missing, bars made of incomplete parts).

    `before` is the close before the grid, for a series that starts with a hole. A bar of several rows opens with the
    first, closes with the last, and has their highest high and lowest low.
    """
    count = into[0].size
    parts = bar_ns // rows.bar_ns
    if rows.times_ns.size == count * parts:
        _whole(rows, parts, into)
        return 0, 0
    slots = (rows.times_ns - start_ns) // bar_ns
    firsts = np.flatnonzero(np.diff(slots, prepend=-1))
    sizes = np.diff(firsts, append=slots.size)
    _sparse(rows, slots, firsts, before, into)
    return count - firsts.size, int((sizes < parts).sum())


def _whole(rows: Rows, parts: int, into: tuple[Floats, Floats, Floats, Floats, Flags]) -> None:
    """Every row is there: no searching."""
    opened, high, low, close, stale = into
    count = opened.size
    opened[:] = rows.prices[0][::parts]
    close[:] = rows.prices[3][parts - 1 :: parts]
    if parts == 1:
        high[:], low[:] = rows.prices[1], rows.prices[2]
    else:
        np.max(rows.prices[1].reshape(count, parts), axis=1, out=high)
        np.min(rows.prices[2].reshape(count, parts), axis=1, out=low)
    stale[:] = 0


def _sparse(
    rows: Rows,
    slots: Integers,
    firsts: Integers,
    before: float | None,
    into: tuple[Floats, Floats, Floats, Floats, Flags],
) -> None:
    """Some rows are missing: bars without one stand at the last close."""
    opened, high, low, close, stale = into
    stale[:] = 1
    if firsts.size == 0:
        for price in into[:4]:
            price[:] = np.nan if before is None else before
        return
    filled = slots[firsts]
    lasts = np.append(firsts[1:], slots.size) - 1
    stale[filled] = 0
    close[filled] = rows.prices[3][lasts]
    known = np.maximum.accumulate(np.where(stale == 0, np.arange(stale.size), -1))
    hole = stale == 1
    close[hole] = np.where(known[hole] >= 0, close[known[hole]], np.nan if before is None else before)
    for price in (opened, high, low):
        price[hole] = close[hole]
    opened[filled] = rows.prices[0][firsts]
    high[filled] = np.maximum.reduceat(rows.prices[1], firsts)
    low[filled] = np.minimum.reduceat(rows.prices[2], firsts)
