"""Chances of a flip corrected by what came of the chances drawn before: Platt's line through log odds, from a prior of no change.

A drawn chance p becomes 1 / (1 + exp(-(a + b logit p))), averaged over what a and b may be: normal about 0 and 1 beforehand, then
weighed by how well each tells the contract's own past outcomes, which were drawn for from what was known then. Outcomes that
overlap count for the part of a horizon that they add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perpbook.funding.candidates import LEVEL_NS, following
from perpbook.funding.flips import Flip, PremiumLaw, chances_of, flip_of
from perpbook.funding.walk_forward import Walk
from perpbook.kernels.types import Floats, Integers
from perpbook.model.bars import Settlements
from perpbook.model.units import DAY_NS

SHIFT, SLOPE = 0.3, 0.2
"""Standard deviations of a and b beforehand. Of these, (0.5, 0.3) and (1, 0.5) they told what came afterwards best."""

GRID = 21
SPREADS = 3.0
"""Points of each of a and b, to so many standard deviations; b stays above 0, so that no order is turned round."""

SURE = 0.005
"""A chance nearer to 0 or 1 is taken for this."""

FEWEST, MOST = 30, 200
"""Outcomes before anything is corrected, and how many of the newest are looked at."""

APART_NS = 2 * DAY_NS
PATHS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Chances drawn in the past (m,), whether it `flipped` (m,) 0 or 1, and the part of an outcome that each counts for."""

    drawn: Floats
    flipped: Floats
    weight: float


def corrected(chances: Floats, past: Outcomes) -> Floats:
    """The chances (k,) after what the past says of such; as they are where it says too little."""
    if past.drawn.size < FEWEST:
        return chances
    off = np.linspace(-SPREADS, SPREADS, GRID)
    shift, slope = (one.ravel() for one in np.meshgrid(SHIFT * off, 1.0 + SLOPE * off, indexing="ij"))
    told = _line(shift, slope, past.drawn)
    likely = past.weight * np.log(np.where(past.flipped > 0.0, told, 1.0 - told)).sum(axis=1)
    likely -= 0.5 * ((shift / SHIFT) ** 2 + ((slope - 1.0) / SLOPE) ** 2)
    weights = np.exp(likely - likely.max())
    out: Floats = weights @ _line(shift, slope, chances) / weights.sum()
    return out


def _line(shift: Floats, slope: Floats, chances: Floats) -> Floats:
    """(lines, k) the chances moved by each line."""
    held = np.clip(chances, SURE, 1.0 - SURE)
    out: Floats = 1.0 / (1.0 + np.exp(-shift[:, None] - slope[:, None] * np.log(held / (1.0 - held))))
    return out


def past_outcomes(walk: Walk, history: Settlements, chance: np.random.Generator) -> Outcomes:
    """What was drawn for at origins of the walk whose horizon is over, as of its last origin, and what came."""
    origins = _origins(walk)
    step = int(walk.interval_ns[-1])
    mean, variance, level, persistence, noise = walk.law[:, origins, None]
    law = PremiumLaw(
        mean=mean, variance=variance, level=level, persistence=persistence, noise=noise, step_ns=step,
        follow=following(LEVEL_NS / step),
    )  # fmt: skip
    sign = np.sign(walk.rate[origins])[:, None]
    drawn = chances_of(law, walk.rule, sign, walk.horizon_ns // step, chance, paths=PATHS)
    apart = float(np.median(np.diff(walk.origin_ns[origins]))) if origins.size > 1 else 0.0
    return Outcomes(drawn=drawn, flipped=_flipped(history, walk, origins), weight=min(apart / walk.horizon_ns, 1.0))


def _origins(walk: Walk) -> Integers:
    """Origins far enough apart whose outcome is known by the last one, the newest `MOST` of them, of its interval."""
    known = np.arange(walk.origin_ns.size) < walk.known[-1]
    known &= np.isfinite(walk.realised) & np.isfinite(walk.law).all(axis=0)
    known &= (walk.interval_ns == walk.interval_ns[-1]) & (walk.rate != 0.0)
    apart = max(APART_NS, walk.horizon_ns // 4)
    out: list[int] = []
    for row in np.flatnonzero(known)[::-1].tolist():
        if len(out) < MOST and (not out or walk.origin_ns[out[-1]] - walk.origin_ns[row] >= apart):
            out.append(row)
    return np.array(out[::-1], dtype=np.int64)


def _flipped(history: Settlements, walk: Walk, origins: Integers) -> Floats:
    """(m,) 1 where a rate settled within the horizon of an origin had another sign than the one settled at it."""
    counts = [np.concatenate([[0], (side * history.rates < 0.0).cumsum()]) for side in (1.0, -1.0)]
    start = np.searchsorted(history.times_ns, walk.origin_ns[origins], side="right")
    end = np.searchsorted(history.times_ns, walk.origin_ns[origins] + walk.horizon_ns, side="right")
    below, above = (count[end] - count[start] for count in counts)
    out: Floats = np.where(walk.rate[origins] > 0.0, below > 0, above > 0).astype(np.float64)
    return out


def corrected_flip(flip: Flip, past: Outcomes, least: float) -> Flip:
    """A flip with its chances corrected, the last not below `least`."""
    if flip.sign == 0:
        return flip
    by_step = corrected(flip.by_step, past)
    by_step[-1] = max(float(by_step[-1]), least)
    return flip_of(flip.sign, by_step, flip.step_ns)
