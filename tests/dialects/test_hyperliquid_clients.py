"""Unmodified ccxt and hyperliquid-python-sdk against a served Hyperliquid."""

from __future__ import annotations

import asyncio
from typing import Any

import eth_account
import pytest
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid

from perpbook.engine.clock import now_ns
from tests.dialects.clients import ccxt_hyperliquid, talk, thinner_book, wait_for
from tests.dialects.served import Served, served

BTC = "BTC/USDC:USDC"
IOC = {"timeInForce": "Ioc"}
CLOID = "0x" + "1" * 32


def sdk(one: Served, secret: str | None = None) -> Exchange:
    key = eth_account.Account.from_key(secret or one.keys["hyperliquid"].secret)
    return Exchange(key, one.at("hyperliquid"))


def test_ccxt_reads_markets_positions_balance_book_and_funding() -> None:
    async def say(client: Any) -> None:
        held = {one["symbol"]: one for one in await client.fetch_positions()}
        assert held[BTC]["side"] == "long" and held[BTC]["contracts"] == 1.0
        assert 20_000 < held[BTC]["liquidationPrice"] < 40_000
        assert (await client.fetch_balance())["USDC"]["total"] == pytest.approx(30_000.0)
        book = await client.fetch_order_book(BTC)
        assert book["bids"][0][0] < 60_000 < book["asks"][0][0]
        rates = await client.fetch_funding_rate_history(BTC, limit=20)
        assert len(rates) == 20 and rates[-1]["fundingRate"] == 0.0001

    with served("hyperliquid") as one:
        talk(ccxt_hyperliquid(one), say)


def test_ccxt_fills_and_cancels_and_a_flip_or_a_second_use_of_an_id_is_refused() -> None:
    async def say(client: Any) -> None:
        done = await client.create_order(
            BTC, "limit", "sell", 0.25, 59_000, {**IOC, "reduceOnly": True, "clientOrderId": CLOID}
        )
        assert (done["filled"], done["average"]) == (0.25, 59_994.0)
        with pytest.raises(Exception, match="Reduce only order would increase position"):
            await client.create_order(BTC, "limit", "sell", 0.76, 59_000, {**IOC, "reduceOnly": True})
        with pytest.raises(Exception, match="placed before"):
            await client.create_order(BTC, "limit", "sell", 0.25, 59_000, {**IOC, "clientOrderId": CLOID})
        rests = await client.create_order(BTC, "limit", "sell", 0.1, 65_000, {"timeInForce": "Gtc"})
        assert [one["id"] for one in await client.fetch_open_orders()] == [rests["id"]]
        await client.cancel_order(rests["id"], BTC)
        assert (await client.fetch_order(rests["id"]))["status"] == "canceled"
        assert [one["amount"] for one in await client.fetch_my_trades()] == [0.25]

    with served("hyperliquid") as one:
        talk(ccxt_hyperliquid(one), say)
        assert one.venues["hyperliquid"].truth.account("hyperliquid-main").positions[0].quantity == 0.75


def test_ccxt_streams_book_orders_and_trades() -> None:
    async def say(client: Any) -> None:
        book = await client.watch_order_book(BTC)
        before = book["bids"][0][1]

        async def order() -> Any:
            await asyncio.sleep(0.2)
            return await client.create_order(BTC, "limit", "sell", 0.25, 59_000, {**IOC, "reduceOnly": True})

        orders, trades, _ = await asyncio.gather(client.watch_orders(), client.watch_my_trades(), order())
        assert orders[0]["status"] == "closed" and trades[0]["amount"] == 0.25
        await thinner_book(client, BTC, before)
        assert (await client.watch_ticker(BTC))["last"] == 60_000.0
        assert (await client.watch_balance())["USDC"]["total"] < 30_000.0

    with served("hyperliquid") as one:
        talk(ccxt_hyperliquid(one, pro=True), say)


def test_the_venues_own_client_trades() -> None:
    with served("hyperliquid") as one:
        client, user = sdk(one), one.keys["hyperliquid"].public
        filled = client.market_close("BTC", sz=0.1, cloid=Cloid.from_int(5))["response"]["data"]["statuses"][0]
        rests = client.order("ETH", True, 1.0, 2_900, {"limit": {"tif": "Gtc"}})["response"]["data"]["statuses"][0]
        assert filled["filled"]["totalSz"] == "0.1"
        assert client.cancel("ETH", rests["resting"]["oid"])["response"]["data"]["statuses"] == ["success"]
        assert client.update_leverage(10, "ETH")["status"] == "ok"
        assert client.schedule_cancel(now_ns() // 1_000_000 + 20_000)["status"] == "ok"
        assert client.info.query_order_by_cloid(user, Cloid.from_int(5))["order"]["status"] == "filled"
        assert float(client.info.user_state(user)["assetPositions"][0]["position"]["szi"]) == 0.9


def test_the_venues_own_client_hears_of_a_trade() -> None:
    with served("hyperliquid") as one:
        heard: list[Any] = []
        info = Info(one.at("hyperliquid"))
        try:
            for asked in (
                {"type": "userEvents", "user": one.keys["hyperliquid"].public},
                {"type": "l2Book", "coin": "BTC"},
            ):
                info.subscribe(asked, heard.append)
            wait_for(lambda: any(message["channel"] == "l2Book" for message in heard))
            sdk(one).market_close("BTC", sz=0.1)
            wait_for(lambda: any(message["channel"] == "user" for message in heard))
        finally:
            info.disconnect_websocket()
        fills = next(message["data"]["fills"] for message in heard if message["channel"] == "user")
        assert fills[0]["sz"] == "0.1" and fills[0]["dir"] == "Close Long"


def test_a_key_that_has_no_account_is_refused_and_nothing_trades() -> None:
    with served("hyperliquid") as one:
        answer = sdk(one, "0x" + "7" * 64).order("BTC", False, 0.1, 59_000, {"limit": {"tif": "Ioc"}})
        assert answer["status"] == "err" and "does not exist" in answer["response"]
        assert one.venues["hyperliquid"].trades["hyperliquid-main"] == []


def test_a_resting_order_goes_when_the_dead_mans_switch_fires() -> None:
    with served("hyperliquid", speed=50.0) as one:
        client = sdk(one)
        client.order("ETH", True, 1.0, 2_900, {"limit": {"tif": "Gtc"}})
        assert client.schedule_cancel(now_ns() // 1_000_000 + 1_000)["status"] == "ok"
        assert len(client.info.open_orders(one.keys["hyperliquid"].public)) == 1
        wait_for(lambda: client.info.open_orders(one.keys["hyperliquid"].public) == [])
