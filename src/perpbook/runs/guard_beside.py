"""What a guard tells beside rules on prices: layers' health, money on its way, and drills that are due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.alerts.of_check import Key, alerts_of_findings, alerts_of_layers, alerts_of_transfers
from perpbook.errors import PerpbookError
from perpbook.guard.signalling import BESIDE
from perpbook.guard.signals import Sensitivity
from perpbook.model.alert import Alert, Severity
from perpbook.model.message import Message, Noticed
from perpbook.model.units import SECOND_NS

if TYPE_CHECKING:
    from perpbook.model.market import Snapshot
    from perpbook.playbook.alerts_section import Alerts
    from perpbook.playbook.schema import Playbook

EVERY_NS = 60 * SECOND_NS
"""How often files are read again."""

HEALTH_S = 600.0
"""Layers that were seen longer ago than this are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Call it with the time and what stands. base : the book as it was read at the start; its file is read again for transfers.

    health : where layers' last looks are remembered; nobody watches them where it is not.  shelf : where drills are kept.
    """

    base: Snapshot
    playbook: Playbook
    book: Path
    health: Path
    shelf: Path

    def __call__(self, now_ns: int, standing: Collection[Key] = ()) -> tuple[Alert, ...]:
        """Everything that stands now."""
        return (*self._of_layers(now_ns), *self._of_transfers(now_ns), *self._of_drills(now_ns, standing))

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


async def beside_the_book(
    beside: Beside, standing: Callable[[], Collection[Key]], clock: Callable[[], int]
) -> AsyncIterator[Message]:
    """What begins and what is over, read every minute beside the loop. standing : keys of the alerts that stand."""
    stands = {key: "" for key in standing() if key[0] in BESIDE}
    while True:
        now_ns = clock()
        found = await asyncio.to_thread(beside, now_ns, standing())
        said = {one.key: one.severity.value for one in found}
        over = [_over(key, now_ns) for key in stands if key not in said]
        if over or said != stands:
            yield Noticed(alerts=(*found, *over), received_ns=clock())
        stands = said
        await asyncio.sleep(EVERY_NS / SECOND_NS)


def _over(key: Key, now_ns: int) -> Alert:
    kind, account, symbol = key
    return Alert(
        kind=kind, severity=Severity.INFO, at_ns=now_ns, sentence="over", account=account, symbol=symbol, resolved=True
    )


def sensitivity_of(rules: Alerts | None) -> Sensitivity:
    """How far from its own past a market must be: `alerts.unusual` deviations, and half as many until it is over."""
    if rules is None or rules.unusual is None:
        return Sensitivity()
    return Sensitivity(high=rules.unusual, low=0.5 * rules.unusual)


def unread(kind: str, why: str, now_ns: int) -> Alert:
    """What cannot be read is not known, and not known is not well."""
    return Alert(kind=kind, severity=Severity.WARN, at_ns=now_ns, sentence=" ".join(why.split()))
