"""Unmodified clients, pointed at a served venue by their settings alone."""

from __future__ import annotations

import logging
from typing import Any

from tests.dialects.served import Served

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
        {"apiKey": key.public, "secret": secret or key.secret, "enableRateLimit": False, "timeout": 5000, "options": options}
    )
    made.has["fetchCurrencies"] = False
    for name, version in (("", "v1"), ("V2", "v2"), ("V3", "v3")):
        made.urls["api"] |= {f"fapiPublic{name}": f"{base}/fapi/{version}", f"fapiPrivate{name}": f"{base}/fapi/{version}"}
    made.urls["api"]["ws"] = {"linear": base.replace("http", "ws", 1) + "/ws"}
    return made
