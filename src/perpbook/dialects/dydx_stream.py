"""dYdX's websocket: `v4_orderbook`, `v4_markets`, `v4_subaccounts`, `v4_trades`."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from perpbook.dialects import dydx_shapes as shapes
from perpbook.dialects.asked import Unreadable, mapping
from perpbook.dialects.dydx import Dydx
from perpbook.dialects.hub import Client, Saying
from perpbook.dialects.plain import text
from perpbook.dialects.venue import Told
from perpbook.errors import VenueUnavailable
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, MarkSeen, OrderSeen
from perpbook.simulation.happened import Settled

OF_MARKETS = ("v4_orderbook", "v4_trades")


class DydxStream:
    """The websocket over one dialect."""

    def __init__(self, dialect: Dydx) -> None:
        self.dialect = dialect
        self.venue = dialect.venue
        self.connections = 0

    def greeting(self, client: Client) -> Sequence[Any]:
        """Who the client is."""
        self.connections += 1
        client.name = f"perpbook-{self.connections}"
        return ({"type": "connected", "connection_id": client.name, "message_id": 0},)

    def wrapped(self, client: Client, channel: Hashable, said: Any) -> Any:
        """An update, numbered; in a batch of one where the client asked for batches."""
        assert isinstance(channel, tuple)
        asked = client.channels.get(channel) or {}
        is_batch = bool(asked.get("batched"))
        out = {
            "type": "channel_batch_data" if is_batch else "channel_data",
            "connection_id": client.name,
            "message_id": client.sent,
            "channel": channel[0],
            "version": "1.0.0",
            "contents": [said] if is_batch else said,
        }
        return out | ({"id": channel[1]} if len(channel) > 1 else {})

    def heard(self, client: Client, text: str) -> Sequence[Any]:
        """Answer one message of a client."""
        try:
            body = mapping(json.loads(text), "message")
            kind, channel = body.get("type"), self._channel(body)
            if kind == "subscribe":
                contents = self._first(channel)
                client.channels[channel] = body
                return (self._about("subscribed", client, channel) | {"contents": contents},)
            if kind == "unsubscribe":
                client.channels.pop(channel, None)
                return (self._about("unsubscribed", client, channel),)
            raise Unreadable("type is subscribe or unsubscribe")
        except (Unreadable, json.JSONDecodeError) as wrong:
            message = f"Invalid subscription: {wrong}"
            return ({"type": "error", "message": message, "connection_id": client.name, "message_id": client.sent},)

    def sayings(self, told: Told) -> Sequence[Saying]:
        """A message, channel by channel."""
        match told:
            case BookSeen():
                found = shapes.changes(self.venue, told)
                return [(("v4_orderbook", told.symbol), lambda: found)] if found else ()
            case MarkSeen():
                return [(("v4_markets",), lambda: self._oracle(told))]
            case AccountSeen():
                return self._of(told.account.id, lambda address, number: self._positions(told, address, number))
            case OrderSeen():
                return self._of(told.report.account, lambda address, number: self._order(told, address, number))
            case FillSeen():
                return self._of_fill(told)
            case Settled():
                return [(("v4_markets",), lambda: self._rate(told))]
            case _:
                return ()

    def _of(self, bucket: str, make: Any) -> Sequence[Saying]:
        """What a subaccount is told; nothing where there is no such one, or nothing to tell."""
        owner = self.dialect.owners.get(bucket)
        if owner is None:
            return ()
        said = make(*owner)
        return [(("v4_subaccounts", f"{owner[0]}/{owner[1]}"), lambda: said)] if said else ()

    def _positions(self, told: AccountSeen, address: str, number: int) -> Any:
        whole = shapes.subaccount(self.venue, told.account, address, number)
        gone = shapes.closed_positions(self.venue, told.account, number)
        return {
            "perpetualPositions": [
                row | {"address": address} for row in [*whole["openPerpetualPositions"].values(), *gone]
            ],
            "assetPositions": [row | {"address": address} for row in whole["assetPositions"].values()],
            "blockHeight": str(shapes.height(told.at_ns)),
        }

    def _order(self, told: OrderSeen, address: str, number: int) -> Any:
        known = self.venue.order(told.report.account, told.report.client_id)
        if known is None:
            return None
        row = self.dialect.order_of(known, address, number) | {
            "ticker": told.report.symbol,
            "status": shapes.STATUS.get(told.report.state, "CANCELED"),
            "totalFilled": text(abs(told.report.filled)),
        }
        return {"orders": [row], "blockHeight": str(shapes.height(told.report.at_ns))}

    def _of_fill(self, told: FillSeen) -> Sequence[Saying]:
        bucket, symbol = told.fill.account, told.fill.symbol
        row = self.dialect.fill_of(told.fill.trade_id, bucket)
        if row is None:
            return ()
        private = self._of(bucket, lambda address, number: {"fills": [row | {"market": symbol}]})
        traded = next(one for one in self.venue.trades[bucket] if one.fill.trade_id == told.fill.trade_id)
        public = shapes.public_trade(traded, told.fill.time_ns)
        return [*private, (("v4_trades", symbol), lambda: {"trades": [public]})]

    def _oracle(self, told: MarkSeen) -> Any:
        price = told.oracle_price if told.oracle_price is not None else told.mark_price
        row: dict[str, Any] = {
            "effectiveAt": shapes.iso(told.at_ns),
            "effectiveAtHeight": str(shapes.height(told.at_ns)),
        }
        if price is not None:
            row["oraclePrice"] = text(price)
        if told.symbol in self.venue.truth.symbols:
            row["marketId"] = self.venue.truth.symbols.index(told.symbol)
        contents: dict[str, Any] = {"oraclePrices": {told.symbol: row}}
        if told.funding_rate is not None:
            contents["trading"] = {told.symbol: {"nextFundingRate": text(told.funding_rate)}}
        return contents

    def _rate(self, told: Settled) -> Any:
        return {"trading": {told.symbol: {"nextFundingRate": text(told.rate)}}}

    def _channel(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        channel, name = str(body.get("channel")), str(body.get("id", ""))
        if channel == "v4_markets":
            return (channel,)
        if channel in OF_MARKETS:
            return (channel, self.dialect.symbol(name))
        if channel == "v4_subaccounts":
            address, _, number = name.partition("/")
            if not number.isdigit() or (address, int(number)) not in self.dialect.subaccounts:
                raise Unreadable("id is an address and a number of a subaccount that is here")
            return (channel, name)
        raise Unreadable(f"channel {channel[:40]!r} is not served here")

    def _first(self, channel: tuple[str, ...]) -> Any:
        """The whole of it, before its updates."""
        try:
            if channel[0] == "v4_markets":
                return self.dialect.markets({}, {})
            if channel[0] == "v4_orderbook":
                return shapes.levels(self.venue.book(channel[1]).depth)
            if channel[0] == "v4_trades":
                return self.dialect.public_trades({"market": channel[1]}, {"limit": "100"})
            address, _, number = channel[1].partition("/")
            query = {"address": address, "subaccountNumber": number}
            found = self.dialect.subaccount({"address": address, "number": number}, {})
            orders = self.dialect.orders({}, query | {"status": "OPEN"})
            return found | {"orders": orders, "blockHeight": str(shapes.height(self.venue.clock_ns))}
        except VenueUnavailable:
            raise Unreadable("the venue is away") from None

    def _about(self, kind: str, client: Client, channel: tuple[str, ...]) -> dict[str, Any]:
        out = {
            "type": kind,
            "connection_id": client.name,
            "message_id": client.sent,
            "channel": channel[0],
        }
        return out | ({"id": channel[1]} if len(channel) > 1 else {})
