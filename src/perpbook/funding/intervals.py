"""Intervals that are kept honest by what came of the earlier ones: adaptive conformal inference, one for each side.

Errors are measured in units of how far sums of the horizon have wandered lately, so that an interval widens at once when
funding gets wild. Each side's level moves with its own misses. No bound is farther than the worst miss ever known, and a level
that asks for more than was seen gets the farthest of the window: that, and outcomes that overlap, is why coverage is reported
beside the level rather than promised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.funding.walk_forward import Walk
from perpbook.kernels.conformal import adaptive_quantiles
from perpbook.kernels.types import Floats
from perpbook.model.units import DAY_NS

PACE = 0.05
"""How far a surprise moves a level, once a horizon."""

WINDOW_NS = 180 * DAY_NS
WINDOW = 20
"""Errors of so long a time are kept, or of so many horizons, where that is longer."""

CROWDED = 0.5
"""A regime is crowded when that is likelier than not."""

LEAST, LEAST_HORIZONS = 30, 10
"""Outcomes known before an interval is drawn, and how many horizons they span: outcomes that overlap say little new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """`low`, `high` (n,) bounds of the sums at each origin, NaN while too little is known; `level` the coverage meant."""

    low: Floats
    high: Floats
    level: float

    def held(self, outcome: Floats) -> Floats:
        """(n,) 1 where the outcome was inside, 0 where not, NaN where either is unknown."""
        inside = (outcome >= self.low) & (outcome <= self.high)
        out: Floats = np.where(np.isfinite(outcome) & np.isfinite(self.low), inside.astype(np.float64), np.nan)
        return out


def intervals(walk: Walk, predicted: Floats, level: float) -> Intervals:
    """The interval of each forecast (n,), from what came of the forecasts before it that were made in the same regime; of all
    of them while those are too few."""
    errors = (walk.realised - predicted) / walk.scale
    under, over = _bounds(walk, errors, level)
    for regime in (walk.crowded > CROWDED, walk.crowded <= CROWDED):
        own_under, own_over = _bounds(walk, np.where(regime, errors, np.nan), level)
        under = np.where(regime & np.isfinite(own_under), own_under, under)
        over = np.where(regime & np.isfinite(own_over), own_over, over)
    worst = worst_known(walk, predicted)
    low = predicted - np.minimum(under * walk.scale, worst)
    high = predicted + np.minimum(over * walk.scale, worst)
    return Intervals(low=np.minimum(low, high), high=np.maximum(low, high), level=level)


def worst_known(walk: Walk, predicted: Floats) -> Floats:
    """(n,) the largest miss, of either side, among the outcomes known at each origin; inf before any."""
    missed = np.abs(walk.realised - predicted)
    most = np.maximum.accumulate(np.where(np.isfinite(missed), missed, 0.0))
    known = walk.known
    out: Floats = np.where(known > 0, most[np.maximum(known - 1, 0)], 0.0)
    return np.where(out > 0.0, out, np.inf)


def _bounds(walk: Walk, errors: Floats, level: float) -> tuple[Floats, Floats]:
    """How far below and above its forecast each sum may come, in units of its scale."""
    apart = int(np.median(np.diff(walk.origin_ns))) if walk.origin_ns.size > 1 else DAY_NS
    pace = PACE * min(apart / walk.horizon_ns, 1.0)
    least = max(LEAST, LEAST_HORIZONS * walk.horizon_ns // apart)
    window = max(WINDOW_NS // apart, WINDOW * walk.horizon_ns // apart, least)
    room, under, over = np.empty(window + 1), np.empty(errors.size), np.empty(errors.size)
    miss = 0.5 * (1.0 - level)
    adaptive_quantiles(-errors, walk.known, miss, pace, window, least, room, under)
    adaptive_quantiles(errors, walk.known, miss, pace, window, least, room, over)
    return under, over


def chance_of_other_sign(walk: Walk, predicted: Floats) -> float:
    """The chance that the last forecast's sum has the other sign than the last rate, by the misses of the window; NaN without."""
    errors = (walk.realised - predicted) / walk.scale
    known = errors[: walk.known[-1]]
    since = walk.origin_ns[-1] - max(WINDOW_NS, WINDOW * walk.horizon_ns)
    recent = known[np.isfinite(known) & (walk.origin_ns[: known.size] > since)]
    if not recent.size:
        return float("nan")
    sums = predicted[-1] + recent * walk.scale[-1]
    return float(np.mean(sums * np.sign(walk.rate[-1]) < 0.0))
