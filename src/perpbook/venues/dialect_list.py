"""Every venue that can be traded from here, by name."""

from __future__ import annotations

from collections.abc import Mapping

from perpbook.venues.dialect import Binance, Dialect, Dydx, Hyperliquid
from perpbook.venues.dialect_bybit import Bybit
from perpbook.venues.dialect_okx import Okx

DIALECTS: Mapping[str, Dialect] = {
    "hyperliquid": Hyperliquid(),
    "dydx": Dydx(),
    "binance": Binance(),
    "bybit": Bybit(),
    "okx": Okx(),
}
