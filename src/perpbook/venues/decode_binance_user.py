"""Binance USD-M's user stream: what changed in an account, and what became of an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec import Struct

from perpbook.model.account import Account, Balance, MarginMode, Order, Position, Reported
from perpbook.model.message import AccountSeen, FillSeen, Message, OrderSeen
from perpbook.model.order import Fill, OrderState
from perpbook.venues.decode_parts import Reason, Unfit, above_nothing, number, own_id, report_of, time_ns

VENUE = "binance"
STATES = {
    "NEW": OrderState.OPEN,
    "PARTIALLY_FILLED": OrderState.OPEN,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "EXPIRED": OrderState.CANCELED,
    "EXPIRED_IN_MATCH": OrderState.CANCELED,
    "REJECTED": OrderState.REJECTED,
}


class WalletRow(Struct, gc=False):
    """A coin: wallet, and cross wallet."""

    a: str
    wb: str
    cw: str


class PositionRow(Struct, gc=False):
    """A position of one side."""

    s: str
    pa: str
    ep: str
    mt: str
    iw: str
    ps: str
    up: str = "0"


class Change(Struct, gc=False):
    """Coins and positions that changed."""

    B: list[WalletRow] = []
    P: list[PositionRow] = []


class AccountUpdate(Struct, gc=False):
    """`ACCOUNT_UPDATE`."""

    E: int
    T: int
    a: Change


class OrderRow(Struct, gc=False):
    """An order after an event."""

    s: str
    c: str
    S: str
    x: str
    X: str
    i: int
    z: str
    q: str
    T: int
    p: str = "0"
    ap: str = "0"
    l: str = "0"  # noqa: E741
    L: str = "0"
    n: str = "0"
    t: int = 0
    R: bool = False
    r: str = ""


class OrderUpdate(Struct, gc=False):
    """`ORDER_TRADE_UPDATE`."""

    E: int
    o: OrderRow


class Wallets:
    """One account's buckets, kept up with what changes: the pool, and one for each isolated position.

    Changes older than what they began with are in it already.
    """

    def __init__(self, seen: Sequence[AccountSeen]) -> None:
        self._buckets = {one.account.id: one.account for one in seen}
        self._seeded_ns = max((one.at_ns for one in seen), default=0)
        self.pool = next((one.account.parent or one.account.id for one in seen), "")
        orders = [order for one in seen for order in one.account.orders]
        self._resting: dict[int | str, Order] = {f"seed-{k}": order for k, order in enumerate(orders)}

    def changed(self, data: AccountUpdate, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
        """Every bucket, with the change in it; an isolated bucket that closed is told empty once."""
        at_ns = time_ns(data.E, received_ns, stream)
        if at_ns < self._seeded_ns:
            return ()
        pool = self._buckets.get(self.pool) or Account(id=self.pool, venue=VENUE)
        coins = {one.asset: one.amount for one in pool.collateral}
        coins |= {row.a: number(row.cw, stream) for row in data.a.B}
        self._buckets[self.pool] = replace(
            pool,
            collateral=tuple(Balance(asset=coin, amount=held) for coin, held in coins.items()),
            reported=Reported(),
        )
        for row in data.a.P:
            self._put(row, stream)
        told = [
            AccountSeen(account=replace(one, orders=self._orders_of(one)), at_ns=at_ns, received_ns=received_ns)
            for one in self._buckets.values()
        ]
        self._buckets = {name: one for name, one in self._buckets.items() if one.positions or name == self.pool}
        return told

    def _orders_of(self, bucket: Account) -> tuple[Order, ...]:
        """An isolated bucket's are those of its contract; the pool has the others."""
        alone = {one.symbol for held in self._buckets.values() if held.parent for one in held.positions}
        own = {one.symbol for one in bucket.positions}
        return tuple(
            one for one in self._resting.values() if (one.symbol in own if bucket.parent else one.symbol not in alone)
        )

    def _put(self, row: PositionRow, stream: tuple[str, str]) -> None:
        """A position's new size: of its side, where the account holds both sides of a contract."""
        quantity = number(row.pa, stream)
        isolated = row.mt == "isolated"
        way = {"LONG": 1.0, "SHORT": -1.0}.get(row.ps, 0.0)
        name = f"{self.pool}-{row.s}" + (f"-{row.ps}" if way else "") if isolated else self.pool
        if isolated and name not in self._buckets and quantity == 0.0:
            return
        bucket = self._buckets.get(name) or Account(id=name, venue=VENUE, mode=MarginMode.ISOLATED, parent=self.pool)
        others = tuple(one for one in bucket.positions if one.symbol != row.s or (way and one.quantity * way < 0.0))
        mine: tuple[Position, ...] = ()
        if quantity != 0.0:
            mine = (Position(symbol=row.s, quantity=quantity, entry_price=above_nothing(row.ep, stream)),)
        coins = bucket.collateral
        if isolated:
            quote = next((coin.asset for coin in coins), row.s[-4:])
            coins = (Balance(asset=quote, amount=number(row.iw, stream)),)
        self._buckets[name] = replace(bucket, positions=(*others, *mine), collateral=coins, reported=Reported())

    def order(self, row: OrderRow, stream: tuple[str, str]) -> None:
        """Keep resting orders up: one that was known before the stream began is found by its price and side."""
        way, limit = (1.0 if row.S == "BUY" else -1.0), number(row.p, stream)
        if row.i not in self._resting:
            seeded = (
                key for key, one in self._resting.items() if isinstance(key, str) and _is_of(one, row, way, limit)
            )
            self._resting.pop(next(seeded, ""), None)
        self._resting.pop(row.i, None)
        left = number(row.q, stream) - number(row.z, stream)
        if STATES.get(row.X) is OrderState.OPEN and left > 0.0 and limit > 0.0:
            self._resting[row.i] = Order(
                symbol=row.s, quantity=way * left, limit_price=limit, reduce_only=row.R, id=own_id(row.c, str(row.i))
            )  # fmt: skip


def _is_of(order: Order, row: OrderRow, way: float, limit: float) -> bool:
    return row.x != "NEW" and order.symbol == row.s and order.quantity * way > 0.0 and order.limit_price == limit


def order_told(data: OrderUpdate, account: str, received_ns: int, stream: tuple[str, str]) -> Sequence[Message]:
    """What became of an order, and its trade where there was one; liquidations and deleveraging are trades too."""
    row = data.o
    if row.S not in ("BUY", "SELL"):
        raise Unfit(*stream, Reason.MALFORMED)
    way, at_ns = (1.0 if row.S == "BUY" else -1.0), time_ns(data.E, received_ns, stream)
    client, traded, average = own_id(row.c, str(row.i)), number(row.l, stream), number(row.ap, stream)
    report = report_of(
        client_id=client, of=(account, VENUE, row.s), state=STATES.get(row.X, OrderState.UNKNOWN),
        filled=way * number(row.z, stream), at_ns=at_ns, average=average if average > 0.0 else None,
        why=row.r if row.r not in ("", "0") else "",
    )  # fmt: skip
    out: list[Message] = [OrderSeen(report=report, received_ns=received_ns)]
    if row.x in ("TRADE", "CALCULATED") and traded > 0.0:
        fill = Fill(
            client_id=client, account=account, venue=VENUE, symbol=row.s, trade_id=str(row.t), quantity=way * traded,
            price=above_nothing(row.L, stream), fee=number(row.n, stream),
            time_ns=time_ns(row.T, received_ns, stream),
        )  # fmt: skip
        out.append(FillSeen(fill=fill, received_ns=received_ns))
    return out
