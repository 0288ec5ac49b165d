"""Unmodified ccxt against a served dYdX, and its websocket."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.clients import ccxt_dydx, talk, thinner_book
from tests.dialects.served import served

BTC = "BTC/USDC:USDC"
IOC = {"timeInForce": "IOC"}

pytest.importorskip("google.protobuf", reason="ccxt encodes dYdX orders with protobuf: perpbook[live]")


def test_ccxt_reads_positions_balance_book_and_funding() -> None:
    async def say(client: Any) -> None:
        held = {one["symbol"]: one for one in await client.fetch_positions()}
        assert held[BTC]["contracts"] == 1.0 and held["ETH/USDC:USDC"]["side"] == "short"
        assert (await client.fetch_balance())["USDC"]["free"] == pytest.approx(28_500.0)
        book = await client.fetch_order_book(BTC)
        assert book["bids"][0][0] < 60_000 < book["asks"][0][0]
        assert len(await client.fetch_funding_rate_history(BTC, limit=20)) == 20

    with served("dydx") as one:
        talk(ccxt_dydx(one), say)


def test_ccxt_fills_and_cancels_and_a_flip_or_a_second_use_of_an_id_is_refused() -> None:
    async def say(client: Any) -> None:
        sold = {**IOC, "reduceOnly": True, "clientOrderId": 77}
        placed = await client.create_order(BTC, "limit", "sell", 0.25, 59_000, sold)
        found = await client.fetch_order(placed["id"])
        assert (found["status"], found["filled"]) == ("closed", 0.25)
        with pytest.raises(Exception, match="already been processed"):
            await client.create_order(BTC, "limit", "sell", 0.25, 59_000, sold)
        with pytest.raises(Exception, match="Reduce-only orders cannot increase"):
            await client.create_order(BTC, "limit", "buy", 0.25, 61_000, {**IOC, "reduceOnly": True})
        await client.create_order(BTC, "limit", "sell", 0.1, 65_000, {"clientOrderId": 78})
        assert [one["clientOrderId"] for one in await client.fetch_open_orders()] == ["78"]
        await client.cancel_order("78", BTC)
        assert await client.fetch_open_orders() == []

    with served("dydx") as one:
        talk(ccxt_dydx(one), say)


def test_a_reduce_only_order_larger_than_the_position_closes_it_and_no_more() -> None:
    async def say(client: Any) -> None:
        await client.create_order(BTC, "limit", "sell", 5, 59_000, {**IOC, "reduceOnly": True})
        assert [one["symbol"] for one in await client.fetch_positions()] == ["ETH/USDC:USDC"]

    with served("dydx") as one:
        talk(ccxt_dydx(one), say)


def test_ccxt_streams_a_book_that_follows_a_trade() -> None:
    async def say(client: Any) -> None:
        before = (await client.watch_order_book(BTC))["bids"][0][1]
        await client.create_order(BTC, "limit", "sell", 0.25, 59_000, {**IOC, "reduceOnly": True})
        await thinner_book(client, BTC, before)

    with served("dydx") as one:
        talk(ccxt_dydx(one, pro=True), say)


def test_a_subaccount_hears_of_its_orders_fills_and_positions() -> None:
    async def say(client: Any) -> None:
        heard: dict[str, Any] = {}
        async with client.session.ws_connect(client.urls["api"]["ws"]) as socket:
            assert (await socket.receive_json())["type"] == "connected"
            asked = {"type": "subscribe", "channel": "v4_subaccounts", "id": client.walletAddress + "/0"}
            await socket.send_json(asked)
            assert (await socket.receive_json())["contents"]["subaccount"]["equity"] == "30000"
            await client.create_order(BTC, "limit", "sell", 0.25, 59_000, {**IOC, "reduceOnly": True})
            while not {"orders", "fills", "perpetualPositions"} <= heard.keys():
                heard |= (await socket.receive_json())["contents"]
        assert heard["fills"][0]["size"] == "0.25" and heard["orders"][0]["status"] == "FILLED"

    with served("dydx") as one:
        talk(ccxt_dydx(one), say)


def test_a_short_term_order_ends_with_its_block() -> None:
    async def say(client: Any) -> None:
        height = await client.fetch_latest_block_height()
        late = {**IOC, "goodTillBlock": height + 50}
        with pytest.raises(Exception, match="ShortBlockWindow"):
            await client.create_order(BTC, "limit", "sell", 0.1, 59_000, late)
        with pytest.raises(Exception, match="greater than the GoodTilBlock"):
            await client.create_order(BTC, "limit", "sell", 0.1, 59_000, {**IOC, "goodTillBlock": height - 1})

    with served("dydx") as one:
        talk(ccxt_dydx(one), say)
