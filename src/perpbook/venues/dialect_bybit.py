"""Bybit v5 behind its client: linear contracts settled in USDT and USDC, of a unified account in one-way mode.

Sources: bybit-exchange.github.io/docs/v5, read 2026-11-27. Its timer that cancels orders (DCP) is for institutions, so there is
none here. An order that was just filled or refused is asked for among open ones, recent ones and in the history, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perpbook.engine.ports import Capabilities
from perpbook.errors import VenueUnavailable
from perpbook.model.order import OrderRequest, TimeInForce
from perpbook.venues.buckets import Weights
from perpbook.venues.dialect import WEEK_MS, Priced, is_ours, number

LINEAR = {"category": "linear"}
SETTLED = ("USDT", "USDC")
PAGE, PAGES = 100, 50
"""Rows of an answer, and answers in a row that are asked for at most."""

UNIFIED = frozenset({"3", "4", "5", "6"})
"""`unifiedMarginStatus` of unified accounts."""

TRADED = frozenset({"Trade", "AdlTrade", "BustTrade"})
"""Executions that are trades; others are funding and deliveries."""

GONE = frozenset({"Cancelled", "PartiallyFilledCanceled", "Deactivated", "Rejected"})
POST_ONLY = "EC_PostOnlyWillTakeLiquidity"

BYBIT = Capabilities(
        places_orders=True, streams_books=True, streams_account=False, dead_man=False, self_expiring=False,
        finds_by_client_id=True, client_id_letters=36,
)  # fmt: skip
BYBIT_WEIGHTS = Weights(
    size=60, rate=10, account=6, order=2, orders=2, trades=2, marks=2, funding=2
)  # 10 a second for orders of a linear contract; 50 and more for reads


@dataclass(frozen=True, slots=True)
class Bybit:
    """Orders and trades carry our id."""

    name: str = "bybit"
    format: str = "bybit"
    capabilities: Capabilities = BYBIT
    weights: Weights = BYBIT_WEIGHTS
    in_contracts: bool = False

    def native(self, market: Mapping[str, Any]) -> str:
        """The symbol, of linear perpetuals."""
        return str(market["id"]) if market.get("swap") and market.get("linear") else ""

    def price(self, market: Mapping[str, Any], quantity: float, limit: float) -> float:
        """The terms know its ticks, so it is in them."""
        return limit

    async def read(self, client: Any, address: str) -> list[Any]:
        """The account's mode, its wallet, and positions of both settle coins. What is not guarded here is refused."""
        info = await client.privateGetV5AccountInfo()
        wallet = await client.privateGetV5AccountWalletBalance({"accountType": "UNIFIED"})
        linear: list[Any] = []
        others: list[Any] = []
        for coin in SETTLED:
            linear += await pages(client.privateGetV5PositionList, {**LINEAR, "settleCoin": coin, "limit": 200})
        for kind in ("inverse", "option"):
            others += await pages(client.privateGetV5PositionList, {"category": kind, "limit": 200})
        refuse_unguarded(info, linear, others)
        return [info, wallet, whole(linear)]

    def params(self, request: OrderRequest, isolated: bool) -> dict[str, Any]:
        """An id, and how long it lives; the margin mode is the account's."""
        lives = {TimeInForce.IOC: "IOC", TimeInForce.GTC: "GTC", TimeInForce.POST: "PostOnly"}[request.time_in_force]
        named = {"clientOrderId": request.client_id, "timeInForce": lives, "positionIdx": 0}
        return {**named, "reduceOnly": request.reduce_only}

    async def find(self, client: Any, symbol: str, client_id: str) -> Mapping[str, Any]:
        """By the id."""
        from ccxt.base.errors import OrderNotFound

        market = client.market(symbol)
        asked = {**LINEAR, "symbol": market["id"], **_named(client_id)}
        for ask, more in (
            (client.privateGetV5OrderRealtime, {}),
            (client.privateGetV5OrderRealtime, {"openOnly": 1}),
            (client.privateGetV5OrderHistory, {}),
        ):
            for row in (await ask({**asked, **more}))["result"]["list"]:
                if client_id in (row.get("orderLinkId"), row.get("orderId")):
                    return told_order(client.parse_order(row, market), row)
        raise OrderNotFound("bybit knows no such order")

    async def cancel(self, client: Any, symbol: str, client_id: str) -> None:
        """By the id."""
        asked = {**LINEAR, "symbol": client.market(symbol)["id"], **_named(client_id)}
        await client.privatePostV5OrderCancel(asked)

    async def set_timer(self, client: Any, symbol: str, wait_ms: int, now_ms: int) -> None:
        """There is none but for institutions."""
        raise AssertionError("a venue without a timer is not asked for one")

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Of all linear contracts, of the last week at most."""
        since = max(since_ms, client.milliseconds() - WEEK_MS)
        asked = {**LINEAR, "startTime": since, "limit": PAGE}
        return [
            (str(row.get("orderLinkId") or ""), client.parse_trade(row, client.safe_market(row["symbol"])))
            for page in await pages(client.privateGetV5ExecutionList, asked)
            for row in page["result"]["list"]
            if row["execType"] in TRADED
        ]

    def order_names(self, client: Any, symbol: str, client_id: str) -> tuple[str, ...]:
        """Orders and trades carry the id."""
        return ()

    async def marks(self, client: Any) -> list[Priced]:
        """Of all linear contracts."""
        return [
            Priced(
                symbol=str(row["symbol"]), mark=number(row.get("markPrice")), index=number(row.get("indexPrice")),
                funding_rate=number(row.get("fundingRate")), open_interest=number(row.get("openInterest")),
            )
            for row in (await client.publicGetV5MarketTickers(dict(LINEAR)))["result"]["list"]
        ]  # fmt: skip


def _named(client_id: str) -> dict[str, str]:
    return {"orderLinkId" if is_ours(client_id) else "orderId": client_id}


async def pages(ask: Any, asked: Mapping[str, Any]) -> list[Any]:
    """Every answer of a list that comes in pages of `limit` rows; ValueError where it does not end."""
    found: list[Any] = []
    cursor = ""
    for _ in range(PAGES):
        page = await ask({**asked, **({"cursor": cursor} if cursor else {})})
        found.append(page)
        cursor = str(page["result"].get("nextPageCursor") or "")
        if not cursor or len(page["result"]["list"]) < asked["limit"]:
            return found
    raise ValueError("the list does not end")


def whole(answers: Sequence[Any]) -> dict[str, Any]:
    """Answers of one list as one."""
    rows = [row for one in answers for row in one["result"]["list"]]
    return {**answers[0], "result": {"category": "linear", "list": rows, "nextPageCursor": ""}}


def refuse_unguarded(info: Mapping[str, Any], linear: Sequence[Any], others: Sequence[Any]) -> None:
    """Raise VenueUnavailable for an account that cannot be guarded whole."""
    status = str(info["result"]["unifiedMarginStatus"])
    if status not in UNIFIED:
        raise VenueUnavailable("bybit: a classic account is not guarded: upgrade it to a unified one")
    if any(held(row) and str(row.get("positionIdx", "0")) != "0" for one in linear for row in one["result"]["list"]):
        raise VenueUnavailable("bybit: the account is in hedge mode (two positions a contract): switch to one-way mode")
    strange = [str(row["symbol"]) for one in others for row in one["result"]["list"] if held(row)]
    if strange:
        raise VenueUnavailable(
            f"bybit: {strange[0]} is an inverse contract or an option, which is not guarded: its margin is in the same account"
        )


def held(row: Mapping[str, Any]) -> bool:
    """Whether a row is an open position."""
    return float(row["size"] or 0.0) != 0.0


def told_order(told: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """An order in the client's words, with what they leave out: that the rest of it is gone, or why it was refused."""
    reason, filled = str(row.get("rejectReason") or ""), float(row.get("cumExecQty") or 0.0)
    if not filled and (row["orderStatus"] == "Rejected" or reason == POST_ONLY):
        return {**told, "status": "rejected", "why": "post-only would take" if reason == POST_ONLY else reason}
    return {**told, "status": "canceled"} if row["orderStatus"] in GONE else dict(told)
