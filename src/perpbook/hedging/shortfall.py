"""The hedge of least expected shortfall (CVaR): a linear programme over weighted scenarios.

    min over z >= 0 :  cost' z + CVaR_tail( -(pnl + effect z) ),   subject to  rows z <= most

With CVaR written as the largest mean loss over all ways of choosing `tail` of the weight (Rockafellar and Uryasev 2000), the
dual has one column per scenario, its weight q, and only one row per column of z:

    min over q, y :  pnl' q + most' y,   effect' q - rows' y <= cost,   sum q = 1,   0 <= q <= weight / tail,   y >= 0

z are the prices of its rows. Scenarios that are far from the worst at the answer have q = 0 there, so it is begun with those
that are worst for a hedge by least squares; a scenario left out that loses more than the value at risk is a cut that the answer
violates, and joins. HiGHS goes on from where it stood, and no violated cut is the proof that none is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_matrix

from perpbook.errors import InputError
from perpbook.kernels.types import Floats, Integers
from perpbook.solver.whole import Columns
from perpbook.tails.shortfall import WorstRows

BEGIN = 2.0
"""So many tails of scenarios are there from the start."""

TOLERANCE = 1e-9
"""A loss beyond the value at risk by no more than this, in mean dollars of the book, is at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenarios:
    """What may happen: `weights` (S,) sum to 1, `pnl` (S,) dollars of the book as it is, `effect` (S, K) dollars per unit of
    each column; `tail` is the share of the weight that shortfall is the mean of, 0.025 for the worst fortieth."""

    pnl: Floats
    effect: Floats
    weights: Floats
    tail: float

    def __post_init__(self) -> None:
        if self.effect.shape[0] != self.pnl.size or self.weights.size != self.pnl.size:
            raise InputError(
                f"{self.pnl.size} scenarios of the book, {self.effect.shape[0]} of the hedges and {self.weights.size} weights "
                "do not fit one another"
            )
        if not (np.isfinite(self.pnl).all() and np.isfinite(self.effect).all()):
            raise InputError("a scenario holds a number that is not finite: mend the prices it was made from")
        if not (self.weights >= 0.0).all() or abs(float(self.weights.sum()) - 1.0) > 1e-9:
            raise InputError("weights of scenarios are at least 0 and sum to 1")
        if not 0.0 < self.tail <= 0.5:
            raise InputError(f"a tail of {self.tail:g} is none: choose a share above 0 and up to 0.5, such as 0.025")

    def losses(self, z: Floats) -> Floats:
        """(S,) dollars lost (> 0) with the columns at z."""
        out: Floats = -(self.pnl + self.effect @ z)
        return out

    def shortfall(self, z: Floats) -> float:
        """Mean dollars lost in the worst `tail` of the weight."""
        return shortfall_of(self.losses(z), self.weights, self.tail)

    def worst(self, z: Floats) -> Floats:
        """(S,) the weights of the worst `tail`, summing to 1: the mean of losses under them is the shortfall."""
        losses = self.losses(z)
        order = np.argsort(-losses, kind="stable")
        before = np.cumsum(self.weights[order]) - self.weights[order]
        out = np.zeros(losses.size)
        out[order] = np.clip(self.tail - before, 0.0, self.weights[order]) / self.tail
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`cost` (K,) dollars per unit of each column z >= 0, and `rows` (M, K) z <= `most` (M,)."""

    cost: Floats
    rows: Floats
    most: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Least:
    """The columns (K,) and what they reach: `objective` is cost plus shortfall, dollars; no other columns reach less than
    `bound`."""

    columns: Floats
    objective: float
    bound: float


def shortfall_of(losses: Floats, weights: Floats, tail: float) -> float:
    """Mean of the worst `tail` of weighted losses (S,)."""
    return float(WorstRows(losses, tail).mean(weights[None, :] * losses.size)[1][0])


def least_shortfall(scenarios: Scenarios, limits: Limits) -> Least | None:
    """The columns of least cost plus shortfall; None when no columns keep the rows (or nothing bounds the gain).

    Money and columns are scaled to order one before they are solved for, and back.
    """
    count, wide = scenarios.effect.shape
    money = float(np.abs(scenarios.pnl).mean()) or 1.0
    unit = _units(scenarios.effect, money)
    norm = np.array([float(np.abs(row * unit).max()) or 1.0 for row in limits.rows])
    programme = Columns(np.append(np.full(wide, -np.inf), 1.0), np.append(limits.cost * unit / money, 1.0))
    rows = (limits.rows * unit / norm[:, None]).T
    below = csc_matrix(np.vstack([-rows, np.zeros((1, len(norm)))]))
    programme.add(limits.most / norm, np.full(len(norm), np.inf), below)
    scaled = scenarios.effect * unit / money
    left, new = np.ones(count, dtype=bool), _first(scenarios)
    while True:
        programme.add(
            scenarios.pnl[new] / money,
            scenarios.weights[new] / scenarios.tail,
            csc_matrix(np.vstack([scaled[new].T, np.ones(new.size)])),
        )
        left[new] = False
        found = programme.solve()
        if found is None:
            return None
        z = np.asarray(np.maximum(-found.prices[:wide], 0.0) * unit, dtype=np.float64)
        violated = scenarios.losses(z) > -float(found.prices[wide]) * money + TOLERANCE * money
        new = np.flatnonzero(violated & left)
        if not new.size:
            break
    reached = float(limits.cost @ z) + scenarios.shortfall(z)
    return Least(columns=z, objective=reached, bound=-found.objective * money)


def _first(scenarios: Scenarios) -> Integers:
    """The scenarios that are worst once the columns take away what least squares can: the tail several times over."""
    effect = scenarios.effect
    z: Floats = np.asarray(np.linalg.lstsq(effect.T @ effect, -(effect.T @ scenarios.pnl), rcond=None)[0])
    order = np.argsort(-scenarios.losses(z), kind="stable")
    wanted = min(1.0, BEGIN * scenarios.tail)
    return order[: int(np.searchsorted(np.cumsum(scenarios.weights[order]), wanted)) + 1]


def _units(effect: Floats, money: float) -> Floats:
    """(K,) how much of each column moves the book by `money` on average; columns without effect go with the others."""
    sizes = np.abs(effect).mean(axis=0)
    moving = sizes > 0.0
    usual = float(np.median(money / sizes[moving])) if moving.any() else money
    out: Floats = np.where(moving, money / np.where(moving, sizes, 1.0), usual)
    return out
