"""What the book lost since the day and the week began, held against the playbook, where somebody knows what it began with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perpbook.kernels.state import DAILY_DRAWDOWN, WEEKLY_DRAWDOWN
from perpbook.model.verdict import Finding
from perpbook.playbook.schema import Guardrails
from perpbook.playbook.words import UNITS, WORDINGS, status_of


def judge_drawdowns(
    guardrails: Guardrails | None, starts: Mapping[str, float], equity: float, near: float
) -> Iterator[Finding]:
    """Findings of `daily_drawdown` and `weekly_drawdown`. starts : dollars > 0 by "day" and "week"; without one it is not
    judged.

    Measured as 1 - equity / start; money that came or went in between counts as gained or lost.
    """
    limits = guardrails or Guardrails()
    for span, code, limit in (
        ("day", DAILY_DRAWDOWN, limits.daily_drawdown), ("week", WEEKLY_DRAWDOWN, limits.weekly_drawdown),
    ):  # fmt: skip
        start = starts.get(span, 0.0)
        if limit is None or start <= 0.0:
            continue
        measured, wording = max(1.0 - equity / start, 0.0), WORDINGS[code]
        say = UNITS[wording.unit]
        yield Finding(
            rule=wording.rule, subject="book", measured=measured, limit=limit, unit=wording.unit,
            used=measured / limit if limit > 0.0 else (0.0 if measured <= 0.0 else float("inf")),
            status=status_of(measured, limit, near), sentence=wording.tell.format(value=say(measured), limit=say(limit)),
        )  # fmt: skip
