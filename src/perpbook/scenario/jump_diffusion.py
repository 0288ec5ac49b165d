"""The price of a European option where the price jumps (Merton, 1976): what paths with jumps are held to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perpbook.scenario.passage import normal_cdf

TERMS = 400
"""Numbers of jumps that are looked at, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpMarket:
    """A price, its yearly rate and yield, the volatility of its diffusion, and jumps: `intensity` a year, log size normal with
    `spread`, its mean such that a jump changes the price by `mean` on average (a fraction)."""

    spot: float
    rate: float
    dividend: float
    volatility: float
    intensity: float
    spread: float
    mean: float = 0.0


def european(market: JumpMarket, strike: float, years: float, *, call: bool) -> float:
    """The sum over how many jumps come of Black's price given that number."""
    rate_of_jumps = market.intensity * (1.0 + market.mean) * years
    total, weight = 0.0, math.exp(-rate_of_jumps)
    for jumps in range(TERMS):
        variance = market.volatility**2 * years + jumps * market.spread**2
        forward = market.spot * math.exp(
            (market.rate - market.dividend - market.intensity * market.mean) * years + jumps * math.log1p(market.mean)
        )
        discount = math.exp(
            -(market.rate - market.intensity * market.mean) * years - jumps * math.log1p(market.mean)
        )  # fmt: skip
        total += weight * black(forward, strike, math.sqrt(variance), discount, call=call)
        weight *= rate_of_jumps / (jumps + 1)
        if jumps > rate_of_jumps and weight < 1e-18:
            break
    return total


def black(forward: float, strike: float, spread: float, discount: float, *, call: bool) -> float:
    """Black's price of an option on a forward; `spread` is the standard deviation of the log price at expiry."""
    side = 1.0 if call else -1.0
    if spread <= 0.0:
        return discount * max(side * (forward - strike), 0.0)
    above = math.log(forward / strike) / spread + 0.5 * spread
    return discount * side * (forward * normal_cdf(side * above) - strike * normal_cdf(side * (above - spread)))
