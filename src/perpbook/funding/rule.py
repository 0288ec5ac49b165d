"""How a venue makes a rate of a premium: F = P + clamp(I - P, -c, c) for 8 hours, and where that hides the premium.

Rates and premiums are fractions for 8 hours, > 0: longs pay, whatever the venue's interval: one settlement pays the
interval's part of 8 hours. Inside I - c <= P <= I + c the rate is I: a history of rates is censored there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from perpbook.kernels.types import Floats
from perpbook.model.units import HOUR_NS
from perpbook.terms.terms import FundingTerms

EIGHT_HOURS_NS = 8 * HOUR_NS
ATOM_SHARE = 0.05
"""A rate that so large a share of settlements shows to the last digit is the interest, not a premium."""

DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumRule:
    """`interest` and `clamp` for 8 hours (clamp 0: the rate is the premium), `cap` on the size of one settlement."""

    interest: float = 0.0
    clamp: float = 0.0
    cap: float = float("inf")

    def settlement(self, premium: float, interval_ns: int) -> float:
        """The rate of one settlement of an interval."""
        rate = float(self.rates_8h(np.array([premium]))[0])
        return min(max(rate * interval_ns / EIGHT_HOURS_NS, -self.cap), self.cap)

    def rates_8h(self, premiums: Floats) -> Floats:
        """The rates for 8 hours of many premiums, before any cap."""
        pull: Floats = np.clip(self.interest - premiums, -self.clamp, self.clamp)
        return premiums + pull

    def expected_8h(self, mean: Floats, variance: Floats) -> Floats:
        """The mean rate when the premium is normal: with d = mean - I it is I + E(Z - c)+ - E(-Z - c)+, Z normal about d."""
        deviation = np.sqrt(np.maximum(variance, 1e-24))
        off = mean - self.interest
        return self.interest + _above(off - self.clamp, deviation) - _above(-off - self.clamp, deviation)


def _above(mean: Floats, deviation: Floats) -> Floats:
    """E max(X, 0) of a normal X."""
    z = mean / deviation
    out: Floats = mean * ndtr(z) + deviation * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    return out


def rule_of(terms: FundingTerms | None, rates_8h: Floats) -> PremiumRule:
    """The rule of a contract: the venue's clamp, and the interest its own past shows.

    Interest differs by contract (none on Binance's BNB), and a history shows it as the rate that comes again and again.
    Without terms, or with none of either, the rate is taken for the premium.
    """
    if terms is None:
        return PremiumRule()
    cap = float("inf") if terms.cap is None else terms.cap
    if terms.clamp is None:
        return PremiumRule(cap=cap)
    values, counts = np.unique(np.round(rates_8h[np.isfinite(rates_8h)], DIGITS), return_counts=True)
    interest = terms.interest_rate_8h or 0.0
    if values.size and counts.max() >= ATOM_SHARE * counts.sum():
        interest = float(values[np.argmax(counts)])
    return PremiumRule(interest=interest, clamp=terms.clamp, cap=cap)
