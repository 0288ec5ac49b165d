"""dYdX v4 fees: the tier a trader reaches, and the rate after discounts, in parts per million.

Source: dydxprotocol/v4-chain, x/feetiers/keeper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perpbook.errors import TermsError
from perpbook.terms.dydx import MILLION, divide_towards_zero, multiply_ppm


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTier:
    """A tier's rates (a negative one is a rebate) and what it asks: 30-day volume and shares of everyone's volume."""

    taker_ppm: int
    maker_ppm: int
    volume: int = 0
    total_share_ppm: int = 0
    maker_share_ppm: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """30-day volumes in quote quantums: the trader's own as taker and maker, and everyone's."""

    taker: int
    maker: int
    everyone: int

    def reach(self, tier: FeeTier) -> bool:
        """Whether all of a tier's demands are met."""
        own = self.taker + self.maker
        return (
            own >= tier.volume
            and own >= multiply_ppm(self.everyone, tier.total_share_ppm)
            and self.maker >= multiply_ppm(self.everyone, tier.maker_share_ppm)
        )


def fee_tier(tiers: Sequence[FeeTier], volumes: Volumes, *, vault: bool = False) -> FeeTier:
    """The last tier reached without missing one before it; vaults have the top tier. The first asks nothing.

    Raises
    ------
    TermsError : there are no tiers.
    """
    if not tiers:
        raise TermsError("a fee table needs at least one tier")
    if vault:
        return tiers[-1]
    reached = tiers[0]
    for tier in tiers:
        if not volumes.reach(tier):
            break
        reached = tier
    return reached


def charged_ppm(rate_ppm: int, *, market_charge_ppm: int = MILLION, staking_discount_ppm: int = 0) -> int:
    """A rate after the market's charge, then (fees only, not rebates) the staking discount, fractions dropped."""
    charged = divide_towards_zero(rate_ppm * market_charge_ppm, MILLION)
    if charged <= 0:
        return charged
    return charged * (MILLION - staking_discount_ppm) // MILLION
