"""The same situation told otherwise: other names, another order, other units of money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book
from perpbook.model.market import Depth, Market, Quote
from perpbook.terms.terms import ContractTerms, TierUnit, VenueTerms
from tests.laws.strategies import Situation


def renamed(thing: Any, names: Mapping[str, str]) -> Any:
    """Any value with every string that is a key of `names` replaced, all the way down."""
    if isinstance(thing, str):
        return names.get(thing, thing)
    if isinstance(thing, Enum):
        return thing
    if is_dataclass(thing) and not isinstance(thing, type):
        return replace(thing, **{one.name: renamed(getattr(thing, one.name), names) for one in fields(thing)})
    if isinstance(thing, Mapping):
        return {renamed(key, names): renamed(value, names) for key, value in thing.items()}
    if isinstance(thing, tuple):
        return tuple(renamed(one, names) for one in thing)
    return thing


def permuted(found: Situation, order: Callable[[list[Any]], list[Any]]) -> Situation:
    """Accounts, and the positions and balances in each, in another order."""
    accounts = [
        replace(
            account,
            positions=tuple(order(list(account.positions))),
            collateral=tuple(order(list(account.collateral))),
        )
        for account in found.accounts
    ]
    book = replace(found.snapshot.book, accounts=tuple(order(accounts)))
    return replace(found, snapshot=replace(found.snapshot, book=book))


def grown(found: Situation, *, price: float = 1.0, size: float = 1.0) -> Situation:
    """Every price `price` times as high and every quantity `size` times as large; money is then both times as much.

    The rules are restated in the new units. An inverse quantity is quote money, and coins are quantities.
    """
    money = price * size
    terms = {name: _terms(venue, price, size) for name, venue in found.terms.items()}
    book, market = found.snapshot.book, found.snapshot.market
    grown_market = Market(
        as_of_ns=market.as_of_ns,
        source=market.source,
        quotes={key: _quote(quote, price, size) for key, quote in market.quotes.items()},
        asset_prices={asset: value * price for asset, value in market.asset_prices.items()},
        betas=market.betas,
    )
    grown_book = Book(
        as_of_ns=book.as_of_ns,
        source=book.source,
        accounts=tuple(_account(account, found.terms[account.venue], price, size) for account in book.accounts),
        layers=tuple(replace(one, balance=_balance(one.balance, money, size)) for one in book.layers),
        transfers=tuple(replace(one, amount=one.amount * money) for one in book.transfers),
    )
    return Situation(replace(found.snapshot, book=grown_book, market=grown_market), terms)


def _balance(balance: Balance, money: float, size: float) -> Balance:
    dollars = balance.asset in ("USDC", "USDT", "USD")
    return replace(balance, amount=balance.amount * (money if dollars else size))


def _account(account: Account, terms: VenueTerms, price: float, size: float) -> Account:
    def position(one: Position) -> Position:
        inverse = terms.contracts[one.symbol].contract.is_inverse
        quantity = one.quantity * (price * size if inverse else size)
        return replace(one, quantity=quantity, entry_price=one.entry_price * price)

    return replace(
        account,
        positions=tuple(position(one) for one in account.positions),
        collateral=tuple(_balance(one, price * size, size) for one in account.collateral),
    )


def _quote(quote: Quote, price: float, size: float) -> Quote:
    def times(value: float | None, factor: float) -> float | None:
        return None if value is None else value * factor

    def levels(side: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        return tuple((at * price, quantity * size) for at, quantity in side)

    return replace(
        quote,
        mark_price=times(quote.mark_price, price),
        oracle_price=times(quote.oracle_price, price),
        open_interest=times(quote.open_interest, size),
        depth=None if quote.depth is None else Depth(bids=levels(quote.depth.bids), asks=levels(quote.depth.asks)),
    )


def _terms(venue: VenueTerms, price: float, size: float) -> VenueTerms:
    return replace(venue, contracts={key: _contract(one, price, size) for key, one in venue.contracts.items()})


def _contract(terms: ContractTerms, price: float, size: float) -> ContractTerms:
    inverse, money = terms.contract.is_inverse, price * size
    unit = {
        TierUnit.NOTIONAL: size if inverse else money,
        TierUnit.BASE: size,
        TierUnit.CONTRACTS: money if inverse else size,
    }[terms.tiers.unit]
    scaling, slope = terms.open_interest_scaling, terms.size_slope
    return replace(
        terms,
        tiers=replace(terms.tiers, tiers=tuple(replace(tier, lower=tier.lower * unit) for tier in terms.tiers.tiers)),
        open_interest_scaling=replace(scaling, lower=scaling.lower * money, upper=scaling.upper * money)
        if scaling
        else None,
        size_slope=replace(
            slope,
            initial_per_unit=slope.initial_per_unit / size,
            maintenance_per_unit=slope.maintenance_per_unit / size,
        )
        if slope
        else None,
        size_sqrt_fraction=terms.size_sqrt_fraction / size**0.5,
        minimum_collateral=terms.minimum_collateral * money,
    )
