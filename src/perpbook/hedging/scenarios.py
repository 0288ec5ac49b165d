"""What a hedge must stand: the past as it was, the same days with the correlation of bad times, and with the hedge broken.

The second and third are the same rows moved as little as can be to another correlation (the optimal map between Gaussians of
the two), each price keeping its own days, with the volatility of the market's wildest tenth of windows. So every row has three
versions, and one resample of rows is a resample of all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.scenario.matrix import hedge_signs, towards
from perpbook.tails.calm import STRESS_SHARE, calm_and_stress_rows, usual_window
from perpbook.tails.nearest import nearest_correlation, shrunk_correlation
from perpbook.tails.returns import JointReturns, market_of
from perpbook.tails.stressed import StressedMatrix

SETS = ("base", "tail", "broken")
"""base: as it was. tail: the stressed correlation. broken: pulled to where the book, hedged as in calm, loses on both legs."""

LEAST_EIGENVALUE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Simple moves (n, A) of `names` by set, fractions; `wild` (A,) is how many times its usual volatility each has in the
    market's wildest windows."""

    names: tuple[str, ...]
    sets: Mapping[str, Floats]
    wild: Floats

    def stacked(self, weights: Mapping[str, float]) -> tuple[Floats, Floats]:
        """All sets one under another (S, A), and the weight of each scenario when a set has this much in all."""
        rows = len(self.sets[SETS[0]])
        share = np.array([weights[name] for name in SETS])
        return np.vstack([self.sets[name] for name in SETS]), np.repeat(share / rows, rows)


def weights_of(stress: float) -> dict[str, float]:
    """The sets' weights when `stress` of it is for the stressed two, evenly.

    Raises
    ------
    InputError : no share.
    """
    if not 0.0 <= stress <= 1.0:
        raise InputError(f"a stress of {stress:g} is no share of the scenarios: choose from 0 to 1, such as 0.5")
    return {"base": 1.0 - stress, "tail": 0.5 * stress, "broken": 0.5 * stress}


def moves_of(
    returns: JointReturns,
    stressed: StressedMatrix,
    held: Mapping[str, float],
    blend: float,
    *,
    market: str | None = None,
) -> Moves:
    """The three sets. held : dollars by name, > 0 long, of the book with its calm hedge in it: what is broken is measured
    against it. blend : how far correlation goes there, 0 to 1."""
    tail = np.array(stressed.stressed) if stressed.stressed is not None else np.array(stressed.usual)
    broken = nearest_correlation(towards(tail, hedge_signs(returns.names, held), blend))
    wild = wild_volatility(returns, market)
    values = {
        "base": returns.values,
        "tail": recorrelated(returns.values, tail) * wild[:, None],
        "broken": recorrelated(returns.values, broken) * wild[:, None],
    }
    return Moves(
        names=returns.names,
        sets={name: np.ascontiguousarray(np.expm1(one).T) for name, one in values.items()},
        wild=wild,
    )


def wild_volatility(returns: JointReturns, market: str | None) -> Floats:
    """(A,) how many times its usual volatility each series has in the market's wildest windows; never below once."""
    width = usual_window(returns.bar_ns)
    kept = returns.rows // width * width
    values, factor = returns.values[:, -kept:], market_of(returns, market)[-kept:]
    if kept < width * round(1.0 / STRESS_SHARE):
        raise InputError(f"{returns.rows} rows hold no wild windows of {width}: give more history, or shorter moves")
    rows = calm_and_stress_rows(factor, width)["stress"]
    out: Floats = np.maximum(1.0, values[:, rows].std(axis=1) / values.std(axis=1))
    return out


def recorrelated(values: Floats, wanted: Floats) -> Floats:
    """Rows of moves (A, n) with another correlation: the nearest of them in mean square, mean and volatility as they were."""
    middle, spread = values.mean(axis=1, keepdims=True), values.std(axis=1, keepdims=True)
    standard = (values - middle) / spread
    now = standard @ standard.T / standard.shape[1]
    root = _root(now)
    inverse = np.linalg.inv(root)
    out: Floats = middle + spread * (inverse @ _root(root @ wanted @ root) @ inverse @ standard)
    return out


def _root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    out: Floats = (vectors * np.sqrt(np.maximum(values, LEAST_EIGENVALUE))) @ vectors.T
    return out


def usual_covariance(returns: JointReturns) -> Floats:
    """(A, A) covariance of moves, its correlation shrunk (Ledoit and Wolf 2004)."""
    spread = returns.values.std(axis=1)
    out: Floats = shrunk_correlation(returns.values)[0] * np.outer(spread, spread)
    return out


def pnl_of(moves: Floats, names: Sequence[str], exposures: Mapping[str, float]) -> Floats:
    """(S,) dollars made by exposures (dollars by name, > 0 long) in scenarios (S, A)."""
    out: Floats = moves @ np.array([exposures.get(name, 0.0) for name in names])
    return out
