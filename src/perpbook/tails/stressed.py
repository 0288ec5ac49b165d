"""The correlation matrix of bad times: of the market's worst rows and of named crises, blended with the usual one, valid.

Rows chosen by the market's fall have their correlations moved by the choice itself. So the matrix seen there is given beside
what Gaussian moves would show in the same rows, and the choice is undone (`implied`): the correlation that all rows would have
if they behaved as the worst do. That is what is blended, for a drill draws from whole distributions. All of it is of normal
scores: a fat tail of one series, or a wild month, is not dependence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from perpbook.errors import InputError
from perpbook.model.bars import Floats
from perpbook.tails.bootstrap import Resampling, against_null, draw_weights, estimate_of
from perpbook.tails.estimate import LEAST_POINTS, AgainstNull, Estimate, Side, insufficient
from perpbook.tails.moments import Rows, moments_of
from perpbook.tails.nearest import check_correlation_matrix, nearest_correlation, shrunk_correlation
from perpbook.tails.null import check_level
from perpbook.tails.returns import JointReturns, market_of, normal_scores

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A crisis: bars that end after `start_ns` and up to `end_ns`."""

    name: str
    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        if self.end_ns <= self.start_ns:
            raise InputError(f'the window "{self.name}" ends before it begins')


@dataclass(frozen=True, slots=True, kw_only=True)
class PairInStress:
    """One pair's correlation in the market's worst rows beside the Gaussian null there, and with the choice undone."""

    first: str
    second: str
    seen: AgainstNull
    implied: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class PairInWindow:
    """One pair's correlation in one crisis."""

    window: str
    first: str
    second: str
    correlation: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class StressedMatrix:
    """`stressed` = (1 - weight) x implied + weight x usual: positive semidefinite, ones on its diagonal; None where the
    tail has too few points, and `why` says so.

    `market` is whose worst `level` of rows it is. `usual` is shrunk by `shrinkage` (Ledoit and Wolf). `weight` is the
    mean half width of the implied correlations' intervals: what is not known is not believed.
    """

    names: tuple[str, ...]
    market: str
    level: float
    points: int
    usual: Matrix
    shrinkage: float
    implied: Matrix | None
    weight: float | None
    stressed: Matrix | None
    pairs: tuple[PairInStress, ...]
    windows: tuple[PairInWindow, ...]
    why: str = ""


def stressed_matrix(
    returns: JointReturns,
    resampling: Resampling,
    rng: np.random.Generator,
    *,
    level: float = 0.10,
    market: str | None = None,
    windows: Sequence[Window] = (),
) -> StressedMatrix:
    """The matrix in the market's worst `level` of rows; `market` is a series, or the mean of all when left out.

    Raises
    ------
    InputError : no such series, one that does not move, a level that is none, too few rows.
    """
    check_level(level)
    market_of(returns, market)
    scored = normal_scores(returns)
    usual, shrinkage = shrunk_correlation(scored.values)
    factor = market_of(scored, market)
    worst = np.flatnonzero(factor <= np.quantile(factor, level))
    pairs = list(combinations(range(len(returns.names)), 2))
    crises = [one for window in windows for one in _in_window(returns, window, resampling, rng)]
    if worst.size < LEAST_POINTS:
        return StressedMatrix(
            names=returns.names, market=market or "all", level=level, points=worst.size, usual=_plain(usual),
            shrinkage=shrinkage, implied=None, weight=None, stressed=None, pairs=(), windows=tuple(crises),
            why=insufficient(worst.size, level).why,
        )  # fmt: skip
    chunks = chain([np.ones((1, returns.rows))], draw_weights(returns.rows, resampling, rng))
    figures = [_matrices(scored.values, factor, worst, weights) for weights in chunks]
    seen, null, implied = (np.concatenate([one[k] for one in figures]) for k in range(3))
    told = tuple(
        PairInStress(
            first=returns.names[a],
            second=returns.names[b],
            seen=against_null((Side.LOWER, level), seen[:, a, b], null[:, a, b], worst.size, resampling),
            implied=estimate_of(float(implied[0, a, b]), implied[1:, a, b], worst.size, resampling, level=level),
        )
        for a, b in pairs
    )
    weight = weight_of([one.implied for one in told])
    blend = blended(implied[0], usual, weight, returns.names)
    return StressedMatrix(
        names=returns.names, market=market or "all", level=level, points=worst.size, usual=_plain(usual),
        shrinkage=shrinkage, implied=_plain(implied[0]), weight=weight, stressed=_plain(blend), pairs=told,
        windows=tuple(crises),
    )  # fmt: skip


def weight_of(estimates: Sequence[Estimate]) -> float:
    """Mean half width of intervals of correlations, 0 to 1; one that could not be told counts as knowing nothing."""
    widths = [0.5 * (one.high - one.low) if one.high is not None and one.low is not None else 1.0 for one in estimates]
    return min(1.0, max(0.0, float(np.mean(widths))))


def blended(tail: Floats, usual: Floats, weight: float, names: Sequence[str]) -> Floats:
    """(1 - weight) x tail + weight x usual, made valid if the tail's is not.

    Raises
    ------
    InputError : the matrices are not of these names, or a weight outside 0 to 1.
    """
    if not 0.0 <= weight <= 1.0:
        raise InputError(f"a weight lies between 0 and 1 (got {weight:g})")
    check_correlation_matrix(usual, names)
    out = nearest_correlation((1.0 - weight) * tail + weight * usual)
    check_correlation_matrix(out, names)
    return out


def _plain(matrix: Floats) -> Matrix:
    return tuple(tuple(float(value) for value in row) for row in matrix)


def _matrices(values: Floats, factor: Floats, worst: Rows, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """(seen in the worst rows, Gaussian null there, seen with the choice undone), (draws, A, A) each."""
    joint = np.vstack([values, factor])
    whole, tail = _covariances(joint, weights), _covariances(joint[:, worst], weights[:, worst])
    all_rows, worst_rows = whole[:, -1:, -1:], tail[:, -1:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        pull, tail_pull = whole[:, :-1, -1:] / all_rows, tail[:, :-1, -1:] / worst_rows
        null = whole[:, :-1, :-1] - pull * pull.swapaxes(1, 2) * (all_rows - worst_rows)
        implied = tail[:, :-1, :-1] + tail_pull * tail_pull.swapaxes(1, 2) * (all_rows - worst_rows)
        return _correlations(tail[:, :-1, :-1]), _correlations(null), _correlations(implied)


def _correlations(covariances: Floats) -> Floats:
    """(draws, A, A) of as many covariances."""
    spread = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
    out: Floats = covariances / (spread[:, :, None] * spread[:, None, :])
    return out


def _covariances(values: Floats, weights: Floats) -> Floats:
    """(draws, A, A) of series (A, n) for each row of weights (draws, n); nan for a draw without weight."""
    total = weights.sum(axis=1)
    total = np.where(total > 0.0, total, np.nan)[:, None]
    centred = values - values.mean(axis=1, keepdims=True)
    means = weights @ centred.T / total
    products = [weights @ (centred * one).T / total for one in centred]
    out: Floats = np.stack(products, axis=1) - means[:, :, None] * means[:, None, :]
    return out


def _in_window(
    returns: JointReturns, window: Window, resampling: Resampling, rng: np.random.Generator
) -> list[PairInWindow]:
    """Every pair's correlation in a crisis, resampled within it in blocks of at most a quarter of it."""
    inside = np.flatnonzero((returns.times_ns > window.start_ns) & (returns.times_ns <= window.end_ns))
    values = returns.values[:, inside]
    pairs = list(combinations(range(len(returns.names)), 2))
    if inside.size < LEAST_POINTS:
        return [_of_window(returns, window, pair, insufficient(inside.size)) for pair in pairs]
    block = max(1.0, min(resampling.mean_block, inside.size / 4.0))
    within = Resampling(mean_block=block, draws=resampling.draws, confidence=resampling.confidence)
    chunks = list(chain([np.ones((1, inside.size))], draw_weights(inside.size, within, rng)))
    out = []
    for a, b in pairs:
        found = np.concatenate([moments_of(values[a], values[b], weights).correlation for weights in chunks])
        out.append(_of_window(returns, window, (a, b), estimate_of(float(found[0]), found[1:], inside.size, within)))
    return out


def _of_window(returns: JointReturns, window: Window, pair: tuple[int, int], found: Estimate) -> PairInWindow:
    a, b = pair
    return PairInWindow(window=window.name, first=returns.names[a], second=returns.names[b], correlation=found)
