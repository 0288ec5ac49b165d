"""`apply(book, event) -> book`: the plain meaning of an event, which the compiled run is held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce

from perpbook.errors import InvariantError
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book, Transfer
from perpbook.model.event import Event, EventKind
from perpbook.terms.find import find_contract
from perpbook.terms.terms import VenueTerms

TRADES = (EventKind.FILL, EventKind.LIQUIDATION, EventKind.BACKSTOP)
PAYMENTS = (EventKind.FUNDING, EventKind.MONEY_IN, EventKind.MONEY_OUT)
ENDINGS = (EventKind.SEIZED_REST, EventKind.INSURED_LOSS)


def apply(book: Book, event: Event, terms: Mapping[str, VenueTerms]) -> Book:
    """The book after an event. Money that arrives leaves `transfers`; an account keeps its order of positions.

    Raises
    ------
    InvariantError : the event is about an account the book does not have.
    """
    if event.kind not in (*TRADES, *PAYMENTS, *ENDINGS):
        return book
    for number, account in enumerate(book.accounts):
        if account.id == event.account:
            changed = _changed(account, event, terms[account.venue])
            accounts = (*book.accounts[:number], changed, *book.accounts[number + 1 :])
            transfers = book.transfers
            if event.kind is EventKind.MONEY_IN:
                transfers = _without(book, event)
            return replace(book, accounts=accounts, transfers=transfers)
    raise InvariantError(
        f"an event of tick {event.tick} is about account {event.account}, which the book does not have"
    )


def fold(book: Book, events: Iterable[Event], terms: Mapping[str, VenueTerms]) -> Book:
    """The book after every event, in order."""
    return reduce(lambda before, event: apply(before, event, terms), events, book)


def _without(book: Book, event: Event) -> tuple[Transfer, ...]:
    """Transfers still under way once one of this amount has reached its account."""
    left = list(book.transfers)
    for one in left:
        if one.destination == event.account and abs(one.amount - event.cash) <= 1e-9 * abs(event.cash):
            left.remove(one)
            break
    return tuple(left)


def _changed(account: Account, event: Event, terms: VenueTerms) -> Account:
    if event.kind in ENDINGS:
        return replace(account, collateral=())
    if event.kind in TRADES:
        account, gain = _traded(account, event, terms)
        account = _paid(account, event.asset, gain)
    return _paid(account, event.asset, event.cash)


def _paid(account: Account, asset: str, amount: float) -> Account:
    """The account with an amount of an asset more, or less."""
    if amount == 0.0:
        return account
    for number, balance in enumerate(account.collateral):
        if balance.asset == asset:
            changed = Balance(asset=asset, amount=balance.amount + amount)
            return replace(
                account, collateral=(*account.collateral[:number], changed, *account.collateral[number + 1 :])
            )
    return replace(account, collateral=(*account.collateral, Balance(asset=asset, amount=amount)))


def _traded(account: Account, event: Event, terms: VenueTerms) -> tuple[Account, float]:
    """The account with its position changed, and the profit that closing a part of it realised."""
    inverse = find_contract(terms, event.symbol).contract.is_inverse
    held = next((one for one in account.positions if one.symbol == event.symbol), None)
    before = held.quantity if held else 0.0
    entry = held.entry_price if held else 0.0
    closed = min(abs(before), abs(event.quantity)) if before * event.quantity < 0 else 0.0
    side = 1.0 if before > 0 else -1.0
    gain = side * closed * ((1.0 / entry - 1.0 / event.price) if inverse else event.price - entry) if closed else 0.0
    after = before + event.quantity
    if abs(after) <= 1e-12 * max(abs(before), abs(event.quantity)):
        return replace(account, positions=tuple(one for one in account.positions if one is not held)), gain
    opened, kept = abs(event.quantity) - closed, abs(before) - closed
    if opened > 0:
        entry = _average(entry, kept, event.price, opened, inverse=inverse)
    position = (
        replace(held, quantity=after, entry_price=entry)
        if held
        else Position(symbol=event.symbol, quantity=after, entry_price=entry)
    )
    if held is None:
        return replace(account, positions=(*account.positions, position)), gain
    return replace(account, positions=tuple(position if one is held else one for one in account.positions)), gain


def _average(entry: float, kept: float, price: float, opened: float, *, inverse: bool) -> float:
    if kept == 0.0:
        return price
    if inverse:
        return (kept + opened) / (kept / entry + opened / price)
    return (kept * entry + opened * price) / (kept + opened)
