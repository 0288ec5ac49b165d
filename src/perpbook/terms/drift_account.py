"""What a Drift v2 account needs and holds: spot balances with their orders, perpetual positions, the liquidation buffer.

Source: drift-labs/protocol-v2 @ 0ae3e3b1, programs/drift/src (math/margin.rs, math/spot_balance.rs, state/user.rs,
state/margin_calculation.rs). Units as in `terms.drift`. Token values round down, so that a debt weighs more; weights
applied to them drop the remainder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from perpbook.terms.drift import MARGIN, WEIGHT, PerpPosition, Role, divided


class Fill(NamedTuple):
    """A spot position after its orders filled: its value, its value after weights, and the money they bring or cost."""

    value: int
    weighted: int
    cash: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPosition:
    """Tokens held (> 0) or owed, in their smallest units, with open orders (asks negative).

    `low` and `high` are the prices an asset and a liability are valued at: one price, or the lower and the higher of
    price and average when the check is strict. `is_quote`: the settlement coin, counted whole.
    """

    tokens: int
    decimals: int
    low: int
    high: int
    asset_weight: int
    liability_weight: int
    is_quote: bool = False
    bids: int = 0
    asks: int = 0
    orders: int = 0

    def value(self) -> int:
        """Money that the tokens are worth without their orders, signed (math/spot_balance.rs get_strict_token_value)."""
        return int(self.tokens * (self.low if self.tokens > 0 else self.high) // 10**self.decimals)

    def weighted(self, value: int) -> int:
        """A value after the market's weights."""
        if self.is_quote:
            return value
        return divided(value * (self.asset_weight if value > 0 else self.liability_weight), WEIGHT)

    def filled(self, change: int) -> Fill:
        """What is there when orders for `change` tokens fill; orders are made at the higher price on both sides."""
        cash = int(-change * self.high // 10**self.decimals)
        value = self.value() - cash
        return Fill(value, self.weighted(value), cash)

    def worst_fill(self, custom_ratio: int) -> Fill:
        """The side of the orders that leaves less collateral, the asks when both leave the same (state/user.rs).

        The user's own ratio makes the weights stricter after the side is chosen, and has no part in the choice.
        """
        bid, ask = self.filled(self.bids), self.filled(self.asks)
        worse = ask if ask.weighted + ask.cash <= bid.weighted + bid.cash else bid
        return worse._replace(weighted=self.stricter(worse, custom_ratio))

    def stricter(self, fill: Fill, custom_ratio: int) -> int:
        """A fill's weighted value under the user's own ratio too (state/user.rs apply_user_custom_margin_ratio)."""
        if custom_ratio == 0 or self.is_quote:
            return fill.weighted
        if fill.weighted < 0:
            return divided(fill.value * max(self.liability_weight, WEIGHT + custom_ratio), WEIGHT)
        return divided(fill.value * min(self.asset_weight, max(WEIGHT - custom_ratio, 0)), WEIGHT)


@dataclass(slots=True)
class Tally:
    """Requirement and collateral as they add up; with a buffer (10^-4 of every liability) beside them."""

    buffer: int = 0
    requirement: int = 0
    requirement_plus_buffer: int = 0
    collateral: int = 0
    collateral_plus_buffer: int = 0

    def need(self, requirement: int, liability: int) -> None:
        """A requirement for a liability of this value."""
        self.requirement += requirement
        self.requirement_plus_buffer += requirement + liability * self.buffer // MARGIN

    def hold(self, amount: int) -> None:
        """Collateral; a loss weighs heavier by the buffer."""
        self.collateral += amount
        self.collateral_plus_buffer += amount + (divided(amount * self.buffer, MARGIN) if amount < 0 else 0)

    def spot(self, position: SpotPosition, custom_ratio: int, per_order: int) -> None:
        """Add a spot position with its orders."""
        fill = position.worst_fill(custom_ratio)
        self.need(position.orders * per_order, 0)
        for amount, value in ((fill.weighted, fill.value), (fill.cash, fill.cash)):
            if amount > 0:
                self.hold(amount)
            elif amount < 0:
                self.need(-amount, -value)

    def perp(self, position: PerpPosition, role: Role, custom_ratio: int, per_order: int) -> None:
        """Add a perpetual position."""
        self.need(position.requirement(role, custom_ratio, per_order), position.liability())
        self.hold(position.weighted_profit(role))
