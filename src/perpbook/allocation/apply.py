"""A book after a rebalance, and a book while its money is under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perpbook.allocation.levers import OUTSIDE, TransferLever
from perpbook.margin.arrays import BookArrays
from perpbook.model.account import Account, Balance
from perpbook.model.book import Book, LayerBalance, Transfer
from perpbook.sizing.apply import settle_price, with_quantities


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A position (`row` of the arrays) brought to a quantity of the same sign, and its cost in dollars."""

    row: int
    quantity: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Coins sent over a way."""

    lever: TransferLever
    coins: float


def traded(book: Book, arrays: BookArrays, changes: Sequence[Change]) -> Book:
    """The book after some trades at the prices now. What grows is entered at the price now: the entry becomes the average."""
    smaller = {one.row: (one.quantity, one.cost) for one in changes if abs(one.quantity) <= abs(_held(arrays, one.row))}
    out = with_quantities(book, arrays, smaller)
    for one in changes:
        if one.row not in smaller:
            out = _grown(out, arrays, one)
    return out


def _held(arrays: BookArrays, row: int) -> float:
    position = arrays.items[row].position
    assert position is not None
    return position.quantity


def _grown(book: Book, arrays: BookArrays, change: Change) -> Book:
    item = arrays.items[change.row]
    old, terms = item.position, item.terms
    assert old is not None and terms is not None
    added = change.quantity - old.quantity
    if terms.contract.is_inverse:
        entry = change.quantity / (old.quantity / old.entry_price + added / item.mark)
    else:
        entry = (old.quantity * old.entry_price + added * item.mark) / change.quantity
    new = replace(old, quantity=change.quantity, entry_price=entry)
    settle, cost = terms.contract.settle, change.cost / settle_price(arrays, item)

    account = book.accounts[item.account]
    positions = tuple(new if one is old else one for one in account.positions)
    return _with_account(book, item.account, with_coins(replace(account, positions=positions), settle, -cost))


def with_coins(account: Account, asset: str, amount: float) -> Account:
    """An account with so much more of a coin, at the end of its balances where it had none."""
    held = [one.asset for one in account.collateral]
    balances = [
        replace(one, amount=one.amount + amount) if k == held.index(asset) else one
        for k, one in enumerate(account.collateral)
        if asset in held
    ] or [*account.collateral, Balance(asset=asset, amount=amount)]
    return replace(account, collateral=tuple(balances))


def _with_account(book: Book, number: int, account: Account) -> Book:
    accounts = list(book.accounts)
    accounts[number] = account
    return replace(book, accounts=tuple(accounts))


def sent_off(book: Book, transfers: Sequence[Sent]) -> Book:
    """The book after coins have left, with what arrives of them under way."""
    for one in transfers:
        lever = one.lever
        book = _with_money(book, (lever.source, lever.source_layer), lever.taken, -one.coins)
        place = lever.target_layer or book.accounts[lever.target].id
        origin = lever.source_layer or book.accounts[lever.source].id
        moving = Transfer(asset=lever.landed, amount=lever.arrives(one.coins), source=origin, destination=place)
        book = replace(book, transfers=(*book.transfers, moving))
    return book


def arrived(book: Book, transfers: Sequence[Sent]) -> Book:
    """The book of `sent_off` once everything has arrived."""
    book = replace(book, transfers=book.transfers[: len(book.transfers) - len(transfers)])
    for one in transfers:
        lever = one.lever
        book = _with_money(book, (lever.target, lever.target_layer), lever.landed, lever.arrives(one.coins))
    return book


def _with_money(book: Book, place: tuple[int, str], asset: str, amount: float) -> Book:
    """Coins more in an account, or on a layer where there is none."""
    number, layer = place
    if number == OUTSIDE:
        return _with_layer(book, layer, asset, amount)
    return _with_account(book, number, with_coins(book.accounts[number], asset, amount))


def _with_layer(book: Book, layer: str, asset: str, amount: float) -> Book:
    """Coins more on a layer, as one balance."""
    layers = list(book.layers)
    for k, one in enumerate(layers):
        if one.layer == layer and one.balance.asset == asset:
            layers[k] = replace(one, balance=replace(one.balance, amount=one.balance.amount + amount))
            return replace(book, layers=tuple(layers))
    layers.append(LayerBalance(layer=layer, balance=Balance(asset=asset, amount=amount)))
    return replace(book, layers=tuple(layers))
