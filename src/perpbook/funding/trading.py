"""Trades of a plan on a book as it stands: what they cost, and the book and market after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from perpbook.ledger.apply import apply
from perpbook.margin.arrays import levels_lost, price_lost
from perpbook.margin.columns import Columns, coin_price, risk_price
from perpbook.model.account import Account
from perpbook.model.book import Book
from perpbook.model.event import Event, EventKind
from perpbook.model.market import Quote, Snapshot
from perpbook.model.trade import Trade
from perpbook.terms.find import find_contract
from perpbook.terms.terms import ContractTerms, VenueTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What trading costs where the book file gives no depth: half the spread, a fraction of price; of coins their fee, and half
    their spread."""

    half_spread: float = 1e-4
    spot_fee: float = 1e-3
    spot_spread: float = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Coins bought (> 0) into an account with its own money, dollars."""

    account: str
    asset: str
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Dollars sent from an account to another: `seconds` until they arrive nine times in ten, `fee` dollars, over what; None
    where no route is known."""

    source: str
    destination: str
    dollars: float
    seconds: float | None = None
    fee: float = 0.0
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A book after a plan: what it cost, dollars, and what had to be assumed."""

    snapshot: Snapshot
    cost: float
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A book, its terms, and what trading costs."""

    snapshot: Snapshot
    terms: Mapping[str, VenueTerms]
    prices: Prices = Prices()

    def account(self, name: str) -> Account:
        """The account of that name."""
        return next(one for one in self.snapshot.book.accounts if one.id == name)

    def contract(self, account: str, symbol: str) -> ContractTerms:
        """A contract of an account's venue."""
        return find_contract(self.terms[self.account(account).venue], symbol)

    def price(self, account: str, symbol: str) -> float:
        """What the venue margins a contract on; the coin's own price where the book gives none."""
        venue, contract = self.terms[self.account(account).venue], self.contract(account, symbol)
        columns = Columns(market=self.snapshot.market)
        if (venue.venue, symbol) in self.snapshot.market.quotes:
            return risk_price(columns, venue, contract)
        return coin_price(columns, contract.contract.base, self.any_price(contract.contract.base))

    def any_price(self, asset: str) -> float | None:
        """A price of the asset's on any of the book's venues."""
        for (venue, symbol), quote in self.snapshot.market.quotes.items():
            known = self.terms[venue].contracts.get(symbol) if venue in self.terms else None
            if known is not None and known.contract.base == asset:
                return quote.mark_price or quote.oracle_price
        return None

    def quantity(self, account: str, symbol: str, dollars: float) -> float:
        """Signed dollars of exposure as a quantity, in whole lots towards zero."""
        contract = self.contract(account, symbol).contract
        quantity = dollars if contract.is_inverse else dollars / self.price(account, symbol)
        lots = int(abs(quantity) / contract.lot_size * (1.0 + 1e-12)) if contract.lot_size > 0.0 else 0
        size = round(lots * contract.lot_size, 12) if contract.lot_size > 0.0 else abs(quantity)
        return size if quantity > 0.0 else -size

    def slippage(self, trade: Trade) -> tuple[float, bool]:
        """The fraction of price that a trade loses, and whether depth was known."""
        levels = self.levels(trade)
        if not levels:
            return self.prices.half_spread, False
        price = self.price(trade.account, trade.symbol)
        inverse = self.contract(trade.account, trade.symbol).contract.is_inverse
        base = abs(trade.quantity) / price if inverse else abs(trade.quantity)
        return price_lost(levels, base, price, selling=trade.quantity < 0), True

    def cost(self, trade: Trade) -> float:
        """Fee and slippage of a trade, dollars."""
        return self.notional(trade) * (self.slippage(trade)[0] + self.fee(trade.account))

    def reach(self, trade: Trade, loss: float, share: float) -> float | None:
        """The most dollars that a trade's side takes with no more than `loss` of price lost on average, and no more than `share`
        of what rests there; None where the book file gives no depth."""
        levels = self.levels(trade)
        if not levels:
            return None
        price = self.price(trade.account, trade.symbol)
        lost = levels_lost(levels, price, selling=trade.quantity < 0)
        taken, paid, dollars = 0.0, 0.0, 0.0
        for (at, quantity), each in zip(levels, lost.tolist(), strict=True):
            part = quantity if each <= loss else min(quantity, (loss * taken - paid) / (each - loss))
            taken, paid, dollars = taken + part, paid + part * each, dollars + part * at
            if part < quantity:
                break
        return min(dollars, share * sum(at * quantity for at, quantity in levels))

    def levels(self, trade: Trade) -> tuple[tuple[float, float], ...]:
        """What rests on the side that a trade takes, best first."""
        quote = self.snapshot.market.quotes.get((self.account(trade.account).venue, trade.symbol))
        depth = quote.depth if quote else None
        return () if depth is None else (depth.asks if trade.quantity > 0 else depth.bids)

    def fee(self, account: str) -> float:
        """The taker fee of an account's venue at its dearest tier, a fraction of notional; a rebate counts as none."""
        tiers = self.terms[self.account(account).venue].fees
        return max(tiers[0].taker_fee_rate, 0.0) if tiers else 0.0

    def notional(self, trade: Trade) -> float:
        """Dollars that a trade moves."""
        inverse = self.contract(trade.account, trade.symbol).contract.is_inverse
        return abs(trade.quantity) * (1.0 if inverse else self.price(trade.account, trade.symbol))

    def after(self, trades: Sequence[Trade], coins: Sequence[Spot] = (), money: Money | None = None) -> Done:
        """The book once every trade is made at its price after slippage, fees paid, coins bought, money arrived."""
        snapshot, cost, assumed = self.snapshot, 0.0, []
        if money is not None:
            snapshot, cost = replace(snapshot, book=_sent(self, snapshot.book, money)), cost + money.fee
        for trade in trades:
            lost, known = self.slippage(trade)
            if not known:
                assumed.append(f"no depth of {trade.symbol} on {self.account(trade.account).venue} is known")
            elif self.notional(trade) > sum(at * quantity for at, quantity in self.levels(trade)):
                assumed.append(f"more {trade.symbol} than the depth given: the rest at its last price")
            price = self.price(trade.account, trade.symbol)
            filled = _filled(self, trade, price * (1.0 + lost if trade.quantity > 0 else 1.0 - lost), price)
            quoted = _with_quote(self, snapshot, trade, price)
            snapshot = replace(quoted, book=apply(quoted.book, filled, self.terms))
            cost += self.cost(trade)
        for spot in coins:
            snapshot, cost = _bought(self, snapshot, spot), cost + spot_cost(self, spot)
            assumed.append(
                f"{spot.asset} coins at their contract's price, no terms have a fee of spot: {self.prices.spot_fee:.2%} and half "
                f"a spread of {self.prices.spot_spread:.2%} taken"
            )
        return Done(snapshot=snapshot, cost=cost, assumed=tuple(dict.fromkeys(assumed)))


def spot_cost(desk: Desk, spot: Spot) -> float:
    """Fee and half the spread of coins bought or sold, dollars."""
    return abs(spot.dollars) * (desk.prices.spot_fee + desk.prices.spot_spread)


def _filled(desk: Desk, trade: Trade, price: float, mark: float) -> Event:
    """A trade as an event; its fee in what the contract settles in."""
    contract = desk.contract(trade.account, trade.symbol).contract
    paid = desk.notional(trade) * desk.fee(trade.account) / (mark if contract.is_inverse else 1.0)
    return Event(
        tick=0, time_ns=desk.snapshot.market.as_of_ns, kind=EventKind.FILL, account=trade.account, symbol=trade.symbol,
        quantity=trade.quantity, price=price, cash=-paid, asset=contract.settle,
    )  # fmt: skip


def _moved(desk: Desk, book: Book, kind: EventKind, account: str, cash: float, asset: str) -> Book:
    """The book with an amount of an asset more, or less, in an account."""
    event = Event(tick=0, time_ns=desk.snapshot.market.as_of_ns, kind=kind, account=account, cash=cash, asset=asset)
    return apply(book, event, desk.terms)


def _sent(desk: Desk, book: Book, money: Money) -> Book:
    homes = [desk.terms[desk.account(name).venue].settle for name in (money.source, money.destination)]
    left = _moved(desk, book, EventKind.MONEY_OUT, money.source, -money.dollars - money.fee, homes[0])
    return _moved(desk, left, EventKind.MONEY_IN, money.destination, money.dollars, homes[1])


def _bought(desk: Desk, snapshot: Snapshot, spot: Spot) -> Snapshot:
    """Coins in place of an account's dollars; the market then has a price of theirs."""
    market, settle = snapshot.market, desk.terms[desk.account(spot.account).venue].settle
    price = coin_price(Columns(market=market), spot.asset, desk.any_price(spot.asset))
    paid = _moved(desk, snapshot.book, EventKind.MONEY_OUT, spot.account, -spot.dollars - spot_cost(desk, spot), settle)
    book = _moved(desk, paid, EventKind.MONEY_IN, spot.account, spot.dollars / price, spot.asset)
    prices = {spot.asset: price, **market.asset_prices}
    return replace(snapshot, book=book, market=replace(market, asset_prices=prices))


def _with_quote(desk: Desk, snapshot: Snapshot, trade: Trade, price: float) -> Snapshot:
    """The snapshot with a quote for a contract that the book gave none for."""
    key = (desk.account(trade.account).venue, trade.symbol)
    if key in snapshot.market.quotes:
        return snapshot
    quote = Quote(venue=key[0], symbol=key[1], mark_price=price, oracle_price=price)
    return replace(snapshot, market=replace(snapshot.market, quotes={**snapshot.market.quotes, key: quote}))
