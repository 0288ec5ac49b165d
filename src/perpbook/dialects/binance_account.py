"""What an account asks of Binance: its state, its orders and trades, orders placed and taken back, its timers, its stream."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from perpbook.dialects import binance_shapes as shapes
from perpbook.dialects.asked import flag, number, whole
from perpbook.dialects.binance import Binance, ListenKey, Refused, limited
from perpbook.dialects.plain import text
from perpbook.dialects.venue import Known
from perpbook.model.account import MarginMode
from perpbook.model.order import OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.model.units import SECOND_NS

TIFS = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "GTX": TimeInForce.POST}
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
REFUSALS = {
    RejectReason.REDUCE_ONLY: -2022,
    RejectReason.MARGIN: -2019,
    RejectReason.PRICE: -4014,
    RejectReason.SIZE: -4164,
    RejectReason.POST_ONLY: -5022,
    RejectReason.DUPLICATE: -4116,
    RejectReason.CLOSED: -4192,
}
MARKET_REACH = 0.149
"""How far from the mark a market order may trade, a fraction: within the venue's band of 15 % (PERCENT_PRICE)."""

LISTEN_KEY_NS = 60 * 60 * SECOND_NS
"""How long a listen key is good."""

Given = Mapping[str, str]


class BinanceAccount:
    """Signed requests over one dialect; each takes the account and what it asks."""

    def __init__(self, dialect: Binance) -> None:
        self.dialect = dialect
        self.venue = dialect.venue

    def account(self, account: str, given: Given) -> Any:
        """Balances and positions."""
        return shapes.account(self.venue, self.venue.seen(account))

    def balance(self, account: str, given: Given) -> Any:
        """Balances."""
        rows = shapes.account(self.venue, self.venue.seen(account))["assets"]
        kept = ("asset", "crossWalletBalance", "crossUnPnl", "availableBalance", "marginAvailable", "updateTime")
        extra = "maxWithdrawAmount"
        return [
            {key: row[key] for key in (*kept, extra)} | {"accountAlias": "perpbook", "balance": row["walletBalance"]}
            for row in rows
        ]

    def risk(self, account: str, given: Given) -> Any:
        """Positions."""
        rows = [
            shapes.position(self.venue, one.account, held)
            for one in self.venue.seen(account)
            for held in one.account.positions
        ]
        return [row for row in rows if given.get("symbol") in (None, "", row["symbol"])]

    def brackets(self, account: str, given: Given) -> Any:
        """Tiers."""
        names = [self.dialect.symbol(given)] if given.get("symbol") else self.venue.truth.symbols
        return [shapes.brackets(self.venue.contract(name)) for name in names]

    def commission(self, account: str, given: Given) -> Any:
        """Fees in a contract."""
        tier = self.venue.truth.terms.fees[0]
        return {
            "symbol": self.dialect.symbol(given),
            "makerCommissionRate": text(tier.maker_fee_rate),
            "takerCommissionRate": text(tier.taker_fee_rate),
        }

    def place(self, account: str, given: Given) -> Any:
        """Place an order; raises BrokenOnPurpose, Hanging, too."""
        self.venue.catch_up()
        request = self._request(account, given)
        report = self.venue.place(request)
        if report.state is OrderState.REJECTED:
            raise Refused(REFUSALS.get(report.reason, -2010) if report.reason else -2010, report.why)
        known = self.venue.order(request.account, request.client_id)
        assert known is not None, "an order that was not refused is known"
        return shapes.order(known) | {"type": given.get("type", "LIMIT").upper()}

    def _request(self, account: str, given: Given) -> OrderRequest:
        symbol, kind, side = self.dialect.symbol(given), given.get("type", ""), given.get("side", "")
        if kind not in ("LIMIT", "MARKET"):
            raise Refused(-4120, "Only LIMIT and MARKET orders are served here.")
        if side not in ("BUY", "SELL"):
            raise Refused(-1117, "Invalid side.")
        if given.get("positionSide", "BOTH") != "BOTH":
            raise Refused(-4061, "Order's position side does not match user's setting.")
        size = number(given.get("quantity"), "quantity")
        tif = TimeInForce.IOC if kind == "MARKET" else TIFS.get(given.get("timeInForce", ""))
        if tif is None:
            raise Refused(-1115, "Invalid timeInForce.")
        price = self._reach(symbol, side) if kind == "MARKET" else number(given.get("price"), "price")
        if size <= 0.0 or price <= 0.0:
            raise Refused(-4003, "Quantity and price are greater than zero.")
        name = given.get("newClientOrderId") or self.venue.nameless()
        if not CLIENT_ID.fullmatch(name):
            raise Refused(-4015, "Client order id is not valid.")
        return OrderRequest(
            client_id=name,
            account=self.venue.at_home(account, symbol),
            venue=self.venue.truth.name,
            symbol=symbol,
            quantity=size if side == "BUY" else -size,
            limit_price=price,
            reduce_only=flag(given.get("reduceOnly"), "reduceOnly"),
            time_in_force=tif,
        )

    def _reach(self, symbol: str, side: str) -> float:
        return self.venue.truth.whole_ticks(symbol, 1.0 + (MARKET_REACH if side == "BUY" else -MARKET_REACH))

    def _found(self, account: str, given: Given) -> Known | None:
        symbol, named = self.dialect.symbol(given), given.get("origClientOrderId")
        if named is None and "orderId" not in given:
            raise Refused(-1102, "Either 'origClientOrderId' or 'orderId' must be sent.")
        wanted = None if named is not None else whole(given["orderId"], "orderId")
        found = self.venue.find(account, number=wanted, client_id=named)
        return found if found is not None and found.report.symbol == symbol else None

    def order(self, account: str, given: Given) -> Any:
        """What became of an order; one that was refused does not exist."""
        self.venue.known(account)
        found = self._found(account, given)
        if found is None or found.report.state is OrderState.REJECTED:
            raise Refused(-2013, "Order does not exist.")
        return shapes.order(found)

    def cancel(self, account: str, given: Given) -> Any:
        """Take an order back."""
        self.venue.catch_up()
        found = self._found(account, given)
        if found is None or found.report.state is not OrderState.OPEN:
            raise Refused(-2011, "Unknown order sent.")
        request = found.request
        self.venue.cancel(request.account, request.symbol, request.client_id)
        after = self.venue.order(request.account, request.client_id)
        assert after is not None, "an order that was known is"
        return shapes.order(after)

    def cancel_all(self, account: str, given: Given) -> Any:
        """Take back every order in a contract."""
        self.venue.catch_up()
        symbol = self.dialect.symbol(given)
        for name in self.venue.names(account):
            self.venue.truth.cancel_all(name, self.venue.truth.now_ns, symbol)
        self.venue.collect()
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def open_orders(self, account: str, given: Given) -> Any:
        """Orders that rest."""
        rows = [shapes.order(one) for one in self.venue.known(account) if one.report.state is OrderState.OPEN]
        return [row for row in rows if given.get("symbol") in (None, "", row["symbol"])]

    def open_order(self, account: str, given: Given) -> Any:
        """One that rests."""
        self.venue.known(account)
        found = self._found(account, given)
        if found is None or found.report.state is not OrderState.OPEN:
            raise Refused(-2013, "Order does not exist.")
        return shapes.order(found)

    def all_orders(self, account: str, given: Given) -> Any:
        """Orders in a contract, oldest first."""
        symbol = self.dialect.symbol(given)
        known = [one for one in self.venue.known(account) if one.report.state is not OrderState.REJECTED]
        return limited([shapes.order(one) for one in known if one.report.symbol == symbol], "time", given, 500)

    def trades(self, account: str, given: Given) -> Any:
        """Trades in a contract, oldest first."""
        symbol = self.dialect.symbol(given)
        self.venue.known(account)
        rows = [
            shapes.trade(self.venue, one)
            for name in self.venue.names(account)
            for one in self.venue.trades[name]
            if one.fill.symbol == symbol
        ]
        if "orderId" in given:
            rows = [row for row in rows if row["orderId"] == whole(given["orderId"], "orderId")]
        return limited(rows, "time", given, 500)

    def income(self, account: str, given: Given) -> Any:
        """Funding, oldest first; other income is not told."""
        if given.get("incomeType", "FUNDING_FEE") != "FUNDING_FEE":
            return []
        settled = [one for name in self.venue.names(account) for one in self.venue.truth.settled(name)]
        rows = [shapes.income(self.venue, place, one) for place, one in enumerate(settled)]
        kept = [row for row in rows if given.get("symbol") in (None, "", row["symbol"])]
        return limited(sorted(kept, key=lambda row: int(row["time"])), "time", given, 100)

    def countdown(self, account: str, given: Given) -> Any:
        """Set the timer that cancels the orders in a contract, or clear it with 0. Milliseconds are the client's."""
        self.venue.catch_up()
        symbol, wait_ms = self.dialect.symbol(given), whole(given.get("countdownTime"), "countdownTime")
        now, at = self.venue.truth.now_ns, None
        if wait_ms > 0:
            at = now + int(wait_ms * 1_000_000 * self.venue.pace.speed)
        for name in self.venue.names(account):
            refused = self.venue.truth.schedule_cancel(name, at, now, symbol)
            if refused:
                raise Refused(-1100, refused)
        return {"symbol": symbol, "countdownTime": str(wait_ms)}

    def leverage(self, account: str, given: Given) -> Any:
        """Set a contract's leverage."""
        self.venue.catch_up()
        symbol, wanted = self.dialect.symbol(given), whole(given.get("leverage"), "leverage")
        home = self.venue.at_home(account, symbol)
        refused = self.venue.truth.set_leverage(home, symbol, wanted, self.venue.truth.now_ns)
        self.venue.collect()
        if refused:
            raise Refused(-4028, refused)
        tiers = self.venue.contract(symbol).tiers.tiers
        return {
            "symbol": symbol,
            "leverage": wanted,
            "maxNotionalValue": text(tiers[1].lower if len(tiers) > 1 else 1e15),
        }

    def margin_type(self, account: str, given: Given) -> Any:
        """A contract's margin mode, which stays as it is here."""
        symbol = self.dialect.symbol(given)
        mode = self.venue.truth.account(self.venue.at_home(account, symbol)).mode
        if (given.get("marginType", "").upper() == "ISOLATED") == (mode is MarginMode.ISOLATED):
            raise Refused(-4046, "No need to change margin type.")
        raise Refused(-4048, "Margin type cannot be changed here.")

    def listen_key(self, account: str, given: Given) -> Any:
        """A key of the account's stream for another hour: the one that is good, else a new one."""
        found = self._listen_key(account)
        if found is None:
            self.dialect.listen_keys_made += 1
            found = hashlib.sha256(f"stream {account} {self.dialect.listen_keys_made}".encode()).hexdigest()
        self.dialect.listen_keys[found] = ListenKey(account, self.venue.pace.wall_ns + LISTEN_KEY_NS)
        return {"listenKey": found}

    def kept_listen_key(self, account: str, given: Given) -> Any:
        """The key that is good, for another hour."""
        if self._listen_key(account) is None:
            raise Refused(-1125, "This listenKey does not exist.")
        return self.listen_key(account, given)

    def no_listen_key(self, account: str, given: Given) -> Any:
        """Its time is up."""
        found = self._listen_key(account)
        if found is not None:
            self.dialect.listen_keys[found] = ListenKey(account, 0)
        return {}

    def _listen_key(self, account: str) -> str | None:
        now = self.venue.pace.wall_ns
        good = (name for name, key in self.dialect.listen_keys.items() if key.account == account and key.until_ns > now)
        return next(good, None)

    def one_way(self, account: str, given: Given) -> Any:
        """One position a contract."""
        return {"dualSidePosition": False}

    def one_asset(self, account: str, given: Given) -> Any:
        """One settle coin."""
        return {"multiAssetsMargin": False}


SIGNED: Mapping[tuple[str, str], Callable[[BinanceAccount, str, Given], Any]] = {
    ("GET", "/account"): BinanceAccount.account,
    ("GET", "/balance"): BinanceAccount.balance,
    ("GET", "/positionRisk"): BinanceAccount.risk,
    ("GET", "/leverageBracket"): BinanceAccount.brackets,
    ("GET", "/commissionRate"): BinanceAccount.commission,
    ("POST", "/order"): BinanceAccount.place,
    ("GET", "/order"): BinanceAccount.order,
    ("DELETE", "/order"): BinanceAccount.cancel,
    ("DELETE", "/allOpenOrders"): BinanceAccount.cancel_all,
    ("GET", "/openOrders"): BinanceAccount.open_orders,
    ("GET", "/openOrder"): BinanceAccount.open_order,
    ("GET", "/allOrders"): BinanceAccount.all_orders,
    ("GET", "/userTrades"): BinanceAccount.trades,
    ("GET", "/income"): BinanceAccount.income,
    ("POST", "/countdownCancelAll"): BinanceAccount.countdown,
    ("POST", "/leverage"): BinanceAccount.leverage,
    ("POST", "/marginType"): BinanceAccount.margin_type,
    ("GET", "/positionSide/dual"): BinanceAccount.one_way,
    ("GET", "/multiAssetsMargin"): BinanceAccount.one_asset,
}
"""What must be signed."""

STREAM_KEYS: Mapping[str, Callable[[BinanceAccount, str, Given], Any]] = {
    "POST": BinanceAccount.listen_key,
    "PUT": BinanceAccount.kept_listen_key,
    "DELETE": BinanceAccount.no_listen_key,
}
"""`listenKey`, for which the API key alone is enough."""
