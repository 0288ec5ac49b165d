"""What is told of the limits on what a day or a week may lose where their start was not seen; and what the guard cannot judge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perpbook.guard.starts import spans_at
from perpbook.guard.view import View
from perpbook.kernels.memory import MONDAY
from perpbook.model.alert import Alert, Severity
from perpbook.model.units import DAY_NS, SECOND_NS, to_iso
from perpbook.playbook.figures import listing
from perpbook.playbook.timed import rules_that_need_history

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook

LATE_NS = 300 * SECOND_NS
"""After so long, the first look at a day is not what it began with."""
DAILY, WEEKLY = "guardrails.daily_drawdown", "guardrails.weekly_drawdown"
DRAWDOWNS = (DAILY, WEEKLY)


def start_alerts(view: View, playbook: Playbook) -> Iterator[Alert]:
    """What is not known of the day and the week, where the playbook limits what they may lose."""
    guard, numbers = playbook.guardrails, spans_at(view.now_ns)
    if guard is None:
        return
    if guard.daily_drawdown is not None:
        yield from _unknown(view, DAILY, "day", numbers["day"] * DAY_NS)
    if guard.weekly_drawdown is not None:
        yield from _unknown(view, WEEKLY, "week", (numbers["week"] * 7 - MONDAY) * DAY_NS)


def unjudged_alerts(view: View, playbook: Playbook) -> Iterator[Alert]:
    """Rules in force that the guard does not judge."""
    rules = [one for one in rules_that_need_history(playbook) if one not in DRAWDOWNS]
    if rules:
        sentence = f"Not judged by the guard: {listing(rules)}. A backtest judges them; `perpbook check --lake` those on funding."
        yield Alert(kind="rules.unjudged", severity=Severity.WARN, at_ns=view.now_ns, sentence=sentence)


def _unknown(view: View, rule: str, span: str, began_ns: int) -> Iterator[Alert]:
    number, equity = view.desk.starts.get(span, (-1, 0.0))
    if number != spans_at(view.now_ns)[span]:
        if view.unknown:
            yield _alert(
                view, rule, f"the whole book was not seen since the {span} began, so nothing is measured by it"
            )
        return
    seen_ns = view.desk.starts_ns.get(span, began_ns)
    if seen_ns - began_ns > LATE_NS:
        told = (
            f"what was lost before {to_iso(seen_ns)} is not known: the whole book was first seen then, after the {span}'s start; "
            f"held against the ${equity:,.2f} of then"
        )
        yield _alert(view, rule, told)


def _alert(view: View, rule: str, told: str) -> Alert:
    return Alert(
        kind="unknown.start", severity=Severity.WARN, at_ns=view.now_ns, sentence=f"{rule}: {told}.", symbol=rule
    )
