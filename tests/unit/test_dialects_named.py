"""Bybit's and OKX's answers: sizes in both units, orders that were refused after they were taken, lists in pages."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.model.order import OrderReport, OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.venues import dialect_bybit, dialect_okx
from perpbook.venues.clients_named import codes_of
from perpbook.venues.told import Owner, fill_of, report_of, resting_of, scaled

OWNER = Owner(venue="okx", account="a", natives={"X": "X-SWAP"}, names={}, sizes={"X-SWAP": 0.01})


@given(st.integers(1, 10**9), st.sampled_from([(0.01, 0.01), (0.1, 0.1), (0.001, 1.0), (10.0, 1.0), (1e6, 0.1)]))
def test_whole_lots_are_whole_lots_in_either_unit(lots: int, of: tuple[float, float]) -> None:
    contract_size, lot = of
    sent = scaled(round(lots * lot * contract_size, 12), 1.0 / contract_size)
    assert abs(sent / lot - lots) < 1e-9 * lots
    assert scaled(sent, contract_size) == pytest.approx(lots * lot * contract_size, rel=1e-11)


def test_orders_trades_and_what_rests_are_in_base_units() -> None:
    told: dict[str, Any] = {
        "id": "1", "clientOrderId": "ab" * 16, "symbol": "X", "side": "sell", "status": "canceled", "filled": 29.0, "price": 5.0,
        "average": 5.0, "amount": 30.0, "remaining": 1.0, "timestamp": 1, "reduceOnly": True,
    }  # fmt: skip
    assert report_of(told, OWNER, "X-SWAP", "c", 1).filled == -0.29
    assert fill_of("ab" * 16, {**told, "amount": 29.0}, OWNER).quantity == -0.29
    resting = resting_of(told, OWNER)
    assert resting is not None and (resting.quantity, resting.symbol) == (-0.01, "X-SWAP")


def became(told: dict[str, Any], row: dict[str, Any]) -> OrderReport:
    whole = dialect_bybit.told_order({"side": "sell", "filled": float(row["cumExecQty"]), **told}, row)
    return report_of(whole, OWNER, "BTCUSDT", "c", 1)


@pytest.mark.parametrize(
    ("status", "reason", "filled", "state", "why"),
    [
        ("PartiallyFilledCanceled", "EC_NoImmediateQtyToFill", "0.5", OrderState.CANCELED, None),
        ("Cancelled", "EC_PerCancelRequest", "0", OrderState.CANCELED, None),
        ("Cancelled", "EC_PostOnlyWillTakeLiquidity", "0", OrderState.REJECTED, RejectReason.POST_ONLY),
        ("Rejected", "INSUFFICIENT_MARGIN", "0", OrderState.REJECTED, RejectReason.MARGIN),
        ("Rejected", "INSUFFICIENT_MARGIN", "0.5", OrderState.CANCELED, None),
        ("Filled", "EC_NoError", "1", OrderState.FILLED, None),
        ("New", "EC_NoError", "0", OrderState.OPEN, None),
    ],
)
def test_what_became_of_an_order_at_bybit(
    status: str, reason: str, filled: str, state: OrderState, why: RejectReason | None
) -> None:
    words = {"New": "open", "Filled": "closed", "PartiallyFilledCanceled": "closed", "Rejected": "rejected"}
    row = {"orderStatus": status, "rejectReason": reason, "cumExecQty": filled}
    report = became({"status": words.get(status, "canceled"), "remaining": 0.0, "average": 1.0}, row)
    assert (report.state, report.reason) == (state, why)


def test_only_a_post_only_order_that_would_trade_was_refused_at_okx() -> None:
    told = {"status": "canceled", "filled": 0.0, "side": "buy"}
    refused = dialect_okx.told_order(told, {"state": "canceled", "cancelSource": "31"})
    report = report_of(refused, OWNER, "X-SWAP", "c", 1)
    assert (report.state, report.reason) == (OrderState.REJECTED, RejectReason.POST_ONLY)
    assert dialect_okx.told_order(told, {"state": "canceled", "cancelSource": "1"})["status"] == "canceled"


@pytest.mark.parametrize("lives", TimeInForce)
@pytest.mark.parametrize("isolated", [True, False])
def test_an_order_at_okx_says_which_margin_it_is_of(lives: TimeInForce, isolated: bool) -> None:
    request = OrderRequest(
        client_id="ab" * 16, account="a", venue="okx", symbol="X-SWAP", quantity=-1.0, limit_price=1.0, reduce_only=True,
        time_in_force=lives,
    )  # fmt: skip
    sent = dialect_okx.Okx().params(request, isolated)
    assert (sent["tdMode"], sent["reduceOnly"]) == ("isolated" if isolated else "cross", True)
    assert (sent.get("timeInForce"), sent.get("postOnly", False)) == (
        "IOC" if lives is TimeInForce.IOC else None, lives is TimeInForce.POST,
    )  # fmt: skip
    assert dialect_bybit.Bybit().params(request, isolated)["reduceOnly"] is True


def test_lists_are_read_to_their_end_and_one_without_an_end_is_refused() -> None:
    async def bybit(asked: Any) -> Any:
        number = int(asked.get("cursor", 0))
        return {"result": {"list": [number] * (2 if number < 3 else 1), "nextPageCursor": str(number + 1)}}

    async def okx(asked: Any) -> Any:
        start = int(asked.get("after", 250))
        return {"data": [{"id": str(start - one)} for one in range(1, 101) if start - one > 0]}

    async def endless(asked: Any) -> Any:
        return {"result": {"list": [1, 1], "nextPageCursor": "x"}}

    assert len(asyncio.run(dialect_bybit.pages(bybit, {"limit": 2}))) == 4
    assert len(asyncio.run(dialect_okx.rows(okx, {}, "id"))) == 249
    with pytest.raises(ValueError, match="does not end"):
        asyncio.run(dialect_bybit.pages(endless, {"limit": 2}))


def test_dust_that_backs_nothing_is_left_out_and_nothing_else_at_okx() -> None:
    coins = [("USDT", "100", "100"), ("BTC", "0.000001", "0.09"), ("ETH", "0.0001", "0.3"), ("OKB", "2", "")]
    details = [{"ccy": coin, "cashBal": cash, "eqUsd": dollars} for coin, cash, dollars in coins]
    positions = {"data": [{"ccy": "ETH", "pos": "1"}, {"ccy": "BTC", "pos": "0"}]}
    found = dialect_okx.without_dust({"code": "0", "data": [{"adjEq": "", "details": details}]}, positions)
    assert [row["ccy"] for row in found["data"][0]["details"]] == ["USDT", "ETH", "OKB"] and found["code"] == "0"
    alone = {"data": [{"details": details[1:2]}]}
    assert dialect_okx.without_dust(alone, {"data": []})["data"][0]["details"] == details[1:2]


def test_codes_are_found_wherever_they_stand() -> None:
    assert codes_of({"retCode": 10016}) == {"10016"}
    assert codes_of({"code": "1", "data": [{"sCode": "51054"}, "x"]}) == {"1", "51054"}
    assert codes_of(None) == codes_of([1]) == codes_of({"data": 3}) == frozenset()
