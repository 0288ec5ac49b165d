"""Unmodified ccxt against a served Binance USD-M."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.dialects.clients import ccxt_binance, talk, thinner_book
from tests.dialects.served import served

BTC = "BTC/USDT:USDT"
IOC = {"timeInForce": "IOC"}


def test_ccxt_reads_positions_balance_book_tiers_and_funding() -> None:
    async def say(client: Any) -> None:
        held = {one["symbol"]: one for one in await client.fetch_positions()}
        assert held[BTC]["contracts"] == 1.0 and held["ETH/USDT:USDT"]["side"] == "short"
        assert held[BTC]["maintenanceMargin"] == pytest.approx(300.0, rel=0.2)
        assert (await client.fetch_balance())["USDT"]["total"] == pytest.approx(30_000.0)
        assert (await client.fetch_order_book(BTC))["bids"][0][0] < 60_000
        assert (await client.fetch_leverage_tiers([BTC]))[BTC][0]["maxLeverage"] == 125.0
        assert (await client.fetch_funding_rate(BTC))["fundingRate"] == 0.0001
        assert len(await client.fetch_funding_rate_history(BTC, limit=20)) == 20

    with served("binance") as one:
        talk(ccxt_binance(one), say)


def test_ccxt_fills_and_cancels_and_a_flip_or_a_second_use_of_an_id_is_refused() -> None:
    async def say(client: Any) -> None:
        sold = {**IOC, "reduceOnly": True, "clientOrderId": "trim-1"}
        assert (await client.create_order(BTC, "limit", "sell", 0.25, 59_000, sold))["filled"] == 0.25
        with pytest.raises(Exception, match="-4116"):
            await client.create_order(BTC, "limit", "sell", 0.25, 59_000, sold)
        with pytest.raises(Exception, match="-2022"):
            await client.create_order(BTC, "limit", "buy", 0.25, 61_000, {**IOC, "reduceOnly": True})
        closed = await client.create_order(BTC, "market", "sell", 0.1, None, {"reduceOnly": True})
        rests = await client.create_order(BTC, "limit", "sell", 0.1, 65_000, {"timeInForce": "GTC"})
        assert closed["status"] == "closed" and rests["status"] == "open"
        assert (await client.cancel_order(rests["id"], BTC))["status"] == "canceled"
        assert len(await client.fetch_my_trades(BTC)) == 2 and await client.fetch_open_orders(BTC) == []

    with served("binance") as one:
        talk(ccxt_binance(one), say)


def test_ccxt_streams_book_and_user_data() -> None:
    async def say(client: Any) -> None:
        before = (await client.watch_order_book(BTC))["bids"][0][1]

        async def order() -> Any:
            await asyncio.sleep(0.2)
            return await client.create_order(BTC, "limit", "sell", 0.25, 59_000, {**IOC, "reduceOnly": True})

        watched = client.watch_orders(), client.watch_my_trades(), client.watch_balance(), order()
        orders, trades, balance, _ = await asyncio.gather(*watched)
        assert orders[0]["filled"] == trades[0]["amount"] == 0.25 and balance["USDT"]["total"] < 30_000.0
        await thinner_book(client, BTC, before)
        assert (await client.watch_mark_price(BTC))["markPrice"] == 60_000.0

    with served("binance") as one:
        talk(ccxt_binance(one, pro=True), say)


def test_a_wrong_secret_is_refused() -> None:
    async def say(client: Any) -> None:
        with pytest.raises(Exception, match="-1022"):
            await client.fetch_balance()

    with served("binance") as one:
        talk(ccxt_binance(one, secret="wrong"), say)


def test_the_countdown_cancels_the_orders_of_its_contract_alone() -> None:
    async def say(client: Any) -> None:
        for symbol, price in ((BTC, 65_000), ("ETH/USDT:USDT", 3_300)):
            await client.create_order(symbol, "limit", "sell", 0.1, price, {"timeInForce": "GTC"})
        await client.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 100})
        await asyncio.sleep(0.3)
        assert await client.fetch_open_orders(BTC) == []
        assert len(await client.fetch_open_orders("ETH/USDT:USDT")) == 1

    with served("binance") as one:
        talk(ccxt_binance(one), say)
