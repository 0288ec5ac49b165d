"""The volatility that a Black-76 price implies.

Notation as in `black`. b(s) is the price out of the money over sqrt(F K), x = -|ln(F/K)|. It is convex below its inflection
s_c = sqrt(2|x|) and concave above, and rises from 0 to exp(x/2). Below, 1/ln b is nearly a parabola in s; above, b itself is
nearly a line until it nears its ceiling, where ln(ceiling - b) is. In each the root is found by Halley's iteration, which triples
the digits at every step, from a start that is right at the inflection; a bracket catches what would leave it.
"""

from __future__ import annotations

import math

from perpbook.kernels.black import ROOT_TWO_PI, normal_cdf
from perpbook.kernels.jit import lean, part
from perpbook.kernels.types import Flags, Floats

SETTLED = 1e-5
"""A relative step this small leaves an error of its cube."""

MOST_STEPS = 60
WIDEST = 200.0
"""No total deviation is above this: every price is at its ceiling there."""

HIGH = 0.75
"""From this share of the ceiling on, its distance is what is solved for."""


@part
def _otm(x: float, s: float) -> float:
    """b(s) by the plain difference, which is as exact as the inversion needs."""
    h, t = x / s, 0.5 * s
    return math.exp(0.5 * x) * normal_cdf(h + t) - math.exp(-0.5 * x) * normal_cdf(h - t)


@part
def _slope(x: float, s: float) -> float:
    """db/ds."""
    h = x / s
    return math.exp(-0.5 * (h * h + 0.25 * s * s)) / ROOT_TWO_PI


@part
def _start(x: float, target: float, ceiling: float) -> float:
    """A first s: by the scaling of ln b below the inflection, by the tangent above, by the normal tail near the ceiling."""
    if target > HIGH * ceiling:
        return 2.0 * math.sqrt(-2.0 * math.log((ceiling - target) / ceiling) + 1e-300)
    turn = math.sqrt(-2.0 * x)
    if turn < 1e-3:
        return max(ROOT_TWO_PI * target, 1e-9)
    there = _otm(x, turn)
    if target < there:
        return turn * math.sqrt(math.log(there) / math.log(target))
    return turn + (target - there) / _slope(x, turn)


@part
def _step(x: float, s: float, value: float, target: float, ceiling: float) -> float:
    """Halley's step for the curve that is straightest where the target lies; `value` = b(s)."""
    slope = _slope(x, s)
    bend = x * x / (s * s * s) - 0.25 * s
    if target > HIGH * ceiling:
        gap = ceiling - value
        newton = -gap / slope * math.log(gap / (ceiling - target))
        bend += slope / gap
    elif target < _otm(x, math.sqrt(-2.0 * x) + 1e-12):
        log, wanted = math.log(value), math.log(target)
        newton = (log - wanted) / wanted * log * value / slope
        bend -= slope / value * (1.0 + 2.0 / log)
    else:
        newton = (value - target) / slope
    steer = 1.0 - 0.5 * newton * bend
    return newton / steer if steer > 0.5 else newton


@part
def deviation_of(x: float, target: float) -> float:
    """s with b(s) = target; nan where there is none. x = -|ln(F/K)|, target = price out of the money / sqrt(F K)."""
    ceiling = math.exp(0.5 * x)
    if not 0.0 < target < ceiling:
        return math.nan
    low, high = 0.0, WIDEST
    s = min(_start(x, target, ceiling), 0.5 * WIDEST)
    for _ in range(MOST_STEPS):
        value = _otm(x, s)
        if value < target:
            low = s
        else:
            high = s
        after = math.nan
        if 0.0 < value < ceiling:
            after = s - _step(x, s, value, target, ceiling)
        if not low < after < high:
            if after == s or high - low <= 1e-15 * high:
                return s
            after = math.sqrt(low * high) if low > 0.0 else 0.5 * high
        elif abs(after - s) <= SETTLED * s:
            return after
        s = after
    return s


@part
def implied_volatility(price: float, forward: float, strike: float, years: float, discount: float, call: bool) -> float:
    """The volatility at which Black-76 gives `price`; nan where none does (below the payoff, or at the ceiling) or years <= 0."""
    if not (years > 0.0 and forward > 0.0 and strike > 0.0 and discount > 0.0):
        return math.nan
    intrinsic = max(forward - strike, 0.0) if call else max(strike - forward, 0.0)
    target = (price / discount - intrinsic) / math.sqrt(forward * strike)
    return deviation_of(-abs(math.log(forward / strike)), target) / math.sqrt(years)


@lean
def implied_volatilities(
    prices: Floats, forwards: Floats, strikes: Floats, years: Floats, discounts: Floats, calls: Flags, out: Floats
) -> None:
    """Write the volatility that each price implies, nan where there is none. All (n,); see `implied_volatility`."""
    for i in range(prices.size):
        out[i] = implied_volatility(prices[i], forwards[i], strikes[i], years[i], discounts[i], calls[i] != 0)
