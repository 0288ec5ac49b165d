"""How unusual a rate is, and what funding has cost over several spans: annual figures are simple, of 365 days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.funding.series import SNAP_NS, rates_8h, snapped
from perpbook.kernels.types import Floats
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS

YEAR_NS = 365 * DAY_NS
SPANS_DAYS = (1, 7, 30, 90)
FEWEST = 20
MOST_MISSING = 0.005
"""The share of a span that may lack settlements: an hour of a year that a feed missed does not make the year unknown."""


def annualised(rate: float, interval_ns: int) -> float:
    """A rate for one interval as a simple rate for 365 days: nothing is reinvested."""
    return rate * YEAR_NS / interval_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """The last rate among those of `days` before it, each as a rate for 8 hours: `percentile` the share below it (ties count
    half), `z_score` standard deviations from their mean; None where they are too few or all the same. `settlements` of them."""

    percentile: float | None
    z_score: float | None
    days: int
    settlements: int


def skew_of(history: Settlements, *, now_ns: int, days: int = 90) -> Skew:
    """How the last rate up to `now_ns` stands among those of the `days` before it."""
    rates, at = rates_8h(history), history.times_ns
    known = at <= now_ns
    recent = rates[known & (at > now_ns - days * DAY_NS)]
    if recent.size < FEWEST:
        return Skew(percentile=None, z_score=None, days=days, settlements=int(recent.size))
    last, spread = recent[-1], float(np.std(recent))
    below = float(np.mean(recent < last) + 0.5 * np.mean(recent == last))
    z_score = float((last - np.mean(recent)) / spread) if spread > 1e-12 else None
    return Skew(percentile=below, z_score=z_score, days=days, settlements=int(recent.size))


def sum_over(history: Settlements, start_ns: int, end_ns: int) -> float | None:
    """The sum of the rates settled in (start, end]; None where those of more than `MOST_MISSING` of it are missing, at either
    end, to the minute, or between."""
    past = snapped(history)
    inside = (past.times_ns > start_ns) & (past.times_ns <= end_ns)
    if not inside.any():
        return None
    times, width = past.times_ns[inside], past.interval_ns[inside]
    unpaid = times - width - np.concatenate([[start_ns], times[:-1]])
    overdue = max((end_ns - SNAP_NS - times[-1]) // width[-1], 0) * width[-1]
    missing = int(unpaid[unpaid > SNAP_NS].sum() + overdue)
    return float(past.rates[inside].sum()) if missing <= MOST_MISSING * (end_ns - start_ns) else None


def trailing(history: Settlements, *, now_ns: int, spans_days: tuple[int, ...] = SPANS_DAYS) -> dict[int, float | None]:
    """What funding has cost a long over the last days, annualised simply, by number of days; None where it is not known."""
    out: dict[int, float | None] = {}
    for days in spans_days:
        total = sum_over(history, now_ns - days * DAY_NS, now_ns)
        out[days] = None if total is None else annualised(total, days * DAY_NS)
    return out


def compounded(shares: Floats) -> float:
    """What payments do to a return, each a share of equity then (received > 0): the product of 1 + share, less 1."""
    return float(np.expm1(np.log1p(shares).sum())) if np.all(shares > -1.0) else -1.0
