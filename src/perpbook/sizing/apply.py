"""A book after some trims: sizes cut, profit realised at the price now, costs paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from perpbook.margin.arrays import BookArrays, Item
from perpbook.model.account import Account, Balance, Position
from perpbook.model.book import Book


def with_quantities(
    book: Book, arrays: BookArrays, changes: Mapping[int, tuple[float, float]], *, keep_closed: bool = False
) -> Book:
    """The book with some rows (of `arrays`) at another quantity, each as (quantity, dollars of cost).

    A smaller quantity of the same sign realises its share of the profit; entry prices stay. Money lands in, and is
    paid from, the settlement currency of the contract. A coin-settled position that is closed whole stays at zero: the
    coin it was paid in keeps its price and its weight by it. `keep_closed`: so does every other.
    """
    accounts = []
    for number, account in enumerate(book.accounts):
        rows = [row for row in changes if arrays.items[row].account == number]
        accounts.append(_changed(account, arrays, rows, changes, keep_closed) if rows else account)
    return replace(book, accounts=tuple(accounts))


def _changed(
    account: Account,
    arrays: BookArrays,
    rows: Sequence[int],
    changes: Mapping[int, tuple[float, float]],
    keep_closed: bool,
) -> Account:
    balances = {balance.asset: balance.amount for balance in account.collateral}
    positions: list[Position] = list(account.positions)
    for row in rows:
        item = arrays.items[row]
        assert item.position is not None and item.terms is not None
        quantity, cost = changes[row]
        settle = item.terms.contract.settle
        money = item.profit * (1.0 - quantity / item.position.quantity) - cost / settle_price(arrays, item)
        balances[settle] = balances.get(settle, 0.0) + money
        place = next(k for k, position in enumerate(positions) if position is item.position)
        positions[place] = replace(item.position, quantity=quantity)
    return replace(
        account,
        collateral=tuple(Balance(asset=asset, amount=amount) for asset, amount in balances.items()),
        positions=tuple(one for one in positions if keep_closed or one.quantity != 0 or _is_inverse(arrays, one, rows)),
    )


def _is_inverse(arrays: BookArrays, position: Position, rows: Sequence[int]) -> bool:
    """True for one of the changed positions that is settled in a coin."""
    contracts = {
        item.position.symbol: item.terms.contract
        for item in map(arrays.items.__getitem__, rows)
        if item.position and item.terms
    }
    return position.symbol in contracts and contracts[position.symbol].is_inverse


def settle_price(arrays: BookArrays, item: Item) -> float:
    """Dollars in one unit of the contract's settlement currency."""
    inverse = item.terms is not None and item.terms.contract.is_inverse
    return float(arrays.prices[item.column]) if inverse else 1.0
