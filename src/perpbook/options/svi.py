"""One expiry's smile as five numbers (Gatheral's raw SVI), fitted so that it allows no arbitrage.

w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)) is total variance (volatility squared times years) at k = ln(K/F). No
butterfly costs less than nothing where g(k) >= 0 (Gatheral and Jacquier 2014); no calendar spread does where w never falls with
time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.types import Floats

WIDEST_K = 3.0
"""Arbitrage is looked for from ln(K/F) = -3 to 3, strikes from a twentieth to twenty times the forward."""

GRID: Floats = np.unique(np.concatenate([np.linspace(-WIDEST_K, WIDEST_K, 61), np.linspace(-0.6, 0.6, 61)]))

DEVIATIONS: Floats = np.linspace(-6.0, 6.0, 61)
"""And by fifths from six deviations below the forward to six above: the smile of a short expiry turns within a step of `GRID`."""

ROOM = 1e-3
"""How far inside the bounds a fit is asked to stay, so that what is left of a soft bound is still inside."""

FORCES = (30.0, 1_000.0)
"""The penalties' weights, one after the other: the bounds must not decide where a fit begins."""

MOST_STEPS = 60

STEEPEST = 2.0
"""A wing's slope in total variance is at most this (Lee 2004)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Svi:
    """The five numbers; b, sigma >= 0, |rho| < 1."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    def variance(self, k: Floats) -> Floats:
        """w(k)."""
        out: Floats = svi_variance(np.array([self.a, self.b, self.rho, self.m, self.sigma]), k)
        return out

    def butterfly(self, k: Floats) -> Floats:
        """g(k): the sign of the density of the price at expiry."""
        return butterfly_of(np.array([self.a, self.b, self.rho, self.m, self.sigma]), k)


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """What a smile is fitted to: k (n,), total variance (n,), weight (n,) of an error in volatility, and the years."""

    k: Floats
    variance: Floats
    weight: Floats
    years: float


def svi_variance(numbers: Floats, k: Floats) -> Floats:
    """w(k); numbers (5, ...) broadcast against k."""
    a, b, rho, m, sigma = numbers
    out: Floats = a + b * (rho * (k - m) + np.sqrt((k - m) ** 2 + sigma**2))
    return out


def butterfly_of(numbers: Floats, k: Floats) -> Floats:
    """g(k) = (1 - k w'/2w)^2 - w'^2/4 (1/w + 1/4) + w''/2."""
    a, b, rho, m, sigma = numbers
    root = np.sqrt((k - m) ** 2 + sigma**2)
    w = np.maximum(a + b * (rho * (k - m) + root), 1e-12)
    slope, bend = b * (rho + (k - m) / root), b * sigma**2 / root**3
    out: Floats = (1.0 - 0.5 * k * slope / w) ** 2 - 0.25 * slope**2 * (1.0 / w + 0.25) + 0.5 * bend
    return out


def fit_svi(points: Points, floor: Callable[[Floats], Floats] | None = None) -> Svi:
    """The smile nearest to the points, in weighted volatility, without butterflies and nowhere under `floor` (the expiry before).

    Bounds are penalties that grow until they hold; `arbitrage_of` says what is left.
    """
    grid = grid_of(float(np.interp(0.0, points.k, points.variance)), *(floor(np.zeros(1)) if floor else ()))
    wanted = _Wanted(points, grid, floor(grid) if floor else np.zeros(grid.size))
    tried = [wanted.nearest(start, 1.0) for start in _starts(points)]
    x = min(tried, key=lambda found: float((wanted.misses(found, 1.0) ** 2).sum()))
    for force in FORCES:
        x = wanted.nearest(x, force)
    a, b, rho, m, sigma = (float(one) for one in x)
    return Svi(a=a, b=b, rho=rho, m=m, sigma=sigma)


def grid_of(*variances: float) -> Floats:
    """k at which arbitrage is looked for: `GRID`, and `DEVIATIONS` of total variances at the money."""
    finer = [np.sqrt(max(float(one), 0.0)) * DEVIATIONS for one in variances]
    every = np.unique(np.concatenate([GRID, *finer]))
    out: Floats = every[np.abs(every) <= WIDEST_K]
    return out


class _Wanted:
    """What a fit is held to, as misses to be squared: at the points, of butterflies, of the expiry before, of the wings."""

    def __init__(self, points: Points, grid: Floats, least: Floats) -> None:
        self.points, self.grid = points, grid
        self.least = least * (1.0 + ROOM) + 1e-9
        self.per_variance = np.sqrt(points.weight) / (2.0 * np.sqrt(points.variance * points.years))
        nearby = np.maximum(np.interp(grid, points.k, points.variance), 1e-8)
        self.inside = 1.0 / (2.0 * np.sqrt(nearby * points.years))
        self.low, self.high = _bounds(points)

    def misses(self, x: Floats, force: float) -> Floats:
        """(n,), or (n, m) for x (5, m)."""
        numbers = x.reshape(5, -1, 1)
        w = svi_variance(numbers, self.grid)
        hard = force / self.grid.size**0.5
        out: Floats = np.concatenate(
            [
                self.per_variance * (svi_variance(numbers, self.points.k) - self.points.variance),
                hard * np.maximum(ROOM - butterfly_of(numbers, self.grid), 0.0),
                hard * self.inside * np.maximum(self.least - w, 0.0),
                force * np.maximum(numbers[1] * (1.0 + np.abs(numbers[2])) - STEEPEST, 0.0),
            ],
            axis=1,
        ).T
        return out[:, 0] if x.ndim == 1 else out

    def slopes(self, x: Floats, force: float) -> Floats:
        """(n, 5) by steps to both sides."""
        step = 1e-6 * np.maximum(np.abs(x), 1e-3)
        both = self.misses(np.concatenate([x[:, None] + np.diag(step), x[:, None] - np.diag(step)], axis=1), force)
        out: Floats = (both[:, :5] - both[:, 5:]) / (2.0 * step)
        return out

    def nearest(self, start: Floats, force: float) -> Floats:
        """The five numbers that miss least, from a start."""
        from scipy.optimize import least_squares

        found: Floats = least_squares(
            self.misses, np.clip(start, self.low + 1e-9, self.high - 1e-9), self.slopes, (self.low, self.high),
            x_scale="jac", args=(force,), max_nfev=MOST_STEPS,
        ).x  # fmt: skip
        return found


def _bounds(points: Points) -> tuple[Floats, Floats]:
    top, wide = float(points.variance.max()), max(float(np.ptp(points.k)), 0.05)
    low = np.array([-10.0 * top, 0.0, -0.999, float(points.k.min()) - wide, 1e-3 * wide])
    return low, np.array([top, STEEPEST, 0.999, float(points.k.max()) + wide, 5.0 * wide])


def _starts(points: Points) -> list[Floats]:
    """A smile with its bottom where the lowest point is, and one at the money, both with the slopes of the outer points."""
    k, w = points.k, points.variance
    bottom, wide = float(k[np.argmin(w)]), max(float(np.ptp(k)), 0.05)
    left = max(float(w[0] - w.min()) / max(bottom - float(k[0]), 0.1 * wide), 1e-4)
    right = max(float(w[-1] - w.min()) / max(float(k[-1]) - bottom, 0.1 * wide), 1e-4)
    b, rho = 0.5 * (left + right), (right - left) / (left + right)
    lowest = float(w.min())
    return [
        np.array([0.5 * lowest, b, rho, bottom, 0.2 * wide]),
        np.array([0.9 * lowest, b, 0.0, 0.0, 0.05 * wide]),
    ]


def arbitrage_of(smile: Svi, before: Callable[[Floats], Floats] | None) -> tuple[float, float]:
    """The least g(k), and the least of w less that of the expiry before relative to it (inf without one): both >= 0 for none."""
    still = np.zeros(1)
    grid = grid_of(smile.variance(still)[0], *(before(still) if before else ()))
    butterfly = float(smile.butterfly(grid).min())
    if before is None:
        return butterfly, np.inf
    least = before(grid)
    return butterfly, float(((smile.variance(grid) - least) / least).min())
