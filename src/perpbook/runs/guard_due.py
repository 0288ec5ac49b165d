"""When the playbook's rebalance falls due: told for a day, with the command that plans it.

A strategy's targets are a run's; a live book has none, so the guard trades nothing for a rebalance, and moves no money.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perpbook.guard.view import View
from perpbook.model.alert import Alert, Severity
from perpbook.model.units import DAY_NS, to_iso

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook

REBALANCE = "rebalance"
"""The section of the playbook."""
TOLD_NS = DAY_NS
"""For how long after it fell due a rebalance is told."""


def due_alerts(view: View, playbook: Playbook) -> Iterator[Alert]:
    """A rebalance that fell due less than a day ago."""
    from perpbook.playbook.schedule import next_due

    rules = playbook.rebalance
    if rules is None:
        return
    coming = next_due(rules.cadence, rules.timezone, view.now_ns)
    fell_ns = coming.at_ns - coming.length_ns
    if view.now_ns - fell_ns < TOLD_NS:
        sentence = (
            f"A rebalance fell due at {to_iso(fell_ns)} ({rules.cadence}): `perpbook rebalance BOOK PLAYBOOK` plans it; the "
            "guard does not carry it out."
        )
        yield Alert(kind="rebalance.due", severity=Severity.WARN, at_ns=view.now_ns, sentence=sentence)
