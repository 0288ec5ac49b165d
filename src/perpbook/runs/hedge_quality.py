"""What a hedge is worth: in each set of scenarios, and in the calm against the tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from perpbook.hedging.plan import InSet
from perpbook.hedging.scenarios import SETS, pnl_of
from perpbook.hedging.shortfall import shortfall_of
from perpbook.hedging.variance import variance_hedge
from perpbook.kernels.lanes import in_order_of_slope, stress_grid
from perpbook.kernels.types import Floats
from perpbook.runs.check import CheckResult
from perpbook.runs.hedge_desk import HedgeDesk
from perpbook.tails.bootstrap import Resampling
from perpbook.tails.hedge import HedgeReport, hedge_report
from perpbook.tails.returns import JointReturns

LEVEL = 0.05
"""The tail in which a hedge's quality is measured: the worst twentieth of moves."""


def in_sets(
    desk: HedgeDesk, against: Sequence[str], legs: Mapping[str, float], after: CheckResult
) -> tuple[InSet, ...]:
    """Shortfall, correlation, the hedge of least variance, and who dies, in each set of scenarios."""
    out = []
    for name in SETS:
        rows, names = desk.moves.sets[name], desk.moves.names
        weights = np.full(len(rows), 1.0 / len(rows))
        book, hedge = (pnl_of(rows, names, one) for one in (desk.exposures, legs))
        least = variance_hedge(np.cov(rows.T), names, desk.exposures, against)
        out.append(
            InSet(
                name=name,
                without=shortfall_of(-book, weights, desk.tail),
                hedged=shortfall_of(-(book + hedge), weights, desk.tail),
                liquidated_without=liquidated(desk.before, names, rows),
                liquidated=liquidated(after, names, rows),
                correlation=float(np.corrcoef(book, hedge)[0, 1]) if hedge.any() else None,
                least_variance=dict(zip(against, least.tolist(), strict=True)),
            )
        )
    return tuple(out)


def liquidated(checked: CheckResult, names: Sequence[str], moves: Floats) -> dict[str, float]:
    """By account the share of moves (n, A) of assets that end below its maintenance margin; what has no past stands still."""
    arrays, lines = checked.assessed.arrays, checked.assessed.measures.lines
    if not arrays.columns:
        return dict.fromkeys((account.id for account in arrays.accounts), 0.0)
    by_column = np.stack(
        [moves[:, names.index(one.asset)] if one.asset in names else np.zeros(len(moves)) for one in arrays.columns]
    )
    prices = np.ascontiguousarray(arrays.prices[:, None] * (1.0 + by_column))
    equity, maintenance = (np.empty((len(arrays.accounts), prices.shape[1])) for _ in range(2))
    stress_grid(in_order_of_slope(lines), prices, equity, maintenance)
    dead = (equity < maintenance).mean(axis=1)
    return {account.id: float(share) for account, share in zip(arrays.accounts, dead, strict=True)}


Leg = tuple[str, Mapping[str, float]]


def quality_of(
    desk: HedgeDesk, returns: JointReturns, pair: tuple[Leg, Leg], how: Resampling, rng: np.random.Generator
) -> HedgeReport | None:
    """What one leg (dollars by asset) makes against what the other loses, in the calm and in both tails; None without one."""
    if not all(any(held.values()) for _, held in pair):
        return None
    equity, moves = desk.before.assessment.book.equity, desk.moves.sets["base"]
    first, second = (pnl_of(moves, returns.names, held) / equity for _, held in pair)
    names = (pair[0][0], pair[1][0])
    return hedge_report(replace(returns, names=names, values=np.stack([first, -second])), names, LEVEL, how, rng)
