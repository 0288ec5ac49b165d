"""What a guard tells beside rules on prices: layers' health, money on its way, and drills that are due."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.alerts.of_check import Key, alerts_of_findings, alerts_of_layers, alerts_of_transfers
from perpbook.errors import PerpbookError
from perpbook.guard.signals import Sensitivity
from perpbook.model.alert import Alert, Severity
from perpbook.model.units import SECOND_NS

if TYPE_CHECKING:
    from perpbook.model.market import Snapshot
    from perpbook.playbook.alerts_section import Alerts
    from perpbook.playbook.schema import Playbook

EVERY_NS = 60 * SECOND_NS
"""How often files are read again."""

HEALTH_S = 600.0
"""Layers that were seen longer ago than this are not known."""


@dataclass(slots=True, kw_only=True)
class Beside:
    """Call it with the time and what stands. base : the book as it was read at the start; its file is read again for transfers.

    health : where layers' last looks are remembered; nobody watches them where it is not.  shelf : where drills are kept.
    """

    base: Snapshot
    playbook: Playbook
    book: Path
    health: Path
    shelf: Path
    _read_ns: int = -1
    _found: tuple[Alert, ...] = field(default=())

    def __call__(self, now_ns: int, standing: Collection[Key] = ()) -> tuple[Alert, ...]:
        """Everything that stands now."""
        if self._read_ns < 0 or now_ns - self._read_ns >= EVERY_NS:
            self._read_ns = now_ns
            self._found = (*self._of_layers(now_ns), *self._of_transfers(now_ns), *self._of_drills(now_ns, standing))
        return self._found

    def _of_layers(self, now_ns: int) -> Iterator[Alert]:
        from perpbook.runs.treasury_health import Asked, last_look

        if not self.health.exists():
            return
        try:
            yield from alerts_of_layers(last_look(Asked(memory=self.health), now_ns, HEALTH_S))
        except (PerpbookError, OSError) as error:
            yield unread("layer.health", f"layers' health cannot be read: {error}", now_ns)

    def _of_transfers(self, now_ns: int) -> Iterator[Alert]:
        from perpbook.snapshot import load_snapshot

        try:
            transfers = load_snapshot(self.book).book.transfers
        except (PerpbookError, OSError):
            transfers = self.base.book.transfers
        yield from alerts_of_transfers(transfers, now_ns)

    def _of_drills(self, now_ns: int, standing: Collection[Key]) -> Iterator[Alert]:
        from perpbook.playbook.drill_judge import judge_drill
        from perpbook.runs.drill_shelf import drills_of

        if self.playbook.drill is None:
            return
        accounts = [one.id for one in self.base.book.accounts]
        try:
            kept = drills_of(self.book, accounts, self.shelf)
        except (PerpbookError, OSError) as error:
            yield unread("drill.overdue", f"the drills kept cannot be read: {error}", now_ns)
            return
        found = judge_drill(self.playbook.drill, kept[-1] if kept else None, near=self.playbook.near, now_ns=now_ns)
        yield from alerts_of_findings(found, self.playbook.near, now_ns, standing)


def sensitivity_of(rules: Alerts | None) -> Sensitivity:
    """How far from its own past a market must be: `alerts.unusual` deviations, and half as many until it is over."""
    if rules is None or rules.unusual is None:
        return Sensitivity()
    return Sensitivity(high=rules.unusual, low=0.5 * rules.unusual)


def unread(kind: str, why: str, now_ns: int) -> Alert:
    """What cannot be read is not known, and not known is not well."""
    return Alert(kind=kind, severity=Severity.WARN, at_ns=now_ns, sentence=" ".join(why.split()))
