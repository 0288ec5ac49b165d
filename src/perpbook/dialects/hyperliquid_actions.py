"""Hyperliquid's `/exchange`: signed actions in, statuses out.

Sources: the venue's documentation of the exchange endpoint, nonces and error responses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from perpbook.dialects.asked import Unreadable, Unsigned, flag, listed, mapping, number, whole
from perpbook.dialects.hyperliquid_signed import signer
from perpbook.dialects.plain import decimal
from perpbook.dialects.venue import ServedVenue
from perpbook.model.account import MarginMode
from perpbook.model.order import OrderReport, OrderRequest, OrderState, TimeInForce
from perpbook.model.units import DAY_NS

MILLISECOND_NS = 1_000_000
TIFS = {
    "Gtc": TimeInForce.GTC,
    "Ioc": TimeInForce.IOC,
    "Alo": TimeInForce.POST,
    "FrontendMarket": TimeInForce.IOC,
}
CLOID = re.compile(r"0x[0-9a-f]{32}")
NEVER = "Order was never placed, already canceled, or filled."
NONCES = 100
"""Nonces that the venue remembers of an address."""


class Refusal(Exception):
    """The whole action is refused, in the venue's words."""


class Actions:
    """Acts on one venue. `accounts` : by address."""

    def __init__(self, venue: ServedVenue, accounts: Mapping[str, str]) -> None:
        self.venue = venue
        self.accounts = accounts
        self.nonces: dict[str, list[int]] = {address: [] for address in accounts}
        self.builders: dict[tuple[str, str], str] = {}

    def act(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a signed request asks; every refusal is an answer.

        Raises
        ------
        Unreadable : the request is no action.
        BrokenOnPurpose, Hanging : a fault.
        """
        action = mapping(body.get("action"), "action")
        acted = ACTIONS.get(str(action.get("type")))
        if acted is None:
            raise Unreadable(f"action {str(action.get('type'))[:40]!r} is not served here")
        try:
            address = signer(body, self.accounts)
            self._check(address, body)
            return {"status": "ok", "response": acted(self, address, action)}
        except (Unsigned, Refusal) as refused:
            return {"status": "err", "response": str(refused)}

    def builder_fee(self, body: Mapping[str, Any]) -> int:
        """The fee that a user approved for a builder, tenths of a basis point; 0 for none."""
        user, builder = str(body.get("user")).lower(), str(body.get("builder")).lower()
        rate = self.builders.get((user, builder), "0%")
        return round(number(rate.rstrip("%"), "maxFeeRate") * 1000)

    def _check(self, address: str, body: Mapping[str, Any]) -> None:
        """Nonces are new and of about now; nobody acts for another."""
        nonce, seen = whole(body.get("nonce"), "nonce"), self.nonces[address]
        if not self.venue.is_near(nonce * MILLISECOND_NS, 2 * DAY_NS, DAY_NS):
            raise Refusal(f"Invalid nonce: {nonce} is not within two days before and one day after the venue's time")
        if nonce in seen or (len(seen) == NONCES and nonce < seen[0]):
            raise Refusal(f"Invalid nonce: duplicate nonce {nonce}")
        self.nonces[address] = sorted([*seen, nonce])[-NONCES:]
        expires = body.get("expiresAfter")
        if expires is not None and whole(expires, "expiresAfter") * MILLISECOND_NS < self.venue.pace.wall_ns:
            raise Refusal("Action expired")
        vault = body.get("vaultAddress")
        if vault is not None and str(vault).lower() != address:
            raise Refusal(f"Vault not registered: {vault}")

    def order(self, address: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Place orders, one after the other."""
        rows = listed(action.get("orders"), "orders")
        if action.get("grouping", "na") != "na":
            raise Unreadable("only orders without grouping are served here")
        self._check_builder(address, action)
        account = self.accounts[address]
        read = [self._request(account, mapping(row, "order")) for row in rows]
        statuses = [self._placed(one, row["a"]) for one, row in zip(read, rows, strict=True)]
        return {"type": "order", "data": {"statuses": statuses}}

    def _check_builder(self, address: str, action: Mapping[str, Any]) -> None:
        given = action.get("builder")
        if given is not None and (address, str(mapping(given, "builder").get("b")).lower()) not in self.builders:
            raise Refusal("Builder fee has not been approved.")

    def _request(self, account: str, row: Mapping[str, Any]) -> OrderRequest:
        kind = mapping(row.get("t"), "t")
        if "limit" not in kind:
            raise Unreadable("only limit orders are served here, no triggers")
        tif = TIFS.get(str(mapping(kind["limit"], "limit").get("tif")))
        if tif is None:
            raise Unreadable("tif is Gtc, Ioc, Alo or FrontendMarket")
        symbol = self._symbol(row.get("a"))
        size, price = number(row.get("s"), "s"), number(row.get("p"), "p")
        if size <= 0.0 or price <= 0.0:
            raise Unreadable("a size and a price are above zero")
        given = row.get("c")
        if given is not None and not CLOID.fullmatch(str(given).lower()):
            raise Unreadable("c is 0x and 32 hexadecimal digits")
        return OrderRequest(
            client_id=self.venue.nameless() if given is None else str(given).lower(),
            account=self.venue.at_home(account, symbol),
            venue=self.venue.truth.name,
            symbol=symbol,
            quantity=size if flag(row.get("b"), "b") else -size,
            limit_price=price,
            reduce_only=flag(row.get("r"), "r"),
            time_in_force=tif,
        )

    def _symbol(self, asset: Any) -> str:
        place = whole(asset, "asset")
        if not 0 <= place < len(self.venue.truth.symbols):
            raise Unreadable(f"asset {place} is not traded here")
        return self.venue.truth.symbols[place]

    def _placed(self, request: OrderRequest, asset: Any) -> dict[str, Any]:
        report = self.venue.place(request)
        is_empty = report.state is OrderState.CANCELED and report.filled == 0.0
        if report.state is OrderState.REJECTED or is_empty:
            return {"error": f"{report.why} asset={asset}"}
        known = self.venue.order(report.account, report.client_id)
        told: dict[str, Any] = {"oid": known.number if known else 0}
        if request.client_id.startswith("0x"):
            told["cloid"] = request.client_id
        return {"filled": filled(report) | told} if report.state is not OrderState.OPEN else {"resting": told}

    def cancel(self, address: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Take orders back by the venue's numbers."""
        account, statuses = self.accounts[address], []
        for row in listed(action.get("cancels"), "cancels"):
            one = mapping(row, "cancel")
            self._symbol(one.get("a"))
            statuses.append(self._canceled(account, number_=whole(one.get("o"), "o")))
        return {"type": "cancel", "data": {"statuses": statuses}}

    def cancel_by_cloid(self, address: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Take orders back by the client's ids."""
        account, statuses = self.accounts[address], []
        for row in listed(action.get("cancels"), "cancels"):
            one = mapping(row, "cancel")
            self._symbol(one.get("asset"))
            statuses.append(self._canceled(account, client_id=str(one.get("cloid")).lower()))
        return {"type": "cancel", "data": {"statuses": statuses}}

    def _canceled(self, account: str, number_: int | None = None, client_id: str | None = None) -> Any:
        found = self.venue.find(account, number=number_, client_id=client_id)
        if found is None or found.report.state is not OrderState.OPEN:
            return {"error": NEVER}
        request = found.request
        report = self.venue.cancel(request.account, request.symbol, request.client_id)
        return "success" if report.state is OrderState.CANCELED else {"error": NEVER}

    def schedule_cancel(self, address: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Set or clear the dead man's switch. The time is the client's; the venue's own runs at its speed."""
        self.venue.catch_up()
        given, at = action.get("time"), None
        if given is not None:
            at = self.venue.pace.at_venue(whole(given, "time") * MILLISECOND_NS)
        for name in self.venue.names(self.accounts[address]):
            refused = self.venue.truth.schedule_cancel(name, at, self.venue.truth.now_ns)
            if refused:
                raise Refusal(f"Cannot set scheduled cancel time: {refused}")
        return {"type": "default"}

    def update_leverage(self, address: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Set a contract's leverage; its margin mode stays."""
        self.venue.catch_up()
        symbol = self._symbol(action.get("asset"))
        account = self.venue.at_home(self.accounts[address], symbol)
        is_cross = self.venue.truth.account(account).mode is MarginMode.CROSS
        if flag(action.get("isCross"), "isCross") != is_cross:
            raise Refusal("The margin mode of a contract does not change here.")
        leverage = whole(action.get("leverage"), "leverage")
        refused = self.venue.truth.set_leverage(account, symbol, leverage, self.venue.truth.now_ns)
        self.venue.collect()
        if refused:
            raise Refusal(refused)
        return {"type": "default"}

    def approve_builder_fee(self, address: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Remember it; fills are not charged for it here."""
        number(str(action.get("maxFeeRate")).rstrip("%"), "maxFeeRate")
        self.builders[address, str(action.get("builder")).lower()] = str(action.get("maxFeeRate"))
        return {"type": "default"}

    def accepted(self, address: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Signed, heard, and of no effect."""
        return {"type": "default"}


def filled(report: OrderReport) -> dict[str, str]:
    """What of an order has traded."""
    return {"totalSz": decimal(abs(report.filled)), "avgPx": decimal(round(report.average_price or 0.0, 8))}


ACTIONS: Mapping[str, Callable[[Actions, str, Mapping[str, Any]], dict[str, Any]]] = {
    "order": Actions.order,
    "cancel": Actions.cancel,
    "cancelByCloid": Actions.cancel_by_cloid,
    "scheduleCancel": Actions.schedule_cancel,
    "updateLeverage": Actions.update_leverage,
    "approveBuilderFee": Actions.approve_builder_fee,
    "setReferrer": Actions.accepted,
    "noop": Actions.accepted,
}
"""What may be asked, and who does it."""
