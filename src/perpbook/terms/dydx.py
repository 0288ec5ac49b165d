"""dYdX v4 margin in the chain's own integers: quantums, parts per million, ceilings and floors.

The account check works in floats; this is the exact chain it is held against, and what a figure to the last quantum
needs. A quote quantum is 1e-6 USDC, a base quantum `10^atomic_resolution` coins, a price `price 10^exponent` dollars,
a rate `_ppm` parts per million. Source: dydxprotocol/v4-chain, x/perpetuals and lib/margin at 84d4664.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from perpbook.errors import TermsError

MILLION = 1_000_000
QUOTE_RESOLUTION = -6


def multiply_ppm(amount: int, ppm: int) -> int:
    """`amount` times parts per million, rounded down (towards minus infinity)."""
    return amount * ppm // MILLION


def multiply_ppm_up(amount: int, ppm: int) -> int:
    """`amount` times parts per million, rounded up."""
    return -(-amount * ppm // MILLION)


def divide_towards_zero(numerator: int, denominator: int) -> int:
    """Integer quotient without its fraction; `denominator` > 0."""
    quotient = abs(numerator) // denominator
    return quotient if numerator >= 0 else -quotient


def shift_decimal(amount: int, places: int) -> int:
    """`amount 10^places`, the fraction dropped."""
    return amount * 10**places if places >= 0 else divide_towards_zero(amount, 10**-places)


@dataclass(frozen=True, slots=True, kw_only=True)
class OraclePrice:
    """A market's oracle price as the chain keeps it: dollars per coin are `price 10^exponent`."""

    atomic_resolution: int
    price: int
    exponent: int

    def net_notional(self, base_quantums: int) -> int:
        """Value of a signed size in quote quantums, the fraction dropped."""
        return shift_decimal(base_quantums * self.price, self.quote_places)

    @property
    def quote_places(self) -> int:
        """Quote quantums per base quantum are `price 10^quote_places`."""
        return self.atomic_resolution + self.exponent - QUOTE_RESOLUTION


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityTier:
    """A market's margin class. Caps are quote quantums of open notional; an upper cap of 0 turns scaling off."""

    initial_margin_ppm: int
    maintenance_fraction_ppm: int = 0
    open_interest_lower_cap: int = 0
    open_interest_upper_cap: int = 0

    @property
    def maintenance_margin_ppm(self) -> int:
        """Maintenance margin as parts per million of notional, rounded down (the funding clamps use it)."""
        return multiply_ppm(self.initial_margin_ppm, self.maintenance_fraction_ppm)

    def effective_initial_margin_ppm(self, open_notional: int, chosen_ppm: int = 0) -> int:
        """Initial margin fraction at an open notional, or the trader's own if that is higher (`chosen_ppm` 0: none)."""
        return max(self._scaled_ppm(open_notional), chosen_ppm)

    def initial_margin(self, notional: int, open_notional: int = 0, chosen_ppm: int = 0) -> int:
        """Initial margin of an absolute notional, rounded up."""
        return multiply_ppm_up(notional, self.effective_initial_margin_ppm(open_notional, chosen_ppm))

    def maintenance_margin(self, notional: int) -> int:
        """Maintenance margin of an absolute notional: two ceilings, and neither open interest nor leverage in it."""
        return multiply_ppm_up(multiply_ppm_up(notional, self.initial_margin_ppm), self.maintenance_fraction_ppm)

    def _scaled_ppm(self, open_notional: int) -> int:
        lower, upper = self.open_interest_lower_cap, self.open_interest_upper_cap
        if upper == 0 or open_notional <= lower:
            return self.initial_margin_ppm
        if open_notional >= upper:
            return MILLION
        room = MILLION - self.initial_margin_ppm
        return self.initial_margin_ppm + room * (open_notional - lower) // (upper - lower)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginState:
    """Net collateral and the two requirements, of a position or of a subaccount, in quote quantums."""

    net_collateral: int
    initial: int = 0
    maintenance: int = 0

    def __add__(self, other: MarginState) -> MarginState:
        """Both together: collateral and requirements add up."""
        return MarginState(
            net_collateral=self.net_collateral + other.net_collateral,
            initial=self.initial + other.initial,
            maintenance=self.maintenance + other.maintenance,
        )

    @property
    def meets_initial(self) -> bool:
        """Whether new risk is allowed."""
        return self.net_collateral >= self.initial

    @property
    def liquidatable(self) -> bool:
        """Whether anyone may liquidate: something is required, and there is less (equal is safe)."""
        return self.maintenance > 0 and self.net_collateral < self.maintenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A perpetual position as the chain sees it: signed base quantums, an oracle price and a tier."""

    base_quantums: int
    oracle: OraclePrice
    tier: LiquidityTier
    perpetual_id: int = 0
    open_interest: int = 0
    chosen_ppm: int = 0

    @property
    def state(self) -> MarginState:
        """The position's own net collateral (its signed notional) and requirements."""
        return self.resized(self.base_quantums)

    def resized(self, base_quantums: int) -> MarginState:
        """The same for another size."""
        net = self.oracle.net_notional(base_quantums)
        open_notional = self.oracle.net_notional(self.open_interest)
        return MarginState(
            net_collateral=net,
            initial=self.tier.initial_margin(abs(net), open_notional, self.chosen_ppm),
            maintenance=self.tier.maintenance_margin(abs(net)),
        )


def subaccount_state(quote_quantums: int, holdings: Iterable[Holding]) -> MarginState:
    """A subaccount's state: settled USDC plus its positions."""
    return sum((one.state for one in holdings), MarginState(net_collateral=quote_quantums))


def compare_risk(first: MarginState, second: MarginState) -> int:
    """1 when `first` is riskier, -1 when `second` is, 0 when they are alike.

    Riskier is the smaller net collateral per maintenance margin, compared by cross-multiplying so that nothing is
    rounded; at equal ratios the larger requirement, then the smaller collateral.
    """
    left = (second.net_collateral * first.maintenance, first.maintenance, second.net_collateral)
    right = (first.net_collateral * second.maintenance, second.maintenance, first.net_collateral)
    return (left > right) - (left < right)


def holding_of(holdings: Iterable[Holding], perpetual_id: int) -> Holding:
    """The position in one perpetual.

    Raises
    ------
    TermsError : the subaccount holds none.
    """
    for one in holdings:
        if one.perpetual_id == perpetual_id:
            return one
    raise TermsError(f"the subaccount holds no position in perpetual {perpetual_id}")
