"""Binance's websockets: depth, best levels, marks, trades, and the user data stream."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any

from perpbook.dialects import binance_shapes as shapes
from perpbook.dialects.asked import Unreadable, listed, mapping
from perpbook.dialects.binance import Binance
from perpbook.dialects.hub import Client, Saying
from perpbook.dialects.plain import milliseconds, text
from perpbook.dialects.traded import Traded
from perpbook.dialects.venue import Known, Told
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, MarkSeen, OrderSeen
from perpbook.model.order import OrderState
from perpbook.simulation.happened import Settled

PARTIAL = ("depth5", "depth10", "depth20")
KINDS = ("depth", *PARTIAL, "bookTicker", "markPrice", "aggTrade", "trade")
ALL_MARKS = "!markPrice@arr"


class BinanceStream:
    """The websockets over one dialect. `wallets` : what each account was last told to have, so that only changes are told."""

    def __init__(self, dialect: Binance) -> None:
        self.dialect = dialect
        self.venue = dialect.venue
        self.wallets: dict[str, tuple[float, dict[str, float]]] = {
            name: wallet(AccountSeen(account=self.venue.truth.account(name), at_ns=0, received_ns=0))
            for name in self.venue.truth.accounts
        }

    def greeting(self, client: Client) -> Sequence[Any]:
        """Nothing: its address, or it, says what it wants."""
        return ()

    def listen(self, client: Client, name: str) -> bool:
        """Let a client hear a stream, or an account by its listen key; False where there is no such one."""
        channel = self._channel(name)
        if channel is not None:
            client.channels[channel] = name
        return channel is not None

    def _channel(self, name: str) -> Hashable | None:
        key = self.dialect.listen_keys.get(name)
        if key is not None:
            return ("user", key.account) if key.until_ns > self.venue.pace.wall_ns else None
        if name.startswith(ALL_MARKS):
            return (ALL_MARKS,)
        symbol, _, rest = name.partition("@")
        kind = rest.partition("@")[0]
        known = symbol.upper() in self.venue.truth.symbols
        return (kind, symbol.upper()) if known and kind in KINDS else None

    def wrapped(self, client: Client, channel: Hashable, said: Any) -> Any:
        """As it is, or with the stream's name where streams are combined."""
        return {"stream": client.channels.get(channel), "data": said} if client.name == "stream" else said

    def heard(self, client: Client, words: str) -> Sequence[Any]:
        """Answer one message of a client."""
        try:
            body = mapping(json.loads(words), "message")
            method, number = body.get("method"), body.get("id")
            names = [str(name) for name in listed(body.get("params", []), "params")]
            if method == "SUBSCRIBE":
                unknown = [name for name in names if not self.listen(client, name)]
                if unknown:
                    return (
                        {"error": {"code": 2, "msg": f"Invalid request: no stream {unknown[0][:60]}"}, "id": number},
                    )
            elif method == "UNSUBSCRIBE":
                for name in names:
                    client.channels.pop(self._channel(name), None)
            elif method == "LIST_SUBSCRIPTIONS":
                return ({"result": list(client.channels.values()), "id": number},)
            else:
                raise Unreadable("method is SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS")
            return ({"result": None, "id": number},)
        except (Unreadable, json.JSONDecodeError) as wrong:
            return ({"error": {"code": 2, "msg": f"Invalid request: {wrong}"}},)

    def sayings(self, told: Told) -> Sequence[Saying]:
        """A message, stream by stream."""
        match told:
            case BookSeen():
                return self._of_book(told)
            case MarkSeen():
                return [
                    (("markPrice", told.symbol), lambda: self._mark(told)),
                    ((ALL_MARKS,), lambda: [self._mark(told)]),
                ]
            case AccountSeen():
                return self._of_account(told, "ORDER")
            case OrderSeen():
                return self._of_order(told)
            case FillSeen():
                return self._of_fill(told)
            case Settled():
                seen = AccountSeen(account=self.venue.truth.account(told.account), at_ns=told.at_ns, received_ns=0)
                return self._of_account(seen, "FUNDING_FEE")
            case _:
                return ()

    def _of_book(self, told: BookSeen) -> Sequence[Saying]:
        partial = [((kind, told.symbol), self._top(told, int(kind.removeprefix("depth")))) for kind in PARTIAL]
        return [
            (("depth", told.symbol), lambda: self._depth(told)),
            (("bookTicker", told.symbol), lambda: best(told)),
            *partial,
        ]

    def _top(self, told: BookSeen, most: int) -> Any:
        return lambda: (
            self._depth(told)
            | {
                "b": shapes.levels(told.depth.bids[:most]),
                "a": shapes.levels(told.depth.asks[:most]),
            }
        )

    def _depth(self, told: BookSeen) -> dict[str, Any]:
        change = self.venue.change(told.symbol, told.sequence)
        levels = change.levels if change else told.depth
        since = change.since if change else told.sequence - 1
        return {
            "e": "depthUpdate",
            "E": milliseconds(told.at_ns),
            "T": milliseconds(told.at_ns),
            "s": told.symbol,
            "U": since + 1,
            "u": told.sequence,
            "pu": since,
            "b": shapes.levels(levels.bids),
            "a": shapes.levels(levels.asks),
        }

    def _mark(self, told: MarkSeen) -> dict[str, Any]:
        mark = told.mark_price or 0.0
        index = told.index_price or told.oracle_price or mark
        return {
            "e": "markPriceUpdate",
            "E": milliseconds(told.at_ns),
            "s": told.symbol,
            "p": text(mark),
            "i": text(index),
            "P": text(index),
            "r": text(told.funding_rate or 0.0),
            "T": milliseconds(self.venue.truth.next_funding_ns()),
        }

    def _user(self, bucket: str) -> Hashable:
        """The stream of a bucket: its own, or that of the account it hangs on."""
        known = bucket in self.venue.truth.accounts
        return ("user", (self.venue.truth.account(bucket).parent or bucket) if known else bucket)

    def _of_account(self, told: AccountSeen, reason: str) -> Sequence[Saying]:
        bucket = told.account.id
        before, now = self.wallets.get(bucket, (0.0, {})), wallet(told)
        if before == now or bucket not in self.venue.truth.accounts:
            return ()
        self.wallets[bucket] = now
        said = self._account_update(told, before, reason)
        return [(self._user(bucket), lambda: said)]

    def _account_update(self, told: AccountSeen, before: tuple[float, dict[str, float]], reason: str) -> Any:
        cash, held = wallet(told)
        gone = [symbol for symbol in before[1] if symbol not in held]
        rows = [position_update(self.venue, told, symbol) for symbol in [*held, *gone]]
        balance = {
            "a": self.venue.truth.terms.settle,
            "wb": text(round(cash, 8)),
            "cw": text(round(cash, 8)),
            "bc": "0",
        }
        stamp = milliseconds(told.at_ns)
        return {"e": "ACCOUNT_UPDATE", "E": stamp, "T": stamp, "a": {"m": reason, "B": [balance], "P": rows}}

    def _of_order(self, told: OrderSeen) -> Sequence[Saying]:
        report = told.report
        known = self.venue.order(report.account, report.client_id)
        is_told_elsewhere = report.state in (OrderState.FILLED, OrderState.REJECTED) or (
            report.state is OrderState.OPEN and report.filled != 0.0
        )
        if known is None or is_told_elsewhere:
            return ()
        state = "NEW" if report.state is OrderState.OPEN else shapes.status(known)
        row = order_update(known) | {"s": report.symbol, "x": state, "X": state, "z": text(abs(report.filled))}
        return [(self._user(report.account), lambda: event(row, milliseconds(report.at_ns)))]

    def _of_fill(self, told: FillSeen) -> Sequence[Saying]:
        fill = told.fill
        rows = self.venue.trades.get(fill.account, [])
        place = next((number for number, one in enumerate(rows) if one.fill.trade_id == fill.trade_id), None)
        if place is None:
            return ()
        traded, stamp = rows[place], milliseconds(fill.time_ns)
        known = self.venue.order(fill.account, fill.client_id)
        same = [one for one in rows[: place + 1] if one.fill.client_id == fill.client_id]
        row = trade_update(known, traded, same, self.venue.truth.terms.settle) | {"s": fill.symbol}
        public = {
            "e": "aggTrade",
            "E": stamp,
            "T": stamp,
            "s": fill.symbol,
            "a": int(fill.trade_id),
            "p": text(fill.price),
            "q": text(abs(fill.quantity)),
            "f": int(fill.trade_id),
            "l": int(fill.trade_id),
            "m": (fill.quantity < 0.0) == traded.is_taker,
        }
        single = public | {"e": "trade", "t": int(fill.trade_id), "X": "MARKET"}
        return [
            (self._user(fill.account), lambda: event(row, stamp)),
            (("aggTrade", fill.symbol), lambda: public),
            (("trade", fill.symbol), lambda: single),
        ]


def wallet(told: AccountSeen) -> tuple[float, dict[str, float]]:
    """Cash, and size by contract."""
    return shapes.cash_of(told.account), {one.symbol: one.quantity for one in told.account.positions}


def best(told: BookSeen) -> dict[str, Any]:
    """The best level of each side; 0 for an empty one."""
    bid, ask = (told.depth.bids or ((0.0, 0.0),))[0], (told.depth.asks or ((0.0, 0.0),))[0]
    stamp = milliseconds(told.at_ns)
    prices = {"b": text(bid[0]), "B": text(bid[1]), "a": text(ask[0]), "A": text(ask[1])}
    return {"e": "bookTicker", "u": told.sequence, "E": stamp, "T": stamp, "s": told.symbol, **prices}


def position_update(venue: Any, told: AccountSeen, symbol: str) -> dict[str, Any]:
    """A position of an ACCOUNT_UPDATE; without size where it is gone."""
    held = next((one for one in told.account.positions if one.symbol == symbol), None)
    entry = "0" if held is None else text(held.entry_price)
    return {
        "s": symbol,
        "pa": "0" if held is None else text(held.quantity),
        "ep": entry,
        "bep": entry,
        "cr": text(round(sum(one.profit for one in venue.trades[told.account.id] if one.fill.symbol == symbol), 8)),
        "up": "0" if held is None else text(round(held.reported.unrealized_pnl or 0.0, 8)),
        "mt": told.account.mode.value,
        "iw": "0" if told.account.parent is None else text(round(shapes.cash_of(told.account), 8)),
        "ps": "BOTH",
    }


def order_update(known: Known) -> dict[str, Any]:
    """The `o` of an ORDER_TRADE_UPDATE, before what happened to it."""
    row = shapes.order(known)
    return {
        "s": row["symbol"],
        "c": row["clientOrderId"],
        "S": row["side"],
        "o": "LIMIT",
        "f": row["timeInForce"],
        "q": row["origQty"],
        "p": row["price"],
        "ap": row["avgPrice"],
        "sp": "0",
        "x": "NEW",
        "X": row["status"],
        "i": row["orderId"],
        "l": "0",
        "z": row["executedQty"],
        "L": "0",
        "T": row["updateTime"],
        "t": 0,
        "b": "0",
        "a": "0",
        "m": False,
        "R": row["reduceOnly"],
        "wt": "CONTRACT_PRICE",
        "ot": "LIMIT",
        "ps": "BOTH",
        "cp": False,
        "rp": "0",
        "V": "EXPIRE_MAKER",
    }


def trade_update(known: Known | None, traded: Traded, so_far: Sequence[Traded], asset: str) -> dict[str, Any]:
    """The `o` of a trade; of a liquidation's where no order stands behind it. `so_far` : trades of its order up to it."""
    fill, done = traded.fill, abs(sum(one.fill.quantity for one in so_far))
    if known is None:
        size = text(abs(fill.quantity))
        base: dict[str, Any] = {"c": f"autoclose-{fill.trade_id}", "S": shapes.side_of(fill.quantity), "o": "LIMIT"}
        base |= {"f": "IOC", "q": size, "p": text(fill.price), "ap": text(fill.price), "X": "FILLED", "i": 0}
        base |= {"x": "CALCULATED", "z": size, "R": True, "ot": "LIMIT", "ps": "BOTH", "cp": False, "sp": "0"}
    else:
        is_full = done >= abs(known.request.quantity) * (1.0 - 1e-9)
        base = order_update(known) | {"x": "TRADE", "X": "FILLED" if is_full else "PARTIALLY_FILLED", "z": text(done)}
        spent = sum(abs(one.fill.quantity) * one.fill.price for one in so_far)
        base["ap"] = text(round(spent / done, 8)) if done else "0"
    return base | {
        "l": text(abs(fill.quantity)),
        "L": text(fill.price),
        "N": asset,
        "n": text(round(fill.fee, 8)),
        "T": milliseconds(fill.time_ns),
        "t": int(fill.trade_id),
        "m": not traded.is_taker,
        "rp": text(round(traded.profit, 8)),
    }


def event(row: dict[str, Any], stamp: int) -> dict[str, Any]:
    """An ORDER_TRADE_UPDATE."""
    return {"e": "ORDER_TRADE_UPDATE", "E": stamp, "T": stamp, "o": row}
