"""Accounts as they change: what streams tell against the venue's own answers, gaps that are unknown until all is told again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import pytest
import requests

from perpbook.engine.clock import now_ns
from perpbook.errors import VenueUnavailable
from perpbook.model.account import Account, Position
from perpbook.model.message import AccountSeen, FillSeen, Message, OrderSeen, Stale
from perpbook.model.units import SECOND_NS
from perpbook.runs.guard_config import LoginAsked
from perpbook.runs.guard_streams import source_of
from perpbook.venues.listen_key import ListenKey
from perpbook.venues.rest import LiveVenue
from perpbook.venues.streamed import Pace, Source, Streamed
from tests.contract.carriers import STREAMED, Carrier, live
from tests.contract.tapped import Tap, tapped
from tests.dialects.served import BTC, Served, served

NEVER = Pace(often=3600.0, seldom=3600.0)
"""The venue is asked once, at the start; what comes after that only a stream can have told."""


def source(name: str, server: Served, venue: LiveVenue) -> Source:
    login = LoginAsked(venue=name, address=server.keys[name].public, key="env:NONE", endpoint=server.at(name))
    return source_of(venue, f"{name}-main", login, {})


def streamed(venue: LiveVenue, one: Carrier, source: Source, pace: Pace) -> Any:
    return aclosing(Streamed(venue, {one.account: source}, pace, now_ns).messages([one.account]))


async def until(feed: AsyncIterator[Message], is_so: Callable[[Message], bool]) -> list[Message]:
    out: list[Message] = []
    async for message in feed:
        out.append(message)
        if is_so(message):
            break
    return out


def holds(quantity: float, symbol: str) -> Callable[[Message], bool]:
    """Whether a message is an account that holds so much."""

    def is_so(message: Message) -> bool:
        positions = message.account.positions if isinstance(message, AccountSeen) else ()
        return any(one.symbol == symbol and abs(one.quantity - quantity) < 1e-9 for one in positions)

    return is_so


async def standing(feed: AsyncIterator[Message], source: Source) -> None:
    """Wait until the stream of a feed is connected, and has told an account beside the venue's answer."""
    await until(feed, lambda message: isinstance(message, AccountSeen))
    await until(feed, lambda message: isinstance(message, AccountSeen))
    assert source.stream.connections == 1


@pytest.mark.parametrize("name", STREAMED)
def test_a_fill_is_told_as_it_happens_and_the_account_is_the_venues_own(name: str) -> None:
    with served(name) as server:
        one = live(name, server)
        order = one.order(1, -0.25, BTC * 0.99)

        async def say(venue: LiveVenue) -> tuple[list[Message], AccountSeen]:
            mine = source(name, server, venue)
            async with streamed(venue, one, mine, NEVER) as feed:
                await standing(feed, mine)
                await venue.place(order)
                kinds = set[type]()
                is_held = holds(0.75, one.btc)

                def is_whole(message: Message) -> bool:
                    kinds.add(type(message) if not isinstance(message, AccountSeen) or is_held(message) else Stale)
                    return {AccountSeen, FillSeen, OrderSeen} <= kinds

                return await until(feed, is_whole), await venue.account(one.account)

        told, truth = one.play(say)
    seen = next(message for message in told if isinstance(message, AccountSeen) and holds(0.75, one.btc)(message))
    assert seen.account.id == one.account
    amounts = [{coin.asset: coin.amount for coin in each.account.collateral} for each in (seen, truth)]
    assert amounts[0] == pytest.approx(amounts[1], rel=1e-6)
    fills = {(message.fill.client_id, message.fill.account) for message in told if isinstance(message, FillSeen)}
    reports = {(message.report.client_id, message.report.account) for message in told if isinstance(message, OrderSeen)}
    assert fills == reports == {(order.client_id, one.account)}


@pytest.mark.parametrize("name", ["dydx", "binance"])
def test_a_gap_is_unknown_until_the_account_is_told_whole(name: str) -> None:
    with served(name) as server:
        one = live(name, server)

        async def say(venue: LiveVenue) -> list[Message]:
            mine = source(name, server, venue)
            async with streamed(venue, one, mine, NEVER) as feed:
                await standing(feed, mine)
                mine.stream.renew()
                told = await until(feed, lambda message: isinstance(message, Stale))
                return told[-1:] + await until(feed, lambda message: isinstance(message, AccountSeen))

        told = one.play(say)
    assert [getattr(message, "fresh", None) for message in told] == [False, True, None]
    assert {one.stream for one in told if isinstance(one, Stale)} == {f"account:{name}-main"}


def test_a_venue_that_does_not_answer_in_a_gap_leaves_it_unknown_until_the_stream_stands() -> None:
    with served("hyperliquid") as server, tapped(server.url) as tap:
        one = live("hyperliquid", server, at=f"{tap.url}/hyperliquid")

        async def say(venue: LiveVenue) -> list[Message]:
            mine = source("hyperliquid", server, venue)
            async with streamed(venue, one, mine, NEVER) as feed:
                await standing(feed, mine)
                tap.spoil = lambda path, status, body: (500, b"x")
                mine.stream.renew()
                return await until(feed, lambda message: isinstance(message, Stale) and message.fresh)

        told = one.play(say)
    assert [message.fresh for message in told if isinstance(message, Stale)] == [False, True]


class Deaf:
    """A stream that tells an account once, and misses what comes after."""

    def __init__(self, told: Account) -> None:
        self.told, self.renewed = told, asyncio.Event()

    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        yield AccountSeen(account=self.told, at_ns=now_ns(), received_ns=now_ns())
        await asyncio.Event().wait()

    def renew(self) -> None:
        self.renewed.set()


def test_a_stream_that_missed_a_change_is_found_out_and_begins_anew() -> None:
    with served("hyperliquid") as server:
        one = live("hyperliquid", server)

        async def say(venue: LiveVenue) -> bool:
            old = Account(
                id=one.account, venue=one.venue, positions=(Position(symbol="BTC", quantity=2.0, entry_price=1.0),)
            )
            deaf = Deaf(old)
            async with streamed(venue, one, Source(stream=deaf), Pace(often=0.05, seldom=0.05, twice=0.05)) as feed:  # type: ignore[arg-type]
                await until(feed, lambda message: deaf.renewed.is_set())
            return deaf.renewed.is_set()

        assert one.play(say)


def with_key(
    use: Callable[[LiveVenue, ListenKey, Tap], Awaitable[Any]], **paces: float
) -> tuple[Any, list[tuple[str, bool]]]:
    """What `use` makes of a listen key, and what was asked for it: the method, and whether the key of the account was sent."""
    with served("binance") as server, tapped(server.url) as tap:
        one = live("binance", server, at=f"{tap.url}/binance")

        async def say(venue: LiveVenue) -> Any:
            return await use(venue, ListenKey(venue, one.account, "ws://x", **paces), tap)

        made = one.play(say)
        heard = tap.with_path("listenKey")
        assert not any(b"signature" in each.body or "signature" in each.path for each in heard)
    named = [{name.lower(): value for name, value in each.headers.items()} for each in heard]
    public = server.keys["binance"].public
    return made, [(one.method, each.get("x-mbx-apikey") == public) for one, each in zip(heard, named, strict=True)]


def test_a_listen_key_is_kept_good_and_given_back(caplog: pytest.LogCaptureFixture) -> None:
    async def use(venue: LiveVenue, key: ListenKey, tap: Tap) -> tuple[str, str]:
        first = await key.address()
        keeping = asyncio.create_task(key.keep(lambda: pytest.fail("it is good")))
        while sum(one.method == "PUT" for one in tap.with_path("listenKey")) < 2:
            await asyncio.sleep(0.01)
        keeping.cancel()
        again = await key.address()
        await key.close()
        return first, again

    with caplog.at_level(logging.DEBUG, logger="perpbook"):
        (first, again), heard = with_key(use, keep_s=0.02)
    assert first == again and first.startswith("ws://x/ws/") and all(with_it for _, with_it in heard)
    assert heard[0][0] == "POST" and heard[-1][0] == "DELETE"
    assert first.rsplit("/", 1)[1] not in caplog.text


def test_a_listen_key_that_the_venue_forgot_is_asked_for_anew() -> None:
    async def use(venue: LiveVenue, key: ListenKey, tap: Tap) -> tuple[str, str]:
        first, renewed = await key.address(), asyncio.Event()
        await given_back(venue)
        keeping = asyncio.create_task(key.keep(renewed.set))
        await asyncio.wait_for(renewed.wait(), 10.0)
        keeping.cancel()
        return first, await key.address()

    (first, later), _ = with_key(use, keep_s=0.02)
    assert first != later


async def given_back(venue: LiveVenue) -> None:
    """Another program of the account gives its listen key back; the answer is empty, as the venue's is."""
    with suppress(VenueUnavailable):
        await venue.ask("binance-main", lambda client: client.fapiPrivateDeleteListenKey(), "nothing")


def test_an_expired_listen_key_makes_the_stream_begin_anew_and_nothing_is_missed() -> None:
    with served("binance") as server:
        one = live("binance", server)

        async def say(venue: LiveVenue) -> tuple[list[Message], int]:
            mine = source("binance", server, venue)
            async with streamed(venue, one, mine, NEVER) as feed:
                await standing(feed, mine)
                await given_back(venue)
                await venue.place(one.order(1, -0.25, BTC * 0.99))
                told = await until(feed, holds(0.75, one.btc))
                while mine.stream.connections < 2:
                    await asyncio.sleep(0.01)
                await venue.place(one.order(2, -0.25, BTC * 0.99))
                return told + await until(feed, holds(0.5, one.btc)), mine.stream.connections

        told, connections = one.play(say)
    assert connections >= 2 and any(isinstance(message, Stale) for message in told)


def test_a_served_listen_key_is_good_for_an_hour() -> None:
    with served("binance") as server:
        venue = server.venues["binance"]

        def asked(method: str) -> tuple[int, dict[str, Any]]:
            sent = {"X-MBX-APIKEY": server.keys["binance"].public}
            got = requests.request(method, f"{server.at('binance')}/fapi/v1/listenKey", headers=sent, timeout=5)
            return got.status_code, got.json()

        (_, first), (_, again) = asked("POST"), asked("PUT")
        venue.pace = replace(venue.pace, start_ns=venue.pace.start_ns + 61 * 60 * SECOND_NS)
        status, refused = asked("PUT")
        (_, later) = asked("POST")
    assert first == again != later and (status, refused["code"]) == (400, -1125)
