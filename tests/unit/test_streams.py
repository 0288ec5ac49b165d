"""Streams: what is conflated, when something is stale, the websocket itself on loopback, and recordings played again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import picows
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.engine.clock import now_ns
from perpbook.engine.ports import Teller
from perpbook.errors import InputError
from perpbook.guard.calm import Calm
from perpbook.model.account import Account, Balance
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, MarkSeen, Message, Stale
from perpbook.model.units import SECOND_NS
from perpbook.venues.conflate import Inbox, Kept
from perpbook.venues.decode_binance import Binance
from perpbook.venues.decode_parts import Decoder, Kind, Reason, Scope, Sorted
from perpbook.venues.recorded import Recorded, Recorder, lines_of
from perpbook.venues.stream import WHOLE_WAY, Habits, Prepare, Stream
from perpbook.venues.stream_dialects import DIALECTS, dialect_of, scope_of
from perpbook.venues.stream_reader import Reader
from perpbook.venues.watchdog import Watchdog
from tests.unit.stream_messages import (
    ADDRESS,
    NOW,
    NOW_MS,
    decoder,
    depth,
    dydx_book,
    dydx_whole,
    hl_book,
    hl_context,
    packed,
    recording,
)

BIDS, ASKS = [["90000.0", "1.5"], ["89999.0", "2"]], [["90001.0", "1"], ["90002.5", "3"]]
sorts = st.builds(
    Sorted, st.sampled_from((Kind.WHOLE, Kind.CHANGE, Kind.EVENT)), st.sampled_from(("a", "b", "c")), st.just("x")
)


@given(st.lists(sorts, max_size=40))
def test_conflation_keeps_the_newest_of_what_is_whole_and_all_of_the_rest(puts: list[Sorted]) -> None:
    inbox = Inbox()
    for number, what in enumerate(puts):
        assert inbox.put(what, b"%d" % number, number)
    kept = drained(inbox)
    wanted = [
        (number, what)
        for number, what in enumerate(puts)
        if what.kind is not Kind.WHOLE or what not in puts[number + 1 :]
    ]
    assert [(one.received_ns, one.what) for one in kept] == wanted
    assert inbox.conflated == len(puts) - len(kept) and not inbox
    for one in kept:
        later = [other for other in kept if other.what == one.what and other.received_ns > one.received_ns]
        assert one.last == (one.what.kind is not Kind.CHANGE or not later)


def drained(inbox: Inbox) -> list[Kept]:
    return list(iter(inbox.take, None))


def test_an_inbox_without_room_forgets_and_says_so() -> None:
    inbox, event = Inbox(room=2), Sorted(Kind.EVENT, "account", "x")
    assert inbox.put(event, b"1", 1) and inbox.put(event, b"2", 2)
    assert not inbox.put(event, b"3", 3) and not inbox
    assert inbox.put(event, b"4", 4)


def test_a_stream_is_stale_once_and_fresh_with_the_next_whole_message() -> None:
    dog = Watchdog("hyperliquid", {"book:BTC": SECOND_NS, "orders": 0}, patience=3.0)
    dog.begin(0)
    assert dog.look(3 * SECOND_NS) == []
    (told,) = dog.look(3 * SECOND_NS + 1)
    assert (told.stream, told.fresh) == ("book:BTC", False) and dog.look(9 * SECOND_NS) == []
    assert dog.heard("book:BTC", 10 * SECOND_NS, 10 * SECOND_NS, whole=False) is None
    fresh = dog.heard("book:BTC", 10 * SECOND_NS, 10 * SECOND_NS, whole=True)
    assert fresh is not None and fresh.fresh and dog.stale == frozenset()


def test_a_venue_whose_time_lags_is_not_known() -> None:
    dog = Watchdog("hyperliquid", {"book:BTC": 0}, lag_ns=SECOND_NS)
    told = dog.heard("book:BTC", 0, SECOND_NS + 1, whole=True)
    assert told is not None and not told.fresh
    assert dog.heard("book:BTC", 1, 2 * SECOND_NS + 2, whole=True) is None
    fresh = dog.heard("book:BTC", 2 * SECOND_NS, 2 * SECOND_NS + 2, whole=True)
    assert fresh is not None and fresh.fresh


def test_a_lost_connection_loses_every_stream() -> None:
    dog = Watchdog("dydx", {"mark": 0, "book:BTC-USD": 0})
    assert {told.stream for told in dog.lose("", 5)} == {"mark", "book:BTC-USD"}
    assert dog.lose("mark", 6) == []


def reader(venue: str) -> Reader:
    return Reader(decoder(venue), Watchdog(venue, {}))


def read(of: Reader, raw: bytes, at: int = NOW) -> list[Message]:
    return list(of.read(of.decoder.sort(raw), raw, at))


def test_a_bad_book_makes_its_stream_stale_and_the_next_good_one_fresh() -> None:
    of = reader("hyperliquid")
    (stale,) = read(of, hl_book([["nan", "1"]], ASKS))
    assert isinstance(stale, Stale) and stale.stream == "book:BTC" and not of.broken
    fresh, book = read(of, hl_book(BIDS, ASKS))
    assert isinstance(fresh, Stale) and fresh.fresh and isinstance(book, BookSeen)
    assert [one.reason for one in of.refusals] == [Reason.NUMBER]


def test_a_lost_change_breaks_the_connection_and_nothing_is_read_until_it_begins_anew() -> None:
    of = reader("dydx")
    read(of, dydx_whole(1, BIDS, ASKS))
    assert isinstance(read(of, dydx_book(2, [["x", "1"]], []))[0], Stale) and of.broken
    assert read(of, dydx_whole(3, BIDS, ASKS)) == []
    of.begin(NOW)
    fresh, book = read(of, dydx_whole(1, BIDS, ASKS))
    assert isinstance(fresh, Stale) and fresh.fresh and isinstance(book, BookSeen)


def test_nothing_is_told_of_a_stream_that_lags() -> None:
    of = reader("hyperliquid")
    assert [type(one) for one in read(of, hl_book(BIDS, ASKS, ms=NOW_MS - 20_000))] == [Stale]
    assert read(of, hl_book(BIDS, ASKS, ms=NOW_MS - 20_000)) == []


class Venue(picows.WSListener):
    """A venue that answers the first subscription with what it is given."""

    def __init__(self, answers: Sequence[bytes], heard: list[bytes], *, hang_up: bool) -> None:
        self._answers, self._heard, self._hang_up = answers, heard, hang_up
        self._answered = False

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.disconnect()
        if frame.msg_type != picows.WSMsgType.TEXT:
            return
        self._heard.append(frame.get_payload_as_bytes())
        if not self._answered:
            self._answered = True
            for answer in self._answers:
                transport.send(picows.WSMsgType.TEXT, answer)
            if self._hang_up:
                transport.disconnect()


Use = Callable[[AsyncIterator[Message], Stream], Awaitable[Any]]


class Ear:
    """Takes what comes while it is open; `fails` : dies of the next."""

    def __init__(self, *, ready: bool = True, fails: bool = False) -> None:
        self.ready, self.fails = ready, fails
        self.told: list[Message] = []
        self.rehearsed: list[Message] = []
        self.calm = Calm(())
        self.teller: Teller

    def take(self, message: Message) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.told.append(message)

    async def put(self, message: Message) -> None:
        self.take(message)

    def rehearse(self, message: Message) -> None:
        self.rehearsed.append(message)

    def know(self, book: BookSeen) -> None:
        self.take(book)

    def meet(self, teller: Teller) -> None:
        self.teller = teller

    def once_more(self) -> None:
        for _ in range(WHOLE_WAY):
            self.teller.rehearse()


def into(ear: Ear, wanted: int, then: Callable[[Stream], Awaitable[None]] | None = None) -> Use:
    """Tell a stream's messages to an ear until it has so many."""

    async def use(_: AsyncIterator[Message], stream: Stream) -> list[Message]:
        telling = asyncio.ensure_future(stream.tell(["one"], ["BTC"], ear))
        try:
            if then is not None:
                await then(stream)
            while len(ear.told) < wanted and not telling.done():
                await asyncio.sleep(0.005)
            if telling.done():
                telling.result()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        return ear.told

    return use


def with_venue(
    visits: Sequence[Sequence[bytes]],
    use: Use,
    *,
    venue: str = "hyperliquid",
    symbol: str = "BTC",
    prepare: Prepare | None = None,
    **habits: float,
) -> tuple[Any, list[bytes]]:
    """What `use` makes of a stream on loopback, and what the venue heard, which hangs up after each visit but the last."""
    heard: list[bytes] = []
    left = list(visits)

    def listener(_: Any) -> Venue:
        answers = left.pop(0) if left else []
        return Venue(answers, heard, hang_up=bool(left))

    async def run() -> Any:
        server = await picows.ws_create_server(listener, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            pace = Habits(**{"back_off": 0.01, "look": 0.01, **habits})  # type: ignore[arg-type]
            url = f"ws://127.0.0.1:{port}"
            stream = Stream(dialect_of(venue), {"one": ADDRESS}, url=url, habits=pace, prepare=prepare)
            feed = stream.messages(["one"], [symbol])
            try:
                return await asyncio.wait_for(use(feed, stream), 10)
            finally:
                await feed.aclose()

    return asyncio.run(run()), heard


async def until(feed: AsyncIterator[Message], kind: type[Message], count: int = 1) -> list[Message]:
    """Messages up to the `count`-th of a kind."""
    out: list[Message] = []
    async for message in feed:
        out.append(message)
        if sum(isinstance(one, kind) for one in out) >= count:
            break
    return out


def now_ms() -> int:
    return now_ns() // 1_000_000


def test_a_stream_subscribes_and_tells() -> None:
    book = hl_book(BIDS, ASKS, ms=now_ms())
    told, heard = with_venue([[hl_context(), book]], lambda feed, _: until(feed, BookSeen))
    assert [type(one) for one in told] == [MarkSeen, BookSeen]
    asked = b"".join(heard)
    assert b'"l2Book"' in asked and b'"activeAssetCtx"' in asked and ADDRESS.encode() in asked


def test_a_stream_that_is_cut_says_so_and_comes_back() -> None:
    book = hl_book(BIDS, ASKS, ms=now_ms())
    told, heard = with_venue([[book], [book]], lambda feed, _: until(feed, BookSeen, 2))
    kinds = [(type(one), getattr(one, "stream", ""), getattr(one, "fresh", None)) for one in told]
    assert kinds[0][0] is BookSeen and (Stale, "book:BTC", False) in kinds
    assert kinds[-2:] == [(Stale, "book:BTC", True), (BookSeen, "", None)]
    assert sum(b"l2Book" in one for one in heard) == 2


def test_what_came_before_a_cut_is_told_before_it_and_nothing_is_fresh_by_it() -> None:
    fill = {"coin": "BTC", "px": "1", "sz": "1", "side": "B", "time": now_ms(), "fee": "0", "oid": 1, "tid": 5}
    raws = [hl_context(), hl_book(BIDS, ASKS, ms=now_ms()), packed({"channel": "user", "data": {"fills": [fill]}})]

    async def late(feed: AsyncIterator[Message], stream: Stream) -> list[Message]:
        first = await until(feed, MarkSeen)
        while not stream.reader.watchdog.stale:
            await asyncio.sleep(0.01)
        return first + await until(feed, Stale, 3)

    told, _ = with_venue([raws, []], late)
    fresh = [one for one in told if isinstance(one, Stale) and one.fresh]
    kinds = [type(one) for one in told if not isinstance(one, Stale)]
    assert kinds == [MarkSeen, BookSeen, FillSeen] and fresh == []
    assert [type(one) for one in told[:3]] == kinds


def test_a_slow_taker_gets_the_newest_and_every_event() -> None:
    books = [hl_book([[f"{90000 - k}", "1"]], ASKS, ms=now_ms()) for k in range(200)]
    fill = {"coin": "BTC", "px": "1", "sz": "1", "side": "B", "time": now_ms(), "fee": "0", "oid": 1}
    fills = [packed({"channel": "user", "data": {"fills": [fill | {"tid": k}]}}) for k in range(20)]

    async def slowly(feed: AsyncIterator[Message], stream: Stream) -> list[Message]:
        first = await until(feed, MarkSeen)
        while stream._inbox.conflated < 198:
            await asyncio.sleep(0.01)
        return first + await until(feed, FillSeen, 20)

    told, _ = with_venue([[hl_context(), *books, *fills]], slowly)
    assert len([one for one in told if isinstance(one, FillSeen)]) == 20
    assert len([one for one in told if isinstance(one, BookSeen)]) <= 2


def test_an_ear_is_told_what_a_taker_takes() -> None:
    told, heard = with_venue([[hl_context(), hl_book(BIDS, ASKS, ms=now_ms())]], into(Ear(), 2))
    assert [type(one) for one in told] == [MarkSeen, BookSeen] and b'"l2Book"' in b"".join(heard)


def test_what_is_listened_for_beside_the_loop_is_heard_once_and_in_order_until_the_connection_ends() -> None:
    fill = {"coin": "BTC", "px": "1", "sz": "1", "side": "B", "time": now_ms(), "fee": "0", "oid": 1}
    fills = [packed({"channel": "user", "data": {"fills": [fill | {"tid": k}]}}) for k in range(60)]
    listened: list[Message] = []

    async def then(stream: Stream) -> None:
        while sum(isinstance(one, FillSeen) for one in ear.told) < 120:
            heard = len(ear.told)
            stream.listen()
            listened.extend(ear.told[heard:])
            await asyncio.sleep(0)

    ear = Ear()
    told, _ = with_venue([fills, fills], into(ear, 120, then))
    numbers = [one.fill.trade_id for one in told if isinstance(one, FillSeen)]
    assert numbers == [str(k) for k in range(60)] * 2 and listened


def test_the_newest_price_is_rehearsed_while_nothing_waits_and_nothing_else_is() -> None:
    fill = {"coin": "BTC", "px": "1", "sz": "1", "side": "B", "time": now_ms(), "fee": "0", "oid": 1, "tid": 5}
    ear = Ear()

    async def then(stream: Stream) -> None:
        while not ear.told:
            await asyncio.sleep(0.005)
        ear.once_more()
        ear.ready = False
        ear.once_more()
        ear.ready = True
        stream.hear(packed({"channel": "user", "data": {"fills": [fill]}}), True)
        ear.once_more()

    told, _ = with_venue([[hl_book(BIDS, ASKS, ms=now_ms())]], into(ear, 2, then))
    assert [type(one) for one in told] == [BookSeen, FillSeen] and ear.rehearsed == told[:1]


def test_a_rehearsal_makes_no_stream_fresh_that_was_told_stale_in_its_turn() -> None:
    ear = Ear()

    async def then(stream: Stream) -> None:
        while not ear.told:
            await asyncio.sleep(0.005)
        ear.ready = False
        stream.hear(hl_book(ASKS, BIDS, ms=now_ms()), True)
        ear.ready = True
        ear.teller.pour()
        ear.once_more()
        stream.hear(hl_book(BIDS, ASKS, ms=now_ms()), True)

    told, _ = with_venue([[hl_book(BIDS, ASKS, ms=now_ms())]], into(ear, 4, then))
    assert [type(one) for one in told] == [BookSeen, Stale, Stale, BookSeen]
    assert [one.fresh for one in told if isinstance(one, Stale)] == [False, True] and not ear.rehearsed


def test_an_ear_that_was_not_ready_is_told_the_newest_and_every_event() -> None:
    books = [hl_book([[f"{90000 - k}", "1"]], ASKS, ms=now_ms()) for k in range(200)]
    fill = {"coin": "BTC", "px": "1", "sz": "1", "side": "B", "time": now_ms(), "fee": "0", "oid": 1}
    fills = [packed({"channel": "user", "data": {"fills": [fill | {"tid": k}]}}) for k in range(20)]
    ear = Ear(ready=False)

    async def then(stream: Stream) -> None:
        while stream._inbox.conflated < 199 or len(stream._inbox) < 21:
            await asyncio.sleep(0.005)
        assert not ear.told
        ear.ready = True
        ear.teller.pour()

    told, _ = with_venue([[*books, *fills]], into(ear, 21, then))
    (book,) = (one for one in told if isinstance(one, BookSeen))
    assert book.depth.bids[0][0] == 90000 - 199 and len(told) == 21


@pytest.mark.parametrize("raw", [b"{", hl_book(BIDS, ASKS, "DOGE"), packed({"channel": "error", "data": "no"})])
def test_a_message_that_no_stream_is_known_of_ends_nothing_that_an_ear_is_told(raw: bytes) -> None:
    """It is refused where it comes in, and the connection begins anew."""
    told, heard = with_venue([[raw], [hl_book(BIDS, ASKS, ms=now_ms())]], into(Ear(), 5))
    assert isinstance(told[-1], BookSeen) and sum(b"l2Book" in one for one in heard) == 2


@pytest.mark.parametrize("first", [True, False])
def test_whoever_awaits_a_stream_learns_that_its_ear_failed(first: bool) -> None:
    ear = Ear(ready=first, fails=True)

    async def then(stream: Stream) -> None:
        while not first and not stream._inbox:
            await asyncio.sleep(0.005)
        ear.ready = True
        if not first:
            with pytest.raises(ZeroDivisionError):
                ear.teller.pour()

    with pytest.raises(ZeroDivisionError):
        with_venue([[hl_book(BIDS, ASKS, ms=now_ms())]], into(ear, 1, then))


def test_what_is_read_over_http_is_there_before_anything_is_told() -> None:
    """Changes of a book and of an account that come before their snapshots wait for them."""

    async def prepare(of: Decoder, scope: Scope) -> Mapping[str, Sequence[Message]]:
        assert isinstance(of, Binance) and scope.symbols == {"BTCUSDT"}
        await asyncio.sleep(0.05)
        of.snapshot("BTCUSDT", packed({"lastUpdateId": 100, "bids": BIDS, "asks": ASKS}))
        held = Account(id="one", venue="binance", collateral=(Balance(asset="USDT", amount=5.0),))
        seen = AccountSeen(account=held, at_ns=now_ns() - SECOND_NS, received_ns=now_ns())
        of.seed([seen])
        return {"account": [seen]}

    change = {"B": [{"a": "USDT", "wb": "9", "cw": "7"}], "P": []}
    account = packed({"e": "ACCOUNT_UPDATE", "E": now_ms(), "T": now_ms(), "a": change})
    book = depth(96, 104, 95, [], []).replace(str(NOW_MS).encode(), str(now_ms()).encode())

    async def use(feed: AsyncIterator[Message], _: Stream) -> list[Message]:
        return await until(feed, AccountSeen, 2)

    told, _ = with_venue([[book, account]], use, venue="binance", symbol="BTCUSDT", prepare=prepare)
    assert [type(one) for one in told] == [AccountSeen, BookSeen, AccountSeen]
    assert [one.account.collateral[0].amount for one in told if isinstance(one, AccountSeen)] == [5.0, 7.0]


def test_silence_is_told_and_a_silent_connection_begins_anew() -> None:
    async def use(feed: AsyncIterator[Message], stream: Stream) -> int:
        await until(feed, Stale)
        while stream.connections < 2:
            await asyncio.sleep(0.01)
        return stream.connections

    count, _ = with_venue([[], [], []], use, patience=1e-3, silent=0.05)
    assert count >= 2


def test_a_venue_that_stays_away_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "perpbook.venues.stream")

    async def run() -> None:
        stream = Stream(dialect_of("dydx"), url="ws://127.0.0.1:1", habits=Habits(back_off=0.01, look=0.01))
        feed = stream.messages([], ["BTC-USD"])
        await asyncio.wait_for(anext(feed), 10)
        while len(caplog.records) < 3:
            await asyncio.sleep(0.01)
        await feed.aclose()

    asyncio.run(run())
    assert [record.levelname for record in caplog.records][:3] == ["WARNING", "INFO", "INFO"]


def test_a_venue_that_is_away_is_tried_again_and_nothing_is_known() -> None:
    async def run() -> Message:
        stream = Stream(dialect_of("dydx"), url="ws://127.0.0.1:1", habits=Habits(back_off=0.01, look=0.01))
        feed = stream.messages([], ["BTC-USD"])
        told = await asyncio.wait_for(anext(feed), 10)
        await feed.aclose()
        return told

    told = asyncio.run(run())
    assert isinstance(told, Stale) and not told.fresh


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: dialect_of("drift"), "there is no stream of drift"),
        (lambda: scope_of(dialect_of("binance"), {"a": "1", "b": "2"}, []), "open one stream for each of a, b"),
        (lambda: Recorded(Path("x"), dialect_of("dydx"), speed=0.0), "speed above 0"),
        (lambda: list(lines_of(Path("nowhere"))), "cannot be read"),
        (lambda: asyncio.run(anext(Stream(dialect_of("dydx")).messages(["me"], []))), "no address is known for me"),
        (lambda: asyncio.run(anext(Stream(dialect_of("dydx"), url="http://x").messages([], []))), "begins with ws://"),
    ],
)
def test_what_cannot_be_listened_to_says_what_to_do(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize("venue", sorted(DIALECTS))
def test_every_dialect_asks_for_what_its_watchdog_waits_for(venue: str) -> None:
    dialect = dialect_of(venue)
    scope = Scope(accounts={"one": ADDRESS}, symbols=frozenset({"BTCUSDT"}))
    asked = b"".join(dialect.asks(scope)).lower()
    assert b"btcusdt" in asked and dialect.url.startswith("wss://")
    assert {name.split(":")[0] for name in dialect.streams(scope)} >= {"book", "mark", "account"}


async def everything(feed: AsyncIterator[Message]) -> list[Message]:
    return [message async for message in feed]


def test_what_is_written_down_is_played_again(tmp_path: Path) -> None:
    path, raws = tmp_path / "hl.raw", [hl_book(BIDS, ASKS), hl_context(), b"{\n}"]
    recorder = Recorder(path, "hyperliquid")
    for number, raw in enumerate(raws):
        recorder.write(raw, NOW + number)
    recorder.close()
    assert [at for at, _ in lines_of(path)] == [NOW, NOW + 1, NOW + 2]
    told = asyncio.run(everything(Recorded(path, dialect_of("hyperliquid")).messages([], ["BTC"])))
    assert isinstance(told[0], BookSeen) and told[0].received_ns == NOW and isinstance(told[1], MarkSeen)
    assert isinstance(told[2], Stale)


def test_a_recorded_hour_of_binance_joins_its_snapshots() -> None:
    path, answers = recording("raw_ws/BINANCE_FUTURES.ws.1.0"), recording("raw_ws/BINANCE_FUTURES.http.0.0")
    feed = Recorded(path, dialect_of("binance"), answers=answers)
    symbols = ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"]
    told = asyncio.run(everything(feed.messages([], symbols)))
    books = [one for one in told if isinstance(one, BookSeen)]
    assert len(books) == 1365 and not feed.reader.refusals
    assert all(book.depth.bids[0][0] < book.depth.asks[0][0] for book in books)
    assert {one.stream for one in told if isinstance(one, Stale)} == {f"mark:{symbol}" for symbol in symbols}


def test_a_recording_is_played_at_the_speed_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "hl.raw"
    recorder = Recorder(path, "hyperliquid")
    for number in range(3):
        recorder.write(hl_book(BIDS, ASKS), NOW + number * SECOND_NS)
    recorder.close()

    async def timed() -> float:
        began = asyncio.get_running_loop().time()
        await everything(Recorded(path, dialect_of("hyperliquid"), speed=20.0).messages([], ["BTC"]))
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(timed()) >= 0.09
