"""Black's formula (1976): what a European option on a forward is worth, and its greeks.

Notation: F forward, K strike, T years, v volatility (fraction per square root of a year), s = v sqrt(T), D discount,
x = ln(F/K), h = x/s, t = s/2, so that d1 = h + t and d2 = h - t. Undiscounted: call F N(d1) - K N(d2), put K N(-d2) - F N(-d1).

Only the side out of the money is computed, the other by parity. Where F N(d1) and K N(d2) nearly cancel their difference is
taken from N(z)/n(z) = integral of exp(zu - u^2/2) over u > 0, whose integrand has one sign, so that no digit is lost.
"""

from __future__ import annotations

import math

import numpy as np

from perpbook.kernels.jit import lean, part
from perpbook.kernels.types import Flags, Floats

ROOT_TWO = math.sqrt(2.0)
ROOT_TWO_PI = math.sqrt(2.0 * math.pi)

CANCELS = 0.02
"""A difference smaller than this share of what it is taken from is integrated instead."""

DEEP = 80.0
"""The integrand is dropped where it is below exp(-DEEP / 2) of one, the largest it begins with."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


@part
def normal_cdf(z: float) -> float:
    """N(z), to the last digits in the lower tail."""
    return 0.5 * math.erfc(-z / ROOT_TWO)


@part
def otm_price(x: float, s: float) -> float:
    """Price / sqrt(F K) of the option out of the money. x = ln(F/K), either sign; s > 0; 0 where it underflows."""
    far = -abs(x)
    h, t = far / s, 0.5 * s
    upper = math.exp(0.5 * far) * normal_cdf(h + t)
    value = upper - math.exp(-0.5 * far) * normal_cdf(h - t)
    if value > CANCELS * upper:
        return value
    return _integrated(h, t)


@part
def _integrated(h: float, t: float) -> float:
    """exp(-(h^2 + t^2)/2) / sqrt(2 pi) times the integral of 2 sinh(tu) exp(hu - u^2/2); h <= 0."""
    drift = h + t
    end = drift + math.sqrt(drift * drift + DEEP)
    total = 0.0
    for i in range(NODES.size):
        u = 0.5 * end * (NODES[i] + 1.0)
        total += WEIGHTS[i] * math.sinh(t * u) * math.exp(h * u - 0.5 * u * u)
    return end * total * math.exp(-0.5 * (h * h + t * t)) / ROOT_TWO_PI


@part
def black_price(forward: float, strike: float, s: float, call: bool) -> float:
    """Undiscounted price; s = volatility times the root of the years. With s = 0 what is left is the payoff."""
    intrinsic = max(forward - strike, 0.0) if call else max(strike - forward, 0.0)
    if s <= 0.0:
        return intrinsic
    return intrinsic + math.sqrt(forward * strike) * otm_price(math.log(forward / strike), s)


@lean
def black_prices(
    forwards: Floats, strikes: Floats, years: Floats, volatilities: Floats, discounts: Floats, calls: Flags, out: Floats
) -> None:
    """Write discounted prices. All (n,); forwards, strikes > 0; years, volatilities >= 0; `calls` 1 for a call, 0 for a put."""
    for i in range(forwards.size):
        s = volatilities[i] * math.sqrt(years[i])
        out[i] = discounts[i] * black_price(forwards[i], strikes[i], s, calls[i] != 0)


@lean
def black_greeks(
    forwards: Floats, strikes: Floats, years: Floats, volatilities: Floats, discounts: Floats, calls: Flags, out: Floats
) -> None:
    """Write to `out` (5, n): price, delta and gamma to the forward, vega (per 1.00 of volatility), theta (per year, the forward
    and the discount factor's rate held still).

    The rest as `black_prices`. An option with no time or volatility left has its payoff's delta (a half at the strike) and no
    gamma, vega or theta from volatility.
    """
    for i in range(forwards.size):
        forward, strike, year, call = forwards[i], strikes[i], years[i], calls[i] != 0
        s = volatilities[i] * math.sqrt(year)
        price = discounts[i] * black_price(forward, strike, s, call)
        rate = -math.log(discounts[i]) / year if year > 0.0 else 0.0
        out[0, i], out[4, i] = price, rate * price
        if s <= 0.0:
            inside = 0.5 if forward == strike else (1.0 if (forward > strike) == call else 0.0)
            out[1, i] = discounts[i] * inside * (1.0 if call else -1.0)
            out[2, i] = out[3, i] = 0.0
            continue
        d1 = math.log(forward / strike) / s + 0.5 * s
        bell = discounts[i] * math.exp(-0.5 * d1 * d1) / ROOT_TWO_PI
        out[1, i] = discounts[i] * (normal_cdf(d1) if call else -normal_cdf(-d1))
        out[2, i] = bell / (forward * s)
        out[3, i] = forward * bell * math.sqrt(year)
        out[4, i] -= 0.5 * forward * bell * volatilities[i] / math.sqrt(year)
