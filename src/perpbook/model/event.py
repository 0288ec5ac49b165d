"""Something that happened to a book: the only thing that changes one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class EventKind(Enum):
    """FILL, LIQUIDATION, BACKSTOP change a position; FUNDING, MONEY_IN, MONEY_OUT move money; SEIZED_REST and INSURED_LOSS
    end an account's wallet; REFUSED, RULE, HALT and WANTED (money, by a layer, whose name is the account) change nothing."""

    FILL = "fill"
    LIQUIDATION = "liquidation"
    BACKSTOP = "backstop"
    SEIZED_REST = "seized_rest"
    INSURED_LOSS = "insured_loss"
    MONEY_IN = "money_in"
    MONEY_OUT = "money_out"
    REFUSED = "refused"
    RULE = "rule"
    HALT = "halt"
    WANTED = "wanted"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. `tick` is the bar it belongs to, `time_ns` that bar's close (its open for FUNDING).

    `quantity` signed change; `price` quote per base; `cash` (fee, penalty, funding, transfer) in the wallet's currency,
    received > 0; `asset` names that currency. `reason` is the rule or order behind it, `measured` and `limit` its figures.
    """

    tick: int
    time_ns: int
    kind: EventKind
    account: str
    symbol: str = ""
    quantity: float = 0.0
    price: float = 0.0
    cash: float = 0.0
    asset: str = ""
    reason: str = ""
    measured: float | None = None
    limit: float | None = None
