"""OKX v5 behind its client: linear swaps of an account in net mode. Sizes there are contracts of `ctVal` base units each.

Sources: okx.com/docs-v5, read 2026-11-27. Every order says whether its position's margin is crossed or isolated. Its timer
(`cancel-all-after`) is the whole account's, of 10 to 120 seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perpbook.engine.ports import Capabilities
from perpbook.errors import VenueUnavailable
from perpbook.model.order import OrderRequest, TimeInForce
from perpbook.venues.buckets import Weights
from perpbook.venues.dialect import Priced, is_ours, number

PAGE, PAGES = 100, 50
"""Rows of an answer, and answers in a row that are asked for at most."""

RECENT_MS = 3 * 86_400_000 - 60_000
"""How far back the trades reach that are told at once."""

FUTURES_MODE, MULTI_CURRENCY = "2", "3"
"""`acctLv` of accounts whose coins are a pool each, and whose coins are one."""

DUST = 1.0
"""Dollars: a coin of less that no position is margined in is left out where each is a pool of its own."""

POST_ONLY = "31"
"""`cancelSource` of a post-only order that would have traded: NautilusTrader's adapter, `OKX_POST_ONLY_CANCEL_SOURCE`."""

OKX = Capabilities(
        places_orders=True, streams_books=True, streams_account=False, dead_man=True, self_expiring=False,
        finds_by_client_id=True, client_id_letters=32,
)  # fmt: skip
OKX_WEIGHTS = Weights(
    size=20, rate=5, account=2, marks=2, funding=2
)  # 5 account configurations in two seconds are the least


@dataclass(frozen=True, slots=True)
class Okx:
    """Orders and trades carry our id."""

    name: str = "okx"
    format: str = "okx"
    capabilities: Capabilities = OKX
    weights: Weights = OKX_WEIGHTS
    in_contracts: bool = True

    def native(self, market: Mapping[str, Any]) -> str:
        """The instrument, of linear swaps whose contracts are of base units."""
        info = market["info"]
        is_linear = market.get("swap") and market.get("linear") and info.get("ctValCcy") == market.get("base")
        return str(market["id"]) if is_linear and info.get("ctMult") in ("", "1", None) else ""

    def price(self, market: Mapping[str, Any], quantity: float, limit: float) -> float:
        """The terms know its ticks, so it is in them."""
        return limit

    async def read(self, client: Any, address: str) -> list[Any]:
        """Balance and positions of every kind. What is not guarded here is refused."""
        config = (await client.privateGetAccountConfig())["data"][0]
        balance, positions = await client.privateGetAccountBalance(), await client.privateGetAccountPositions()
        if str(config["acctLv"]) == FUTURES_MODE:
            balance = without_dust(balance, positions)
        refuse_unguarded(config, balance, positions)
        return [balance, positions]

    def params(self, request: OrderRequest, isolated: bool) -> dict[str, Any]:
        """An id, the position's margin mode, and how long it lives."""
        named: dict[str, Any] = {"clOrdId": request.client_id, "tdMode": "isolated" if isolated else "cross"}
        named["reduceOnly"] = request.reduce_only
        if request.time_in_force is TimeInForce.IOC:
            return {**named, "timeInForce": "IOC"}
        return {**named, "postOnly": request.time_in_force is TimeInForce.POST}

    async def find(self, client: Any, symbol: str, client_id: str) -> Mapping[str, Any]:
        """By the id."""
        market = client.market(symbol)
        row = (await client.privateGetTradeOrder({"instId": market["id"], **_named(client_id)}))["data"][0]
        return told_order(client.parse_order(row, market), row)

    async def cancel(self, client: Any, symbol: str, client_id: str) -> None:
        """By the id."""
        await client.privatePostTradeCancelOrder({"instId": client.market(symbol)["id"], **_named(client_id)})

    async def set_timer(self, client: Any, symbol: str, wait_ms: int, now_ms: int) -> None:
        """Of the whole account, in whole seconds."""
        await client.privatePostTradeCancelAllAfter({"timeOut": str(-(-wait_ms // 1000))})

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Of all swaps: of the last three days as they are, of three months after a while."""
        is_recent = since_ms >= client.milliseconds() - RECENT_MS
        ask = client.privateGetTradeFills if is_recent else client.privateGetTradeFillsHistory
        asked = {"instType": "SWAP", "begin": str(since_ms), "limit": str(PAGE)}
        return [
            (str(row.get("clOrdId") or ""), client.parse_trade(row, client.safe_market(row["instId"])))
            for row in await rows(ask, asked, "billId")
        ]

    def order_names(self, client: Any, symbol: str, client_id: str) -> tuple[str, ...]:
        """Orders and trades carry the id."""
        return ()

    async def marks(self, client: Any) -> list[Priced]:
        """Of all swaps; an index has the name of a pair, a contract that and more."""
        swaps, every = {"instType": "SWAP"}, {"instId": "ANY"}
        told = await asyncio.gather(
            client.publicGetPublicMarkPrice(swaps),
            client.publicGetPublicFundingRate(every),
            client.publicGetPublicOpenInterest(swaps),
            *(client.publicGetMarketIndexTickers({"quoteCcy": coin}) for coin in ("USDT", "USDC")),
        )
        marks, rates, interest, *indices = ({row["instId"]: row for row in one["data"]} for one in told)
        pairs = {name: row for one in indices for name, row in one.items()}
        return [
            Priced(
                symbol=name, mark=number(row.get("markPx")),
                index=number(pairs.get(name.removesuffix("-SWAP"), {}).get("idxPx")),
                funding_rate=number(rates.get(name, {}).get("fundingRate")),
                open_interest=number(interest.get(name, {}).get("oiCcy")),
            )
            for name, row in marks.items()
        ]  # fmt: skip


def _named(client_id: str) -> dict[str, str]:
    return {"clOrdId" if is_ours(client_id) else "ordId": client_id}


async def rows(ask: Any, asked: Mapping[str, Any], key: str) -> list[Any]:
    """Every row of a list that comes in pages, each asked for after the last row's key; ValueError where it does not end."""
    found: list[Any] = []
    for _ in range(PAGES):
        page = (await ask({**asked, **({"after": found[-1][key]} if found else {})}))["data"]
        found += page
        if len(page) < PAGE:
            return found
    raise ValueError("the list does not end")


def refuse_unguarded(config: Mapping[str, Any], balance: Mapping[str, Any], positions: Mapping[str, Any]) -> None:
    """Raise VenueUnavailable for an account that cannot be guarded whole."""
    if config["posMode"] != "net_mode":
        raise VenueUnavailable("okx: the account is in long/short mode (two positions a contract): switch to net mode")
    if str(config["acctLv"]) not in (FUTURES_MODE, MULTI_CURRENCY):
        raise VenueUnavailable("okx: only accounts in futures mode or multi-currency margin are guarded")
    held = [str(row["instId"]) for row in positions["data"] if float(row["pos"] or 0.0)]
    strange = [name for name in held if not name.endswith(("-USDT-SWAP", "-USDC-SWAP"))]
    if strange:
        raise VenueUnavailable(f"okx: {strange[0]} is no linear swap, and nothing else is guarded: close it first")
    coins = [row["ccy"] for row in balance["data"][0]["details"] if float(row.get("cashBal") or 0.0)]
    if str(config["acctLv"]) == FUTURES_MODE and len(coins) > 1:
        raise VenueUnavailable(
            f"okx: in futures mode each of {', '.join(coins)} is a pool of its own: keep the settle coin alone in the trading "
            "account, or switch to multi-currency margin"
        )


def without_dust(balance: Mapping[str, Any], positions: Mapping[str, Any]) -> dict[str, Any]:
    """A balance without coins that are next to nothing and back nothing."""
    used = {row.get("ccy") for row in positions["data"] if float(row["pos"] or 0.0)}
    first = balance["data"][0]
    kept = [row for row in first["details"] if row["ccy"] in used or float(row.get("eqUsd") or DUST) >= DUST]
    return {**balance, "data": [{**first, "details": kept or first["details"]}]}


def told_order(told: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """An order in the client's words, and a refusal as one: OKX takes post-only orders that would trade, and cancels them."""
    if row["state"] == "canceled" and str(row.get("cancelSource") or "") == POST_ONLY:
        return {**told, "status": "rejected", "why": "post-only would take"}
    return dict(told)
