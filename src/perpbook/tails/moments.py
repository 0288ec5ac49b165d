"""Correlations and slopes of weighted rows, and of those rows that lie in a tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpbook.model.bars import Floats

Rows = NDArray[np.intp]
"""Numbers of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Of two series per draw (draws,): summed weight, means, variances, covariance."""

    weight: Floats
    mean_x: Floats
    mean_y: Floats
    variance_x: Floats
    variance_y: Floats
    covariance: Floats

    @property
    def correlation(self) -> Floats:
        """Pearson's; nan where a series does not move."""
        spread = self.variance_x * self.variance_y
        out = np.full(spread.shape, np.nan)
        np.divide(self.covariance, np.sqrt(np.maximum(spread, 0.0)), out=out, where=spread > 0.0)
        return out

    @property
    def slope(self) -> Floats:
        """Of y on x, by least squares."""
        out = np.full(self.weight.shape, np.nan)
        np.divide(self.covariance, self.variance_x, out=out, where=self.variance_x > 0.0)
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two series about their means, (n, 6): 1, x, y, and their squares and product."""

    centres: tuple[float, float]
    columns: Floats

    def moments(self, weights: Floats) -> Moments:
        """For each row of weights (draws, n). Draws without weight have no moments (nan)."""
        sums = weights @ self.columns
        weight = sums[:, :1]
        means = np.full((len(sums), 5), np.nan)
        np.divide(sums[:, 1:], weight, out=means, where=weight > 0.0)
        mean_x, mean_y, square_x, square_y, product = means.T
        return Moments(
            weight=weight[:, 0],
            mean_x=self.centres[0] + mean_x,
            mean_y=self.centres[1] + mean_y,
            variance_x=np.maximum(square_x - mean_x * mean_x, 0.0),
            variance_y=np.maximum(square_y - mean_y * mean_y, 0.0),
            covariance=product - mean_x * mean_y,
        )


def pair_of(x: Floats, y: Floats) -> Pair:
    """Of series (n,)."""
    centre_x, centre_y = (float(one.mean()) if one.size else 0.0 for one in (x, y))
    u, v = x - centre_x, y - centre_y
    columns = np.stack([np.ones(x.size), u, v, u * u, v * v, u * v], axis=1)
    return Pair(centres=(centre_x, centre_y), columns=columns)


def moments_of(x: Floats, y: Floats, weights: Floats) -> Moments:
    """Of series (n,) for each row of weights (draws, n): see `Pair.moments`."""
    return pair_of(x, y).moments(weights)
