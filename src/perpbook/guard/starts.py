"""What the book held when the UTC day and the week began: of this drawdowns are told."""

from __future__ import annotations

import math

from perpbook.guard.turn import Turn
from perpbook.guard.view import Decision
from perpbook.model.record import RecordKind
from perpbook.model.units import DAY_NS

MONDAY_NS = 4 * DAY_NS
"""1970 began on a Thursday: weeks that begin on Monday begin so long after."""

WEEK_NS = 7 * DAY_NS


def note_starts(turn: Turn, decision: Decision, *, whole: bool) -> None:
    """Write the book's equity down once a day and once a week, the first time it is known; a part of the book is not it."""
    if decision.before is None or not whole or not math.isfinite(decision.before.equity):
        return
    for span, number in (("day", turn.now_ns // DAY_NS), ("week", (turn.now_ns - MONDAY_NS) // WEEK_NS)):
        if turn.desk.starts.get(span, (-1, 0.0))[0] != number:
            turn.write(RecordKind.NOTE, about="start", span=span, number=number, equity=decision.before.equity)
