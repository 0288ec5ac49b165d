"""The stationary bootstrap of rows (Politis and Romano 1994), as how often each row is drawn.

A draw is a count per row, not a list of rows: every statistic here is written for weighted rows, so that sorting is done
once and not a thousand times. All series of a row are drawn together, and neighbours mostly stay together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.model.units import HOUR_NS
from perpbook.tails.estimate import LEAST_POINTS, AgainstNull, Estimate, Side, insufficient, unsaid

LEAST_DRAWS = 1_000
CHUNK = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are made: `draws` resamples of blocks of `mean_block` rows on average, at `confidence`."""

    mean_block: float
    draws: int = LEAST_DRAWS
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.draws < LEAST_DRAWS:
            raise InputError(f"{self.draws} draws make no interval: give {LEAST_DRAWS:,} at least")
        if not self.mean_block >= 1.0:
            raise InputError(f"a mean block of {self.mean_block:g} rows does not do: give 1 at least")
        if not 0.5 <= self.confidence < 1.0:
            raise InputError(f"a confidence of {self.confidence:g} does not do: give 0.5 to below 1, such as 0.95")


def usual_resampling(rows: int, bar_ns: int, *, draws: int = LEAST_DRAWS, confidence: float = 0.95) -> Resampling:
    """Mean blocks of n^(1/3) rows, a day at least."""
    return Resampling(mean_block=max(rows ** (1 / 3), 24 * HOUR_NS / bar_ns), draws=draws, confidence=confidence)


def draw_weights(rows: int, resampling: Resampling, rng: np.random.Generator) -> Iterator[Floats]:
    """Chunks (draws, rows) of how often each row is drawn; every draw sums to `rows`.

    Raises
    ------
    InputError : blocks as long as the history.
    """
    if 2 * resampling.mean_block > rows:
        raise InputError(
            f"{rows} rows are too few for blocks of {resampling.mean_block:.0f}: give more history or shorter blocks"
        )
    for first in range(0, resampling.draws, CHUNK):
        count = min(CHUNK, resampling.draws - first)
        yield np.stack([one_draw(rows, resampling.mean_block, rng) for _ in range(count)])


def one_draw(rows: int, mean_block: float, rng: np.random.Generator) -> Floats:
    """(rows,) counts of one resample: blocks of geometric length from anywhere, running on past the end at the start."""
    lengths = rng.geometric(1.0 / mean_block, size=int(rows / mean_block * 1.3) + 64)
    reached = lengths.cumsum()
    while reached[-1] < rows:
        lengths = np.concatenate([lengths, rng.geometric(1.0 / mean_block, size=64)])
        reached = lengths.cumsum()
    np.minimum(reached, rows, out=reached)
    starts = rng.integers(0, rows, size=reached.size)
    ends = starts + reached
    ends[1:] -= reached[:-1]
    past = ends >= rows  # Such a block runs on at the start: everywhere but between its end and its start.
    ends[past] -= rows
    steps = np.bincount(starts, minlength=rows) - np.bincount(ends, minlength=rows)
    out: Floats = steps.cumsum(dtype=np.float64)
    out += np.count_nonzero(past)
    return out


def spread_of(draws: Floats, confidence: float) -> tuple[float, float]:
    """The percentile interval; draws that gave no number are left out, and (nan, nan) when most gave none."""
    kept = draws[~np.isnan(draws)]
    if kept.size < draws.size / 2:
        return float("nan"), float("nan")
    tail = 0.5 * (1.0 - confidence)
    low, high = np.quantile(kept, [tail, 1.0 - tail], method="nearest")
    return float(low), float(high)


def excess_p_value(draws: Floats) -> float:
    """Two-sided p of an excess over the null, from its draws: twice the smaller share of them on one side of zero.

    It is below 5 % where the 95 % interval leaves zero out. The draws carry the clustering of the past, which draws of
    independent Gaussian rows would not.
    """
    kept = draws[np.isfinite(draws)]
    least = min((kept <= 0.0).sum(), (kept >= 0.0).sum())
    return float(min(1.0, 2.0 * (1 + least) / (1 + kept.size)))


def estimate_of(
    value: float, draws: Floats, points: int, resampling: Resampling, *, level: float | None = None
) -> Estimate:
    """A value with its interval; nothing below `LEAST_POINTS`."""
    if points < LEAST_POINTS:
        return insufficient(points, level)
    low, high = spread_of(draws, resampling.confidence)
    if not np.isfinite(value) or np.isnan(low):
        return unsaid(points, level, "not defined on these rows: a series does not move there")
    return Estimate(
        value=float(value), low=low, high=high, points=points, level=level, confidence=resampling.confidence
    )


def against_null(
    tail: tuple[Side | None, float], seen: Floats, null: Floats, points: int, resampling: Resampling
) -> AgainstNull:
    """A figure beside its null's: the value first, its draws after it, in `seen` and `null` alike."""
    side, level = tail
    estimate = estimate_of(float(seen[0]), seen[1:], points, resampling, level=level)
    excess, draws = float(seen[0] - null[0]), (seen - null)[1:]
    return AgainstNull(
        side=side,
        estimate=estimate,
        null=float(null[0]) if np.isfinite(null[0]) else None,
        excess=estimate_of(excess, draws, points, resampling, level=level),
        p_value=excess_p_value(draws) if estimate.sufficient and np.isfinite(excess) else None,
    )
