"""The bytes that clients send: no consent, no builder, reduce-only as asked, our ids, and no secret anywhere."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from perpbook.dialects.dydx_node import raw_of
from perpbook.dialects.dydx_shapes import height
from perpbook.dialects.dydx_tx import Placing, messages
from perpbook.errors import InvariantError, VenueError
from perpbook.model.message import MarkSeen
from perpbook.model.order import OrderState
from perpbook.venues import clients_named
from perpbook.venues.clients import FORBIDDEN, refuse_consent
from perpbook.venues.dialect import number_of
from perpbook.venues.keys import Secret
from tests.contract.carriers import LIVE, Carrier, live
from tests.contract.tapped import Tap, tapped
from tests.dialects.served import SYMBOLS, Served, served

pytest.importorskip("google.protobuf", reason="ccxt encodes dYdX orders with protobuf: perpbook[live]")


@pytest.fixture(scope="module")
def venues() -> Iterator[Served]:
    with served(*LIVE) as one:
        yield one


def heard(name: str, venues: Served, *orders: tuple[int, float, float, bool]) -> tuple[Carrier, Tap]:
    """What was sent for some orders (card, quantity, price, reduce-only)."""
    with tapped(venues.url) as tap:
        one = live(name, venues, at=f"{tap.url}/{name}")

        async def say(venue: Any) -> None:
            await venue.account(one.account)
            for card, quantity, price, reduces in orders:
                report = await venue.place(one.order(card, quantity, price, reduce_only=reduces))
                assert report.state is OrderState.FILLED

        one.play(say)
    return one, tap


def test_hyperliquid_agrees_to_nothing_and_sends_what_was_asked(venues: Served) -> None:
    one, tap = heard("hyperliquid", venues, (1, -0.1, 59_000, True), (2, 0.1, 61_000, False))
    for request in tap.heard:
        for word in (b"uilder", b"eferrer", b"approve", b"usdSend", b"withdraw"):
            assert word not in request.body
    actions = [json.loads(request.body)["action"] for request in tap.with_path("/exchange")]
    assert [action["type"] for action in actions] == ["order", "order"]
    orders = [action["orders"][0] for action in actions]
    assert [order["r"] for order in orders] == [True, False]
    assert [order["b"] for order in orders] == [False, True]
    assert [order["c"] for order in orders] == [f"0x{one.order(card, 1.0, 1.0).client_id}" for card in (1, 2)]
    assert [(order["s"], order["p"]) for order in orders] == [("0.1", "59000"), ("0.1", "61000")]
    assert all(order["t"] == {"limit": {"tif": "Ioc"}} and set(order) == set("abprstc") for order in orders)
    assert all(set(action) == {"type", "orders", "grouping"} for action in actions)


def test_dydx_sends_short_term_reduce_only_orders_without_a_router(venues: Served) -> None:
    one, tap = heard("dydx", venues, (3, -0.1, 59_000, True))
    (sent,) = tap.with_path("/rpc/broadcast")
    raw = raw_of(parse_qs(urlsplit(sent.path).query)["tx"][0])
    (order,) = messages(raw)
    assert isinstance(order, Placing)
    now = height(venues.venues["dydx"].clock_ns)
    assert (
        tap.with_path("abci_info")
        and order.reduce_only
        and (order.side, order.time_in_force, order.id.flags) == (2, 1, 0)
    )
    assert order.id.client_id == number_of(one.order(3, 1.0, 1.0).client_id)
    assert (order.quantums, order.subticks) == (10**9, 59_000 * 10**5)
    assert order.good_til_time_s == 0 and 0 < order.good_til_block - now <= 20
    assert b"dydx165" not in raw and raw.count(b"dydx1") == 1


def test_binance_sends_reduce_only_and_our_id(venues: Served) -> None:
    one, tap = heard("binance", venues, (4, -0.1, 59_000, True), (5, 0.1, 61_000, False))
    sent = [request for request in tap.with_path("/fapi/v1/order") if request.method == "POST"]
    forms = [{key: value[0] for key, value in parse_qs(request.body.decode()).items()} for request in sent]
    assert [form["newClientOrderId"] for form in forms] == [one.order(card, 1.0, 1.0).client_id for card in (4, 5)]
    assert all(len(form["newClientOrderId"]) <= 36 for form in forms)
    assert [form.get("reduceOnly", "false").lower() for form in forms] == ["true", "false"]
    assert [(form["side"], form["quantity"], form["price"]) for form in forms] == [
        ("SELL", "0.1", "59000"), ("BUY", "0.1", "61000"),
    ]  # fmt: skip
    assert all((form["symbol"], form["type"], form["timeInForce"]) == ("BTCUSDT", "LIMIT", "IOC") for form in forms)
    assert not [request for request in tap.heard if "sapi" in request.path or "withdraw" in request.path]


def test_bybit_sends_reduce_only_and_our_id_and_names_nobody(venues: Served) -> None:
    one, tap = heard("bybit", venues, (7, -0.1, 59_000, True), (8, 0.1, 61_000, False))
    sent = [json.loads(request.body) for request in tap.with_path("/v5/order/create")]
    common = {"category": "linear", "symbol": "BTCUSDT", "orderType": "Limit", "timeInForce": "IOC", "positionIdx": 0}
    sides = [("Sell", "59000", True), ("Buy", "61000", False)]
    assert sent == [
        {**common, "side": side, "qty": "0.1", "price": price, "reduceOnly": reduces,
         "orderLinkId": one.order(card, 1.0, 1.0).client_id}
        for card, (side, price, reduces) in zip((7, 8), sides, strict=True)
    ]  # fmt: skip
    assert not names_somebody(tap)


def test_okx_sends_contracts_reduce_only_and_our_id_and_names_nobody(venues: Served) -> None:
    one, tap = heard("okx", venues, (7, -0.29, 59_000, True), (8, 0.1, 61_000, False))
    sent = [json.loads(request.body) for request in tap.with_path("/trade/order") if request.method == "POST"]
    common = {"instId": "BTC-USDT-SWAP", "ordType": "ioc", "tdMode": "cross"}
    sides = [("sell", "29", "59000", True), ("buy", "10", "61000", False)]
    assert sent == [
        {**common, "side": side, "sz": size, "px": price, "reduceOnly": reduces,
         "clOrdId": one.order(card, 1.0, 1.0).client_id}
        for card, (side, size, price, reduces) in zip((7, 8), sides, strict=True)
    ]  # fmt: skip
    assert not names_somebody(tap)


def names_somebody(tap: Tap) -> list[str]:
    """Requests that carry a broker's or a referrer's name, in headers, body or address."""
    return [
        request.path
        for request in tap.heard
        if any(name.lower() in ("referer", "x-referer") for name in request.headers)
        or re.search(rb"(?i)broker|\"tag\"|CCXT|6b9ad766|refer", request.body + request.path.encode())
    ]


@pytest.mark.parametrize("name", clients_named.VENUES)
def test_a_client_moves_no_money_and_names_nobody_itself(name: str, venues: Served) -> None:
    with tapped(venues.url) as tap:
        one = live(name, venues, at=f"{tap.url}/{name}")

        async def say(venue: Any) -> None:
            client = venue._logins[one.account].client
            with pytest.raises(InvariantError, match="not sent"):
                await client.transfer("USDT", 1.0, "funding", "trading" if name == "okx" else "unified")

        one.play(say)
    assert not [request for request in tap.heard if request.method == "POST"]
    with pytest.raises(InvariantError, match="broker"):
        clients_named.refuse_named(name, '{"clOrdId":"x","tag":"y"}')


@pytest.mark.parametrize("word", FORBIDDEN)
def test_a_request_with_a_word_of_consent_is_not_sent(word: str) -> None:
    with pytest.raises(InvariantError, match="not sent"):
        refuse_consent(json.dumps({"action": {"type": "order", word: 1}}))
    with pytest.raises(InvariantError, match="not sent"):
        refuse_consent(json.dumps({"action": {"type": word}}))
    refuse_consent(json.dumps({"action": {"type": "order", "orders": []}}))


def test_hyperliquids_client_itself_cannot_agree(venues: Served) -> None:
    with tapped(venues.url) as tap:
        one = live("hyperliquid", venues, at=f"{tap.url}/hyperliquid")

        async def say(venue: Any) -> None:
            client = venue._logins[one.account].client
            for agree in (
                client.approve_builder_fee("0x" + "6" * 40, "0.01%"),
                client.set_ref(),
                client.initialize_client(),
            ):
                with contextlib.suppress(InvariantError):
                    await agree

        one.play(say)
    assert not [request for request in tap.heard if b"approve" in request.body or b"eferrer" in request.body]


@pytest.mark.parametrize("name", LIVE)
def test_a_secret_is_in_no_word_of_ours(name: str, venues: Served, caplog: pytest.LogCaptureFixture) -> None:
    key, said = venues.keys[name].secret, list[str]()
    with caplog.at_level(logging.DEBUG), tapped(venues.url) as tap:
        one = live(name, venues, at=f"{tap.url}/{name}")

        async def say(venue: Any) -> None:
            said.append(repr(venue) + repr(venue._logins) + repr(vars(venue)))
            for order in (one.order(6, -0.01, 59_000), one.order(6, -0.01, 59_000), one.order(60, 0.01, 61_000)):
                said.append(str(await venue.place(order)))
            tap.spoil = lambda path, status, body: (500, body)
            for asked in (venue.place(one.order(61, -0.01, 59_000)), venue.account(one.account)):
                with pytest.raises(VenueError) as failed:
                    await asked
                said.append(f"{failed.value!r} {failed.getrepr()} {failed.value.__cause__!r}")

        one.play(say)
    text = " ".join([*said, caplog.text, *(f"{r.path}{r.headers}{r.body!r}" for r in tap.heard)])
    assert key.removeprefix("0x") not in text


def test_a_secret_is_not_shown_and_not_copied() -> None:
    secret = Secret("abc-secret")
    assert "abc" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError, match="not copied"):
        pickle.dumps(secret)


def marks_of(name: str, venues: Served) -> tuple[MarkSeen, ...]:
    async def say(venue: Any) -> tuple[MarkSeen, ...]:
        found: tuple[MarkSeen, ...] = await venue.marks(SYMBOLS[name])
        return found

    return live(name, venues).play(say)


def test_every_symbol_is_found_by_the_venues_own_name(venues: Served) -> None:
    for name in LIVE:
        marks = marks_of(name, venues)
        assert {mark.symbol for mark in marks} == set(SYMBOLS[name])
        assert all(mark.mark_price and mark.mark_price > 0.0 and mark.funding_rate is not None for mark in marks)
