"""What may be traded of what is wanted: every limit refuses or shrinks, none adds.

Lots are rounded down, limit prices to the side that gives less away.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from perpbook.guard.case import Case
from perpbook.guard.desk import Desk
from perpbook.guard.settings import Caps, Settings
from perpbook.model.action import Proposal
from perpbook.model.contract import Contract, in_lots
from perpbook.model.units import DAY_NS, HOUR_NS

FLATTEN = "kill.flatten"
"""The rule of what the kill switch closes: the person who pulled it has approved it, and its pace stands in for hour and day."""
NOISE = 1e-12
"""Relative: what a division of two floats may be off by, generously."""
PREAUTHORISED = "playbook"
"""The channel of what a rule approves by itself."""


def room(desk: Desk, settings: Settings, case: Case, now_ns: int, lot: float, beside: float = 0.0) -> tuple[float, str]:
    """Dollars that one more order of a proposal may come to, and which limit says so. lot : of one; no slice is smaller.
    beside : of orders that go out with it."""
    proposal = case.proposal
    sent = math.fsum(ticket.spent for ticket in desk.tickets_of(case))
    rooms = [(settings.caps.action - sent, "the cap of an action")]
    if proposal.rule != FLATTEN:
        rooms += _by_time(desk, settings.caps, now_ns, None)
        band = settings.band(proposal.rule)
        if case.channel == PREAUTHORISED:
            rooms += (
                [(band.action - sent, "the rule's own cap"), *_by_time(desk, band, now_ns, proposal.rule)]
                if band
                else [(0.0, "a rule without a band")]
            )
    left, limit = min(rooms)
    return min((max(settings.slice, lot), "a slice"), (left - beside, limit))


def outdated(settings: Settings, proposal: Proposal) -> str:
    """Why a proposal is of another guard than this one, as after a restart with other files."""
    if (proposal.playbook, proposal.terms) != (settings.playbook, settings.terms):
        return "it was made under another playbook or other terms"
    known = all(
        (leg.venue, leg.symbol) in settings.contracts and leg.account in settings.accounts for leg in proposal.legs
    )
    return "" if known else "it trades what the guard does not know any more"


def within_band(desk: Desk, settings: Settings, rule: str, dollars: float, now_ns: int) -> bool:
    """Whether a rule approves itself for so many dollars."""
    band = settings.band(rule)
    return (
        band is not None
        and not settings.is_quiet(now_ns)
        and dollars <= min(band.action, *(left for left, _ in _by_time(desk, band, now_ns, rule)))
    )


def _by_time(desk: Desk, caps: Caps, now_ns: int, rule: str | None) -> list[tuple[float, str]]:
    whose = "the rule's" if rule else "the"
    return [
        (caps.hour - desk.spent_since(now_ns - HOUR_NS, rule), f"{whose} cap of an hour"),
        (caps.day - desk.spent_since(now_ns - DAY_NS, rule), f"{whose} cap of a day"),
    ]


def shrink(wanted: float, most: float, contract: Contract, held: float | None) -> float:
    """A signed quantity of at most `most`, whole lots; all of `held` where that is what is wanted, dust and all.

    held : the position a reduce-only order makes smaller; None for an order that is not.
    """
    size = min(abs(wanted), max(0.0, most))
    if held is not None:
        size = min(size, abs(held)) if held * wanted < 0 else 0.0
        if size > 0.0 and size == abs(held):
            return math.copysign(size, wanted)
    return math.copysign(min(floor_lots(size, contract.lot_size), size if held is None else abs(held)), wanted)


def floor_lots(size: float, lot: float) -> float:
    """The largest whole number of lots in a size."""
    return in_lots(_whole(size / lot, math.floor), lot) if lot > 0.0 else size


def price_within(wanted: float, price: float, tick: float) -> float:
    """A limit price in whole ticks that gives no more away than `price`: a buyer's down, a seller's up."""
    return in_lots(_whole(price / tick, math.floor if wanted > 0 else math.ceil), tick) if tick > 0.0 else price


def _whole(count: float, rounded: Callable[[float], int]) -> int:
    """A count, rounded unless it is whole but for the noise of its division."""
    nearest = round(count)
    return nearest if abs(count - nearest) <= NOISE * max(1.0, count) else rounded(count)
