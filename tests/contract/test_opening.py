"""A live guard's venues opened: what the book says is there, or it does not begin."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from perpbook.errors import InputError
from perpbook.guard.desk import Desk
from perpbook.model.account import Account, Position
from perpbook.model.book import Book
from perpbook.model.market import Market, Snapshot
from perpbook.runs.guard_config import GuardConfig, LoginAsked
from perpbook.runs.guard_live import Live, live_of
from tests.dialects.served import Served, served

HELD = (Position(symbol="BTC", quantity=1.0, entry_price=60_000.0),)
BOOK = Book(as_of_ns=1, source="here", accounts=(Account(id="hyperliquid-main", venue="hyperliquid", positions=HELD),))


def opened(one: Served, address: str, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> Live:
    monkeypatch.setenv("PERPBOOK_A_KEY", one.keys["hyperliquid"].secret)
    login = LoginAsked(venue="hyperliquid", address=address, key="env:PERPBOOK_A_KEY", endpoint=one.at("hyperliquid"))
    snapshot = Snapshot(book=BOOK, market=Market(as_of_ns=1, source="here"))
    live = live_of(GuardConfig(live=True, accounts={"hyperliquid-main": login}), snapshot)

    async def whole() -> None:
        try:
            await live.open(desk)
        finally:
            await live.close()

    asyncio.run(whole())
    return live


def test_an_account_that_is_there_is_opened_and_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with served("hyperliquid") as one:
        live = opened(one, one.keys["hyperliquid"].public, monkeypatch, Desk())
    assert live.symbols == {"hyperliquid": ("BTC",)} and set(live.feeds) == {"hyperliquid"}


def test_an_address_that_shows_nothing_is_never_taken_for_a_flat_account(monkeypatch: pytest.MonkeyPatch) -> None:
    with served("hyperliquid") as one:
        with pytest.raises(InputError, match="not an agent's"):
            opened(one, "0x" + "12" * 20, monkeypatch, Desk())
        known = replace(Desk(), positions={"hyperliquid-main": {"BTC": 1.0}})
        opened(one, "0x" + "12" * 20, monkeypatch, known)
