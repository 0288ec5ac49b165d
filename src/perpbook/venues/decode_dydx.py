"""dYdX v4's indexer: `v4_orderbook`, `v4_markets`, `v4_subaccounts`, each a snapshot and then changes.

Sources: docs.dydx.xyz, "Indexer / Websockets". Messages of a connection are numbered without gaps; a gap means that something was
lost, and everything begins anew. Books and orders carry no time of the venue's: theirs is when they came. USDC of a subaccount is
what trades left, so collateral, which is before unrealised profit, is USDC + sum of quantity x entry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec import Raw

from perpbook.model.account import Account, Balance, MarginMode, Order, Position, Reported
from perpbook.model.message import AccountSeen, FillSeen, MarkSeen, Message, OrderSeen, book_seen
from perpbook.model.order import Fill, OrderState
from perpbook.venues.decode_dydx_shapes import (
    AccountChanges,
    Changes,
    Envelope,
    FillRow,
    MarketRow,
    Markets,
    OrderRow,
    PositionRow,
    WholeAccount,
    WholeBook,
)
from perpbook.venues.decode_json import BROKEN
from perpbook.venues.decode_ladder import Ladder
from perpbook.venues.decode_parts import (
    Kind,
    Reason,
    Scope,
    Sorted,
    Unfit,
    above_nothing,
    if_given,
    number,
    report_of,
    sound_depth,
    time_ns,
)

VENUE = "dydx"
PARENTS = 128
STREAMS = {
    "v4_orderbook": (Kind.CHANGE, "book"),
    "v4_markets": (Kind.EVENT, "mark"),
    "v4_subaccounts": (Kind.EVENT, "account"),
}
STATES = {
    "OPEN": OrderState.OPEN,
    "BEST_EFFORT_OPENED": OrderState.OPEN,
    "UNTRIGGERED": OrderState.OPEN,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "BEST_EFFORT_CANCELED": OrderState.OPEN,
}
"""An order that is canceled at best effort may still fill in the block that is being made."""


@dataclass(slots=True)
class Kept:
    """A subaccount as its snapshot and the changes since have it."""

    number: int
    positions: dict[str, Position] = field(default_factory=dict)
    coins: dict[str, float] = field(default_factory=dict)
    orders: dict[str, tuple[Order, str]] = field(default_factory=dict)
    reported: Reported = field(default_factory=Reported)


class Dydx:
    """The decoder. pairs : symbols by `clobPairId`, where orders name no ticker; own_ids : our ids by the venue's client id."""

    venue = VENUE

    def __init__(
        self, scope: Scope, own_ids: Mapping[str, str] | None = None, pairs: Mapping[str, str] | None = None
    ) -> None:
        self._scope = scope
        self._own_ids = own_ids if own_ids is not None else {}
        self._pairs = pairs if pairs is not None else {}
        self._envelope = msgspec.json.Decoder(Envelope)
        self._decoders = {
            shape: msgspec.json.Decoder(shape, strict=shape not in (WholeBook, Changes))
            for shape in (WholeBook, Changes, Markets, WholeAccount, AccountChanges)
        }
        self._ladders: dict[str, Ladder] = {}
        self._kept: dict[str, Kept] = {}
        self._clients: dict[str, tuple[str, str]] = {}
        self._number: int | None = None

    def form(self, what: Sorted) -> bytes:
        """Nothing: changes of a book are each applied."""
        return b""

    def forget(self, stream: str = "") -> None:
        """Books and accounts begin anew; without a stream, the connection's numbers too."""
        if not stream:
            self._number = None
            self._ladders.clear()
            self._kept.clear()
        self._ladders.pop(stream.removeprefix("book:"), None)
        self._kept.pop(stream.removeprefix("account:"), None)

    def sort(self, raw: bytes) -> Sorted:
        """By the envelope; every message's number is looked at."""
        try:
            found = self._envelope.decode(raw)
        except BROKEN:
            raise Unfit(VENUE, "", Reason.MALFORMED) from None
        before, self._number = self._number, found.message_id or self._number
        if before is not None and found.message_id > before + 1:
            raise Unfit(VENUE, "", Reason.GAP)
        if found.type == "error":
            raise Unfit(VENUE, "", Reason.REFUSED)
        if found.channel not in STREAMS or found.type not in ("subscribed", "channel_data", "channel_batch_data"):
            return Sorted(Kind.NOTHING, "", "")
        kind, name = STREAMS[found.channel]
        if found.type == "subscribed":
            kind = Kind.EVENT
        return Sorted(kind, f"{name}:{self._subject(found)}" if found.id else name, found.channel)

    def _subject(self, found: Envelope) -> str:
        if found.channel == "v4_orderbook":
            if found.id not in self._scope.symbols:
                raise Unfit(VENUE, "", Reason.STRANGER)
            return found.id
        account = self._scope.account_of(found.id)
        if found.channel == "v4_subaccounts" and account is None:
            raise Unfit(VENUE, "", Reason.STRANGER)
        return account or found.id

    def decode(self, what: Sorted, raw: bytes, received_ns: int, last: bool = True) -> Sequence[Message]:
        """What a message says; a batch is one change after the other."""
        stream = (VENUE, what.stream)
        told: list[Message] = []
        try:
            found = self._envelope.decode(raw)
            batch = found.type == "channel_batch_data"
            parts = msgspec.json.decode(found.contents, type=list[Raw]) if batch else [found.contents]
            for k, part in enumerate(parts):
                final = last and k == len(parts) - 1
                told += self._part(what.channel, found, part, received_ns, stream, final)
        except BROKEN:
            raise Unfit(*stream, Reason.MALFORMED) from None
        return told

    def _part(
        self, channel: str, found: Envelope, part: Raw, received_ns: int, stream: tuple[str, str], last: bool
    ) -> Sequence[Message]:
        whole = found.type == "subscribed"
        if channel == "v4_orderbook":
            return self._book(found, part, received_ns, stream, last)
        if channel == "v4_markets":
            return self._marks(self._decoders[Markets].decode(part), received_ns, stream)  # type: ignore[arg-type]
        name = stream[1].removeprefix("account:")
        if whole:
            self._open(name, self._decoders[WholeAccount].decode(part), received_ns, stream)  # type: ignore[arg-type]
            return (self._seen(name, received_ns),)
        if name not in self._kept:
            raise Unfit(*stream, Reason.NO_SNAPSHOT)
        return self._changed(name, self._decoders[AccountChanges].decode(part), received_ns, stream)  # type: ignore[arg-type]

    def _book(
        self, found: Envelope, part: Raw, received_ns: int, stream: tuple[str, str], last: bool
    ) -> Sequence[Message]:
        symbol = found.id
        if found.type == "subscribed":
            ladder = self._ladders[symbol] = Ladder()
            book = self._decoders[WholeBook].decode(part)
            sides = [[(row.price, row.size) for row in side] for side in (book.bids, book.asks)]  # type: ignore[attr-defined]
        else:
            if symbol not in self._ladders:
                raise Unfit(*stream, Reason.NO_SNAPSHOT)
            ladder, changes = self._ladders[symbol], self._decoders[Changes].decode(part)
            sides = [changes.bids, changes.asks]  # type: ignore[attr-defined]
        for side, rows in zip((ladder.bids, ladder.asks), sides, strict=True):
            for price, size in rows:
                side.put(price, size, found.message_id, stream)
        if not last:
            return ()
        depth = sound_depth(*ladder.uncrossed(self._scope.levels), stream)
        return (book_seen(VENUE, symbol, depth, received_ns, received_ns, found.message_id),)

    def _marks(self, data: Markets, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        """Of the contracts that are asked for; the channel is about all of them."""
        out = []
        for symbol, row in (*data.markets.items(), *data.trading.items()):
            if symbol in self._scope.symbols:
                price = above_nothing(row.oraclePrice, stream) if row.oraclePrice else None
                out.append(self._mark(symbol, received_ns, received_ns, price, row, stream))
        for symbol, one in data.oraclePrices.items():
            if symbol in self._scope.symbols:
                at_ns = nanoseconds(one.effectiveAt, received_ns, stream)
                out.append(
                    self._mark(symbol, at_ns, received_ns, above_nothing(one.oraclePrice, stream), MarketRow(), stream)
                )
        return out

    def _mark(
        self, symbol: str, at_ns: int, received_ns: int, price: float | None, row: MarketRow, stream: tuple[str, str]
    ) -> MarkSeen:
        return MarkSeen(
            venue=VENUE, symbol=symbol, at_ns=at_ns, received_ns=received_ns, oracle_price=price,
            funding_rate=if_given(row.nextFundingRate, stream), open_interest=if_given(row.openInterest, stream),
        )  # fmt: skip

    def _open(self, name: str, data: WholeAccount, received_ns: int, stream: tuple[str, str]) -> None:
        sub = data.subaccount
        kept = Kept(number=sub.subaccountNumber)
        kept.reported = Reported(
            equity=if_given(sub.equity, stream), free_collateral=if_given(sub.freeCollateral, stream)
        )
        for row in sub.openPerpetualPositions.values():
            _put_position(kept, row, stream)
        for coin in sub.assetPositions.values():
            kept.coins[coin.symbol] = signed(coin.side, coin.size, stream)
        self._kept[name] = kept
        for order in data.orders:
            self._order(name, order, received_ns, stream)

    def _changed(self, name: str, data: AccountChanges, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        kept = self._kept[name]
        kept.reported = Reported()
        out: list[Message] = [self._order(name, order, received_ns, stream) for order in data.orders]
        out += [self._fill(name, fill, received_ns, stream) for fill in data.fills]
        for row in data.perpetualPositions:
            _put_position(kept, row, stream)
        for coin in data.assetPositions:
            kept.coins[coin.symbol] = signed(coin.side, coin.size, stream)
        if data.perpetualPositions or data.assetPositions or data.orders:
            out.append(self._seen(name, received_ns))
        return out

    def _seen(self, name: str, received_ns: int) -> AccountSeen:
        kept = self._kept[name]
        positions = tuple(kept.positions.values())
        paid = math.fsum(one.quantity * one.entry_price for one in positions)
        coins = {**kept.coins, "USDC": kept.coins.get("USDC", 0.0) + paid}
        alone = kept.number >= PARENTS and len(positions) == 1
        account = Account(
            id=name, venue=VENUE, mode=MarginMode.ISOLATED if alone else MarginMode.CROSS,
            collateral=tuple(Balance(asset=coin, amount=amount) for coin, amount in coins.items()),
            positions=positions, orders=tuple(order for order, _ in kept.orders.values()), reported=kept.reported,
        )  # fmt: skip
        return AccountSeen(account=account, at_ns=received_ns, received_ns=received_ns)

    def _order(self, name: str, row: OrderRow, received_ns: int, stream: tuple[str, str]) -> OrderSeen:
        symbol = row.ticker or self._pairs.get(row.clobPairId or "", row.clobPairId or "")
        side, size = side_of(row.side, stream), above_nothing(row.size, stream)
        filled = number(row.totalFilled, stream) if row.totalFilled else 0.0
        state = STATES.get(row.status, OrderState.UNKNOWN)
        if state is OrderState.OPEN and row.price and size > filled:
            resting = Order(
                symbol=symbol, quantity=side * (size - filled), limit_price=above_nothing(row.price, stream),
                reduce_only=row.reduceOnly, id=row.id,
            )  # fmt: skip
            self._kept[name].orders[row.id] = (resting, symbol)
        elif state.is_final:
            self._kept[name].orders.pop(row.id, None)
        client = self._own_ids.get(row.clientId or "", row.clientId or row.id)
        self._clients[row.id] = (client, symbol)
        report = report_of(
            client_id=client, of=(name, VENUE, symbol), state=state, filled=side * filled,
            at_ns=nanoseconds(row.updatedAt, received_ns, stream),
        )  # fmt: skip
        return OrderSeen(report=report, received_ns=received_ns)

    def _fill(self, name: str, row: FillRow, received_ns: int, stream: tuple[str, str]) -> FillSeen:
        client, symbol = self._clients.get(row.orderId or "", (row.orderId or "", ""))
        fill = Fill(
            client_id=client, account=name, venue=VENUE, symbol=row.market or row.ticker or symbol, trade_id=row.id,
            quantity=side_of(row.side, stream) * above_nothing(row.size, stream),
            price=above_nothing(row.price, stream), fee=number(row.fee, stream),
            time_ns=nanoseconds(row.createdAt, received_ns, stream),
        )  # fmt: skip
        return FillSeen(fill=fill, received_ns=received_ns)


def _put_position(kept: Kept, row: PositionRow, stream: tuple[str, str]) -> None:
    quantity = signed(row.side, row.size, stream)
    if row.status != "OPEN" or quantity == 0.0:
        kept.positions.pop(row.market, None)
        return
    kept.positions[row.market] = Position(
        symbol=row.market, quantity=quantity, entry_price=above_nothing(row.entryPrice, stream),
        reported=Reported(unrealized_pnl=if_given(row.unrealizedPnl, stream)),
    )  # fmt: skip


def signed(side: str, size: str, stream: tuple[str, str]) -> float:
    """Signed size; the indexer signs some sizes and tells the side of all."""
    value = number(size, stream)
    if side not in ("LONG", "SHORT") or (side == "LONG" and value < 0.0):
        raise Unfit(*stream, Reason.MALFORMED)
    return -abs(value) if side == "SHORT" else value


def side_of(word: str, stream: tuple[str, str]) -> float:
    """1 to buy, -1 to sell."""
    if word not in ("BUY", "SELL"):
        raise Unfit(*stream, Reason.MALFORMED)
    return 1.0 if word == "BUY" else -1.0


def nanoseconds(moment: datetime | None, received_ns: int, stream: tuple[str, str]) -> int:
    """A venue's time, or ours where it gives none."""
    if moment is None:
        return received_ns
    if moment.tzinfo is None:
        raise Unfit(*stream, Reason.MALFORMED)
    return time_ns(round(moment.timestamp() * 1000), received_ns, stream)
