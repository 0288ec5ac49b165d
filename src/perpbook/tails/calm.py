"""Calm against stress: correlations in the market's quiet windows and in its wildest, and how they roll.

Rows are cut into windows of equal length; a window is calm when the market's volatility in it is below the median, and stress
when it is in the top tenth. Choosing windows so moves correlation by itself (Boyer, Gibson and Loretan 1999): each is held
against Gaussian moves of the same overall correlation, cut and chosen in the same way, simulated at length. Volatility that
rises for all alike moves no correlation and is no part of that null.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.model.units import DAY_NS
from perpbook.tails.bootstrap import Resampling, against_null, draw_weights, estimate_of
from perpbook.tails.estimate import AgainstNull, Estimate
from perpbook.tails.moments import Rows, moments_of
from perpbook.tails.returns import JointReturns, market_of

STRESS_SHARE, CALM_SHARE = 0.10, 0.50
LEAST_WINDOWS = 20
SIMULATED = 400_000
"""Rows of Gaussian moves that the null is read off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalmAndStress:
    """One pair's correlation in calm and in stress windows, each beside the Gaussian null of such windows.

    The `level` of each is its share of windows, the points are rows. `difference` is stress minus calm. `rolling` are the
    least, lower quartile, median, upper quartile and greatest correlation of a window.
    """

    first: str
    second: str
    calm: AgainstNull
    stress: AgainstNull
    difference: Estimate
    rolling: tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """All pairs, over `windows` windows of `rows` rows; `market` says whose volatility orders them."""

    market: str
    rows: int
    windows: int
    pairs: tuple[CalmAndStress, ...]


def usual_window(bar_ns: int) -> int:
    """Rows of a window: a day of bars shorter than a day, thirty daily ones; never fewer than 12."""
    return max(12, round(DAY_NS / bar_ns)) if bar_ns < DAY_NS else 30


def calm_and_stress(
    returns: JointReturns,
    resampling: Resampling,
    rng: np.random.Generator,
    *,
    rows: int | None = None,
    market: str | None = None,
) -> Rolling:
    """Compare every pair. rows : of a window, `usual_window` when left out. market : a series, or the mean of all.

    Raises
    ------
    InputError : fewer than twenty windows, no such series, too few rows.
    """
    width = rows if rows is not None else usual_window(returns.bar_ns)
    if width < 3:
        raise InputError(f"a window of {width} rows has no correlation: give 12 or more")
    count = returns.rows // width
    if count < LEAST_WINDOWS:
        raise InputError(
            f"{returns.rows} rows make {count} windows of {width}, and {LEAST_WINDOWS} are needed: give more history"
        )
    kept = count * width
    values, factor = returns.values[:, -kept:], market_of(returns, market)[-kept:]
    cut = _Cut(width=width, parts=calm_and_stress_rows(factor, width))
    pairs = list(combinations(range(len(returns.names)), 2))
    null = _null(returns, market, width, rng)
    gathered: dict[tuple[int, int], list[dict[str, Floats]]] = {pair: [] for pair in pairs}
    for weights in chain([np.ones((1, kept))], draw_weights(kept, resampling, rng)):
        for a, b in pairs:
            gathered[a, b].append(_figures((values[a], values[b]), cut.parts, weights))
    told = [
        _told(returns, pair, _with_null(_joined(found), null[pair]), resampling, cut)
        for pair, found in gathered.items()
    ]
    return Rolling(market=market or "all", rows=width, windows=count, pairs=tuple(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    width: int
    parts: dict[str, Rows]


def calm_and_stress_rows(factor: Floats, width: int) -> dict[str, Rows]:
    """Rows of "calm" and of "stress" windows of `width` rows, by the volatility of the market's moves (n,)."""
    volatility = factor.reshape(-1, width).std(axis=1)
    calm = volatility <= np.quantile(volatility, CALM_SHARE)
    stress = volatility > np.quantile(volatility, 1.0 - STRESS_SHARE)
    return {"calm": np.flatnonzero(np.repeat(calm, width)), "stress": np.flatnonzero(np.repeat(stress, width))}


def _figures(pair: tuple[Floats, Floats], parts: dict[str, Rows], weights: Floats) -> dict[str, Floats]:
    """Correlation of all rows and in each part."""
    x, y = pair
    out = {"all": moments_of(x, y, weights).correlation}
    for name, rows in parts.items():
        out[name] = moments_of(x[rows], y[rows], weights[:, rows]).correlation
    return out


def _null(
    returns: JointReturns, market: str | None, width: int, rng: np.random.Generator
) -> dict[tuple[int, int], dict[str, float]]:
    """What the choice of windows does to Gaussian moves of the same correlation: its shift from all rows, by part."""
    rows = SIMULATED // width * width
    root = np.linalg.cholesky(np.corrcoef(returns.values) + 1e-9 * np.eye(len(returns.names)))
    moves = replace(
        returns,
        values=root @ rng.standard_normal((len(returns.names), rows)),
        times_ns=np.arange(rows, dtype=np.int64),
    )
    parts = calm_and_stress_rows(market_of(moves, market), width)
    whole: Floats = np.asarray(np.corrcoef(moves.values))
    shifts = {name: np.asarray(np.corrcoef(moves.values[:, at])) - whole for name, at in parts.items()}
    pairs = combinations(range(len(returns.names)), 2)
    return {(a, b): {name: float(shift[a, b]) for name, shift in shifts.items()} for a, b in pairs}


def _with_null(draws: dict[str, Floats], shifts: dict[str, float]) -> dict[str, Floats]:
    return draws | {f"{name} null": draws["all"] + shift for name, shift in shifts.items()}


def _joined(chunks: list[dict[str, Floats]]) -> dict[str, Floats]:
    return {key: np.concatenate([one[key] for one in chunks]) for key in chunks[0]}


def _told(
    returns: JointReturns,
    pair: tuple[int, int],
    draws: dict[str, Floats],
    resampling: Resampling,
    cut: _Cut,
) -> CalmAndStress:
    a, b = pair
    apart = draws["stress"] - draws["calm"]
    sides = ((None, CALM_SHARE), (None, STRESS_SHARE))
    calm, stress = (
        against_null(side, draws[name], draws[f"{name} null"], cut.parts[name].size, resampling)
        for side, name in zip(sides, ("calm", "stress"), strict=True)
    )
    return CalmAndStress(
        first=returns.names[a],
        second=returns.names[b],
        calm=calm,
        stress=stress,
        difference=estimate_of(float(apart[0]), apart[1:], cut.parts["stress"].size, resampling, level=STRESS_SHARE),
        rolling=_rolling(returns.values[[a, b]], cut.width),
    )


def _rolling(values: Floats, width: int) -> tuple[float, float, float, float, float]:
    """Spread of the windows' own correlations."""
    count = values.shape[1] // width
    x, y = values[:, -count * width :].reshape(2, count, width)
    x, y = (one - one.mean(axis=1, keepdims=True) for one in (x, y))
    power = (x * x).sum(axis=1) * (y * y).sum(axis=1)
    moving = power > 0.0
    found = (x * y).sum(axis=1)[moving] / np.sqrt(power[moving])
    least, lower, middle, upper, most = (float(value) for value in np.quantile(found, [0.0, 0.25, 0.5, 0.75, 1.0]))
    return least, lower, middle, upper, most
