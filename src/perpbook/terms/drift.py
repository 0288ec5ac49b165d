"""Drift v2's own margin arithmetic, in its integers: ratios and weights that change with size, and what an account needs.

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
    """A perpetual market's margin rules. `max_price` is a prediction market's 1, else None."""

    initial_ratio: int
    maintenance_ratio: int
    imf: int = 0
    profit_imf: int = 0
    profit_weight: int = WEIGHT
    max_price: int | None = None

    def ratio(self, size: int, role: Role) -> int:
        """Margin over value for a base size (state/perp_market.rs:461)."""
        plain = role.of(self.initial_ratio, self.maintenance_ratio)
        return max(plain, size_premium(size, self.imf, plain))


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
        """Base if all bids fill or all asks do, whichever is the larger position."""
        up, down = self.base + self.bids, self.base + self.asks
        return up if abs(up) > abs(down) else down

    def profit(self) -> int:
        """Unrealised profit, money."""
        return self.quote + divided(self.base * self.price, BASE)

    def liability(self) -> int:
        """The worst case's value, in a prediction market what it can still lose; money at the higher quote price."""
        base, price = self.worst_case(), self.price
        if self.market.max_price is not None and base < 0:
            price = self.market.max_price - price
        return abs(base) * price // BASE * self.quote_price_high // PRICE

    def requirement(self, role: Role, custom_ratio: int = 0, per_order: int = 0) -> int:
        """Margin asked, money; `custom_ratio` is the user's own and counts in the initial role only."""
        ratio = self.market.ratio(abs(self.worst_case()), role)
        if role is Role.INITIAL:
            ratio = max(ratio, custom_ratio)
        return self.liability() * ratio // MARGIN + self.orders * per_order

    def weighted_profit(self, role: Role) -> int:
        """What the profit counts for; losses count in full."""
        profit = self.profit()
        weight = WEIGHT
        if role is Role.INITIAL:
            weight = profit_weight(profit, self.market.profit_imf, self.market.profit_weight)
        quote = self.quote_price_low if profit > 0 else self.quote_price_high
        weighted = divided(divided(profit * weight, WEIGHT) * quote, PRICE)
        return min(weighted, PROFIT_CAP) if role is Role.INITIAL else weighted


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

    def value(self, tokens: int) -> int:
        """Money that tokens are worth, signed."""
        return divided(tokens * (self.low if tokens > 0 else self.high), 10**self.decimals)

    def weighted(self, tokens: int, custom_ratio: int) -> int:
        """Money after weights, signed; the user's own ratio makes both weights stricter."""
        if self.is_quote:
            return self.value(tokens)
        held = min(self.asset_weight, max(WEIGHT - custom_ratio, 0)) if custom_ratio else self.asset_weight
        owed = max(self.liability_weight, WEIGHT + custom_ratio) if custom_ratio else self.liability_weight
        return divided(self.value(tokens) * (held if tokens > 0 else owed), WEIGHT)

    def worst_fill(self, custom_ratio: int) -> tuple[int, int, int]:
        """(weighted value, unweighted value, money the orders bring or cost) when the worse side of the orders fills."""
        fills = []
        for change in (self.bids, self.asks):
            tokens, cash = self.tokens + change, -self.value(change) if change else 0
            weighted = self.weighted(tokens, custom_ratio)
            fills.append((weighted + cash, weighted, self.value(tokens), cash))
        _, weighted, plain, cash = min(fills)
        return weighted, plain, cash


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

    def hold(self, amount: int, *, is_profit: bool = False) -> None:
        """Collateral; losses weigh heavier by the buffer."""
        self.collateral += amount
        extra = divided(amount * self.buffer, MARGIN) if is_profit and amount < 0 else 0
        self.collateral_plus_buffer += amount + extra

    def spot(self, position: SpotPosition, custom_ratio: int, per_order: int) -> None:
        """Add a spot position with its orders."""
        weighted, plain, cash = position.worst_fill(custom_ratio)
        self.need(position.orders * per_order, 0)
        for amount, value in ((weighted, plain), (cash, cash)):
            if amount > 0:
                self.hold(amount)
            elif amount < 0:
                self.need(-amount, -value)

    def perp(self, position: PerpPosition, role: Role, custom_ratio: int, per_order: int) -> None:
        """Add a perpetual position."""
        self.need(position.requirement(role, custom_ratio, per_order), position.liability())
        self.hold(position.weighted_profit(role), is_profit=True)


def new_average(rate: int, last_average: int, seconds: int, period: int) -> int:
    """A venue's rolling average after `seconds` at `rate`, with its bias of one unit (math/stats.rs)."""
    rest = max(1, period - seconds)
    if seconds == 0:
        return last_average
    new, old = rate * seconds, last_average * rest
    bias = (old > new) - (old < new) if rest > 1 else 0
    average = divided(new + old, seconds + rest)
    return average if average == 0 and bias < 0 else average + bias
