"""What decoders of venue streams share: the named reasons for refusing a message, numbers, times and levels.

A message that cannot be true raises `Unfit`; the stream then says that what it told is not known. Nothing of a payload goes into
an error: it may hold what is private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import NamedTuple, Protocol

from perpbook.errors import DataError
from perpbook.model.market import Depth, depth_of
from perpbook.model.message import Message
from perpbook.model.order import OrderReport, OrderState, RejectReason

AHEAD_NS = 5_000_000_000
"""How far a venue's clock may be ahead of ours before what it says is refused (our choice)."""

MS_NS = 1_000_000

LEVELS = 100
"""Levels of a side that are read where nobody says how many."""

KNOWN = 4_096
"""Beginnings of messages that a decoder remembers at most."""

Levels = tuple[tuple[float, float], ...]


class Reason(Enum):
    """Why a message is refused; a closed set."""

    MALFORMED = "it is not what the venue documents"
    NUMBER = "a number is not finite, or not above nothing where it must be"
    CROSSED = "its best bid is not below its best ask"
    ORDER = "its levels are not in order of price"
    EMPTY = "one side of its book is empty"
    STRANGER = "it is about a contract or an account that nobody asked for"
    FUTURE = "its time is ahead of ours"
    GAP = "messages before it are missing"
    NO_SNAPSHOT = "nothing whole came before this change"
    OVERFLOW = "more came than could be kept"
    REFUSED = "the venue refuses a subscription"


class Unfit(DataError):
    """A message of a venue's stream that cannot be used. `stream` : what is not known now, "" where the message hides it."""

    def __init__(self, venue: str, stream: str, reason: Reason) -> None:
        super().__init__(f"{venue} {stream or 'stream'}: a message is refused: {reason.value}")
        self.venue, self.stream, self.reason = venue, stream, reason


class Kind(Enum):
    """WHOLE: only the newest of a stream matters. CHANGE: every one is applied, the last is told. EVENT: every one is told.
    NOTHING: answers to pings and subscriptions."""

    WHOLE = "whole"
    CHANGE = "change"
    EVENT = "event"
    NOTHING = "nothing"


class Sorted(NamedTuple):
    """A raw message before it is decoded. `stream` : as in `Stale`; `channel` : the venue's word."""

    kind: Kind
    stream: str
    channel: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stream is about. accounts : addresses, as the venue knows them, by account id.  symbols : contracts.  levels : of
    each side of a book that are read; those beyond are not looked at."""

    accounts: Mapping[str, str]
    symbols: frozenset[str]
    levels: int = LEVELS

    def account_of(self, address: str) -> str | None:
        """Our id of a venue's address."""
        folded = address.lower()
        return next((name for name, known in self.accounts.items() if known.lower() == folded), None)


class Decoder(Protocol):
    """One venue's dialect: pure, keeps only what changes are applied to."""

    venue: str

    def sort(self, raw: bytes) -> Sorted:
        """What a raw message is, cheaply. Raises Unfit."""
        ...

    def decode(self, what: Sorted, raw: bytes, received_ns: int, last: bool) -> Sequence[Message]:
        """What it says; of changes only where it is the `last` of its stream at hand. Raises Unfit."""
        ...

    def form(self, what: Sorted) -> bytes:
        """How a book goes on after its second comma, in the codes of `kernels.glimpse`; b"" where that is not told."""
        ...

    def forget(self, stream: str = "") -> None:
        """The connection, or one stream, begins anew."""
        ...


def number(text: str, stream: tuple[str, str]) -> float:
    """A finite number of a decimal text; `stream` : venue and stream, for the refusal."""
    try:
        value = float(text)
    except ValueError:
        raise Unfit(*stream, Reason.NUMBER) from None
    if not -inf < value < inf:
        raise Unfit(*stream, Reason.NUMBER)
    return value


def above_nothing(text: str, stream: tuple[str, str]) -> float:
    """A finite number > 0."""
    value = number(text, stream)
    if value <= 0.0:
        raise Unfit(*stream, Reason.NUMBER)
    return value


def if_given(text: str | None, stream: tuple[str, str]) -> float | None:
    """A finite number, or None where the message has none."""
    return number(text, stream) if text else None


def sound_depth(bids: Levels, asks: Levels, stream: tuple[str, str]) -> Depth:
    """A book, best first, if it can be one. bids, asks : (price, size), made numbers by the decoder."""
    depth = depth_of(bids, asks)
    if not depth.is_sound():
        raise Unfit(*stream, _flaw(bids, asks))
    return depth


def _flaw(bids: Levels, asks: Levels) -> Reason:
    """Why a book is none."""
    if not bids or not asks:
        return Reason.EMPTY
    if not all(0.0 < number < inf for side in (bids, asks) for level in side for number in level):
        return Reason.NUMBER
    return Reason.CROSSED if bids[0][0] >= asks[0][0] else Reason.ORDER


def time_ns(milliseconds: int, received_ns: int, stream: tuple[str, str]) -> int:
    """A venue's time; one that is not a time, or too far ahead, is refused."""
    at_ns = milliseconds * MS_NS
    if at_ns <= 0:
        raise Unfit(*stream, Reason.MALFORMED)
    if at_ns > received_ns + AHEAD_NS:
        raise Unfit(*stream, Reason.FUTURE)
    return at_ns


def report_of(
    *,
    client_id: str,
    of: tuple[str, str, str],
    state: OrderState,
    filled: float,
    at_ns: int,
    average: float | None = None,
    reason: RejectReason | None = None,
    why: str = "",
) -> OrderReport:
    """A report; `of` : account, venue, symbol."""
    account, venue, symbol = of
    return OrderReport(
        client_id=client_id, account=account, venue=venue, symbol=symbol, state=state, filled=filled,
        average_price=average, at_ns=at_ns, reason=reason, why=why,
    )  # fmt: skip


def own_id(text: str | None, venue_id: str) -> str:
    """Our id of an order (32 hex letters, with or without 0x), else the venue's own."""
    if not text:
        return venue_id
    return text[2:] if text.startswith("0x") and len(text) == 34 else text
