"""Prices that cannot be, or that no market made: impossible bars, frozen feeds, bad prints, splices, smooth walks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from perpbook.history.column import Column, runs_of
from perpbook.history.widths import word_of
from perpbook.model.bars import Floats
from perpbook.model.data_finding import DataFinding, Severity
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS, to_iso

ROUNDING = 1e-9
FROZEN_NS = 1_800 * SECOND_NS
FROZEN_BARS = 6
"""A feed is frozen when at least six bars and half an hour in a row are one single price."""

SPIKE = 0.15
SPIKE_SIGMAS = 12.0
"""A bad print leaves by more than 15 % and twelve usual moves, and is undone by the next bar."""

WICK = 0.25
"""A wick reaches more than a quarter, and twelve usual moves, beyond both what its bar opened and closed at."""

SPLICE = math.log(3.0)
JUMP = math.log(1.6)
USUAL_DAILY = 0.08
"""A splice changes the price more than 1.6 times between one bar and the next, or over a hole more than 3 times and more
than four usual moves of a hole of that length, at 8 % a day."""

WALK_BARS = 1_000
WALK_KURTOSIS = 0.6
WALK_MEMORY = 0.03
"""Markets have fat tails (hourly crypto: excess kurtosis above 5) and calm and wild spells (the sizes of moves correlate
by 0.1 to 0.3 from bar to bar); a drawn walk has neither."""


def price_findings(column: Column) -> Iterator[DataFinding]:
    """Every check that needs one series alone, its rows in order."""
    if column.size == 0:
        return
    unfit = ~(_positive(column.open) & _positive(column.high) & _positive(column.low) & _positive(column.close))
    if unfit.any():
        yield from _not_prices(column, np.flatnonzero(unfit))
        column = column.only(~unfit)
    if column.size < 2:
        return
    yield from _impossible(column)
    yield from _frozen(column)
    yield from _spikes(column)
    yield from _wicks(column)
    yield from _splices(column)
    yield from _walk(column)


def _positive(values: Floats) -> np.ndarray:
    return np.isfinite(values) & (values > 0)


def _not_prices(column: Column, rows: np.ndarray) -> Iterator[DataFinding]:
    first = to_iso(int(column.times_ns[rows[0]]))
    yield column.finding(
        Severity.FATAL, "not_a_price", (int(rows[0]), int(rows[-1])),
        f"{rows.size:,} rows have a price that is missing, zero or below, the first at row {rows[0] + 1} ({first})",
    )  # fmt: skip


def _impossible(column: Column) -> Iterator[DataFinding]:
    """A high below, or a low above, what the bar opened or closed at."""
    top = np.maximum(np.maximum(column.open, column.close), column.low)
    bottom = np.minimum(np.minimum(column.open, column.close), column.high)
    wrong = np.flatnonzero((column.high < top * (1 - ROUNDING)) | (column.low > bottom * (1 + ROUNDING)))
    if wrong.size:
        at = to_iso(int(column.times_ns[wrong[0]]))
        yield column.finding(
            Severity.FATAL, "impossible_bar", (int(wrong[0]), int(wrong[-1])),
            f"{wrong.size:,} bars have a high below or a low above their open or close, the first at row {wrong[0] + 1} ({at})",
        )  # fmt: skip


def _frozen(column: Column) -> Iterator[DataFinding]:
    """Bars in a row that are one single price."""
    flat = (column.high == column.low) & (column.close == column.open)
    flat[1:] &= (column.close[1:] == column.close[:-1]) | ~flat[:-1]
    least = max(FROZEN_BARS, -(-FROZEN_NS // column.bar_ns))
    for first, last in runs_of(flat):
        if last - first + 1 < least:
            continue
        volume = column.volume
        idle = volume is not None and not np.nan_to_num(volume[first : last + 1]).any()
        yield column.finding(
            Severity.WARNING, "frozen", (first, last),
            f"{last - first + 1:,} bars of {word_of(column.bar_ns)} in a row stand at {column.close[first]:g}"
            + (", without volume" if idle else ""),
        )  # fmt: skip


def _spikes(column: Column) -> Iterator[DataFinding]:
    """A close far away that the next bar takes back."""
    moves = np.diff(np.log(column.close))
    joined = np.diff(column.times_ns) == column.bar_ns
    usual = 1.4826 * float(np.median(np.abs(moves)))
    limit = max(SPIKE, SPIKE_SIGMAS * usual)
    away, back = moves[:-1], moves[1:]
    bad = (np.abs(away) > limit) & (np.abs(back) > limit) & (np.abs(away + back) < 0.25 * np.abs(away))
    for row in np.flatnonzero(bad & joined[:-1] & joined[1:]).tolist():
        yield column.finding(
            Severity.WARNING, "spike", (row + 1, row + 1),
            f"the close of {column.close[row + 1]:g} is {math.expm1(away[row]):+.0%} from the one before and undone by the next",
        )  # fmt: skip


def _wicks(column: Column) -> Iterator[DataFinding]:
    """An extreme of trades, in bars of an hour at most, that a mark price may not have followed: margin tested there may
    kill what lived."""
    if column.bar_ns > HOUR_NS:
        return
    up = np.log(column.high / np.maximum(column.open, column.close))
    down = np.log(np.minimum(column.open, column.close) / column.low)
    usual = 1.4826 * float(np.median(np.abs(np.diff(np.log(column.close)))))
    limit = max(WICK, SPIKE_SIGMAS * usual)
    for row in np.flatnonzero((up > limit) | (down > limit)).tolist():
        name, price = ("high", column.high[row]) if up[row] >= down[row] else ("low", column.low[row])
        body = sorted((float(column.open[row]), float(column.close[row])))
        yield column.finding(
            Severity.WARNING, "wick", (row, row),
            f"the {name} of {price:g} lies far beyond the body of its bar ({body[0]:g} to {body[1]:g}): a mark price may "
            "not have gone there, and a liquidation in this bar may be one that never was",
        )  # fmt: skip


def _splices(column: Column) -> Iterator[DataFinding]:
    """Prices on both sides of a seam that cannot be of one asset, or of one unit of it."""
    opened = np.abs(np.log(column.open[1:] / column.close[:-1]))
    closed = np.abs(np.log(column.close[1:] / column.close[:-1]))
    days = (np.diff(column.times_ns) - column.bar_ns) / DAY_NS
    over_hole = np.maximum(SPLICE, 4 * USUAL_DAILY * np.sqrt(np.maximum(days, 0.0)))
    limit = np.where(days > 0, over_hole, JUMP * max(1.0, math.sqrt(column.bar_ns / DAY_NS) * 2))
    for row in np.flatnonzero((opened > limit) & (closed <= limit)).tolist():
        yield column.finding(
            Severity.WARNING, "bad_open", (row + 1, row + 1),
            f"opens at {column.open[row + 1]:g} after a close of {column.close[row]:g}, and closes near that again",
        )  # fmt: skip
    for row in np.flatnonzero((opened > limit) & (closed > limit)).tolist():
        hole = f" over a hole of {days[row]:.1f} days" if days[row] > 0 else ""
        yield column.finding(
            Severity.FATAL, "splice", (row, row + 1),
            f"the price goes from {column.close[row]:g} to {column.open[row + 1]:g}{hole}: another asset, or another unit, "
            "under one name",
        )  # fmt: skip


def _walk(column: Column) -> Iterator[DataFinding]:
    """A path with thin tails and no memory of its own size, which markets do not make."""
    moves = np.diff(np.log(column.close))
    moves = moves[np.diff(column.times_ns) == column.bar_ns]
    if moves.size < WALK_BARS or moves.std() == 0:
        return
    kurtosis = float(((moves - moves.mean()) ** 4).mean() / moves.var() ** 2 - 3)
    size = np.abs(moves) - np.abs(moves).mean()
    memory = float((size[1:] * size[:-1]).mean() / size.var())
    if kurtosis < WALK_KURTOSIS and memory < WALK_MEMORY + 2 / math.sqrt(moves.size):
        severity = Severity.NOTE if column.simulated else Severity.FATAL
        yield column.finding(
            severity, "drawn_walk", (0, column.size - 1),
            f"looks drawn, not traded: excess kurtosis {kurtosis:.2f}, the sizes of moves correlate by {memory:.2f}",
        )  # fmt: skip
