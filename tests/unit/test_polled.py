"""A venue asked again and again: whole messages, silence told once, and prices in parts made whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from perpbook.engine.clock import now_ns
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message, Stale
from perpbook.venues.joined import Joined, Whole
from perpbook.venues.polled import Polled
from tests.contract.carriers import LIVE, live, slowly
from tests.contract.tapped import tapped
from tests.dialects.served import SYMBOLS, served


def mark(at_ns: int, **given: Any) -> MarkSeen:
    return MarkSeen(venue="dydx", symbol="BTC-USD", at_ns=at_ns, received_ns=at_ns, **given)


def test_prices_in_parts_are_made_whole_and_forgotten_when_stale() -> None:
    whole = Whole()
    whole(mark(5, oracle_price=100.0, funding_rate=0.1))
    assert whole(mark(7, open_interest=3.0)) == mark(7, oracle_price=100.0, funding_rate=0.1, open_interest=3.0)
    late = whole(mark(6, oracle_price=101.0))
    assert isinstance(late, MarkSeen) and (late.at_ns, late.oracle_price) == (7, 101.0)
    whole(Stale(venue="dydx", stream="mark", received_ns=8))
    assert whole(mark(9, funding_rate=0.2)) == mark(9, funding_rate=0.2)


async def taken(feed: AsyncIterator[Message], until: int) -> list[Message]:
    found: list[Message] = []
    async for message in feed:
        found.append(message)
        if len(found) == until:
            break
    return found


@pytest.mark.parametrize("name", slowly(LIVE, "bybit"))
def test_a_look_tells_prices_books_and_accounts(name: str) -> None:
    with served(name) as server:
        one = live(name, server)
        found = one.play(lambda venue: taken(Polled(venue, 0.2, now_ns).messages((one.account,), SYMBOLS[name]), 10))
    assert [type(message) for message in found[:5]] == [MarkSeen, MarkSeen, BookSeen, BookSeen, AccountSeen]


def test_silence_is_told_once_and_its_end(name: str = "hyperliquid") -> None:
    with served(name) as server, tapped(server.url) as tap:
        one = live(name, server, at=f"{tap.url}/{name}")

        async def say(venue: Any) -> list[Message]:
            found: list[Message] = []
            tap.spoil = lambda path, status, body: (500, b"x")
            async for message in Polled(venue, 0.05, now_ns).messages((one.account,), ()):
                found.append(message)
                tap.spoil = lambda path, status, body: (status, body)
                if len(found) == 3:
                    break
            return found

        told = one.play(say)
    assert [getattr(message, "fresh", None) for message in told] == [False, True, None]
    assert isinstance(told[2], AccountSeen)


class Broken:
    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        yield mark(1)
        raise KeyError("it broke")


class Quiet:
    async def messages(self, accounts: Sequence[str], symbols: Sequence[str]) -> AsyncIterator[Message]:
        await asyncio.sleep(60.0)
        yield mark(2)


def test_when_one_feed_fails_so_does_the_whole() -> None:
    async def whole() -> None:
        with pytest.raises(KeyError, match="it broke"):
            await taken(Joined(Broken(), Quiet()).messages((), ()), 2)

    asyncio.run(asyncio.wait_for(whole(), 5.0))
