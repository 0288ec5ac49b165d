"""Unmodified clients, pointed at a served venue by their settings alone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import requests

from tests.dialects.served import Served

T = TypeVar("T")

logging.getLogger("websocket").setLevel(logging.CRITICAL)


def ccxt_hyperliquid(one: Served, *, pro: bool = False, secret: str | None = None) -> Any:
    import ccxt.async_support
    import ccxt.pro

    key = one.keys["hyperliquid"]
    made = (ccxt.pro if pro else ccxt.async_support).hyperliquid(
        {"walletAddress": key.public, "privateKey": secret or key.secret, "enableRateLimit": False, "timeout": 5000}
    )
    base = one.at("hyperliquid")
    made.urls["api"] |= {"public": base, "private": base}
    made.urls["api"]["ws"] = {"public": base.replace("http", "ws", 1) + "/ws"}
    return made


def ccxt_dydx(one: Served, *, pro: bool = False) -> Any:
    import ccxt.async_support
    import ccxt.pro

    key, base = one.keys["dydx"], one.at("dydx")
    made = (ccxt.pro if pro else ccxt.async_support).dydx(
        {"walletAddress": key.public, "enableRateLimit": False, "timeout": 5000, "options": {"privateKey": key.secret}}
    )
    made.urls["api"] |= {"indexer": base + "/v4", "nodeRpc": base + "/rpc", "nodeRest": base + "/rest"}
    made.urls["api"]["ws"] = base.replace("http", "ws", 1) + "/v4/ws"
    return made


def whole_numbers_as_text(client: Any) -> None:
    """What ccxt 4.5.90 needs before it can place a dYdX order: these two as strings."""
    for market in client.markets.values():
        for name in ("atomicResolution", "quantumConversionExponent"):
            market["info"][name] = str(market["info"][name])


def ccxt_binance(one: Served, *, pro: bool = False, secret: str | None = None) -> Any:
    import ccxt.async_support
    import ccxt.pro

    key, base = one.keys["binance"], one.at("binance")
    options = {"fetchMarkets": {"types": ["linear"]}, "fetchCurrencies": False}
    made = (ccxt.pro if pro else ccxt.async_support).binanceusdm(
        {
            "apiKey": key.public,
            "secret": secret or key.secret,
            "enableRateLimit": False,
            "timeout": 5000,
            "options": options,
        }
    )
    made.has["fetchCurrencies"] = False
    for name, version in (("", "v1"), ("V2", "v2"), ("V3", "v3")):
        made.urls["api"] |= {
            f"fapiPublic{name}": f"{base}/fapi/{version}",
            f"fapiPrivate{name}": f"{base}/fapi/{version}",
        }
    made.urls["api"]["ws"] = {"linear": base.replace("http", "ws", 1) + "/ws"}
    return made


def talk(client: Any, say: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """Load markets, do something, close."""

    client.timeout_on_exit = 0  # no connection is encrypted: none has to be waited for

    async def whole() -> T:
        try:
            await client.load_markets()
            if client.id == "dydx":
                whole_numbers_as_text(client)
            return await asyncio.wait_for(say(client), 20.0)
        finally:
            await client.close()

    return asyncio.run(whole())


def answer(one: Served, venue: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request without a client: status and document, None for what is not JSON."""
    url = one.at(venue) + path
    got = requests.get(url, timeout=5) if body is None else requests.post(url, json=body, timeout=5)
    return got.status_code, got.json() if "json" in got.headers.get("content-type", "") else None


async def thinner_book(client: Any, symbol: str, before: float) -> None:
    """Watch a book until less than before stands in its best bid; `talk` does not wait for ever."""
    while (await client.watch_order_book(symbol))["bids"][0][1] >= before:
        pass


def wait_for(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so, and no longer than is reasonable."""
    for _ in range(int(seconds / 0.02)):
        if is_so():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to be so")
