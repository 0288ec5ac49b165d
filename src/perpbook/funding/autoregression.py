"""AR(1): how fast a departure from the usual rate fades, what the coming rates add up to, and how surely.

Notation: f_t = mu + phi (f_{t-1} - mu) + sigma e_t, e standard normal; h steps ahead,

    E f_h = mu + phi^h (f_0 - mu)               var f_h = sigma^2 (1 - phi^2h) / (1 - phi^2)
    E sum = h mu + (f_0 - mu) phi (1 - phi^h) / (1 - phi)
    var sum = sigma^2 sum_j ((1 - phi^j) / (1 - phi))^2, j = 1..h
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

from perpbook.kernels.types import Floats, Integers

MOST_PERSISTENT = 0.999
BREAK_STATISTIC = 9.84
"""The largest of the Wald statistics for one shift of the level, anywhere but the outer 5 % of the window, that chance makes
once in twenty times (Andrews, Econometrica 61 (1993), table 1)."""

TRIM = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRegression:
    """`level` mu, `persistence` phi in (-1, 1), `noise` sigma >= 0; one step is the interval of the rates."""

    level: float
    persistence: float
    noise: float

    def mean(self, start: float, steps: int) -> float:
        """The rate expected after some steps."""
        return self.level + self.persistence**steps * (start - self.level)

    def deviation(self, steps: int) -> float:
        """Standard deviation of the rate after some steps."""
        phi = self.persistence
        return self.noise * math.sqrt((1.0 - phi ** (2 * steps)) / (1.0 - phi * phi))

    def chance_negative(self, start: float, steps: int) -> float:
        """The chance that the rate is below 0 after some steps."""
        return float(ndtr(-self.mean(start, steps) / self.deviation(steps)))

    def sum_mean(self, start: float, steps: int) -> float:
        """The sum of the next rates that is expected."""
        return float(fade(self.persistence, steps) * (start - self.level) + steps * self.level)

    def sum_deviation(self, steps: int) -> float:
        """Standard deviation of the sum of the next rates."""
        phi = self.persistence
        reach = (1.0 - phi ** np.arange(1, steps + 1)) / (1.0 - phi)
        return self.noise * math.sqrt(float(reach @ reach))

    def half_life(self) -> float | None:
        """Steps until half of a departure is gone; None when it does not fade step by step (phi <= 0)."""
        return math.log(0.5) / math.log(self.persistence) if self.persistence > 0.0 else None


def fade(persistence: float | Floats, steps: int) -> float | Floats:
    """What a departure of 1 adds to the sum of the next `steps` rates: phi (1 - phi^h) / (1 - phi)."""
    return persistence * (1.0 - persistence**steps) / (1.0 - persistence)


def unbiased(persistence: Floats, pairs: Floats) -> Floats:
    """Least squares' phi with Kendall's correction, phi + (1 + 3 phi) / n, kept where departures fade.

    Source: Kendall, Biometrika 41 (1954).
    """
    return np.clip(persistence + (1.0 + 3.0 * persistence) / np.maximum(pairs, 1.0), -MOST_PERSISTENT, MOST_PERSISTENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """AR(1)s fitted at rows `at` (m,) to what came before: `level`, `persistence`, `noise` (m,)."""

    at: Integers
    level: Floats
    persistence: Floats
    noise: Floats

    def in_force(self, rows: int) -> Integers:
        """(rows,) the latest fit at or before each row; the first where there is none yet."""
        return np.maximum(np.searchsorted(self.at, np.arange(rows), side="right") - 1, 0)


def rolling_fits(
    values: Floats, at: Integers, window: int, *, spread: Floats | None = None, shifts: bool = False
) -> Fits:
    """AR(1)s by least squares over the `window` rows up to each row of `at`, bias corrected.

    values : (n,), NaN where none.  spread : (n, 2) variance of each value and covariance with the one before, where values
    are themselves estimates.  shifts : let the level have moved once in the window; it is then that since the move.
    """
    x, y, ok = _pairs(values, at, window)
    pairs = np.maximum(ok.sum(axis=1), 1.0)
    x_mean, y_mean = x.sum(axis=1) / pairs, y.sum(axis=1) / pairs
    dx, dy = (x - x_mean[:, None]) * ok, (y - y_mean[:, None]) * ok
    more_xx = more_xy = more_yy = np.zeros(at.size)
    if spread is not None:
        variance_x, variance_y, _ = _pairs(spread[:, 0], at, window)
        _, covariance, _ = _pairs(spread[:, 1], at, window)
        more_xx, more_yy, more_xy = variance_x.sum(axis=1), variance_y.sum(axis=1), covariance.sum(axis=1)
    sxx = np.maximum((dx * dx).sum(axis=1) + more_xx, 1e-30)
    phi = ((dx * dy).sum(axis=1) + more_xy) / sxx
    level = y_mean
    if shifts:
        place, found = _break_at(dx, dy - phi[:, None] * dx, ok, sxx)
        late = np.arange(ok.shape[1])[None, :] >= np.where(found, place, 0)[:, None]
        level, dx, dy = _about_two_levels(x, y, ok, late)
        sxx = np.maximum((dx * dx).sum(axis=1) + more_xx, 1e-30)
        phi = ((dx * dy).sum(axis=1) + more_xy) / sxx
    left = dy - phi[:, None] * dx
    noise = (left * left).sum(axis=1) + more_yy - 2.0 * phi * more_xy + phi * phi * more_xx
    return Fits(
        at=at, level=level, persistence=unbiased(phi, pairs),
        noise=np.sqrt(np.maximum(noise, 0.0) / np.maximum(pairs - 2.0, 1.0)) + 1e-12,
    )  # fmt: skip


def _pairs(values: Floats, at: Integers, window: int) -> tuple[Floats, Floats, Floats]:
    """Predecessors, values and 1 where both are known, (m, window - 1) each; 0 where not."""
    padded = np.concatenate([np.full(window - 1, np.nan), values])
    rows = sliding_window_view(padded, window)[at]
    ok = np.isfinite(rows[:, :-1]) & np.isfinite(rows[:, 1:])
    return np.where(ok, rows[:, :-1], 0.0), np.where(ok, rows[:, 1:], 0.0), ok.astype(np.float64)


def _break_at(dx: Floats, left: Floats, ok: Floats, sxx: Floats) -> tuple[Integers, np.ndarray]:
    """Where in each window (m,) the level most likely moved, and whether that is more than chance.

    With D the dummy of what is late, its coefficient beside (1, x) is D'e / D'MD, e least squares' residuals; all D'e and
    D'MD of a window are sums from the end.
    """
    pairs = np.maximum(ok.sum(axis=1), 3.0)
    late, late_x, late_left = (_from_end(part) for part in (ok, dx, left))
    room = late - late * late / pairs[:, None] - late_x * late_x / sxx[:, None]
    variance = np.maximum((left * left).sum(axis=1) / (pairs - 2.0), 1e-30)
    inner = (late >= TRIM * pairs[:, None]) & (late <= (1.0 - TRIM) * pairs[:, None]) & (room > 1e-9)
    wald = np.where(inner, late_left**2 / np.where(room > 1e-9, room, 1.0) / variance[:, None], 0.0)
    place = np.argmax(wald, axis=1)
    return place, wald[np.arange(place.size), place] > BREAK_STATISTIC


def _from_end(values: Floats) -> Floats:
    out: Floats = values[:, ::-1].cumsum(axis=1)[:, ::-1]
    return out


def _about_two_levels(x: Floats, y: Floats, ok: Floats, late: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """The level of the late part (m,), and x and y less the mean of their own part."""
    dx, dy, levels = np.zeros_like(x), np.zeros_like(y), []
    for part in (late * ok, ~late * ok):
        count = np.maximum(part.sum(axis=1), 1.0)
        level_x, level_y = (x * part).sum(axis=1) / count, (y * part).sum(axis=1) / count
        dx += (x - level_x[:, None]) * part
        dy += (y - level_y[:, None]) * part
        levels.append(level_y)
    return levels[0], dx, dy
