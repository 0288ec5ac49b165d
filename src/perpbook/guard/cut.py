"""What positions were cut for what their funding cost on a UTC day: a part of the desk, changed by records alone.

A position is cut once a day: it is done once as much was traded as the rule wanted at its first cut, or once a proposal that the
cap of an action did not make smaller has ended and traded some of it. What is left until then may be wanted again, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perpbook.guard.case import Case, Ticket, same
from perpbook.guard.funded import DAY_CAPS, Pair
from perpbook.model.action import Leg
from perpbook.model.units import DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left to trade of a cut that was begun, signed, and the UTC day of its last order."""

    day: int
    quantity: float


@dataclass(slots=True)
class Cuts:
    """done : UTC days in which positions were last cut, all of it.  left : of those that are not done."""

    done: dict[Pair, int] = field(default_factory=dict)
    left: dict[Pair, Left] = field(default_factory=dict)

    def traded(self, case: Case, ticket: Ticket, change: float) -> None:
        """An order traded so much more, signed."""
        leg, day = case.proposal.legs[ticket.leg], ticket.sent_ns // DAY_NS
        pair = (leg.account, leg.symbol)
        if case.proposal.rule not in DAY_CAPS or change == 0.0 or self.done.get(pair) == day:
            return
        left = self.left.get(pair)
        if left is None or left.day != day or left.quantity * change <= 0.0:
            left = Left(day=day, quantity=case.whole.get(pair, leg.quantity))
        rest = left.quantity - change
        if rest * left.quantity <= 0.0 or same(rest, 0.0):
            self._finish(pair, day)
        else:
            self.left[pair] = Left(day=day, quantity=rest)

    def ended(self, case: Case, tickets: list[Ticket]) -> None:
        """A proposal is done with: what it wanted whole and traded some of is not wanted again that day."""
        for number, leg in enumerate(case.proposal.legs if case.proposal.rule in DAY_CAPS else ()):
            pair = (leg.account, leg.symbol)
            days = [one.sent_ns // DAY_NS for one in tickets if one.leg == number and one.filled != 0.0]
            if days and pair not in case.whole:
                self._finish(pair, max(days))

    def left_on(self, day: int) -> dict[Pair, float]:
        """What is left to trade on a UTC day, signed."""
        return {pair: one.quantity for pair, one in self.left.items() if one.day == day}

    def _finish(self, pair: Pair, day: int) -> None:
        self.done[pair] = day
        self.left.pop(pair, None)


def made_smaller(rule: str, wanted: Mapping[Pair, float], legs: tuple[Leg, ...]) -> list[tuple[str, str, float]]:
    """Account, symbol and what was wanted of the legs of a cut that were made smaller."""
    pairs = [(leg.account, leg.symbol) for leg in legs if leg.quantity != wanted[leg.account, leg.symbol]]
    return [(*pair, wanted[pair]) for pair in pairs] if rule in DAY_CAPS else []
