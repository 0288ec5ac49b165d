"""What the worst moves would cost a book held against its playbook's tail budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perpbook.model.verdict import Finding, Status
from perpbook.playbook.figures import percent
from perpbook.playbook.words import status_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TailLeft:
    """Mean loss of the worst `tail` of moves of so many hours, as a share of book equity, `without` a hedge and `hedged` (None:
    there is none). `sought` : that hedge was to keep the budget."""

    without: float
    hedged: float | None
    sought: bool
    tail: float
    move_hours: float


def judge_tail(budget: float, left: TailLeft, *, near: float) -> Finding:
    """The finding of `hedge.tail_budget`; a book whose worst moves gain loses nothing."""
    measured = max(left.without if left.hedged is None else left.hedged, 0.0)
    status = status_of(measured, budget, near)
    with_it = "Without a hedge" if left.hedged is None else "With the hedge"
    return Finding(
        rule="hedge.tail_budget",
        subject="book",
        measured=measured,
        limit=budget,
        unit="share",
        used=measured / budget if budget > 0.0 else (math.inf if measured > 0.0 else 0.0),
        status=status,
        sentence=(
            f"{with_it}, the worst {100 * left.tail:g} % of moves of {left.move_hours:g} h cost {measured:.1%} of book equity on "
            f"average; the most is {percent(budget)}{_beyond(status, measured, budget)}."
        ),
        hint=_hint(left) if status is Status.BREACH else None,
    )


def _beyond(status: Status, measured: float, budget: float) -> str:
    return f" ({measured - budget:.1%} too much)" if status is Status.BREACH else ""


def _hint(left: TailLeft) -> str:
    if left.sought and left.hedged is None:
        return "No hedge takes anything away: add margin, hedge with other assets (--against), or hold less."
    if left.sought:
        return "It is the least bad hedge: add margin, hedge with more assets (--against), or hold less."
    return "Seek a hedge that keeps it with `perpbook hedge plan --method budget`, or hold less."
