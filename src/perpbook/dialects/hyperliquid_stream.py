"""Hyperliquid's websocket: subscriptions, and what is said on each."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from perpbook.dialects import hyperliquid_shapes as shapes
from perpbook.dialects.asked import Unreadable, mapping
from perpbook.dialects.hub import Client, Saying
from perpbook.dialects.hyperliquid import EMPTY_STATE, Hyperliquid
from perpbook.dialects.plain import decimal, milliseconds
from perpbook.dialects.venue import BrokenOnPurpose, Hanging, Told
from perpbook.errors import VenueUnavailable
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, MarkSeen, OrderSeen
from perpbook.model.order import OrderState
from perpbook.simulation.happened import Liquidated, Settled

OF_COINS = ("l2Book", "bbo", "activeAssetCtx", "trades")
OF_USERS = (
    "userFills",
    "orderUpdates",
    "userEvents",
    "webData2",
    "clearinghouseState",
    "openOrders",
    "userFundings",
    "userNonFundingLedgerUpdates",
)
CHANNEL = {"userEvents": "user"}
"""Channels that have another name than their subscription."""


class HyperliquidStream:
    """The websocket over one dialect."""

    def __init__(self, dialect: Hyperliquid) -> None:
        self.dialect = dialect
        self.venue = dialect.venue

    def greeting(self, client: Client) -> Sequence[Any]:
        """Nothing: this venue waits to be asked."""
        return ()

    def wrapped(self, client: Client, channel: Hashable, said: Any) -> Any:
        """Named by its channel."""
        assert isinstance(channel, tuple)
        return {"channel": CHANNEL.get(channel[0], channel[0]), "data": said}

    def heard(self, client: Client, text: str) -> Sequence[Any]:
        """Answer one message of a client."""
        try:
            body = mapping(json.loads(text), "message")
            method = body.get("method")
            if method == "ping":
                return ({"channel": "pong"},)
            if method == "post":
                return (self._posted(body),)
            asked = mapping(body.get("subscription"), "subscription")
            channel = self._channel(asked)
            if method == "subscribe":
                client.channels[channel] = asked
                return (acknowledged(body), *self._first(channel))
            if method == "unsubscribe":
                client.channels.pop(channel, None)
                return (acknowledged(body),)
            raise Unreadable("method is subscribe, unsubscribe, ping or post")
        except (Unreadable, json.JSONDecodeError) as wrong:
            return ({"channel": "error", "data": f"Invalid request: {wrong}"},)

    def sayings(self, told: Told) -> Sequence[Saying]:
        """A message, channel by channel."""
        match told:
            case BookSeen():
                return [
                    (("l2Book", told.symbol), lambda: shapes.book(told)),
                    (("bbo", told.symbol), lambda: shapes.best(told)),
                    (("allMids",), lambda: {"mids": shapes.mids(self.venue)}),
                ]
            case MarkSeen():
                return [(("activeAssetCtx", told.symbol), lambda: self._context(told))]
            case AccountSeen():
                return self._of_account(told)
            case OrderSeen():
                return self._of_order(told)
            case FillSeen():
                return self._of_fill(told)
            case Settled() | Liquidated():
                return self._of_event(told)
            case _:
                return ()

    def _of_account(self, told: AccountSeen) -> Sequence[Saying]:
        user = self._user(told.account.parent or told.account.id)
        return [
            (("webData2", user), lambda: self._web_data(user, told)),
            (("clearinghouseState", user), lambda: self._state(user, told)),
            (("openOrders", user), lambda: self._open_orders(user)),
        ]

    def _of_order(self, told: OrderSeen) -> Sequence[Saying]:
        report = told.report
        known = self.venue.order(report.account, report.client_id)
        if known is None:
            return ()
        row = shapes.with_status(known, front=False) | {"status": shapes.status(report)}
        row["order"] |= {"coin": report.symbol, "sz": decimal(abs(known.request.quantity) - abs(report.filled))}
        return [(("orderUpdates", self._user(report.account)), lambda: [row])]

    def _of_fill(self, told: FillSeen) -> Sequence[Saying]:
        fill = told.fill
        user = self._user(fill.account)
        traded = next((one for one in self.venue.trades[fill.account] if one.fill.trade_id == fill.trade_id), None)
        if traded is None:
            return ()
        row = shapes.fill(self.venue, traded, user) | {"coin": fill.symbol}
        public = {key: row[key] for key in ("coin", "side", "px", "sz", "hash", "time", "tid")}
        public["users"] = [user, "0x" + "0" * 40]
        return [
            (("userFills", user), lambda: {"user": user, "fills": [row]}),
            (("userEvents", user), lambda: {"fills": [row]}),
            (("trades", fill.symbol), lambda: [public]),
        ]

    def _of_event(self, told: Settled | Liquidated) -> Sequence[Saying]:
        user = self._user(told.account)
        if isinstance(told, Settled):
            row = shapes.payment(told)
            flat = {"time": row["time"], **{key: row["delta"][key] for key in FLAT}}
            return [
                (("userFundings", user), lambda: {"user": user, "fundings": [flat], "isSnapshot": False}),
                (("userEvents", user), lambda: {"funding": flat}),
            ]
        event = {
            "lid": len(self.venue.liquidated),
            "liquidator": "0x" + "0" * 40,
            "liquidated_user": user,
            "liquidated_ntl_pos": decimal(round(abs(told.quantity) * told.price, 6)),
            "liquidated_account_value": decimal(round(told.equity, 6)),
        }
        return [(("userEvents", user), lambda: {"liquidation": event})]

    def _channel(self, asked: Mapping[str, Any]) -> tuple[str, ...]:
        kind = str(asked.get("type"))
        if kind == "allMids":
            return (kind,)
        if kind in OF_COINS:
            return (kind, self.dialect.symbol(asked))
        if kind in OF_USERS:
            self.dialect.account(asked)
            return (kind, str(asked["user"]).lower())
        raise Unreadable(f"subscription {kind[:40]!r} is not served here")

    def _first(self, channel: tuple[str, ...]) -> Sequence[Any]:
        """What a subscription begins with."""
        begun = FIRST.get(channel[0])
        if begun is None:
            return ()
        try:
            return ({"channel": channel[0], "data": begun(self, channel[-1])},)
        except VenueUnavailable:
            return ()

    def _first_fills(self, user: str) -> Any:
        rows = self.dialect.fills({"user": user})
        return {"isSnapshot": True, "user": user, "fills": rows}

    def _first_fundings(self, user: str) -> Any:
        return {"isSnapshot": True, "user": user, "fundings": []}

    def _first_ledger(self, user: str) -> Any:
        return {"isSnapshot": True, "user": user, "nonFundingLedgerUpdates": []}

    def _first_book(self, symbol: str) -> Any:
        return shapes.book(self.venue.book(symbol))

    def _first_best(self, symbol: str) -> Any:
        return shapes.best(self.venue.book(symbol))

    def _first_context(self, symbol: str) -> Any:
        return {"coin": symbol, "ctx": shapes.context(self.venue, symbol)}

    def _first_mids(self, _: str) -> Any:
        return {"mids": shapes.mids(self.venue)}

    def _first_state(self, user: str) -> Any:
        return {"dex": "", "user": user, "clearinghouseState": self.dialect.state({"user": user})}

    def _first_web_data(self, user: str) -> Any:
        return self._web_data(user, None)

    def _first_orders(self, user: str) -> Any:
        return self._open_orders(user)

    def _context(self, told: MarkSeen) -> Any:
        said = shapes.context(self.venue, told.symbol) if told.symbol in self.venue.truth.symbols else {}
        given = {"markPx": told.mark_price, "oraclePx": told.oracle_price, "funding": told.funding_rate}
        return {
            "coin": told.symbol,
            "ctx": said | {key: decimal(value) for key, value in given.items() if value is not None},
        }

    def _told_state(self, user: str, told: AccountSeen | None) -> Any:
        account = self.dialect.accounts.get(user)
        if account is None:
            return EMPTY_STATE
        family = [
            AccountSeen(account=one, at_ns=self.venue.clock_ns, received_ns=self.venue.clock_ns)
            for one in self.venue.family(account)
        ]
        if told is not None and told.account.parent is None:
            family[0] = told
        return shapes.state(self.venue, family)

    def _state(self, user: str, told: AccountSeen) -> Any:
        return {"dex": "", "user": user, "clearinghouseState": self._told_state(user, told)}

    def _open_orders(self, user: str) -> Any:
        account = self.dialect.accounts.get(user)
        names = () if account is None else self.venue.names(account)
        found = [self.venue.order(name, one.client_id) for name in names for one in self.venue.truth.open_orders(name)]
        rows = [shapes.front_order(one) for one in found if one and one.report.state is OrderState.OPEN]
        return {"dex": "", "user": user, "orders": rows}

    def _web_data(self, user: str, told: AccountSeen | None) -> Any:
        return {
            "user": user,
            "clearinghouseState": self._told_state(user, told),
            "openOrders": self._open_orders(user)["orders"],
            "meta": shapes.meta(self.venue),
            "assetCtxs": shapes.contexts(self.venue),
            "serverTime": milliseconds(self.venue.clock_ns),
            "isVault": False,
            "twapStates": [],
        }

    def _user(self, account: str) -> str:
        """The address of an account, or of the one that an isolated position hangs on."""
        users = self.dialect.users
        if account in users:
            return users[account]
        if account not in self.venue.truth.accounts:
            return account
        return users.get(self.venue.truth.account(account).parent or "", account)

    def _posted(self, body: Mapping[str, Any]) -> Any:
        """A request over the websocket."""
        request = mapping(body.get("request"), "request")
        payload, kind = mapping(request.get("payload"), "payload"), request.get("type")
        try:
            if kind == "info":
                said: Any = {
                    "type": "info",
                    "payload": {"type": payload.get("type"), "data": self.dialect.info(payload)},
                }
            elif kind == "action":
                said = {"type": "action", "payload": self.dialect.exchange(payload)}
            else:
                raise Unreadable("a request is of type info or action")
        except (BrokenOnPurpose, Hanging, VenueUnavailable):
            said = {"type": "error", "payload": "500 Internal Server Error"}
        return {"channel": "post", "data": {"id": body.get("id"), "response": said}}


FLAT = ("coin", "usdc", "szi", "fundingRate", "nSamples")

FIRST: Mapping[str, Callable[[HyperliquidStream, str], Any]] = {
    "l2Book": HyperliquidStream._first_book,
    "bbo": HyperliquidStream._first_best,
    "activeAssetCtx": HyperliquidStream._first_context,
    "allMids": HyperliquidStream._first_mids,
    "userFills": HyperliquidStream._first_fills,
    "userFundings": HyperliquidStream._first_fundings,
    "userNonFundingLedgerUpdates": HyperliquidStream._first_ledger,
    "clearinghouseState": HyperliquidStream._first_state,
    "webData2": HyperliquidStream._first_web_data,
    "openOrders": HyperliquidStream._first_orders,
}
"""What is told at once when somebody subscribes."""


def acknowledged(body: Mapping[str, Any]) -> dict[str, Any]:
    """That a subscription is as asked."""
    return {
        "channel": "subscriptionResponse",
        "data": {"method": body.get("method"), "subscription": body.get("subscription")},
    }
