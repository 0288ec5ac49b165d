"""What two playbooks want at the same looks: the one that ran, and another that is only asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from perpbook.guard.desk import Desk
from perpbook.guard.view import Decision, View, Wanted
from perpbook.model.units import to_iso
from perpbook.report.replay_told import WantedTold

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook
    from perpbook.runs.guard_decide import Judge

Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class Wants:
    """Asks another playbook at every look. The market and the accounts stay as they were: what it would have traded changes
    nothing that it is shown later."""

    playbook: Playbook
    _ran: dict[Key, WantedTold] = field(default_factory=dict)
    _other: dict[Key, WantedTold] = field(default_factory=dict)

    def look(self, view: View, decision: Decision, judge: Judge) -> None:
        """One look: what was decided, and what the other decides. An exit that the other began does not go on."""
        for one in decision.wanted:
            _put(self._ran, one, view.now_ns)
        asked = replace(judge, playbook=self.playbook, watch=None)
        for one in asked(replace(view, desk=Desk(starts=view.desk.starts, starts_ns=view.desk.starts_ns))).wanted:
            _put(self._other, one, view.now_ns)

    def as_run(self) -> tuple[WantedTold, ...]:
        """What the playbook that ran wanted, by when it first did."""
        return tuple(self._ran.values())

    def instead(self) -> tuple[WantedTold, ...]:
        """What the other would have."""
        return tuple(self._other.values())


def _put(into: dict[Key, WantedTold], wanted: Wanted, at_ns: int) -> None:
    """Count a wish with others of its rule and positions."""
    key = (wanted.kind.value, wanted.rule, tuple(sorted((leg.account, leg.symbol) for leg in wanted.legs)))
    legs = tuple(f"{leg.quantity:+g} {leg.symbol} on {leg.account}" for leg in wanted.legs)
    before = into.get(key)
    first = before.first if before is not None else to_iso(at_ns)
    into[key] = WantedTold(
        kind=wanted.kind.value, rule=wanted.rule, first=first, last=to_iso(at_ns),
        looks=before.looks + 1 if before is not None else 1,
        legs=before.legs if before is not None else legs or ((wanted.transfer,) if wanted.transfer else ()),
        reason=before.reason if before is not None else wanted.reason,
    )  # fmt: skip
