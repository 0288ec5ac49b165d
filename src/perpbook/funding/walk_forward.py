"""Rolling-origin forecasts of one contract's own past: every model at every origin, what came of it, and who may be trusted.

A forecast made at an origin knows what was settled by then and nothing later; so does the choice of a model. It is made on the
outcomes of the year before (of thirty horizons, where that is longer): the model that misses least in units of how far sums
wandered at the time (so that one storm does not decide a year), among those that beat the last value in that, in mean absolute
and in mean squared error, once outcomes span `TRIALS` horizons; where none did, it is the last value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.funding.candidates import LAST, MODELS, candidates, premium_laws, premium_of, trailing_mean, warm_up
from perpbook.funding.rule import PremiumRule, rule_of
from perpbook.funding.series import Grid, grid_of, rates_8h, snapped
from perpbook.kernels.types import Floats, Integers
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.terms.terms import FundingTerms

APART_NS = 4 * HOUR_NS
"""Origins of a venue that settles more often stand this far apart."""

MEMORY_NS = 365 * DAY_NS
MEMORY = 30
"""How far back outcomes speak for a model: a year, or so many horizons where that is more."""

TRIALS = 20
"""Horizons' worth of outcomes before a model may take the place of the last value."""

STILL = 1e-5
"""An 8-hour rate that no history is taken to wander less than."""

FEWEST_ROWS = 60
"""Settlements of an interval below which it is not walked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One contract and horizon, origins in order of time.

    `origin_ns`, `due_ns` (n,); `realised` (n,) sums of rates settled in (origin, due], NaN where not yet or not all known.
    `predicted` (models, n) in the order of `MODELS`; `chosen` (n,) which of them was trusted then. `rate` (n,) settled at the
    origin, for one `interval_ns` (n,). `scale` (n,) how much sums of this horizon wandered lately; `crowded` (n,) the chance of
    the crowded regime; `fading` (n,) the share of a premium's departure that is left after a step. `law` (5, n) the premium then,
    as in `PremiumLaw` from `mean` to `noise`; `rule` the venue's, as it is for the last origin.
    """

    horizon_ns: int
    origin_ns: Integers
    due_ns: Integers
    realised: Floats
    predicted: Floats
    chosen: Integers
    rate: Floats
    interval_ns: Integers
    scale: Floats
    crowded: Floats
    fading: Floats
    law: Floats
    rule: PremiumRule

    @property
    def trusted(self) -> Floats:
        """(n,) the chosen model's forecasts."""
        out: Floats = self.predicted[self.chosen, np.arange(self.chosen.size)]
        return out

    @property
    def known(self) -> Integers:
        """(n,) how many outcomes are known at each origin."""
        return np.searchsorted(self.due_ns, self.origin_ns, side="right").astype(np.int64)


def walks(history: Settlements, horizons_ns: Sequence[int], terms: FundingTerms | None) -> tuple[Walk, ...]:
    """A walk for each horizon that settlements divide; intervals with too few settlements, and those that do not divide a
    horizon, are left out of it.

    The last settlement is an origin always, where its interval divides the horizon. No walk has an origin before the warm-up is
    over, unless the whole history is shorter. Interest and clamp are those of the whole history.
    """
    past = snapped(history)
    parts = [
        part
        for step in np.unique(past.interval_ns).tolist()
        if np.count_nonzero(past.interval_ns == step) >= FEWEST_ROWS or step == past.interval_ns[-1]
        for part in _stretch(past, int(step), horizons_ns, terms)
    ]
    by_horizon = ([part for part in parts if part.horizon_ns == horizon] for horizon in horizons_ns)
    return tuple(_joined(mine) for mine in by_horizon if mine)


def _stretch(past: Settlements, step_ns: int, horizons_ns: Sequence[int], terms: FundingTerms | None) -> list[Walk]:
    """The walks over settlements of one interval, none chosen yet."""
    grid = grid_of(past, step_ns)
    rule = rule_of(terms, rates_8h(past)[past.times_ns <= grid.times_ns[-1]])
    horizons = [horizon for horizon in sorted(set(horizons_ns)) if horizon % step_ns == 0]
    steps = [horizon // step_ns for horizon in horizons]
    if not steps:
        return []
    origins = _origins(grid)
    crowded, fading, law = np.zeros(origins.size), np.full(origins.size, np.nan), np.full((5, origins.size), np.nan)
    values = grid.rates_8h
    if origins[0] < warm_up(grid):
        predicted = np.full((len(steps), len(MODELS), origins.size), np.nan)
        predicted[:, 0] = grid.part * np.array(steps)[:, None] * values[origins]
    else:
        premium = premium_of(grid, rule)
        found = candidates(grid, rule, premium, steps, origins)
        predicted = np.stack([found[name] for name in MODELS], axis=1)
        crowded = premium.regimes.crowded[origins]
        fading = premium.fits.persistence[premium.fits.in_force(values.size)[origins]]
        law = premium_laws(grid, premium, origins)
    return [
        Walk(
            horizon_ns=horizon, origin_ns=grid.times_ns[origins], due_ns=grid.times_ns[origins] + horizon,
            realised=realised(past, grid.times_ns[origins], horizon), predicted=predicted[number],
            chosen=np.zeros(origins.size, dtype=np.int64), rate=values[origins] * grid.part,
            interval_ns=np.full(origins.size, step_ns), scale=wandering(grid, step)[origins], crowded=crowded, fading=fading,
            law=law, rule=rule,
        )
        for number, (horizon, step) in enumerate(zip(horizons, steps, strict=True))
    ]  # fmt: skip


def _origins(grid: Grid) -> Integers:
    """Rows that were settlements of the interval, the last of them and every few hours before it, once models speak."""
    mine = grid.own & np.isfinite(grid.rates_8h)
    first = warm_up(grid) if grid.times_ns.size > warm_up(grid) + 1 else 0
    apart = grid.rows(APART_NS)
    rows = np.arange(grid.times_ns.size - 1, first - 1, -apart)[::-1]
    found = rows[mine[rows]]
    return found if found.size else rows[-1:]


def realised(past: Settlements, origin_ns: Integers, horizon_ns: int) -> Floats:
    """(n,) sums of the rates settled in (origin, origin + horizon]; NaN where not all of it is known."""
    total = np.concatenate([[0.0], past.rates.cumsum()])
    spans = np.concatenate([[0], past.interval_ns.cumsum()])
    start = np.searchsorted(past.times_ns, origin_ns, side="right")
    end = np.searchsorted(past.times_ns, origin_ns + horizon_ns, side="right")
    whole = np.abs(spans[end] - spans[start] - horizon_ns) <= 0.001 * horizon_ns
    out: Floats = np.where(whole, total[end] - total[start], np.nan)
    return out


def wandering(grid: Grid, steps: int) -> Floats:
    """(n,) how far sums of so many steps have lately gone from the last value's forecast: half of it the mean of two weeks,
    half that of 180 days; from how far rates stray at all, while no sum is known."""
    values = np.where(np.isfinite(grid.rates_8h), grid.rates_8h, 0.0)
    count = np.arange(1, values.size + 1)
    centre = values.cumsum() / count
    out: Floats = grid.part * steps * np.abs(values - centre).cumsum() / count
    if values.size > steps + 1:
        total = np.concatenate([[0.0], values.cumsum()])
        missed = grid.part * np.abs(total[steps + 1 :] - total[1:-steps] - steps * values[:-steps])
        short, long = (trailing_mean(missed, grid.rows(days * DAY_NS)) for days in (14, 180))
        out[steps:] = 0.5 * (short + long)
    return np.maximum(out, STILL * grid.part * steps)


def _joined(parts: Sequence[Walk]) -> Walk:
    """Walks over different intervals as one, in order of time, with the model trusted at each origin."""
    order = np.argsort(np.concatenate([part.origin_ns for part in parts]), kind="stable")

    def of(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts], axis=-1)[..., order]

    made = {name: of(name) for name in Walk.__slots__ if name not in ("horizon_ns", "rule")}
    newest = max(parts, key=lambda part: int(part.origin_ns[-1]))
    walk = Walk(horizon_ns=newest.horizon_ns, rule=newest.rule, **made)
    return replace(walk, chosen=choices(walk))


def choices(past: Walk) -> Integers:
    """(n,) the model trusted at each origin, from outcomes due by then alone: see the module's first lines."""
    missed = past.predicted - past.realised
    scored = np.isfinite(missed).all(axis=0)
    missed = np.abs(np.where(scored, missed, 0.0))
    known = np.searchsorted(past.due_ns, past.origin_ns, side="right")
    oldest = np.searchsorted(past.due_ns, past.origin_ns - max(MEMORY_NS, MEMORY * past.horizon_ns), side="left")

    def within(values: Floats) -> Floats:
        total = np.concatenate([np.zeros((values.shape[0], 1)), values.cumsum(axis=1)], axis=1)
        out: Floats = total[:, known] - total[:, oldest]
        return out

    apart = np.minimum(np.diff(past.origin_ns, prepend=past.origin_ns[0]), past.horizon_ns)
    seen = within(np.where(scored, apart, 0).astype(np.float64)[None])[0]
    last = MODELS.index(LAST)
    relative = within(missed / past.scale)
    better = np.broadcast_to(seen >= TRIALS * past.horizon_ns, relative.shape)
    for loss in (relative, within(missed), within(missed**2)):
        better = better & (loss < loss[last])
    best = np.argmin(np.where(better, relative, np.inf), axis=0)
    return np.where(better.any(axis=0), best, last).astype(np.int64)
