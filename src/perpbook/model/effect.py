"""What the guard asks the world to do, in this order; a record is on disk before what follows it is begun."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.model.alert import Alert
from perpbook.model.message import Noticed
from perpbook.model.order import OrderRequest
from perpbook.model.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Append to the journal; not done until it is safe there."""

    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Place an order, once."""

    request: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Take an order back. `client_id` as in `OrderRequest`, or the venue's own id of an order that is not ours."""

    account: str
    venue: str
    symbol: str
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTimer:
    """Let a venue cancel every resting order of an account, or of one contract of it (`symbol` not ""), in so long unless it is
    told otherwise; 0 takes the timer off."""

    account: str
    venue: str
    symbol: str
    wait_ns: int

    @property
    def client_id(self) -> str:
        """What its silence is told by: it is no read of an account, and no order."""
        return "timer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOrder:
    """What became of an order? By its id, among open ones, and among fills."""

    account: str
    venue: str
    symbol: str
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAccount:
    """How does an account stand?"""

    account: str
    venue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBook:
    """What rests in a contract's book?"""

    venue: str
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Let the guard take this next: it is told as any other message, so that it is kept among its inputs."""

    noticed: Noticed


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Let people know."""

    alert: Alert


Effect = Write | Send | Cancel | SetTimer | AskOrder | AskAccount | AskBook | Notice | Tell
