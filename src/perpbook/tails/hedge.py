"""A hedge pair in the calm and in the tail: how its beta and correlation move, and what loss is left unhedged.

The pair is long one `asset` and short `beta` of the `hedge`. Beta and correlation are measured where the *hedge* falls or
rallies hardest: choosing rows by the variable on the right-hand side leaves a straight line's slope as it is, so a beta
that moves there is no artefact of the choice. Correlation moves even so: it is measured on normal scores, and held against
what Gaussian moves of the same overall correlation show in the same rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from perpbook.errors import InputError
from perpbook.model.bars import Flags, Floats
from perpbook.tails.bootstrap import Resampling, against_null, draw_weights, estimate_of
from perpbook.tails.copula import ranks
from perpbook.tails.estimate import AgainstNull, Estimate, Side
from perpbook.tails.moments import moments_of
from perpbook.tails.null import check_level, conditional_correlation, variance_between
from perpbook.tails.returns import JointReturns
from perpbook.tails.shortfall import WorstRows


@dataclass(frozen=True, slots=True, kw_only=True)
class TailOfHedge:
    """One tail of a hedge pair.

    `beta` and `correlation` are of rows where the hedge is in its tail; their nulls are the beta of all rows, and what
    Gaussian moves of the same overall correlation show there. Correlation is of normal scores.

    `unhedged` is the share of the losing leg's mean loss that the other leg does not make good, in rows where the losing leg
    is in its tail: the asset when it falls (LOWER), the hedge when it rallies (UPPER); its null is that of Gaussian moves.
    Above 1 the hedge adds to the loss.
    """

    side: Side
    beta: AgainstNull
    correlation: AgainstNull
    unhedged: AgainstNull


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeReport:
    """Long `asset`, short `beta` of `hedge`. `calm_*` are of rows where the hedge is in neither tail.

    `correlation` is of the moves themselves, `calm_correlation` of normal scores as in the tails.

    `shortfall_left` is the pair's expected shortfall over the asset's own, both at `level`: what the hedge leaves of the
    worst. For Gaussian moves it would be sqrt(1 - correlation^2), its null.
    """

    asset: str
    hedge: str
    level: float
    filtered: bool
    rows: int
    beta: Estimate
    correlation: Estimate
    calm_beta: Estimate
    calm_correlation: AgainstNull
    tails: tuple[TailOfHedge, ...]
    shortfall_left: AgainstNull


def hedge_report(
    returns: JointReturns, pair: tuple[str, str], level: float, resampling: Resampling, rng: np.random.Generator
) -> HedgeReport:
    """The report of (asset, hedge); the hedge is held at the beta of all rows, draw by draw.

    Raises
    ------
    InputError : no such series, twice the same, one that does not move, a level that is none, too few rows.
    """
    check_level(level)
    asset, hedge = pair
    if asset == hedge:
        raise InputError(f"{asset} is no hedge of itself: name two series")
    a, b = (returns.values[returns.index(name)] for name in pair)
    for name, values in ((asset, a), (hedge, b)):
        if not values.std() > 0.0:
            raise InputError(f"{name} does not move: it hedges nothing")
    legs = _Pair(a, b, level)
    parts = [_figures(legs, np.ones((1, returns.rows)))]
    parts += [_figures(legs, weights) for weights in draw_weights(returns.rows, resampling, rng)]
    draws = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    count, rest = int(level * returns.rows), returns.rows - 2 * int(level * returns.rows)

    def of(key: str, points: int, at: float | None = None) -> Estimate:
        return estimate_of(float(draws[key][0]), draws[key][1:], points, resampling, level=at)

    def held(key: str, side: Side | None, null: str, points: int = count) -> AgainstNull:
        return against_null((side, level), draws[key], draws[null], points, resampling)

    return HedgeReport(
        asset=asset,
        hedge=hedge,
        level=level,
        filtered=returns.filtered,
        rows=returns.rows,
        beta=of("beta", returns.rows),
        correlation=of("rho", returns.rows),
        calm_beta=of("beta calm", rest),
        calm_correlation=held("rho calm", None, "null calm", rest),
        tails=tuple(
            TailOfHedge(
                side=side,
                beta=held(f"beta {side}", side, "beta"),
                correlation=held(f"rho {side}", side, f"null {side}"),
                unhedged=held(f"left {side}", side, f"left null {side}"),
            )
            for side in Side
        ),
        shortfall_left=held("shortfall", Side.LOWER, "shortfall null"),
    )


@dataclass(frozen=True)
class _Pair:
    asset: Floats
    hedge: Floats
    level: float

    @cached_property
    def scores(self) -> tuple[Floats, Floats]:
        """Normal scores of hedge and asset."""
        return ndtri(ranks(self.hedge)), ndtri(ranks(self.asset))

    @cached_property
    def ratios(self) -> dict[str, float]:
        """Variance of a standard normal in each part of the hedge's rows."""
        edge = float(ndtri(self.level))
        tail = variance_between(-math.inf, edge)
        return {str(Side.LOWER): tail, str(Side.UPPER): tail, "calm": variance_between(edge, -edge)}

    def tail(self, values: Floats, side: Side) -> Flags:
        edge = np.quantile(values, self.level if side is Side.LOWER else 1.0 - self.level)
        found: Flags = (values <= edge if side is Side.LOWER else values >= edge).astype(np.uint8)
        return found


def _figures(pair: _Pair, weights: Floats) -> dict[str, Floats]:
    """Every figure per draw. Rows of a tail are those of the whole sample's tail, weighted by the draw."""
    a, b = pair.asset, pair.hedge
    x, y = pair.scores
    of_scores = moments_of(x, y, weights).correlation
    whole = moments_of(b, a, weights)
    rho, beta = whole.correlation, whole.slope
    out = {"beta": beta, "rho": rho}
    tails = {side: pair.tail(b, side) for side in Side}
    rows = {str(side): np.flatnonzero(tail) for side, tail in tails.items()}
    rows["calm"] = np.flatnonzero(~np.logical_or(*tails.values()))
    for name, at in rows.items():
        out[f"beta {name}"] = moments_of(b[at], a[at], weights[:, at]).slope
        out[f"rho {name}"] = moments_of(x[at], y[at], weights[:, at]).correlation
        out[f"null {name}"] = conditional_correlation(of_scores, np.full_like(rho, pair.ratios[name]))
    falls = np.flatnonzero(pair.tail(a, Side.LOWER))
    lost = weights[:, falls] @ a[falls]
    out["left lower"] = _share_left(lost, beta * (weights[:, falls] @ b[falls]))
    out["left null lower"] = 1.0 - rho * rho
    rallies = rows[str(Side.UPPER)]
    out["left upper"] = _share_left(beta * (weights[:, rallies] @ b[rallies]), weights[:, rallies] @ a[rallies])
    out["left null upper"] = np.zeros_like(rho)
    out["shortfall"] = _shortfall_left(pair, weights, beta)
    out["shortfall null"] = np.sqrt(np.maximum(1.0 - rho * rho, 0.0))
    return out


def _share_left(lost: Floats, won: Floats) -> Floats:
    """What is lost on one leg and not won on the other, over what is lost; nan for a draw without such rows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(lost != 0.0, (lost - won) / lost, np.nan)


def _shortfall_left(pair: _Pair, weights: Floats, beta: Floats) -> Floats:
    """The pair's expected shortfall over the asset's, per draw: the pair's losses depend on the draw's own beta."""
    _, alone = WorstRows(-pair.asset, pair.level).mean(weights)
    left = [
        WorstRows(slope * pair.hedge - pair.asset, pair.level).mean(weights[draw : draw + 1])[1][0]
        for draw, slope in enumerate(beta)
    ]
    return np.array(left) / alone
