"""Hyperliquid's websocket: `l2Book`, `activeAssetCtx`, `clearinghouseState` (or `webData2`), `openOrders`, `userFills`,
`orderUpdates`.

Sources: hyperliquid.gitbook.io/hyperliquid-docs, "Websocket / Subscriptions". Times are milliseconds, numbers decimal texts.
An account is told once its positions and its resting orders are both known. Entry prices are rounded for display, so the pool's
collateral is its account value less q (mark - entry), the mark being positionValue / |q|: equity is then the venue's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from perpbook.model.account import Account, Balance, MarginMode, Order, Position, Reported
from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, FillSeen, MarkSeen, Message, OrderSeen, book_seen
from perpbook.model.order import Fill, OrderState, RejectReason
from perpbook.venues.decode_hyperliquid_shapes import (
    Best,
    Book,
    Coin,
    CoinContext,
    Envelope,
    Fills,
    Held,
    Level,
    NearBook,
    OpenOrders,
    OrderUpdate,
    State,
    UserState,
)
from perpbook.venues.decode_json import BROKEN
from perpbook.venues.decode_parts import (
    KNOWN,
    Kind,
    Levels,
    Reason,
    Scope,
    Sorted,
    Unfit,
    above_nothing,
    if_given,
    number,
    own_id,
    report_of,
    sound_depth,
    time_ns,
)

VENUE = "hyperliquid"
PLAIN = re.compile(rb'\{"channel":"(\w+)"(?:,"data":\{"coin":"([^"\\]+)")?')
NEAR = 10
"""Fewer levels than this are decoded one by one, which then costs less than all of them at once."""

LEVEL = b'{"px":"\x02","sz":"\x03","n":\x05}'
FORMS = {
    "l2Book": b',"time":\x01,"levels":[[\x07' + LEVEL + b"\x08],[\x04\x07" + LEVEL + b"\x08]]}}",
    "bbo": b',"time":\x01,"bbo":[' + LEVEL + b",\x04" + LEVEL + b"]}}",
}

NOTHING = Sorted(Kind.NOTHING, "", "")
STREAMS = {
    "l2Book": (Kind.WHOLE, "book"),
    "bbo": (Kind.WHOLE, "book"),
    "activeAssetCtx": (Kind.WHOLE, "mark"),
    "clearinghouseState": (Kind.EVENT, "account"),
    "webData2": (Kind.EVENT, "account"),
    "openOrders": (Kind.EVENT, "account"),
    "userFills": (Kind.EVENT, "fills"),
    "user": (Kind.EVENT, "fills"),
    "orderUpdates": (Kind.EVENT, "orders"),
}
REJECTED = {
    "tickRejected": RejectReason.PRICE,
    "minTradeNtlRejected": RejectReason.SIZE,
    "perpMarginRejected": RejectReason.MARGIN,
    "reduceOnlyRejected": RejectReason.REDUCE_ONLY,
    "badAloPxRejected": RejectReason.POST_ONLY,
}


def _frame(of: type, *, strict: bool) -> msgspec.json.Decoder[Struct]:
    return msgspec.json.Decoder(msgspec.defstruct("Frame", [("data", of)], gc=False), strict=strict)


SHAPES = {
    "l2Book": Book, "bbo": Best, "activeAssetCtx": CoinContext, "clearinghouseState": UserState, "webData2": UserState,
    "openOrders": OpenOrders, "userFills": Fills, "user": Fills, "orderUpdates": list[OrderUpdate],
}  # fmt: skip


def _rows(levels: Iterable[Level]) -> Levels:
    return tuple([(one.px, one.sz) for one in levels])


class Hyperliquid:
    """The decoder. `orderUpdates` and `user` name no account: they are the only one's."""

    venue = VENUE

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._frames = {
            channel: (_frame(shape, strict=shape not in (Book, Best)), getattr(self, f"_{channel}"))
            for channel, shape in SHAPES.items()
        }
        if scope.levels < NEAR:
            self._frames["l2Book"] = (_frame(NearBook, strict=True), self._near)
        self._level = msgspec.json.Decoder(Level, strict=False)
        self._envelope = msgspec.json.Decoder(Envelope)
        self._coin = msgspec.json.Decoder(Coin)
        self._sorted: dict[bytes, Sorted] = {}
        self._books = {coin: f"book:{coin}" for coin in scope.symbols}
        self._states: dict[str, tuple[State, int]] = {}
        self._orders: dict[str, tuple[Order, ...]] = {}
        self._alone: dict[str, frozenset[str]] = {}

    def forget(self, stream: str = "") -> None:
        """What accounts held and rested is not known any more."""
        self._states.clear()
        self._orders.clear()
        self._alone.clear()

    def sort(self, raw: bytes) -> Sorted:
        """By the first letters, as the venue writes them; else by decoding the envelope."""
        known = self._sorted.get(raw[: raw.find(b",", raw.find(b",") + 1)])
        if known is not None:
            return known
        plain = PLAIN.match(raw)
        if plain is None:
            return self._slowly(raw)
        known = self._sorted.get(plain[0])
        if known is None:
            channel = plain[1].decode()
            if plain[2] is None and STREAMS.get(channel, (Kind.EVENT,))[0] is Kind.WHOLE:
                return self._slowly(raw)
            known = self._named(channel, plain[2].decode(errors="replace") if plain[2] else "")
            if known is not NOTHING and len(self._sorted) < KNOWN:
                self._sorted[plain[0]] = known
        return known

    def form(self, what: Sorted) -> bytes:
        """As the venue writes `l2Book` and `bbo`: prices and sizes are texts, `n` counts orders."""
        return FORMS.get(what.channel, b"")

    def _slowly(self, raw: bytes) -> Sorted:
        try:
            found = self._envelope.decode(raw)
            whole = STREAMS.get(found.channel, (Kind.EVENT,))[0] is Kind.WHOLE
            return self._named(found.channel, self._coin.decode(found.data).coin if whole else "")
        except BROKEN:
            raise Unfit(VENUE, "", Reason.MALFORMED) from None

    def _named(self, channel: str, coin: str) -> Sorted:
        if channel == "error":
            raise Unfit(VENUE, "", Reason.REFUSED)
        if channel not in STREAMS:
            return NOTHING
        kind, name = STREAMS[channel]
        if kind is Kind.WHOLE:
            if coin not in self._scope.symbols:
                raise Unfit(VENUE, "", Reason.STRANGER)
            return Sorted(kind, f"{name}:{coin}", channel)
        return Sorted(kind, name, channel)

    def decode(self, what: Sorted, raw: bytes, received_ns: int, last: bool = True) -> Sequence[Message]:
        """What a message says."""
        frame, tell = self._frames[what.channel]
        try:
            data = frame.decode(raw).data  # type: ignore[attr-defined]
        except BROKEN:
            raise Unfit(VENUE, what.stream, Reason.MALFORMED) from None
        told: Sequence[Message] = tell(data, received_ns, (VENUE, what.stream))
        return told

    def _l2Book(self, data: Book, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        (bids, asks), most = data.levels, self._scope.levels
        depth = sound_depth(_rows(bids[:most]), _rows(asks[:most]), stream)
        return self._told(data, depth, received_ns, stream)

    def _near(self, data: NearBook, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        (bids, asks), most, level = data.levels, self._scope.levels, self._level.decode
        try:
            near = _rows(map(level, bids[:most])), _rows(map(level, asks[:most]))
        except BROKEN:
            raise Unfit(*stream, Reason.MALFORMED) from None
        return self._told(data, sound_depth(*near, stream), received_ns, stream)

    def _bbo(self, data: Best, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        bid, ask = data.bbo
        if bid is None or ask is None:
            raise Unfit(*stream, Reason.EMPTY)
        depth = sound_depth(((bid.px, bid.sz),), ((ask.px, ask.sz),), stream)
        return self._told(data, depth, received_ns, stream)

    def _told(
        self, data: Book | NearBook | Best, depth: Depth, received_ns: int, stream: tuple[str, str]
    ) -> Sequence[Message]:
        """A book; it is of the contract that its first letters named."""
        if stream[1] != self._books.get(data.coin):
            raise Unfit(*stream, Reason.MALFORMED)
        at_ns = time_ns(data.time, received_ns, stream)
        return (book_seen(VENUE, data.coin, depth, at_ns, received_ns),)

    def _activeAssetCtx(self, data: CoinContext, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        if stream[1] != f"mark:{data.coin}":
            raise Unfit(*stream, Reason.MALFORMED)
        ctx = data.ctx
        return (
            MarkSeen(
                venue=VENUE, symbol=data.coin, at_ns=received_ns, received_ns=received_ns,
                mark_price=above_nothing(ctx.markPx, stream), oracle_price=above_nothing(ctx.oraclePx, stream),
                funding_rate=number(ctx.funding, stream), open_interest=number(ctx.openInterest, stream),
            ),
        )  # fmt: skip

    def _clearinghouseState(self, data: UserState, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        account = self._account(data.user, stream)
        time_ns(data.clearinghouseState.time, received_ns, stream)
        self._states[account] = (data.clearinghouseState, received_ns)
        return self._whole(account, received_ns, stream)

    _webData2 = _clearinghouseState

    def _openOrders(self, data: OpenOrders, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        account = self._account(data.user, stream)
        self._orders[account] = tuple(
            Order(
                symbol=one.coin,
                quantity=_side(one.side, stream) * above_nothing(one.sz, stream),
                limit_price=above_nothing(one.limitPx, stream),
                reduce_only=one.reduceOnly,
                id=own_id(one.cloid, str(one.oid)),
            )
            for one in data.orders
        )
        return self._whole(account, received_ns, stream)

    def _whole(self, account: str, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        """Every bucket of an account, once all of it is known; an isolated one that closed is told empty once."""
        if account not in self._states or account not in self._orders:
            return ()
        state = self._states[account][0]
        at_ns = time_ns(state.time, received_ns, stream)
        now = buckets(account, state, self._orders[account], stream)
        gone = self._alone.get(account, frozenset()) - {one.id for one in now}
        self._alone[account] = frozenset(one.id for one in now if one.parent)
        closed = [Account(id=name, venue=VENUE, mode=MarginMode.ISOLATED, parent=account) for name in sorted(gone)]
        return tuple(AccountSeen(account=one, at_ns=at_ns, received_ns=received_ns) for one in (*now, *closed))

    def _userFills(self, data: Fills, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        account = self._account(data.user, stream)
        return tuple(
            FillSeen(
                fill=Fill(
                    client_id=own_id(one.cloid, str(one.oid)), account=account, venue=VENUE, symbol=one.coin,
                    trade_id=str(one.tid), quantity=_side(one.side, stream) * above_nothing(one.sz, stream),
                    price=above_nothing(one.px, stream), fee=number(one.fee, stream),
                    time_ns=time_ns(one.time, received_ns, stream),
                ),
                received_ns=received_ns,
            )
            for one in data.fills
        )  # fmt: skip

    _user = _userFills

    def _orderUpdates(self, data: list[OrderUpdate], received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        account = self._account(None, stream)
        out = []
        for one in data:
            order = one.order
            left, whole = number(order.sz, stream), number(order.origSz or order.sz, stream)
            state, reason = state_of(one.status)
            filled = whole if state is OrderState.FILLED else max(whole - left, 0.0)
            if state is OrderState.REJECTED:
                filled = 0.0
            report = report_of(
                client_id=own_id(order.cloid, str(order.oid)), of=(account, VENUE, order.coin), state=state,
                filled=_side(order.side, stream) * filled, reason=reason, why=one.status if reason else "",
                at_ns=time_ns(one.statusTimestamp, received_ns, stream),
            )  # fmt: skip
            out.append(OrderSeen(report=report, received_ns=received_ns))
        return out

    def _account(self, address: str | None, stream: tuple[str, str]) -> str:
        """Our id of an address; where a message names none, the only account's."""
        names = list(self._scope.accounts)
        found = self._scope.account_of(address) if address else names[0] if len(names) == 1 else None
        if found is None:
            raise Unfit(*stream, Reason.STRANGER)
        return found


def buckets(account: str, state: State, orders: tuple[Order, ...], stream: tuple[str, str]) -> list[Account]:
    """The cross pool, and one bucket for each isolated position, named after the pool and the coin."""
    pool, profit, isolated = [], 0.0, []
    for row in state.assetPositions:
        held = row.position
        quantity, entry = number(held.szi, stream), number(held.entryPx, stream)
        if quantity == 0.0:
            continue
        position = _position(held, quantity, entry, stream)
        if held.leverage.type == "isolated":
            raw = number(held.leverage.rawUsd or "", stream)
            isolated.append((position, raw + quantity * entry))
            continue
        mark = abs(number(held.positionValue, stream) / quantity)
        profit += quantity * (mark - entry)
        pool.append(position)
    value = number(state.crossMarginSummary.accountValue, stream)
    alone = {position.symbol for position, _ in isolated}
    cross = Account(
        id=account, venue=VENUE, collateral=(Balance(asset="USDC", amount=value - profit),), positions=tuple(pool),
        orders=tuple(order for order in orders if order.symbol not in alone),
        reported=Reported(equity=value, maintenance_margin=if_given(state.crossMaintenanceMarginUsed, stream)),
    )  # fmt: skip
    return [cross] + [
        Account(
            id=f"{account}-{one.symbol}", venue=VENUE, mode=MarginMode.ISOLATED, parent=account,
            collateral=(Balance(asset="USDC", amount=margin),), positions=(one,),
            orders=tuple(order for order in orders if order.symbol == one.symbol),
        )
        for one, margin in isolated
    ]  # fmt: skip


def _position(held: Held, quantity: float, entry: float, stream: tuple[str, str]) -> Position:
    return Position(
        symbol=held.coin,
        quantity=quantity,
        entry_price=above_nothing(held.entryPx, stream),
        leverage=held.leverage.value if held.leverage.value > 0.0 else None,
        reported=Reported(
            liquidation_price=if_given(held.liquidationPx, stream),
            no_liquidation_price=held.liquidationPx is None,
            unrealized_pnl=if_given(held.unrealizedPnl, stream),
        ),
    )


def state_of(status: str) -> tuple[OrderState, RejectReason | None]:
    """The venue's word for an order's state; an IOC that found nobody is canceled."""
    if status in ("open", "triggered"):
        return OrderState.OPEN, None
    if status == "filled":
        return OrderState.FILLED, None
    if status == "iocCancelRejected" or status.lower().endswith("canceled") or status == "scheduledCancel":
        return OrderState.CANCELED, None
    if status.lower().endswith("rejected"):
        return OrderState.REJECTED, REJECTED.get(status, RejectReason.OTHER)
    return OrderState.UNKNOWN, None


def _side(letter: str, stream: tuple[str, str]) -> float:
    if letter not in ("A", "B"):
        raise Unfit(*stream, Reason.MALFORMED)
    return 1.0 if letter == "B" else -1.0
