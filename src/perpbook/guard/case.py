"""A proposal on its way, and its orders: the two things the desk keeps that change."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from perpbook.model.action import Proposal
from perpbook.model.order import OrderReport, OrderRequest, OrderState, RejectReason

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A rule and the (account, symbol) pairs it wants to change: of each, one proposal lives at a time."""

NEAR = 1e-9
"""Relative: quantities this near are the same."""


class Phase(Enum):
    """A proposal's way: PROPOSED, APPROVED, EXECUTING, VERIFYING, CLOSED; or an end before that. INCIDENT: its orders and the
    venue's positions disagree."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    CLOSED = "closed"
    DENIED = "denied"
    EXPIRED = "expired"
    ABORTED = "aborted"
    INCIDENT = "incident"

    @property
    def is_live(self) -> bool:
        """Something may still come of it."""
        return self in (Phase.PROPOSED, Phase.APPROVED, Phase.EXECUTING, Phase.VERIFYING)

    @property
    def is_acting(self) -> bool:
        """Orders of it may be at a venue, or positions may be about to show them."""
        return self in (Phase.EXECUTING, Phase.VERIFYING)


@dataclass(slots=True, kw_only=True)
class Ticket:
    """An order of ours. first_ns, sent_ns : when it was first and last intended.  sends : how often.  at_ns : of its
    state.  dollars : at its limit price.  unknown_ns : since when
    nobody knows what became of it; 0: known.  reported : what the venue last said was filled, signed.  fills : trades by id."""

    request: OrderRequest
    digest: str
    leg: int
    part: int
    first_ns: int
    sent_ns: int
    at_ns: int
    dollars: float
    sends: int = 1
    state: OrderState = OrderState.INTENDED
    unknown_ns: int = 0
    reported: float = 0.0
    fills: dict[str, float] = field(default_factory=dict)
    reason: RejectReason | None = None
    why: str = ""

    @property
    def filled(self) -> float:
        """Signed: what the venue says of the order or what its trades add up to, whichever is more."""
        traded = math.fsum(self.fills.values())
        return self.reported if abs(self.reported) >= abs(traded) else traded

    @property
    def counted(self) -> float:
        """How much it took, or may take yet, > 0: what was not filled of an order that has ended is free again."""
        return abs(self.filled) if self.state.is_final else max(abs(self.request.quantity), abs(self.filled))

    @property
    def spent(self) -> float:
        """Dollars of what counts."""
        return self.dollars * self.counted / abs(self.request.quantity)

    @property
    def may_live(self) -> bool:
        """It may be at the venue, or on its way there."""
        return not self.state.is_final and self.state is not OrderState.ABSENT

    def hear(self, report: OrderReport, at_ns: int) -> None:
        """Take what a venue says: an end stays an end, a known order does not become unknown, fills do not shrink."""
        if abs(report.filled) > abs(self.reported):
            self.reported = report.filled
        if not self.would_hear(report.state):
            return
        self.state, self.at_ns = report.state, at_ns
        self.reason, self.why = report.reason, report.why
        self.unknown_ns = (self.unknown_ns or at_ns) if report.state is OrderState.UNKNOWN else 0

    def would_hear(self, state: OrderState) -> bool:
        """Whether a word changes its state."""
        if self.state.is_final:
            return False
        unheard = self.state in (OrderState.INTENDED, OrderState.UNKNOWN)
        if state in (OrderState.UNKNOWN, OrderState.ABSENT):
            return unheard
        return state is not OrderState.INTENDED and (state is not OrderState.OPEN or self.state is not OrderState.OPEN)


@dataclass(slots=True, kw_only=True)
class Case:
    """A proposal and where it stands. since_ns : in this phase.  who, channel : who last said something that counted.  base : the
    positions re-read before its first order.  stopped : why nothing more is sent for it.  why : of its end.  whole : what was
    wanted of the legs of a cut that the cap of an action made smaller."""

    proposal: Proposal
    digest: str
    phase: Phase
    since_ns: int
    approved_ns: int = 0
    who: str = ""
    channel: str = ""
    base: dict[tuple[str, str], float] = field(default_factory=dict)
    tickets: list[str] = field(default_factory=list)
    stopped: str = ""
    why: str = ""
    whole: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What makes it the same wish as another."""
        return key_of(self.proposal.rule, self.pairs)

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """(account, symbol) of every leg."""
        return frozenset((leg.account, leg.symbol) for leg in self.proposal.legs)


def key_of(rule: str, pairs: frozenset[tuple[str, str]]) -> Key:
    """A wish's key; a rule without legs is one wish."""
    return rule, tuple(sorted(pairs))


def same(one: float, other: float) -> bool:
    """Two quantities that differ by rounding only."""
    return abs(one - other) <= NEAR * max(1.0, abs(one), abs(other))
