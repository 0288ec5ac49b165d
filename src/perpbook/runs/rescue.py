"""Whether money would come in time, for every account of a drill: facts, the book's money, outages and chance put together."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from perpbook.model.units import SECOND_NS

if TYPE_CHECKING:
    from perpbook.engine.drill import Drill, Futures
    from perpbook.kernels.types import Floats
    from perpbook.model.bars import Bars
    from perpbook.model.market import Snapshot
    from perpbook.scenario.overlay import Absence
    from perpbook.terms.terms import VenueTerms
    from perpbook.treasury.barrier import Closed, Motion, OneFactor
    from perpbook.treasury.facts import Facts
    from perpbook.treasury.gaps import RescueGaps
    from perpbook.treasury.rescue import Alarm, Deaths, Late, Rescue
    from perpbook.treasury.standing import Standing

FEWEST_DRAWS = 4_000
MOST_DRAWS = 20_000
"""Draws of every hop: one for each future, within these bounds; more futures take them again from the first."""

YEAR_NS = 365 * 86_400 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a rescue must know of a drill. told : accounts whose arrival the trader gives; motions : by asset, how its price
    moves in the drill, none where `still` says why there is no closed form."""

    snapshot: Snapshot
    terms: Mapping[str, VenueTerms]
    drill: Drill
    absences: tuple[Absence, ...] = ()
    told: tuple[str, ...] = ()
    motions: Mapping[str, Motion]
    still: str = ""


def rescue_gaps(
    situation: Situation, under: Futures | None, without: Futures, ring: Callable[[Floats], Futures]
) -> RescueGaps:
    """The gap of every account that holds a position and whose arrival nobody told. ring : the futures without rules under
    requirements so many times as large, by account."""
    from perpbook.treasury.barrier import one_factors
    from perpbook.treasury.conditions import Conditions
    from perpbook.treasury.facts_load import packaged_facts
    from perpbook.treasury.gaps import AccountGap, RescueGaps
    from perpbook.treasury.pots import pots_of
    from perpbook.treasury.rescue import Treasury, rescue_of
    from perpbook.treasury.standing import standing_of
    from perpbook.treasury.ways import Chance

    drill, facts, snapshot = situation.drill, packaged_facts(), situation.snapshot
    bars = drill.journey.bars
    standing = standing_of(snapshot, situation.terms)
    found = pots_of(snapshot.book, snapshot.market, standing.free, facts)
    treasury = Treasury(
        facts=facts,
        terms=situation.terms,
        pots=found.pots,
        conditions=Conditions(facts=facts, absences=situation.absences, step_ns=bars.bar_ns, steps=bars.count),
        chance=Chance(scores=scores_by_name(drill.seed, min(max(drill.paths, FEWEST_DRAWS), MOST_DRAWS))),
    )
    factors, gaps = one_factors(standing), []
    alarms = alarms_of(standing, without, ring) if found.pots else None
    for number, account in enumerate(snapshot.book.accounts):
        if not account.positions or account.id in situation.told:
            continue
        sides = [deaths_of(one, number, bars, drill.seed) if one else None for one in (under, without)]
        main = sides[0] or sides[1]
        assert main is not None
        alarm = alarm_of(alarms, number, sides[1], drill.seed) if alarms is not None else None
        rescue = rescue_of(treasury, account, float(standing.equity[number]), main, alarm)
        late = [_late(rescue, side) if side else None for side in sides]
        closed, why = closed_of(situation, factors.get(account.id), rescue, bars.bar_ns * bars.count / SECOND_NS)
        gaps.append(
            AccountGap(
                rescue=rescue, under=late[0], without=late[1], closed=closed, not_closed=why, one_future=main.step.size == 1
            )
        )  # fmt: skip
    return RescueGaps(accounts=tuple(gaps), notes=(*found.notes, *strangers(situation.absences, facts)))


@lru_cache(maxsize=4)
def scores_by_name(seed: int, count: int) -> Callable[[str], Floats]:
    """Standard normal scores of a hop by its name, not to be written to; a name's never depend on which others there are."""
    kept: dict[str, Floats] = {}

    def scores(name: str) -> Floats:
        if name not in kept:
            stream = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),))
            kept[name] = np.random.default_rng(stream).standard_normal(count)
            kept[name].setflags(write=False)
        return kept[name]

    return scores


def deaths_of(futures: Futures, number: int, bars: Bars, seed: int) -> Deaths:
    """One account's liquidations; the moment within a step is drawn evenly."""
    from perpbook.treasury.rescue import Deaths

    step = futures.died[:, number]
    inside = _even(seed, "moment of death", step.size)
    return Deaths(step=step, steps=futures.steps, step_seconds=bars.bar_ns / SECOND_NS, inside=inside)


def alarms_of(standing: Standing, without: Futures, ring: Callable[[Floats], Futures]) -> Floats | None:
    """(P, A) the step at which each account's margin ratio reaches the alarm, 0 where it stands there; None when nobody dies."""
    from perpbook.treasury.barrier import ALARM

    if not (without.died < without.steps).any():
        return None
    rings_now = np.array(standing.rings(ALARM))
    found = ring(np.where(rings_now, 1.0, 1.0 / ALARM)).died
    found[:, rings_now] = 0.0
    return found


def alarm_of(alarms: Floats, number: int, deaths: Deaths | None, seed: int) -> Alarm | None:
    """One account's alarm; None where it never dies."""
    from perpbook.treasury.rescue import Alarm

    if deaths is None or not deaths.dies.any():
        return None
    inside = _even(seed, "moment of the alarm", alarms.shape[0])
    return Alarm(step=alarms[:, number], inside=inside, deaths=deaths)


def _even(seed: int, name: str, count: int) -> Floats:
    """Numbers from 0 to 1, one for each future; of one future as many as arrivals are drawn."""
    stream = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()),))
    return np.random.default_rng(stream).random(count if count > 1 else FEWEST_DRAWS)


def _late(rescue: Rescue, deaths: Deaths) -> Late | None:
    from perpbook.treasury.rescue import late_by

    return late_by(deaths, rescue.best.seconds) if rescue.best else None


def closed_of(
    situation: Situation, factor: OneFactor | None, rescue: Rescue, horizon_seconds: float
) -> tuple[Closed | None, str]:
    """The closed form of one account, or why there is none."""
    from perpbook.treasury.barrier import closed_form

    if rescue.best is None or rescue.unhindered is None:
        return None, ""
    if factor is None:
        return None, "it lives by several prices, or no move kills it"
    motion = situation.motions.get(factor.asset)
    if motion is None:
        return None, situation.still or f"the volatility of {factor.asset} is not known"
    return closed_form(factor, motion, rescue.best.seconds, rescue.unhindered, horizon_seconds), ""


def motions_of(past: Bars, assets: tuple[str, ...], shock: float, *, fair: bool) -> dict[str, Motion]:
    """How each asset's price moves in a drill: its history's volatility times the shock; `fair`: the price itself has no drift,
    otherwise its logarithm has none."""
    from perpbook.treasury.barrier import Motion

    out: dict[str, Motion] = {}
    moves = np.log(past.close[:, 1:] / past.close[:, :-1])
    for row, asset in reversed(list(enumerate(assets))):
        volatility = float(moves[row].std()) * shock * math.sqrt(YEAR_NS / past.bar_ns)
        if volatility > 0.0:
            out[asset] = Motion(volatility=volatility, drift=0.0 if fair else 0.5 * volatility**2)
    return out


def strangers(absences: tuple[Absence, ...], facts: Facts) -> list[str]:
    """Layers and routes that a storm names and no facts know."""
    from perpbook.scenario.table_reader import nearest

    routes = {one.id for one in facts.routes.values()} | {one.family for one in facts.routes.values()}
    out = []
    for one in absences:
        if one.name == "*" or one.where == "venue":
            continue
        known = facts.layer_id(one.name) is not None if one.where == "layer" else one.name in routes
        if not known:
            names = tuple(facts.layers) if one.where == "layer" else tuple(sorted(routes))
            out.append(
                f'the storm\'s {one.where} "{one.name}" is none that money is known to use: {nearest(one.name, names)}'
            )
    return list(dict.fromkeys(out))
