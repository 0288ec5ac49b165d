"""Laws of a simulated venue, whatever is done to it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.ledger.apply import apply
from perpbook.model.account import Account
from perpbook.model.book import Book
from perpbook.model.event import Event, EventKind
from perpbook.model.message import BookSeen, FillSeen
from perpbook.model.order import Fill, OrderState
from perpbook.simulation.exchange import Exchange
from perpbook.simulation.happened import Liquidated, Moved, Numbered, Settled
from perpbook.simulation.setting import QueueRule, Setting
from tests.exchange.venues import MARKS, Act, client_id, perform, rules, scripts, some_accounts, some_venue

venues = st.sampled_from(list(MARKS))
leverages = st.sampled_from([2.0, 10.0, 18.0])


def fills_of(happened: list[Numbered]) -> list[Fill]:
    return [one.what.fill for one in happened if isinstance(one.what, FillSeen)]


@given(venues, rules, leverages, scripts)
def test_money_is_neither_made_nor_lost(venue: str, rule: QueueRule, leverage: float, script: list[Act]) -> None:
    exchange = some_venue(venue, leverage, queue=rule, setting=Setting(insurance=0.0))
    scale = sum(abs(account.reported.equity or 0.0) for account in map(exchange.account, exchange.accounts))

    def is_constant() -> None:
        assert abs(exchange.total()) <= 1e-9 * scale

    perform(exchange, script, is_constant)


@given(venues, rules, scripts)
def test_positions_in_a_contract_add_up_to_nothing(venue: str, rule: QueueRule, script: list[Act]) -> None:
    exchange = some_venue(venue, 10.0, queue=rule)
    fills = fills_of(perform(exchange, script))
    for symbol in exchange.symbols:
        begun = sum(
            held.quantity for one in some_accounts(venue, 10.0) for held in one.positions if held.symbol == symbol
        )
        traded = sum(fill.quantity for fill in fills if fill.symbol == symbol)
        held = sum(
            p.quantity for name in exchange.accounts for p in exchange.account(name).positions if p.symbol == symbol
        )
        assert held == pytest.approx(begun + traded, abs=1e-9)


@given(venues, rules, scripts)
def test_no_fill_is_worse_than_its_limit(venue: str, rule: QueueRule, script: list[Act]) -> None:
    exchange = some_venue(venue, queue=rule)
    for fill in fills_of(perform(exchange, script)):
        asked = exchange.request(fill.account, fill.client_id) if fill.client_id else None
        if asked is not None:
            assert math.copysign(1.0, asked.quantity) * (fill.price - asked.limit_price) <= 0.0
            assert fill.quantity * asked.quantity > 0.0


@given(venues, rules, scripts)
def test_fills_of_an_order_are_what_its_report_says_and_no_more_than_asked(
    venue: str, rule: QueueRule, script: list[Act]
) -> None:
    exchange = some_venue(venue, queue=rule)
    fills = fills_of(perform(exchange, script))
    for number in range(len(script)):
        for name in exchange.accounts:
            report, asked = exchange.order(name, "", client_id(number)), exchange.request(name, client_id(number))
            mine = sum(fill.quantity for fill in fills if (fill.account, fill.client_id) == (name, client_id(number)))
            assert report.filled == pytest.approx(mine, abs=1e-9)
            assert asked is None or abs(report.filled) <= abs(asked.quantity)
            assert (asked is None) == (report.state is OrderState.ABSENT)


@given(venues, rules, scripts)
def test_reduce_only_never_flips_or_grows_a_position(venue: str, rule: QueueRule, script: list[Act]) -> None:
    exchange = some_venue(venue, queue=rule)
    held = {(one.id, p.symbol): p.quantity for one in some_accounts(venue) for p in one.positions}
    for fill in fills_of(perform(exchange, script)):
        before = held.get((fill.account, fill.symbol), 0.0)
        after = held[fill.account, fill.symbol] = round(before + fill.quantity, 12)
        asked = exchange.request(fill.account, fill.client_id) if fill.client_id else None
        if asked is None or asked.reduce_only:
            assert before * fill.quantity < 0.0 and after * before >= 0.0


@settings(max_examples=20)
@given(venues, rules, scripts)
def test_two_runs_are_the_same_and_the_order_of_accounts_is_nothing(
    venue: str, rule: QueueRule, script: list[Act]
) -> None:
    one, again = some_venue(venue, 10.0, queue=rule), some_venue(venue, 10.0, queue=rule)
    turned = some_venue(venue, 10.0, order=-1, queue=rule)
    first = perform(one, script)
    assert first == perform(again, script) == perform(turned, script)
    assert [number.sequence for number in first] == list(range(len(first)))


@given(venues, rules, scripts)
def test_books_never_cross_and_levels_are_in_order(venue: str, rule: QueueRule, script: list[Act]) -> None:
    for one in perform(some_venue(venue, queue=rule), script):
        if isinstance(one.what, BookSeen):
            bids, asks = one.what.depth.bids, one.what.depth.asks
            assert all(low[0] > high[0] for low, high in pairwise(bids))
            assert all(low[0] < high[0] for low, high in pairwise(asks))
            assert not bids or not asks or bids[0][0] < asks[0][0]
            assert all(quantity > 0.0 for _, quantity in (*bids, *asks))


@given(venues, rules, scripts)
def test_every_change_of_a_book_is_told_and_numbered_without_a_hole(
    venue: str, rule: QueueRule, script: list[Act]
) -> None:
    exchange = some_venue(venue, 18.0, queue=rule)
    last = {symbol: exchange.book(symbol) for symbol in exchange.symbols}
    for number, act in enumerate(script):
        for one in perform(exchange, [act], numbered=number):
            if isinstance(one.what, BookSeen):
                assert one.what.sequence == last[one.what.symbol].sequence + 1
                last[one.what.symbol] = one.what
        assert all(exchange.book(symbol).depth == told.depth for symbol, told in last.items())


@given(venues, leverages, scripts)
def test_accounts_are_the_fold_of_what_happened(venue: str, leverage: float, script: list[Act]) -> None:
    """`ledger.apply` is the independent meaning of a trade, a payment, a deposit."""
    exchange = some_venue(venue, leverage)
    book = Book(as_of_ns=0, source="", accounts=some_accounts(venue, leverage))
    for number, one in enumerate(perform(exchange, script)):
        for event in events_of(one, number, exchange):
            book = apply(book, event, {venue: exchange.terms})
    for account in book.accounts:
        shown = exchange.account(account.id)
        assert cash_of(shown) == pytest.approx(cash_of(account), rel=1e-9, abs=1e-6)
        assert held_in(shown) == {symbol: pytest.approx(held, rel=1e-9) for symbol, held in held_in(account).items()}


def cash_of(account: Account) -> float:
    return sum(balance.amount for balance in account.collateral)


def held_in(account: Account) -> dict[str, tuple[float, float]]:
    """Size and entry price by contract; the dust that sums in floating point leave is nothing."""
    return {one.symbol: (one.quantity, one.entry_price) for one in account.positions if abs(one.quantity) > 1e-9}


def events_of(one: Numbered, number: int, exchange: Exchange) -> list[Event]:
    """What happened, in the words of the ledger."""
    what = one.what

    def event(account: str, cash: float, kind: EventKind = EventKind.FUNDING, fill: Fill | None = None) -> Event:
        return Event(
            tick=number,
            time_ns=one.at_ns,
            kind=kind,
            account=account,
            asset=exchange.terms.settle,
            cash=cash,
            symbol=fill.symbol if fill else "",
            quantity=fill.quantity if fill else 0.0,
            price=fill.price if fill else 0.0,
        )

    if isinstance(what, FillSeen):
        return [event(what.fill.account, -what.fill.fee, EventKind.FILL, what.fill)]
    if isinstance(what, Settled | Moved | Liquidated):
        return [event(what.account, what.cash)]
    return []
