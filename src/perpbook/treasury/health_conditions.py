"""What layers' health means for money: absences that ways and plans understand. It only ever takes ways away; it starts
nothing.

A layer that has halted or rolled back, or of which nothing is known, has no ways; one that is recovering lets nothing out;
where exits stand still, its canonical routes do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from perpbook.model.health import ACCESS, BATCHES, EXITS, HEAD, LayerHealth, State
from perpbook.model.units import DAY_NS, SECOND_NS
from perpbook.scenario.overlay import Absence
from perpbook.treasury.conditions import MINUTE, Conditions
from perpbook.treasury.facts import Facts

STEPS = 30 * DAY_NS // SECOND_NS
"""How far ahead, in steps of a second: an absence that lasts to it has no end known."""

LEAST_MINUTES = 1.0 / MINUTE
CLOSED_EXITS = (State.HALTED, State.ROLLED_BACK, State.UNKNOWN)


def conditions_of(healths: Iterable[LayerHealth], facts: Facts, more: Iterable[Absence] = ()) -> Conditions:
    """Conditions of now: what the layers' health takes away, and `more` (in steps of a second)."""
    absences = (*more, *(one for health in healths for one in absences_of(health)))
    return Conditions(facts=facts, absences=absences, step_ns=SECOND_NS, steps=STEPS)


def nothing_leaves(conditions: Conditions) -> Conditions:
    """For what is proposed to begin now: a layer that lets nothing out stays so, whenever its grace is to end."""
    kept = tuple(
        replace(one, end_step=conditions.steps) if one.kind == "departures" else one for one in conditions.absences
    )
    return replace(conditions, absences=kept)


def absences_of(health: LayerHealth) -> tuple[Absence, ...]:
    """What of a layer is away, from now on."""
    return tuple(_absences(health))


def _absences(health: LayerHealth) -> Iterator[Absence]:
    head, access = health.state_of(HEAD), health.state_of(ACCESS)
    if head is State.ROLLED_BACK:
        yield _away(health, "rollback", factor=LEAST_MINUTES)
    elif head is State.HALTED:
        yield _away(health, "halt")
    elif head is State.UNKNOWN or access in (State.UNKNOWN, State.HALTED, State.ROLLED_BACK):
        yield _away(health, "rpc")
    elif head is State.RECOVERING:
        until_ns = health.clocks[HEAD].until_ns
        left = STEPS if until_ns is None else -(-(until_ns - health.as_of_ns) // SECOND_NS)
        yield _away(health, "departures", end=max(1, min(STEPS, left)))
    if any(health.watched(one) and health.state_of(one) in CLOSED_EXITS for one in (BATCHES, EXITS)):
        yield _away(health, "exits")
    if health.fees is not None and health.fees.dear:
        yield _away(health, "gas", factor=max(1.0, health.fees.times_usual))


def _away(health: LayerHealth, kind: str, *, end: int = STEPS, factor: float = 1.0) -> Absence:
    return Absence(where="layer", name=health.layer, kind=kind, start_step=0, end_step=end, factor=factor)


def meaning_of(health: LayerHealth) -> str:
    """What a layer's health means for transfers, in a sentence without its end."""
    kinds = [one.kind for one in absences_of(health)]
    told = [MEANS[kind] for kind in kinds]
    degraded = any(one.watched and one.state is State.DEGRADED for one in health.clocks.values())
    if not told:
        return "transfers may begin, with care" if degraded else "transfers may begin"
    return "; ".join(told)


MEANS = {
    "halt": "no transfer over it: what is under way waits",
    "rollback": "no transfer over it: what arrived since then may never have happened",
    "rpc": "no transfer over it: it cannot be seen, or nobody can be believed",
    "departures": "nothing out of it until its grace is over",
    "exits": "no canonical exit",
    "gas": "dear: what can wait should",
}
"""What each absence means for transfers."""
