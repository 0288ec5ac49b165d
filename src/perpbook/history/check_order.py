"""Rows that stand wrong: repeated, out of order, off the grid, missing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perpbook.history.column import Column
from perpbook.history.widths import word_of
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

LONG_GAP_NS = 6 * HOUR_NS
MOST_GAPS = 12
"""Gaps told one by one; the shorter ones are counted together."""


def order_findings(column: Column) -> Iterator[DataFinding]:
    """Rows that open off the grid, repeat a time, or go back in it."""
    yield from _off_grid(column)
    steps = np.diff(column.times_ns)
    back = np.flatnonzero(steps < 0)
    if back.size:
        first = int(back[0]) + 1
        yield column.finding(
            Severity.WARNING, "out_of_order", (first, first),
            f"{back.size:,} rows go back in time, the first at row {first + 1}: they are put in order on loading",
        )  # fmt: skip
    yield from _repeated(column)


def _off_grid(column: Column) -> Iterator[DataFinding]:
    off = np.flatnonzero(column.times_ns % column.bar_ns)
    if off.size:
        yield column.finding(
            Severity.FATAL, "off_grid", (int(off[0]), int(off[-1])),
            f"{off.size:,} rows do not open on a multiple of {word_of(column.bar_ns)}, the first at row {off[0] + 1} "
            f"({to_iso(int(column.times_ns[off[0]]))}): loading refuses them",
        )  # fmt: skip


def _repeated(column: Column) -> Iterator[DataFinding]:
    order = np.argsort(column.times_ns, kind="stable")
    ordered = column.only(order)
    again = np.flatnonzero(np.diff(ordered.times_ns) == 0) + 1
    if again.size == 0:
        return
    prices = (ordered.open, ordered.high, ordered.low, ordered.close)
    differ = np.logical_or.reduce([price[again] != price[again - 1] for price in prices])
    for severity, code, which, what in (
        (Severity.FATAL, "conflict", again[differ], "give a second, different price for a time that has one"),
        (Severity.WARNING, "duplicate", again[~differ], "repeat a row word for word"),
    ):
        if which.size:
            first = to_iso(int(ordered.times_ns[which[0]]))
            yield ordered.finding(
                severity, code, (int(which[0]), int(which[-1])), f"{which.size:,} rows {what}, the first at {first}"
            )


def tidy(column: Column) -> Column:
    """The rows as loading takes them: in order, the later of two with one time."""
    if column.size < 2 or bool((np.diff(column.times_ns) > 0).all()):
        return column
    ordered = column.only(np.argsort(column.times_ns, kind="stable"))
    last = np.append(np.diff(ordered.times_ns) > 0, True)
    return ordered.only(last)


def gap_findings(column: Column) -> Iterator[DataFinding]:
    """Bars that are not there between the first and the last: the market is stale meanwhile."""
    steps = np.diff(column.times_ns)
    at = np.flatnonzero(steps > column.bar_ns)
    if at.size == 0:
        return
    longest = at[np.argsort(-steps[at], kind="stable")]
    told = longest[steps[longest] >= max(LONG_GAP_NS, 3 * column.bar_ns)][:MOST_GAPS]
    for number in np.sort(told).tolist():
        missing = int(steps[number]) // column.bar_ns - 1
        yield DataFinding(
            severity=Severity.WARNING, code="gap", venue=column.venue, symbol=column.symbol,
            start_ns=int(column.times_ns[number]) + column.bar_ns, end_ns=int(column.times_ns[number + 1]),
            message=f"{missing:,} bars are missing ({steps[number] / DAY_NS:.1f} days)", kind=column.kind,
        )  # fmt: skip
    rest = np.setdiff1d(at, told)
    if rest.size:
        missing = int((steps[rest] // column.bar_ns - 1).sum())
        yield column.finding(
            Severity.NOTE, "short_gaps", (int(rest[0]), int(rest[-1])),
            f"{missing:,} more bars are missing in {rest.size:,} shorter holes",
        )  # fmt: skip
