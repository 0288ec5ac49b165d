"""What differs between venues behind one client: the form of an order's id, what tells an account, how trades name orders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from perpbook.engine.ports import Capabilities
from perpbook.model.order import OrderRequest, TimeInForce
from perpbook.venues.buckets import Weights

WEEK_MS = 7 * 86_400_000 - 60_000
NEAR = 1e-12
MINE = frozenset("0123456789abcdef")


def is_ours(client_id: str) -> bool:
    """Whether an id is one of `client_id_of`, and not a venue's own."""
    return len(client_id) == 32 and set(client_id) <= MINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A contract's prices by its native name; funding per interval, as `MarkSeen`."""

    symbol: str
    mark: float | None
    oracle: float | None = None
    index: float | None = None
    funding_rate: float | None = None
    open_interest: float | None = None


class Dialect(Protocol):
    """One venue's ways."""

    @property
    def name(self) -> str:
        """The venue."""
        ...

    @property
    def format(self) -> str:
        """What its answers are imported as."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    @property
    def weights(self) -> Weights:
        """Its rate limit."""
        ...

    @property
    def in_contracts(self) -> bool:
        """Whether it counts sizes in contracts and not in base units; the client's market says of what size."""
        ...

    def native(self, market: Mapping[str, Any]) -> str:
        """The venue's own name of a market as the client lists it."""
        ...

    def price(self, market: Mapping[str, Any], quantity: float, limit: float) -> float:
        """A limit price in the venue's steps that gives no more away: a buyer's down, a seller's up."""
        ...

    async def read(self, client: Any, address: str) -> list[Any]:
        """The venue's own answers that tell an account whole."""
        ...

    def params(self, request: OrderRequest, isolated: bool) -> dict[str, Any]:
        """What goes beside symbol, side, size and price. isolated : its position has margin of its own."""
        ...

    async def find(self, client: Any, symbol: str, client_id: str) -> Mapping[str, Any]:
        """An order by its id, as the client tells it; raises the client's OrderNotFound."""
        ...

    async def cancel(self, client: Any, symbol: str, client_id: str) -> None:
        """Take an order back by its id."""
        ...

    async def set_timer(self, client: Any, symbol: str, wait_ms: int, now_ms: int) -> None:
        """Set the venue's timer that cancels orders; 0 takes it off. symbol : "" for all."""
        ...

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Trades from a time on: the id of the order, or else the venue's name of it, and the trade as the client tells it."""
        ...

    def order_names(self, client: Any, symbol: str, client_id: str) -> tuple[str, ...]:
        """How the venue may name the order of an id, where its answers do not carry the id."""
        ...

    async def marks(self, client: Any) -> list[Priced]:
        """What every contract is worth now."""
        ...


HYPERLIQUID = Capabilities(
        places_orders=True, streams_books=True, streams_account=True, dead_man=True, self_expiring=False,
        finds_by_client_id=True, client_id_letters=34,
)  # fmt: skip
DYDX = Capabilities(
        places_orders=True, streams_books=True, streams_account=True, dead_man=False, self_expiring=True,
        finds_by_client_id=True, client_id_letters=8, rests_reduce_only=False,
)  # fmt: skip
BINANCE = Capabilities(
        places_orders=True, streams_books=True, streams_account=True, dead_man=True, self_expiring=False,
        finds_by_client_id=True, client_id_letters=36, dead_man_by_symbol=True,
)  # fmt: skip


HYPERLIQUID_WEIGHTS = Weights(
    size=1200, rate=20, account=2, book=2, order=2, orders=20, trades=20, marks=20, funding=45, rates=45
)  # 1,200 a minute and address: "Rate limits and user limits" of its documentation
DYDX_WEIGHTS = Weights(size=100, rate=10, account=2)  # 100 indexer requests in 10 seconds
BINANCE_WEIGHTS = Weights(
    size=2400, rate=40, account=10, book=5, orders=40, trades=10, marks=10, funding=30, rates=5
)  # 2,400 a minute; weights of its USD-M documentation


@dataclass(frozen=True, slots=True)
class Hyperliquid:
    """Orders carry a 128-bit id; trades carry it, too."""

    name: str = "hyperliquid"
    format: str = "hyperliquid"
    capabilities: Capabilities = HYPERLIQUID
    weights: Weights = HYPERLIQUID_WEIGHTS
    in_contracts: bool = False

    def native(self, market: Mapping[str, Any]) -> str:
        """The coin's name."""
        return str(market["info"].get("name", "")) if market.get("swap") else ""

    def price(self, market: Mapping[str, Any], quantity: float, limit: float) -> float:
        """Five significant figures, and no more decimals than six less those of a size; whole numbers always."""
        decimals = min(6 - int(market["info"]["szDecimals"]), max(0, 4 - math.floor(math.log10(limit) + 1e-12)))
        whole = limit * 10**decimals
        steps = math.floor(whole * (1.0 + NEAR)) if quantity > 0.0 else math.ceil(whole * (1.0 - NEAR))
        return float(round(steps / 10**decimals, decimals))

    async def read(self, client: Any, address: str) -> list[Any]:
        """The perpetual account's state."""
        return [await client.publicPostInfo({"type": "clearinghouseState", "user": address})]

    def params(self, request: OrderRequest, isolated: bool) -> dict[str, Any]:
        """A cloid, and how long it lives."""
        lives = {TimeInForce.IOC: "Ioc", TimeInForce.GTC: "Gtc", TimeInForce.POST: "Alo"}[request.time_in_force]
        return {"clientOrderId": f"0x{request.client_id}", "timeInForce": lives, "reduceOnly": request.reduce_only}

    async def find(self, client: Any, symbol: str, client_id: str) -> Mapping[str, Any]:
        """By cloid."""
        named = {"clientOrderId": f"0x{client_id}"} if is_ours(client_id) else {}
        found: Mapping[str, Any] = await client.fetch_order("" if named else client_id, symbol, named)
        return found

    async def cancel(self, client: Any, symbol: str, client_id: str) -> None:
        """By cloid."""
        if is_ours(client_id):
            await client.cancel_order("", symbol, {"clientOrderId": f"0x{client_id}"})
        else:
            await client.cancel_order(client_id, symbol)

    async def set_timer(self, client: Any, symbol: str, wait_ms: int, now_ms: int) -> None:
        """Signed here: the client's own has no way to take it off, which is an action without a time."""
        action: dict[str, Any] = {"type": "scheduleCancel"} | ({"time": now_ms + wait_ms} if wait_ms else {})
        given: dict[str, Any] = {"action": action, "nonce": client.incrementing_nonce()}
        await client.privatePostExchange({**given, "signature": client.sign_l1_action(action, given["nonce"], None)})

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Of all contracts at once."""
        found = await client.fetch_my_trades(None, since_ms)
        return [(str(one["info"].get("cloid") or ""), one) for one in found]

    def order_names(self, client: Any, symbol: str, client_id: str) -> tuple[str, ...]:
        """Every answer carries the cloid."""
        return ()

    async def marks(self, client: Any) -> list[Priced]:
        """Of all perpetuals."""
        listed, told = await client.publicPostInfo({"type": "metaAndAssetCtxs"})
        return [
            Priced(
                symbol=str(one["name"]), mark=number(row.get("markPx")), oracle=number(row.get("oraclePx")),
                funding_rate=number(row.get("funding")), open_interest=number(row.get("openInterest")),
            )
            for one, row in zip(listed["universe"], told, strict=True)
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dydx:
    """Short-term orders: a 32-bit id, gone by themselves after some blocks, without a sequence to keep."""

    subaccount: int = 0
    name: str = "dydx"
    format: str = "dydx"
    capabilities: Capabilities = DYDX
    weights: Weights = DYDX_WEIGHTS
    in_contracts: bool = False

    def native(self, market: Mapping[str, Any]) -> str:
        """The ticker."""
        return str(market["info"].get("ticker", ""))

    def price(self, market: Mapping[str, Any], quantity: float, limit: float) -> float:
        """The terms know its ticks, so it is in them."""
        return limit

    async def read(self, client: Any, address: str) -> list[Any]:
        """The subaccount, and the markets whose oracle prices it is margined on."""
        asked = {"address": address, "subaccountNumber": self.subaccount}
        account = await client.indexerGetAddressesAddressSubaccountNumberSubaccountNumber(asked)
        return [account, await client.indexerGetPerpetualMarkets()]

    def params(self, request: OrderRequest, isolated: bool) -> dict[str, Any]:
        """A number, and how long it lives."""
        named = {"clientOrderId": number_of(request.client_id), "reduceOnly": request.reduce_only}
        named["subAccountId"] = self.subaccount
        if request.time_in_force is TimeInForce.IOC:
            return {**named, "timeInForce": "IOC"}
        return {**named, "timeInForce": "GTT", "postOnly": request.time_in_force is TimeInForce.POST}

    async def find(self, client: Any, symbol: str, client_id: str) -> Mapping[str, Any]:
        """By the name made of its number: first as an order that is gone with its block, then as one that rests."""
        from ccxt.base.errors import ExchangeError

        for flags in (0, 64):
            try:
                found: Mapping[str, Any] = await client.fetch_order(self._name(client, symbol, client_id, flags))
                return found
            except ExchangeError as error:
                if flags == 64 or not is_absent(error):
                    raise
        raise AssertionError("one of the two is the last")

    async def cancel(self, client: Any, symbol: str, client_id: str) -> None:
        """By its number, as the order that it turns out to be."""
        told = (await self.find(client, symbol, client_id))["info"]
        flags = {"orderFlags": int(told["orderFlags"]), "subAccountId": self.subaccount}
        await client.cancel_order(str(told["clientId"]), symbol, flags)

    async def set_timer(self, client: Any, symbol: str, wait_ms: int, now_ms: int) -> None:
        """There is none; short-term orders end by themselves."""
        raise AssertionError("a venue without a timer is not asked for one")

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """From the indexer, which names orders by their long name."""
        asked = {"address": client.walletAddress, "subaccountNumber": self.subaccount, "limit": 100}
        rows = (await client.indexerGetFills(asked))["fills"]
        found: list[tuple[str, Mapping[str, Any]]] = [
            (str(row.get("orderId") or ""), told_fill(client, row)) for row in rows
        ]
        since = [one for one in found if one[1]["timestamp"] >= since_ms]
        if len(since) == 100:
            raise ValueError("there may be more trades than one answer holds")
        return since

    def order_names(self, client: Any, symbol: str, client_id: str) -> tuple[str, ...]:
        """The long names of an order that lives by blocks, and of one that rests; and its number, by which streams call it."""
        names = (self._name(client, symbol, client_id, flags) for flags in (0, 64))
        return (*names, str(number_of(client_id))) if is_ours(client_id) else tuple(names)

    async def marks(self, client: Any) -> list[Priced]:
        """Oracle prices, which dYdX margins on. Funding is the next hour's."""
        told = (await client.indexerGetPerpetualMarkets())["markets"]
        return [
            Priced(
                symbol=name, mark=number(row.get("oraclePrice")), oracle=number(row.get("oraclePrice")),
                funding_rate=number(row.get("nextFundingRate")), open_interest=number(row.get("openInterest")),
            )
            for name, row in told.items()
        ]  # fmt: skip

    def _name(self, client: Any, symbol: str, client_id: str, flags: int) -> str:
        if not is_ours(client_id):
            return client_id
        pair = int(client.market(symbol)["info"]["clobPairId"])
        made: str = client.create_order_id_from_parts(
            client.walletAddress, self.subaccount, number_of(client_id), flags, pair
        )
        return made


def number_of(client_id: str) -> int:
    """The first 32 bits of an id, which is all that dYdX keeps of it."""
    return int(client_id[:8], 16)


def number(text: Any) -> float | None:
    """A venue's number, None where it gives none; what is none raises ValueError."""
    return None if text is None or text == "" else float(text)


def told_fill(client: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """An indexer's fill in the client's words."""
    from datetime import datetime

    at = datetime.fromisoformat(str(row["createdAt"]).replace("Z", "+00:00"))
    return {
        "id": str(row["id"]), "symbol": client.safe_symbol(row["market"]), "side": str(row["side"]).lower(),
        "amount": float(row["size"]), "price": float(row["price"]), "fee": {"cost": float(row.get("fee") or 0.0)},
        "timestamp": int(at.timestamp() * 1000),
    }  # fmt: skip


def is_absent(error: Exception) -> bool:
    """Whether a venue says that it has never heard of an order."""
    return type(error).__name__ == "OrderNotFound"


@dataclass(frozen=True, slots=True)
class Binance:
    """Orders carry up to 36 letters; trades name orders by the venue's number."""

    name: str = "binance"
    format: str = "binance"
    capabilities: Capabilities = BINANCE
    weights: Weights = BINANCE_WEIGHTS
    in_contracts: bool = False

    def native(self, market: Mapping[str, Any]) -> str:
        """The symbol."""
        return str(market["id"]) if market.get("swap") else ""

    def price(self, market: Mapping[str, Any], quantity: float, limit: float) -> float:
        """The terms know its ticks, so it is in them."""
        return limit

    async def read(self, client: Any, address: str) -> list[Any]:
        """Wallets, and positions with their prices."""
        return [await client.fapiPrivateV2GetAccount(), await client.fapiPrivateV2GetPositionRisk()]

    def params(self, request: OrderRequest, isolated: bool) -> dict[str, Any]:
        """An id, and how long it lives."""
        lives = {TimeInForce.IOC: "IOC", TimeInForce.GTC: "GTC", TimeInForce.POST: "GTX"}[request.time_in_force]
        return {"newClientOrderId": request.client_id, "timeInForce": lives, "reduceOnly": request.reduce_only}

    async def find(self, client: Any, symbol: str, client_id: str) -> Mapping[str, Any]:
        """By the id."""
        named = {"origClientOrderId": client_id} if is_ours(client_id) else {}
        found: Mapping[str, Any] = await client.fetch_order("" if named else client_id, symbol, named)
        return found

    async def cancel(self, client: Any, symbol: str, client_id: str) -> None:
        """By the id."""
        if is_ours(client_id):
            await client.cancel_order("", symbol, {"origClientOrderId": client_id})
        else:
            await client.cancel_order(client_id, symbol)

    async def set_timer(self, client: Any, symbol: str, wait_ms: int, now_ms: int) -> None:
        """Of one contract."""
        await client.fapiPrivatePostCountdownCancelAll(
            {"symbol": client.market(symbol)["id"], "countdownTime": wait_ms}
        )

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Contract by contract, of the last week at most; ids are of the orders that the trades name."""
        found: list[tuple[str, Mapping[str, Any]]] = []
        since = max(since_ms, client.milliseconds() - WEEK_MS)
        for symbol in symbols:
            trades = await client.fetch_my_trades(symbol, since)
            if trades:
                first = min(int(one["order"]) for one in trades)
                asked = {"symbol": client.market(symbol)["id"], "orderId": first, "limit": 1000}
                names = {
                    str(one["orderId"]): str(one["clientOrderId"])
                    for one in await client.fapiPrivateGetAllOrders(asked)
                }
                found += [(names.get(str(one["order"]), ""), one) for one in trades]
        return found

    def order_names(self, client: Any, symbol: str, client_id: str) -> tuple[str, ...]:
        """Orders carry the id."""
        return ()

    async def marks(self, client: Any) -> list[Priced]:
        """Of all contracts."""
        return [
            Priced(
                symbol=str(row["symbol"]), mark=number(row.get("markPrice")), index=number(row.get("indexPrice")),
                funding_rate=number(row.get("lastFundingRate")),
            )
            for row in await client.fapiPublicGetPremiumIndex()
        ]  # fmt: skip
