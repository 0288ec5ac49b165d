"""Changes that make a book safer, and the book after them: money moved, positions reduced, a rail or a provider more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from perpbook.funding.trading import Desk
from perpbook.model.account import Account, Balance
from perpbook.model.book import Book, LayerBalance
from perpbook.model.market import STABLECOINS, Snapshot
from perpbook.model.trade import Trade
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.facts import Facts
from perpbook.treasury.pots import price_of
from perpbook.treasury.ways import Way

ANOTHER = "one more"
"""A provider, or a cloud, that the trader has yet to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Dollars of a way's coin to its end, an account or a layer; it arrives within `seconds` as promised."""

    way: Way
    destination: str
    dollars: float
    seconds: float

    @property
    def source(self) -> str:
        """The account or layer that it leaves."""
        return self.way.pot.account or self.way.pot.layer

    @property
    def cost(self) -> float:
        """What is known of it, dollars."""
        return self.way.fee_fixed + self.way.fee_rate * self.dollars

    @property
    def unpriced(self) -> tuple[str, ...]:
        """What else is paid: in a gas coin, or without a figure."""
        gas = [f"{amount:g} {coin}" for hop in self.way.hops for coin, amount in hop.fee.native.items()]
        return tuple(dict.fromkeys([*gas, *(hop.fee.plus for hop in self.way.hops if hop.fee.plus)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """Trades that make positions smaller: `dollars` of notional, at `cost`."""

    trades: tuple[Trade, ...]
    dollars: float
    cost: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enable:
    """A bridge family that is not used today is made ready."""

    family: str
    dollars: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Provide:
    """A layer is reached by one provider more, on another cloud."""

    layer: str
    dollars: float = 0.0
    cost: float = 0.0


Change = Move | Reduce | Enable | Provide


def moved(snapshot: Snapshot, one: Move, facts: Facts, settle: str) -> Snapshot:
    """The book once a move has arrived, its fee paid from what was sent. settle : what the account it goes to reckons in."""
    coin = one.way.pot.asset
    price = price_of(coin, snapshot.market.asset_prices) or 1.0
    book = _taken(snapshot.book, one, coin, one.dollars / price, facts)
    got = one.dollars - one.cost
    if any(account.id == one.destination for account in book.accounts):
        into = settle if coin in STABLECOINS and settle in STABLECOINS else coin
        worth = price_of(into, snapshot.market.asset_prices) or 1.0
        book = _in_account(book, one.destination, into, got / worth)
    else:
        book = _on_layer(book, one.destination, coin, got / price, facts)
    return replace(snapshot, book=book)


def _taken(book: Book, one: Move, coin: str, amount: float, facts: Facts) -> Book:
    pot = one.way.pot
    if not pot.account:
        return _on_layer(book, pot.layer, coin, -amount, facts)
    account = next(two for two in book.accounts if two.id == pot.account)
    held = {two.asset: two.amount for two in account.collateral}
    if held.get(coin, 0.0) < amount and coin in STABLECOINS:
        # An exchange changes one stablecoin into another as it leaves (`pots.leaving`).
        coin = max((two for two in held if two in STABLECOINS), key=lambda two: held[two])
    return _in_account(book, pot.account, coin, -amount)


def _in_account(book: Book, name: str, coin: str, amount: float) -> Book:
    return replace(
        book, accounts=tuple(_credited(one, coin, amount) if one.id == name else one for one in book.accounts)
    )


def _credited(account: Account, coin: str, amount: float) -> Account:
    held = {one.asset: one.amount for one in account.collateral}
    held[coin] = held.get(coin, 0.0) + amount
    return replace(account, collateral=tuple(Balance(asset=asset, amount=some) for asset, some in held.items()))


def _on_layer(book: Book, layer: str, coin: str, amount: float, facts: Facts) -> Book:
    """An amount more (or less, taken from the first balances that have it) of a coin on a layer."""
    out, left = [], amount
    for one in book.layers:
        if left != 0.0 and one.balance.asset == coin and facts.layer_id(one.layer) == layer:
            part = left if left > 0.0 else max(left, -one.balance.amount)
            one, left = replace(one, balance=replace(one.balance, amount=one.balance.amount + part)), left - part
        out.append(one)
    if left > 0.0:
        out.append(LayerBalance(layer=layer, balance=Balance(asset=coin, amount=left)))
    return replace(book, layers=tuple(out))


def reduced(desk: Desk, trades: Sequence[Trade]) -> Snapshot:
    """The book once trades are made, at what they cost."""
    return desk.after(trades).snapshot


def reduction(desk: Desk, trades: Sequence[Trade], why: str) -> Reduce:
    """Trades with what they move and cost."""
    real = tuple(one for one in trades if one.quantity)
    dollars = sum(desk.notional(one) for one in real)
    return Reduce(trades=real, dollars=dollars, cost=sum(desk.cost(one) for one in real), why=why)


def share_of(desk: Desk, account: Account, share: float) -> tuple[Trade, ...]:
    """Trades that take a share of every position of an account away, in whole lots, rounded up."""
    return tuple(less(desk, account, one.symbol, one.quantity, share * abs(one.quantity)) for one in account.positions)


def less(desk: Desk, account: Account, symbol: str, held: float, by: float) -> Trade:
    """A trade that takes `by` (the contract's unit, >= 0) off a position, in whole lots rounded up, never past nothing."""
    lot = find_contract(desk.terms[account.venue], symbol).contract.lot_size
    lots = -(-by * (1.0 - 1e-12) // lot) * lot if lot > 0.0 else by
    size = min(round(lots, 12), abs(held))
    return Trade(account=account.id, symbol=symbol, quantity=-size if held > 0.0 else size)


def provided(snapshot: Snapshot, layer: str) -> Snapshot:
    """The book with one provider more for a layer."""
    access = tuple(
        replace(one, providers=(*one.providers, ANOTHER), clouds=(*one.clouds, ANOTHER)) if one.layer == layer else one
        for one in snapshot.book.access
    )
    return replace(snapshot, book=replace(snapshot.book, access=access))


def with_rails(facts: Facts, families: frozenset[str] | None) -> Facts:
    """The facts with only those bridge families; None for all."""
    if families is None:
        return facts
    return replace(facts, routes={one.id: one for one in facts.routes.values() if one.family in families})


def settle_of(snapshot: Snapshot, terms: Mapping[str, VenueTerms], account: str) -> str:
    """What an account reckons in; "" for a layer."""
    found = next((one for one in snapshot.book.accounts if one.id == account), None)
    return terms[found.venue].settle if found else ""
