"""Hyperliquid's `/info` and `/exchange`: one JSON document in, one out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perpbook.dialects import hyperliquid_shapes as shapes
from perpbook.dialects.asked import Unreadable, whole
from perpbook.dialects.hyperliquid_actions import Actions
from perpbook.dialects.keys import MadeUpKey
from perpbook.dialects.plain import decimal, milliseconds
from perpbook.dialects.venue import ServedVenue
from perpbook.model.order import OrderState


class Hyperliquid:
    """The dialect over one venue. `keys` : of its accounts."""

    def __init__(self, venue: ServedVenue, keys: tuple[MadeUpKey, ...]) -> None:
        self.venue = venue
        self.accounts = {key.public: key.account for key in keys}
        self.users = {key.account: key.public for key in keys}
        self.actions = Actions(venue, self.accounts)

    def info(self, body: Mapping[str, Any]) -> Any:
        """The answer to one `/info` request.

        Raises
        ------
        Unreadable : an unknown type, or a field that is not what it must be.
        VenueUnavailable : a fault.
        """
        self.venue.catch_up()
        asked = INFO.get(str(body.get("type")))
        if asked is None:
            raise Unreadable(f"info type {str(body.get('type'))[:40]!r} is not served here")
        if body.get("dex") not in (None, ""):
            raise Unreadable("no builder-deployed exchange is served here")
        return asked(self, body)

    def exchange(self, body: Mapping[str, Any]) -> Any:
        """The answer to one `/exchange` request; raises as `Actions.act`."""
        return self.actions.act(body)

    def account(self, body: Mapping[str, Any]) -> str | None:
        """The account of the user that is asked for, None for a stranger, who has nothing."""
        user = body.get("user")
        if not (isinstance(user, str) and user.startswith("0x") and len(user) == 42):
            raise Unreadable("user is not an address")
        return self.accounts.get(user.lower())

    def symbol(self, body: Mapping[str, Any]) -> str:
        """The contract that is asked for."""
        coin = body.get("coin")
        if coin not in self.venue.truth.symbols:
            raise Unreadable("coin is not traded here")
        return str(coin)

    def meta(self, body: Mapping[str, Any]) -> Any:
        """Contracts."""
        return shapes.meta(self.venue)

    def meta_and_contexts(self, body: Mapping[str, Any]) -> Any:
        """Contracts with their prices."""
        return [shapes.meta(self.venue), shapes.contexts(self.venue)]

    def state(self, body: Mapping[str, Any]) -> Any:
        """A user's account."""
        account = self.account(body)
        return EMPTY_STATE if account is None else shapes.state(self.venue, self.venue.seen(account))

    def book(self, body: Mapping[str, Any]) -> Any:
        """A book."""
        return shapes.book(self.venue.book(self.symbol(body)))

    def open_orders(self, body: Mapping[str, Any]) -> Any:
        """Orders that rest."""
        return [shapes.order(one) for one in self.known(body) if one.report.state is OrderState.OPEN]

    def front_open_orders(self, body: Mapping[str, Any]) -> Any:
        """The same with all details."""
        return [shapes.front_order(one) for one in self.known(body) if one.report.state is OrderState.OPEN]

    def historical_orders(self, body: Mapping[str, Any]) -> Any:
        """All orders, newest first."""
        return [shapes.with_status(one, front=True) for one in reversed(self.known(body))]

    def known(self, body: Mapping[str, Any]) -> tuple[Any, ...]:
        """Orders of the user."""
        account = self.account(body)
        return () if account is None else self.venue.known(account)

    def order_status(self, body: Mapping[str, Any]) -> Any:
        """What became of one order."""
        account, given = self.account(body), body.get("oid")
        found = None
        if account is not None and isinstance(given, str) and given.startswith("0x"):
            found = self.venue.find(account, client_id=given.lower())
        elif account is not None:
            found = self.venue.find(account, number=whole(given, "oid"))
        if found is None:
            return {"status": "unknownOid"}
        return {"status": "order", "order": shapes.with_status(found, front=True)}

    def fills(self, body: Mapping[str, Any]) -> Any:
        """Trades, newest first."""
        return list(reversed(self.fills_between(body, 0, None)))[:2000]

    def fills_by_time(self, body: Mapping[str, Any]) -> Any:
        """Trades of a span, oldest first."""
        end = body.get("endTime")
        return self.fills_between(
            body, whole(body.get("startTime"), "startTime"), None if end is None else whole(end, "endTime")
        )[:2000]

    def fills_between(self, body: Mapping[str, Any], start_ms: int, end_ms: int | None) -> list[dict[str, Any]]:
        """Trades of a user's, oldest first."""
        account = self.account(body)
        if account is None:
            return []
        self.venue.known(account)
        rows = [one for name in self.venue.names(account) for one in self.venue.trades[name]]
        rows.sort(key=lambda one: int(one.fill.trade_id))
        user = self.users[account]
        told = [shapes.fill(self.venue, one, user) for one in rows]
        return [one for one in told if start_ms <= one["time"] and (end_ms is None or one["time"] <= end_ms)]

    def funding_history(self, body: Mapping[str, Any]) -> Any:
        """Rates that were settled."""
        symbol = self.symbol(body)
        rows = [shapes.settlement(symbol, rate) for rate in self.venue.rates[symbol]]
        return between(rows, body)[:500]

    def user_funding(self, body: Mapping[str, Any]) -> Any:
        """Funding that a user received or paid."""
        account = self.account(body)
        names = () if account is None else self.venue.names(account)
        rows = [shapes.payment(one) for name in names for one in self.venue.truth.settled(name)]
        return between(sorted(rows, key=lambda row: row["time"]), body)[:500]

    def fees(self, body: Mapping[str, Any]) -> Any:
        """What a user pays; the volume of the past is not told."""
        self.account(body)
        tier = self.venue.truth.terms.fees[0]
        taker, maker = decimal(tier.taker_fee_rate), decimal(tier.maker_fee_rate)
        return {
            "dailyUserVlm": [],
            "feeSchedule": {"cross": taker, "add": maker, "tiers": {"vip": [], "mm": []}, "referralDiscount": "0.0"},
            "userCrossRate": taker,
            "userAddRate": maker,
            "activeReferralDiscount": "0.0",
        }

    def role(self, body: Mapping[str, Any]) -> Any:
        """What an address is."""
        return {"role": "missing" if self.account(body) is None else "user"}

    def asset_data(self, body: Mapping[str, Any]) -> Any:
        """A user's leverage in a contract, and its mark."""
        account, symbol = self.account(body), self.symbol(body)
        leverage = {"type": "cross", "value": shapes.max_leverage(self.venue.contract(symbol))}
        for one in () if account is None else self.venue.family(account):
            for held in one.positions:
                if held.symbol == symbol:
                    leverage = shapes.position(self.venue, one, held)["leverage"]
        mark = decimal(self.venue.truth.prices(symbol).mark)
        return {"user": body.get("user"), "coin": symbol, "leverage": leverage, "markPx": mark}


def between(rows: list[dict[str, Any]], body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows from `startTime` to `endTime`."""
    start, end = whole(body.get("startTime"), "startTime"), body.get("endTime")
    last = None if end is None else whole(end, "endTime")
    return [row for row in rows if start <= row["time"] and (last is None or row["time"] <= last)]


NOTHING = {"accountValue": "0.0", "totalNtlPos": "0.0", "totalRawUsd": "0.0", "totalMarginUsed": "0.0"}
EMPTY_STATE = {
    "marginSummary": NOTHING,
    "crossMarginSummary": NOTHING,
    "crossMaintenanceMarginUsed": "0.0",
    "withdrawable": "0.0",
    "assetPositions": [],
    "time": 0,
}


def nothing(made: Callable[[], Any]) -> Callable[[Hyperliquid, Mapping[str, Any]], Any]:
    """An answer that is the same for everybody."""
    return lambda dialect, body: made()


INFO: Mapping[str, Callable[[Hyperliquid, Mapping[str, Any]], Any]] = {
    "meta": Hyperliquid.meta,
    "metaAndAssetCtxs": Hyperliquid.meta_and_contexts,
    "spotMeta": nothing(shapes.spot_meta),
    "spotMetaAndAssetCtxs": nothing(lambda: [shapes.spot_meta(), []]),
    "perpDexs": nothing(lambda: [None]),
    "exchangeStatus": lambda dialect, body: {
        "specialStatuses": None,
        "time": milliseconds(dialect.venue.clock_ns),
    },
    "allMids": lambda dialect, body: shapes.mids(dialect.venue),
    "clearinghouseState": Hyperliquid.state,
    "spotClearinghouseState": nothing(lambda: {"balances": []}),
    "userAbstraction": nothing(lambda: "disabled"),
    "l2Book": Hyperliquid.book,
    "openOrders": Hyperliquid.open_orders,
    "frontendOpenOrders": Hyperliquid.front_open_orders,
    "historicalOrders": Hyperliquid.historical_orders,
    "orderStatus": Hyperliquid.order_status,
    "userFills": Hyperliquid.fills,
    "userFillsByTime": Hyperliquid.fills_by_time,
    "fundingHistory": Hyperliquid.funding_history,
    "userFunding": Hyperliquid.user_funding,
    "userNonFundingLedgerUpdates": nothing(list),
    "userFees": Hyperliquid.fees,
    "userRole": Hyperliquid.role,
    "activeAssetData": Hyperliquid.asset_data,
    "userRateLimit": nothing(lambda: {"cumVlm": "0.0", "nRequestsUsed": 0, "nRequestsCap": 10_000}),
    "extraAgents": nothing(list),
    "subAccounts": nothing(lambda: None),
    "maxBuilderFee": lambda dialect, body: dialect.actions.builder_fee(body),
}
"""What `/info` is asked for, and who answers."""
