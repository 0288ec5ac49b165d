"""The premium behind a funding rate, which the rate hides where the venue's clamp holds it at the interest.

Notation: F rate and P premium for 8 hours, I interest, c clamp: F = P + clamp(I - P, -c, c), so F = I says only that P is
within c of I. P is an AR(1) with Gaussian noise.
"""

from __future__ import annotations

import math

from perpbook.kernels.jit import heavy
from perpbook.kernels.types import Floats

AT_INTEREST = 1e-4
"""Of the clamp: a rate that near the interest is at it."""

UNLIKELY = 1e-12
"""A chance under this is not divided by."""


@heavy
def premium_filter(
    rates: Floats, interest: float, clamp: float, level: Floats, persistence: Floats, noise: Floats,
    mean: Floats, spread: Floats,
) -> None:  # fmt: skip
    """Write what is known of the premium after each rate: its mean and variance given the rates so far.

    rates : (n,) for 8 hours, NaN where none is known.  level, persistence, noise : (n,) of the AR(1) in force.
    mean : (n,).  spread : (n, 2) variance, and covariance with the premium before.
    """
    root = math.sqrt(2.0)
    density = 1.0 / math.sqrt(2.0 * math.pi)
    now, variance = level[0], noise[0] ** 2 / max(1.0 - persistence[0] ** 2, 1e-3)
    for t in range(rates.size):
        before = variance
        now = level[t] + persistence[t] * (now - level[t])
        ahead = persistence[t] ** 2 * variance + noise[t] ** 2
        variance = ahead
        off = rates[t] - interest
        if math.isnan(rates[t]):
            pass
        elif clamp <= 0.0 or abs(off) > AT_INTEREST * clamp:
            now = rates[t] + math.copysign(max(clamp, 0.0), off)
            variance = 0.0
        else:
            deviation = math.sqrt(ahead)
            low, high = (interest - clamp - now) / deviation, (interest + clamp - now) / deviation
            inside = 0.5 * (math.erf(high / root) - math.erf(low / root))
            if inside < UNLIKELY:
                now = min(max(now, interest - clamp), interest + clamp)
                variance = 0.0
            else:
                at_low, at_high = density * math.exp(-0.5 * low * low), density * math.exp(-0.5 * high * high)
                pull = (at_low - at_high) / inside
                now += deviation * pull
                variance = max(ahead * (1.0 + (low * at_low - high * at_high) / inside - pull * pull), 0.0)
        mean[t] = now
        spread[t, 0] = variance
        spread[t, 1] = persistence[t] * before * variance / ahead
