"""Filtered historical simulation: joint residuals of the past, at volatility that follows its own law.

Barone-Adesi, Giannopoulos and Vosper 1999. The law is GJR-GARCH fitted to each price (`garch`), or, without a fit, an
exponential weighting that is drawn back to its long run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.paths import FILTERED, Source
from perpbook.kernels.types import Floats
from perpbook.model.bars import Bars
from perpbook.scenario.sources import default_block, empty_source, pool_of, rows_together

PERSISTENCE, BACK = 0.97, 0.01
"""Of the exponential weighting, a bar (RiskMetrics 1996), and its pull to the long-run level, a bar."""

MOST_VARIANCE = 4.0
"""Variance along a path stays below so many times the highest of the past: twice its volatility."""

Law = tuple[float, float, float, float]
"""omega, alpha, leverage, beta of a variance recursion, omega in squared moves."""


def weighted_law(moves: Floats, persistence: float = PERSISTENCE) -> Law:
    """The exponential weighting of moves (n,).

    Raises
    ------
    InputError : a persistence outside 0.5 to 1.
    """
    if not 0.5 < persistence < 1.0:
        raise InputError(f"a persistence of {persistence:g} does not do: choose one between 0.5 and 1")
    return BACK * float(moves.var()), (1 - BACK) * (1 - persistence), 0.0, (1 - BACK) * persistence


def drawn_back(law: Law, moves: Floats) -> Law:
    """A law without a long run (alpha + leverage / 2 + beta of 1 or more) that is drawn back to the past's variance, as the
    exponential weighting is: `BACK` of the way a bar."""
    _, alpha, leverage, beta = law
    shrink = (1 - BACK) / (alpha + 0.5 * leverage + beta)
    return BACK * float(moves.var()), shrink * alpha, shrink * leverage, shrink * beta


def moves_of(bars: Bars) -> Floats:
    """(C, n) log moves of joint rows, without their means."""
    moves = np.log(pool_of(bars)[:, :, 0])
    out: Floats = moves - moves.mean(axis=1, keepdims=True)
    return out


def filtered_source(bars: Bars, *, mean_block: float | None = None, laws: Sequence[Law] | None = None) -> Source:
    """Blocks of joint residuals; each price's variance starts where the past left it and follows its law (by default the
    exponential weighting), never above `MOST_VARIANCE` times the highest of the past.

    Raises
    ------
    InputError : too little history, or a block that does not do.
    """
    pool, moves = pool_of(bars), moves_of(bars)
    given = laws if laws is not None else [weighted_law(row) for row in moves]
    recursion = np.array([filter_row(row, pool[at], given[at]) for at, row in enumerate(moves)])
    rows = pool.shape[1]
    block = mean_block if mean_block is not None else default_block(rows, bars.bar_ns)
    if not 1.0 <= block <= rows:
        raise InputError(f"a mean block of {block:g} bars does not do: choose one from 1 to {rows}")
    return empty_source(moves.shape[0])._replace(
        kind=FILTERED, pool=rows_together(pool), restart=1.0 / block, recursion=recursion, bridge=moves.std(axis=1)
    )


def filter_row(moves: Floats, pool: Floats, law: Law) -> Floats:
    """Put one series' residuals of mean 0 and variance 1 in its pool; gives its recursion, the variance now, and its cap."""
    omega, alpha, leverage, beta = law
    variance = np.empty(moves.size + 1)
    variance[0] = moves.var()
    for t, move in enumerate(moves):
        variance[t + 1] = omega + (alpha + leverage * (move < 0)) * move * move + beta * variance[t]
    residual = moves / np.sqrt(variance[:-1])
    residual -= residual.mean()
    pool[:, 0] = residual / residual.std()
    return np.array([omega, alpha, leverage, beta, variance[-1], MOST_VARIANCE * variance.max()])
