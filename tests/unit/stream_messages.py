"""Messages of venues as their streams send them, for the tests of what reads them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from perpbook.venues.decode_parts import Decoder, Scope
from perpbook.venues.stream_dialects import dialect_of

NOW = 1_795_348_800_000_000_000
NOW_MS = NOW // 1_000_000
ADDRESS = "0x360878d351f05975e25f1807a27895e1e5e004fb"
SUBACCOUNT = "dydx1abc123def456ghi789jkl012mno345pqr678stu/0"
SYMBOLS = frozenset({"BTC", "ETH", "BTC-USD", "ETH-USD", "BTCUSDT", "BNBUSDT", "SUSHIUSDT"})


def recording(name: str) -> Path:
    """A file of the recordings; skips the test where they are not at hand."""
    folder = os.environ.get("PERPBOOK_RECORDINGS")
    if not folder or not Path(folder, name).exists():
        pytest.skip("PERPBOOK_RECORDINGS names no folder with this recording")
    return Path(folder, name)


def decoder(venue: str) -> Decoder:
    address = {"dydx": SUBACCOUNT}.get(venue, ADDRESS)
    return dialect_of(venue).decoder(Scope(accounts={"one": address}, symbols=SYMBOLS))


def packed(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def tell(of: Decoder, raw: bytes, now_ns: int = NOW, *, last: bool = True) -> list[Any]:
    """What a decoder says to one message."""
    return list(of.decode(of.sort(raw), raw, now_ns, last))


def hl_book(bids: list[list[str]], asks: list[list[str]], coin: str = "BTC", ms: int = NOW_MS) -> bytes:
    levels = [[{"px": price, "sz": size, "n": 1} for price, size in side] for side in (bids, asks)]
    return packed({"channel": "l2Book", "data": {"coin": coin, "time": ms, "levels": levels}})


def hl_context(mark: str = "90000", coin: str = "BTC", funding: str = "0.0000125") -> bytes:
    ctx = {"markPx": mark, "oraclePx": "90010", "funding": funding, "openInterest": "12.5", "midPx": None}
    return packed({"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": ctx}})


def dydx(number: int, kind: str, channel: str, contents: Any, subject: str = "BTC-USD") -> bytes:
    return packed({"type": kind, "message_id": number, "channel": channel, "id": subject, "contents": contents})


def dydx_book(number: int, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    return dydx(number, "channel_data", "v4_orderbook", {"bids": bids, "asks": asks})


def dydx_whole(number: int, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    sides = [[{"price": price, "size": size} for price, size in side] for side in (bids, asks)]
    return dydx(number, "subscribed", "v4_orderbook", {"bids": sides[0], "asks": sides[1]})


def depth(first: int, last: int, before: int, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    return packed(
        {
            "e": "depthUpdate", "E": NOW_MS, "T": NOW_MS, "s": "BTCUSDT", "U": first, "u": last, "pu": before,
            "b": bids, "a": asks,
        }
    )  # fmt: skip
