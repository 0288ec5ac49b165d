"""The law of replay: a guard told again what was kept of what a seed's guard was told writes the same records."""

from __future__ import annotations

from collections.abc import Sequence

from perpbook.guard.desk import Desk
from perpbook.guard.guard import Guard
from perpbook.guard.inputs import Began, Line
from perpbook.guard.replay import Replay, Replayed, ends_of
from perpbook.guard.view import Decision, View
from perpbook.model.record import Record
from tests.simulation.broken import LawBroken
from tests.simulation.chance import Chance
from tests.simulation.mind import Mind
from tests.simulation.plan import Plan


def again(plan: Plan, lines: Sequence[Line], records: Sequence[Record]) -> None:
    """Raise LawBroken where a replay writes something else, or leaves something out."""
    result = replayed(plan, lines, records)
    if result.difference is not None or result.gaps:
        raise LawBroken("replay", f"a replay of what the guard was told is not what it wrote: {result}")


def replayed(plan: Plan, lines: Sequence[Line], records: Sequence[Record]) -> Replayed:
    """What a replay of these lines comes to."""
    mind, chance = Mind(plan), Chance(plan.seed, "decides")

    def decide(view: View) -> Decision:
        if chance.strikes(plan.raises):
            raise ValueError("a rule that fails")
        return mind(view)

    def make(desk: Desk, began: Began) -> Guard:
        return Guard(desk, plan.settings, decide)

    replay = Replay(records, ends_of([one for one in lines if isinstance(one, Began)], len(records)), make)
    for _ in replay.steps(lines):
        pass
    return replay.result
