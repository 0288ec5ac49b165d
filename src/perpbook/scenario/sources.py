"""Where imagined paths come from: the past in blocks, or a law fitted to it. Each builder gives a `kernels.paths.Source`.

Moves are log returns per step of the history's own bars. Drift is taken out unless asked for: a drill asks what may kill the
book, not what it will earn.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.paths import BOOTSTRAP, CLOSE, COPULA, NORMAL, REPLAY, STUDENT, Jumps, Source
from perpbook.kernels.types import Floats
from perpbook.model.bars import Bars
from perpbook.model.units import HOUR_NS

LEAST_ROWS = 100
"""Fewer bars than this say nothing of a tail."""

STALE_SHARE = 0.05
"""More bars without a price than this, and a series is no witness."""

QUANTILES = 2_001
"""Points of a price's own distribution in a copula."""

NO_JUMPS = Jumps(0.0, 0.0, 0.0, np.zeros(0), np.zeros(0), np.zeros(0))


def empty_source(columns: int) -> Source:
    """A source of nothing, to be filled."""
    return Source(
        kind=NORMAL, pool=np.zeros((0, 0, 4)), restart=1.0, drift=np.zeros(columns), root=np.zeros((0, 0)), nu=0.0,
        table=np.zeros((0, 0)), recursion=np.zeros((0, 6)), given=np.zeros((0, 0, 0)), funding=np.zeros(columns),
        bridge=np.zeros(columns), jumps=NO_JUMPS,
    )  # fmt: skip


def bootstrap_source(bars: Bars, *, mean_block: float | None = None, keep_drift: bool = False) -> Source:
    """Blocks of joint rows of the past, of random length (stationary bootstrap, Politis and Romano 1994).

    mean_block : bars of a block on average; n^(1/3), and a day at least, when left out.

    Raises
    ------
    InputError : too little history, or a series with too many holes.
    """
    pool = pool_of(bars)
    rows = pool.shape[1]
    block = mean_block if mean_block is not None else default_block(rows, bars.bar_ns)
    if not 1.0 <= block <= rows:
        raise InputError(f"a mean block of {block:g} bars does not do: choose one from 1 to {rows}")
    drift = np.zeros(len(bars.series)) if keep_drift else -np.log(pool[:, :, 0]).mean(axis=1)
    return empty_source(len(bars.series))._replace(
        kind=BOOTSTRAP, pool=rows_together(pool), restart=1.0 / block, drift=drift
    )  # fmt: skip


def default_block(rows: int, bar_ns: int) -> float:
    """Mean block: n^(1/3) bars, a day at least."""
    return float(min(rows, max(rows ** (1 / 3), 24 * HOUR_NS / bar_ns)))


def pool_of(bars: Bars) -> Floats:
    """(C, n, 4) close, high and low over the close before, and funding per hour; rows in which any series has no bar are
    left out."""
    share = bars.stale.mean(axis=1)
    for key, holes in zip(bars.series, share, strict=True):
        if holes > STALE_SHARE:
            raise InputError(
                f"{key.symbol} on {key.venue} has no bar in {holes:.0%} of the history: choose other dates, or a proxy"
            )
    fresh = ~((bars.stale[:, 1:] != 0) | (bars.stale[:, :-1] != 0)).any(axis=0)
    if fresh.sum() < LEAST_ROWS:
        raise InputError(
            f"paths have {int(fresh.sum())} joint bars of history to draw from and need {LEAST_ROWS}: give a longer history, "
            "and years for tails"
        )
    before = bars.close[:, :-1]
    parts = [
        bars.close[:, 1:] / before,
        bars.high[:, 1:] / before,
        bars.low[:, 1:] / before,
        hourly_funding(bars)[:, 1:],
    ]
    out: Floats = np.ascontiguousarray(np.stack(parts, axis=2)[:, fresh])
    return out


def rows_together(pool: Floats) -> Floats:
    """A pool (C, n, 4) as paths are drawn from it: (n, C, 4)."""
    out: Floats = np.ascontiguousarray(pool.transpose(1, 0, 2))
    return out


def hourly_funding(bars: Bars) -> Floats:
    """(C, B) the last rate settled by each bar's end, per hour; 0 before the first."""
    out = np.zeros(bars.close.shape)
    ends = bars.open_ns + bars.bar_ns
    for row, one in enumerate(bars.settlements):
        if one.times_ns.size:
            last = np.searchsorted(one.times_ns, ends, side="left") - 1
            per_hour = one.rates * HOUR_NS / one.interval_ns
            out[row] = np.where(last >= 0, per_hour[np.maximum(last, 0)], 0.0)
    return out


def replay_source(close: Floats, high: Floats, low: Floats, funding: Floats) -> Source:
    """One path gone through as it was: (C, T) multiples of the price before it, and funding per hour."""
    before = np.concatenate([np.ones((close.shape[0], 1)), close[:, :-1]], axis=1)
    pool = np.stack([close / before, high / before, low / before, funding], axis=2)
    return empty_source(close.shape[0])._replace(kind=REPLAY, pool=rows_together(pool))


def still_source(funding: Floats) -> Source:
    """Prices that stand still: what happens is the storm's alone. funding : (C,) per hour."""
    one = np.ones((funding.size, 1))
    return replay_source(one, one, one, funding[:, None])


def normal_source(
    volatility: Floats, correlation: Floats, *, funding: Floats | None = None, drift: Floats | None = None
) -> Source:
    """Correlated geometric Brownian motions. volatility : (C,) of a step's log move. drift : (C,) of the log move, by
    default the one at which the price stays what it is on average. Extremes inside a step are a Brownian bridge's."""
    root = root_of(correlation, volatility)
    mean = drift if drift is not None else -0.5 * volatility**2
    paid = funding if funding is not None else np.zeros(volatility.size)
    return empty_source(volatility.size)._replace(root=root, drift=mean, bridge=volatility.copy(), funding=paid)


def student_source(volatility: Floats, correlation: Floats, nu: float, *, funding: Floats | None = None) -> Source:
    """The same with fat tails that come to all at once: Student's t with `nu` > 2 degrees of freedom, scaled to
    `volatility`. Its price has no mean, so its drift is that of the median."""
    if not nu > 2.0:
        raise InputError(f"{nu:g} degrees of freedom have no variance: give more than 2")
    source = normal_source(volatility, correlation, funding=funding, drift=np.zeros(volatility.size))
    return source._replace(kind=STUDENT, nu=nu)


def copula_source(bars: Bars, *, nu: float, correlation: Floats | None = None) -> Source:
    """A t-copula between prices that keep their own distributions of the past, step by step without memory.

    correlation : of the copula, a valid one; by default sin(pi tau / 2) of Kendall's tau.
    """
    moves = np.log(pool_of(bars)[:, :, 0])
    moves -= moves.mean(axis=1, keepdims=True)
    if not nu > 0.0:
        raise InputError(f"{nu:g} degrees of freedom are none: give a number above 0")
    given = correlation if correlation is not None else rank_correlation(moves)
    levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
    table = np.ascontiguousarray(np.quantile(moves, levels, axis=1).T)
    return empty_source(moves.shape[0])._replace(
        kind=COPULA, nu=nu, root=root_of(given, np.ones(moves.shape[0])), table=table, bridge=moves.std(axis=1),
        funding=hourly_funding(bars).mean(axis=1),
    )  # fmt: skip


def rank_correlation(moves: Floats) -> Floats:
    """(C, C) sin(pi tau / 2): the correlation of the elliptical copula with the moves' (C, n) Kendall's tau; not to be written
    to."""
    return _ranked(np.ascontiguousarray(moves).tobytes(), len(moves))


@lru_cache(maxsize=4)
def _ranked(kept: bytes, columns: int) -> Floats:
    """Of moves that are asked for again and again, as for every cell of a map."""
    from scipy.stats import kendalltau

    moves, out = np.frombuffer(kept).reshape(columns, -1), np.eye(columns)
    for a in range(columns):
        for b in range(a):
            out[a, b] = out[b, a] = np.sin(0.5 * np.pi * kendalltau(moves[a], moves[b]).statistic)
    out.setflags(write=False)
    return out


def root_of(correlation: Floats, scale: Floats) -> Floats:
    """A matrix R with R R' = scale x correlation x scale, by eigenvectors, so that rank one does too.

    Raises
    ------
    InputError : not square, not symmetric, no ones on the diagonal, or not positive semidefinite.
    """
    size = scale.size
    if correlation.shape != (size, size) or not np.allclose(correlation, correlation.T, atol=1e-12):
        raise InputError(f"the correlation matrix must be symmetric, {size} by {size}")
    if not np.allclose(np.diag(correlation), 1.0, atol=1e-9):
        raise InputError("the diagonal of a correlation matrix is 1")
    values, vectors = np.linalg.eigh(correlation)
    if values.min() < -1e-8 * size:
        raise InputError(
            f"the correlation matrix is not positive semidefinite (least eigenvalue {values.min():.3g}): "
            "make it valid first (`scenario.matrix`), or estimate it from one common sample"
        )
    root: Floats = np.ascontiguousarray(scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))
    return root


def with_jumps(source: Source, jumps: Jumps) -> Source:
    """Jumps on top of any source; a bootstrap then loses the past's own extremes inside a step, and draws them from a
    Brownian bridge of the past's volatility."""
    if jumps.rate < 0.0 or (jumps.own_rate < 0.0).any() or (jumps.spread < 0.0).any():
        raise InputError("rates and spreads of jumps must be 0 or more")
    if source.kind == BOOTSTRAP:
        source = source._replace(bridge=np.log(source.pool[:, :, CLOSE]).std(axis=0))
    return source._replace(jumps=jumps)


def scaled(source: Source, by: float) -> Source:
    """Every log move, and every extreme inside a step, so many times as large."""
    if by == 1.0:
        return source
    pool = source.pool.copy()
    if source.kind == BOOTSTRAP:
        pool[:, :, :3] = pool[:, :, :3] ** by
    recursion = source.recursion.copy()
    recursion[:, [0, 4, 5]] *= by * by
    return source._replace(
        pool=pool, recursion=recursion, table=source.table * by, bridge=source.bridge * by, drift=source.drift * by
    )


def blended(correlation: Floats, blend: float) -> Floats:
    """A correlation matrix pulled towards all ones (blend > 0), or towards none (< 0). Both keep it valid."""
    size = correlation.shape[0]
    towards = np.ones((size, size)) if blend > 0 else np.eye(size)
    out: Floats = (1.0 - abs(blend)) * correlation + abs(blend) * towards
    return out
