"""When money that is under way comes, given that it has not come yet, and how likely it is that it is stuck.

Of T, how long it takes in all, what is known after t seconds is T > t. A transfer is stuck with a small probability p from the
start (then somebody must act); after t seconds without arrival that is p / (p + (1 - p) P(T > t)), which rises to 1. Where the book
does not say by which way money goes, every way that there is counts alike, and the slow ones count for more as time goes by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.model.book import Book
from perpbook.model.units import SECOND_NS
from perpbook.treasury.conditions import Clock
from perpbook.treasury.facts import Facts
from perpbook.treasury.holdings import Flight, Holding, Holdings
from perpbook.treasury.pots import Pot
from perpbook.treasury.standing_money import WALLET, added
from perpbook.treasury.ways import Traffic, Way, ways_onto, ways_to

STUCK_CHANCE = 0.005
"""Of transfers, those that need somebody to act, where the facts say nothing: a choice, no measurement."""

LIKELY = 0.5
"""A flight more likely than this to be stuck is not counted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Of one flight, seconds from now: `typical` and `most` (95 %), of those that come by themselves; inf: not while anybody
    looks. gone : seconds since it left, None for not known. stuck : the chance that it will not come by itself. late : past what
    the sender was told. why : what is not known."""

    flight: Flight
    typical: float | None
    most: float | None
    gone: float | None
    stuck: float
    late: bool = False
    why: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is taken to come."""
        return not self.flight.stuck and self.stuck <= LIKELY


def forecast_of(flight: Flight, book: Book, facts: Facts, traffic: Traffic) -> Forecast:
    """When a flight comes, seen from the moment of the book."""
    gone = None if flight.departed_ns is None else (book.as_of_ns - flight.departed_ns) / SECOND_NS
    late = flight.arrives_ns is not None and flight.arrives_ns < book.as_of_ns
    nothing = Forecast(flight=flight, typical=None, most=None, gone=gone, stuck=float(flight.stuck), late=late)
    if flight.stuck:
        return replace(nothing, why="the book says that it is stuck")
    ways = ways_of(flight, book, facts)
    if not ways:
        return replace(nothing, why="no way from there to there is known" + (", of that route" if flight.ways else ""))
    whole, left = zip(*(_times(way, traffic, gone or 0.0) for way in ways), strict=True)
    every, coming = np.concatenate(whole), np.concatenate(left)
    alive = every > (gone or 0.0)
    stuck = stuck_after(STUCK_CHANCE, float(alive.mean())) if gone is not None else STUCK_CHANCE
    if not alive.any():
        return replace(nothing, stuck=1.0, why=f"it is under way for longer than any of {every.size:,} drawn transfers")
    typical, most = (float(np.quantile(coming[alive], share, method="inverted_cdf")) for share in (0.5, 0.95))
    why = "" if gone is not None else "when it left is not known: as if it left now"
    return replace(nothing, typical=typical, most=most, stuck=stuck, why=why)


def stuck_after(chance: float, alive: float) -> float:
    """The chance that a transfer is stuck when it has not come, of the chance at the start and the share of the others that would
    not have come either."""
    still = (1.0 - chance) * alive
    return chance / (chance + still) if chance + still > 0.0 else 0.0


def ways_of(flight: Flight, book: Book, facts: Facts) -> list[Way]:
    """The ways that a flight can be on: those that use the routes the book names, in order, or all that there are."""
    pot = _pot(flight, book, facts)
    if pot is None:
        return []
    account = next((one for one in book.accounts if one.id == flight.destination), None)
    if account is not None:
        venue = facts.venues.get(account.venue)
        found = ways_to(facts, pot, venue, account.id) if venue else []
    elif flight.destination.startswith(WALLET):
        found = ways_to(facts, pot, facts.venues[flight.destination.removeprefix(WALLET)], "")
    else:
        found = ways_onto(facts, pot, flight.destination) if flight.destination in facts.layers else []
    named = [way for way in found if routes_of(way)[: len(flight.ways)] == flight.ways]
    return named if flight.ways else found


def routes_of(way: Way) -> tuple[str, ...]:
    """Ids of the routes of a way, in order."""
    return tuple(hop.route.id for hop in way.hops if hop.route is not None)


def _pot(flight: Flight, book: Book, facts: Facts) -> Pot | None:
    """Where a flight comes from, as if it were to leave; None where that is no place that is known."""
    money = Pot(name=flight.source, asset=flight.asset, dollars=flight.dollars)
    if flight.source in facts.layers:
        return replace(money, layer=flight.source)
    venue = next((one.venue for one in book.accounts if one.id == flight.source), flight.source.removeprefix(WALLET))
    return replace(money, account=flight.source, venue=venue) if venue in facts.venues else None


def _times(way: Way, traffic: Traffic, gone: float) -> tuple[Floats, Floats]:
    """(whole, left) by draw: seconds that a way takes in all in calm, and seconds until it comes when `gone` are over and what is
    away is away from now on."""
    count = max(traffic.chance.draws(hop).size for hop in way.hops)
    whole, moment, spent = np.zeros(count), np.zeros(count), np.full(count, gone)
    for hop in way.hops:
        effort = np.resize(traffic.chance.draws(hop), count)
        whole = whole + effort
        rest, clock = np.maximum(effort - spent, 0.0), traffic.clock(hop)
        begun = spent > 0.0
        spent = np.maximum(spent - effort, 0.0)
        after = np.where(begun, _without_waits(clock).over(moment, rest), clock.over(moment, rest))
        moment = np.where(begun & (rest == 0.0), moment, after)
    return whole, moment


def _without_waits(clock: Clock) -> Clock:
    """What has left waits no more."""
    return replace(clock, waits=())


def counted_on(holdings: Holdings, forecasts: Sequence[Forecast]) -> Holdings:
    """The holdings with what is likely stuck locked, and said so."""
    held, notes = dict(holdings.holdings), list(holdings.notes)
    for one in forecasts:
        flight = one.flight
        if one.counts or flight.stuck:
            continue
        at = (flight.destination, flight.asset)
        held[at] = added(
            held.get(at, Holding(place=at[0], asset=at[1])), arriving=-flight.dollars, locked=flight.dollars
        )
        notes.append(
            f"{flight.dollars:,.0f} dollars of {flight.asset} from {flight.source} to {flight.destination} are not counted on: "
            f"stuck with a chance of {one.stuck:.0%}; look where they are"
        )
    return replace(holdings, holdings=held, notes=tuple(dict.fromkeys(notes)))


def arriving_within(forecasts: Sequence[Forecast], place: str, seconds: float) -> float:
    """Dollars that come to a place within so many seconds, with 95 %."""
    return sum(
        one.flight.dollars
        for one in forecasts
        if one.flight.destination == place and one.counts and one.most is not None and one.most <= seconds
    )


def by_place(forecasts: Sequence[Forecast]) -> Mapping[str, tuple[Forecast, ...]]:
    """Flights by where they go."""
    places = dict.fromkeys(one.flight.destination for one in forecasts)
    return {place: tuple(one for one in forecasts if one.flight.destination == place) for place in places}
