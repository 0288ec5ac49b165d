"""What differs between venues behind one client: the form of an order's id, what tells an account, how trades name orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from perpbook.engine.ports import Capabilities
from perpbook.model.order import OrderRequest, RejectReason, TimeInForce

MINE = frozenset("0123456789abcdef")


def is_ours(client_id: str) -> bool:
    """Whether an id is one of `client_id_of`, and not a venue's own."""
    return len(client_id) == 32 and set(client_id) <= MINE


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

    def native(self, market: Mapping[str, Any]) -> str:
        """The venue's own name of a market as the client lists it."""
        ...

    async def read(self, client: Any, address: str) -> list[Any]:
        """The venue's own answers that tell an account whole."""
        ...

    def params(self, request: OrderRequest) -> dict[str, Any]:
        """What goes beside symbol, side, size and price."""
        ...

    async def find(self, client: Any, symbol: str, client_id: str) -> Mapping[str, Any]:
        """An order by its id, as the client tells it; raises the client's OrderNotFound."""
        ...

    async def cancel(self, client: Any, symbol: str, client_id: str) -> None:
        """Take an order back by its id."""
        ...

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Trades from a time on: the order's name in this dialect, and the trade as the client tells it."""
        ...

    def order_name(self, client: Any, symbol: str, client_id: str) -> str:
        """How trades name the order of an id, "" where that is known only once it was found."""
        ...


WORDS = (
    ("builder fee", RejectReason.BUILDER),
    ("reduce", RejectReason.REDUCE_ONLY),
    ("margin", RejectReason.MARGIN),
    ("insufficient", RejectReason.MARGIN),
    ("post only", RejectReason.POST_ONLY),
    ("minimum value", RejectReason.SIZE),
    ("min notional", RejectReason.SIZE),
    ("lot size", RejectReason.SIZE),
    ("precision", RejectReason.SIZE),
    ("quantity", RejectReason.SIZE),
    ("price", RejectReason.PRICE),
    ("duplicate", RejectReason.DUPLICATE),
    ("placed before", RejectReason.DUPLICATE),
    ("already been processed", RejectReason.DUPLICATE),
    ("too many", RejectReason.RATE_LIMIT),
    ("signature", RejectReason.AUTH),
    ("api-key", RejectReason.AUTH),
    ("halted", RejectReason.CLOSED),
)
"""What a refusal's words are about, the first that is found."""


def reason_in(words: str) -> RejectReason:
    """A refusal in a closed set of reasons."""
    folded = words.lower()
    return next((reason for word, reason in WORDS if word in folded), RejectReason.OTHER)


HYPERLIQUID = Capabilities(
        places_orders=True, streams_books=True, streams_account=True, dead_man=True, self_expiring=False,
        finds_by_client_id=True, client_id_letters=34,
)  # fmt: skip
DYDX = Capabilities(
        places_orders=True, streams_books=True, streams_account=True, dead_man=False, self_expiring=True,
        finds_by_client_id=True, client_id_letters=8,
)  # fmt: skip
BINANCE = Capabilities(
        places_orders=True, streams_books=True, streams_account=True, dead_man=True, self_expiring=False,
        finds_by_client_id=True, client_id_letters=36,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hyperliquid:
    """Orders carry a 128-bit id; trades carry it, too."""

    name: str = "hyperliquid"
    format: str = "hyperliquid"
    capabilities: Capabilities = HYPERLIQUID

    def native(self, market: Mapping[str, Any]) -> str:
        """The coin's name."""
        return str(market["info"].get("name", "")) if market.get("swap") else ""

    async def read(self, client: Any, address: str) -> list[Any]:
        """The perpetual account's state."""
        return [await client.publicPostInfo({"type": "clearinghouseState", "user": address})]

    def params(self, request: OrderRequest) -> dict[str, Any]:
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

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Of all contracts at once."""
        found = await client.fetch_my_trades(None, since_ms)
        return [(str(one["info"].get("cloid") or ""), one) for one in found]

    def order_name(self, client: Any, symbol: str, client_id: str) -> str:
        """Its cloid."""
        return f"0x{client_id}"


@dataclass(frozen=True, slots=True)
class Dydx:
    """Short-term orders: a 32-bit id, gone by themselves after some blocks, without a sequence to keep."""

    subaccount: int = 0
    name: str = "dydx"
    format: str = "dydx"
    capabilities: Capabilities = DYDX

    def native(self, market: Mapping[str, Any]) -> str:
        """The ticker."""
        return str(market["info"].get("ticker", ""))

    async def read(self, client: Any, address: str) -> list[Any]:
        """The subaccount, and the markets whose oracle prices it is margined on."""
        asked = {"address": address, "subaccountNumber": self.subaccount}
        account = await client.indexerGetAddressesAddressSubaccountNumberSubaccountNumber(asked)
        return [account, await client.indexerGetPerpetualMarkets()]

    def params(self, request: OrderRequest) -> dict[str, Any]:
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
        """By its number."""
        number = str(number_of(client_id)) if is_ours(client_id) else client_id
        await client.cancel_order(number, symbol, {"subAccountId": self.subaccount})

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """From the indexer, which names orders by their long name."""
        asked = {"address": client.walletAddress, "subaccountNumber": self.subaccount, "limit": 100}
        rows = (await client.indexerGetFills(asked))["fills"]
        found = [(str(row.get("orderId") or ""), told_fill(client, row)) for row in rows]
        return [one for one in found if one[1]["timestamp"] >= since_ms]

    def order_name(self, client: Any, symbol: str, client_id: str) -> str:
        """The long name of a short-term order."""
        return self._name(client, symbol, client_id, 0)

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
    folded = str(error).lower()
    return type(error).__name__ == "OrderNotFound" or "not found" in folded or "404" in folded


@dataclass(frozen=True, slots=True)
class Binance:
    """Orders carry up to 36 letters; trades name orders by the venue's number."""

    name: str = "binance"
    format: str = "binance"
    capabilities: Capabilities = BINANCE

    def native(self, market: Mapping[str, Any]) -> str:
        """The symbol."""
        return str(market["id"]) if market.get("swap") else ""

    async def read(self, client: Any, address: str) -> list[Any]:
        """Wallets, and positions with their prices."""
        return [await client.fapiPrivateV2GetAccount(), await client.fapiPrivateV2GetPositionRisk()]

    def params(self, request: OrderRequest) -> dict[str, Any]:
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

    async def trades(self, client: Any, symbols: tuple[str, ...], since_ms: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Contract by contract."""
        found: list[tuple[str, Mapping[str, Any]]] = []
        for symbol in symbols:
            found += [(str(one.get("order") or ""), one) for one in await client.fetch_my_trades(symbol, since_ms)]
        return found

    def order_name(self, client: Any, symbol: str, client_id: str) -> str:
        """Known once it was found."""
        return ""


DIALECTS: dict[str, Dialect] = {"hyperliquid": Hyperliquid(), "dydx": Dydx(), "binance": Binance()}
