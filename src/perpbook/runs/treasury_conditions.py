"""What holds money now: the outages of a storm that begins, and what layers' health was when it was last looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError
from perpbook.model.units import SECOND_NS

if TYPE_CHECKING:
    from perpbook.model.health import LayerHealth
    from perpbook.treasury.conditions import Conditions
    from perpbook.treasury.facts import Facts

STALE_SECONDS = 600.0
"""What was seen longer ago is not known, where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which memory of layers' health counts, and how many seconds what was seen counts for."""

    memory: Path
    stale_s: float = STALE_SECONDS

    def __post_init__(self) -> None:
        if not self.stale_s > 0.0:
            raise InputError(f"--last {self.stale_s:g} does not do: give seconds, more than 0")


def look_asked(memory: Path | None, stale_s: float | None) -> Look | None:
    """The look that --health and --last ask for; None for none. --last alone is of the memory in the home folder."""
    from perpbook.runs.treasury_health import memory_file

    if memory is None and stale_s is None:
        return None
    return Look(memory=memory or memory_file(), stale_s=STALE_SECONDS if stale_s is None else stale_s)


def conditions_of(
    facts: Facts, storm: str | None, look: Look | None = None, now_ns: int | None = None
) -> tuple[Conditions, tuple[str, ...]]:
    """What a storm and layers' health take away, from now on, and what to say of it; nothing without either.

    Raises
    ------
    InputError : the storm is unknown, or takes nothing away; nothing is remembered of any layer.
    """
    stormy, told = _of_storm(facts, storm)
    if look is None:
        return stormy, told
    from perpbook.engine.clock import now_ns as clock_ns
    from perpbook.runs.treasury_health import Asked, last_look
    from perpbook.treasury import health_conditions

    found = last_look(Asked(memory=look.memory), clock_ns() if now_ns is None else now_ns, look.stale_s)
    return stormy.plus(health_conditions.conditions_of(found, facts)), (*told, *_words(found))


def _of_storm(facts: Facts, storm: str | None) -> tuple[Conditions, tuple[str, ...]]:
    from perpbook.treasury.conditions import Conditions

    if storm is None:
        return Conditions(facts=facts), ()
    from perpbook.runs.rescue import strangers
    from perpbook.scenario.catalogue import find_storm
    from perpbook.scenario.overlay import Absence

    found = find_storm(storm)
    if not found.outages:
        raise InputError(f'the storm "{found.name}" takes no layer, route or venue away: choose one with outages')
    absences = tuple(
        Absence(
            where=one.where, name=one.name, kind=one.kind, start_step=one.span.at_ns // SECOND_NS,
            end_step=one.span.until_ns // SECOND_NS, factor=one.factor,
        )
        for one in found.outages
    )  # fmt: skip
    told = [f'of the storm "{found.name}" outages alone count here, from now on', *strangers(absences, facts)]
    return Conditions(facts=facts, absences=absences, steps=found.horizon_ns // SECOND_NS + 1), tuple(told)


def _words(healths: tuple[LayerHealth, ...]) -> list[str]:
    """Of every layer that is away what that means, and of which it is known at all."""
    from perpbook.model.health import HEAD
    from perpbook.treasury.health_conditions import absences_of, meaning_of

    away = [one for one in healths if absences_of(one)]
    told = [
        f"{one.name} is {one.worst.value}, {one.clocks[HEAD].why}: {meaning_of(one)}"
        for one in away
        if HEAD in one.clocks
    ]
    names = ", ".join(one.name for one in healths)
    return [*told, f"health was looked at of {names}; nobody looked at other layers, which are taken to go on"]
