"""What a storm of the catalogue does to money under way, without any drill."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perpbook.treasury.conditions import Conditions
    from perpbook.treasury.facts import Facts


def conditions_of(storm: str | None, facts: Facts) -> tuple[Conditions, tuple[str, ...]]:
    """The storm's outages from its beginning, which is now, and what to know of them; calm without a storm.

    Raises
    ------
    InputError : the storm is unknown.
    """
    from perpbook.runs.rescue import strangers
    from perpbook.scenario.catalogue import find_storm
    from perpbook.scenario.draw import draw
    from perpbook.scenario.overlay import Ground
    from perpbook.scenario.storm import CALM
    from perpbook.treasury.conditions import Conditions

    if storm is None:
        return Conditions(facts=facts), ()
    found = find_storm(storm)
    if found == CALM or not found.outages:
        return Conditions(facts=facts), (f'the storm "{storm}" keeps no money from moving',)
    steps = max(found.horizon_ns // found.step_ns, 1)
    alone = replace(CALM, name=found.name, horizon_ns=found.horizon_ns, step_ns=found.step_ns, outages=found.outages)
    outages = draw(alone, Ground(series=(), assets=()), bar_ns=found.step_ns, steps=steps).outages
    conditions = Conditions(facts=facts, absences=outages, step_ns=found.step_ns, steps=steps)
    return conditions, tuple(strangers(outages, facts))
