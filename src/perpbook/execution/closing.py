"""Positions as things to be closed: what a part of one costs, and the book without it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from perpbook.errors import InputError
from perpbook.ledger.apply import fold
from perpbook.margin.arrays import BookArrays, Item, exit_levels, fee_to_close, price_lost
from perpbook.model.contract import in_lots
from perpbook.model.event import Event, EventKind
from perpbook.model.market import Snapshot
from perpbook.terms.terms import VenueTerms

PositionKey = tuple[str, str]
"""Account and symbol as the book has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Dollars that closing costs. `slippage` None: no depth is known. `beyond`: base units that no known level takes; the last
    one's price is taken to go on for them, so the true cost is at least this."""

    fees: float
    slippage: float | None
    beyond: float = 0.0

    @property
    def known(self) -> float:
        """What has a figure."""
        return self.fees + (self.slippage or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One position. `quantity` signed, in the contract's own unit; `price` dollars per base;
    `fees` dollars to close it whole; `levels` what it would be closed into, best first, () where not known."""

    account: str
    venue: str
    item: Item
    price: float
    fees: float
    levels: tuple[tuple[float, float], ...]

    @property
    def key(self) -> PositionKey:
        """How the book names it."""
        return (self.account, self.symbol)

    @property
    def symbol(self) -> str:
        """Its symbol in the book."""
        assert self.item.position is not None
        return self.item.position.symbol

    @property
    def quantity(self) -> float:
        """Signed."""
        assert self.item.position is not None
        return self.item.position.quantity

    @property
    def tags(self) -> tuple[str, ...]:
        """The trader's words."""
        assert self.item.position is not None
        return self.item.position.tags

    @property
    def lot(self) -> float:
        """In the contract's own unit, 0 where not known."""
        assert self.item.terms is not None
        return self.item.terms.contract.lot_size

    @property
    def base(self) -> float:
        """Base units of exposure, signed."""
        return self.item.delta

    @property
    def notional(self) -> float:
        """Dollars, > 0."""
        return abs(self.item.delta) * self.price

    def down(self, quantity: float) -> float:
        """A part of it (>= 0) in whole lots, rounded down, never more than there is; all of it where it is less than a lot."""
        size = abs(self.quantity)
        if quantity >= size * (1.0 - 1e-12):
            return size
        if self.lot <= 0.0:
            return max(quantity, 0.0)
        return in_lots(math.floor(quantity / self.lot * (1.0 + 1e-12)), self.lot)

    def cost(self, quantity: float, gone: float = 0.0) -> Cost:
        """Closing `quantity` (>= 0) of it at once. gone : base units that were taken from the levels before."""
        share = quantity / abs(self.quantity)
        size = abs(self.base) * share
        if size <= 0.0:
            return Cost(fees=0.0, slippage=0.0)
        if not self.levels:
            return Cost(fees=self.fees * share, slippage=None)
        levels = without(self.levels, gone)
        lost = price_lost(levels, size, self.item.mark, selling=self.quantity > 0)
        there = sum(quantity for _, quantity in levels)
        return Cost(fees=self.fees * share, slippage=lost * size * self.price, beyond=max(size - there, 0.0))


def without(levels: tuple[tuple[float, float], ...], gone: float) -> tuple[tuple[float, float], ...]:
    """What is left of levels once `gone` was taken from the best on; the last level stays, empty."""
    out = []
    for price, quantity in levels:
        took = min(gone, quantity)
        gone -= took
        if quantity > took:
            out.append((price, quantity - took))
    return tuple(out) or ((levels[-1][0], 0.0),)


def positions_held(arrays: BookArrays) -> tuple[Held, ...]:
    """Every position of a book.

    Raises
    ------
    InputError : an account holds one contract on both sides.
    """
    out = []
    for row in arrays.positions():
        item, account = arrays.items[row], arrays.accounts[arrays.items[row].account]
        assert item.position is not None
        out.append(
            Held(
                account=account.id, venue=account.venue, item=item, price=float(arrays.prices[item.column]),
                fees=fee_to_close(item, arrays.prices), levels=exit_levels(item),
            )
        )  # fmt: skip
    keys = [one.key for one in out]
    for account_id, symbol in keys:
        if keys.count((account_id, symbol)) > 1:
            raise InputError(f"{account_id} holds {symbol} on both sides (hedge mode): net them in the book file")
    return tuple(one for one in out if one.quantity != 0.0)


def after_closing(
    snapshot: Snapshot, terms: Mapping[str, VenueTerms], cuts: Mapping[PositionKey, tuple[Held, float, float]]
) -> Snapshot:
    """The book with parts of positions closed at the margin price: (position, quantity > 0, dollars of cost) by key.

    A coin-settled position that is closed whole stays at zero: the coin it was paid in keeps its weight by it.
    """
    events = [_event(held, quantity, cost) for held, quantity, cost in cuts.values() if quantity > 0.0]
    book = fold(snapshot.book, events, terms)
    accounts = []
    for before, after in zip(snapshot.book.accounts, book.accounts, strict=True):
        there = {one.symbol for one in after.positions}
        ended = [
            replace(one, quantity=0.0)
            for one in before.positions
            if one.symbol not in there and (before.id, one.symbol) in cuts and _inverse(cuts[before.id, one.symbol][0])
        ]
        accounts.append(replace(after, positions=(*after.positions, *ended)))
    return replace(snapshot, book=replace(book, accounts=tuple(accounts)))


def _event(held: Held, quantity: float, cost: float) -> Event:
    item = held.item
    assert item.terms is not None
    return Event(
        tick=0, time_ns=0, kind=EventKind.FILL, account=held.account, symbol=held.symbol, price=item.mark,
        quantity=-math.copysign(quantity, held.quantity), asset=item.terms.contract.settle,
        cash=-cost / (held.price if _inverse(held) else 1.0),
    )  # fmt: skip


def _inverse(held: Held) -> bool:
    return held.item.terms is not None and held.item.terms.contract.is_inverse
