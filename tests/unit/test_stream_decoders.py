"""Decoders of venue streams: recorded payloads, what is refused and why, and books told in changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.model.account import Account, MarginMode
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, OrderSeen
from perpbook.model.order import OrderState, RejectReason
from perpbook.venues.decode_binance import Binance
from perpbook.venues.decode_parts import Decoder, Kind, Reason, Scope, Unfit
from perpbook.venues.stream_dialects import dialect_of
from tests.unit.stream_messages import (
    ADDRESS,
    NOW,
    NOW_MS,
    SYMBOLS,
    decoder,
    depth,
    dydx,
    dydx_book,
    dydx_whole,
    hl_book,
    hl_context,
    packed,
    recording,
    tell,
)

BIDS, ASKS = [["90000.0", "1.5"], ["89999.0", "2"]], [["90001.0", "1"], ["90002.5", "3"]]


def refusal(of: Decoder, raw: bytes) -> Reason:
    with pytest.raises(Unfit) as caught:
        tell(of, raw)
    return caught.value.reason


def test_a_book_is_read_as_it_stands() -> None:
    (book,) = tell(decoder("hyperliquid"), hl_book(BIDS, ASKS))
    assert book.depth.bids == ((90000.0, 1.5), (89999.0, 2.0)) and book.depth.asks[1] == (90002.5, 3.0)
    assert (book.venue, book.symbol, book.at_ns, book.received_ns) == ("hyperliquid", "BTC", NOW, NOW)


@pytest.mark.parametrize("venue", ["hyperliquid", "dydx", "binance"])
def test_levels_beyond_what_is_asked_for_are_not_told(venue: str) -> None:
    wrapped = b'{"stream":"btcusdt@depth20@100ms","data":' + depth(1, 2, 0, BIDS, ASKS) + b"}"
    raw = {"hyperliquid": hl_book(BIDS, ASKS), "dydx": dydx_whole(1, BIDS, ASKS), "binance": wrapped}[venue]
    of = dialect_of(venue).decoder(Scope(accounts={}, symbols=SYMBOLS, levels=1))
    (book,) = tell(of, raw)
    assert book.depth.bids == ((90000.0, 1.5),) and book.depth.asks == ((90001.0, 1.0),)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (hl_book([["nan", "1"]], ASKS), Reason.NUMBER),
        (hl_book([["-5", "1"]], ASKS), Reason.NUMBER),
        (hl_book([["90000", "inf"]], ASKS), Reason.NUMBER),
        (hl_book([["90000", "0"]], ASKS), Reason.NUMBER),
        (hl_book([["ninety", "1"]], ASKS), Reason.MALFORMED),
        (hl_book([["90001.0", "1"]], ASKS), Reason.CROSSED),
        (hl_book([["90005.0", "1"]], ASKS), Reason.CROSSED),
        (hl_book(BIDS[::-1], ASKS), Reason.ORDER),
        (hl_book([BIDS[0], BIDS[0]], ASKS), Reason.ORDER),
        (hl_book([], ASKS), Reason.EMPTY),
        (hl_book(BIDS, []), Reason.EMPTY),
        (hl_book(BIDS, ASKS, coin="DOGE"), Reason.STRANGER),
        (hl_book(BIDS, ASKS, ms=NOW_MS + 6_000), Reason.FUTURE),
        (hl_book(BIDS, ASKS, ms=-1), Reason.MALFORMED),
        (hl_context(mark="0"), Reason.NUMBER),
        (hl_context(mark="NaN"), Reason.NUMBER),
        (b'{"channel":"l2Book","data":{"coin":"BTC","time":1}}', Reason.MALFORMED),
        (b'{"channel":"l2Book","data":{"coin":7,"time":1,"levels":[[],[]]}}', Reason.MALFORMED),
        (b'{"channel":"l2Book","data":', Reason.MALFORMED),
        (hl_book(BIDS, ASKS).replace(b'"time"', b'"coin":"ETH","time"'), Reason.MALFORMED),
        (b'{"channel":"l2Book","data":' + b"[" * 100_000, Reason.MALFORMED),
        (b"", Reason.MALFORMED),
        (b"\xff\xfe", Reason.MALFORMED),
        (b"[1]", Reason.MALFORMED),
        (b'{"channel":"error","data":"Invalid subscription"}', Reason.REFUSED),
    ],
)
def test_what_cannot_be_is_refused_by_name(raw: bytes, reason: Reason) -> None:
    assert refusal(decoder("hyperliquid"), raw) is reason
    near = dialect_of("hyperliquid").decoder(Scope(accounts={}, symbols=SYMBOLS, levels=5))
    assert refusal(near, raw) is reason


@given(
    st.binary(max_size=60),
    st.sampled_from(("hyperliquid", "dydx", "binance")),
    st.integers(0, 200),
    st.sampled_from((5, 100)),
)
def test_no_bytes_break_a_decoder(junk: bytes, venue: str, at: int, levels: int) -> None:
    good = {
        "hyperliquid": hl_book(BIDS, ASKS),
        "dydx": dydx_whole(1, BIDS, ASKS),
        "binance": depth(1, 2, 0, BIDS, ASKS),
    }
    raw, of = good[venue], dialect_of(venue).decoder(Scope(accounts={}, symbols=SYMBOLS, levels=levels))
    for one in (junk, raw[: at % len(raw)] + junk, raw[: at % len(raw)] + junk + raw[at % len(raw) :]):
        try:
            what = of.sort(one)
            if what.kind is not Kind.NOTHING:
                of.decode(what, one, NOW, True)
        except Unfit as unfit:
            assert junk.decode("latin1") not in str(unfit) or len(junk) < 3


def test_answers_to_pings_and_subscriptions_say_nothing() -> None:
    of = decoder("hyperliquid")
    assert of.sort(b'{"channel":"pong"}').kind is Kind.NOTHING
    assert of.sort(b'{"channel":"subscriptionResponse","data":{}}').kind is Kind.NOTHING
    assert decoder("binance").sort(b'{"result":null,"id":1}').kind is Kind.NOTHING
    assert decoder("dydx").sort(b'{"type":"connected","message_id":0}').kind is Kind.NOTHING


def state(positions: list[dict[str, Any]], value: str = "1000") -> bytes:
    found = {
        "time": NOW_MS, "crossMarginSummary": {"accountValue": value}, "crossMaintenanceMarginUsed": "10",
        "assetPositions": [{"type": "oneWay", "position": one} for one in positions],
    }  # fmt: skip
    return packed({"channel": "clearinghouseState", "data": {"user": ADDRESS, "clearinghouseState": found}})


def held(coin: str, size: str, entry: str, value: str, leverage: dict[str, Any]) -> dict[str, Any]:
    return {
        "coin": coin, "szi": size, "entryPx": entry, "positionValue": value, "leverage": leverage,
        "unrealizedPnl": "0", "liquidationPx": None,
    }  # fmt: skip


def test_an_account_is_told_whole_once_its_orders_are_known_too() -> None:
    of = decoder("hyperliquid")
    cross = held("BTC", "-0.5", "90000", "45500", {"type": "cross", "value": 5})
    alone = held("ETH", "2", "3000", "6100", {"type": "isolated", "value": 3, "rawUsd": "-4000"})
    assert tell(of, state([cross, alone])) == []
    order = {"coin": "ETH", "side": "A", "limitPx": "3300", "sz": "1", "oid": 5, "timestamp": 1, "reduceOnly": True}
    pool, bucket = tell(of, packed({"channel": "openOrders", "data": {"user": ADDRESS, "orders": [order]}}))
    assert isinstance(pool, AccountSeen) and pool.account.collateral[0].amount == 1000 + 0.5 * 1000
    assert pool.account.positions[0].quantity == -0.5 and pool.account.orders == ()
    assert (bucket.account.id, bucket.account.parent) == ("one-ETH", "one")
    assert bucket.account.mode is MarginMode.ISOLATED and bucket.account.collateral[0].amount == 2000.0
    assert bucket.account.orders[0].quantity == -1.0 and bucket.account.orders[0].reduce_only
    assert bucket.account.orders[0].id == "5"
    pool, closed = tell(of, state([cross]))
    assert closed.account == replace(bucket.account, positions=(), collateral=(), orders=())
    assert [one.account.id for one in tell(of, state([cross]))] == ["one"]


def test_an_account_of_a_stranger_is_refused() -> None:
    raw = state([]).replace(ADDRESS.encode(), b"0x" + b"1" * 40)
    assert refusal(decoder("hyperliquid"), raw) is Reason.STRANGER


@pytest.mark.parametrize(
    ("status", "left", "expected", "reason", "filled"),
    [
        ("open", "1.5", OrderState.OPEN, None, -0.5),
        ("filled", "0.0", OrderState.FILLED, None, -2.0),
        ("canceled", "2", OrderState.CANCELED, None, 0.0),
        ("marginCanceled", "2", OrderState.CANCELED, None, 0.0),
        ("iocCancelRejected", "2", OrderState.CANCELED, None, 0.0),
        ("reduceOnlyRejected", "2", OrderState.REJECTED, RejectReason.REDUCE_ONLY, 0.0),
        ("oracleRejected", "2", OrderState.REJECTED, RejectReason.OTHER, 0.0),
        ("somethingNew", "2", OrderState.UNKNOWN, None, 0.0),
    ],
)
def test_what_became_of_an_order(
    status: str, left: str, expected: OrderState, reason: RejectReason | None, filled: float
) -> None:
    order = {
        "coin": "BTC", "side": "A", "limitPx": "90000", "sz": left, "oid": 7, "timestamp": NOW_MS, "origSz": "2",
        "cloid": "0x" + "ab" * 16,
    }  # fmt: skip
    update = {"order": order, "status": status, "statusTimestamp": NOW_MS}
    (seen,) = tell(decoder("hyperliquid"), packed({"channel": "orderUpdates", "data": [update]}))
    report = seen.report
    assert (report.state, report.reason, report.filled) == (expected, reason, filled)
    assert (report.client_id, report.account) == ("ab" * 16, "one")


def test_a_recorded_fill_of_a_liquidation() -> None:
    raw = recording("venue_payloads/hyperliquid/ws_user_fill_liquidation.json").read_bytes()
    (seen,) = tell(decoder("hyperliquid"), raw)
    fill = seen.fill
    assert (fill.quantity, fill.price, fill.fee, fill.trade_id) == (-0.001, 66653.0, 0.009997, "745210434703679")
    assert fill.client_id == "e8d5fd7ebbb4c3cff4d1803472a11463"


def test_a_recorded_book_of_hyperliquid() -> None:
    data = recording("venue_payloads/hyperliquid/ws_book_data.json").read_bytes()
    (book,) = tell(decoder("hyperliquid"), b'{"channel": "l2Book", "data": ' + data + b"}")
    assert book.depth.bids[0] == (98450.5, 2.5) and book.depth.asks[-1] == (98454.0, 2.8)


def test_recorded_changes_of_dydx() -> None:
    of, folder = decoder("dydx"), recording("venue_payloads/dydx")
    tell(of, (folder / "ws_orderbook_subscribed.json").read_bytes())
    (book,) = tell(of, (folder / "ws_orderbook_update.json").read_bytes())
    assert book.depth.bids == ((43240.0, 2.0), (43238.0, 1.5), (43235.0, 2.3), (43230.0, 0.8))
    assert book.depth.asks[0] == (43252.0, 3.0) and book.sequence == 2


def test_recorded_markets_and_subaccounts_of_dydx() -> None:
    of, folder = decoder("dydx"), recording("venue_payloads/dydx")
    marks = tell(of, (folder / "ws_markets_subscribed.json").read_bytes())
    assert (marks[0].symbol, marks[0].oracle_price, marks[0].funding_rate) == ("BTC-USD", 43250.0, 0.0001)
    (seen,) = tell(of, (folder / "ws_subaccounts_subscribed.json").read_bytes())
    assert seen.account.collateral[0].amount == 100_000.0 + 0.5 * 43_000.0
    changed = json.loads((folder / "ws_subaccounts_update.json").read_text()) | {"message_id": 2}
    order, fill, account = tell(of, packed(changed))
    assert isinstance(order, OrderSeen) and order.report.state is OrderState.FILLED
    assert isinstance(fill, FillSeen) and (fill.fill.quantity, fill.fill.fee) == (0.5, 10.75)
    assert isinstance(account, AccountSeen) and account.account.orders == ()


def test_dydx_refuses_gaps_and_changes_without_a_snapshot() -> None:
    of = decoder("dydx")
    assert refusal(of, dydx_book(3, [["1", "1"]], [])) is Reason.NO_SNAPSHOT
    tell(of, dydx_whole(4, BIDS, ASKS))
    assert refusal(of, dydx_book(6, [["1", "1"]], [])) is Reason.GAP
    assert refusal(decoder("dydx"), dydx_whole(1, [["90000", "-1"]], ASKS)) is Reason.NUMBER
    strange = dydx(1, "subscribed", "v4_orderbook", {"bids": [], "asks": []}, "PEPE-USD")
    assert refusal(decoder("dydx"), strange) is Reason.STRANGER
    assert refusal(decoder("dydx"), packed({"type": "error", "message": "no"})) is Reason.REFUSED
    naive = {"oraclePrices": {"BTC-USD": {"oraclePrice": "1", "effectiveAt": "2024-01-01T00:00:00"}}}
    assert refusal(decoder("dydx"), dydx(1, "channel_data", "v4_markets", naive)) is Reason.MALFORMED


def test_of_levels_that_cross_the_older_goes() -> None:
    of = decoder("dydx")
    tell(of, dydx_whole(1, BIDS, ASKS))
    (book,) = tell(of, dydx_book(2, [["90001.0", "0.4"]], []))
    assert book.depth.bids[0] == (90001.0, 0.4) and book.depth.asks[0] == (90002.5, 3.0)
    (book,) = tell(of, dydx_book(3, [["90001.0", "0"]], []))
    assert book.depth.asks[0] == (90001.0, 1.0)


def test_of_levels_of_one_age_that_cross_the_smaller_goes_and_is_taken_off() -> None:
    (book,) = tell(decoder("dydx"), dydx_whole(1, [["101", "1"], ["99", "5"]], [["100", "3"], ["102", "2"]]))
    assert book.depth.bids[0] == (99.0, 5.0) and book.depth.asks == ((100.0, 2.0), (102.0, 2.0))


def test_a_batch_is_one_change_after_the_other() -> None:
    of = decoder("dydx")
    tell(of, dydx_whole(1, BIDS, ASKS))
    batch = [{"bids": [["90000.0", "9"]]}, {"bids": [["90000.0", "8"]]}]
    (book,) = tell(of, dydx(2, "channel_batch_data", "v4_orderbook", batch))
    assert book.depth.bids[0] == (90000.0, 8.0)


SNAPSHOT = packed({"lastUpdateId": 100, "bids": BIDS, "asks": ASKS})


def binance() -> Binance:
    of = decoder("binance")
    assert isinstance(of, Binance)
    return of


def test_binance_changes_join_their_snapshot_as_documented() -> None:
    of = binance()
    assert tell(of, depth(90, 95, 89, [["90000.0", "7"]], [])) == []
    assert tell(of, depth(96, 104, 95, [["89999.0", "0"]], [])) == []
    of.snapshot("BTCUSDT", SNAPSHOT)
    (book,) = tell(of, depth(105, 106, 104, [["89000", "1"]], []))
    assert book.depth.bids == ((90000.0, 1.5), (89000.0, 1.0)) and book.sequence == 106


@pytest.mark.parametrize("change", [depth(105, 106, 103, [], []), depth(120, 121, 119, [], []), depth(9, 8, 7, [], [])])
def test_binance_changes_with_a_gap_are_refused(change: bytes) -> None:
    of = binance()
    of.snapshot("BTCUSDT", SNAPSHOT)
    if b"105" in change:
        tell(of, depth(99, 104, 98, [], []))
    assert refusal(of, change) is Reason.GAP


def test_a_key_that_expired_ends_what_is_known_of_the_account() -> None:
    assert refusal(binance(), b'{"e":"listenKeyExpired","E":1,"listenKey":"x"}') is Reason.REFUSED


def test_a_binance_stream_that_speaks_of_another_contract_is_refused() -> None:
    wrapped = b'{"stream":"bnbusdt@depth20@100ms","data":' + depth(1, 2, 0, BIDS, ASKS) + b"}"
    assert refusal(binance(), wrapped) is Reason.MALFORMED


def test_parts_of_a_book_are_whole_and_changes_are_not() -> None:
    wrapped = b'{"stream":"btcusdt@depth20@100ms","data":' + depth(1, 2, 0, BIDS, ASKS) + b"}"
    of = binance()
    assert of.sort(wrapped).kind is Kind.WHOLE and of.sort(depth(1, 2, 0, BIDS, ASKS)).kind is Kind.CHANGE
    assert isinstance(tell(of, wrapped)[0], BookSeen)


def test_recorded_prices_of_binance() -> None:
    folder = recording("venue_payloads/binance/futures/market_data_json")
    (book,) = tell(binance(), (folder / "book_ticker_stream.json").read_bytes())
    assert (book.depth.bids, book.sequence) == (((25.3519, 31.21),), 400900217)
    (mark,) = tell(binance(), (folder / "mark_price_stream.json").read_bytes())
    assert (mark.mark_price, mark.index_price, mark.funding_rate) == (11794.15, 11784.62659091, 0.00038167)


def test_recorded_accounts_of_binance_change_what_was_seeded() -> None:
    folder = recording("venue_payloads/binance/futures/user_data_json")
    raw, of = (folder / "account_update.json").read_bytes(), binance()
    assert refusal(of, raw) is Reason.NO_SNAPSHOT
    of.seed([AccountSeen(account=Account(id="one", venue="binance"), at_ns=1, received_ns=1)])
    found = {one.account.id: one.account for one in tell(of, raw)}
    assert found["one-BTCUSDT-LONG"].positions[0].quantity == 20.0
    assert found["one-BTCUSDT-SHORT"].positions[0].quantity == -10.0
    assert found["one-BTCUSDT-LONG"].collateral[0].amount == 13200.70726908
    assert {one.asset: one.amount for one in found["one"].collateral}["USDT"] == 100.12345678


@pytest.mark.parametrize(
    ("name", "expected", "filled", "trades"),
    [
        ("order_update_new", OrderState.OPEN, 0.0, 0),
        ("order_update_trade", OrderState.OPEN, 0.001, 1),
        ("order_update_adl", OrderState.UNKNOWN, 0.005, 1),
    ],
)
def test_recorded_orders_of_binance(name: str, expected: OrderState, filled: float, trades: int) -> None:
    raw = recording(f"venue_payloads/binance/futures/user_data_json/{name}.json").read_bytes()
    order, *rest = tell(binance(), raw)
    assert (order.report.state, order.report.filled, len(rest)) == (expected, filled, trades)
