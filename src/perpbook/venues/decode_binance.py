"""Binance USD-M: `depthUpdate` (parts of a book, and changes), `bookTicker`, `markPriceUpdate`, `ACCOUNT_UPDATE`,
`ORDER_TRADE_UPDATE`.

Sources: developers.binance.com, "USDⓈ-M Futures / Websocket". Changes of a book follow a snapshot asked for over HTTP: those that
end before it are dropped, the first that is applied holds it in U..u, and each later one's `pu` is the `u` before it; else the
book begins anew. `ACCOUNT_UPDATE` holds only what changed, so an account must be seeded whole first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, MarkSeen, Message, book_seen
from perpbook.venues.decode_binance_shapes import (
    DepthUpdate,
    Envelope,
    Head,
    MarkPrice,
    Snapshot,
    Ticker,
)
from perpbook.venues.decode_binance_user import AccountUpdate, OrderUpdate, Wallets, order_told
from perpbook.venues.decode_json import BROKEN
from perpbook.venues.decode_ladder import Ladder
from perpbook.venues.decode_parts import (
    KNOWN,
    Kind,
    Reason,
    Scope,
    Sorted,
    Unfit,
    above_nothing,
    if_given,
    sound_depth,
    time_ns,
)

VENUE = "binance"
WAITING = 1_000
"""Changes that may wait for a snapshot."""

STREAMED = re.compile(rb'\{"stream":"([^"\\]+)","data":\{"e":"(\w+)"')
PLAIN = re.compile(rb'\{"e":"(\w+)"')
PARTIAL = re.compile(r"@depth(5|10|20)\b")
LEVELS = b'\x07["\x02","\x03"]\x08'
PART = b',"E":\x01,"T":\x05,"s":"%s","U":\x05,"u":\x06,"pu":\x05,"b":[' + LEVELS + b'],"a":[\x04' + LEVELS + b"]}}"
EVENTS = {"ACCOUNT_UPDATE": "account", "ORDER_TRADE_UPDATE": "orders"}


SHAPES = {
    "depthUpdate": DepthUpdate, "bookTicker": Ticker, "markPriceUpdate": MarkPrice, "ACCOUNT_UPDATE": AccountUpdate,
    "ORDER_TRADE_UPDATE": OrderUpdate,
}  # fmt: skip


@dataclass(slots=True)
class Chain:
    """A book made of a snapshot and changes. `last` : the `u` of the newest applied, -1 before a snapshot."""

    ladder: Ladder = field(default_factory=Ladder)
    last: int = -1
    joined: bool = False
    waiting: list[DepthUpdate] = field(default_factory=list)


class Binance:
    """The decoder; a user stream is one account's."""

    venue = VENUE

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._plain = {name: msgspec.json.Decoder(of, strict=of is not DepthUpdate) for name, of in SHAPES.items()}
        self._streamed = {
            name: msgspec.json.Decoder(
                msgspec.defstruct("Streamed", [("data", of)], gc=False), strict=of is not DepthUpdate
            )
            for name, of in SHAPES.items()
        }
        self._envelope = msgspec.json.Decoder(Envelope)
        self._snapshot = msgspec.json.Decoder(Snapshot, strict=False)
        self._sorted: dict[bytes, Sorted] = {}
        self._chains: dict[str, Chain] = {}
        self._wallets: dict[str, Wallets] = {}

    def forget(self, stream: str = "") -> None:
        """Books and accounts begin anew, or one of them."""
        if not stream:
            self._chains.clear()
            self._wallets.clear()
        self._chains.pop(stream.removeprefix("book:"), None)
        if stream == "account":
            self._wallets.clear()

    def seed(self, seen: Sequence[AccountSeen]) -> None:
        """The buckets of one account as they stand, asked for over HTTP: changes are applied to them."""
        if seen:
            wallets = Wallets(seen)
            self._wallets[wallets.pool] = wallets

    def snapshot(self, symbol: str, raw: bytes) -> None:
        """A whole book, asked for over HTTP; changes that came before it are brought up to it."""
        stream = (VENUE, f"book:{symbol}")
        try:
            found = self._snapshot.decode(raw)
        except BROKEN:
            raise Unfit(*stream, Reason.MALFORMED) from None
        chain = self._chains.setdefault(symbol, Chain())
        chain.ladder.clear()
        chain.last, chain.joined, waiting = found.lastUpdateId, False, chain.waiting
        chain.waiting = []
        _put(chain.ladder, found.bids, found.asks, found.lastUpdateId, stream)
        for change in waiting:
            _apply(chain, change, stream)

    def sort(self, raw: bytes) -> Sorted:
        """By the first letters, as the venue writes them; else by decoding the envelope."""
        found = STREAMED.match(raw)
        if found is None:
            return self._slowly(raw)
        known = self._sorted.get(found[0])
        if known is None:
            stream = found[1].decode(errors="replace")
            known = self._named(found[2].decode(), stream.split("@", 1)[0].upper(), stream)
            if known.kind is not Kind.NOTHING and len(self._sorted) < KNOWN:
                self._sorted[found[0]] = known
        return known

    def form(self, what: Sorted) -> bytes:
        """As the venue writes part of a book in a combined stream; changes of a book are each applied."""
        whole = what.channel == "depthUpdate" and what.kind is Kind.WHOLE
        return PART % what.stream.removeprefix("book:").encode() if whole else b""

    def _slowly(self, raw: bytes) -> Sorted:
        try:
            found = self._envelope.decode(raw)
            head = msgspec.json.decode(found.data, type=Head) if found.data is not None else Head(found.e, found.s)
        except BROKEN:
            raise Unfit(VENUE, "", Reason.MALFORMED) from None
        if found.error is not None:
            raise Unfit(VENUE, "", Reason.REFUSED)
        return self._named(head.e, head.s, found.stream)

    def _named(self, event: str, symbol: str, stream: str) -> Sorted:
        if event == "listenKeyExpired":
            raise Unfit(VENUE, "account", Reason.REFUSED)
        if event in EVENTS:
            return Sorted(Kind.EVENT, EVENTS[event], event)
        if event not in SHAPES:
            return Sorted(Kind.NOTHING, "", "")
        if symbol not in self._scope.symbols:
            raise Unfit(VENUE, "", Reason.STRANGER)
        if event == "markPriceUpdate":
            return Sorted(Kind.WHOLE, f"mark:{symbol}", event)
        if event == "bookTicker":
            return Sorted(Kind.WHOLE, f"book:{symbol}", event)
        part = PARTIAL.search(stream) is not None
        return Sorted(Kind.WHOLE if part else Kind.CHANGE, f"book:{symbol}", event)

    def decode(self, what: Sorted, raw: bytes, received_ns: int, last: bool = True) -> Sequence[Message]:
        """What a message says."""
        stream = (VENUE, what.stream)
        try:
            plain = PLAIN.match(raw) is not None
            data = self._plain[what.channel].decode(raw) if plain else self._wrapped(what.channel, raw)
        except BROKEN:
            raise Unfit(*stream, Reason.MALFORMED) from None
        symbol = getattr(data, "s", None)
        if symbol is not None and what.stream[5:] != symbol:
            raise Unfit(*stream, Reason.MALFORMED)
        match data:
            case DepthUpdate():
                return self._depth(data, received_ns, stream, last, part=what.kind is Kind.WHOLE)
            case Ticker():
                bids = ((above_nothing(data.b, stream), above_nothing(data.B, stream)),)
                asks = ((above_nothing(data.a, stream), above_nothing(data.A, stream)),)
                return self._told(data.s, sound_depth(bids, asks, stream), (data.E, data.u), received_ns, stream)
            case MarkPrice():
                return (_mark(data, received_ns, stream),)
            case AccountUpdate():
                return self._wallet(stream).changed(data, received_ns, stream)
            case OrderUpdate():
                account = self._only(stream)
                if account in self._wallets:
                    self._wallets[account].order(data.o, stream)
                return order_told(data, account, received_ns, stream)
        raise Unfit(*stream, Reason.MALFORMED)

    def _wrapped(self, channel: str, raw: bytes) -> object:
        """The data of a combined stream's message, or the message itself where it only looks otherwise."""
        try:
            return self._streamed[channel].decode(raw).data  # type: ignore[attr-defined]
        except msgspec.ValidationError:
            if self._envelope.decode(raw).data is not None:
                raise
            return self._plain[channel].decode(raw)

    def _only(self, stream: tuple[str, str]) -> str:
        names = list(self._scope.accounts)
        if len(names) != 1:
            raise Unfit(*stream, Reason.STRANGER)
        return names[0]

    def _wallet(self, stream: tuple[str, str]) -> Wallets:
        wallets = self._wallets.get(self._only(stream))
        if wallets is None:
            raise Unfit(*stream, Reason.NO_SNAPSHOT)
        return wallets

    def _depth(
        self, data: DepthUpdate, received_ns: int, stream: tuple[str, str], last: bool, *, part: bool
    ) -> Sequence[Message]:
        most = self._scope.levels
        if part:
            depth = sound_depth(tuple(data.b[:most]), tuple(data.a[:most]), stream)
            return self._told(data.s, depth, (data.E, data.u), received_ns, stream)
        chain = self._chains.setdefault(data.s, Chain())
        if chain.last < 0:
            if len(chain.waiting) >= WAITING:
                raise Unfit(*stream, Reason.OVERFLOW)
            chain.waiting.append(data)
            return ()
        _apply(chain, data, stream)
        if not last or not chain.joined:
            return ()
        depth = sound_depth(chain.ladder.bids.best(most), chain.ladder.asks.best(most), stream)
        return self._told(data.s, depth, (data.E, data.u), received_ns, stream)

    def _told(
        self, symbol: str, depth: Depth, at: tuple[int, int], received_ns: int, stream: tuple[str, str]
    ) -> Sequence[Message]:
        """A book; `at` : milliseconds and the venue's number."""
        at_ns = time_ns(at[0], received_ns, stream)
        return (book_seen(VENUE, symbol, depth, at_ns, received_ns, at[1]),)


def _mark(data: MarkPrice, received_ns: int, stream: tuple[str, str]) -> MarkSeen:
    return MarkSeen(
        venue=VENUE, symbol=data.s, at_ns=time_ns(data.E, received_ns, stream), received_ns=received_ns,
        mark_price=above_nothing(data.p, stream), index_price=above_nothing(data.i, stream) if data.i else None,
        funding_rate=if_given(data.r, stream),
    )  # fmt: skip


def _apply(chain: Chain, data: DepthUpdate, stream: tuple[str, str]) -> None:
    """Apply a change, or refuse it where others before it are missing."""
    if data.u < data.U or (not chain.joined and chain.last + 1 < data.U) or (chain.joined and data.pu != chain.last):
        raise Unfit(*stream, Reason.GAP)
    if not chain.joined and data.u < chain.last:
        return
    _put(chain.ladder, data.b, data.a, data.u, stream)
    chain.last, chain.joined = data.u, True


def _put(
    ladder: Ladder,
    bids: list[tuple[float, float]],
    asks: list[tuple[float, float]],
    count: int,
    stream: tuple[str, str],
) -> None:
    for side, rows in ((ladder.bids, bids), (ladder.asks, asks)):
        for price, size in rows:
            side.put(price, size, count, stream)
