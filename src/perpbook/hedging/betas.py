"""Betas four ways, side by side: all rows alike, recent rows first, robust, and where the factor falls hardest.

Each has the interval of the same resamples of rows, so what a book is worth in units of a factor has one too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.model.units import DAY_NS
from perpbook.tails.bootstrap import Resampling, draw_weights, estimate_of
from perpbook.tails.estimate import Estimate
from perpbook.tails.moments import moments_of, pair_of
from perpbook.tails.null import check_level
from perpbook.tails.returns import DAILY_MEMORY, HOURLY_MEMORY, JointReturns

MARKET = "market"
"""The factor that is the mean move of all series."""

OLS = "ols"
METHODS = (OLS, "ewma", "robust", "tail")

NONE = "none"
"""In place of a method: no asset stands for another."""

ESTIMATORS = (*METHODS, NONE)

WORST = 0.10
"""The share of rows, those in which the factor falls hardest, that the tail's betas are of."""

HUBER = 1.345
"""Robust standard deviations beyond which a row pulls no harder: 95 % as efficient as least squares on Gaussian rows."""

REWEIGHTINGS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """One asset's beta to one factor by the four methods (`METHODS`); `tail` where the factor is in its worst `level`."""

    asset: str
    factor: str
    ols: Estimate
    ewma: Estimate
    robust: Estimate
    tail: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NetDelta:
    """A book in dollars of one factor by the four methods: every exposure times its beta, summed. > 0 long. `hedged` : with
    the hedge in it."""

    factor: str
    hedged: bool
    ols: Estimate
    ewma: Estimate
    robust: Estimate
    tail: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """Betas by asset and factor, and the book's net delta in each factor, without the hedge and with it where there is one."""

    betas: tuple[Beta, ...]
    nets: tuple[NetDelta, ...]


def weighted_deltas(
    returns: JointReturns,
    exposures: Mapping[str, float],
    factors: Sequence[str],
    resampling: Resampling,
    rng: np.random.Generator,
    *,
    hedged: Mapping[str, float] | None = None,
    level: float = WORST,
) -> Weighted:
    """Betas of every asset held to every factor (a series, or `MARKET`), and the book weighted by them. hedged : dollars by
    asset with the hedge.

    Raises
    ------
    InputError : no such series, or a level that is none.
    """
    check_level(level)
    books = [exposures] if hedged is None else [exposures, hedged]
    held = [name for name in returns.names if any(one.get(name, 0.0) != 0.0 for one in books)]
    memory = _memory(returns)
    drawn = _slopes(
        returns, held, factors, chain([np.ones((1, returns.rows))], draw_weights(returns.rows, resampling, rng)), level
    )
    points = dict.fromkeys(METHODS, returns.rows)
    points |= {"ewma": round((1.0 + memory) / (1.0 - memory)), "tail": int(level * returns.rows)}

    def told(values: Floats, method: str) -> Estimate:
        at = level if method == "tail" else None
        return estimate_of(float(values[0]), values[1:], points[method], resampling, level=at)

    def net(book: Mapping[str, float], factor: str, method: str) -> Floats:
        return np.asarray(sum(book.get(name, 0.0) * drawn[name, factor, method] for name in held))

    return Weighted(
        betas=tuple(
            Beta(asset=name, factor=factor, **{one: told(drawn[name, factor, one], one) for one in METHODS})
            for name in held
            for factor in factors
        ),
        nets=tuple(
            NetDelta(
                factor=factor, hedged=book is hedged, **{one: told(net(book, factor, one), one) for one in METHODS}
            )
            for book in books
            for factor in factors
            if held
        ),
    )


def _slopes(
    returns: JointReturns, held: Sequence[str], factors: Sequence[str], resamples: Iterable[Floats], level: float
) -> dict[tuple[str, str, str], Floats]:
    """(1 + draws,) slopes by asset, factor and method: of the rows themselves first, then of each resample."""
    series = {factor: _factor(returns, factor) for factor in factors}
    parts: dict[tuple[str, str, str], list[Floats]] = {}
    for weights in resamples:
        for (factor, x), name, method in product(series.items(), held, METHODS):
            slopes = slopes_by(method, returns, x, name, weights, level=level)
            parts.setdefault((name, factor, method), []).append(slopes)
    return {key: np.concatenate(many) for key, many in parts.items()}


def slopes_by(
    method: str, returns: JointReturns, x: Floats, name: str, weights: Floats, *, level: float = WORST
) -> Floats:
    """(draws,) slopes of an asset's moves on a factor's x (n,) by one method, for each row of weights (draws, n)."""
    y = returns.values[returns.index(name)]
    if method == "ewma":
        return moments_of(
            x, y, weights * _memory(returns) ** np.arange(returns.rows - 1, -1, -1, dtype=np.float64)
        ).slope
    if method == "robust":
        return robust_slope(x, y, weights)
    if method == "tail":
        rows = np.flatnonzero(x <= np.quantile(x, level))
        return moments_of(x[rows], y[rows], weights[:, rows]).slope
    return moments_of(x, y, weights).slope


def _memory(returns: JointReturns) -> float:
    return DAILY_MEMORY if returns.bar_ns >= DAY_NS else HOURLY_MEMORY


def _factor(returns: JointReturns, factor: str) -> Floats:
    out: Floats = returns.values.mean(axis=0) if factor == MARKET else returns.values[returns.index(factor)]
    if not out.std() > 0.0:
        raise InputError(f"{factor} does not move: nothing has a beta to it")
    return out


def robust_slope(x: Floats, y: Floats, weights: Floats) -> Floats:
    """(draws,) Huber's slope of y on x for each row of weights (draws, n), by reweighted least squares; the scale of the
    residuals is that of all rows (their median absolute deviation), held."""
    pair = pair_of(x, y)
    first = pair.moments(np.ones((1, x.size)))
    rest = y - float(first.slope[0]) * x
    scale = float(np.median(np.abs(rest - np.median(rest)))) / 0.6745
    found = pair.moments(weights)
    if not scale > 0.0:
        return found.slope
    for _ in range(REWEIGHTINGS):
        slope = found.slope[:, None]
        away = np.abs(y - found.mean_y[:, None] - slope * (x - found.mean_x[:, None])) / (HUBER * scale)
        found = pair.moments(weights / np.maximum(away, 1.0))
    return found.slope
