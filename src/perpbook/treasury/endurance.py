"""How long an account lives if no money comes: the chance of its liquidation by every moment, for volatilities that are given.

An account of one price: first passage of a geometric Brownian motion (`barrier`, `scenario.passage`). Of several: its surplus
(equity less maintenance margin) is taken to move in a straight line with prices, so that it is a Brownian motion of no drift and

    P(surplus reaches 0 by t) = 2 N(-surplus / (sigma sqrt t)),   sigma^2 = sum_ij g_i g_j s_i s_j rho_ij,

g_i dollars of surplus lost or won by a relative move of asset i, s_i its volatility of a year (Harrison, 1985). Where nobody says
how assets move together, sigma = sum_i |g_i| s_i, which is the most it can be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perpbook.kernels.margin import account_margins
from perpbook.kernels.types import Floats
from perpbook.model.market import STABLECOINS
from perpbook.scenario.passage import normal_cdf
from perpbook.treasury.barrier import YEAR_SECONDS, Motion, OneFactor, one_factors, passed
from perpbook.treasury.standing import Standing

HORIZON_SECONDS = 7 * 86_400.0
"""Liquidations further off than this are left out, as `check --volatility` does."""

MOMENTS = np.concatenate([[0.0], np.geomspace(1.0, HORIZON_SECONDS, 160)])
"""Seconds at which the chance is reckoned; between them it is a straight line."""

BUMP = 1e-3
"""Relative move by which slopes are measured."""

DUST = 1e-9
"""A slope below this share of the equity is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sigmas:
    """Volatilities of a year by asset ("*" for every other) and the correlation of any two assets; None: not known."""

    by_asset: Mapping[str, float]
    correlation: float | None = None

    def of(self, asset: str) -> float | None:
        """An asset's, None where nobody says."""
        return self.by_asset.get(asset, self.by_asset.get("*"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Endurance:
    """`dies` : the chance of liquidation by each of `MOMENTS`; None where `unknown` says which volatility is missing. `how` : in
    words, "" for one that no move kills."""

    account: str
    dies: Floats | None
    how: str = ""
    unknown: str = ""

    def late(self, arrivals: Floats) -> float | None:
        """The chance to die before money comes, over draws of its arrival (seconds; inf: never)."""
        if self.dies is None:
            return None
        return float(np.interp(np.minimum(arrivals, HORIZON_SECONDS), MOMENTS, self.dies).mean())

    def until(self, chance: float) -> float:
        """Seconds until the chance is reached; inf where it is not within a week."""
        if self.dies is None or self.dies[-1] <= chance:
            return math.inf
        return float(np.interp(chance, self.dies, MOMENTS))


def endurances(standing: Standing, sigmas: Sigmas) -> dict[str, Endurance]:
    """Every account that holds a position, by id."""
    arrays = standing.arrays
    factors, slopes = one_factors(standing), slopes_of(standing)
    out = {}
    for number, account in enumerate(arrays.accounts):
        if account.positions:
            surplus = float(standing.equity[number] - standing.maintenance[number])
            out[account.id] = _endurance(account.id, surplus, factors.get(account.id), slopes[number], sigmas)
    return out


def slopes_of(standing: Standing) -> list[dict[str, float]]:
    """By account, dollars of surplus that a relative move of each asset brings (> 0 when it gains as the price rises)."""
    arrays, lines = standing.arrays, standing.lines
    out: list[dict[str, float]] = [{} for _ in arrays.accounts]
    sides = np.empty((2, 2, len(arrays.accounts)))
    for column, name in enumerate(arrays.columns):
        if name.asset in STABLECOINS:
            continue
        for side, move in enumerate((-BUMP, BUMP)):
            prices = arrays.prices.copy()
            prices[column] *= 1.0 + move
            account_margins(lines, prices, sides[side, 0], sides[side, 1])
        change = (sides[1, 0] - sides[1, 1] - sides[0, 0] + sides[0, 1]) / (2.0 * BUMP)
        least = DUST * (np.abs(sides[0, 0]) + 1.0)
        for number, value in enumerate(np.where(np.abs(change) > least, change, 0.0).tolist()):
            if value:
                out[number][name.asset] = out[number].get(name.asset, 0.0) + value
    return out


def _endurance(
    account: str, surplus: float, factor: OneFactor | None, slopes: Mapping[str, float], sigmas: Sigmas
) -> Endurance:
    if surplus <= 0.0:
        return Endurance(account=account, dies=np.ones(MOMENTS.size), how="below maintenance margin now")
    if factor is None and len(slopes) <= 1:
        return Endurance(account=account, dies=np.zeros(MOMENTS.size))
    assets = [factor.asset] if factor else sorted(slopes)
    missing = [one for one in assets if sigmas.of(one) is None]
    if missing:
        told = (
            f"how much {' and '.join(missing)} move{'s' if len(missing) == 1 else ''} is not known: give --volatility"
        )
        return Endurance(account=account, dies=None, unknown=told)
    if factor is not None:
        motion = Motion(volatility=sigmas.of(factor.asset) or 0.0)
        chances = [min(1.0, sum(passed(one, motion, [at]) for one in factor.barriers)) for at in MOMENTS.tolist()]
        return Endurance(account=account, dies=np.array(chances), how=f"by {factor.asset} alone")
    sigma = spread_of(slopes, sigmas)
    spans = sigma * np.sqrt(MOMENTS / YEAR_SECONDS)
    dies = np.array([2.0 * normal_cdf(-surplus / one) if one > 0.0 else 0.0 for one in spans.tolist()])
    how = f"by {', '.join(assets)} together, in a straight line"
    return Endurance(account=account, dies=dies, how=how if sigmas.correlation is not None else f"{how}, at most")


def spread_of(slopes: Mapping[str, float], sigmas: Sigmas) -> float:
    """Dollars that the surplus moves in a year, one standard deviation; the most it can be where correlation is not known."""
    each = np.array([slope * (sigmas.of(asset) or 0.0) for asset, slope in slopes.items()])
    if sigmas.correlation is None:
        return float(np.abs(each).sum())
    shared = sigmas.correlation * each.sum() ** 2 + (1.0 - sigmas.correlation) * (each**2).sum()
    return math.sqrt(max(float(shared), 0.0))
