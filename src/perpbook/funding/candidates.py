"""Forecasts of what the next steps' rates add up to, one model after another, at every row from what is known by then.

Every model reads a grid and answers (horizons, rows) sums, fractions of notional, > 0: longs pay. Those of the premium are made
of its mean and variance step by step, the venue's clamp applied to each step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.funding.autoregression import MOST_PERSISTENT, Fits, fade, rolling_fits
from perpbook.funding.regimes import Regimes, regimes_of
from perpbook.funding.rule import PremiumRule
from perpbook.funding.series import Grid
from perpbook.kernels.premium import AT_INTEREST, premium_filter
from perpbook.kernels.types import Floats, Integers
from perpbook.model.units import DAY_NS

LAST = "last"
MODELS = (
    LAST, "mean_7d", "ewma_1d", "ewma_2d", "ewma_3d", "ar1", "ar1_shift", "ar1_level", "premium_ar1", "premium_level",
    "regimes",
)  # fmt: skip
"""last: the last rate goes on. mean_7d: that of a week. ewma: exponential mean of that half-life. ar1: the last rate fades to the
mean of 90 days; ar1_shift: to the level since it last moved in them; ar1_level: to a level that follows, the exponential mean of
three days. premium_ar1 and premium_level: ar1_shift and ar1_level of the premium, the clamp applied. regimes: the premium
switches between a normal and a crowded state."""

WARM_UP_NS = 30 * DAY_NS
WINDOW_NS = 90 * DAY_NS
REGIME_WINDOW_NS = 365 * DAY_NS
LEVEL_NS = 3 * DAY_NS
"""Half-life of a level that follows."""

REFIT_NS = 3 * DAY_NS
REGIME_REFIT_NS = 30 * DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Premium:
    """What is known of the premium after each row: `mean` (n,), `spread` (n, 2); the AR(1)s fitted to it, about a level that
    moved once and about one that follows; and its regimes."""

    mean: Floats
    spread: Floats
    fits: Fits
    about_level: Fits
    regimes: Regimes


def filled(values: Floats) -> Floats:
    """The series with each hole at the value before it (at the first value before any)."""
    known = np.isfinite(values)
    place = np.maximum.accumulate(np.where(known, np.arange(values.size), 0))
    out: Floats = np.where(known.any() and ~known[place], values[known][:1], values[place])
    return out


def warm_up(grid: Grid) -> int:
    """The first row from which every model speaks."""
    return grid.rows(WARM_UP_NS)


def refits(grid: Grid, every_ns: int) -> Integers:
    """Rows at which a model is fitted anew, as often as that, the first at the end of the warm-up."""
    return np.arange(warm_up(grid), grid.times_ns.size, grid.rows(every_ns), dtype=np.int64)


def premium_of(grid: Grid, rule: PremiumRule) -> Premium:
    """The premium behind the rates: fitted with what is hidden at the interest, filtered, fitted again, filtered again."""
    rows, at, window = grid.rates_8h.size, refits(grid, REFIT_NS), grid.rows(WINDOW_NS)
    off = grid.rates_8h - rule.interest
    mean = grid.rates_8h + np.where(np.abs(off) > AT_INTEREST * rule.clamp, np.sign(off) * rule.clamp, 0.0)
    spread = np.zeros((rows, 2))
    for _ in range(2):
        fits = rolling_fits(mean, at, window, spread=spread, shifts=True)
        force = fits.in_force(rows)
        mean, spread = np.empty(rows), np.empty((rows, 2))
        law = fits.level[force], fits.persistence[force], fits.noise[force]
        premium_filter(grid.rates_8h, rule.interest, rule.clamp, law[0], law[1], law[2], mean, spread)
    fits = rolling_fits(mean, at, window, spread=spread, shifts=True)
    about_level = fits_about(mean, exponential_mean(mean, grid.rows(LEVEL_NS)), at, window)
    regimes = regimes_of(mean, refits(grid, REGIME_REFIT_NS), grid.rows(REGIME_WINDOW_NS))
    return Premium(mean=mean, spread=spread, fits=fits, about_level=about_level, regimes=regimes)


def candidates(
    grid: Grid, rule: PremiumRule, premium: Premium, steps: Sequence[int], origins: Integers
) -> dict[str, Floats]:
    """Every model's sums, (horizons, origins) each; horizons in steps, rising. Origins stand at or after the warm-up."""
    values = filled(grid.rates_8h)
    reach = np.array(steps)[:, None]
    out = {LAST: reach * values[origins], "mean_7d": reach * trailing_mean(values, grid.rows(7 * DAY_NS))[origins]}
    for days in (1, 2, 3):
        out[f"ewma_{days}d"] = reach * exponential_mean(values, grid.rows(DAY_NS) * days)[origins]
    at, window = refits(grid, REFIT_NS), grid.rows(WINDOW_NS)
    for name, shifts in (("ar1", False), ("ar1_shift", True)):
        fits = rolling_fits(grid.rates_8h, at, window, shifts=shifts)
        out[name] = _faded(values[origins], fits, fits.in_force(values.size)[origins], steps)
    level = exponential_mean(values, grid.rows(LEVEL_NS))
    phi = fits_about(values, level, at, window).persistence[fits.in_force(values.size)[origins]]
    out["ar1_level"] = np.array([h * level[origins] + (values - level)[origins] * fade(phi, h) for h in steps])
    out["premium_ar1"] = clamped_sums(rule, premium_path(premium, origins), steps)
    level = exponential_mean(premium.mean, grid.rows(LEVEL_NS))
    out["premium_level"] = clamped_sums(rule, premium_path(premium, origins, level), steps)
    out["regimes"] = clamped_sums(rule, regime_path(premium, origins), steps)
    return {name: grid.part * sums for name, sums in out.items()}


def trailing_mean(values: Floats, rows: int) -> Floats:
    """(n,) the mean of the last `rows` values, of fewer at the start."""
    total = np.concatenate([[0.0], values.cumsum()])
    end = np.arange(1, values.size + 1)
    start = np.maximum(end - rows, 0)
    out: Floats = (total[end] - total[start]) / (end - start)
    return out


def following(half_life: float) -> float:
    """The weight of the newest value in an exponential mean of that half-life, in rows."""
    return float(1.0 - 0.5 ** (1.0 / half_life))


def exponential_mean(values: Floats, half_life: float) -> Floats:
    """(n,) the exponential mean whose weights halve in `half_life` rows, started at the first value."""
    new = following(half_life)
    now, out = float(values[0]), []
    for value in values.tolist():
        now += new * (value - now)
        out.append(now)
    return np.array(out)


def fits_about(values: Floats, level: Floats, at: Integers, window: int) -> Fits:
    """AR(1)s of the departures from a level that follows, both taken from the level before: `persistence` and `noise` hold."""
    out = []
    off = values - level
    ahead = values[1:] - level[:-1]
    for row in at:
        first = max(int(row) + 1 - window, 1)
        before, after = off[first - 1 : row], ahead[first - 1 : row]
        square = max(float(before @ before), 1e-30)
        phi = min(max(float(before @ after) / square, -MOST_PERSISTENT), MOST_PERSISTENT)
        out.append((phi, float(np.std(after - phi * before)) + 1e-12))
    found = np.array(out)
    return Fits(at=at, level=np.zeros(at.size), persistence=found[:, 0], noise=found[:, 1])


def _faded(now: Floats, fits: Fits, force: Integers, steps: Sequence[int]) -> Floats:
    level, phi = fits.level[force], fits.persistence[force]
    return np.array([step * level + (now - level) * fade(phi, step) for step in steps])


def premium_path(premium: Premium, origins: Integers, follows: Floats | None = None) -> Iterator[tuple[Floats, Floats]]:
    """The premium's mean and variance (origins,) after one step, two, and so on; about `follows` (n,) where that is given."""
    fits = premium.fits if follows is None else premium.about_level
    force = fits.in_force(premium.mean.size)[origins]
    phi, noise = fits.persistence[force], fits.noise[force]
    level = fits.level[force] if follows is None else follows[origins]
    mean, variance = premium.mean[origins], premium.spread[origins, 0]
    while True:
        mean = level + phi * (mean - level)
        variance = phi * phi * variance + noise * noise
        yield mean, variance


def premium_laws(grid: Grid, premium: Premium, origins: Integers) -> Floats:
    """(5, origins) mean, variance, level, persistence and noise of the premium about the level that follows."""
    fits = premium.about_level
    force = fits.in_force(premium.mean.size)[origins]
    level = exponential_mean(premium.mean, grid.rows(LEVEL_NS))[origins]
    now = premium.mean[origins], premium.spread[origins, 0]
    return np.array([*now, level, fits.persistence[force], fits.noise[force]])


def regime_path(premium: Premium, origins: Integers) -> Iterator[tuple[Floats, Floats]]:
    """The same when it switches: a mixture of two, told by its mean and variance alone."""
    calm, wild, phi, calm_noise, wild_noise, stay_calm, stay_wild = premium.regimes.in_force(origins)
    crowded = premium.regimes.crowded[origins]
    mean, variance = premium.mean[origins], premium.spread[origins, 0]
    while True:
        crowded = crowded * stay_wild + (1.0 - crowded) * (1.0 - stay_calm)
        mean = phi * mean + calm + (wild - calm) * crowded
        apart = (wild - calm) ** 2 * crowded * (1.0 - crowded)
        variance = phi * phi * variance + calm_noise**2 + (wild_noise**2 - calm_noise**2) * crowded + apart
        yield mean, variance


def clamped_sums(rule: PremiumRule, path: Iterator[tuple[Floats, Floats]], steps: Sequence[int]) -> Floats:
    """(horizons, origins) sums of the rates expected of a premium whose mean and variance come step by step."""
    total: Floats | float = 0.0
    out = []
    for number, (mean, variance) in enumerate(path, 1):
        total = total + rule.expected_8h(mean, variance)
        if number in steps:
            out.append(total)
        if number == max(steps):
            break
    return np.array(out)
