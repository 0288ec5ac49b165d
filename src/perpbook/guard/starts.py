"""What the book held when the UTC day and the week began: of this drawdowns are told."""

from __future__ import annotations

import math

from perpbook.guard.turn import Turn
from perpbook.guard.view import Decision
from perpbook.kernels.memory import DAY_NS, MONDAY
from perpbook.model.record import RecordKind


def spans_at(now_ns: int) -> dict[str, int]:
    """The numbers of the UTC day and of the week that begins on Monday."""
    day = now_ns // DAY_NS
    return {"day": day, "week": (day + MONDAY) // 7}


def note_starts(turn: Turn, decision: Decision, *, whole: bool) -> None:
    """Write the book's equity down once a day and once a week, the first time it is known; a part of the book is not it."""
    if decision.before is None or not whole or not math.isfinite(decision.before.equity):
        return
    for span, number in spans_at(turn.now_ns).items():
        if turn.desk.starts.get(span, (-1, 0.0))[0] != number:
            turn.write(RecordKind.NOTE, about="start", span=span, number=number, equity=decision.before.equity)
