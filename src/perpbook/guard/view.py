"""What who decides is shown, and what it may answer: findings and wanted trims. The guard makes proposals of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from perpbook.guard.desk import Desk
from perpbook.model.action import ActionKind, RiskView, Step
from perpbook.model.alert import Alert
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is known at an instant, of venues that are not silent. `accounts` by id, `books` and `marks` by (venue, symbol);
    `unknown` : accounts of the settings of which nothing is known. `desk` to be read, not changed. `started_ns` : when
    this guard began to listen."""

    now_ns: int
    accounts: Mapping[str, AccountSeen]
    books: Mapping[tuple[str, str], BookSeen]
    marks: Mapping[tuple[str, str], MarkSeen]
    unknown: frozenset[str]
    desk: Desk
    started_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLeg:
    """A change wanted: `quantity` buy > 0 > sell. `limit_price` None: the collar's from the middle of the book. `slices`,
    `every_ns`, `patience_ns`, `step` as in `Leg`."""

    account: str
    symbol: str
    quantity: float
    limit_price: float | None = None
    reduce_only: bool = True
    slices: tuple[float, ...] = ()
    every_ns: int = 0
    patience_ns: int = 0
    step: Step | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An action wanted under a rule. cost_max : dollars; None: the settings' share of its notional.  after : the book once it is
    done.  transfer, cancels : as in `Proposal`."""

    kind: ActionKind
    rule: str
    reason: str
    after: RiskView
    legs: tuple[WantedLeg, ...] = ()
    cost_max: float | None = None
    transfer: str = ""
    cancels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a book means now. `before` its risk, None where it cannot be told.  alerts : everything that stands now; one that was
    told before and is missing is told to be over.  exits : exit plans' new bodies by name, None for an end.  steps : of every
    position whose ladder is not known yet, by account and symbol, the gain of the highest step it has reached, 0 for none."""

    before: RiskView | None
    alerts: tuple[Alert, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    exits: Mapping[str, Mapping[str, object] | None] | None = None
    steps: Mapping[tuple[str, str], float] | None = None


Decide = Callable[[View], Decision]


class WantsLook(Protocol):
    """Says when a decision is wanted, as `guard.watch.Watch` does; asked of messages that were not refused."""

    def __call__(self, message: Message) -> bool:
        """Take a message; whether it wants a decision now."""
        ...

    @property
    def until_ns(self) -> int:
        """A message that comes then or later wants one, whatever it says; no book before it does."""
        ...
