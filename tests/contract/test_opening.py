"""A live guard's venues opened: what the book says is there, or it does not begin."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

import pytest

from perpbook.errors import InputError, VenueUnavailable
from perpbook.guard.desk import Desk
from perpbook.model.account import Account, Position
from perpbook.model.book import Book
from perpbook.model.market import Market, Snapshot
from perpbook.model.message import AccountSeen
from perpbook.runs.guard_config import GuardConfig, LoginAsked
from perpbook.runs.guard_live import Live, live_of
from perpbook.simulation.faults import Faults
from perpbook.terms.load import load_terms
from perpbook.venues.decode_parts import Scope
from perpbook.venues.stream_dialects import dialect_of, with_pairs
from tests.contract.carriers import live
from tests.dialects import okx_face
from tests.dialects.bybit_face import BybitFace
from tests.dialects.okx_face import PASSPHRASE, OkxFace
from tests.dialects.served import SYMBOLS, Served, served

HELD = (Position(symbol="BTC", quantity=1.0, entry_price=60_000.0),)
BOOK = Book(as_of_ns=1, source="here", accounts=(Account(id="hyperliquid-main", venue="hyperliquid", positions=HELD),))

NOBODY = "http://127.0.0.1:9/nobody"


def opened(
    one: Served,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    desk: Desk,
    venue: str = "hyperliquid",
    closes: bool = False,
    at: str = "",
) -> Live:
    monkeypatch.setenv("PERPBOOK_A_KEY", one.keys[venue].secret)
    login = LoginAsked(venue=venue, address=address, key="env:PERPBOOK_A_KEY", endpoint=at or one.at(venue))
    account = Account(id=f"{venue}-main", venue=venue, positions=HELD if venue == "hyperliquid" else ())
    snapshot = Snapshot(book=replace(BOOK, accounts=(account,)), market=Market(as_of_ns=1, source="here"))
    terms = {venue: load_terms(venue)}
    live = live_of(GuardConfig(live=True, accounts={account.id: login}), snapshot, terms)
    open_and_close(live, desk, closes=closes)
    return live


def open_and_close(live: Live, desk: Desk, *, closes: bool = False) -> None:
    async def whole() -> None:
        try:
            await live.open(desk, closes=closes)
        finally:
            await live.close()

    asyncio.run(whole())


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
        assert opened(one, "0x" + "12" * 20, monkeypatch, Desk(), closes=True).empty == ["hyperliquid-main"]


def test_a_venue_that_answers_the_second_time_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perpbook.runs.guard_live.TRIES_S", (0.01,) * 20)
    with served("hyperliquid", faults=Faults(error=0.7)) as one:
        live = opened(one, one.keys["hyperliquid"].public, monkeypatch, Desk())
    assert set(live.opened) == {"hyperliquid"}


def test_a_venue_that_stays_away_is_waited_for_only_where_its_accounts_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("perpbook.runs.guard_live.TRIES_S", (0.01,))
    known = replace(Desk(), positions={"hyperliquid-main": {"BTC": 1.0}})
    with served("hyperliquid") as one:
        with pytest.raises(VenueUnavailable, match="nothing is guarded"):
            opened(one, one.keys["hyperliquid"].public, monkeypatch, Desk(), at=NOBODY)
        live = opened(one, one.keys["hyperliquid"].public, monkeypatch, known, at=NOBODY)
    assert not live.opened and not live.feeds["hyperliquid"].opened.is_set()


SNAPSHOT = """{"type":"subscribed","connection_id":"c","message_id":1,"channel":"v4_subaccounts","id":"%s/0","contents":{
"subaccount":{"address":"%s","subaccountNumber":0,"openPerpetualPositions":{},"assetPositions":{}},"orders":[{"id":"o",
"clientId":"7","clobPairId":"1","side":"SELL","size":"2","price":"3000","status":"OPEN","reduceOnly":true}]}}"""


def test_orders_of_dydx_that_name_a_number_are_known_by_the_markets_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    with served("dydx") as one:
        address = one.keys["dydx"].public
        pairs = opened(one, address, monkeypatch, Desk(), venue="dydx").venues["dydx"].pairs
    scope = Scope(accounts={"main": f"{address}/0"}, symbols=frozenset())
    decoder = with_pairs(dialect_of("dydx"), pairs).decoder(scope)
    raw = (SNAPSHOT % (address, address)).encode()
    (seen,) = decoder.decode(decoder.sort(raw), raw, 1, True)
    assert isinstance(seen, AccountSeen) and [one.symbol for one in seen.account.orders] == ["ETH-USD"]


def okx(one: Served, monkeypatch: pytest.MonkeyPatch, symbol: str) -> None:
    """Open a book that holds a contract at OKX."""
    key = one.keys["okx"]
    monkeypatch.setenv("PERPBOOK_A_KEY", key.secret)
    monkeypatch.setenv("PERPBOOK_A_WORD", PASSPHRASE)
    login = LoginAsked(
        venue="okx",
        address=key.public,
        key="env:PERPBOOK_A_KEY",
        passphrase="env:PERPBOOK_A_WORD",
        endpoint=one.at("okx"),
    )
    held = (Position(symbol=symbol, quantity=1.0, entry_price=60_000.0),)
    book = replace(BOOK, accounts=(Account(id="okx-main", venue="okx", positions=held),))
    snapshot = Snapshot(book=book, market=Market(as_of_ns=1, source="here"))
    terms = {"okx": load_terms("okx")}
    open_and_close(live_of(GuardConfig(live=True, accounts={"okx-main": login}), snapshot, terms), Desk())


@pytest.mark.slow
def test_what_cannot_be_guarded_at_okx_is_not_begun_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perpbook.runs.guard_live.TRIES_S", (0.01,))
    with served("okx") as one:
        face, linear = one.faces["okx"], SYMBOLS["okx"][0]
        assert isinstance(face, OkxFace)
        okx(one, monkeypatch, linear)
        with pytest.raises(InputError, match="no linear perpetual"):
            okx(one, monkeypatch, "ETH-USD-SWAP")
        for wrong, why in (
            ({"posMode": "long_short_mode"}, "net mode"),
            ({"acctLv": "4"}, "futures mode or multi-currency"),
        ):
            face.config |= wrong
            with pytest.raises(VenueUnavailable, match=why):
                okx(one, monkeypatch, linear)
            face.config |= {"posMode": "net_mode", "acctLv": "2"}
        face.strange = [{"instId": "BTC-USD-SWAP", "pos": "3", "mgnMode": "cross"}]
        with pytest.raises(VenueUnavailable, match="no linear swap"):
            okx(one, monkeypatch, linear)


def test_a_contract_of_another_size_than_its_terms_say_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    true = okx_face.instrument
    monkeypatch.setattr(okx_face, "instrument", lambda venue, symbol: {**true(venue, symbol), "ctVal": "0.1"})
    with served("okx") as one, pytest.raises(InputError, match=r"is 0\.1 at okx, and 0\.01 by its terms"):
        okx(one, monkeypatch, SYMBOLS["okx"][0])


def test_what_cannot_be_guarded_at_bybit_is_not_known() -> None:
    with served("bybit") as one:
        face, carried = one.faces["bybit"], live("bybit", one)
        assert isinstance(face, BybitFace)

        def why() -> str:
            with pytest.raises(VenueUnavailable) as refused:
                carried.play(lambda venue: venue.account(carried.account))
            return str(refused.value)

        face.hedged = True
        assert "one-way mode" in why()
        face.hedged, face.status = False, 1
        assert "classic account" in why()
        face.status, face.strange = 5, [{"symbol": "BTCUSD", "size": "100"}]
        assert "BTCUSD is an inverse contract" in why()


def test_what_speaks_to_websockets_is_missed_before_a_guard_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "perpbook.venues.stream_socket", raising=False)
    monkeypatch.setitem(sys.modules, "picows", None)
    with (
        served("hyperliquid") as one,
        pytest.raises(InputError, match=r"needs picows\n.*pip install 'perpbook\[live\]'"),
    ):
        opened(one, one.keys["hyperliquid"].public, monkeypatch, Desk())
