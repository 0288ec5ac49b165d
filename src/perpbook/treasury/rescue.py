"""The rescue gap: for each account the best way that money has to it, the next one, and whether it comes before liquidation.

The best way is the one with the smallest chance of being too late; of equals, the one whose 90 % point is soonest. The next one
(N-1) shares no route with it and, where that can be, none of the domains that fail together (protocols, exchanges), beyond what
stands at the account's own door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perpbook.kernels.types import Floats
from perpbook.model.account import Account
from perpbook.scenario.table_reader import nearest
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import Facts, Venue
from perpbook.treasury.law import drawn_by
from perpbook.treasury.pots import LEAST_SHARE, Pot, weight_of
from perpbook.treasury.ways import Chance, Traffic, Way, ways_to

LOOKED_AT = 16
"""Ways whose arrival is drawn: the soonest by their 90 % points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaths:
    """An account's liquidations: by future the step of the first (`steps` for none), a step's seconds, and where in it the
    moment is taken to be (0 to 1)."""

    step: Floats
    steps: int
    step_seconds: float
    inside: Floats

    @property
    def dies(self) -> NDArray[np.bool_]:
        """True where the account dies."""
        return self.step < self.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """By future the step at which an account's alarm rings (`steps` of `deaths` for never), where in it, and the liquidations
    of the same futures."""

    step: Floats
    inside: Floats
    deaths: Deaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarmed:
    """Futures in which the alarm rings, and those in which the account dies before money sent then arrives: as estimated, and
    with the moments inside steps as kind (`least`) and as unkind (`most`) as can be. spans : seconds from the alarm to death, of
    those that die."""

    futures: int
    rings: int
    late: int
    least: int
    most: int
    spans: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Futures, those in which the account dies, and those in which it does before money arrives: as estimated, and with every
    liquidation at the end (`least`) or the beginning (`most`) of its step."""

    futures: int
    dies: int
    late: int
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One way with its arrivals, seconds by draw; inf: not while the drill looks."""

    way: Way
    seconds: Floats

    def point(self, share: float) -> float:
        """By when money has arrived in that share of draws; inf where it has not."""
        return drawn_by(self.seconds, share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What is known of one account: `best` and `calm` (the best without the storm) are None where no money reaches it, and
    `reason` says why; `shared` is what the best and the second both need; `taken` is what the storm does to the way that would
    be best in calm, `later` what it does to it only after money sent at the start is through; `alarmed` is None where nobody
    dies; `unhindered` are the arrivals of the best way in calm."""

    account: str
    best: Arrival | None
    second: Arrival | None
    calm: Arrival | None
    shared: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    reason: str = ""
    alarmed: Alarmed | None = None
    unhindered: Floats | None = None


def late_by(deaths: Deaths, arrivals: Floats) -> Late:
    """Count. A single future meets every arrival; of many, each meets one."""
    step, inside = deaths.step, deaths.inside
    if step.size == 1:
        step, inside = np.repeat(step, arrivals.size), np.resize(inside, arrivals.size)
    money = np.resize(arrivals, step.size) / deaths.step_seconds
    dies = step < deaths.steps
    return Late(
        futures=step.size,
        dies=int(dies.sum()),
        late=int((dies & (money > step + inside)).sum()),
        least=int((dies & (money > step + 1.0)).sum()),
        most=int((dies & (money > step)).sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Treasury:
    """Facts, terms by venue, pots, what is away, and chance."""

    facts: Facts
    terms: Mapping[str, VenueTerms]
    pots: Sequence[Pot]
    conditions: Conditions
    chance: Chance


def rescue_of(
    treasury: Treasury, account: Account, equity: float, deaths: Deaths, alarm: Alarm | None = None
) -> Rescue:
    """The best way to one account whose equity is so many dollars, and how that does for money sent at the alarm."""
    facts = treasury.facts
    nothing = Rescue(account=account.id, best=None, second=None, calm=None)
    if account.venue not in facts.venues:
        told = f"no route to {account.venue} is known: {nearest(account.venue, tuple(facts.venues))}"
        return _because(nothing, told)
    ways, reason = ways_for(treasury, account, facts.venues[account.venue], equity)
    if not ways:
        return _because(nothing, reason)
    storm = Traffic(conditions=treasury.conditions, chance=treasury.chance)
    still = Traffic(conditions=Conditions(facts=facts), chance=treasury.chance)
    calm = best_of(still, ways, deaths)
    found = best_of(storm, ways, deaths) if treasury.conditions.absences else calm
    felt = tuple(dict.fromkeys(one.why for hop in calm.way.hops for one in treasury.conditions.paces(hop)))
    slowed = bool(felt) and float((storm.arrivals(calm.way) > calm.seconds + 1.0).mean()) > 0.01
    taken, later = (felt, ()) if slowed else ((), felt)
    if not np.isfinite(found.seconds).any():
        told = "nothing arrives while the drill looks: " + ", ".join(taken or ("every way is closed",))
        return Rescue(account=account.id, best=None, second=None, calm=calm, taken=taken, reason=told)
    own = own_of(facts, facts.venues[account.venue])
    second = next_best(storm, ways, found.way, own, deaths)
    shared = shared_by(found.way, second.way, own) if second else ()
    alarmed = after_alarm(storm, found.way, alarm) if alarm else None
    return Rescue(
        account=account.id, best=found, second=second, shared=shared, calm=calm, taken=taken, later=later, alarmed=alarmed,
        unhindered=still.arrivals(found.way),
    )  # fmt: skip


def after_alarm(traffic: Traffic, way: Way, alarm: Alarm) -> Alarmed:
    """Count for money sent when the alarm rings. Where it rings in the step of death, it rings before."""
    deaths, futures = alarm.deaths, max(alarm.step.size, alarm.inside.size)
    rings, dies = np.resize(alarm.step, futures), np.resize(deaths.step, futures)
    early, late = np.resize(alarm.inside, futures), np.resize(deaths.inside, futures)
    together = rings == dies
    first = np.where(together, np.minimum(early, late), early)
    last = np.where(together, np.maximum(early, late), late)

    def count(sent: Floats, gone: Floats) -> int:
        arrived = traffic.arrivals(way, sent * deaths.step_seconds)
        return int(((dies < deaths.steps) & (arrived > gone * deaths.step_seconds)).sum())

    return Alarmed(
        futures=futures,
        rings=int((rings < deaths.steps).sum()),
        late=count(rings + first, dies + last),
        least=count(rings, dies + 1.0),
        most=count(np.where(together, rings, rings + 1.0), dies),
        spans=(dies + last - rings - first)[dies < deaths.steps] * deaths.step_seconds,
    )


def best_of(traffic: Traffic, ways: Sequence[Way], deaths: Deaths) -> Arrival:
    """The way that is least often too late."""
    drawn = [Arrival(way=way, seconds=traffic.arrivals(way)) for way in traffic.ranked(ways)[:LOOKED_AT]]
    return min(
        drawn, key=lambda one: (late_by(deaths, one.seconds).late, one.point(0.9), one.point(0.5), one.way.words)
    )


def next_best(traffic: Traffic, ways: Sequence[Way], first: Way, own: frozenset[str], deaths: Deaths) -> Arrival | None:
    """The best other way that shares no route with the first, and no domain either where there is such a one, beyond the
    account's `own`. Both may leave from the same layer: `shared_by` says so."""
    for others in apart_from(first, ways, own):
        found = best_of(traffic, others, deaths) if others else None
        if found is not None and np.isfinite(found.seconds).any():
            return found
    return None


def apart_from(first: Way, ways: Sequence[Way], own: frozenset[str]) -> tuple[list[Way], list[Way]]:
    """Other ways that share neither route nor domain with the first beyond `own`, and those that share no route."""
    alone = [way for way in ways if way is not first and not first.routes & way.routes]
    return [way for way in alone if not first.needs & way.needs - own], alone


def shared_by(first: Way, second: Way, own: frozenset[str]) -> tuple[str, ...]:
    """What both ways need, beyond the account's own."""
    return tuple(sorted((first.needs | first.layers) & (second.needs | second.layers) - own))


def own_of(facts: Facts, venue: Venue) -> frozenset[str]:
    """What no way to a venue goes without: its layer with what it rests on, or the exchange."""
    door = venue.wallet or venue.id
    layer = facts.venues[door].layer
    return frozenset({layer, *facts.layers[layer].domains}) if layer else frozenset({door})


def ways_for(treasury: Treasury, account: Account, venue: Venue, equity: float) -> tuple[list[Way], str]:
    """Ways that bring enough; else why there are none."""
    if not treasury.pots:
        return [], "nothing to send: the book has no money on layers and no other account with free collateral"
    least, found = LEAST_SHARE * max(equity, 0.0), []
    other = [pot for pot in treasury.pots if pot.account != account.id]
    if not other:
        return [], "nothing to send: all free money is its own"
    for pot in other:
        weight = weight_of(pot.asset, account, treasury.terms[account.venue], treasury.facts)
        if weight > 0.0:
            found += ways_to(treasury.facts, replace(pot, dollars=pot.dollars * weight), venue, account.id)
    if not found:
        coins = ", ".join(dict.fromkeys(f"{pot.asset} of {pot.name}" for pot in other))
        return [], f"no route brings it a coin that its margin takes ({coins}); coins are not exchanged on the way"
    enough = [way for way in found if way.dollars >= least]
    if not enough:
        most = max(way.dollars for way in found)
        return [], f"too little to send: {most:,.0f} dollars at most, less than a tenth of its equity of {equity:,.0f}"
    return enough, ""


def _because(rescue: Rescue, reason: str) -> Rescue:
    return replace(rescue, reason=reason)
