"""Coins that move like another coin: the basket of least tracking error, and how far such baskets have strayed out of sample.

Weights are not negative: coins are bought, never borrowed. They are fitted anew each month on the year before, and what a basket
strays is measured in the month after, so no error was seen by the fit that made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from perpbook.errors import MissingData
from perpbook.kernels.types import Floats

YEAR, MONTH = 365, 30
LEAST_WEIGHT = 0.02
"""Dollars for a dollar of the asset below which a coin is left out."""

HORIZONS = 10
"""Horizons out of sample that are asked for before anything is said of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """Dollars of coins by asset (`weights`, > 0) for one dollar of `asset`. `back` is the basket's beta to the asset: the share
    of its moves that is kept. `low` to `high` is what a dollar in the basket made over the horizon beside a dollar of the
    asset, a share `level` of the time, over `days` out of sample."""

    asset: str
    weights: Mapping[str, float]
    back: float
    low: float
    high: float
    level: float
    days: int


def least_error(target: Floats, coins: Floats) -> Floats:
    """(K,) weights >= 0 of least variance of `target` (n,) minus what they make of `coins` (K, n); those too small are left out
    and the others fitted again."""
    used = np.ones(len(coins), dtype=np.bool_)
    out = np.zeros(len(coins))
    while used.any():
        rest = coins[used] - coins[used].mean(axis=1, keepdims=True)
        found = nnls(rest.T, target - target.mean())[0]
        out[:] = 0.0
        out[used] = found
        if (found >= LEAST_WEIGHT).all():
            break
        used &= out >= LEAST_WEIGHT
        out[:] = 0.0
    return out


def strayed(target: Floats, coins: Floats) -> Floats:
    """(m,) what each day's basket made beside the target, out of sample; the fit's first year (half, where there is less) is not
    in it."""
    days = target.size
    first = min(YEAR, days // 2)
    parts = []
    for start in range(first, days, MONTH):
        fitted, after = slice(max(start - YEAR, 0), start), slice(start, min(start + MONTH, days))
        weights = least_error(target[fitted], coins[:, fitted])
        parts.append(weights @ coins[:, after] - target[after])
    return np.concatenate(parts)


def basket_of(asset: str, names: Sequence[str], moves: Floats, horizon_days: int, level: float) -> Basket:
    """The basket for an asset. moves : (1 + K, n) daily moves, fractions, of the asset and of the coins `names`, oldest first.

    Raises
    ------
    MissingData : no coin moves with it, or too little history to say how far a basket strays over the horizon.
    """
    target, coins = moves[0], moves[1:]
    apart = strayed(target, coins)
    if apart.size < HORIZONS * horizon_days:
        raise MissingData(
            f"{apart.size} days out of sample are too few to say how far a basket strays from {asset} over {horizon_days}"
        )
    recent = slice(-YEAR, None)
    weights = least_error(target[recent], coins[:, recent])
    if not weights.any():
        raise MissingData(f"no coin moves with {asset}")
    made = weights @ coins[:, recent]
    total = np.concatenate([[0.0], apart.cumsum()])
    sums = total[horizon_days:] - total[:-horizon_days]
    low, high = np.quantile(sums, [0.5 * (1.0 - level), 0.5 * (1.0 + level)])
    back = float(np.cov(made, target[recent])[0, 1] / np.var(target[recent], ddof=1))
    return Basket(
        asset=asset, weights={name: float(one) for name, one in zip(names, weights, strict=True) if one > 0.0}, back=back,
        low=min(float(low), 0.0), high=max(float(high), 0.0), level=level, days=int(apart.size),
    )  # fmt: skip
