"""What is served has the fields, and the kinds of values, that venues were recorded to send."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from perpbook.dialects.binance_face import BinanceFace
from perpbook.dialects.dydx_face import DydxFace
from perpbook.dialects.face import Asked
from perpbook.dialects.hyperliquid_face import HyperliquidFace
from perpbook.dialects.keys import made_up_key
from perpbook.dialects.venue import ServedVenue
from perpbook.model.order import OrderRequest, TimeInForce
from tests.dialects.served import SYMBOLS, a_venue

RECORDED = Path(os.environ.get("PERPBOOK_RECORDINGS", "../shared/recordings"))
NOT_TOLD = {"maxTradeSzs"}
"""Of Hyperliquid's positions of 2023, and gone since."""

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recordings: set PERPBOOK_RECORDINGS")


def kinds(value: Any) -> str:
    """number for a string of digits as for a number, so that each keeps to its own."""
    if isinstance(value, str):
        return "decimal" if re.fullmatch(r"-?\d+(\.\d+)?", value) else "text"
    return {bool: "flag", int: "number", float: "number", list: "list", dict: "object"}.get(type(value), "none")


def assert_like(ours: dict[str, Any], recorded: dict[str, Any]) -> None:
    assert recorded.keys() - ours.keys() <= NOT_TOLD
    for name in recorded.keys() & ours.keys():
        assert "none" in (kinds(ours[name]), kinds(recorded[name])) or kinds(ours[name]) == kinds(recorded[name]), name


def trading(venue: str) -> ServedVenue:
    """A venue where an order has filled and another rests."""
    made = a_venue(venue)
    for count, (quantity, price) in enumerate(((-0.25, 59_000.0), (-0.1, 65_000.0))):
        tif = TimeInForce.IOC if count == 0 else TimeInForce.GTC
        name = f"0x{count:032x}" if venue == "hyperliquid" else f"order-{count}"
        made.place(
            OrderRequest(
                client_id=name,
                account=f"{venue}-main",
                venue=venue,
                symbol=SYMBOLS[venue][0],
                quantity=quantity,
                limit_price=price,
                reduce_only=False,
                time_in_force=tif,
            )
        )
    return made


def cassette(name: str) -> Any:
    """The last answer of one recorded call."""
    text = next(RECORDED.glob(f"hyperliquid_sdk_cassettes/**/test_{name}.yaml")).read_text()
    found = re.findall(r"string: '(.*?)'\s+headers", text, re.DOTALL)[-1]
    return json.loads(re.sub(r"\s*\n\s+", " ", found).replace("''", "'"))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("get_open_orders", {"type": "openOrders"}),
        ("get_frontend_open_orders", {"type": "frontendOpenOrders"}),
        ("get_user_fills", {"type": "userFills"}),
        ("historical_orders", {"type": "historicalOrders"}),
        ("get_funding_history[None]", {"type": "fundingHistory", "coin": "BTC", "startTime": 0}),
    ],
)
def test_hyperliquids_rows(name: str, asked: dict[str, Any]) -> None:
    key = made_up_key("hyperliquid", "hyperliquid-main", 7)
    face = HyperliquidFace(trading("hyperliquid"), (key,))
    ours = face.dialect.info(asked | {"user": key.public})[0]
    recorded = cassette(name.replace("[", "[[]"))[0]
    assert_like(ours, recorded)
    assert_like(ours.get("order", {}), recorded.get("order", {}))


def test_hyperliquids_account_and_book() -> None:
    key = made_up_key("hyperliquid", "hyperliquid-main", 7)
    face = HyperliquidFace(trading("hyperliquid"), (key,))
    state, recorded = face.dialect.info({"type": "clearinghouseState", "user": key.public}), cassette("get_user_state")
    assert_like(state, recorded)
    assert_like(state["assetPositions"][0]["position"], recorded["assetPositions"][0]["position"])
    assert_like(state["marginSummary"], recorded["marginSummary"])
    book, of_dydx = face.dialect.info({"type": "l2Book", "coin": "BTC"}), cassette("get_l2_snapshot")
    assert_like(book, of_dydx)
    assert_like(book["levels"][0][0], of_dydx["levels"][0][0])


def payload(path: str) -> Any:
    return json.loads((RECORDED / "venue_payloads" / path).read_text())


@pytest.mark.parametrize(
    ("name", "path", "inside"),
    [
        ("http_get_perpetual_markets", "/v4/perpetualMarkets", ("markets", "BTC-USD")),
        ("http_get_orderbook", "/v4/orderbooks/perpetualMarket/BTC-USD", ("bids", 0)),
        ("http_get_historical_funding", "/v4/historicalFunding/BTC-USD", ("historicalFunding", 0)),
        ("http_get_orders", "/v4/orders", (0,)),
        ("http_get_fills", "/v4/fills", ("fills", 0)),
        ("http_get_subaccount", "/v4/addresses/{address}/subaccountNumber/0", ("subaccount",)),
        ("http_get_time", "/v4/time", ()),
        ("http_get_block_height", "/v4/height", ()),
    ],
)
def test_dydxs_answers(name: str, path: str, inside: tuple[Any, ...]) -> None:
    key = made_up_key("dydx", "dydx-main", 7)
    face = DydxFace(trading("dydx"), (key,))
    query = f"address={key.public}&subaccountNumber=0"
    asked = Asked(method="GET", path=path.format(address=key.public), query=query, body=b"", headers={})
    ours, recorded = face.answer(asked).document, payload(f"dydx/{name}.json")["result"]
    for step in inside:
        ours, recorded = ours[step], recorded[step]
    assert_like(ours, recorded)


def test_binances_answers() -> None:
    face = BinanceFace(trading("binance"), (made_up_key("binance", "binance-main", 7),))
    act, account = face.accounts, "binance-main"
    state, recorded = act.account(account, {}), payload("binance/futures/http_json/account_info_v2.json")
    assert_like(state, recorded)
    assert_like(state["assets"][0], recorded["assets"][0])
    assert_like(state["positions"][0], recorded["positions"][0])
    assert_like(act.risk(account, {})[0], payload("binance/futures/http_json/position_risk.json")[0])
    assert_like(act.open_orders(account, {})[0], payload("binance/futures/http_json/order_response.json"))


def without_newer(recorded: dict[str, Any]) -> dict[str, Any]:
    """Without what the venue added of late (pair and kind of contract)."""
    return {name: value for name, value in recorded.items() if name not in {"ps", "st"}}


def test_binances_streams() -> None:
    made = trading("binance")
    stream = BinanceFace(made, (made_up_key("binance", "binance-main", 7),)).stream
    stream.wallets["binance-main"] = (0.0, {})
    heard: dict[str, list[Any]] = {}
    for told in made.drain():
        for _, make in stream.sayings(told):
            said = make()
            heard.setdefault(said["e"] if isinstance(said, dict) else "list", []).append(said)
    for name, kind in (("depth_update", "depthUpdate"), ("book_ticker", "bookTicker")):
        recorded = payload(f"binance/futures/market_data_json/{name}_stream.json")
        assert_like(heard[kind][0], without_newer(recorded))
    recorded = payload("binance/futures/user_data_json/order_update_trade.json")
    traded = next(one for one in heard["ORDER_TRADE_UPDATE"] if one["o"]["x"] == "TRADE")
    ignored = {"AP", "cr", "pP", "si", "ss"}
    assert_like(
        traded["o"], {name: value for name, value in recorded["o"].items() if name not in ignored} | {"ps": "BOTH"}
    )
    update = payload("binance/futures/user_data_json/account_update.json")
    assert_like(heard["ACCOUNT_UPDATE"][0]["a"]["P"][0], update["a"]["P"][0])
