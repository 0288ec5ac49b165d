"""Base fees that cannot be, and such that stand far above those around them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perpbook.history.check_order import gap_findings, order_findings, tidy
from perpbook.history.column import Column, runs_of
from perpbook.history.lake import Held, Lake
from perpbook.history.widths import MILLISECOND_NS
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import to_iso

AROUND = 7
"""Rows on each side that a fee is held against."""

DEAR = 8.0
"""A fee so many times the median of those around it is told."""

MOST_DEAR = 6


def gas_findings(lake: Lake, held: Held) -> Iterator[DataFinding]:
    """What is wrong with one series of gas."""
    column = gas_column(lake, held)
    yield from order_findings(column)
    ordered = tidy(column)
    yield from gap_findings(ordered)
    yield from _numbers(ordered)
    yield from _dear(ordered)
    if held.simulated:
        yield column.finding(Severity.NOTE, "simulated", (0, column.size - 1), "nobody ever paid these fees")


def gas_column(lake: Lake, held: Held) -> Column:
    """The fee as a price, its least and its most as low and high where they are known."""
    rows = lake.read(held)
    fee = rows["gwei"].to_numpy().astype(np.float64)
    low, high = (
        np.where(np.isnan(values), fee, values)
        for values in (
            rows[name].to_numpy().astype(np.float64) if name in rows.columns else fee
            for name in ("gwei_min", "gwei_max")
        )
    )
    times = rows["ts"].to_numpy().astype(np.int64) * MILLISECOND_NS
    return Column(
        kind="gas", venue=held.id.venue, symbol=held.id.symbol, bar_ns=held.id.bar_ns or 1, times_ns=times, open=fee, high=high,
        low=low, close=fee, simulated=held.simulated,
    )  # fmt: skip


def _numbers(column: Column) -> Iterator[DataFinding]:
    unfit = ~np.isfinite(column.close) | (column.close < 0.0)
    outside = ~unfit & ((column.low > column.close) | (column.high < column.close))
    for severity, code, rows, what in (
        (Severity.FATAL, "not_a_price", unfit, "have a base fee that is missing or below zero"),
        (Severity.FATAL, "impossible_bar", outside, "have a base fee outside of their own least and most"),
        (Severity.WARNING, "free_gas", column.close == 0.0, "have gas that costs nothing"),
    ):
        at = np.flatnonzero(rows)
        if at.size:
            first = to_iso(int(column.times_ns[at[0]]))
            yield column.finding(
                severity, code, (int(at[0]), int(at[-1])), f"{at.size:,} rows {what}, the first at {first}"
            )


def _dear(column: Column) -> Iterator[DataFinding]:
    """Spells in which gas cost many times what it did around: a spike, or a few transactions with fees typed wrongly."""
    if column.size <= 2 * AROUND:
        return
    padded = np.pad(column.close, AROUND, mode="edge")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1), axis=1)
    times = np.divide(column.close, usual, out=np.zeros(column.size), where=usual > 0.0)
    spells = sorted(runs_of(times > DEAR), key=lambda one: -times[one[0] : one[1] + 1].max())
    for first, last in spells[:MOST_DEAR]:
        most, over = column.close[first : last + 1].max(), times[first : last + 1].max()
        told = f"gas at {most:.4g} gwei, {over:.0f} times what it was around"
        yield column.finding(Severity.WARNING, "spike", (first, last), told)
