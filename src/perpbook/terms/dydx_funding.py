"""dYdX v4 funding in integers: a premium vote from the book, the hourly rate, the index it moves, what is settled.

Rates are parts per million for 8 hours, positive when longs pay. Integers as in `terms.dydx`. Source:
dydxprotocol/v4-chain, x/clob/memclob/memclob.go and x/perpetuals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from perpbook.errors import TermsError
from perpbook.terms.dydx import (
    MILLION,
    QUOTE_RESOLUTION,
    LiquidityTier,
    OraclePrice,
    divide_towards_zero,
    multiply_ppm,
    shift_decimal,
)
from perpbook.terms.dydx_liquidation import fill_quote_quantums

RATE_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Level:
    """Resting orders at one price: subticks and base quantums."""

    subticks: int
    base_quantums: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumVote:
    """How a market turns its book into a premium: the impact order's size and the largest vote."""

    conversion_exponent: int
    impact_notional: int
    largest_ppm: int

    def premium_ppm(self, bids: Sequence[Level], asks: Sequence[Level], oracle: OraclePrice) -> int:
        """How far the book is above (+) or below (-) the index; 0 where the index lies between the impact prices."""
        index = self._subticks(oracle)
        bid = self.impact_price(sorted(bids, key=lambda level: -level.subticks))
        ask = self.impact_price(sorted(asks, key=lambda level: level.subticks))
        if bid is not None and bid > index:
            premium = math.floor(bid * MILLION / index - MILLION)
        elif ask is not None and ask < index:
            premium = math.ceil(ask * MILLION / index - MILLION)
        else:
            return 0
        return max(-self.largest_ppm, min(self.largest_ppm, premium))

    def impact_price(self, levels: Sequence[Level]) -> Fraction | None:
        """Average price, in subticks, of filling the impact notional from the best level on; None if it does not fit.

        The base amount is rounded up to whole quantums. Without an impact notional: the best price.
        """
        if not levels:
            return None
        if self.impact_notional == 0:
            return Fraction(levels[0].subticks)
        left, base = self.impact_notional, Fraction(0)
        for level in levels:
            whole = fill_quote_quantums(level.subticks, level.base_quantums, self.conversion_exponent)
            if left <= whole:
                base += Fraction(left, whole) * level.base_quantums
                return self.impact_notional / (math.ceil(base) * Fraction(10) ** self.conversion_exponent)
            base += level.base_quantums
            left -= whole
        return None

    def _subticks(self, oracle: OraclePrice) -> Fraction:
        if oracle.price <= 0:
            raise TermsError(f"an index price of {oracle.price} has no premium")
        places = oracle.exponent + oracle.atomic_resolution - QUOTE_RESOLUTION - self.conversion_exponent
        return oracle.price * Fraction(10) ** places


def largest_rate_ppm(tier: LiquidityTier, clamp_factor_ppm: int) -> int:
    """The clamp on a rate or a vote: the factor times initial less maintenance margin."""
    return multiply_ppm(clamp_factor_ppm, tier.initial_margin_ppm - tier.maintenance_margin_ppm)


def mean_premium_ppm(samples: Sequence[int], expected: int) -> int:
    """Mean of an hour's samples, missing ones counted as 0, the fraction dropped."""
    count = max(len(samples), expected)
    return divide_towards_zero(sum(samples), count) if count else 0


def samples_expected(*, tick_seconds: int, sample_seconds: int) -> int:
    """How many samples a funding hour should hold, rounded up."""
    return -(-tick_seconds // sample_seconds)


def funding_rate_ppm(premium_ppm: int, default_ppm: int, largest_ppm: int) -> int:
    """The rate for 8 hours: premium plus the market's default, clamped."""
    return max(-largest_ppm, min(largest_ppm, premium_ppm + default_ppm))


def funding_index_delta(oracle: OraclePrice, rate_ppm: int, seconds: int) -> int:
    """What `seconds` at a rate add to the index, ppm of a quote quantum per base quantum, the fraction dropped."""
    return divide_towards_zero(shift_decimal(rate_ppm * seconds * oracle.price, oracle.quote_places), RATE_SECONDS)


def settlement_ppm(index: int, settled_index: int, base_quantums: int) -> int:
    """Unsettled funding of a position, ppm of a quote quantum; negative when the holder pays."""
    return -(index - settled_index) * base_quantums


def settled_quote_quantums(settlements_ppm: Sequence[int]) -> int:
    """What settling moves into the subaccount: the sum over its positions, rounded down."""
    return sum(settlements_ppm) // MILLION
