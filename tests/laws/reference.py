"""Margin the slow way: exact fractions, one position at a time, straight from the terms and nothing of the kernels.

It shares no code with `perpbook.margin` or `perpbook.kernels`: tiers are looked up, not maximised over; contracts are
valued in the currency they settle in, not as lines in a price.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from perpbook.model.account import Account, MarginMode, Position
from perpbook.model.market import STABLECOINS, Market, Snapshot
from perpbook.terms.terms import CloseFeeBasis, ContractTerms, TierMode, TierUnit, VenueTerms

Prices = Mapping[tuple[str, str], Fraction]
"""By (venue, symbol) the price of a contract, quote per base; by (venue, "coin:BTC") the dollars in a coin there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Equity and maintenance margin in dollars; `weight` is the sum of the sizes of all terms, to scale errors by."""

    equity: Fraction
    maintenance: Fraction
    weight: Fraction

    @property
    def surplus(self) -> Fraction:
        return self.equity - self.maintenance


def exact(value: float) -> Fraction:
    return Fraction(float(value))


def settled_notional(terms: ContractTerms, size: Fraction, price: Fraction) -> Fraction:
    return size / price if terms.contract.is_inverse else size * price


def tier_size(terms: ContractTerms, size: Fraction, price: Fraction) -> Fraction:
    """|quantity| in the unit that the tiers are bounded in."""
    if terms.tiers.unit is TierUnit.CONTRACTS:
        return size / exact(terms.contract.contract_size)
    if terms.contract.is_inverse:
        return size / price
    return size if terms.tiers.unit is TierUnit.BASE else size * price


def tier_number(terms: ContractTerms, size: Fraction) -> int:
    reached = 0
    for number, tier in enumerate(terms.tiers.tiers):
        lower = exact(tier.lower)
        if size > lower or (size == lower and not terms.tiers.upper_inclusive):
            reached = number
    return reached


def initial_fraction(terms: ContractTerms, position: Position, price: Fraction, interest: Fraction) -> Fraction:
    """What the venue asks to open: its tier, its open interest, the size, and the user's own leverage."""
    size = abs(exact(position.quantity))
    tier = terms.tiers.tiers[tier_number(terms, tier_size(terms, size, price))]
    asked = premium(terms, exact(tier.initial_margin_fraction), size)
    scaling = terms.open_interest_scaling
    if scaling is not None:
        lower, upper = exact(scaling.lower), exact(scaling.upper)
        crowded = min(max((interest - lower) / (upper - lower), Fraction(0)), Fraction(1))
        asked = asked + (1 - asked) * crowded
    if terms.size_slope is not None:
        base = size / price if terms.contract.is_inverse else size
        asked += exact(terms.size_slope.initial_per_unit) * base
    return max(asked, 1 / exact(position.leverage)) if position.leverage else asked


def premium(terms: ContractTerms, fraction: Fraction, size: Fraction) -> Fraction:
    if terms.size_sqrt_fraction == 0:
        return fraction
    grown = Fraction(4, 5) * fraction + exact(terms.size_sqrt_fraction) * exact(math.sqrt(size))
    return max(fraction, grown)


def fee_fraction(terms: ContractTerms, position: Position, initial: Fraction) -> Fraction:
    fee = terms.close_fee
    if fee is None:
        return Fraction(0)
    if fee.basis is CloseFeeBasis.NOTIONAL:
        return exact(fee.rate)
    side = 1 if position.quantity > 0 else -1
    leverage = exact(position.leverage) if position.leverage else 1 / initial
    return exact(fee.rate) * (1 - side / leverage)


def maintenance(
    terms: ContractTerms, position: Position, mode: MarginMode, price: Fraction, initial: Fraction
) -> Fraction:
    """Maintenance margin in the settle currency at a contract price: the tier's rate on all, less what it leaves out.

    A least collateral must be left after the fee to close (GMX: contracts/position/PositionUtils.sol:316).

    `initial` is the initial margin fraction at the price now, which a bankruptcy fee is reckoned by.
    """
    size = abs(exact(position.quantity))
    if size == 0:
        return Fraction(0)
    price = margin_price(terms, position, mode, price)
    notional, measured = settled_notional(terms, size, price), tier_size(terms, size, price)
    number = tier_number(terms, measured)
    fee = fee_fraction(terms, position, initial)
    rate = premium(terms, exact(terms.tiers.tiers[number].maintenance_margin_fraction), size)
    need = rate * notional
    if terms.tiers.mode is TierMode.MARGINAL:
        need -= left_out(terms, number) * notional / measured
    if terms.size_slope is not None:
        base = size / price if terms.contract.is_inverse else size
        need += exact(terms.size_slope.maintenance_per_unit) * base * notional
    return max(need, exact(terms.minimum_collateral)) + fee * notional


def margin_price(terms: ContractTerms, position: Position, mode: MarginMode, price: Fraction) -> Fraction:
    """The price margin is taken at: some venues take an isolated position's at its entry price, whatever the mark."""
    frozen = terms.isolated_margin_on_entry and mode is MarginMode.ISOLATED
    return exact(position.entry_price) if frozen else price


def left_out(terms: ContractTerms, number: int) -> Fraction:
    """The deduction at a tier: what its own rate would charge too much on every tier below it."""
    tiers = terms.tiers.tiers
    rate = exact(tiers[number].maintenance_margin_fraction)
    return sum(
        (
            (rate - exact(low.maintenance_margin_fraction)) * (exact(high.lower) - exact(low.lower))
            for low, high in pairwise(tiers[: number + 1])
        ),
        Fraction(0),
    )


def prices_now(snapshot: Snapshot, terms: Mapping[str, VenueTerms]) -> dict[tuple[str, str], Fraction]:
    """Every price that the accounts read, by name."""
    market, out = snapshot.market, {}
    for account in snapshot.book.accounts:
        for position in account.positions:
            contract = terms[account.venue].contracts[position.symbol].contract
            mark = exact(contract_price(market, terms[account.venue], position.symbol))
            out[account.venue, position.symbol] = mark
            if contract.is_inverse:
                own = market.asset_prices.get(contract.settle)
                out[account.venue, f"coin:{contract.settle}"] = mark if own is None else exact(own)
        for balance in account.collateral:
            key = account.venue, f"coin:{balance.asset}"
            if balance.asset not in STABLECOINS and key not in out:
                out[key] = exact(market.asset_prices[balance.asset])
    return out


def contract_price(market: Market, terms: VenueTerms, symbol: str) -> float:
    quote = market.quotes[terms.venue, symbol]
    price = quote.oracle_price if terms.risk_price.value == "oracle" else quote.mark_price
    assert price is not None
    return price


def standing(
    account: Account, terms: VenueTerms, market: Market, now: Prices, prices: Prices | None = None
) -> Standing:
    """An account at `prices` (as `now` unless given). An inverse contract's price follows its coin's."""
    prices = now if prices is None else prices
    equity, need, weight = collateral_value(account, terms, market, prices)
    for position in account.positions:
        contract = terms.contracts[position.symbol]
        inverse = contract.contract.is_inverse
        was = now[account.venue, position.symbol]
        quote = market.quotes[account.venue, position.symbol]
        interest = exact(quote.open_interest or 0.0) * was
        initial = initial_fraction(contract, position, was, interest)
        quantity, entry = exact(position.quantity), exact(position.entry_price)
        if inverse:
            coin_key = account.venue, f"coin:{contract.contract.settle}"
            coin, price = prices[coin_key], was * prices[coin_key] / now[coin_key]
            parts = (quantity / entry * coin, -quantity / price * coin)
        else:
            coin, price = Fraction(1), prices[account.venue, position.symbol]
            parts = (quantity * price, -quantity * entry)
        own = maintenance(contract, position, account.mode, price, initial) * coin
        equity, need = equity + sum(parts), need + own
        weight += sum(abs(part) for part in parts) + own
    return Standing(equity=equity, maintenance=need, weight=weight)


def collateral_value(
    account: Account, terms: VenueTerms, market: Market, prices: Prices
) -> tuple[Fraction, Fraction, Fraction]:
    """Dollars of collateral after haircuts, nothing needed for it, and its gross size."""
    settled = {terms.contracts[one.symbol].contract.settle for one in account.positions}
    equity = weight = Fraction(0)
    for balance in account.collateral:
        if balance.asset in STABLECOINS:
            price = exact(market.asset_prices.get(balance.asset, 1.0))
        else:
            price = prices[account.venue, f"coin:{balance.asset}"]
        haircut = Fraction(1)
        if balance.amount > 0 and balance.asset != terms.settle and balance.asset not in settled:
            listed = terms.collateral.get(balance.asset)
            haircut = exact(listed.maintenance_weight) if listed else Fraction(0)
        value = exact(balance.amount) * price * haircut
        equity, weight = equity + value, weight + abs(value)
    return equity, Fraction(0), weight
