"""The share of capital whose logarithm grows fastest: a ceiling on size, never a target.

Sources: Kelly, Bell System Technical Journal 35 (1956), for a bet that pays b to 1; Thorp, "The Kelly Criterion in Blackjack,
Sports Betting and the Stock Market" (2006), for an asset whose log moves are normal. Beyond the ceiling more risk means less
growth; beyond twice it, none. What is known of a drift never suffices for the whole share: half of it keeps three quarters of
the growth, and `shrunk` takes a drift for what its t statistic says of it. A liquidation is not in these formulas: sizes are
bounded by the futures of `perpbook size` first.
"""

from __future__ import annotations

import math

from perpbook.errors import InputError


def growth_optimal_share(drift: float, volatility: float, rate: float = 0.0) -> float:
    """(drift - rate) / volatility^2: notional over equity, < 0 for a short.

    drift, rate : a year, of the price (arithmetic) and of cash; funding a long pays is taken off the drift.  volatility : of
    a year, > 0.
    """
    _refuse(volatility > 0.0, f"a volatility of {volatility:g} has no growth-optimal share: it must be above 0")
    return (drift - rate) / volatility**2


def growth(share: float, drift: float, volatility: float, rate: float = 0.0) -> float:
    """The rate at which the logarithm of equity grows a year when `share` of it is held: r + s (mu - r) - s^2 sigma^2 / 2."""
    return rate + share * (drift - rate) - 0.5 * (share * volatility) ** 2


def bet_share(chance: float, odds: float) -> float:
    """The share to stake on a bet won with `chance` that pays `odds` to 1: p - (1 - p) / b, 0 when it is not worth taking."""
    _refuse(
        0.0 <= chance <= 1.0 and odds > 0.0, f"a bet has a chance of 0 to 1 and odds above 0 (got {chance:g}, {odds:g})"
    )
    return max(chance - (1.0 - chance) / odds, 0.0)


def bet_growth(share: float, chance: float, odds: float) -> float:
    """The mean growth of the logarithm of capital a bet, at a stake of `share`: p ln(1 + b s) + (1 - p) ln(1 - s)."""
    _refuse(0.0 <= share < 1.0, f"a stake of {share:g} is no share below 1")
    return chance * math.log1p(odds * share) + (1.0 - chance) * math.log1p(-share)


def shrunk(drift: float, error: float) -> float:
    """A drift as far as it is known: times t^2 / (1 + t^2), t its size over its standard `error` (> 0)."""
    _refuse(error > 0.0, f"a standard error of {error:g} is none: it must be above 0")
    square = (drift / error) ** 2
    return drift * square / (1.0 + square)


def _refuse(allowed: bool, why: str) -> None:
    if not allowed:
        raise InputError(why)
