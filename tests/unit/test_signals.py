"""Signals: nothing without a past, an alert where a measure leaves it, and an end with hysteresis."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perpbook.guard.signals import Past, Sensitivity, Signals
from perpbook.model.account import Account, Position
from perpbook.model.alert import Alert
from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message, Stale
from perpbook.model.units import SECOND_NS

QUICK = Sensitivity(samples=50, least=20, in_row=3)


def book(second: int, spread: float = 2.0, size: float = 10.0) -> BookSeen:
    bid, ask = 1000.0 - spread / 2, 1000.0 + spread / 2
    depth = Depth(bids=((bid, size), (bid - 1, size)), asks=((ask, size), (ask + 1, size)))
    at = second * SECOND_NS
    return BookSeen(venue="hyperliquid", symbol="BTC", depth=depth, at_ns=at, received_ns=at)


def mark(second: int, rate: float = 1e-5, price: float = 1000.0) -> MarkSeen:
    at = second * SECOND_NS
    return MarkSeen(
        venue="hyperliquid", symbol="BTC", at_ns=at, received_ns=at, mark_price=price, index_price=1000.0, funding_rate=rate
    )  # fmt: skip


def account(quantity: float) -> AccountSeen:
    held = (Position(symbol="BTC", quantity=quantity, entry_price=1000.0),) if quantity else ()
    return AccountSeen(account=Account(id="one", venue="hyperliquid", positions=held), at_ns=1, received_ns=1)


def told(messages: list[Message], sensitivity: Sensitivity = QUICK) -> list[Alert]:
    signals = Signals(sensitivity)
    return [alert for message in messages for alert in signals(message)]


def calm(count: int = 30) -> list[Message]:
    return [book(k) for k in range(count)]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(4, 20))
def test_the_past_is_the_newest_samples_in_order(values: list[float], room: int) -> None:
    past = Past(room)
    for value in values:
        past.add(value)
    kept = sorted(values[-room:])
    assert len(past) == len(kept)
    assert [past.share(part) for part in (0.0, 0.5, 1.0)] == [kept[0], kept[len(kept) // 2], kept[-1]]


@given(st.floats(0.1, 50.0), st.integers(1, 19))
def test_without_a_past_nothing_is_said(spread: float, count: int) -> None:
    assert told([book(k, spread=spread * (1 + k)) for k in range(count)]) == []


@given(st.lists(st.floats(1.99, 2.01), min_size=25, max_size=60))
def test_a_market_that_stays_as_it_was_says_nothing(spreads: list[float]) -> None:
    assert told([book(k, spread=one) for k, one in enumerate(spreads)]) == []


def test_a_spread_that_leaves_its_past_begins_once_and_ends_once() -> None:
    wide = [book(30 + k, spread=20.0) for k in range(6)]
    begun, over = told([*calm(), *wide, *(book(40 + k) for k in range(3))])
    assert (begun.kind, begun.resolved, over.resolved) == ("market.spread", False, True)
    assert begun.at_ns == 32 * SECOND_NS and begun.measured is not None and begun.limit is not None
    assert begun.measured > begun.limit and over.at_ns == 40 * SECOND_NS and begun.key == over.key


def test_one_odd_sample_is_no_alert() -> None:
    assert told([*calm(), book(30, spread=20.0), book(31), book(32, spread=20.0), book(33)]) == []


def test_between_the_marks_an_alert_stands() -> None:
    wide: list[Message] = [book(30 + k, spread=20.0) for k in range(3)]
    middle: list[Message] = [
        book(40 + k, spread=2.9) for k in range(3)
    ]  # z = 4.5: under the upper mark, over the lower
    assert [one.resolved for one in told([*calm(), *wide, *middle])] == [False]


def test_depth_that_goes_away_is_told_and_more_of_it_is_not() -> None:
    assert [one.kind for one in told([*calm(), *(book(30 + k, size=1.0) for k in range(4))])] == ["market.depth"]
    assert told([*calm(), *(book(30 + k, size=99.0) for k in range(4))]) == []


def test_basis_and_funding_stand_out_either_way() -> None:
    past: list[Message] = [mark(k) for k in range(30)]
    for price, rate, kind in (
        (990.0, 1e-5, "market.basis"),
        (1010.0, 1e-5, "market.basis"),
        (1000.0, 1e-3, "funding.skew"),
    ):
        assert [one.kind for one in told([*past, *(mark(30 + k, rate, price) for k in range(3))])] == [kind]


@given(st.sampled_from((1.0, -1.0)), st.floats(1e-5, 1e-3))
def test_funding_that_turns_against_what_is_held_is_told_and_its_end(side: float, rate: float) -> None:
    messages: list[Message] = [
        account(side),
        mark(0, -side * rate),
        mark(1, side * rate),
        mark(2, side * rate),
        mark(3, -side * rate),
    ]
    begun, over = told(messages)
    assert (begun.kind, begun.account, begun.resolved, over.resolved) == ("funding.flip", "one", False, True)


def test_who_holds_it_no_more_pays_no_more() -> None:
    found = told([account(1.0), mark(1, rate=-1e-4), mark(2, rate=1e-4), account(1.0), account(0.0), account(0.0)])
    assert [(one.kind, one.symbol, one.resolved) for one in found] == [
        ("funding.flip", "BTC", False), ("funding.flip", "BTC", True),
    ]  # fmt: skip


def test_funding_around_nothing_does_not_turn_and_nobody_held_is_not_told() -> None:
    assert told([account(1.0), mark(0, -1e-4), mark(1, 9e-7), mark(2, -9e-7)]) == []
    assert told([account(0.0), mark(0, -1e-4), mark(1, 1e-4)]) == []


def test_a_stream_that_goes_stale_begins_the_row_anew_and_ends_nothing() -> None:
    stale = Stale(venue="hyperliquid", stream="book:BTC", received_ns=1)
    wide: list[Message] = [book(30 + k, spread=20.0) for k in range(4)]
    assert told([*calm(), *wide[:2], stale, *wide[2:]]) == []
    assert [one.resolved for one in told([*calm(), *wide, stale, stale])] == [False]


def test_many_messages_in_a_second_are_one_sample() -> None:
    burst = [book(30, spread=20.0) for _ in range(50)]
    assert told([*calm(), *burst]) == []
