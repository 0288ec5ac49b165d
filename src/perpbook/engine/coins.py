"""Coins in a run: the coin that an account's margin is reckoned in, and stablecoins beside it that may leave their peg.

A stablecoin counts as a dollar of its account, unless the run has a series of it: `USDE/USDT` on a venue prices USDE in an
account that is reckoned in USDT. Then it is a coin like any other: its weight times its price.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from perpbook.errors import MissingData
from perpbook.model.account import Account
from perpbook.model.bars import Bars, SeriesKey
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms

DOLLAR = "USD"


def unit_of(account: Account, venue: VenueTerms) -> str:
    """The coin that an account's margin is reckoned in: what its contracts settle in where that is one stablecoin, else what
    its venue settles in, dollars where that is no stablecoin."""
    found = (find_contract(venue, one.symbol).contract.settle for one in account.positions)
    settles = [coin for coin in dict.fromkeys(found) if coin in STABLECOINS]
    if len(settles) == 1:
        return settles[0]
    return venue.settle if venue.settle in STABLECOINS else DOLLAR


def coin_series(venue: str, coin: str, unit: str) -> SeriesKey:
    """The series that prices a stablecoin in another."""
    return SeriesKey(venue=venue, symbol=f"{coin}/{unit}")


def is_coin(key: SeriesKey) -> bool:
    """Whether a series prices a stablecoin, and no contract."""
    coin, _, unit = key.symbol.partition("/")
    return coin in STABLECOINS and unit in STABLECOINS


def named(coin: str, coins: Collection[str]) -> bool:
    """Whether a coin is among others, however they are spelled."""
    return coin.upper() in {one.upper() for one in coins}


def coins_off(book: Book, terms: Mapping[str, VenueTerms], fallen: Collection[str]) -> tuple[SeriesKey, ...]:
    """A series for every stablecoin held beside an account's own where either is among the `fallen`."""
    return tuple(dict.fromkeys(_off(book, terms, fallen)))


def _off(book: Book, terms: Mapping[str, VenueTerms], fallen: Collection[str]) -> Iterator[SeriesKey]:
    for account in book.accounts:
        unit = unit_of(account, terms[account.venue])
        for balance in account.collateral:
            beside = balance.asset in STABLECOINS and balance.asset != unit
            if beside and (named(balance.asset, fallen) or named(unit, fallen)):
                yield coin_series(account.venue, balance.asset, unit)


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
