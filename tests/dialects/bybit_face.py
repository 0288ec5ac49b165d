"""Bybit v5 as its clients reach it, over a simulated venue: one unified one-way account, linear contracts, books, tickers.

Shapes: the venue's documentation and recorded answers. Post-only orders that would trade are taken, and then shown as cancelled.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from perpbook.dialects.binance_shapes import lot, tick
from perpbook.dialects.face import Answer, Asked
from perpbook.dialects.hub import Client, Hub, Saying
from perpbook.dialects.keys import MadeUpKey
from perpbook.dialects.plain import milliseconds, text
from perpbook.dialects.traded import Traded
from perpbook.dialects.venue import Known, ServedVenue, Told
from perpbook.model.message import BookSeen, MarkSeen
from perpbook.model.order import OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.simulation.happened import Settled

TIFS = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "PostOnly": TimeInForce.POST}
CODES = {RejectReason.REDUCE_ONLY: 110017, RejectReason.MARGIN: 110007, RejectReason.DUPLICATE: 110072}
Given = Mapping[str, Any]


class Refused(Exception):
    """A request is refused with a code and words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


class BybitFace:
    """See the module. `strange` : positions of inverse contracts. `hedged` : positions say so. `status` : of the account."""

    def __init__(self, venue: ServedVenue, keys: tuple[MadeUpKey, ...]) -> None:
        self.venue, self.keys = venue, {key.public: key for key in keys}
        self.hub: Hub = Hub(venue, BybitStream(venue))
        self.strange: list[dict[str, Any]] = []
        self.hedged = False
        self.status = 5

    def answer(self, asked: Asked) -> Answer:
        try:
            result = self._result(asked)
        except Refused as refused:
            return Answer(document=self._envelope({}, refused.code, refused.words))
        return Answer(document=self._envelope(result))

    def admitted(self, path: str, query: str) -> Client | None:
        return Client(name="linear") if path == "/v5/public/linear" else None

    def _envelope(self, result: Any, code: int = 0, words: str = "OK") -> dict[str, Any]:
        now = milliseconds(self.venue.clock_ns)
        return {"retCode": code, "retMsg": words, "result": result, "retExtInfo": {}, "time": now}

    def _result(self, asked: Asked) -> Any:
        self.venue.catch_up()
        given: Given = json.loads(asked.body) if asked.body else dict(parse_qsl(asked.query))
        public = PUBLIC.get(asked.path)
        if public is not None:
            return public(self, given)
        act = SIGNED.get((asked.method, asked.path))
        if act is None:
            raise Refused(10001, "Request parameter error.")
        return act(self, self._signed(asked), given)

    def _signed(self, asked: Asked) -> str:
        head = {
            name: asked.headers.get(f"x-bapi-{name}", "") for name in ("api-key", "timestamp", "recv-window", "sign")
        }
        key = self.keys.get(head["api-key"])
        if key is None:
            raise Refused(10003, "API key is invalid.")
        said = asked.body.decode() if asked.method == "POST" else asked.query
        payload = head["timestamp"] + key.public + head["recv-window"] + said
        right = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, head["sign"]):
            raise Refused(10004, "Error sign, please check your signature generation algorithm.")
        return key.account

    def instruments(self, given: Given) -> Any:
        names = [] if given.get("status") else self.venue.truth.symbols
        return self._page([instrument(self.venue, name) for name in names])

    def orderbook(self, given: Given) -> Any:
        seen = self.venue.book(given["symbol"])
        most, now = int(given.get("limit", 25)), milliseconds(seen.at_ns)
        return {
            "s": seen.symbol,
            "b": rows(seen.depth.bids[:most]),
            "a": rows(seen.depth.asks[:most]),
            "ts": now,
            "u": 1,
        }

    def tickers(self, given: Given) -> Any:
        return self._page([ticker(self.venue, name) for name in self.venue.truth.symbols])

    def info(self, account: str, given: Given) -> Any:
        return {
            "marginMode": "REGULAR_MARGIN",
            "unifiedMarginStatus": self.status,
            "dcpStatus": "OFF",
            "timeWindow": 10,
        }

    def wallet(self, account: str, given: Given) -> Any:
        held = self.venue.seen(account)[0].account
        coins = [
            {"coin": one.asset, "walletBalance": text(one.amount), "spotBorrow": "0", "collateralSwitch": True,
             "marginCollateral": True}
            for one in held.collateral
        ]  # fmt: skip
        return {"list": [{"accountType": "UNIFIED", "coin": coins}]}

    def positions(self, account: str, given: Given) -> Any:
        if given["category"] != "linear":
            return self._page(self.strange if given["category"] == "inverse" else [])
        if given["settleCoin"] != "USDT":
            return self._page([])
        held = self.venue.seen(account)[0].account.positions
        return self._page(
            [position(self.venue, one.symbol, one.quantity, one.entry_price, self.hedged) for one in held]
        )

    def create(self, account: str, given: Given) -> Any:
        assert given["category"] == "linear" and given["orderType"] == "Limit" and given["positionIdx"] == 0
        request = OrderRequest(
            client_id=given.get("orderLinkId") or self.venue.nameless(), account=account, venue="bybit", symbol=given["symbol"],
            quantity=float(given["qty"]) * (1.0 if given["side"] == "Buy" else -1.0), limit_price=float(given["price"]),
            reduce_only=given.get("reduceOnly") is True, time_in_force=TIFS[given["timeInForce"]],
        )  # fmt: skip
        report = self.venue.place(request)
        if report.state is OrderState.REJECTED and report.reason is not RejectReason.POST_ONLY:
            raise Refused(CODES.get(report.reason, 10001) if report.reason else 10001, report.why)
        known = self.venue.find(account, client_id=request.client_id)
        return {"orderId": str(known.number if known else 0), "orderLinkId": request.client_id}

    def _found(self, account: str, given: Given) -> Known | None:
        if "orderLinkId" in given:
            return self.venue.find(account, client_id=given["orderLinkId"])
        return self.venue.find(account, number=int(given["orderId"])) if given.get("orderId", "").isdigit() else None

    def cancel(self, account: str, given: Given) -> Any:
        found = self._found(account, given)
        if found is None or found.report.state is not OrderState.OPEN:
            raise Refused(110001, "order not exists or too late to cancel")
        self.venue.cancel(account, found.request.symbol, found.request.client_id)
        return {"orderId": str(found.number), "orderLinkId": found.request.client_id}

    def realtime(self, account: str, given: Given) -> Any:
        if "orderLinkId" in given or "orderId" in given:
            found = self._found(account, given)
            is_open = found is not None and found.report.state is OrderState.OPEN
            return self._page([order(found)] if found is not None and is_open != bool(given.get("openOnly")) else [])
        if given.get("settleCoin") != "USDT":
            return self._page([])
        return self._page([order(one) for one in self.venue.known(account) if one.report.state is OrderState.OPEN])

    def history(self, account: str, given: Given) -> Any:
        found = self._found(account, given)
        return self._page([order(found)] if found is not None else [])

    def executions(self, account: str, given: Given) -> Any:
        self.venue.known(account)
        funding = {"execType": "Funding", "symbol": "BTCUSDT", "execId": "f", "orderLinkId": ""}
        since = int(given["startTime"])
        traded = [execution(self.venue, one) for one in self.venue.trades[account]]
        return self._page([funding, *(row for row in traded if int(row["execTime"]) >= since)])

    def log(self, account: str, given: Given) -> Any:
        """Funding, newest first, a page at a time."""
        assert given["type"] == "SETTLEMENT" and int(given["endTime"]) - int(given["startTime"]) <= 7 * 86_400_000
        paid = [payment(one) for one in reversed(self.venue.truth.settled(account))]
        mine = [one for one in paid if int(given["startTime"]) <= int(one["transactionTime"]) <= int(given["endTime"])]
        first, most = int(given.get("cursor") or 0), int(given["limit"])
        more = str(first + most) if len(mine) > first + most else ""
        return {"list": mine[first : first + most], "nextPageCursor": more}

    def rates(self, given: Given) -> Any:
        told = [
            {"symbol": given["symbol"], "fundingRate": text(one.rate), "fundingRateTimestamp": str(milliseconds(one.at_ns))}
            for one in reversed(self.venue.rates[given["symbol"]])
        ]  # fmt: skip
        first, last = int(given["startTime"]), int(given["endTime"])
        return self._page(
            [one for one in told if first <= int(one["fundingRateTimestamp"]) <= last][: int(given["limit"])]
        )

    def _page(self, listed: Sequence[Any]) -> dict[str, Any]:
        return {"category": "linear", "list": list(listed), "nextPageCursor": ""}


PUBLIC: Mapping[str, Callable[[BybitFace, Given], Any]] = {
    "/v5/market/instruments-info": BybitFace.instruments,
    "/v5/market/orderbook": BybitFace.orderbook,
    "/v5/market/tickers": BybitFace.tickers,
    "/v5/market/funding/history": BybitFace.rates,
}
SIGNED: Mapping[tuple[str, str], Callable[[BybitFace, str, Given], Any]] = {
    ("GET", "/v5/account/info"): BybitFace.info,
    ("GET", "/v5/account/wallet-balance"): BybitFace.wallet,
    ("GET", "/v5/position/list"): BybitFace.positions,
    ("POST", "/v5/order/create"): BybitFace.create,
    ("POST", "/v5/order/cancel"): BybitFace.cancel,
    ("GET", "/v5/order/realtime"): BybitFace.realtime,
    ("GET", "/v5/order/history"): BybitFace.history,
    ("GET", "/v5/execution/list"): BybitFace.executions,
    ("GET", "/v5/account/transaction-log"): BybitFace.log,
}


class BybitStream:
    """Books, whole and then in changes, and tickers. `step` : by which the numbers of a book's messages go up."""

    def __init__(self, venue: ServedVenue) -> None:
        self.venue, self.step = venue, 1

    def greeting(self, client: Client) -> Sequence[Any]:
        return ()

    def wrapped(self, client: Client, channel: Hashable, said: Any) -> Any:
        if not said["topic"].startswith("orderbook"):
            return said
        client.channels[channel] += self.step
        return {**said, "data": {**said["data"], "u": client.channels[channel]}}

    def heard(self, client: Client, words: str) -> Sequence[Any]:
        body = json.loads(words)
        if body["op"] == "ping":
            return (
                {"success": True, "ret_msg": "pong", "op": "ping", "conn_id": "c", "req_id": body.get("req_id", "")},
            )
        told: list[Any] = [
            {"success": True, "ret_msg": "", "conn_id": "c", "op": body["op"], "req_id": body.get("req_id", "")}
        ]
        for topic in body["args"]:
            kind, symbol = topic.split(".")[0], topic.split(".")[-1]
            client.channels[kind, symbol] = 1
            told.append(self._whole(symbol, topic) if kind == "orderbook" else self._ticker(symbol, topic))
        return told

    def _whole(self, symbol: str, topic: str) -> Any:
        return self._book(symbol, topic, "snapshot", self.venue.truth.book(symbol).depth)

    def _book(self, symbol: str, topic: str, kind: str, depth: Any) -> Any:
        now = milliseconds(self.venue.clock_ns)
        data = {"s": symbol, "b": rows(depth.bids[:50]), "a": rows(depth.asks[:50]), "u": 1, "seq": 1}
        return {"topic": topic, "type": kind, "ts": now, "data": data, "cts": now}

    def _ticker(self, symbol: str, topic: str) -> Any:
        now = milliseconds(self.venue.clock_ns)
        return {"topic": topic, "type": "snapshot", "data": ticker(self.venue, symbol), "cs": 1, "ts": now}

    def sayings(self, told: Told) -> Sequence[Saying]:
        match told:
            case BookSeen(symbol=symbol):
                change, topic = self.venue.change(symbol, told.sequence), f"orderbook.50.{symbol}"
                if change is None:
                    return [(("orderbook", symbol), lambda: self._whole(symbol, topic))]
                return [(("orderbook", symbol), lambda: self._book(symbol, topic, "delta", change.levels))]
            case MarkSeen(symbol=symbol):
                return [(("tickers", symbol), lambda: self._ticker(symbol, f"tickers.{symbol}"))]
        return ()


def payment(one: Settled) -> dict[str, str]:
    return {
        "symbol": one.symbol, "category": "linear", "side": "Sell" if one.quantity > 0.0 else "Buy", "type": "SETTLEMENT",
        "transactionTime": str(milliseconds(one.at_ns)), "size": text(one.quantity), "currency": "USDT",
        "funding": text(one.cash),
        "feeRate": text(one.rate), "tradePrice": text(one.price), "fee": "0", "cashFlow": "0", "change": text(one.cash),
    }  # fmt: skip


def rows(levels: Sequence[tuple[float, float]]) -> list[list[str]]:
    return [[text(price), text(size)] for price, size in levels]


def instrument(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    terms = venue.contract(symbol).contract
    step = text(lot(venue, symbol))
    return {
        "symbol": symbol, "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": terms.base,
        "quoteCoin": terms.quote, "settleCoin": terms.settle, "launchTime": "1585526400000", "deliveryTime": "0",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.1", "maxPrice": "1999999", "tickSize": text(tick(venue, symbol))},
        "lotSizeFilter": {"maxOrderQty": "1000", "minOrderQty": step, "qtyStep": step, "minNotionalValue": "5"},
        "unifiedMarginTrade": True, "fundingInterval": 480,
    }  # fmt: skip


def ticker(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    now, book = venue.truth.prices(symbol), venue.truth.book(symbol).depth
    return {
        "symbol": symbol, "lastPrice": text(now.mark), "markPrice": text(now.mark), "indexPrice": text(now.index or now.mark),
        "fundingRate": text(now.funding_rate or 0.0), "openInterest": text(now.open_interest or 0.0), "nextFundingTime": "1",
        "bid1Price": text(book.bids[0][0]), "bid1Size": text(book.bids[0][1]), "ask1Price": text(book.asks[0][0]),
        "ask1Size": text(book.asks[0][1]),
    }  # fmt: skip


def position(venue: ServedVenue, symbol: str, quantity: float, entry: float, hedged: bool) -> dict[str, Any]:
    name = venue.contract(symbol).contract.symbol
    return {
        "symbol": name, "side": "Buy" if quantity > 0 else "Sell", "size": text(abs(quantity)), "avgPrice": text(entry),
        "positionIdx": (1 if quantity > 0 else 2) if hedged else 0, "tradeMode": 0, "leverage": "10", "liqPrice": "",
        "markPrice": text(venue.truth.prices(name).mark), "positionValue": text(abs(quantity) * entry),
    }  # fmt: skip


STATUS = {OrderState.OPEN: "New", OrderState.FILLED: "Filled", OrderState.REJECTED: "Cancelled"}


def order(known: Known) -> dict[str, Any]:
    request, report = known.request, known.report
    filled = abs(report.filled)
    is_over = report.state is not OrderState.OPEN
    status = STATUS.get(report.state) or ("PartiallyFilledCanceled" if filled else "Cancelled")
    left = 0.0 if is_over else abs(request.quantity) - filled
    return {
        "orderId": str(known.number), "orderLinkId": request.client_id, "symbol": request.symbol, "orderType": "Limit",
        "side": "Buy" if request.quantity > 0 else "Sell", "price": text(request.limit_price), "qty": text(abs(request.quantity)),
        "orderStatus": "PartiallyFilled" if not is_over and filled else status, "leavesQty": text(left), "tpslMode": "Full",
        "rejectReason": "EC_PostOnlyWillTakeLiquidity" if report.reason is RejectReason.POST_ONLY else "EC_NoError",
        "avgPrice": text(report.average_price or 0.0), "cumExecQty": text(filled), "triggerPrice": "",
        "cumExecValue": text(filled * (report.average_price or 0.0)), "reduceOnly": request.reduce_only, "positionIdx": 0,
        "timeInForce": {one: name for name, one in TIFS.items()}[request.time_in_force],
        "createdTime": str(milliseconds(known.placed_ns)), "updatedTime": str(milliseconds(report.at_ns)),
    }  # fmt: skip


def execution(venue: ServedVenue, one: Traded) -> dict[str, Any]:
    fill = one.fill
    known = venue.find(fill.account, client_id=fill.client_id)
    return {
        "symbol": fill.symbol, "orderId": str(known.number if known else 0), "orderLinkId": fill.client_id,
        "side": "Buy" if fill.quantity > 0 else "Sell", "execId": fill.trade_id, "execPrice": text(fill.price),
        "execQty": text(abs(fill.quantity)), "execFee": text(fill.fee), "execType": "Trade", "isMaker": not one.is_taker,
        "execTime": str(milliseconds(fill.time_ns)), "orderType": "Limit", "closedSize": "0", "feeRate": "0.00055",
    }  # fmt: skip
