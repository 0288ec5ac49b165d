"""Which price moves what: the price columns of a book, and the price in each of them now.

A linear position reads its own contract's price. An inverse position and its coin collateral read the coin's price on
that venue, so that both move together, as they do in the venue's own coin accounting.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from perpbook.errors import MissingData
from perpbook.margin.assessment import Caution
from perpbook.model.market import STABLECOINS, Market, Quote
from perpbook.terms.terms import ContractTerms, PriceSource, VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One price driver: a contract (`symbol`) or a coin (`symbol` None) of `asset` on a venue."""

    venue: str
    asset: str
    symbol: str | None


@dataclass(slots=True)
class Columns:
    """Columns in order of first use, their prices in dollars, and what was assumed on the way."""

    market: Market
    index: dict[Column, int] = field(default_factory=dict)
    prices: list[float] = field(default_factory=list)
    cautions: dict[str, Caution] = field(default_factory=dict)

    def of(self, column: Column, price: float) -> int:
        """The column's number; its price is the first one given for it."""
        if column not in self.index:
            self.index[column] = len(self.prices)
            self.prices.append(price)
        return self.index[column]

    def caution(self, code: str, message: str) -> None:
        """Note something the reader must know, once."""
        self.cautions.setdefault(message, Caution(code=code, message=message))


def quote_of(market: Market, venue: str, symbol: str) -> Quote | None:
    """The market's quote for a contract, or None."""
    return market.quotes.get((venue, symbol))


def risk_price(columns: Columns, terms: VenueTerms, contract: ContractTerms) -> float:
    """The price the venue margins this contract on; MissingData when the book has none."""
    symbol = contract.contract.symbol
    quote = quote_of(columns.market, terms.venue, symbol)
    price = None
    if quote is not None:
        price = quote.oracle_price if terms.risk_price is PriceSource.ORACLE else quote.mark_price
        if price is None and terms.risk_price is PriceSource.ORACLE and quote.mark_price is not None:
            columns.caution(
                "price", f"{terms.name} margins on its oracle price; {symbol} has only a mark price, used instead"
            )
            price = quote.mark_price
        if terms.risk_price is PriceSource.MIN_MAX:
            columns.caution("price", f"{terms.name} margins on bid and ask; {symbol} has one price, used for both")
    if price is None:
        raise MissingData(
            f"no {terms.risk_price.value} price for {symbol} on {terms.venue}: "
            f"add it under [[markets]] in the book, or give a market file with --market"
        )
    return price


def coin_price(columns: Columns, asset: str, contract_price: float | None = None) -> float:
    """Dollars per coin: the market's own asset price, else par for a stablecoin, else the contract's price, else MissingData."""
    market = columns.market
    if asset in market.asset_prices:
        return market.asset_prices[asset]
    if asset in STABLECOINS:
        columns.caution("par", f"{asset} is counted at 1 dollar: the book gives no price for it")
        return 1.0
    if contract_price is not None:
        return contract_price
    raise MissingData(f"no dollar price for {asset}: add `{asset} = …` under [prices] in the book")
