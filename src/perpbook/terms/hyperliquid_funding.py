"""Hyperliquid funding: the premium, the rate it makes, and the rules in force at a time.

Premiums and rates are fractions, positive when longs pay; a rate is per payment. Times are nanoseconds UTC. Source:
the venue's funding page, and its funding history of 2023, which shows three earlier rules.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from perpbook.errors import TermsError

HOURLY_CAP = 0.04
"""No hour pays more than this fraction, either way."""

INTEREST_8H = 0.0001
"""The interest that a quiet market pays for 8 hours."""


def impact_premium(bid: float, ask: float, oracle: float) -> float:
    """How far the impact prices lie wholly above (+) or below (-) the oracle price; 0 when they straddle it."""
    return (max(bid - oracle, 0.0) - max(oracle - ask, 0.0)) / oracle


def builder_market_premium(bid: float, ask: float, oracle: float) -> float:
    """The premium of a builder-deployed (HIP-3) market: the middle of the impact prices against the oracle price."""
    return 0.5 * (bid + ask) / oracle - 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRule:
    """How a premium becomes a rate.

    `clamp` bounds the pull of `interest_8h` on the premium, None where there was no interest at all; `divisor` is how
    many payments 8 hours have; `cap` bounds one payment (infinite where none is recorded).
    """

    clamp: float | None = 0.0005
    interest_8h: float = INTEREST_8H
    divisor: float = 8.0
    cap: float = HOURLY_CAP

    def rate_8h(self, premium: float) -> float:
        """The rate for 8 hours, before it is divided and capped."""
        if self.clamp is None:
            return premium
        return premium + max(-self.clamp, min(self.clamp, self.interest_8h - premium))

    def rate(self, premium: float) -> float:
        """The rate of one payment."""
        return max(-self.cap, min(self.cap, self.rate_8h(premium) / self.divisor))


@dataclass(frozen=True, slots=True)
class Regime:
    """A rule and the days it held, UTC: from `first` up to and not including `end` (None: still)."""

    first: datetime
    end: datetime | None
    rule: FundingRule

    def holds(self, moment: datetime) -> bool:
        """Whether the rule held at a moment."""
        return self.first <= moment and (self.end is None or moment < self.end)


REGIMES = (
    Regime(
        datetime(2023, 5, 1, tzinfo=UTC),
        datetime(2023, 6, 6, tzinfo=UTC),
        FundingRule(clamp=0.0003, divisor=1.0, cap=math.inf),
    ),
    Regime(datetime(2023, 6, 8, tzinfo=UTC), datetime(2023, 6, 16, tzinfo=UTC), FundingRule(clamp=0.0003)),
    Regime(datetime(2023, 6, 16, tzinfo=UTC), datetime(2023, 7, 17, tzinfo=UTC), FundingRule(clamp=None)),
    Regime(datetime(2023, 7, 17, tzinfo=UTC), None, FundingRule()),
)
"""What the recorded history shows; nothing is recorded before May 2023 or for 6 and 7 June 2023."""


def rule_at(time_ns: int) -> FundingRule:
    """The rule in force at a time.

    Raises
    ------
    TermsError : the recorded history has no rule for that time.
    """
    moment = datetime.fromtimestamp(time_ns // 10**9, UTC)
    for regime in REGIMES:
        if regime.holds(moment):
            return regime.rule
    raise TermsError(f"no funding rule of Hyperliquid is recorded for {moment:%Y-%m-%d}: start later")
