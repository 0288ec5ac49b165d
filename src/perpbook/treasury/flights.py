"""When money that is under way comes, given that it has not come yet, and how likely it is that something holds it up.

Of T, how long it takes in all, what is known after t seconds is T > t. With a chance p a transfer meets an outage and takes as
long as such transfers do (G); otherwise it takes its usual time (F). After t seconds without arrival the chance that it is held
up is p (1 - G(t)) / (p (1 - G(t)) + (1 - p) (1 - F(t))), which rises while it should have come. Where the book does not say by
which way money goes, every way counts alike that can keep what the sender was told, and the slow ones count for more as time
goes by.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.model.book import Book
from perpbook.model.units import SECOND_NS
from perpbook.treasury.facts import Facts
from perpbook.treasury.holdings import Flight, Holding, Holdings
from perpbook.treasury.law import seconds_at
from perpbook.treasury.pots import Pot
from perpbook.treasury.standing_money import WALLET, added
from perpbook.treasury.ways import Chance, Traffic, Way, ways_onto, ways_to

HARDLY_EVER = 0.01
"""A way that keeps what the sender was told less often than this is not the one."""

LIKELY = 0.5
"""A flight more likely than this to be held up is not counted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Of one flight, seconds from now: `typical` and `most` (95 %); inf: not while anybody looks; None: not known. gone : seconds
    since it left, None for not known. stuck : the chance that something holds it up. late : past what the sender was told.
    astray : the routes that the book names do not lead there. why : what is not known."""

    flight: Flight
    typical: float | None
    most: float | None
    gone: float | None
    stuck: float
    late: bool = False
    astray: bool = False
    why: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is taken to come."""
        return not (self.flight.stuck or self.astray) and self.stuck <= LIKELY


def forecast_of(flight: Flight, book: Book, facts: Facts, traffic: Traffic) -> Forecast:
    """When a flight comes, seen from the moment of the book."""
    gone = None if flight.departed_ns is None else (book.as_of_ns - flight.departed_ns) / SECOND_NS
    late = flight.arrives_ns is not None and flight.arrives_ns < book.as_of_ns
    nothing = Forecast(flight=flight, typical=None, most=None, gone=gone, stuck=float(flight.stuck), late=late)
    if flight.stuck:
        return replace(nothing, why="the book says that it is stuck")
    ways = ways_of(flight, book, facts)
    if not ways:
        why = "no way from there to there is known" + (", of that route" if flight.ways else "")
        return replace(nothing, astray=bool(flight.ways), why=why)
    calm = Chance(scores=traffic.chance.scores)
    every = [case for way in ways for case in _cases(way, traffic, calm, gone or 0.0)]
    cases = _able(every, _told_seconds(flight, book))
    whole, left, weight = (np.concatenate(parts) for parts in zip(*(one.arrays for one in cases), strict=True))
    held = np.concatenate([np.full(one.whole.size, one.held) for one in cases])
    weight = np.where(whole > (gone or 0.0), weight, 0.0)
    if not weight.sum() > 0.0:
        return replace(nothing, stuck=1.0, why=f"it is under way for longer than any of {whole.size:,} drawn transfers")
    typical, most = weighted_points(left, weight, (0.5, 0.95))
    why = "" if gone is not None else "when it left is not known: as if it left now"
    stuck = float(weight[held].sum() / weight.sum())
    return replace(nothing, typical=typical, most=most, stuck=stuck, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Draws of one way, held up or not: `whole` seconds in all, `left` seconds from now, and what all of them weigh together."""

    whole: Floats
    left: Floats
    weight: float
    held: bool

    @property
    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """(whole, left, weight) by draw."""
        return self.whole, self.left, np.full(self.whole.size, self.weight / self.whole.size)


def _told_seconds(flight: Flight, book: Book) -> float:
    """How long the sender was told that it takes in all, inf where it was not told."""
    if flight.arrives_ns is None:
        return float("inf")
    return (flight.arrives_ns - (book.as_of_ns if flight.departed_ns is None else flight.departed_ns)) / SECOND_NS


def _able(cases: Sequence[_Case], told: float) -> Sequence[_Case]:
    """Cases without those that hardly ever keep what the sender was told, held up or not; all where none does."""
    able = [one for one in cases if one.held or float((one.whole <= told).mean()) > HARDLY_EVER]
    return able if any(not one.held for one in able) else cases


def weighted_points(values: Floats, weights: Floats, shares: Sequence[float]) -> list[float]:
    """By which values such shares of the weight are reached."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.array(shares) * reached[-1])
    return [float(values[order[min(place, values.size - 1)]]) for place in places]


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


def _cases(way: Way, traffic: Traffic, calm: Chance, gone: float) -> Iterator[_Case]:
    """A way as usual, and held up at each of its hops that may be."""
    chances = [hop.stuck.chance if hop.stuck else 0.0 for hop in way.hops]
    free = [calm.draws(hop) for hop in way.hops]
    whole, left = _times(way, traffic, free, gone)
    yield _Case(whole=whole, left=left, weight=float(np.prod([1.0 - one for one in chances])), held=False)
    for number, hop in enumerate(way.hops):
        if hop.stuck is not None and hop.stuck.chance > 0.0:
            held = seconds_at(hop.stuck.seconds, traffic.chance.scores(f"held:{hop.name}"))
            whole, left = _times(way, traffic, [*free[:number], held, *free[number + 1 :]], gone)
            yield _Case(whole=whole, left=left, weight=hop.stuck.chance, held=True)


def _times(way: Way, traffic: Traffic, efforts: Sequence[Floats], gone: float) -> tuple[Floats, Floats]:
    """(whole, left) by draw: seconds that a way takes in all in calm, and seconds until it comes when `gone` are over and what is
    away is away from now on."""
    count = max(effort.size for effort in efforts)
    whole, moment, spent = np.zeros(count), np.zeros(count), np.full(count, gone)
    for hop, drawn in zip(way.hops, efforts, strict=True):
        effort = drawn if drawn.size == count else np.resize(drawn, count)
        whole = whole + effort
        rest, clock = np.maximum(effort - spent, 0.0), traffic.clock(hop)
        begun = spent > 0.0
        spent = np.maximum(spent - effort, 0.0)
        after = clock.over(moment, rest)
        if clock.waits:  # What has left waits no more.
            after = np.where(begun, replace(clock, waits=()).over(moment, rest), after)
        moment = np.where(begun & (rest == 0.0), moment, after)
    return whole, moment


def counted_on(holdings: Holdings, forecasts: Sequence[Forecast]) -> Holdings:
    """The holdings with what is likely stuck locked, and said so; what goes over routes that lead elsewhere is unread."""
    held, notes, unread = dict(holdings.holdings), list(holdings.notes), list(holdings.unread)
    for one in forecasts:
        flight = one.flight
        if one.astray:
            unread.append(
                f"the transfer of {flight.asset} from {flight.source} to {flight.destination}: {', '.join(flight.ways)} does not "
                "lead there: look which way it went, and write that, or leave the route out"
            )
            continue
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
    return replace(
        holdings, holdings=held, notes=tuple(dict.fromkeys(notes)), unread=tuple(dict.fromkeys(unread))
    )  # fmt: skip


def arriving_within(forecasts: Sequence[Forecast], place: str, seconds: float) -> float:
    """Dollars that come to a place within so many seconds, with 95 %."""
    return sum(
        one.flight.dollars
        for one in forecasts
        if one.flight.destination == place and one.counts and one.most is not None and one.most <= seconds
    )
