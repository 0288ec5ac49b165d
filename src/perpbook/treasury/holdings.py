"""What the book has in every place, coin by coin: what is free, what is bound, what is on its way.

A place is a layer's id, an account's id, or a venue's wallet ("wallet:VENUE") where money stands in none of its accounts.
Decisions look at the virtual balance: what is there and what will be, once everything that has begun is through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """Money that has left and has not arrived, dollars of one coin.

    `ways` : ids of the routes it goes over, () where the book does not say. `departed_ns`, `arrives_ns` : None for not
    known; what the sender was told is `arrives_ns`, no promise. `stuck` : someone says that it will not come by itself.
    """

    asset: str
    dollars: float
    source: str
    destination: str
    ways: tuple[str, ...] = ()
    departed_ns: int | None = None
    arrives_ns: int | None = None
    stuck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One coin in one place, dollars >= 0. free : can leave now. posted : margin that positions need. gas : what the place's own
    transactions are paid from. arriving, leaving : what has begun. owed : liabilities. locked : neither of these (a lock, a claim
    not yet ripe, a flight that is stuck)."""

    place: str
    asset: str
    free: float = 0.0
    posted: float = 0.0
    gas: float = 0.0
    arriving: float = 0.0
    leaving: float = 0.0
    owed: float = 0.0
    locked: float = 0.0

    @property
    def actual(self) -> float:
        """What is there now."""
        return self.free + self.posted + self.gas

    @property
    def virtual(self) -> float:
        """What will be there: with what comes, less what goes and what is owed."""
        return self.actual + self.arriving - self.leaving - self.owed


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """All of them by (place, asset), with what is in flight. `unread` : places or transfers whose state is not known, with why;
    where there is any, nothing new may start. plans : keys of the plans whose moves are in it."""

    holdings: Mapping[tuple[str, str], Holding]
    flights: tuple[Flight, ...] = ()
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    plans: tuple[str, ...] = field(default=())

    @property
    def may_start(self) -> bool:
        """Whether a new transfer may begin."""
        return not self.unread
