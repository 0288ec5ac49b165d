"""Shapes of the dYdX indexer's messages: only what is read. Numbers are decimal texts."""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw, Struct


class Envelope(Struct, gc=False):
    """What every message has."""

    type: str
    message_id: int = 0
    channel: str = ""
    id: str = ""
    contents: Raw = Raw()


class PlainLevel(Struct, gc=False):
    """A level of a snapshot."""

    price: float
    size: float


class WholeBook(Struct, gc=False):
    """`v4_orderbook`, the snapshot."""

    bids: list[PlainLevel]
    asks: list[PlainLevel]


class Changes(Struct, gc=False):
    """`v4_orderbook`, a change: (price, size), size 0 takes a level away."""

    bids: list[tuple[float, float]] = []
    asks: list[tuple[float, float]] = []


class MarketRow(Struct, gc=False):
    """What is told of a market."""

    oraclePrice: str | None = None
    nextFundingRate: str | None = None
    openInterest: str | None = None


class Oracle(Struct, gc=False):
    """An oracle price."""

    oraclePrice: str
    effectiveAt: datetime | None = None


class Markets(Struct, gc=False):
    """`v4_markets`: all of them at first, then what changed."""

    markets: dict[str, MarketRow] = {}
    trading: dict[str, MarketRow] = {}
    oraclePrices: dict[str, Oracle] = {}


class PositionRow(Struct, gc=False):
    """A position."""

    market: str
    side: str
    size: str
    entryPrice: str = "0"
    status: str = "OPEN"
    unrealizedPnl: str | None = None


class AssetRow(Struct, gc=False):
    """Coins of a subaccount."""

    symbol: str
    side: str
    size: str


class OrderRow(Struct, gc=False):
    """An order."""

    id: str
    side: str
    size: str
    status: str
    clientId: str | None = None
    ticker: str | None = None
    clobPairId: str | None = None
    price: str | None = None
    totalFilled: str | None = None
    reduceOnly: bool = False
    updatedAt: datetime | None = None


class FillRow(Struct, gc=False):
    """A trade."""

    id: str
    side: str
    size: str
    price: str
    fee: str
    createdAt: datetime
    market: str | None = None
    ticker: str | None = None
    orderId: str | None = None


class Subaccount(Struct, gc=False):
    """A subaccount as it stands."""

    address: str
    subaccountNumber: int
    openPerpetualPositions: dict[str, PositionRow]
    assetPositions: dict[str, AssetRow]
    equity: str | None = None
    freeCollateral: str | None = None


class WholeAccount(Struct, gc=False):
    """`v4_subaccounts`, the snapshot."""

    subaccount: Subaccount
    orders: list[OrderRow] = []


class AccountChanges(Struct, gc=False):
    """`v4_subaccounts`, a change."""

    perpetualPositions: list[PositionRow] = []
    assetPositions: list[AssetRow] = []
    orders: list[OrderRow] = []
    fills: list[FillRow] = []
