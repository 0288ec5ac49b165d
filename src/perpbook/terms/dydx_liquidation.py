"""What a dYdX v4 liquidation costs: bankruptcy and fillable prices, the insurance fund's part, how much at a time.

Integers as in `terms.dydx`. A delta is the signed size the liquidation adds, always against the position. Source:
dydxprotocol/v4-chain, x/clob/keeper/liquidations.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from perpbook.errors import TermsError
from perpbook.terms.dydx import (
    MILLION,
    QUOTE_RESOLUTION,
    Holding,
    MarginState,
    holding_of,
    multiply_ppm,
    shift_decimal,
    subaccount_state,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subaccount:
    """A subaccount in quantums: settled USDC and its positions."""

    quote_quantums: int
    holdings: Sequence[Holding]

    @property
    def state(self) -> MarginState:
        """Net collateral and requirements of the whole."""
        return subaccount_state(self.quote_quantums, self.holdings)


def bankruptcy_price(account: Subaccount, perpetual_id: int, delta: int) -> int:
    """Quote quantums the account must get for `delta` to lose exactly its share of collateral; negative: it pays.

    The share is by maintenance margin, and is rounded against the account.
    """
    holding = holding_of(account.holdings, perpetual_id)
    _check_delta(holding, delta)
    total, before, after = account.state, holding.state, holding.resized(holding.base_quantums + delta)
    freed = before.maintenance - after.maintenance
    share = total.net_collateral * freed // _requirement(total)
    return before.net_collateral - after.net_collateral - share


def fillable_price(
    account: Subaccount, perpetual_id: int, *, bankruptcy_adjustment_ppm: int, spread_to_maintenance_ppm: int
) -> Fraction:
    """The worst price the liquidation order may fill at, quote quantums per base quantum.

    The oracle price less a spread that opens from 0 at the requirement to the full share of it at bankruptcy.
    """
    holding = holding_of(account.holdings, perpetual_id)
    total, own = account.state, holding.state
    if holding.base_quantums == 0:
        raise TermsError(f"the position in perpetual {perpetual_id} is empty: it has no fillable price")
    shortfall = 1 - Fraction(total.net_collateral, _requirement(total))
    rating = min(max(shortfall * bankruptcy_adjustment_ppm / MILLION, Fraction(0)), Fraction(1))
    spread = rating * own.maintenance * spread_to_maintenance_ppm / MILLION
    return (own.net_collateral - spread) / holding.base_quantums


def dollars_per_coin(price: Fraction, atomic_resolution: int) -> Fraction:
    """A price in quote quantums per base quantum as dollars per coin."""
    return price * Fraction(10) ** (QUOTE_RESOLUTION - atomic_resolution)


def fill_quote_quantums(subticks: int, base_quantums: int, conversion_exponent: int) -> int:
    """What an unsigned fill is worth in quote quantums, rounded down."""
    return shift_decimal(subticks * base_quantums, conversion_exponent)


def insurance_fund_delta(
    account: Subaccount, perpetual_id: int, *, delta: int, quote_quantums: int, max_fee_ppm: int
) -> int:
    """What a fill moves into the insurance fund; negative when the fund pays.

    `quote_quantums` is the unsigned value of the fill. Above the bankruptcy price the fund takes what is left, at most
    the fee; below it the fund covers the difference.
    """
    received = -quote_quantums if delta > 0 else quote_quantums
    left = received - bankruptcy_price(account, perpetual_id, delta)
    return left if left <= 0 else min(left, multiply_ppm(quote_quantums, max_fee_ppm))


def liquidatable_notional(holding: Holding, *, minimum: int, largest_portion_ppm: int) -> tuple[int, int]:
    """Least and most notional one block may liquidate of a position, quote quantums."""
    notional = abs(holding.state.net_collateral)
    least = min(minimum, notional)
    return least, max(least, multiply_ppm(notional, largest_portion_ppm))


def _check_delta(holding: Holding, delta: int) -> None:
    if delta * holding.base_quantums >= 0 or abs(delta) > abs(holding.base_quantums):
        raise TermsError(
            f"a liquidation of {delta} base quantums does not shrink the position of {holding.base_quantums} "
            f"in perpetual {holding.perpetual_id}"
        )


def _requirement(total: MarginState) -> int:
    if total.maintenance <= 0:
        raise TermsError("the subaccount has no maintenance requirement: it cannot be liquidated")
    return total.maintenance
