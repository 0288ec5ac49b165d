"""What a client sees through faults, and that the venue behind them is as it was."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import OutcomeUnknown, VenueUnavailable
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, MarkSeen, Message, OrderSeen, Stale
from perpbook.model.order import OrderRequest, OrderState, TimeInForce
from perpbook.model.units import DAY_NS
from perpbook.simulation.faults import OF_MESSAGES, FaultKind, Faults, drawn, garbled
from perpbook.simulation.faulty import FaultyExchange
from perpbook.simulation.market import Prices
from perpbook.simulation.setting import Setting
from tests.exchange.venues import MINUTE_NS, START_NS, one_account, some_venue


def faulty(faults: Faults, seed: int = 1) -> FaultyExchange:
    return FaultyExchange(
        one_account("hyperliquid", ("BTC", 1.0, 60_000.0)), faults, np.random.default_rng(seed).random
    )


def sell(quantity: float = 0.5, name: str = "a", in_force: TimeInForce = TimeInForce.IOC) -> OrderRequest:
    price = 59_000.0 if in_force is TimeInForce.IOC else 61_000.0
    return OrderRequest(
        client_id=name, account="me", venue="hyperliquid", symbol="BTC", quantity=-quantity, limit_price=price,
        reduce_only=True, time_in_force=in_force,
    )  # fmt: skip


def tick(venue: FaultyExchange, minutes: int = 1, mark: float = 60_000.0) -> tuple[Message, ...]:
    now = venue.truth.now_ns + minutes * MINUTE_NS
    venue.truth.advance(now, {"BTC": Prices(mark=mark)})
    return venue.step(now) + venue.drain(now)


@given(st.integers(0, 2**32))
def test_without_faults_a_client_sees_what_happens(seed: int) -> None:
    venue, bare = faulty(Faults(), seed), one_account("hyperliquid", ("BTC", 1.0, 60_000.0))
    told = tick(venue)
    venue.place(sell(), venue.truth.now_ns)
    told += venue.drain(venue.truth.now_ns)
    bare.advance(START_NS + MINUTE_NS, {"BTC": Prices(mark=60_000.0)})
    bare.place(sell(), bare.now_ns)
    assert told == tuple(one.what for one in bare.drain()) and venue.struck == []


def test_an_error_did_nothing_and_a_hang_acted_and_a_client_cannot_tell() -> None:
    outcomes = []
    for faults in (Faults(error=1.0), Faults(hang=1.0)):
        venue = faulty(faults)
        with pytest.raises(OutcomeUnknown):
            venue.place(sell(), START_NS)
        outcomes.append(venue.truth.order("me", "BTC", "a").state)
    assert outcomes == [OrderState.ABSENT, OrderState.FILLED]


def test_a_cancel_that_hangs_has_cancelled() -> None:
    venue = faulty(Faults())
    venue.place(sell(in_force=TimeInForce.GTC), START_NS)
    venue.faults = Faults(hang=1.0)
    with pytest.raises(OutcomeUnknown):
        venue.cancel("me", "BTC", "a", START_NS)
    assert venue.truth.open_orders("me") == ()


def test_a_reject_leaves_nothing_and_a_partial_fill_leaves_less() -> None:
    venue = faulty(Faults(reject=1.0))
    assert venue.place(sell(), START_NS).state is OrderState.REJECTED and venue.truth.fills("me") == ()
    report = faulty(Faults(partial=1.0)).place(sell(), START_NS)
    assert 0.0 < -report.filled < 0.5 and report.state is OrderState.CANCELED


def test_reads_without_faults_are_the_venues_own() -> None:
    venue = faulty(Faults())
    venue.place(sell(in_force=TimeInForce.GTC), START_NS)
    assert venue.order("me", "BTC", "a", START_NS) == venue.truth.order("me", "BTC", "a")
    assert venue.open_orders("me", START_NS) == venue.truth.open_orders("me")
    assert venue.account("me", START_NS).account == venue.truth.account("me")
    assert venue.book("BTC", START_NS) == venue.truth.book("BTC")
    assert venue.cancel("me", "BTC", "a", START_NS).state is OrderState.CANCELED
    venue.faults = Faults(error=1.0)
    with pytest.raises(OutcomeUnknown):
        venue.cancel("me", "BTC", "a", START_NS)


@pytest.mark.parametrize("read", ["account", "book", "order", "open_orders", "fills"])
def test_a_read_that_fails_says_so(read: str) -> None:
    venue = faulty(Faults(error=1.0))
    arguments = {"book": ("BTC",), "order": ("me", "BTC", "a"), "fills": ("me", 0)}.get(read, ("me",))
    with pytest.raises(VenueUnavailable):
        getattr(venue, read)(*arguments, START_NS)


def test_a_stale_account_is_as_it_was_and_its_time_tells() -> None:
    venue = faulty(Faults(stale_account=1.0))
    for _ in range(8):
        tick(venue)
    venue.place(sell(), venue.truth.now_ns)
    seen = venue.account("me", venue.truth.now_ns)
    assert seen.account.positions[0].quantity == 1.0 and seen.at_ns <= venue.truth.now_ns


def test_while_disconnected_nothing_comes_and_books_stand_still() -> None:
    venue = faulty(Faults(disconnect=1.0, disconnect_max_ns=3 * MINUTE_NS))
    told = tick(venue)
    assert [type(one) for one in told] == [Stale, Stale] and not venue.is_connected
    book = venue.book("BTC", venue.truth.now_ns)
    assert tick(venue, mark=61_000.0)[2:] == () or venue.is_connected
    assert venue.is_connected or venue.book("BTC", venue.truth.now_ns).depth == book.depth
    venue.faults = Faults()
    told = tick(venue, minutes=4, mark=62_000.0)
    assert venue.is_connected and told[0] == Stale(
        venue="hyperliquid", stream="books", received_ns=venue.truth.now_ns, fresh=True
    )


def test_messages_are_dropped_doubled_and_late_and_never_early() -> None:
    assert tick(faulty(Faults(drop=1.0))) == ()
    doubled = tick(faulty(Faults(duplicate=1.0)))
    assert doubled and doubled[::2] == doubled[1::2]
    venue = faulty(Faults(delay=1.0))
    assert tick(venue) == ()
    late = venue.drain(venue.truth.now_ns + MINUTE_NS)
    assert late and all(one.received_ns == venue.truth.now_ns + MINUTE_NS for one in late)


def test_malformed_messages_are_not_what_the_venue_said() -> None:
    venue = faulty(Faults(malformed=1.0))
    for number in range(20):
        venue.place(sell(0.01, str(number)), venue.truth.now_ns)
        assert all(is_unfit(one, venue.truth.now_ns) for one in tick(venue))


def test_messages_of_a_wrong_symbol_are_about_something_else() -> None:
    venue, bare = faulty(Faults(wrong_symbol=1.0)), one_account("hyperliquid", ("BTC", 1.0, 60_000.0))
    venue.place(sell(), START_NS), bare.place(sell(), START_NS)
    wrong, right = venue.drain(START_NS), [one.what for one in bare.drain()]
    assert len(wrong) == len(right)
    assert all(type(one) is type(own) and one != own for one, own in zip(wrong, right, strict=True))


def is_unfit(message: Message, now_ns: int) -> bool:
    match message:
        case BookSeen():
            return message.at_ns > now_ns or message.depth.bids[0][0] > message.depth.asks[0][0]
        case MarkSeen():
            return message.at_ns > now_ns or not (message.mark_price or 0.0) > 0.0
        case AccountSeen():
            return message.at_ns > now_ns or math.isnan(message.account.positions[-1].quantity)
        case FillSeen():
            return math.isnan(message.fill.quantity)
        case OrderSeen():
            return math.isnan(message.report.filled)
    return False


def test_a_clock_ahead_shows_in_every_time() -> None:
    venue = faulty(Faults(skew_ns=DAY_NS))
    report = venue.place(sell(), START_NS)
    fill = venue.fills("me", START_NS + DAY_NS, START_NS)[0]
    assert report.at_ns == fill.time_ns == START_NS + DAY_NS
    assert all(getattr(one, "at_ns", START_NS + DAY_NS + MINUTE_NS) > START_NS + DAY_NS - 1 for one in tick(venue))


def test_the_traders_own_hand_changes_positions_and_is_known_to_checkers() -> None:
    venue = faulty(Faults(own_hand=1.0))
    tick(venue)
    assert venue.truth.account("me").positions == () or venue.truth.account("me").positions[0].quantity != 1.0
    assert [one.kind for one in venue.struck] == [FaultKind.OWN_HAND]


MANY = Faults(
    reject=0.1, error=0.1, hang=0.1, partial=0.1, stale_account=0.1, duplicate=0.1, delay=0.1, drop=0.1, wrong_symbol=0.1,
    malformed=0.1, disconnect=0.1, own_hand=0.1, silent=0.5, skew_ns=MINUTE_NS,
)  # fmt: skip


@given(st.integers(0, 2**32))
def test_the_same_draws_give_the_same_and_nothing_is_lost_but_by_a_fault(seed: int) -> None:
    one, again = through(seed), through(seed)
    assert one.struck == again.struck and one.happened == again.happened
    assert abs(one.truth.total()) < 1e-4
    assert [number.sequence for number in one.happened] == list(range(len(one.happened)))


def through(seed: int) -> FaultyExchange:
    """Twenty minutes of everything."""
    venue = FaultyExchange(some_venue(setting=Setting(insurance=0.0)), MANY, np.random.default_rng(seed).random)
    for number in range(20):
        tick(venue, mark=60_000.0 + 200.0 * number)
        try:
            venue.place(sell(0.01, str(number)), venue.truth.now_ns)
            venue.account("pair", venue.truth.now_ns)
        except (OutcomeUnknown, VenueUnavailable):
            pass
    return venue


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_a_fault_strikes_as_often_as_its_chance(uniform: float) -> None:
    chances = Faults(drop=0.25, delay=0.25).chances(OF_MESSAGES)
    kind = drawn(chances, uniform)
    assert kind is (FaultKind.DELAY if uniform < 0.25 else FaultKind.DROP if uniform < 0.5 else None)


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_garbled_text_is_another_text(uniform: float) -> None:
    assert garbled('{"px": 60000.5}', uniform) != '{"px": 60000.5}'


@pytest.mark.parametrize("chance", [-0.1, 1.1, math.nan])
def test_a_chance_is_between_0_and_1(chance: float) -> None:
    with pytest.raises(AssertionError, match="drop is a chance"):
        Faults(drop=chance)
