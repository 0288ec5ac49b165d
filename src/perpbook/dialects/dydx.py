"""dYdX's indexer: GET requests over markets, subaccounts, orders, fills and funding."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.dialects import dydx_shapes as shapes
from perpbook.dialects.asked import Unreadable
from perpbook.dialects.dydx_shapes import Written
from perpbook.dialects.keys import MadeUpKey
from perpbook.dialects.plain import text
from perpbook.dialects.venue import Known, ServedVenue
from perpbook.model.order import OrderState
from perpbook.model.units import SECOND_NS

ISOLATED_FROM = 128
"""Subaccount numbers of isolated positions begin here."""


@dataclass(eq=False)
class Dydx:
    """The dialect over one venue. `written` : what orders say beside the exchange's own, by bucket and client id."""

    venue: ServedVenue
    keys: tuple[MadeUpKey, ...]
    written: dict[tuple[str, str], Written] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.subaccounts: dict[tuple[str, int], str] = {}
        for key in self.keys:
            main, *isolated = self.venue.names(key.account)
            self.subaccounts[key.public, 0] = main
            for count, name in enumerate(isolated):
                self.subaccounts[key.public, ISOLATED_FROM + count] = name
        self.owners = {name: owner for owner, name in self.subaccounts.items()}

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """The answer to one request of the indexer, None where there is no such thing.

        Raises
        ------
        Unreadable : a field that is not what it must be.
        VenueUnavailable : a fault.
        """
        self.venue.catch_up()
        for pattern, answer in ROUTES:
            found = re.fullmatch(pattern, path)
            if found:
                return answer(self, found.groupdict(), query)
        return None

    def symbol(self, name: str) -> str:
        """A market that trades here."""
        if name not in self.venue.truth.symbols:
            raise Unreadable(f"market {name[:20]!r} does not trade here")
        return name

    def asked(self, query: Mapping[str, str]) -> tuple[str, int, str] | None:
        """Address, number and bucket of the subaccount that is asked for; None for one that has nothing here."""
        address, number = query.get("address", ""), query.get("subaccountNumber", "0")
        if not address.startswith("dydx1") or not number.isdigit():
            raise Unreadable("address begins with dydx1, and subaccountNumber is a number")
        bucket = self.subaccounts.get((address, int(number)))
        return None if bucket is None else (address, int(number), bucket)

    def time(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """The venue's time."""
        now = self.venue.clock_ns
        return {"iso": shapes.iso(now), "epoch": now // 1_000_000 / 1000}

    def height(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """The last block."""
        now = self.venue.clock_ns
        return {"height": str(shapes.height(now)), "time": shapes.iso(now // SECOND_NS * SECOND_NS)}

    def markets(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """All markets, or one."""
        only = query.get("ticker") or query.get("market")
        names = [self.symbol(only)] if only else self.venue.truth.symbols
        return {"markets": {name: shapes.market(self.venue, name) for name in names}}

    def book(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """A book."""
        return shapes.levels(self.venue.book(self.symbol(parts["market"])).depth)

    def funding(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """Settlements, newest first."""
        symbol = self.symbol(parts["market"])
        rows = [shapes.rate(symbol, one) for one in self.venue.rates[symbol]]
        before = query.get("effectiveBeforeOrAt")
        kept = [row for row in rows if before is None or row["effectiveAt"] <= before]
        return {"historicalFunding": shapes.newest(kept, query.get("limit"))}

    def public_trades(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """Trades of the accounts here: the crowd's own are not made up."""
        symbol, skew = self.symbol(parts["market"]), self.venue.faults.skew_ns
        rows = [one for trades in self.venue.trades.values() for one in trades if one.fill.symbol == symbol]
        rows.sort(key=lambda one: int(one.fill.trade_id))
        told = [shapes.public_trade(one, one.fill.time_ns + skew) for one in rows]
        return {"trades": shapes.newest(told, query.get("limit"))}

    def subaccount(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """One subaccount."""
        found = self.asked({"address": parts["address"], "subaccountNumber": parts["number"]})
        return None if found is None else {"subaccount": self.shown(*found)}

    def address(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """All subaccounts of an address."""
        found = [
            (owner, number, name) for (owner, number), name in self.subaccounts.items() if owner == parts["address"]
        ]
        if not found:
            return None
        return {"subaccounts": [self.shown(*one) for one in found], "totalTradingRewards": "0"}

    def shown(self, address: str, number: int, bucket: str) -> dict[str, Any]:
        """A subaccount, as a read shows it."""
        seen = self.venue.seen(bucket)[0]
        return shapes.subaccount(self.venue, seen.account, address, number)

    def positions(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """Open positions; closed ones are not kept."""
        found = self.asked(query)
        if found is None or query.get("status", "OPEN") != "OPEN":
            return {"positions": []}
        return {"positions": list(self.shown(*found)["openPerpetualPositions"].values())}

    def assets(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """What coins there are."""
        found = self.asked(query)
        return {"positions": [] if found is None else list(self.shown(*found)["assetPositions"].values())}

    def orders(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """Orders of a subaccount, newest first."""
        found = self.asked(query)
        if found is None:
            return []
        address, number, bucket = found
        known = [one for one in self.venue.known(bucket) if one.request.account == bucket]
        rows = [self.order_of(one, address, number) for one in known if one.report.state is not OrderState.REJECTED]
        wanted = query.get("status", "").split(",") if query.get("status") else None
        kept = [
            row
            for row in rows
            if (wanted is None or row["status"] in wanted) and query.get("ticker") in (None, row["ticker"])
        ]
        return shapes.newest(kept, query.get("limit"))

    def order(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """One order, by the indexer's id."""
        for (address, number), bucket in self.subaccounts.items():
            for one in self.venue.known(bucket):
                row = self.order_of(one, address, number)
                if one.request.account == bucket and row["id"] == parts["id"]:
                    return row
        return None

    def order_of(self, known: Known, address: str, number: int) -> dict[str, Any]:
        """An order, told."""
        return shapes.order(known, self.written_of(known), address, number)

    def written_of(self, known: Known) -> Written:
        """What a dYdX order said beside; of one placed otherwise (a hand's), what it could have said."""
        found = self.written.get((known.request.account, known.request.client_id))
        pair = self.venue.truth.symbols.index(known.report.symbol)
        return found or Written(client_id=known.number, flags=0, clob_pair=pair, good_til=0, metadata=0)

    def fills(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """Trades of a subaccount, newest first."""
        found = self.asked(query)
        if found is None:
            return {"fills": []}
        bucket = found[2]
        self.venue.known(bucket)
        rows = [self.fill_of(one.fill.trade_id, bucket) for one in self.venue.trades[bucket]]
        kept = [row for row in rows if row and query.get("market") in (None, row["market"])]
        return {"fills": shapes.newest(kept, query.get("limit"))}

    def fill_of(self, trade_id: str, bucket: str) -> dict[str, Any] | None:
        """A trade, told; None for one never heard of."""
        traded = next((one for one in self.venue.trades[bucket] if one.fill.trade_id == trade_id), None)
        if traded is None:
            return None
        address, number = self.owners[bucket]
        known = self.venue.order(bucket, traded.fill.client_id)
        order_id = "" if known is None else shapes.order_uuid(address, number, self.written_of(known))
        return shapes.fill(traded, order_id, number, traded.fill.time_ns + self.venue.faults.skew_ns)

    def payments(self, parts: Mapping[str, str], query: Mapping[str, str]) -> Any:
        """Funding of a subaccount, newest first."""
        found = self.asked(query)
        rows = () if found is None else self.venue.truth.settled(found[2])
        told = [
            {
                "createdAt": shapes.iso(one.at_ns),
                "createdAtHeight": str(shapes.height(one.at_ns)),
                "perpetualId": str(self.venue.truth.symbols.index(one.symbol)),
                "ticker": one.symbol,
                "oraclePrice": text(one.price),
                "size": text(one.quantity),
                "side": "LONG" if one.quantity > 0.0 else "SHORT",
                "rate": text(one.rate),
                "payment": text(round(one.cash, 6)),
                "subaccountNumber": query.get("subaccountNumber", "0"),
                "fundingIndex": "0",
            }
            for one in rows
        ]
        return {"fundingPayments": shapes.newest(told, query.get("limit"), query.get("page"))}


Answered = Callable[[Dydx, Mapping[str, str], Mapping[str, str]], Any]
ROUTES: tuple[tuple[str, Answered], ...] = (
    ("/time", Dydx.time),
    ("/height", Dydx.height),
    ("/perpetualMarkets", Dydx.markets),
    ("/orderbooks/perpetualMarket/(?P<market>[^/]+)", Dydx.book),
    ("/historicalFunding/(?P<market>[^/]+)", Dydx.funding),
    ("/trades/perpetualMarket/(?P<market>[^/]+)", Dydx.public_trades),
    ("/addresses/(?P<address>[^/]+)", Dydx.address),
    ("/addresses/(?P<address>[^/]+)/subaccountNumber/(?P<number>[^/]+)", Dydx.subaccount),
    ("/perpetualPositions", Dydx.positions),
    ("/assetPositions", Dydx.assets),
    ("/orders", Dydx.orders),
    ("/orders/(?P<id>[^/]+)", Dydx.order),
    ("/fills", Dydx.fills),
    ("/fundingPayments", Dydx.payments),
)
"""What the indexer is asked for, without its `/v4`, and who answers."""
