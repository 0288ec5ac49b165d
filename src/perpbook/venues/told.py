"""What a client tells of orders and trades, as ours; whatever cannot be true raises ValueError."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perpbook.model.account import Order
from perpbook.model.order import Fill, OrderReport, OrderRequest, OrderState, RejectReason
from perpbook.venues.dialect import is_ours
from perpbook.venues.refusals import reason_in

MS_NS = 1_000_000
STATES = {
    "open": OrderState.OPEN,
    "closed": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.CANCELED,
    "rejected": OrderState.REJECTED,
    "canceling": OrderState.OPEN,
    "BEST_EFFORT_OPENED": OrderState.OPEN,
}
"""By the client's words; the last two are an indexer's that has not seen the block yet: such an order may still fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose answer it is. natives : the venue's own names of contracts, by the client's. names : ids of orders, by the venue's
    names of them. sizes : base units of one contract, by contract, where the venue counts in contracts."""

    venue: str
    account: str
    natives: Mapping[str, str]
    names: Mapping[str, str]
    sizes: Mapping[str, float] = field(default_factory=dict)

    def symbol(self, told: Mapping[str, Any]) -> str:
        """The contract of an order or a trade."""
        return self.natives.get(str(told["symbol"]), str(told["symbol"]))

    def client_id(self, told: Mapping[str, Any]) -> str:
        """Our id of an order, or the venue's where it has none of ours."""
        mine = str(told.get("clientOrderId") or "").removeprefix("0x")
        return mine if is_ours(mine) else self.names.get(str(told["id"]), str(told["id"]))

    def base(self, symbol: str, size: float) -> float:
        """Base units of a size as the venue counts it."""
        return scaled(size, self.sizes.get(symbol, 1.0))


def report_of(told: Mapping[str, Any], owner: Owner, symbol: str, client_id: str, now_ns: int) -> OrderReport:
    """How an order stands."""
    filled, average = owner.base(symbol, finite(told.get("filled") or 0.0)), told.get("average")
    if filled < 0.0:
        raise ValueError("less than nothing is filled")
    state = STATES[str(told.get("status"))]
    remaining = told.get("remaining")
    if state is OrderState.FILLED and remaining is not None and finite(remaining) > 0.0:
        state = OrderState.CANCELED
    at = int(told.get("lastUpdateTimestamp") or told.get("timestamp") or 0) * MS_NS
    why = str(told.get("why") or "") if state is OrderState.REJECTED else ""
    return OrderReport(
        client_id=client_id, account=owner.account, venue=owner.venue, symbol=symbol, state=state,
        filled=filled * side_of(told) if filled else 0.0, average_price=finite(average) if average else None,
        at_ns=at or now_ns, reason=reason_in(why) if state is OrderState.REJECTED else None, why=why,
    )  # fmt: skip


def fill_of(name: str, told: Mapping[str, Any], owner: Owner) -> Fill:
    """A trade. name : the order's id, or the venue's name of it."""
    mine, symbol = name.removeprefix("0x"), owner.symbol(told)
    return Fill(
        client_id=mine if is_ours(mine) else owner.names.get(name, ""), account=owner.account, venue=owner.venue,
        symbol=symbol, trade_id=str(told["id"]), quantity=side_of(told) * owner.base(symbol, above(told["amount"])),
        price=above(told["price"]), fee=finite((told.get("fee") or {}).get("cost") or 0.0),
        time_ns=int(told["timestamp"]) * MS_NS,
    )  # fmt: skip


def resting_of(told: Mapping[str, Any], owner: Owner) -> Order | None:
    """A resting order as an account shows it; None for one without a price, such as a stop."""
    remaining, price = told.get("remaining") or told.get("amount"), told.get("price")
    if not remaining or not price:
        return None
    symbol = owner.symbol(told)
    return Order(
        symbol=symbol, quantity=side_of(told) * owner.base(symbol, above(remaining)), limit_price=above(price),
        reduce_only=told.get("reduceOnly") is True, id=owner.client_id(told),
    )  # fmt: skip


def refused(request: OrderRequest, error: Exception, reason: RejectReason | None, now_ns: int) -> OrderReport:
    """A refusal in the venue's own words."""
    words = said(error)
    return OrderReport(
        client_id=request.client_id, account=request.account, venue=request.venue, symbol=request.symbol,
        state=OrderState.REJECTED, filled=0.0, average_price=None, at_ns=now_ns, reason=reason or reason_in(words),
        why=words,
    )  # fmt: skip


def said(error: Exception) -> str:
    """A venue's words, short, without addresses, keys and signatures that a client may have put among them."""
    words = [
        one for one in str(error).split() if "://" not in one and not re.search(r"(?i)signature=|apikey|secret", one)
    ]
    return re.sub(r"(0x)?[0-9a-fA-F]{40,}", "...", " ".join(words))[:200]


def side_of(told: Mapping[str, Any]) -> float:
    """1 for a purchase, -1 for a sale."""
    sides = {"buy": 1.0, "sell": -1.0}
    if told["side"] not in sides:
        raise ValueError("neither bought nor sold")
    return sides[told["side"]]


def finite(value: Any) -> float:
    """A number."""
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("not a number")
    return found


def above(value: Any) -> float:
    """A number above nothing."""
    found = finite(value)
    if found <= 0.0:
        raise ValueError("not above nothing")
    return found


def scaled(size: float, by: float) -> float:
    """A size in another unit, as the decimal number of twelve digits that it is: 0.29 / 0.01 is 29."""
    return size if by == 1.0 else float(f"{size * by:.12g}")
