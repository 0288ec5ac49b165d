"""Where the book's money is: balances on layers, and what other accounts could give away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from perpbook.model.account import Account, MarginMode
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS, Market
from perpbook.scenario.table_reader import nearest
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.facts import Facts

LEAST_SHARE = 0.1
"""A pot smaller than this share of an account's equity is no rescue: it would hardly move the liquidation."""


CHANGE_COST = 5e-4
"""Of the amount: what changing one stablecoin into another on an exchange takes, fee and spread, beside their prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pot:
    """Money of one coin in one place: on a layer (`account` ""), or free collateral of an account, dollars."""

    name: str
    asset: str
    dollars: float
    layer: str = ""
    account: str = ""
    venue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pots:
    """All of the book's, and what cannot be counted on, in words."""

    pots: tuple[Pot, ...]
    notes: tuple[str, ...]


def pots_of(book: Book, market: Market, free: Mapping[str, float], facts: Facts) -> Pots:
    """Pots of a book as it stands; isolated accounts and coins without a price give nothing. free : dollars above initial
    margin, by account."""
    notes: list[str] = []
    pots = [*_on_layers(book, market, facts, notes), *_in_accounts(book, market, free, facts)]
    return Pots(pots=tuple(pots), notes=tuple(dict.fromkeys(notes)))


def _on_layers(book: Book, market: Market, facts: Facts, notes: list[str]) -> Iterator[Pot]:
    for one in book.layers:
        layer, asset = facts.layer_id(one.layer), one.balance.asset
        price = price_of(asset, market.asset_prices)
        if layer is None:
            notes.append(
                f'no route is known from "{one.layer}", where the book has {asset}: {nearest(one.layer, tuple(facts.layers))}'
            )
        elif price is None:
            notes.append(f"{asset} on {one.layer} has no price: it is not counted on")
        elif (amount := one.balance.amount - one.locked) > 0:
            yield Pot(name=facts.layers[layer].name, asset=asset, dollars=amount * price, layer=layer)


def _in_accounts(book: Book, market: Market, free: Mapping[str, float], facts: Facts) -> Iterator[Pot]:
    for account in book.accounts:
        if account.mode is not MarginMode.CROSS or account.venue not in facts.venues:
            continue
        held = [
            (one.amount * price, one.asset)
            for one in account.collateral
            if (price := price_of(one.asset, market.asset_prices)) is not None
        ]
        dollars, asset = max(held, default=(0.0, ""))
        dollars = min(dollars, free.get(account.id, 0.0))
        for coin in leaving(asset, facts, account.venue) if dollars > 0.0 else ():
            yield Pot(name=account.id, asset=coin, dollars=dollars, account=account.id, venue=account.venue)


def leaving(asset: str, facts: Facts, venue: str) -> tuple[str, ...]:
    """The coins as which money of an account can leave: an exchange that keeps its users' money changes one stablecoin into
    another, taken to be at par and at once."""
    keeper = facts.venues[facts.venues[venue].wallet or venue]
    others = [coin for coin in keeper.assets if coin in STABLECOINS and asset in STABLECOINS and coin != asset]
    return (asset, *others)


def settles(account: Account, terms: VenueTerms) -> set[str]:
    """The coins in which an account's gains and losses are paid."""
    return {find_contract(terms, one.symbol).contract.settle for one in account.positions} | {terms.settle}


def weight_of(asset: str, account: Account, terms: VenueTerms, facts: Facts) -> float:
    """What a coin sent to an account counts for in its margin, as a fraction of its price: 0 for nothing."""
    settled = settles(account, terms)
    if asset in settled:
        return 1.0
    keeper = facts.venues[facts.venues[account.venue].wallet or account.venue]
    if keeper.networks and asset in STABLECOINS and settled & STABLECOINS:
        return 1.0
    return terms.collateral[asset].maintenance_weight if asset in terms.collateral else 0.0


def price_of(asset: str, prices: Mapping[str, float]) -> float | None:
    """Dollars of a coin; a stablecoin without a price is one dollar."""
    return prices.get(asset, 1.0 if asset in STABLECOINS else None)
