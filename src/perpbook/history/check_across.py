"""One venue against another: a price far from where the same asset traded elsewhere at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from perpbook.history.column import Column, runs_of
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import to_iso

FAR = 0.05
LEAST_OVERLAP = 50
OFTEN = 0.2
"""A close more than 5 % from the other venue's, its usual distance taken off, is an outlier; a series where every fifth
bar is one is not the asset it says."""

MOST_TOLD = 8


def across_findings(columns: Sequence[Column]) -> Iterator[DataFinding]:
    """Every series of one asset against the longest of the others with bars as wide. Rows must be in order."""
    for column in columns:
        others = [one for one in columns if one.venue != column.venue and one.bar_ns == column.bar_ns]
        if others:
            yield from _against(column, others)


def _against(column: Column, others: Sequence[Column]) -> Iterator[DataFinding]:
    best, mine, theirs = None, np.empty(0, np.int64), np.empty(0, np.int64)
    for other in others:
        _, here, there = np.intersect1d(column.times_ns, other.times_ns, assume_unique=True, return_indices=True)
        if here.size > mine.size:
            best, mine, theirs = other, here, there
    if best is None or mine.size < LEAST_OVERLAP:
        return
    apart = np.log(column.close[mine] / best.close[theirs])
    usual = float(np.median(apart))
    far = np.abs(apart - usual) > FAR
    if abs(usual) > FAR or far.mean() > OFTEN:
        yield column.finding(
            Severity.FATAL, "disagrees", (int(mine[0]), int(mine[-1])),
            f"is usually {np.expm1(usual):+.1%} from {best.venue}'s price and strays from that in {far.mean():.0%} of "
            f"{mine.size:,} bars: not the same asset, unit or venue",
        )  # fmt: skip
        return
    runs = sorted(runs_of(far), key=lambda run: run[0] - run[1])
    for first, last in runs[:MOST_TOLD]:
        worst = first + int(np.abs(apart[first : last + 1] - usual).argmax())
        yield column.finding(
            Severity.WARNING, "outlier", (int(mine[first]), int(mine[last])),
            f"{last - first + 1:,} closes are far from {best.venue}'s, the worst {np.expm1(apart[worst]):+.1%} at "
            f"{to_iso(int(column.times_ns[mine[worst]]))}",
        )  # fmt: skip
    rest = runs[MOST_TOLD:]
    if rest:
        rows = [row for run in rest for row in run]
        yield column.finding(
            Severity.NOTE, "outliers", (int(mine[min(rows)]), int(mine[max(rows)])),
            f"{len(rest):,} shorter spells far from {best.venue}'s price",
        )  # fmt: skip
