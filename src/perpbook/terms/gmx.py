"""GMX v2's own formulas, in exact decimals: impact, borrowing, funding, and when a position is liquidatable.

Source: gmx-io/gmx-synthetics @ a5c0c883. US dollars and tokens in whole units, factors as fractions (the contracts keep
them times 10^30), time in seconds. Fees and pool caps that the caller does not give are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import Enum

from perpbook.errors import TermsError

PRECISION = 60
SMALLEST = Decimal("1e-30")
"""One unit of the contracts' fixed point."""


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """base ** exponent; 0 for a base under one, as the contracts' own power function has it (utils/Precision.sol)."""
    with localcontext(prec=PRECISION):
        return base**exponent if base >= 1 else Decimal(0)


def impact_of(difference: Decimal, factor: Decimal, exponent: Decimal) -> Decimal:
    """factor x difference ^ exponent: the potential of an imbalance (contracts/pricing/PricingUtils.sol:61)."""
    return power(difference, exponent) * factor


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactTerms:
    """A market's impact factors: `positive` for trades that lessen the imbalance, `negative` for those that add to it."""

    positive: Decimal
    negative: Decimal
    exponent: Decimal

    def same_side(self, before: Decimal, after: Decimal) -> Decimal:
        """Impact, > 0 paid to the trader, of moving an imbalance without changing its side (PricingUtils.sol:80)."""
        factor = self.positive if after < before else self.negative
        return impact_of(before, factor, self.exponent) - impact_of(after, factor, self.exponent)

    def crossover(self, before: Decimal, after: Decimal) -> Decimal:
        """Impact of a trade that turns the imbalance round (PricingUtils.sol:100)."""
        return impact_of(before, self.positive, self.exponent) - impact_of(after, self.negative, self.exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterest:
    """Dollars open on each side."""

    long: Decimal
    short: Decimal

    @property
    def difference(self) -> Decimal:
        """How far the sides are apart, >= 0."""
        return abs(self.long - self.short)

    @property
    def total(self) -> Decimal:
        """Both sides together."""
        return self.long + self.short


def price_impact(before: OpenInterest, after: OpenInterest, terms: ImpactTerms) -> Decimal:
    """Dollars a trade gains (> 0) or pays by changing the balance of open interest."""
    if (before.long <= before.short) == (after.long <= after.short):
        return terms.same_side(before.difference, after.difference)
    return terms.crossover(before.difference, after.difference)


def increase_price(size: Decimal, impact: Decimal, price: Decimal, *, is_long: bool) -> Decimal:
    """The price `size` dollars are opened at: impact adds tokens or takes them away.

    Source: contracts/order/BaseOrderUtils.sol getExecutionPriceForIncrease.
    """
    left = size + (impact if is_long else -impact)
    if not size:
        return price
    if left <= 0:
        raise TermsError(f"price impact of {impact} dollars is larger than the order of {size}: GMX does not fill it")
    with localcontext(prec=PRECISION):
        return price * size / left


def decrease_price(size: Decimal, impact: Decimal, price: Decimal, entry: Decimal, *, is_long: bool) -> Decimal:
    """The price `size` dollars are closed at: impact moves it by its share of the size, on the entry price.

    `entry` is the position's dollars over its tokens, since its size is kept in dollars at entry. Source:
    contracts/order/BaseOrderUtils.sol getExecutionPriceForDecrease.
    """
    better = impact if is_long else -impact
    if not size:
        return price
    if -better > size:
        raise TermsError(f"price impact of {impact} dollars is larger than the order of {size}: GMX does not fill it")
    with localcontext(prec=PRECISION):
        return price + entry * better / size


def borrowing_factor(reserved: Decimal, pool: Decimal, factor: Decimal, exponent: Decimal, seconds: Decimal) -> Decimal:
    """What a dollar of position owes after `seconds`: factor x reserved ^ exponent / pool a second (MarketUtils.sol:2765)."""
    if not reserved:
        return Decimal(0)
    if pool <= 0:
        raise TermsError(f"a pool of {pool} dollars reserves nothing: give the pool's value, above 0")
    with localcontext(prec=PRECISION):
        return factor * power(reserved, exponent) / pool * seconds


def usage_factor(reserved: Decimal, pool: Decimal, reserve_factor: Decimal) -> Decimal:
    """The share of what may be reserved that is."""
    with localcontext(prec=PRECISION):
        return reserved / (reserve_factor * pool)


def static_funding(interest: OpenInterest, factor: Decimal, exponent: Decimal, seconds: Decimal) -> Decimal:
    """Dollars the larger side pays: its size x factor x |long - short| ^ exponent / total a second (MarketUtils.sol:1367).

    None while a side is empty: nobody is there to receive it.
    """
    if not interest.long or not interest.short:
        return Decimal(0)
    with localcontext(prec=PRECISION):
        rate = factor * power(interest.difference, exponent) / interest.total
        return max(interest.long, interest.short) * rate * seconds


def funding_amount_per_size(funding: Decimal, interest: Decimal, token_price: Decimal, token_decimals: int) -> Decimal:
    """Token units per dollar of position as the contracts keep it, times 10^15 (MarketUtils.sol getFundingAmountPerSizeDelta)."""
    with localcontext(prec=PRECISION):
        unit_price = token_price * Decimal(10) ** (30 - token_decimals)
        return funding / interest * Decimal(10) ** 45 / unit_price


class FundingMove(Enum):
    """What an adaptive funding factor does next."""

    RISES = "rises"
    FALLS = "falls"
    STAYS = "stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveFunding:
    """A market's adaptive funding: rates of change per second, skews between which it rests, and its largest size."""

    increase: Decimal
    decrease: Decimal
    stable_above: Decimal
    decrease_below: Decimal
    largest: Decimal

    def move(self, saved: Decimal, interest: OpenInterest) -> FundingMove:
        """Rises towards the larger side when the skew is large or funding points the other way; falls when it is small."""
        same_way = (saved > 0 and interest.long > interest.short) or (saved < 0 and interest.short > interest.long)
        with localcontext(prec=PRECISION):
            skew = interest.difference / interest.total
        if not same_way or skew > self.stable_above:
            return FundingMove.RISES
        return FundingMove.FALLS if skew < self.decrease_below else FundingMove.STAYS

    def following(self, saved: Decimal, interest: OpenInterest, seconds: Decimal) -> Decimal:
        """The saved factor per second after `seconds`, > 0 when longs pay (MarketUtils.sol:1480-1640)."""
        if not interest.total:
            return saved
        with localcontext(prec=PRECISION):
            match self.move(saved, interest):
                case FundingMove.RISES:
                    step = interest.difference / interest.total * self.increase * seconds
                    following = saved + (step if interest.long > interest.short else -step)
                case FundingMove.FALLS:
                    left = abs(saved) - self.decrease * seconds
                    following = (left if left > 0 else SMALLEST) * (1 if saved > 0 else -1)
                case FundingMove.STAYS:
                    following = saved
        return max(min(following, self.largest), -self.largest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One position: its size in dollars at entry and in tokens, and its collateral in dollars at the lower price."""

    size: Decimal
    tokens: Decimal
    collateral: Decimal
    is_long: bool

    def profit(self, price: Decimal) -> Decimal:
        """Dollars of profit at a price: the lower one for a long, the higher one for a short."""
        worth = self.tokens * price
        return worth - self.size if self.is_long else self.size - worth


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationTerms:
    """When a position is too thin: least dollars, least share of its size, and the most impact counted, a share of it."""

    minimum: Decimal
    factor: Decimal
    largest_impact: Decimal | None = None

    def counted(self, impact: Decimal, size: Decimal) -> Decimal:
        """The impact of closing that counts: none in the trader's favour, and no more than the largest."""
        against = min(impact, Decimal(0))
        return against if self.largest_impact is None else max(against, -size * self.largest_impact)


def is_liquidatable(
    holding: Holding, price: Decimal, *, fees: Decimal, impact: Decimal, terms: LiquidationTerms
) -> bool:
    """Is what remains too little: under the least collateral, nothing, or under a share of the size?

    `fees` are closing, borrowing and funding together, without the liquidation fee; `impact` is of closing whole, with
    what is pending, < 0 against the trader. Dollars. Source: contracts/position/PositionUtils.sol:316.
    """
    remaining = holding.collateral + holding.profit(price) + terms.counted(impact, holding.size) - fees
    return remaining < terms.minimum or remaining <= 0 or remaining < holding.size * terms.factor
