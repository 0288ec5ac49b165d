"""An order from its intent to its end, and what a venue says of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class TimeInForce(Enum):
    """IOC: what does not fill at once is gone. GTC: rests until cancelled. POST: rests, or is refused."""

    IOC = "ioc"
    GTC = "gtc"
    POST = "post"


class OrderState(Enum):
    """INTENDED: written down, not known to be sent. UNKNOWN: sent, no answer; may live. OPEN, then one of FILLED, CANCELED (also
    what is left of an IOC), REJECTED; ABSENT: the venue, asked for it, has never heard of it."""

    INTENDED = "intended"
    UNKNOWN = "unknown"
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    ABSENT = "absent"

    @property
    def is_final(self) -> bool:
        """Nothing more can happen to it."""
        return self in (OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED)


class RejectReason(Enum):
    """Why a venue refused an order; a closed set. OTHER carries its words beside."""

    REDUCE_ONLY = "reduce_only"
    MARGIN = "margin"
    PRICE = "price"
    SIZE = "size"
    POST_ONLY = "post_only"
    RATE_LIMIT = "rate_limit"
    DUPLICATE = "duplicate"
    CLOSED = "closed"
    AUTH = "auth"
    BUILDER = "builder"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What is sent. `quantity` signed, buy > 0 > sell, whole lots in the contract's own unit; `limit_price` in whole ticks.

    `client_id` : 32 hex letters (`client_id_of`); a venue's adapter writes it in the venue's own form.
    """

    client_id: str
    account: str
    venue: str
    symbol: str
    quantity: float
    limit_price: float
    reduce_only: bool
    time_in_force: TimeInForce = TimeInForce.IOC

    def __post_init__(self) -> None:
        assert self.quantity != 0.0 and self.limit_price > 0.0, "an order trades something, at a price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of an order. `quantity` signed; `price` quote per base; `fee` paid > 0, in quote; `trade_id` the venue's own."""

    client_id: str
    account: str
    venue: str
    symbol: str
    trade_id: str
    quantity: float
    price: float
    fee: float
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What a venue says of one order. `filled` signed, of the whole order so far; `why` its own words for a refusal."""

    client_id: str
    account: str
    venue: str
    symbol: str
    state: OrderState
    filled: float
    average_price: float | None
    at_ns: int
    reason: RejectReason | None = None
    why: str = ""
