"""Prices through ccxt.pro: what a venue shows in base units, and what is silent, late, gone or cannot be, said to be unknown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from perpbook.errors import InputError, VenueUnavailable
from perpbook.model.message import BookSeen, MarkSeen, Message, Stale
from perpbook.venues.decode_parts import Reason, Unfit
from perpbook.venues.dialect_list import DIALECTS
from perpbook.venues.joined import Whole
from perpbook.venues.pro import Habits, Pro, Ways, moment
from perpbook.venues.pro_clients import WAYS, pro_maker
from tests.contract.carriers import Carrier, live, slowly
from tests.dialects import bybit_face, okx_face
from tests.dialects.clients import ccxt_binance
from tests.dialects.served import SYMBOLS, Served, served
from tests.unit.stream_messages import recording

QUICK = Habits(back_off=0.02, back_off_most=0.1, look=0.02, rates=1.0)
WATCHED = {"binance": Ways(funding="r"), **WAYS}


async def no_rates(symbols: Sequence[str]) -> Sequence[MarkSeen]:
    raise VenueUnavailable("the venue does not answer")


def pro(name: str, one: Served, ask: Any = no_rates, **given: Any) -> Pro:
    maker = (lambda: ccxt_binance(one, pro=True)) if name == "binance" else pro_maker(name, one.at(name))
    named: dict[str, Any] = {"ways": WATCHED[name], "habits": QUICK, **given}
    return Pro(DIALECTS[name], maker, ask, **named)


def told(feed: Pro, symbols: Sequence[str], is_enough: Callable[[list[Message]], bool]) -> list[Message]:
    """What a feed tells until it is enough."""

    async def say() -> list[Message]:
        found: list[Message] = []
        async with aclosing(feed.messages((), symbols)) as messages:
            async for message in messages:
                found.append(message)
                if is_enough(found):
                    break
        return found

    return asyncio.run(asyncio.wait_for(say(), 20.0))


def has(found: list[Message], *wanted: tuple[type, str]) -> bool:
    return set(wanted) <= {(type(one), getattr(one, "symbol", "")) for one in found}


@pytest.mark.parametrize("name", slowly(["binance", "bybit", "okx"], "binance"))
def test_books_and_marks_are_the_venues_in_base_units(name: str) -> None:
    symbols = SYMBOLS[name]
    with served(name) as one:
        wanted = [(kind, symbol) for kind in (BookSeen, MarkSeen) for symbol in symbols]
        found = told(pro(name, one), symbols, lambda so_far: has(so_far, *wanted))
        truth = {symbol: one.venues[name].truth.book(symbol).depth for symbol in symbols}
    for seen in found:
        if isinstance(seen, BookSeen):
            bids, asks = truth[seen.symbol].bids, truth[seen.symbol].asks
            assert len(seen.depth.bids) == min(20, len(bids)) and len(seen.depth.asks) == min(20, len(asks))
            assert sum(seen.depth.bids, ()) == pytest.approx(sum(bids[:20], ()), rel=1e-6)
            assert sum(seen.depth.asks, ()) == pytest.approx(sum(asks[:20], ()), rel=1e-6)
        if isinstance(seen, MarkSeen):
            assert seen.mark_price == (60_000.0 if seen.symbol == symbols[0] else 3_000.0)
    assert not [one for one in found if isinstance(one, Stale)]


async def sell(carried: Carrier) -> None:
    """Sell a tenth of a coin."""
    venue: Any = carried.fresh()
    await venue.open()
    await venue.place(carried.order(1, -0.1, 59_000))
    await venue.close()


@pytest.mark.parametrize("name", slowly(["bybit", "okx"], "bybit"))
def test_a_change_of_a_book_is_told(name: str) -> None:
    with served(name) as one:
        carried, best = live(name, one), list[float]()
        before = one.venues[name].truth.book(carried.btc).depth.bids[0][1]

        async def say() -> None:
            async with aclosing(pro(name, one).messages((), (carried.btc,))) as messages:
                async for message in messages:
                    best.extend([message.depth.bids[0][1]] if isinstance(message, BookSeen) else [])
                    if len(best) == 1:
                        await sell(carried)
                    if best and best[-1] < best[0]:
                        break

        asyncio.run(asyncio.wait_for(say(), 20.0))
    assert best[0] == pytest.approx(before) and before - 0.11 < best[-1] < before - 0.05


@pytest.mark.parametrize("name", slowly(["bybit", "okx"], "bybit"))
def test_what_is_not_streamed_is_asked_for_and_put_together(name: str) -> None:
    symbol = SYMBOLS[name][0]
    with served(name) as one:
        carried, whole = live(name, one), Whole()

        async def say(venue: Any) -> MarkSeen:
            async with aclosing(pro(name, one, venue.marks).messages((), (symbol,))) as messages:
                async for message in messages:
                    seen = whole(message)
                    if isinstance(seen, MarkSeen) and seen.mark_price and seen.open_interest is not None:
                        return seen
            raise AssertionError("a feed does not end")

        seen = carried.play(say)
    assert (seen.mark_price, seen.funding_rate, seen.index_price) == (60_000.0, 0.0001, 60_000.0)


@pytest.mark.parametrize("name", slowly(["binance", "bybit", "okx"], "binance", "bybit"))
def test_a_connection_that_breaks_is_unknown_until_all_is_told_again(name: str) -> None:
    symbol = SYMBOLS[name][0]
    with served(name) as one:
        feed = pro(name, one)

        def is_enough(found: list[Message]) -> bool:
            if len(found) == 2:
                for client in one.faces[name].hub.clients:
                    client.queue._loop.call_soon_threadsafe(client.close)  # type: ignore[attr-defined]
            fresh = {message.stream for message in found if isinstance(message, Stale) and message.fresh}
            return fresh >= {f"book:{symbol}", f"mark:{symbol}"}

        found = told(feed, (symbol,), is_enough)
    states = [message.fresh for message in found if isinstance(message, Stale) and message.stream == f"book:{symbol}"]
    assert states == [False, True] and feed.connections == 2


@pytest.mark.parametrize("name", slowly(["bybit", "okx"], "okx"))
def test_a_change_that_is_missing_makes_its_book_unknown(name: str) -> None:
    symbol = SYMBOLS[name][0]
    with served(name) as one:
        stream: Any = one.faces[name].hub.stream
        stream.step = 2

        def is_enough(found: list[Message]) -> bool:
            stale = [
                message.fresh for message in found if isinstance(message, Stale) and message.stream == f"book:{symbol}"
            ]
            stream.step = 2 if not stale else 1
            return True in stale

        found = told(pro(name, one), (symbol,), is_enough)
    assert has(found, (BookSeen, symbol))


BAD: dict[str, Any] = {
    "crossed": {"b": [["70000", "1"]], "a": [["50000", "1"]]},
    "empty": {"b": []},
    "not finite": {"b": [["59000", "nan"]]},
    "below nothing": {"b": [["59000", "-1"]]},
    "ahead": {},
}


@pytest.mark.parametrize("kind", slowly(list(BAD), "empty", "not finite", "below nothing"))
def test_a_book_that_cannot_be_is_refused_and_unknown(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    symbol, true, spoiled = SYMBOLS["bybit"][0], bybit_face.BybitStream._whole, list[int]()

    def whole(stream: Any, symbol: str, topic: str) -> Any:
        said = true(stream, symbol, topic)
        if not spoiled:
            spoiled.append(1)
            said["data"] |= BAD[kind]
            said["ts"] += 60_000 if kind == "ahead" else 0
        return said

    monkeypatch.setattr(bybit_face.BybitStream, "_whole", whole)
    monkeypatch.setattr(bybit_face.BybitStream, "sayings", lambda stream, message: ())
    with served("bybit") as one:
        feed = pro("bybit", one, habits=Habits(back_off=0.02, look=0.02, silent=0.3))
        found = told(feed, (symbol,), lambda found: has(found, (BookSeen, symbol)))
    best = [message.depth.bids[0] for message in found if isinstance(message, BookSeen)]
    assert best == [pytest.approx(one.venues["bybit"].truth.book(symbol).depth.bids[0])]
    stale = [message.fresh for message in found if isinstance(message, Stale) and message.stream == f"book:{symbol}"]
    assert stale == [False, True] and len(feed.refusals) == 1


@pytest.mark.slow
def test_a_stream_that_is_silent_is_stale_and_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(okx_face.OkxStream, "sayings", lambda stream, message: ())
    symbol, ways = SYMBOLS["okx"][0], Ways(book_s=0.05, mark_s=0.05)
    with served("okx") as one:
        feed = pro("okx", one, ways=ways, habits=Habits(back_off=0.02, look=0.02, silent=0.1, patience=2.0))
        found = told(feed, (symbol,), lambda found: feed.connections > 1 and isinstance(found[-1], BookSeen))
    assert any(isinstance(message, Stale) and message.stream == f"book:{symbol}" for message in found)


def test_what_comes_late_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(okx_face, "milliseconds", lambda at_ns: at_ns // 1_000_000 - 60_000)
    symbol = SYMBOLS["okx"][0]
    with served("okx") as one:
        found = told(pro("okx", one), (symbol,), lambda found: len(found) == 2)
    assert {(type(message), getattr(message, "fresh", None)) for message in found} == {(Stale, False)}


def test_a_contract_that_is_not_guarded_is_never_known() -> None:
    with served("okx") as one:
        found = told(pro("okx", one), ("BTC-USD-SWAP",), lambda found: len(found) == 3)
    assert not any(isinstance(message, BookSeen | MarkSeen) for message in found)
    with pytest.raises(InputError, match=r"not listened to through ccxt\.pro"):
        pro_maker("hyperliquid")


class Dying:
    """A client of any class that dies of a message."""

    def __init__(self) -> None:
        self.markets = {"X": {"id": "BTCUSDT", "symbol": "X", "swap": True, "linear": True, "contractSize": 1.0}}

    async def load_markets(self) -> None: ...

    def set_markets(self, markets: Any) -> None: ...

    async def watch_order_book(self, symbol: str) -> Any:
        raise KeyError("b")

    async def watch_ticker(self, symbol: str) -> Any:
        await asyncio.Event().wait()

    async def close(self) -> None: ...


def test_no_error_of_a_client_ends_the_feed() -> None:
    feed = Pro(DIALECTS["bybit"], Dying, no_rates, WATCHED["bybit"], QUICK)

    async def say() -> list[Message]:
        async with aclosing(feed.messages((), ("BTCUSDT",))) as messages:
            found = [await anext(messages) for _ in range(3)]
            while feed.connections < 3:
                await asyncio.sleep(0.01)
        return found

    assert {type(message) for message in asyncio.run(asyncio.wait_for(say(), 20.0))} == {Stale}


def test_a_book_of_another_contract_is_refused() -> None:
    with pytest.raises(Unfit) as refused:
        moment({"symbol": "ETH/USDT:USDT", "timestamp": 1}, "BTC/USDT:USDT", 10**18, ("okx", "book:BTC-USDT-SWAP"))
    assert refused.value.reason is Reason.STRANGER


PLAYED: dict[str, tuple[Any, Sequence[str], float]] = {
    "bybit": (bybit_face.BybitStream, ("bybit/ws_orderbook_snapshot.json", "bybit/ws_orderbook_delta.json"), 1.0),
    "okx": (okx_face.OkxStream, ("okx/ws_books_snapshot.json", "okx/ws_books_update.json"), 0.01),
}


@pytest.mark.parametrize("name", slowly(list(PLAYED), "okx"))
def test_recorded_books_are_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, files, size = PLAYED[name]
    symbol = SYMBOLS[name][0]
    texts = [recording(f"venue_payloads/{file}").read_text().replace('"BTC-USDT"', f'"{symbol}"') for file in files]
    played = [json.loads(text) for text in texts]
    monkeypatch.setattr(stream, "heard", lambda stream, client, words: played if "book" in words else ())
    monkeypatch.setattr(stream, "sayings", lambda stream, message: ())
    data = played[-1]["data"]
    price, rests = (data["b"][0] if name == "bybit" else data[0]["bids"][0])[:2]
    best: Any = (float(price), pytest.approx(float(rests) * size))
    with served(name) as one:
        feed = pro(name, one, habits=Habits(lag_ns=10**20))
        told(feed, (symbol,), lambda found: isinstance(found[-1], BookSeen) and found[-1].depth.bids[0] == best)
