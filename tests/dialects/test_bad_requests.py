"""What is not a request, or not one of an account's own, is refused in the venue's words, and nothing trades."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import eth_account
import pytest
from hyperliquid.utils.signing import sign_l1_action
from hypothesis import given, settings
from hypothesis import strategies as some

from perpbook.dialects.binance_face import BinanceFace
from perpbook.dialects.dydx_face import DydxFace
from perpbook.dialects.face import Answer, Asked
from perpbook.dialects.hyperliquid_face import HyperliquidFace
from perpbook.dialects.keys import made_up_key
from perpbook.engine.clock import now_ns
from tests.dialects.clients import answer
from tests.dialects.served import a_venue, served

KEYS = {name: made_up_key(name, f"{name}-main", 7) for name in ("hyperliquid", "dydx", "binance")}
ORDER: dict[str, Any] = {"a": 0, "b": False, "p": "59000", "s": "0.1", "r": False, "t": {"limit": {"tif": "Ioc"}}}
ROWS = [{"type": "order", "orders": [ORDER], "grouping": "na"}]


def hyperliquid() -> HyperliquidFace:
    return HyperliquidFace(a_venue("hyperliquid"), (KEYS["hyperliquid"],))


FACE = hyperliquid()


def post(face: HyperliquidFace, path: str, body: Any) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return face.answer(Asked(method="POST", path=path, query="", body=raw, headers={}))


def signed(action: dict[str, Any], nonce: int | None = None, is_mainnet: bool = True) -> dict[str, Any]:
    nonce = nonce or now_ns() // 1_000_000
    key = eth_account.Account.from_key(KEYS["hyperliquid"].secret)
    signature = sign_l1_action(key, action, None, nonce, None, is_mainnet)
    return {"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None}


def order(**changed: Any) -> dict[str, Any]:
    return {"type": "order", "orders": [ORDER | changed], "grouping": "na"}


@pytest.mark.parametrize("is_mainnet", [True, False])
def test_either_networks_signature_is_the_accounts_own(is_mainnet: bool) -> None:
    face = hyperliquid()
    said = post(face, "/exchange", signed(order(), is_mainnet=is_mainnet)).document
    assert said["response"]["data"]["statuses"][0]["filled"]["totalSz"] == "0.1"


@pytest.mark.parametrize("name", ["p", "s", "b", "r", "a"])
def test_a_signature_covers_every_field_of_an_order(name: str) -> None:
    face, body = hyperliquid(), signed(order())
    other = {"p": "58000", "s": "0.2", "b": True, "r": True, "a": 1}[name]
    body["action"]["orders"][0][name] = other
    assert post(face, "/exchange", body).document["status"] == "err"
    assert face.dialect.venue.trades["hyperliquid-main"] == []


def test_a_request_that_is_sent_again_is_refused() -> None:
    face, body = hyperliquid(), signed(order())
    assert post(face, "/exchange", body).document["status"] == "ok"
    assert "duplicate nonce" in post(face, "/exchange", body).document["response"]
    assert len(face.dialect.venue.trades["hyperliquid-main"]) == 1


def test_a_nonce_of_another_week_is_refused() -> None:
    body = signed(order(), now_ns() // 1_000_000 - 7 * 86_400_000)
    assert "nonce" in post(hyperliquid(), "/exchange", body).document["response"]


@pytest.mark.parametrize(
    "changed",
    [
        {"p": "NaN"},
        {"p": "inf"},
        {"p": "-1"},
        {"s": "0"},
        {"s": "much"},
        {"a": 99},
        {"a": -1},
        {"a": None},
        {"t": {"trigger": {}}},
        {"t": {"limit": {"tif": "Fok"}}},
        {"c": "0x12"},
        {"b": "perhaps"},
    ],
)
def test_an_order_that_cannot_be_read_is_not_taken(changed: dict[str, Any]) -> None:
    face = hyperliquid()
    assert post(face, "/exchange", signed(order(**changed))).status == 422
    assert face.dialect.venue.trades["hyperliquid-main"] == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"type": 7}', b"\xff\xfe", b'{"type":"l2Book","coin":["BTC"]}']
)
def test_what_is_no_question_is_refused(body: bytes) -> None:
    assert post(hyperliquid(), "/info", body).status == 422
    assert post(hyperliquid(), "/exchange", body).status == 422


def test_a_signature_of_the_wrong_shape_is_nobodys() -> None:
    body = signed(order())
    for signature in (
        {"r": "0x0", "s": "0x0", "v": 27},
        {"r": "zz", "s": "0x1", "v": 27},
        {"r": "0x1", "s": "0x1", "v": 99},
    ):
        assert post(hyperliquid(), "/exchange", body | {"signature": signature}).document["status"] == "err"


anything = some.one_of(
    some.none(), some.integers(), some.text(max_size=8), some.just("0x1"), some.just({}), some.just("0x" + "f" * 64)
)


@settings(max_examples=60, deadline=None)
@given(some.fixed_dictionaries({"r": anything, "s": anything, "v": anything}), anything, anything)
def test_whatever_is_called_a_signature_is_refused_in_words(signature: Any, builder: Any, chain: Any) -> None:
    approval = {"type": "approveBuilderFee", "builder": builder, "signatureChainId": chain, "nonce": builder}
    for action in (order(), approval):
        said = post(FACE, "/exchange", {"action": action, "nonce": 1, "signature": signature})
        assert said.status == 422 or said.document["status"] == "err"


def test_a_builder_that_was_not_approved_is_refused() -> None:
    action = order() | {"builder": {"b": "0x" + "3" * 40, "f": 0}}
    assert "not been approved" in post(hyperliquid(), "/exchange", signed(action)).document["response"]


def binance(query: dict[str, Any], secret: str | None = None, public: str | None = None) -> Answer:
    face, key = BinanceFace(a_venue("binance"), (KEYS["binance"],)), KEYS["binance"]
    words = urlencode({"timestamp": now_ns() // 1_000_000} | query)
    signature = hmac.new((secret or key.secret).encode(), words.encode(), hashlib.sha256).hexdigest()
    body = f"{words}&signature={signature}".encode()
    headers = {"x-mbx-apikey": public or key.public}
    return face.answer(Asked(method="POST", path="/fapi/v1/order", query="", body=body, headers=headers))


SOLD = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "quantity": "0.1", "price": "59000", "timeInForce": "IOC"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"quantity": "NaN"}, -1102),
        ({"quantity": "-1"}, -4003),
        ({"symbol": "NONE"}, -1121),
        ({"symbol": ""}, -1102),
        ({"side": "LONG"}, -1117),
        ({"type": "STOP_MARKET"}, -4120),
        ({"timeInForce": "FOK"}, -1115),
        ({"newClientOrderId": "no spaces"}, -4015),
        ({"positionSide": "LONG"}, -4061),
        ({"timestamp": "1"}, -1021),
        ({"timestamp": "yesterday"}, -1102),
        ({"price": "59000.001"}, -4014),
    ],
)
def test_binance_refuses_with_its_own_codes(changed: dict[str, Any], code: int | None) -> None:
    assert binance(SOLD | changed).document.get("code") == code


def test_a_stranger_at_binance_is_refused() -> None:
    assert binance(SOLD, secret="another").document["code"] == -1022
    assert binance(SOLD, public="another").document["code"] == -2015


@pytest.mark.parametrize("tx", ["", "0x", "zz", "0x0a0200", "0x" + "ff" * 40, "0x0a00"])
def test_a_transaction_that_is_none_is_refused(tx: str) -> None:
    face = DydxFace(a_venue("dydx"), (KEYS["dydx"],))
    said = face.answer(Asked(method="GET", path="/rpc/broadcast_tx_sync", query=f"tx={tx}", body=b"", headers={}))
    assert said.status == 400


def test_another_host_and_another_venue_are_refused() -> None:
    import requests

    with served("hyperliquid") as one:
        url = one.at("hyperliquid") + "/info"
        got = requests.post(url, json={"type": "meta"}, headers={"Host": "evil.example"}, timeout=5)
        assert got.status_code == 400
        got = requests.post(url, json={"type": "meta"}, headers={"Origin": "https://evil.example"}, timeout=5)
        assert got.status_code == 403
        assert answer(one, "kraken", "/info", {})[0] == 404
