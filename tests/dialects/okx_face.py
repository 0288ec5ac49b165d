"""OKX v5 as its clients reach it, over a simulated venue: one account in net mode, linear swaps in contracts, public websocket.

Shapes: the venue's documentation and recorded answers. Post-only orders that would trade are taken, and then shown as cancelled.
"""

from __future__ import annotations

import base64
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

PASSPHRASE = "made up"
TIFS = {"limit": TimeInForce.GTC, "ioc": TimeInForce.IOC, "post_only": TimeInForce.POST}
CODES = {RejectReason.REDUCE_ONLY: "51169", RejectReason.MARGIN: "51008", RejectReason.DUPLICATE: "51016"}
WORDS = {RejectReason.DUPLICATE: "Client order ID already exists: duplicate."}
Given = Mapping[str, Any]


class Refused(Exception):
    """A request is refused: `inner` is an order's own code, else the whole request's."""

    def __init__(self, code: str, words: str, inner: bool = False) -> None:
        super().__init__(words)
        self.code, self.words, self.inner = code, words, inner


class OkxFace:
    """See the module. `config` : what the account's configuration says. `strange` : more positions."""

    def __init__(self, venue: ServedVenue, keys: tuple[MadeUpKey, ...]) -> None:
        self.venue, self.keys = venue, {key.public: key for key in keys}
        self.hub: Hub = Hub(venue, OkxStream(venue))
        self.config: dict[str, Any] = {"posMode": "net_mode", "acctLv": "2", "uid": "1"}
        self.strange: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Answer:
        try:
            return Answer(document={"code": "0", "data": self._result(asked), "msg": ""})
        except Refused as refused:
            if not refused.inner:
                return Answer(document={"code": refused.code, "data": [], "msg": refused.words})
            row = {"clOrdId": "", "ordId": "", "tag": "", "sCode": refused.code, "sMsg": refused.words}
            return Answer(document={"code": "1", "data": [row], "msg": "All operations failed"})

    def admitted(self, path: str, query: str) -> Client | None:
        return Client(name="public") if path == "/ws/v5/public" else None

    def _result(self, asked: Asked) -> list[Any]:
        self.venue.catch_up()
        path = asked.path.removeprefix("/api/v5")
        given: Given = json.loads(asked.body) if asked.body else dict(parse_qsl(asked.query))
        public = PUBLIC.get(path)
        if public is not None:
            return public(self, given)
        act = SIGNED.get((asked.method, path))
        if act is None:
            raise Refused("50014", "Parameter error")
        return act(self, self._signed(asked), given)

    def _signed(self, asked: Asked) -> str:
        names = ("key", "passphrase", "timestamp", "sign")
        head = {name: asked.headers.get(f"ok-access-{name}", "") for name in names}
        key = self.keys.get(head["key"])
        if key is None or head["passphrase"] != PASSPHRASE:
            raise Refused("50111", "Invalid OK-ACCESS-KEY")
        whole = asked.path + (f"?{asked.query}" if asked.query else "")
        payload = head["timestamp"] + asked.method + whole + asked.body.decode()
        right = base64.b64encode(hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(right, head["sign"]):
            raise Refused("50113", "Invalid signature")
        return key.account

    def size(self, symbol: str) -> float:
        return self.venue.contract(symbol).contract.contract_size

    def instruments(self, given: Given) -> list[Any]:
        return [instrument(self.venue, name) for name in self.venue.truth.symbols] + [INVERSE]

    def books(self, given: Given) -> list[Any]:
        seen = self.venue.book(given["instId"])
        size, most = self.size(seen.symbol), int(given.get("sz", 1))
        asks, bids = (rows(side[:most], size) for side in (seen.depth.asks, seen.depth.bids))
        return [{"asks": asks, "bids": bids, "ts": str(milliseconds(seen.at_ns))}]

    def marks(self, given: Given) -> list[Any]:
        return [mark(self.venue, name) for name in self.venue.truth.symbols]

    def rates(self, given: Given) -> list[Any]:
        assert given["instId"] == "ANY"
        prices = {name: self.venue.truth.prices(name) for name in self.venue.truth.symbols}
        return [{"instId": name, "fundingRate": text(one.funding_rate or 0.0)} for name, one in prices.items()]

    def interest(self, given: Given) -> list[Any]:
        return [{"instId": name, "oi": "0", "oiCcy": "0"} for name in self.venue.truth.symbols]

    def indices(self, given: Given) -> list[Any]:
        names = [name for name in self.venue.truth.symbols if given["quoteCcy"] in name]
        return [{"instId": n.removesuffix("-SWAP"), "idxPx": text(self.venue.truth.prices(n).mark)} for n in names]

    def configuration(self, account: str, given: Given) -> list[Any]:
        return [self.config]

    def balance(self, account: str, given: Given) -> list[Any]:
        held = self.venue.seen(account)[0].account
        details = [{"ccy": one.asset, "cashBal": text(one.amount), "eq": text(one.amount)} for one in held.collateral]
        return [{"adjEq": "", "details": details, "uTime": str(milliseconds(self.venue.clock_ns))}]

    def positions(self, account: str, given: Given) -> list[Any]:
        held = self.venue.seen(account)[0].account.positions
        return [position(self.venue, one.symbol, one.quantity, one.entry_price) for one in held] + self.strange

    def place(self, account: str, given: Given) -> list[Any]:
        assert given["tdMode"] == "cross"
        symbol = given["instId"]
        request = OrderRequest(
            client_id=given.get("clOrdId") or self.venue.nameless(), account=account, venue="okx", symbol=symbol,
            quantity=round(float(given["sz"]) * self.size(symbol), 12) * (1.0 if given["side"] == "buy" else -1.0),
            limit_price=float(given["px"]), reduce_only=given.get("reduceOnly") is True, time_in_force=TIFS[given["ordType"]],
        )  # fmt: skip
        report = self.venue.place(request)
        if report.state is OrderState.REJECTED and report.reason is not RejectReason.POST_ONLY:
            assert report.reason is not None
            raise Refused(CODES.get(report.reason, "51000"), WORDS.get(report.reason, report.why), True)
        known = self.venue.find(account, client_id=request.client_id)
        return [
            {
                "ordId": str(known.number if known else 0),
                "clOrdId": request.client_id,
                "tag": "",
                "sCode": "0",
                "sMsg": "",
            }
        ]

    def _found(self, account: str, given: Given) -> Known | None:
        if "clOrdId" in given:
            return self.venue.find(account, client_id=given["clOrdId"])
        return self.venue.find(account, number=int(given["ordId"])) if given.get("ordId", "").isdigit() else None

    def cancel(self, account: str, given: Given) -> list[Any]:
        found = self._found(account, given)
        if found is None or found.report.state is not OrderState.OPEN:
            raise Refused(
                "51400", "Cancellation failed as the order has been filled, canceled or does not exist.", True
            )
        self.venue.cancel(account, found.request.symbol, found.request.client_id)
        return [{"ordId": str(found.number), "clOrdId": found.request.client_id, "sCode": "0", "sMsg": ""}]

    def order(self, account: str, given: Given) -> list[Any]:
        found = self._found(account, given)
        if found is None:
            raise Refused("51603", "Order does not exist")
        return [order(self.venue, found)]

    def pending(self, account: str, given: Given) -> list[Any]:
        assert given["instType"] == "SWAP"
        return [order(self.venue, one) for one in self.venue.known(account) if one.report.state is OrderState.OPEN]

    def fills(self, account: str, given: Given) -> list[Any]:
        self.venue.known(account)
        found = [trade(self.venue, one) for one in self.venue.trades[account]]
        return [row for row in found if int(row["ts"]) >= int(given["begin"])]

    def bills(self, account: str, given: Given) -> list[Any]:
        """Funding, newest first, a page at a time."""
        assert given["type"] == "8" and given["instType"] == "SWAP"
        paid = [bill(number, one) for number, one in enumerate(self.venue.truth.settled(account))][::-1]
        after = int(given.get("after", len(paid)))
        return [one for one in paid if int(one["ts"]) >= int(given["begin"]) and int(one["billId"]) < after][:100]

    def history(self, given: Given) -> list[Any]:
        told = [
            {"fundingRate": "9", "realizedRate": text(one.rate), "fundingTime": str(milliseconds(one.at_ns))}
            for one in reversed(self.venue.rates[given["instId"]])
        ]
        return [one for one in told if "after" not in given or int(one["fundingTime"]) < int(given["after"])][:100]

    def timer(self, account: str, given: Given) -> list[Any]:
        wait, now = int(given["timeOut"]), self.venue.truth.now_ns
        if wait and not 10 <= wait <= 120:
            raise Refused("51000", "Parameter timeOut error")
        for name in self.venue.names(account):
            self.venue.truth._bucket(name).cancel_at.clear()
            if wait:
                self.venue.truth._bucket(name).cancel_at[""] = now + wait * 1_000_000_000
        return [{"triggerTime": "0", "tag": "", "ts": str(milliseconds(now))}]


PUBLIC: Mapping[str, Callable[[OkxFace, Given], list[Any]]] = {
    "/public/instruments": OkxFace.instruments,
    "/market/books": OkxFace.books,
    "/public/mark-price": OkxFace.marks,
    "/public/funding-rate": OkxFace.rates,
    "/public/open-interest": OkxFace.interest,
    "/public/funding-rate-history": OkxFace.history,
    "/market/index-tickers": OkxFace.indices,
}
SIGNED: Mapping[tuple[str, str], Callable[[OkxFace, str, Given], list[Any]]] = {
    ("GET", "/account/config"): OkxFace.configuration,
    ("GET", "/account/balance"): OkxFace.balance,
    ("GET", "/account/positions"): OkxFace.positions,
    ("POST", "/trade/order"): OkxFace.place,
    ("POST", "/trade/cancel-order"): OkxFace.cancel,
    ("GET", "/trade/order"): OkxFace.order,
    ("GET", "/trade/orders-pending"): OkxFace.pending,
    ("GET", "/trade/fills"): OkxFace.fills,
    ("GET", "/account/bills"): OkxFace.bills,
    ("GET", "/account/bills-archive"): OkxFace.bills,
    ("GET", "/trade/fills-history"): OkxFace.fills,
    ("POST", "/trade/cancel-all-after"): OkxFace.timer,
}


class OkxStream:
    """Books, whole and then in numbered changes, and marks. `step` : from a change's own number to what it says came before."""

    def __init__(self, venue: ServedVenue) -> None:
        self.venue, self.step = venue, 1

    def greeting(self, client: Client) -> Sequence[Any]:
        return ()

    def wrapped(self, client: Client, channel: Hashable, said: Any) -> Any:
        if said["arg"]["channel"] != "books":
            return said
        client.channels[channel] += 1
        number, is_whole = client.channels[channel], said["action"] == "snapshot"
        numbers = {"seqId": number, "prevSeqId": -1 if is_whole else number - self.step}
        return {**said, "data": [{**said["data"][0], **numbers}]}

    def heard(self, client: Client, words: str) -> Sequence[Any]:
        if words == "ping":
            return ("pong",)
        told: list[Any] = []
        for arg in json.loads(words)["args"]:
            kind, symbol = arg["channel"], arg["instId"]
            client.channels[kind, symbol] = 1
            whole = self._book(symbol, None) if kind == "books" else self._mark(symbol)
            told += [{"event": "subscribe", "arg": arg, "connId": "c"}, whole]
        return told

    def _book(self, symbol: str, sequence: int | None) -> Any:
        """Whole, or how it changed with a sequence."""
        change = None if sequence is None else self.venue.change(symbol, sequence)
        depth = change.levels if change else self.venue.truth.book(symbol).depth
        size, now = self.venue.contract(symbol).contract.contract_size, str(milliseconds(self.venue.clock_ns))
        data = {"asks": rows(depth.asks, size), "bids": rows(depth.bids, size), "checksum": 0, "ts": now}
        whole = {"arg": {"channel": "books", "instId": symbol}, "action": "update" if change else "snapshot"}
        return {**whole, "data": [{**data, "seqId": 1, "prevSeqId": -1}]}

    def _mark(self, symbol: str) -> Any:
        return {"arg": {"channel": "mark-price", "instId": symbol}, "data": [mark(self.venue, symbol)]}

    def sayings(self, told: Told) -> Sequence[Saying]:
        match told:
            case BookSeen(symbol=symbol):
                return [(("books", symbol), lambda: self._book(symbol, told.sequence))]
            case MarkSeen(symbol=symbol):
                return [(("mark-price", symbol), lambda: self._mark(symbol))]
        return ()


INVERSE = {
    "instId": "BTC-USD-SWAP", "instType": "SWAP", "uly": "BTC-USD", "instFamily": "BTC-USD", "settleCcy": "BTC", "ctVal": "100",
    "ctMult": "1", "ctValCcy": "USD", "ctType": "inverse", "lotSz": "1", "minSz": "1", "tickSz": "0.1", "lever": "100",
    "state": "live", "baseCcy": "", "quoteCcy": "",
}  # fmt: skip


def bill(number: int, one: Settled) -> dict[str, str]:
    return {
        "billId": str(number), "instId": one.symbol, "instType": "SWAP", "type": "8", "ccy": "USDT", "balChg": text(one.cash),
        "posBalChg": "0", "subType": "174" if one.cash > 0.0 else "173", "ts": str(milliseconds(one.at_ns)),
    }  # fmt: skip


def rows(levels: Sequence[tuple[float, float]], size: float) -> list[list[str]]:
    return [[text(price), text(round(quantity / size, 9)), "0", "1"] for price, quantity in levels]


def instrument(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    terms = venue.contract(symbol).contract
    step = text(round(lot(venue, symbol) / terms.contract_size, 9))
    return {
        **INVERSE, "instId": symbol, "uly": f"{terms.base}-{terms.quote}", "instFamily": f"{terms.base}-{terms.quote}",
        "settleCcy": terms.settle, "ctVal": text(terms.contract_size), "ctValCcy": terms.base, "ctType": "linear",
        "lotSz": step, "minSz": step, "tickSz": text(tick(venue, symbol)),
    }  # fmt: skip


def mark(venue: ServedVenue, symbol: str) -> dict[str, Any]:
    price, now = text(venue.truth.prices(symbol).mark), str(milliseconds(venue.clock_ns))
    return {"instType": "SWAP", "instId": symbol, "markPx": price, "ts": now}


def position(venue: ServedVenue, symbol: str, quantity: float, entry: float) -> dict[str, Any]:
    terms = venue.contract(symbol).contract
    return {
        "instId": terms.symbol, "instType": "SWAP", "mgnMode": "cross", "posSide": "net", "ccy": terms.settle,
        "pos": text(round(quantity / terms.contract_size, 9)), "avgPx": text(entry), "lever": "10", "liqPx": "", "margin": "",
        "markPx": text(venue.truth.prices(terms.symbol).mark), "idxPx": "",
    }  # fmt: skip


STATES = {OrderState.OPEN: "live", OrderState.FILLED: "filled"}


def order(venue: ServedVenue, known: Known) -> dict[str, Any]:
    request, report = known.request, known.report
    size, filled = venue.contract(request.symbol).contract.contract_size, abs(report.filled)
    state = STATES.get(report.state, "canceled")
    return {
        "ordId": str(known.number), "clOrdId": request.client_id, "instId": request.symbol, "instType": "SWAP", "tag": "",
        "side": "buy" if request.quantity > 0 else "sell", "px": text(request.limit_price), "tdMode": "cross",
        "sz": text(round(abs(request.quantity) / size, 9)), "accFillSz": text(round(filled / size, 9)), "posSide": "net",
        "avgPx": text(report.average_price) if report.average_price else "", "fee": "0", "feeCcy": "USDT",
        "state": "partially_filled" if state == "live" and filled else state,
        "cancelSource": "31" if report.reason is RejectReason.POST_ONLY else "",
        "ordType": {one: name for name, one in TIFS.items()}[request.time_in_force],
        "reduceOnly": "true" if request.reduce_only else "false", "cTime": str(milliseconds(known.placed_ns)),
        "uTime": str(milliseconds(report.at_ns)),
    }  # fmt: skip


def trade(venue: ServedVenue, one: Traded) -> dict[str, Any]:
    fill = one.fill
    known, size = venue.find(fill.account, client_id=fill.client_id), venue.contract(fill.symbol).contract.contract_size
    return {
        "instType": "SWAP", "instId": fill.symbol, "tradeId": fill.trade_id, "billId": fill.trade_id, "tag": "",
        "ordId": str(known.number if known else 0), "clOrdId": fill.client_id, "side": "buy" if fill.quantity > 0 else "sell",
        "fillPx": text(fill.price), "fillSz": text(round(abs(fill.quantity) / size, 9)), "fee": text(-fill.fee),
        "feeCcy": "USDT", "execType": "T" if one.is_taker else "M", "posSide": "net", "ts": str(milliseconds(fill.time_ns)),
    }  # fmt: skip
