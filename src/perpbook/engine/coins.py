"""Coins in a run: the coin that an account's margin is reckoned in, and coins beside it that no contract prices.

A stablecoin counts as a dollar of its account, unless the run has a series of it: `USDE in USDT` on a venue prices USDE in an
account that is reckoned in USDT. Then it is a coin like any other: its weight times its price.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from perpbook.errors import MissingData
from perpbook.model.account import Account, Balance
from perpbook.model.bars import Bars, SeriesKey
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms

DOLLAR = "USD"
PRICED = " in "
"""Between a coin and what it is priced in, in the symbol of its series: no contract's symbol has it."""


def unit_of(account: Account, venue: VenueTerms) -> str:
    """The coin that an account's margin is reckoned in: what its contracts settle in where that is one stablecoin, else what
    its venue settles in, dollars where that is no stablecoin."""
    found = (find_contract(venue, one.symbol).contract.settle for one in account.positions)
    settles = [coin for coin in dict.fromkeys(found) if coin in STABLECOINS]
    if len(settles) == 1:
        return settles[0]
    return venue.settle if venue.settle in STABLECOINS else DOLLAR


def coin_series(venue: str, coin: str, unit: str) -> SeriesKey:
    """The series that prices a coin in an account's own."""
    return SeriesKey(venue=venue, symbol=f"{coin}{PRICED}{unit}")


def is_coin(key: SeriesKey) -> bool:
    """Whether a series prices a coin, and no contract."""
    return PRICED in key.symbol


def coin_and_unit(key: SeriesKey) -> tuple[str, str]:
    """What a coin's series prices, in what."""
    coin, _, unit = key.symbol.partition(PRICED)
    return coin, unit


def columns_by_asset(bars: Bars, terms: Mapping[str, VenueTerms]) -> dict[str, int]:
    """By asset, the column of its first contract."""
    out: dict[str, int] = {}
    for column, key in enumerate(bars.series):
        if not is_coin(key):
            out.setdefault(find_contract(terms[key.venue], key.symbol).contract.base, column)
    return out


def named(coin: str, coins: Collection[str]) -> bool:
    """Whether a coin is among others, however they are spelled."""
    return coin.upper() in {one.upper() for one in coins}


def coins_beside(
    book: Book, terms: Mapping[str, VenueTerms], contracts: Collection[SeriesKey], fallen: Collection[str]
) -> tuple[SeriesKey, ...]:
    """A series for every coin that counts as collateral beside an account's own and no contract prices: stablecoins where
    either is among the `fallen`, others always."""
    bases = {find_contract(terms[key.venue], key.symbol).contract.base for key in contracts}
    out = []
    for account in book.accounts:
        venue, unit = terms[account.venue], unit_of(account, terms[account.venue])
        for balance in account.collateral:
            if balance.asset in STABLECOINS:
                off = named(balance.asset, fallen) or named(unit, fallen)
                wanted = balance.asset != unit and off
            else:
                wanted = balance.asset not in bases and counts_as_margin(venue, balance)
            if wanted:
                out.append(coin_series(account.venue, balance.asset, unit))
    return tuple(dict.fromkeys(out))


def counts_as_margin(venue: VenueTerms, balance: Balance) -> bool:
    """Whether a coin in an account counts for anything by the venue's terms."""
    weighs = balance.asset in venue.collateral and venue.collateral[balance.asset].maintenance_weight > 0.0
    return balance.amount < 0.0 or weighs or balance.asset == venue.settle


def coin_column(bars: Bars, venue: str, asset: str) -> int:
    """A series that prices a coin: a contract on it, the same venue's first."""
    bases = [number for number, key in enumerate(bars.series) if _base_of(key.symbol) == asset]
    same = [number for number in bases if bars.series[number].venue == venue]
    if not bases:
        raise MissingData(f"{asset} is collateral and has no series to price it: add one to the run")
    return (same or bases)[0]


def _base_of(symbol: str) -> str:
    for separator in ("-", "/", "_"):
        symbol = symbol.split(separator)[0]
    for quote in ("USDT", "USDC", "USD"):
        if symbol.endswith(quote) and symbol != quote:
            symbol = symbol[: -len(quote)]
    return "BTC" if symbol == "XBT" else symbol
