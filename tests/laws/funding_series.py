"""Funding histories of our own making, and slow ways to compute what the product computes fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perpbook.funding.candidates import MODELS
from perpbook.funding.walk_forward import TRIALS, Walk
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS, HOUR_NS, from_iso
from perpbook.terms.terms import FundingTerms, PriceSource

START = from_iso("2024-01-01")
TERMS = FundingTerms(interval_ns=8 * HOUR_NS, price=PriceSource.MARK, interest_rate_8h=1e-4, clamp=5e-4)
Floats = NDArray[np.float64]


def settled(rates: Floats, *, hours: float = 8.0, start_ns: int = START) -> Settlements:
    """Rates settled every so many hours, the first one interval after the start."""
    width = int(hours * HOUR_NS)
    times = start_ns + width * np.arange(1, rates.size + 1, dtype=np.int64)
    return Settlements(times_ns=times, rates=rates, interval_ns=np.full(rates.size, width, dtype=np.int64))


def joined(*parts: Settlements) -> Settlements:
    return Settlements(
        times_ns=np.concatenate([one.times_ns for one in parts]), rates=np.concatenate([one.rates for one in parts]),
        interval_ns=np.concatenate([one.interval_ns for one in parts]),
    )  # fmt: skip


def autoregressive(count: int, seed: int, *, level: float = 2e-4, phi: float = 0.9, noise: float = 1e-4) -> Floats:
    draw = np.random.default_rng(seed)
    out = np.empty(count)
    now = level
    for t in range(count):
        now = level + phi * (now - level) + noise * draw.standard_normal()
        out[t] = now
    return out


def clamped(premium: Floats, interest: float = 1e-4, clamp: float = 5e-4) -> Floats:
    return np.array([p + min(max(interest - p, -clamp), clamp) for p in premium])


def slow_choices(walk: Walk) -> list[int]:
    """Who was to be trusted at each origin, by the rule as it is told, one origin at a time."""
    out: list[int] = []
    for t in range(walk.origin_ns.size):
        memory = max(365 * DAY_NS, 30 * walk.horizon_ns)
        since, until = walk.origin_ns[t] - memory, walk.origin_ns[t]
        rows = [i for i in range(walk.origin_ns.size) if since <= walk.due_ns[i] <= until]
        rows = [i for i in rows if np.isfinite(walk.predicted[:, i] - walk.realised[i]).all()]
        apart = [min(walk.origin_ns[i] - walk.origin_ns[i - 1], walk.horizon_ns) if i else 0 for i in rows]
        missed = np.abs(walk.predicted[:, rows] - walk.realised[rows])
        losses = [(missed / walk.scale[rows]).sum(axis=1), missed.sum(axis=1), (missed**2).sum(axis=1)]
        better = [all(loss[m] < loss[0] for loss in losses) for m in range(len(MODELS))]
        if sum(apart) < TRIALS * walk.horizon_ns or not any(better):
            out.append(0)
        else:
            out.append(min((m for m in range(len(MODELS)) if better[m]), key=lambda m: float(losses[0][m])))
    return out


def slow_bounds(errors: Floats, known: list[int], miss: float, pace: float, window: int, least: int) -> list[float]:
    """Adaptive conformal bounds, sorting the window anew each time."""
    level, seen = miss, 0
    out: list[float] = []
    for t in range(errors.size):
        for i in range(seen, known[t]):
            if np.isfinite(errors[i]) and np.isfinite(out[i]):
                level = min(max(level + pace * (miss - (errors[i] > out[i])), 0.0), 0.5)
        seen = max(seen, known[t])
        kept = sorted([e for e in errors[:seen] if np.isfinite(e)][-window:])
        rank = min(int(np.ceil((1.0 - level) * (len(kept) + 1))), len(kept))
        out.append(kept[rank - 1] if len(kept) >= least else np.nan)
    return out
