"""What a simulated venue did, beside the messages that a client may see of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perpbook.model.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Funding of one position. `rate` fraction per interval (> 0: longs pay), `price` what it was reckoned at, `cash` received
    > 0 > paid."""

    account: str
    symbol: str
    quantity: float
    rate: float
    price: float
    cash: float
    at_ns: int


class Seizure(Enum):
    """MARKET: closed into the book. TAKEN: the venue took the position over. REST: it took what money was left, or paid what
    was owed."""

    MARKET = "market"
    TAKEN = "taken"
    REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidated:
    """One act of a liquidation. `quantity` signed as traded; `price` its mean; `cash` the account received (> 0) or paid beside
    its fills and their fees: a penalty, money taken. `equity` and `maintenance` are as the venue found them."""

    account: str
    symbol: str
    manner: Seizure
    quantity: float
    price: float
    cash: float
    equity: float
    maintenance: float
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Money in (> 0) or out of an account, in the settle coin."""

    account: str
    cash: float
    at_ns: int


Happening = Message | Settled | Liquidated | Moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """Something that happened, in the venue's order: `sequence` counts from 0 without a hole."""

    sequence: int
    at_ns: int
    what: Happening
