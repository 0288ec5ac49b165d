"""What goes wrong between a venue and its client, as data; chance is given in as uniforms in [0, 1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum

from perpbook.model.account import Position
from perpbook.model.market import Depth
from perpbook.model.message import AccountSeen, BookSeen, FillSeen, MarkSeen, Message, OrderSeen
from perpbook.model.units import DAY_NS, SECOND_NS


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
    """Chances, 0 to 1: of each request, read, message or step. `silent` : share of disconnects that nobody says. `skew_ns` : how
    far the venue's clock is ahead of ours."""

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
    silent: float = 0.0
    delay_max_ns: int = 5 * SECOND_NS
    disconnect_max_ns: int = 30 * SECOND_NS
    skew_ns: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            if not one.name.endswith("_ns"):
                assert 0.0 <= getattr(self, one.name) <= 1.0, f"{one.name} is a chance"
        assert self.delay_max_ns >= 0 and self.disconnect_max_ns >= 0

    def chances(self, kinds: Sequence[FaultKind]) -> tuple[tuple[FaultKind, float], ...]:
        """The chances of some kinds, without those that never happen."""
        return tuple((kind, getattr(self, kind.value)) for kind in kinds if getattr(self, kind.value) > 0.0)


OF_ORDERS = (FaultKind.REJECT, FaultKind.ERROR, FaultKind.HANG, FaultKind.PARTIAL)
OF_CANCELS = (FaultKind.ERROR, FaultKind.HANG)
OF_READS = (FaultKind.ERROR,)
OF_ACCOUNTS = (FaultKind.ERROR, FaultKind.STALE_ACCOUNT)
OF_MESSAGES = (FaultKind.DUPLICATE, FaultKind.DELAY, FaultKind.DROP, FaultKind.WRONG_SYMBOL, FaultKind.MALFORMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulted:
    """One fault that struck: the truth, for checkers. `what` names the request's client id, or the message's kind."""

    kind: FaultKind
    at_ns: int
    what: str


def drawn(chances: Sequence[tuple[FaultKind, float]], uniform: float) -> FaultKind | None:
    """Which of some faults strikes, at most one; None for none. Chances that add up to more than 1 crowd out the last."""
    reached = 0.0
    for kind, chance in chances:
        reached += chance
        if uniform < reached:
            return kind
    return None


def subject_of(message: Message) -> str:
    """The contract that a message is about; an account's is the account's name."""
    match message:
        case BookSeen() | MarkSeen():
            return message.symbol
        case FillSeen():
            return message.fill.symbol
        case OrderSeen():
            return message.report.symbol
        case AccountSeen():
            return message.account.id
        case _:
            return ""


def of_wrong_symbol(message: Message, symbol: str) -> Message:
    """A message as if it were about another contract; an account's is about another account."""
    match message:
        case BookSeen() | MarkSeen():
            return replace(message, symbol=symbol)
        case FillSeen():
            return replace(message, fill=replace(message.fill, symbol=symbol))
        case OrderSeen():
            return replace(message, report=replace(message.report, symbol=symbol))
        case AccountSeen():
            return replace(message, account=replace(message.account, id=symbol))
        case _:
            return message


def malformed(message: Message, uniform: float) -> Message:
    """A message with a number that is none, a negative spread, or a time far ahead."""
    if uniform < 0.25 and isinstance(message, BookSeen | MarkSeen | AccountSeen):
        return replace(message, at_ns=message.at_ns + DAY_NS)
    match message:
        case BookSeen():
            return replace(message, depth=Depth(bids=message.depth.asks, asks=message.depth.bids))
        case MarkSeen():
            return replace(message, mark_price=math.nan if uniform < 0.6 else -1.0)
        case FillSeen():
            return replace(message, fill=replace(message.fill, quantity=math.nan))
        case OrderSeen():
            return replace(message, report=replace(message.report, filled=math.nan))
        case AccountSeen():
            unfit = (Position(symbol=UNKNOWN, quantity=math.nan, entry_price=math.nan),)
            return replace(message, account=replace(message.account, positions=unfit))
        case _:
            return message


UNKNOWN = "UNKNOWN-PERP"
"""A contract that no venue has."""


def garbled(text: str, uniform: float) -> str:
    """A message on the wire, cut short or with its numbers replaced, for servers."""
    if uniform < 0.5:
        return text[: max(1, int(len(text) * 2.0 * uniform))]
    return "".join("x" if letter.isdigit() else letter for letter in text)
