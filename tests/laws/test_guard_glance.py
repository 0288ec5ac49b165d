"""A guard that takes books that lead to nothing in one breath, and one that takes every message the whole way, end alike."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from perpbook.guard.desk import Desk
from perpbook.guard.guard import Guard
from perpbook.guard.signals import Signals
from perpbook.guard.view import Decision, View
from perpbook.model.market import Depth, depth_of
from perpbook.model.message import (
    Answered,
    Arm,
    BookSeen,
    Kill,
    KillLevel,
    MarkSeen,
    Message,
    Stale,
    Wake,
    book_seen,
)
from perpbook.model.units import HOUR_NS, SECOND_NS
from tests.laws.guarded import ACCOUNT, CALM, SETTINGS, VENUE, Exchange, trim
from tests.unit.test_signals import QUICK

FLAWED: tuple[Any, ...] = (
    Depth(), Depth(bids=((999.0, 1.0),)), Depth(bids=((1_001.0, 1.0),), asks=((1_000.0, 1.0),)),
    Depth(bids=((999.0, 1.0), (999.0, 1.0)), asks=((1_001.0, 1.0),)), Depth(bids=((999.0, 0.0),), asks=((1_001.0, 1.0),)),
    Depth(bids=((float("nan"), 1.0),), asks=((1_001.0, 1.0),)), Depth(bids=(("999", 1.0),), asks=((1_001.0, 1.0),)),  # type: ignore[arg-type]
    Depth(bids=((999.0,),), asks=((1_001.0, 1.0),)), None,  # type: ignore[arg-type]
)  # fmt: skip
SOUND = Depth(bids=((999.0, 5.0), (998.0, 5.0)), asks=((1_001.0, 5.0), (1_002.0, 5.0)))


class WholeWay(Guard):
    def skim(self, book: BookSeen) -> bool:
        return False


class Now:
    """A watch that wants a look at every mark of ETH, and once a while."""

    def __init__(self) -> None:
        self.until_ns = 0

    def __call__(self, message: Message) -> bool:
        return (isinstance(message, MarkSeen) and message.symbol == "ETH") or message.received_ns >= self.until_ns


class Side:
    """One of the two, and what it looks at."""

    def __init__(self, kind: type[Guard]) -> None:
        self.watch, self.wants = Now(), False
        settings = replace(SETTINGS, arming=True)
        self.guard = kind(Desk(), settings, self._decide, self.watch, Signals(QUICK))
        self.effects = list(self.guard.start(1))

    def _decide(self, view: View) -> Decision:
        self.watch.until_ns = view.now_ns + 3 * SECOND_NS
        wanted = (trim("BTC", -0.5),) if self.wants and ACCOUNT in view.accounts else ()
        return Decision(before=CALM, wanted=wanted)

    def take(self, message: Message) -> object:
        if isinstance(message, Answered):
            message = replace(message, digest=self.guard.desk.live[0] if self.guard.desk.live else "none")
        return self.guard.receive(message)


@st.composite
def books(draw: st.DrawFn, at_ns: int) -> BookSeen:
    """Mostly sound and in order."""
    depth = SOUND if draw(st.integers(0, 5)) else draw(st.sampled_from(FLAWED))
    symbol = draw(st.sampled_from(["BTC", "BTC", "BTC", "ETH", "DOGE"]))
    behind = draw(st.sampled_from([0, 0, 0, 3 * SECOND_NS, -9 * SECOND_NS]))
    sequence, late = draw(st.sampled_from([-1, -1, 7, 2**63])), at_ns - behind
    told: Any = late if draw(st.integers(0, 9)) else float(late)
    return BookSeen(venue=VENUE, symbol=symbol, depth=depth, at_ns=told, received_ns=at_ns, sequence=sequence)


def others(at_ns: int) -> list[Message]:
    """What comes between."""
    exchange = Exchange(positions={"BTC": 3.0})
    return [
        MarkSeen(venue=VENUE, symbol="BTC", at_ns=at_ns, received_ns=at_ns, mark_price=1_000.0),
        MarkSeen(venue=VENUE, symbol="ETH", at_ns=at_ns, received_ns=at_ns, mark_price=100.0),
        Wake(received_ns=at_ns),
        exchange.account(at_ns),
        Stale(venue=VENUE, stream="book:BTC", received_ns=at_ns),
        Stale(venue=VENUE, stream="book:BTC", received_ns=at_ns, fresh=True),
        Arm(until_ns=at_ns + HOUR_NS, who="ann", received_ns=at_ns),
        Kill(level=KillLevel.CANCEL, who="ann", reason="a test", received_ns=at_ns),
        Kill(level=KillLevel.NONE, who="ann", reason="a test", received_ns=at_ns),
        Answered(digest="", approve=True, who="ann", channel="cli", received_ns=at_ns),
    ]


@given(st.data())
def test_a_glance_is_a_shortcut_and_no_rule(data: st.DataObject) -> None:
    one, other, at_ns = Side(Guard), Side(WholeWay), HOUR_NS
    for _ in range(data.draw(st.integers(5, 30))):
        at_ns += data.draw(st.sampled_from([0, 10**6, SECOND_NS // 2, 2 * SECOND_NS, 40 * SECOND_NS]))
        message: Message = data.draw(books(at_ns))
        if data.draw(st.integers(0, 3)) == 0:
            message = data.draw(st.sampled_from(others(at_ns)))
        one.wants = other.wants = data.draw(st.booleans())
        assert one.take(message) == other.take(message)
        assert one.guard.known == other.guard.known and one.guard.desk == other.guard.desk
        assert one.guard.now_ns == other.guard.now_ns
        assert pickle.dumps(one.guard._signals) == pickle.dumps(other.guard._signals)


def test_a_glance_takes_books_that_come_one_after_another() -> None:
    side = Side(Guard)
    passed = []
    for k in range(50):
        at_ns = HOUR_NS + k * SECOND_NS // 20
        book = BookSeen(venue=VENUE, symbol="BTC", depth=SOUND, at_ns=at_ns, received_ns=at_ns)
        passed.append(side.guard.skim(book))
        if not passed[-1]:
            side.guard.receive(book)
    assert passed.count(True) > 40 and not passed[0]


SIDES = st.lists(
    st.tuples(
        st.sampled_from([1.0, 2.0, 3.0, 4.0, 0.0, -1.0, float("nan"), float("inf")]),
        st.sampled_from([1.0, 2.0, 0.0, float("nan"), float("inf")]),
    ),
    max_size=4,
).map(tuple)


@given(SIDES, SIDES)
def test_a_sound_book_has_two_sides_in_order_of_numbers_above_nothing(bids: Any, asks: Any) -> None:
    prices = [price for price, _ in bids[::-1]] + [price for price, _ in asks]
    numbers = [number for level in (*bids, *asks) for number in level]
    sound = bool(bids and asks) and all(0.0 < one < float("inf") for one in numbers)
    rising = all(one < other for one, other in pairwise(prices))
    assert Depth(bids=bids, asks=asks).is_sound() == (sound and rising)


def test_what_is_made_quickly_is_what_is_made_slowly() -> None:
    bids, asks = ((999.0, 5.0),), ((1_001.0, 5.0),)
    slowly = BookSeen(venue="v", symbol="s", depth=Depth(bids=bids, asks=asks), at_ns=1, received_ns=2, sequence=3)
    quickly = book_seen("v", "s", depth_of(bids, asks), 1, 2, 3)
    assert quickly == slowly and hash(quickly) == hash(slowly) and repr(quickly) == repr(slowly)
    assert book_seen("v", "s", SOUND, 1, 2) == BookSeen(venue="v", symbol="s", depth=SOUND, at_ns=1, received_ns=2)
