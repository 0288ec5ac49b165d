"""When a leg's next order is due, how much it may be, and whether it rests first.

A leg is done in slices: after each one a share of it may be done, a slice every so often (`Leg.slices`); without slices all of it
may be done at once. What a slice did not find is tried again, after the book had time to fill, a few times in a row. A patient
leg rests an order that only makes smaller before it crosses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from perpbook.guard.case import Case, Ticket, same
from perpbook.guard.controls import FLATTEN
from perpbook.guard.settings import Timing
from perpbook.model.action import Leg
from perpbook.model.order import OrderState, RejectReason, TimeInForce

TRIES = 5
"""Orders in a row that found nothing, after which a leg ends: what is missing is for the next decision."""

IN_TIME = 0.8
"""Share of what is left until a proposal expires in which its slices are to be done."""


def settled(tickets: Sequence[Ticket]) -> float:
    """How much of a leg its orders have taken, or may take yet, > 0."""
    return math.fsum(one.counted for one in tickets)


def due_share(case: Case, leg: Leg, begun_ns: int, now_ns: int) -> float:
    """The share of a leg that may be done by now. begun_ns : of its proposal's first order."""
    if not leg.slices:
        return 1.0
    every = _every(case, leg, begun_ns)
    number = (now_ns - begun_ns) // every if every > 0 else len(leg.slices)
    return leg.slices[min(number, len(leg.slices) - 1)]


def due_ns(case: Case, leg: Leg, tickets: Sequence[Ticket], begun_ns: int, timing: Timing) -> int:
    """Not before when the next order of a leg goes."""
    done = settled(tickets) / abs(leg.quantity)
    number = next((at for at, share in enumerate(leg.slices) if share > done and not same(share, done)), 0)
    scheduled = begun_ns + number * _every(case, leg, begun_ns)
    last = tickets[-1] if tickets else None
    if last is None or last.request.time_in_force is TimeInForce.POST or not is_short(last):
        return scheduled
    return max(scheduled, last.at_ns + timing.refill)


def _every(case: Case, leg: Leg, begun_ns: int) -> int:
    """Between two slices: as the leg says, or faster where its proposal would expire before."""
    between = max(len(leg.slices) - 1, 1)
    return min(leg.every_ns, int(IN_TIME * (case.proposal.expires_ns - begun_ns) / between))


def ends_leg(case: Case, tickets: Sequence[Ticket]) -> bool:
    """Whether nothing more is sent for a leg: its last order was refused, or several in a row found nothing. A flatten is
    proposed anew, at the price of then, for what its order did not find."""
    last = tickets[-1]
    if last.state is OrderState.REJECTED:
        return last.reason is not RejectReason.POST_ONLY or last.request.time_in_force is not TimeInForce.POST
    if case.proposal.rule == FLATTEN:
        return is_short(last)
    crossed = [one for one in tickets if one.request.time_in_force is not TimeInForce.POST][-TRIES:]
    return len(crossed) == TRIES and all(one.state is OrderState.CANCELED and one.filled == 0.0 for one in crossed)


def is_short(ticket: Ticket) -> bool:
    """An order that ended with less than it was for."""
    return ticket.state.is_final and not same(abs(ticket.filled), abs(ticket.request.quantity))


def rests(leg: Leg, tickets: Sequence[Ticket], venues: frozenset[str]) -> bool:
    """Whether a leg's next order rests: the first one, and the first after one that was filled. venues : where it may."""
    return (
        leg.patience_ns > 0 and leg.reduce_only and leg.venue in venues and (not tickets or not is_short(tickets[-1]))
    )


def may_rest_ns(leg: Leg, ticket: Ticket, timing: Timing) -> int:
    """How long an order may be open."""
    return leg.patience_ns if ticket.request.time_in_force is TimeInForce.POST else timing.order
