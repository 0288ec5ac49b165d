"""How long the way to flat is, held against the playbook's limit."""

from __future__ import annotations

import math

from perpbook.model.verdict import Finding, Status
from perpbook.playbook.figures import listing, plain
from perpbook.playbook.words import status_of


def judge_exit(limit_minutes: float, seconds: float, unknown: tuple[str, ...], *, near: float) -> Finding:
    """The finding of `liquidity.max_exit_minutes`. unknown : positions whose depth is not known: the time is at least
    `seconds`, so it is never judged to be inside the limit, only near it or beyond."""
    measured = seconds / 60.0
    status = status_of(measured, limit_minutes, near)
    told = f"Closing everything takes {plain(round(measured, 1))} minutes; the most is {plain(limit_minutes)}."
    if unknown:
        status = Status.NEAR if status is Status.OK else status
        told = (
            f"Closing everything takes {plain(round(measured, 1))} minutes or more, because the depth of {listing(unknown)} is "
            f"not known; the most is {plain(limit_minutes)}."
        )
    return Finding(
        rule="liquidity.max_exit_minutes",
        subject="book",
        measured=measured,
        limit=limit_minutes,
        unit="minutes",
        used=measured / limit_minutes if limit_minutes > 0.0 else math.inf,
        status=status,
        sentence=told,
        hint="Hold less of what is thin, use fewer exit.steps, or allow more slippage."
        if status is Status.BREACH
        else None,
    )
