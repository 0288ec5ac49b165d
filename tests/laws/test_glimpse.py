"""A glimpse at a message's bytes says no more than reading it does, and a guard that is spared what it passes ends as one that
hears it all."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpbook.guard.desk import Desk
from perpbook.guard.guard import Guard
from perpbook.guard.signals import Signals
from perpbook.guard.view import Decision, View
from perpbook.kernels.glimpse import MILLISECONDS, NUMBER_OF, decimal, glimpse, read
from perpbook.model.message import Answered, BookSeen, Message, Wake
from perpbook.model.units import HOUR_NS, SECOND_NS
from perpbook.venues import glimpses, stream
from perpbook.venues.decode_parts import Decoder, Scope, Unfit
from perpbook.venues.stream_dialects import dialect_of
from tests.laws.guarded import CALM, SETTINGS, trim
from tests.laws.test_guard_glance import SOUND, Now, books, others
from tests.unit.stream_messages import hl_book
from tests.unit.test_signals import QUICK

LEVELS = 3
WIDE = [[1, 0, 0, 0], [1, 2**62, 0, 0]]
LIMITS = np.array([5 * SECOND_NS, 10 * SECOND_NS, LEVELS])
NOW_MS = HOUR_NS // 1_000_000
PRICES = st.decimals(min_value=0, max_value=2_000, allow_nan=False, places=2).map(str)
SIZES = st.sampled_from(["1", "2.50", "0.001", "30", "0", "0.0", "1e3", "-1", "007", "5.", ".5", "nan", "", "1" * 18])


def rows(begin: int, step: int) -> st.SearchStrategy[list[list[str]]]:
    """A side of a book, mostly in order."""
    sizes = st.one_of(st.just("1.5"), st.just("2"), SIZES)
    steps = st.lists(st.tuples(st.sampled_from([1, 1, 1, 2, 7, 0]), sizes), min_size=0, max_size=6)
    near = steps.map(
        lambda all_: [[f"{begin + step * sum(s for s, _ in all_[: k + 1])}.5", z] for k, (_, z) in enumerate(all_)]
    )
    return st.one_of(near, near, near, st.lists(st.lists(PRICES, min_size=2, max_size=2), max_size=3))


def hyperliquid(channel: str, bids: list[list[str]], asks: list[list[str]], ms: int) -> bytes:
    def level(row: list[str]) -> str:
        return f'{{"px":"{row[0]}","sz":"{row[1]}","n":{len(row[1])}}}'

    if channel == "bbo":
        sides = ",".join(level(side[0]) if side else "null" for side in (bids, asks))
        return f'{{"channel":"bbo","data":{{"coin":"BTC","time":{ms},"bbo":[{sides}]}}}}'.encode()
    sides = "],[".join(",".join(map(level, side)) for side in (bids, asks))
    return f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{ms},"levels":[[{sides}]]}}}}'.encode()


def binance(channel: str, bids: list[list[str]], asks: list[list[str]], ms: int) -> bytes:
    head = f'{{"stream":"btcusdt@depth20@100ms","data":{{"e":"{channel}","E":{ms},"T":{ms - 1},"s":"BTCUSDT"'
    sides = [",".join(f'["{price}","{size}"]' for price, size in side) for side in (bids, asks)]
    return f'{head},"U":{ms + 5},"u":{ms + 7},"pu":{ms},"b":[{sides[0]}],"a":[{sides[1]}]}}}}'.encode()


WRITTEN = {
    ("hyperliquid", "l2Book", "BTC"): hyperliquid, ("hyperliquid", "bbo", "BTC"): hyperliquid,
    ("binance", "depthUpdate", "BTCUSDT"): binance,
}  # fmt: skip


def decoder(venue: str, symbol: str) -> Decoder:
    return dialect_of(venue).decoder(Scope(accounts={}, symbols=frozenset({symbol}), levels=LEVELS))


def told(of: Decoder, raw: bytes) -> BookSeen | None:
    try:
        (book,) = of.decode(of.sort(raw), raw, HOUR_NS, True)
    except (Unfit, ValueError):
        return None
    assert isinstance(book, BookSeen)
    return book


def seen_in(of: Decoder, good: bytes, raw: bytes) -> Any:
    """What a glimpse by the form of a good message sees, None where it is not sure."""
    form, seen = glimpses.beginning(good) + of.form(of.sort(good)), np.zeros(7)
    calm = np.array([[1, 0, 0, 0], [1, 2 * HOUR_NS, 0, 0]])
    passes = glimpse(raw, form, LIMITS, HOUR_NS, calm, 1)
    assert read(raw, form, LEVELS, seen) or not passes
    return seen if passes else None


@given(st.sampled_from(sorted(WRITTEN)), rows(1_000, -1), rows(1_001, 1), st.integers(0, 9))
def test_what_a_glimpse_is_sure_of_is_read_so(of: Any, bids: Any, asks: Any, late: int) -> None:
    venue, channel, symbol = of
    write, decodes = WRITTEN[of], decoder(venue, symbol)
    good = write(channel, [["999", "1"]], [["1001", "1"]], NOW_MS)
    raw = write(channel, bids, asks, NOW_MS - late)
    seen, book = seen_in(decodes, good, raw), told(decodes, raw)
    plain = all(text in ("1.5", "2", "1", "2.50", "0.001", "30") for _, text in (*bids, *asks))
    assert seen is None or book is not None, "sure of what is refused"
    assert seen is not None or book is None or not plain, "not sure of what is written plainly"
    if seen is not None and book is not None:
        assert (seen[MILLISECONDS] * 1e6, seen[NUMBER_OF]) == (book.at_ns, book.sequence if venue == "binance" else 0)


@given(st.sampled_from(sorted(WRITTEN)), st.data())
def test_bytes_that_changed_are_never_taken_for_a_sound_book(of: Any, data: st.DataObject) -> None:
    venue, channel, symbol = of
    write, decodes = WRITTEN[of], decoder(venue, symbol)
    good = write(channel, [["999.5", "1"], ["998", "1.25"]], [["1001", "1"], ["1002.0", "2"]], NOW_MS)
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw)))
        there = bytes([data.draw(st.sampled_from(b'0123456789.,"[]{}:-e \n\x00\x01\x07'))])
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.sampled_from([b"", there]))
        assume(raw)
    if seen_in(decodes, good, bytes(raw)) is not None:
        assert told(decodes, bytes(raw)) is not None


@given(st.from_regex(r"\A[0-9]{0,9}\.?[0-9]{0,9}\Z"))
def test_a_decimal_is_the_float_that_its_text_is(text: str) -> None:
    value, end = decimal(text.encode(), 0)
    if end >= 0:
        assert value == float(text[:end]) and end == len(text)
    else:
        led = len(text) > 1 and text[0] == "0" and text[1] != "."
        assert not text or text[0] == "." or text[-1] == "." or len(text) > 15 or led


def test_a_glimpse_holds_only_in_a_calm_and_against_what_was_known() -> None:
    of, raw = decoder("hyperliquid", "BTC"), hyperliquid("bbo", [["999", "1"]], [["1001", "1"]], NOW_MS)
    form = glimpses.beginning(raw) + of.form(of.sort(raw))

    def passes(granted: int = 7, until_ns: int = 2 * HOUR_NS, at_ns: int = 0, sequence: int = 0, late: int = 0) -> bool:
        calm = np.array([[7, 0, 0, 0], [granted, until_ns, at_ns, sequence]])
        return bool(glimpse(raw, form, LIMITS, HOUR_NS + late, calm, 1))

    assert passes() and passes(at_ns=HOUR_NS) and passes(late=10 * SECOND_NS) and passes(late=-5 * SECOND_NS)
    assert not passes(granted=6) and not passes(until_ns=HOUR_NS) and not passes(at_ns=HOUR_NS + 1)
    assert not passes(at_ns=HOUR_NS, sequence=1)
    assert not glimpse(
        raw.replace(b"3600000", b"536745578128577"), form, LIMITS, 1_790_000_000 * SECOND_NS, np.array(WIDE), 1
    )
    assert not passes(late=10 * SECOND_NS + 1) and not passes(late=-5 * SECOND_NS - 1)


class Clock:
    at_ns = HOUR_NS


class Side:
    """A guard that hears frames of a stream, and messages between them."""

    def __init__(self, *, spared: bool) -> None:
        self.watch, self.wants, self.ready, self.spared = Now(), False, True, spared
        self.guard = Guard(Desk(), replace(SETTINGS, arming=True), self._decide, self.watch, Signals(QUICK))
        self.effects = list(self.guard.start(1))
        self.calm = self.guard.calm
        self.stream = stream.Stream(dialect_of("hyperliquid"), levels=LEVELS)
        self.stream._ear, self.stream._wake, self.stream._ready = self, self.stream.pour, True
        self.stream._glimpses = glimpses.Glimpses(self.calm, LEVELS, 10 * SECOND_NS)
        self.stream.reader = self.stream._reader(Scope(accounts={}, symbols=frozenset({"BTC", "ETH"}), levels=LEVELS))
        self.stream.reader.begin(1)
        self.stream._failing = stream.Failing(Future())  # type: ignore[arg-type]
        self.stream.pour()

    def _decide(self, view: View) -> Decision:
        self.watch.until_ns = view.now_ns + 3 * SECOND_NS
        return Decision(before=CALM, wanted=(trim("BTC", -0.5),) if self.wants and view.accounts else ())

    def take(self, message: Message) -> None:
        """Of the stream."""
        if type(message) is not BookSeen or not self.guard.skim(message):
            self.say(message)

    def say(self, message: Message) -> None:
        """Of others."""
        if isinstance(message, Answered):
            message = replace(message, digest=self.guard.desk.live[0] if self.guard.desk.live else "none")
        self.stream.catch_up()
        self.effects += self.guard.receive(message)

    async def put(self, message: Message) -> None:
        self.take(message)

    def know(self, book: BookSeen) -> None:
        assert self.guard.skim(book), "what a glimpse passed leads to something"

    def rehearse(self, message: Message) -> None:
        self.guard.rehearse(message)

    def meet(self, teller: Any) -> None: ...

    def hear(self, raw: bytes, last: bool) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(glimpses, "IS_SHORTER", self.spared)
            patch.setattr(stream, "now_ns", lambda: Clock.at_ns)
            self.stream.hear(raw, last)
            if last:
                self.stream.wake()
            if self.spared:
                self.stream.rehearse()
            if self.stream.reader.broken:
                self.begin_anew()

    def begin_anew(self) -> None:
        """A connection that is beyond repair ends, and another begins."""
        self.stream._end()
        self.stream.reader.begin(Clock.at_ns)
        self.stream.pour()

    def settle(self) -> None:
        """Know an account, and books one after another."""
        Clock.at_ns = HOUR_NS
        self.say(others(HOUR_NS)[3])
        for number in range(12):
            Clock.at_ns += 10**6
            coin, ms = "BTC" if number % 2 else "ETH", Clock.at_ns // 1_000_000
            self.hear(hl_book([["999.0", "5"]], [["1001.0", "5"]], coin, ms), True)

    def state(self) -> Any:
        self.stream.catch_up()
        known, pulses = self.guard.known, self.stream.reader.watchdog._pulses
        return known, self.guard.desk, self.guard.now_ns, pulses, pickle.dumps(self.guard._signals), self.effects


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Mostly sound books, in order."""
    coin = draw(st.sampled_from(["BTC"] * 20 + ["ETH"] * 9 + ["DOGE"]))
    good: tuple[Any, Any] = ([["999.0", "5"], ["998.0", "5.5"]], [["1001.0", "5"]])
    flawed: Any = st.sampled_from(
        [([], good[1]), (good[1], good[0]), ([["999.0", "0"]], good[1]), ([["nan", "1"]], good[1])]
    )
    bids, asks = good if draw(st.integers(0, 15)) else draw(flawed)
    behind = draw(st.sampled_from([0] * 12 + [2, 3, 3_000, -9_000, 12_000]))
    raw = hl_book(bids, asks, coin, Clock.at_ns // 1_000_000 - behind)
    return raw if draw(st.integers(0, 30)) else raw[:-3]


def steps(data: st.DataObject) -> Iterator[Message | tuple[bytes, bool]]:
    for _ in range(data.draw(st.integers(10, 40))):
        Clock.at_ns += data.draw(st.sampled_from([0, *[10**6] * 30, SECOND_NS // 4, 2 * SECOND_NS]))
        kind = data.draw(st.sampled_from(["frame"] * 24 + ["other", "other", "answer"]))
        if kind == "frame":
            yield data.draw(frames()), data.draw(st.sampled_from([True] * 7 + [False]))
        else:
            yield data.draw(st.sampled_from(others(Clock.at_ns)) if kind == "other" else books(Clock.at_ns))


@given(st.data())
def test_a_guard_that_is_spared_books_ends_as_one_that_hears_them_all(data: st.DataObject) -> None:
    one, other = Side(spared=True), Side(spared=False)
    for side in (one, other):
        side.settle()
    assert one.state() == other.state() and one.stream._glimpses.passed > 4
    for step in steps(data):
        one.wants = other.wants = data.draw(st.booleans())
        for side in (one, other):
            side.hear(*step) if isinstance(step, tuple) else side.say(step)
        if data.draw(st.booleans()):
            assert one.state() == other.state()
    assert one.state() == other.state() and other.stream._glimpses.passed == 0


def good(late_ms: int = 0) -> bytes:
    return hl_book([["999.0", "5"]], [["1001.0", "5"]], "BTC", Clock.at_ns // 1_000_000 - late_ms)


def answered(late_ms: int = 0) -> BookSeen:
    at_ns = Clock.at_ns - late_ms * 10**6
    return BookSeen(venue="hyperliquid", symbol="BTC", depth=SOUND, at_ns=at_ns, received_ns=Clock.at_ns)


def lost(side: Side) -> None:
    side.stream.catch_up()
    side.stream._say(side.stream.reader.watchdog.lose("book:BTC", Clock.at_ns))


@pytest.mark.parametrize(
    "script",
    [
        [lambda side: side.hear(good(), True), lambda side: side.hear(b"{", True)],
        [
            lambda side: side.hear(good(), True),
            lambda side: side.say(answered(5)),
            lambda side: side.hear(good(3), True),
        ],
        [
            lambda side: side.hear(good(), True),
            lambda side: side.hear(good(), False),
            lambda side: side.hear(good(), True),
        ],
        [lost, *[lambda side: side.say(answered())] * 4, lambda side: side.hear(good(), True)],
    ],
    ids=["a refused beginning", "an older answer", "one that is not the last at hand", "a stream told stale"],
)
def test_what_waits_is_told_before_anything_else(script: list[Callable[[Side], None]]) -> None:
    one, other = Side(spared=True), Side(spared=False)
    for side in (one, other):
        side.settle()
        for step in script:
            Clock.at_ns += 10 * 10**6
            step(side)
    assert one.state() == other.state()


def test_books_that_come_one_after_another_are_spared() -> None:
    side = Side(spared=True)
    for number in range(50):
        Clock.at_ns = HOUR_NS + number * SECOND_NS // 20
        if number % 5 == 1:
            side.say(Wake(received_ns=Clock.at_ns))
        side.hear(hl_book([["999.0", "5"]], [["1001.0", "5"]], "BTC", Clock.at_ns // 1_000_000), True)
    assert side.stream._glimpses.passed > 30 and side.guard.now_ns < Clock.at_ns
    side.stream.catch_up()
    assert side.guard.now_ns == Clock.at_ns == side.guard.known.books["hyperliquid", "BTC"].received_ns
