"""What the guard knows of the day and the week that it is in, for limits on what either may lose."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from perpbook.guard.desk import Start
from perpbook.guard.view import View
from perpbook.kernels.memory import MONDAY
from perpbook.model.alert import Alert, Severity
from perpbook.model.units import DAY_NS, SECOND_NS, to_iso

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook

LATE_NS = 300 * SECOND_NS
"""After so long, the first look at a day is not what it began with."""
DAILY, WEEKLY = "guardrails.daily_drawdown", "guardrails.weekly_drawdown"
DRAWDOWNS = (DAILY, WEEKLY)


def starts_of(view: View) -> tuple[float, float]:
    """Dollars at the first looks of this day and this week; NaN where there was none, or not the whole book is known now."""
    day, week = _now(view)
    if view.unknown:
        return math.nan, math.nan
    return _equity(view.desk.day, day), _equity(view.desk.week, week)


def start_alerts(view: View, playbook: Playbook) -> Iterator[Alert]:
    """What is not known of the day and the week, where the playbook limits what they may lose."""
    guard = playbook.guardrails
    day, week = _now(view)
    if guard is None:
        return
    if guard.daily_drawdown is not None:
        yield from _unknown(view, DAILY, "day", (view.desk.day, day, day * DAY_NS))
    if guard.weekly_drawdown is not None:
        yield from _unknown(view, WEEKLY, "week", (view.desk.week, week, (week * 7 - MONDAY) * DAY_NS))


def _unknown(view: View, rule: str, span: str, of: tuple[Start | None, int, int]) -> Iterator[Alert]:
    start, number, began_ns = of
    if start is None or start.number != number:
        if view.unknown:
            told = f"the whole book was not seen since the {span} began, so nothing is measured by it"
            yield _alert(view, rule, told)
    elif start.at_ns - began_ns > LATE_NS:
        told = (
            f"what was lost before {to_iso(start.at_ns)} is not known: the whole book was first seen then, after the {span}'s "
            f"start; held against the ${start.equity:,.2f} of then"
        )
        yield _alert(view, rule, told)


def _alert(view: View, rule: str, told: str) -> Alert:
    return Alert(
        kind="unknown.start", severity=Severity.WARN, at_ns=view.now_ns, sentence=f"{rule}: {told}.", symbol=rule
    )


def _now(view: View) -> tuple[int, int]:
    day = view.now_ns // DAY_NS
    return day, (day + MONDAY) // 7


def _equity(start: Start | None, number: int) -> float:
    return start.equity if start is not None and start.number == number else math.nan
