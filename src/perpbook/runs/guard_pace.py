"""How fast the guard's legs go, and whether their orders rest first: by the playbook's volatility, budget and patience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError
from perpbook.guard.pacing import IN_TIME
from perpbook.guard.view import View, Wanted, WantedLeg
from perpbook.model.units import SECOND_NS
from perpbook.runs.guard_legs import swings_of

if TYPE_CHECKING:
    from perpbook.execution.closing import Held
    from perpbook.execution.urgency import Urgency
    from perpbook.playbook.schema import Playbook
    from perpbook.runs.check import CheckResult
    from perpbook.terms.terms import VenueTerms


def urgency_of(playbook: Playbook) -> Urgency | None:
    """What the playbook says about time; None where it gives no budget."""
    from perpbook.execution.urgency import Urgency

    rules, swings = playbook.automation, swings_of(playbook)
    if rules is None or swings is None or rules.liquidation_budget is None:
        return None
    return Urgency(
        swings=swings, budget=rules.liquidation_budget, collar=rules.collar,
        seconds=IN_TIME * 60.0 * rules.approval_expires_minutes, patience=rules.patience_seconds or 0.0,
    )  # fmt: skip


def with_pace(
    wanted: Wanted, view: View, result: CheckResult, playbook: Playbook, terms: Mapping[str, VenueTerms]
) -> Wanted:
    """A wanted action with every leg's pace. Of one that is proposed already nothing is reckoned."""
    from perpbook.execution.closing import positions_held

    urgency, pairs = urgency_of(playbook), {(leg.account, leg.symbol) for leg in wanted.legs}
    if urgency is None or any(pairs & case.pairs for case in view.desk.live_cases()):
        return wanted
    try:
        held = {one.key: one for one in positions_held(result.assessed.arrays)}
        legs = tuple(_paced(leg, held.get((leg.account, leg.symbol)), result, terms, urgency) for leg in wanted.legs)
    except (DataError, InputError):
        return wanted
    return replace(wanted, legs=legs)


def _paced(
    leg: WantedLeg, held: Held | None, result: CheckResult, terms: Mapping[str, VenueTerms], urgency: Urgency
) -> WantedLeg:
    from perpbook.execution.urgency import paced

    if held is None or not leg.reduce_only:
        return leg
    found = paced(result.snapshot, terms, held, min(abs(leg.quantity), abs(held.quantity)), urgency)
    return replace(
        leg, slices=found.slices, every_ns=int(found.every_seconds * SECOND_NS),
        patience_ns=int(urgency.patience * SECOND_NS) if found.rests else 0,
    )  # fmt: skip
