"""The seam: a book, its market and its terms become arrays, once per assessment.

Here and nowhere else values are refused (NaN, no price, unknown contract), rules become coefficients, and items get
their order: by account, then by price column.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from perpbook.errors import InvariantError
from perpbook.kernels.types import Floats, Holdings, Integers
from perpbook.margin.assessment import Caution
from perpbook.margin.columns import Column, Columns, coin_price, quote_of, risk_price
from perpbook.margin.requirement import Requirement, requirement_of, size_in_tier_units
from perpbook.model.account import Account, Position
from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS, Market, Quote
from perpbook.terms.find import find_contract
from perpbook.terms.terms import ContractTerms, VenueTerms

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One row of the arrays: a position (with its contract's own `mark`), or a coin (`position` None)."""

    account: int
    column: int
    asset: str
    delta: float
    position: Position | None = None
    terms: ContractTerms | None = None
    requirement: Requirement | None = None
    mark: float = 0.0
    ratio: float = 1.0
    quote: Quote | None = None
    taker_fee_rate: float = 0.0
    profit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BookArrays:
    """A book as arrays, and the way back from rows and columns to names.

    `prices` (columns,) dollars now; `columns` and `items` name them; `cash` (accounts,) is the dollars in each account
    that move with no price; `collateral` (accounts,) its deposits at haircut value.
    """

    accounts: tuple[Account, ...]
    terms: tuple[VenueTerms, ...]
    columns: tuple[Column, ...]
    prices: Floats
    betas: Floats
    items: tuple[Item, ...]
    held: Holdings
    collateral: Floats
    cautions: tuple[Caution, ...]

    def positions(self) -> list[int]:
        """Rows that are positions."""
        return [row for row, item in enumerate(self.items) if item.position is not None]

    def by_row(self, of_book: Sequence[T]) -> list[T]:
        """What is given of every position in the book's order, in the order of `positions`: an account's rows go by column."""
        places = [(number, id(one)) for number, account in enumerate(self.accounts) for one in account.positions]
        found = dict(zip(places, of_book, strict=True))
        items = [self.items[row] for row in self.positions()]
        return [found[item.account, id(item.position)] for item in items]


def book_arrays(book: Book, market: Market, terms: Mapping[str, VenueTerms]) -> BookArrays:
    """Arrays of every account of the book.

    Raises
    ------
    MissingData : a held contract or coin has no price.
    TermsError : a venue or contract is unknown.
    """
    columns = Columns(market)
    rows: list[Item] = []
    cash, collateral = np.zeros(len(book.accounts)), np.zeros(len(book.accounts))
    for number, account in enumerate(book.accounts):
        venue = terms[account.venue]
        positions = [_position_item(columns, number, account, position, venue) for position in account.positions]
        coins, dollars = _collateral_items(columns, number, account, positions, venue)
        collateral[number] = dollars + sum(coin.delta * columns.prices[coin.column] for coin in coins)
        linear = sum(item.profit for item in positions if not _inverse(item))
        cash[number] = dollars + linear
        rows += sorted(positions + _with_coin_profit(coins, positions), key=lambda item: item.column)
    prices = np.array(columns.prices, dtype=np.float64)
    if not (np.isfinite(prices).all() and (prices > 0).all() and np.isfinite(cash).all()):
        raise InvariantError("a price or balance that is not a positive finite number passed the loader")
    return BookArrays(
        accounts=book.accounts,
        terms=tuple(terms[account.venue] for account in book.accounts),
        columns=tuple(columns.index),
        prices=prices,
        betas=np.array([market.betas.get(column.asset, 1.0) for column in columns.index], dtype=np.float64),
        items=tuple(rows),
        held=_holdings(rows, len(book.accounts), prices, cash),
        collateral=collateral,
        cautions=tuple(columns.cautions.values()),
    )


def _inverse(item: Item) -> bool:
    return item.terms is not None and item.terms.contract.is_inverse


def _position_item(columns: Columns, number: int, account: Account, position: Position, venue: VenueTerms) -> Item:
    terms = find_contract(venue, position.symbol)
    contract = terms.contract
    mark = risk_price(columns, venue, terms)
    quote = quote_of(columns.market, venue.venue, contract.symbol)
    if contract.is_inverse:
        coin = coin_price(columns, contract.settle, mark)
        column = columns.of(Column(venue=venue.venue, asset=contract.settle, symbol=None), coin)
        ratio = columns.prices[column] / mark
        delta, profit = position.quantity / mark, position.quantity * (1.0 / position.entry_price - 1.0 / mark)
    else:
        column = columns.of(Column(venue=venue.venue, asset=contract.base, symbol=contract.symbol), mark)
        ratio, delta, profit = 1.0, position.quantity, position.quantity * (mark - position.entry_price)
    open_interest = (quote.open_interest or 0.0) * mark if quote else 0.0
    _within_tiers(columns, account, position, terms, mark)
    requirement = requirement_of(
        position, terms, mode=account.mode, price=mark, ratio=ratio, open_interest=open_interest
    )
    return Item(
        account=number, column=column, asset=contract.base, delta=delta, position=position, terms=terms,
        requirement=requirement, mark=mark, ratio=ratio, quote=quote, profit=profit,
        taker_fee_rate=venue.fees[0].taker_fee_rate if venue.fees else 0.0,
    )  # fmt: skip


def _within_tiers(columns: Columns, account: Account, position: Position, terms: ContractTerms, mark: float) -> None:
    """Say so when a position is larger than the tiers are known for."""
    size, covers = size_in_tier_units(terms, abs(position.quantity), mark), terms.tiers.covers
    if size > covers:
        columns.caution(
            "tiers",
            f"{terms.contract.symbol} @ {account.id} is larger than its tiers are known for "
            f"({size:,.6g} against {covers:,.6g} {terms.tiers.unit.value}): the venue may ask for more margin than shown; "
            f"add the missing tiers in a terms file of your own",
        )


def _collateral_items(
    columns: Columns, number: int, account: Account, positions: list[Item], venue: VenueTerms
) -> tuple[list[Item], float]:
    """Coins held as collateral, at their maintenance weight, and the dollars beside them."""
    coins, dollars = [], 0.0
    settled = {item.terms.contract.settle: item.mark if _inverse(item) else None for item in positions if item.terms}
    for balance in account.collateral:
        weight = _weight(columns, account, balance.asset, balance.amount, venue, settled.keys())
        price = coin_price(columns, balance.asset, settled.get(balance.asset))
        if balance.asset in STABLECOINS:
            if balance.asset in (venue.settle, *settled):
                price = _par(columns, balance.asset, price)
            dollars += balance.amount * weight * price
        elif weight * balance.amount != 0.0:
            column = columns.of(Column(venue=venue.venue, asset=balance.asset, symbol=None), price)
            coins.append(Item(account=number, column=column, asset=balance.asset, delta=balance.amount * weight))
    return coins, dollars


def _par(columns: Columns, asset: str, price: float) -> float:
    """One dollar, whatever a settlement coin trades at: the venue's margin is reckoned in the coin itself."""
    if price != 1.0:
        columns.caution(
            "par",
            f"{asset} settles contracts and counts at 1 dollar in their accounts, as the venue reckons in it; "
            f"its price of {price:g} is used elsewhere",
        )
    return 1.0


def _weight(columns: Columns, account: Account, asset: str, amount: float, venue: VenueTerms, settled: object) -> float:
    """What a coin counts for: debts in full, settlement coins in full, others by the terms, unknown ones nothing."""
    assert hasattr(settled, "__contains__")
    if amount < 0 or asset == venue.settle or asset in settled:
        return 1.0
    if asset in venue.collateral:
        return venue.collateral[asset].maintenance_weight
    columns.caution(
        "collateral", f"{asset} in {account.id} counts for nothing: {venue.name}'s terms give it no collateral weight"
    )
    return 0.0


def _with_coin_profit(coins: list[Item], positions: list[Item]) -> list[Item]:
    """Coins, with the unrealised profit of inverse positions added: it too is held in the coin."""
    profits: dict[int, Item] = {}
    for item in [*coins, *(position for position in positions if _inverse(position))]:
        amount = item.profit if item.position else item.delta
        before = profits[item.column].delta if item.column in profits else 0.0
        assert item.terms is None or item.terms.contract.settle
        asset = item.terms.contract.settle if item.terms else item.asset
        profits[item.column] = Item(account=item.account, column=item.column, asset=asset, delta=before + amount)
    return list(profits.values())


def _holdings(rows: list[Item], accounts: int, prices: Floats, cash: Floats) -> Holdings:
    """The rows as kernel arrays."""
    rules = [row.requirement for row in rows]
    deepest = max((len(rule.rates) for rule in rules if rule), default=1)
    rate, deduction = np.zeros((len(rows), deepest)), np.zeros((len(rows), deepest))
    for number, rule in enumerate(rules):
        if rule:
            rate[number, : len(rule.rates)] = rule.rates
            deduction[number, : len(rule.deductions)] = rule.deductions
    column = np.array([row.column for row in rows], dtype=np.int64)
    counts = np.bincount([row.account for row in rows], minlength=accounts) if rows else np.zeros(accounts)
    start: Integers = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Holdings(
        start=start,
        column=column,
        price=prices[column] if len(rows) else np.zeros(0),
        delta=_floats([row.delta for row in rows]),
        rate=rate,
        deduction=deduction,
        pieces=np.array([len(rule.rates) if rule else 0 for rule in rules], dtype=np.int64),
        notional_slope=_floats([rule.notional_slope if rule else 0.0 for rule in rules]),
        notional_offset=_floats([rule.notional_offset if rule else 0.0 for rule in rules]),
        in_coin=np.array([rule.in_coin if rule else False for rule in rules], dtype=np.uint8),
        curve_slope=_floats([rule.curve_slope if rule else 0.0 for rule in rules]),
        curve_reciprocal=_floats([rule.curve_reciprocal if rule else 0.0 for rule in rules]),
        close_cost=_floats([_close_cost(row, prices) for row in rows]),
        scalable=np.array([row.position is not None for row in rows], dtype=np.uint8),
        cash=cash,
    )


def _close_cost(row: Item, prices: Floats) -> float:
    """Dollars to close a position whole: its taker fee, and slippage where depth is known."""
    return fee_to_close(row, prices) + slippage(row, 1.0) if row.position else 0.0


def fee_to_close(row: Item, prices: Floats) -> float:
    """Dollars of taker fee to close a position whole; a rebate is not counted on."""
    return abs(row.delta) * float(prices[row.column]) * max(row.taker_fee_rate, 0.0)


def exit_levels(row: Item) -> tuple[tuple[float, float], ...]:
    """The resting levels a position would be closed into, best first; none when no depth is known."""
    depth = row.quote.depth if row.quote else None
    if depth is None or row.position is None:
        return ()
    return depth.bids if row.position.quantity > 0 else depth.asks


def entry_levels(row: Item) -> tuple[tuple[float, float], ...]:
    """The resting levels that more of a position would be bought or sold from, best first; none when no depth is known."""
    depth = row.quote.depth if row.quote else None
    if depth is None or row.position is None:
        return ()
    return depth.asks if row.position.quantity > 0 else depth.bids


def slippage(row: Item, share: float) -> float:
    """Dollars lost against the margin price by closing a share of a position at once; 0 when no depth is known.

    Where the levels run out the last one's price is taken to go on: the true cost is at least this.
    """
    levels = exit_levels(row)
    size = abs(row.delta) * share
    if not levels or size <= 0 or row.position is None:
        return 0.0
    return price_lost(levels, size, row.mark, selling=row.position.quantity > 0) * size * row.mark * row.ratio


def price_lost(levels: Sequence[tuple[float, float]], size: float, mark: float, *, selling: bool) -> float:
    """The fraction of the margin price lost by taking `size` base units from resting levels, best first.

    Selling meets bids, which fall from level to level; buying asks, which rise. A level better than the margin price
    loses nothing.
    """
    lost = levels_lost(levels, mark, selling=selling)
    quantities = np.array([quantity for _, quantity in levels], dtype=np.float64)
    taken = np.clip(size - (np.cumsum(quantities) - quantities), 0.0, quantities)
    return float((taken @ lost + (size - taken.sum()) * lost[-1]) / size)


def levels_lost(levels: Sequence[tuple[float, float]], mark: float, *, selling: bool) -> Floats:
    """(levels,) the fraction of the margin price lost at each level, >= 0 and rising."""
    prices = np.array([price for price, _ in levels], dtype=np.float64)
    side = 1.0 if selling else -1.0
    out: Floats = np.maximum(side * (mark - prices) / mark, 0.0)
    return out


def _floats(values: list[float]) -> Floats:
    out = np.array(values, dtype=np.float64)
    if not all(map(math.isfinite, values)):
        raise InvariantError("a number that is not finite passed the loader")
    return out
