"""Drift v2's own margin arithmetic, in its integers: ratios and weights that change with size, and a position's margin.

A whole account is in `terms.drift_account`.
Source: drift-labs/protocol-v2 @ 0ae3e3b1, programs/drift/src (math/margin.rs, state/perp_market.rs, state/spot_market.rs).
Money is 10^-6 USDC, base 10^-9, prices 10^-6, ratios and weights 10^-4, imf factors 10^-6. Divisions drop the remainder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import isqrt

MARGIN, WEIGHT, PRICE, BASE, QUOTE, IMF = 10**4, 10**4, 10**6, 10**9, 10**6, 10**6
PROFIT_CAP = 100 * QUOTE
"""Most unrealised profit of one position that counts towards initial margin."""


class Role(Enum):
    """What a requirement is asked for: opening, filling an order, or staying alive."""

    INITIAL = "initial"
    FILL = "fill"
    MAINTENANCE = "maintenance"

    def of(self, initial: int, maintenance: int) -> int:
        """The figure for this role; a fill stands half way."""
        if self is Role.FILL:
            return (initial + maintenance) // 2
        return initial if self is Role.INITIAL else maintenance


def divided(amount: int, by: int) -> int:
    """A quotient without its remainder, towards zero."""
    return -(-amount // by) if amount < 0 else amount // by


def size_premium(size: int, imf: int, ratio: int) -> int:
    """A liability's ratio or weight, raised by the square root of its size (math/margin.rs:47)."""
    if imf == 0:
        return ratio
    return max(ratio, ratio - ratio // 5 + isqrt(10 * size + 1) * imf // (100_000 * IMF // MARGIN))


def size_discount(size: int, imf: int, weight: int) -> int:
    """An asset's weight, lowered by the square root of its size (math/margin.rs:116)."""
    if imf == 0:
        return weight
    return min(weight, (IMF + IMF // 10) * WEIGHT // (IMF + isqrt(10 * size + 1) * imf // 100_000))


def base_size(tokens: int, decimals: int) -> int:
    """A token amount in the precision that size rules take, 10^-9."""
    size: int = abs(tokens) * BASE // 10**decimals
    return size


def scaled_initial_weight(weight: int, start: int, deposits: int, price: int, decimals: int) -> int:
    """A spot asset's initial weight once the venue holds more of it than `start` (money) (state/spot_market.rs:378).

    `deposits` is in the token's smallest units.
    """
    if start == 0:
        return weight
    value = deposits * price // 10**decimals
    return weight if value <= start else weight * start // value


def profit_weight(profit: int, imf: int, weight: int) -> int:
    """The weight of unrealised profit in initial margin (state/perp_market.rs get_unrealized_asset_weight)."""
    return size_discount(abs(profit) * BASE // QUOTE, imf, weight) if profit > 0 else WEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpMarket:
    """A perpetual market's margin rules.

    `profit_weight` is what unrealised profit counts for in the initial and fill roles, `kept_profit_weight` in
    maintenance. `max_price` is a prediction market's 1, else None.
    """

    initial_ratio: int
    maintenance_ratio: int
    imf: int = 0
    profit_imf: int = 0
    profit_weight: int = WEIGHT
    kept_profit_weight: int = WEIGHT
    max_price: int | None = None

    def ratio(self, size: int, role: Role) -> int:
        """Margin over value for a base size (state/perp_market.rs:461)."""
        plain = role.of(self.initial_ratio, self.maintenance_ratio)
        return max(plain, size_premium(size, self.imf, plain))

    def weight_of(self, profit: int, role: Role) -> int:
        """What unrealised profit counts for; a loss counts in full (state/perp_market.rs get_unrealized_asset_weight)."""
        if profit > 0 and role is Role.MAINTENANCE:
            return self.kept_profit_weight
        return profit_weight(profit, self.profit_imf, self.profit_weight)

    def at_risk(self, base: int, price: int) -> int:
        """A base amount's value, in a prediction market what it can still lose, rounded down (math/position.rs)."""
        if self.max_price is not None and base < 0:
            price = self.max_price - price
        return abs(base) * max(price, 0) // BASE


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpPosition:
    """A position: signed base, signed quote (what was paid is negative), open orders on both sides (asks negative)."""

    market: PerpMarket
    base: int
    price: int
    quote: int = 0
    bids: int = 0
    asks: int = 0
    orders: int = 0
    quote_price_low: int = PRICE
    quote_price_high: int = PRICE

    def worst_case(self) -> int:
        """Base if all asks fill or all bids do, whichever risks more; the asks when both risk the same (state/user.rs)."""
        up, down = self.base + self.bids, self.base + self.asks
        risk = self.market.at_risk
        return up if risk(up, self.price) > risk(down, self.price) else down

    def profit(self) -> int:
        """Unrealised profit, money."""
        return self.quote + divided(self.base * max(self.price, 0), BASE)

    def liability(self) -> int:
        """What the worst case risks, money at the higher quote price."""
        return self.market.at_risk(self.worst_case(), self.price) * self.quote_price_high // PRICE

    def requirement(self, role: Role, custom_ratio: int = 0, per_order: int = 0) -> int:
        """Margin asked, money; `custom_ratio` is the user's own and counts in the initial role only."""
        ratio = self.market.ratio(abs(self.worst_case()), role)
        if role is Role.INITIAL:
            ratio = max(ratio, custom_ratio)
        return self.liability() * ratio // MARGIN + self.orders * per_order

    def weighted_profit(self, role: Role) -> int:
        """What the profit counts for, rounded towards zero; losses count in full, at the higher quote price."""
        profit = self.profit()
        quote = self.quote_price_low if profit > 0 else self.quote_price_high
        weighted = divided(divided(profit * self.market.weight_of(profit, role), WEIGHT) * quote, PRICE)
        return min(weighted, PROFIT_CAP) if role is Role.INITIAL else weighted
