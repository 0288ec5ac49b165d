"""What reaches the guard: from venues, layers, people and the clock. `at_ns` is the sender's time, `received_ns` ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from perpbook.model.account import Account
from perpbook.model.alert import Alert
from perpbook.model.market import Depth
from perpbook.model.order import Fill, OrderReport


class KillLevel(IntEnum):
    """NONE: working. PAUSE: nothing new is proposed or sent. CANCEL: orders that open risk are taken back, too. FLATTEN:
    everything is closed, reduce-only, in bounded steps."""

    NONE = 0
    PAUSE = 1
    CANCEL = 2
    FLATTEN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSeen:
    """An order book, best first; `sequence` the venue's number of it, -1 where it has none."""

    venue: str
    symbol: str
    depth: Depth
    at_ns: int
    received_ns: int
    sequence: int = -1


_new = object.__new__
_set_venue, _set_symbol, _set_depth, _set_at, _set_received, _set_sequence = (
    vars(BookSeen)[name].__set__ for name in BookSeen.__slots__
)


def book_seen(venue: str, symbol: str, depth: Depth, at_ns: int, received_ns: int, sequence: int = -1) -> BookSeen:
    """`BookSeen(...)` in a third of the time, for who makes thousands a second."""
    seen = _new(BookSeen)
    _set_venue(seen, venue)
    _set_symbol(seen, symbol)
    _set_depth(seen, depth)
    _set_at(seen, at_ns)
    _set_received(seen, received_ns)
    _set_sequence(seen, sequence)
    return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSeen:
    """A contract's prices and its funding rate per interval (> 0: longs pay). None: not in the message."""

    venue: str
    symbol: str
    at_ns: int
    received_ns: int
    mark_price: float | None = None
    oracle_price: float | None = None
    index_price: float | None = None
    funding_rate: float | None = None
    open_interest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeen:
    """A whole account as the venue has it: positions, collateral, resting orders, what it says of margin. `hidden_orders` : how
    many rest without a price or a size to show them by, as stops do."""

    account: Account
    at_ns: int
    received_ns: int
    hidden_orders: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """Funding of one position at one settlement: `dollars` received > 0 > paid; `rate` per interval (> 0: longs pay) and signed
    `quantity` that it was paid on, None where the venue does not say. `settlements` : more than one where the venue tells the sum
    of several, as of old days."""

    symbol: str
    dollars: float
    at_ns: int
    rate: float | None = None
    quantity: float | None = None
    settlements: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingSeen:
    """Everything that an account received and paid of funding from `since_ns` until it was asked for, at `at_ns`, oldest first.
    `why` : it cannot be told."""

    venue: str
    account: str
    payments: tuple[FundingPayment, ...]
    since_ns: int
    at_ns: int
    received_ns: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRate:
    """A rate per interval (> 0: longs pay) that was settled."""

    at_ns: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesSeen:
    """Every rate of a contract that was settled from `since_ns` until it was asked for, at `at_ns`, oldest first. `why` : they
    cannot be told."""

    venue: str
    symbol: str
    rates: tuple[SettledRate, ...]
    since_ns: int
    at_ns: int
    received_ns: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSeen:
    """What a venue says of an order, by itself, in answer to a request, or when asked."""

    report: OrderReport
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FillSeen:
    """A trade of an order; the same one may come twice."""

    fill: Fill
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """A request of ours had no clear outcome: it may have acted, or not. `client_id` "" where it was only a read of `account`."""

    account: str
    venue: str
    client_id: str
    received_ns: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSeen:
    """What a venue says of its timer that cancels orders: set for so long (0: taken off), or, with `why`, refused. `symbol` ""
    for every contract."""

    account: str
    venue: str
    symbol: str
    wait_ns: int
    received_ns: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A stream that should have spoken: nothing it told before is known now. `fresh` : it speaks again."""

    venue: str
    stream: str
    received_ns: int
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A person's word on one proposal. `channel` : where it came in; `who` : as that channel knows them."""

    digest: str
    approve: bool
    who: str
    channel: str
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Somebody, or the guard itself, pulls the switch, or (NONE) lets go of it."""

    level: KillLevel
    who: str
    reason: str
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Acting is allowed until then; 0 ends it."""

    until_ns: int
    who: str
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """A person takes what the venue says an account holds, and ends what stands open against it."""

    account: str
    who: str
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """A person has seen an incident, by its key."""

    key: str
    who: str
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitWord:
    """An exit plan begins, goes on, pauses or ends: `plan` its name, `body` plain JSON that only the plan reads, None for its
    end."""

    plan: str
    body: Mapping[str, object] | None
    who: str
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What was seen beside the book: how a market stands to its own past, layers, transfers, drills. alerts : those that begin or
    go on, and, resolved, those that are over."""

    alerts: tuple[Alert, ...]
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """The guard is about to end: what rests of its own is taken back, and nothing new is begun."""

    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Time has passed."""

    received_ns: int


FromPeople = Answered | Kill | Arm | Adopt | Acknowledge | ExitWord
Told = BookSeen | MarkSeen | AccountSeen | FundingSeen | RatesSeen | OrderSeen | FillSeen | TimerSeen | NoAnswer | Stale
Message = Told | FromPeople | Noticed | Stopping | Wake
