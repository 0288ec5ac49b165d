"""Shapes of Hyperliquid's messages: only what is read. Numbers are decimal texts."""

from __future__ import annotations

from msgspec import Raw, Struct


class Level(Struct, gc=False):
    """Decimal texts, made numbers by the decoder: that costs less than to keep them as texts."""

    px: float
    sz: float


class Book(Struct, gc=False):
    """`l2Book`: a whole book, bids first."""

    coin: str
    time: int
    levels: tuple[list[Level], list[Level]]


class NearBook(Struct, gc=False):
    """The same for who walks few of its levels: those beyond are told apart, and not made numbers."""

    coin: str
    time: int
    levels: tuple[list[Raw], list[Raw]]


class Best(Struct, gc=False):
    """`bbo`: both best levels, None for an empty side."""

    coin: str
    time: int
    bbo: tuple[Level | None, Level | None]


class Context(Struct, gc=False):
    """A contract as it stands."""

    markPx: str
    oraclePx: str
    funding: str
    openInterest: str


class CoinContext(Struct, gc=False):
    """`activeAssetCtx`."""

    coin: str
    ctx: Context


class Leverage(Struct, gc=False):
    """A position's margin: cross or isolated, with its own dollars."""

    type: str
    value: float
    rawUsd: str | None = None


class Held(Struct, gc=False):
    """A position; `szi` signed."""

    coin: str
    szi: str
    entryPx: str
    positionValue: str
    leverage: Leverage
    unrealizedPnl: str | None = None
    liquidationPx: str | None = None


class HeldRow(Struct, gc=False):
    """A position and its kind."""

    position: Held


class Summary(Struct, gc=False):
    """The cross pool's sums."""

    accountValue: str


class State(Struct, gc=False):
    """A clearinghouse as it stands."""

    time: int
    crossMarginSummary: Summary
    assetPositions: list[HeldRow]
    crossMaintenanceMarginUsed: str | None = None


class UserState(Struct, gc=False):
    """`clearinghouseState` and `webData2`."""

    clearinghouseState: State
    user: str


class Resting(Struct, gc=False):
    """An order; `sz` is what is left of it."""

    coin: str
    side: str
    limitPx: str
    sz: str
    oid: int
    origSz: str | None = None
    reduceOnly: bool = False
    cloid: str | None = None


class OpenOrders(Struct, gc=False):
    """`openOrders`: everything that rests."""

    user: str
    orders: list[Resting]


class OrderUpdate(Struct, gc=False):
    """One of `orderUpdates`."""

    order: Resting
    status: str
    statusTimestamp: int


class OneFill(Struct, gc=False):
    """A trade."""

    coin: str
    px: str
    sz: str
    side: str
    time: int
    fee: str
    tid: int
    oid: int
    cloid: str | None = None


class Fills(Struct, gc=False):
    """`userFills`, and `user` where its events are fills."""

    fills: list[OneFill]
    user: str | None = None


class Envelope(Struct, gc=False):
    """What every message has."""

    channel: str
    data: Raw = Raw()


class Coin(Struct, gc=False):
    """What data of one contract has."""

    coin: str
