"""A history of settlements on an even grid of one interval, so that models of equal steps may read it.

Rates come for intervals that change (8 hours, then 1). On the grid each step holds the rate for 8 hours that was in force
through it: a longer interval is spread over its steps, shorter ones are averaged. Sums of rates stay what they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.funding.rule import EIGHT_HOURS_NS
from perpbook.kernels.types import Floats, Integers
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS, SECOND_NS

SNAP_NS = 60 * SECOND_NS
"""Venues settle within the minute."""

COVERED = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """`times_ns` (n,) ends of steps, `step_ns` apart. `rates_8h` (n,) for 8 hours, NaN where none is known. `own` (n,): the
    step is one settlement of exactly this interval."""

    step_ns: int
    times_ns: Integers
    rates_8h: Floats
    own: np.ndarray

    @property
    def part(self) -> float:
        """What one step pays of an 8-hour rate."""
        return self.step_ns / EIGHT_HOURS_NS

    def rows(self, span_ns: int) -> int:
        """Steps in a span, at least one."""
        return max(int(span_ns // self.step_ns), 1)


def snapped(history: Settlements) -> Settlements:
    """The history with its times and intervals on whole minutes, in order, each time once."""
    times, places = np.unique((history.times_ns + SNAP_NS // 2) // SNAP_NS * SNAP_NS, return_index=True)
    width = (history.interval_ns[places] + SNAP_NS // 2) // SNAP_NS * SNAP_NS
    return Settlements(times_ns=times, rates=history.rates[places], interval_ns=np.maximum(width, SNAP_NS))


def rates_8h(history: Settlements) -> Floats:
    """(m,) each settlement's rate as a rate for 8 hours."""
    out: Floats = history.rates * (EIGHT_HOURS_NS / history.interval_ns)
    return out


def grid_of(history: Settlements, step_ns: int, *, before_ns: int = 365 * DAY_NS) -> Grid:
    """The grid of one interval, from `before_ns` ahead of the first settlement of that interval to the last of them.

    `history` is snapped and holds such a settlement.
    """
    times, width = history.times_ns, history.interval_ns
    mine = np.flatnonzero(width == step_ns)
    end = int(times[mine[-1]])
    start = max(int(times[mine[0]]) - before_ns, int(times[0] - width[0]))
    ends = end - np.arange((end - start) // step_ns, dtype=np.int64)[::-1] * step_ns
    opened = times - width
    opened[1:] = np.maximum(opened[1:], times[:-1])
    known = _grown(ends, step_ns, opened, times, np.ones(times.size))
    sums = _grown(ends, step_ns, opened, times, rates_8h(history))
    values = np.where(known >= COVERED, sums, np.nan)
    at = np.minimum(np.searchsorted(times, ends), times.size - 1)
    return Grid(step_ns=step_ns, times_ns=ends, rates_8h=values, own=(times[at] == ends) & (width[at] == step_ns))


def _grown(ends: Integers, step_ns: int, opened: Integers, closed: Integers, value: Floats) -> Floats:
    """The mean over each step of what is `value` from `opened` to `closed` and 0 elsewhere."""
    knots = np.stack([opened, closed], axis=1).ravel()
    base = int(knots[0])
    seconds = (closed - opened) / SECOND_NS
    area = np.stack([np.zeros(value.size), value * seconds], axis=1).ravel().cumsum()
    edges = np.concatenate([[ends[0] - step_ns], ends]) - base
    grown = np.interp(edges / SECOND_NS, (knots - base) / SECOND_NS, area)
    out: Floats = np.diff(grown) / (step_ns / SECOND_NS)
    return out
