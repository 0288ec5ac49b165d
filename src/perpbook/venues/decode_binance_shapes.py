"""Shapes of Binance USD-M's market messages: only what is read. Numbers are decimal texts."""

from __future__ import annotations

from msgspec import Raw, Struct


class Head(Struct, gc=False):
    """What every event has."""

    e: str = ""
    s: str = ""


class Envelope(Struct, gc=False):
    """A combined stream, or an event by itself."""

    stream: str = ""
    data: Raw | None = None
    e: str = ""
    s: str = ""
    error: Raw | None = None


class DepthUpdate(Struct, gc=False):
    """`depthUpdate`: levels, and the numbers of its first and last change and of the last before."""

    E: int
    s: str
    U: int
    u: int
    pu: int
    b: list[tuple[float, float]]
    a: list[tuple[float, float]]


class Snapshot(Struct, gc=False):
    """A book asked for over HTTP."""

    lastUpdateId: int
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]


class Ticker(Struct, gc=False):
    """`bookTicker`."""

    u: int
    E: int
    s: str
    b: str
    B: str
    a: str
    A: str


class MarkPrice(Struct, gc=False):
    """`markPriceUpdate`."""

    E: int
    s: str
    p: str
    i: str = ""
    r: str = ""
