"""A treasurer in a drill: every drawn future with it and without, arrivals drawn by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.engine.treasurer import Treasurer
from perpbook.errors import InputError
from perpbook.model.account import MarginMode
from perpbook.model.market import STABLECOINS
from perpbook.runs.drill import plan_drill, run_asked_drill
from perpbook.runs.treasury_given import TreasuryGiven, score_by, treasurer_of, treasury_given
from perpbook.runs.treasury_incidents import sky_of

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled
    from perpbook.engine.treasured_futures import TreasuredFutures
    from perpbook.runs.drill import DrillAsked, Planned, Tell
    from perpbook.runs.drill_parts import Manner

WITH_TREASURER, USUALLY = 200, 10_000
"""Futures of a drill with a treasurer, unless told: each is gone through bar by bar; and of one without."""


def treasury_asked(given: Mapping[str, Any]) -> TreasuryGiven | None:
    """The treasurer that a drill's options ask for, None for nobody.

    Raises
    ------
    InputError : an option stands alone, its value is not what it takes, or the drill is kept, which has no place for it.
    """
    from perpbook.treasury.own_facts import treasury_facts

    if not given["treasury"] and given["facts"] is not None:
        raise InputError("--facts is of a treasurer: add --treasury, or leave it out")
    one = treasury_given({**given, "storms": ()})
    if one is None:
        return None
    if given["save"] is not None or given["resume"]:
        raise InputError("a drill that is kept has no place for a treasurer: leave --save or --treasury out")
    return replace(one, known=treasury_facts(given["facts"]))


def run_treasured_drill(asked: DrillAsked, tell: Tell, *, threads: int, manner: Manner) -> Drilled:
    """A drill, and where a treasurer is asked for the same futures with it; errors as `run_asked_drill` and `refuse_unmoved`."""
    if asked.treasury is None:
        return run_asked_drill(asked, tell, threads=threads, manner=manner)
    plan = plan_drill(asked, most_bytes=manner.most_bytes, threads=threads)
    refuse_unmoved(plan, asked.treasury)
    found = run_asked_drill(asked, tell, threads=threads, manner=manner)
    treasured = drill_treasury(plan, asked.treasury, tell)
    return replace(found, treasured=treasured, notes=tuple(dict.fromkeys((*found.notes, *treasured.notes))))


def refuse_unmoved(plan: Planned, given: TreasuryGiven | None) -> None:
    """Refuse a treasurer where nothing that the book has can ever move.

    Raises
    ------
    InputError : there are not two places between which a way is known.
    """
    if given is None:
        return
    sky, book = sky_of(plan.drill, (), given.known), plan.drill.journey.book
    treasurer = treasurer_of(given, plan.drill.journey, sky)
    accounts = [one for one in book.accounts if one.venue in sky.facts.venues]
    layers = {one.layer for one in book.layers if one.balance.asset in STABLECOINS and sky.facts.layer_id(one.layer)}
    sources = layers | {one.id for one in accounts if one.mode is MarginMode.CROSS}
    wanting = {one.id for one in accounts if one.positions} | set(treasurer.policy.reserves)
    if not any(sources - {one} for one in wanting):
        held = ", ".join(sorted(sources)) or "no account of a venue that is known, and no layer"
        raise InputError(
            f"a treasurer has nothing to move in this book: money may leave {held}, and is wanted nowhere else; put stablecoin "
            "on a layer ([[layers]]) or in a second account, or leave --treasury out"
        )


def drill_treasury(plan: Planned, given: TreasuryGiven, tell: Tell) -> TreasuredFutures:
    """The futures of a drill with a treasurer and without.

    Raises
    ------
    InputError : a reserve is wanted where there can be none.
    """
    from perpbook.engine.treasured_futures import go_through_all

    drill = plan.drill
    first = treasurer_of(given, drill.journey, sky_of(drill, plan.situation.absences, given.known))
    idle = replace(first, asked=np.zeros(0, dtype=np.int64))

    def of_path(path: int) -> Treasurer:
        courier = replace(first.courier, score=score_by(drill.seed, path))
        return Treasurer(courier=courier, policy=first.policy, asked=first.asked)

    return go_through_all(drill, of_path, idle, lambda done, every: tell("with a treasurer", done, every))
