"""Unmodified clients, pointed at a served venue by their settings alone."""

from __future__ import annotations

import logging
from typing import Any

from tests.dialects.served import Served

logging.getLogger("websocket").setLevel(logging.CRITICAL)


def pointed(client: Any, base: str, names: dict[str, str]) -> Any:
    """A ccxt client with every address of `urls['api']` replaced."""
    ws = base.replace("http", "ws", 1)
    for name, path in names.items():
        client.urls["api"][name] = base + path
    client.urls["api"]["ws"] = ws
    return client


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
