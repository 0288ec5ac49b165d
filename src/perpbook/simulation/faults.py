"""What goes wrong between a venue and its client, as data; chance is given in as uniforms."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FaultKind(Enum):
    """Of a request: REJECT (the venue refuses), ERROR (a 500, nothing done), HANG (done, no answer), PARTIAL (fills in part).
    Of a read: ERROR, STALE_ACCOUNT. Of a message: DUPLICATE, DELAY (so out of order, too), DROP, WRONG_SYMBOL, MALFORMED.
    Of the world: DISCONNECT, OWN_HAND (the trader trades by hand)."""

    REJECT = "reject"
    ERROR = "error"
    HANG = "hang"
    PARTIAL = "partial"
    STALE_ACCOUNT = "stale_account"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    DROP = "drop"
    WRONG_SYMBOL = "wrong_symbol"
    MALFORMED = "malformed"
    DISCONNECT = "disconnect"
    OWN_HAND = "own_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Chances, 0 to 1: of each request, read, message or step. `skew_ns` : how far the venue's clock is ahead of ours."""

    reject: float = 0.0
    error: float = 0.0
    hang: float = 0.0
    partial: float = 0.0
    stale_account: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    drop: float = 0.0
    wrong_symbol: float = 0.0
    malformed: float = 0.0
    disconnect: float = 0.0
    own_hand: float = 0.0
    delay_max_ns: int = 5_000_000_000
    disconnect_max_ns: int = 30_000_000_000
    skew_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulted:
    """One fault that struck: the truth, for checkers. `what` names the request's client id, or the message's kind."""

    kind: FaultKind
    at_ns: int
    what: str
