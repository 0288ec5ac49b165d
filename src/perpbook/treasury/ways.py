"""Ways for money to an account: every chain of hops that a coin can go, and how long each takes in a storm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.treasury.conditions import Clock, Conditions
from perpbook.treasury.facts import Facts, Stuck, Times, Venue
from perpbook.treasury.hops import Hop, Kind, arrival_on, doors_in, doors_out, move_within, over_route
from perpbook.treasury.law import Z90, drawn_at
from perpbook.treasury.pots import Pot

MOST_ROUTES = 2
"""Routes in a row; three only where no way has fewer."""

Scores = Callable[[str], Floats]
"""Standard normal scores of a hop's chance by its name: the same name gives the same ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A pot, the hops from it to an account, and the most that goes at once, dollars."""

    pot: Pot
    hops: tuple[Hop, ...]
    dollars: float

    @property
    def words(self) -> str:
        """By what, as a reader says it."""
        said = [hop.words for hop in self.hops if hop.words]
        return ", ".join(said) or "at once"

    @property
    def at_once(self) -> bool:
        """True between accounts of one venue."""
        return all(hop.kind is Kind.MOVE for hop in self.hops)

    @property
    def routes(self) -> frozenset[str]:
        """Its routes, and what pays it out."""
        return frozenset(hop.name for hop in self.hops if hop.kind is not Kind.IN and hop.words)

    @property
    def needs(self) -> frozenset[str]:
        """What it does not go without: domains of its routes, exchanges that pay it out."""
        domains = frozenset(domain for hop in self.hops if hop.route for domain in hop.route.domains)
        return domains | frozenset(hop.wallet for hop in self.hops if hop.kind is Kind.OUT)

    @property
    def layers(self) -> frozenset[str]:
        """Layers on it."""
        return frozenset(layer for hop in self.hops for layer in hop.layers)

    @property
    def fee_fixed(self) -> float:
        """What is known of its cost whatever the amount, dollars."""
        return sum(hop.fee.dollars or 0.0 for hop in self.hops)

    @property
    def fee_rate(self) -> float:
        """What is known of its cost as a fraction of the amount."""
        return sum((hop.fee.bps or 0.0) * 1e-4 for hop in self.hops)

    @property
    def least(self) -> float:
        """The least that must leave, so that its routes take it, dollars; fees that nobody knows count as nothing."""
        return least_known(self.hops)

    @property
    def fee_dollars(self) -> float:
        """What is known of its cost, dollars."""
        return self.fee_fixed + self.fee_rate * self.dollars


def least_sent(hops: Sequence[Hop], fees: Sequence[tuple[float, float]]) -> float:
    """The least that must leave so that every route is given what it takes at least: fees (dollars, fraction), by hop, are taken
    from the money on its way, and less than a route's least may be lost for good."""
    least = 0.0
    for hop, (fixed, rate) in zip(reversed(hops), reversed(fees), strict=True):
        least = (least + fixed) / max(1.0 - rate, 1e-9) if least > 0.0 else 0.0
        least = max(least, hop.route.cap.least if hop.route is not None else 0.0)
    return least


def least_known(hops: Sequence[Hop]) -> float:
    """`least_sent` by the fees that are known."""
    return least_sent(hops, [(hop.fee.dollars or 0.0, (hop.fee.bps or 0.0) * 1e-4) for hop in hops])


def ways_to(facts: Facts, pot: Pot, venue: Venue, account: str) -> list[Way]:
    """Every way from a pot to an account on a venue, of as few routes as there can be up to `MOST_ROUTES`, or of three."""
    if pot.account == account:
        return []
    mine = venue.wallet or venue.id
    if pot.account and (facts.venues[pot.venue].wallet or pot.venue) == mine:
        return [Way(pot=pot, hops=(move_within(facts, venue),), dollars=pot.dollars)]
    return _ways_between(facts, pot, ("venue", venue.id))


def ways_onto(facts: Facts, pot: Pot, layer: str) -> list[Way]:
    """Every way from a pot onto a layer, as `ways_to`."""
    return [] if pot.layer == layer else _ways_between(facts, pot, ("layer", layer))


def _ways_between(facts: Facts, pot: Pot, end: tuple[str, str]) -> list[Way]:
    start = ("venue", pot.venue) if pot.account else ("layer", pot.layer)
    for most in (MOST_ROUTES, MOST_ROUTES + 1):
        key = (*start, *end, pot.asset, most)
        if key not in facts.chains:
            facts.chains[key] = list(_chains_between(facts, start, end, pot.asset, most))
        chains: list[tuple[tuple[Hop, ...], float, float]] = facts.chains[key]
        found = [
            Way(pot=pot, hops=hops, dollars=dollars)
            for hops, least, cap in chains
            if (dollars := min(pot.dollars, cap)) >= least
        ]
        if found:
            return found
    return []


def _chains_between(
    facts: Facts, start: tuple[str, str], end: tuple[str, str], asset: str, most: int
) -> Iterator[tuple[tuple[Hop, ...], float, float]]:
    """Every chain of hops with the least that must leave and the most that goes at once, dollars."""
    starts = doors_out(facts, facts.venues[start[1]], asset) if start[0] == "venue" else {start[1]: None}
    ends = doors_in(facts, facts.venues[end[1]], asset) if end[0] == "venue" else {end[1]: arrival_on(end[1])}
    for layer, first in starts.items():
        for rest in _chains(facts, asset, layer, ends, most):
            hops = (*([first] if first else []), *rest)
            caps = [hop.route.cap.most for hop in hops if hop.route is not None and hop.route.cap.most is not None]
            yield hops, least_known(hops), min(caps, default=math.inf)


def _chains(
    facts: Facts, asset: str, start: str, ends: Mapping[str, Hop], most: int, seen: tuple[str, ...] = ()
) -> Iterator[tuple[Hop, ...]]:
    if start in ends:
        yield (ends[start],)
        return  # Going on from where it can be credited is never shorter.
    if most == 0:
        return
    for route in facts.routes.values():
        if start not in route.starts or asset not in route.assets or route.seconds is None:
            continue
        for end in route.ends:
            if end != start and end not in seen:
                for rest in _chains(facts, asset, end, ends, most - 1, (*seen, start)):
                    yield (over_route(route, start, end), *rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How long hops take in calm, kept by hop: at a score, and draw by draw. held : with the chance of being stuck too."""

    scores: Scores
    held: bool = False
    points: dict[tuple[str, tuple[str, ...], float], float] = field(default_factory=dict)
    drawn: dict[tuple[str, tuple[str, ...]], Floats] = field(default_factory=dict)

    def point(self, hop: Hop, z: float) -> float:
        """Seconds at a standard normal score."""
        key = (*self._key(hop), z)
        if key not in self.points:
            self.points[key] = float(self._effort(hop, np.array([z]))[0])
        return self.points[key]

    def draws(self, hop: Hop) -> Floats:
        """Seconds by draw."""
        key = self._key(hop)
        if key not in self.drawn:
            self.drawn[key] = _drawn(self.scores, hop.name, hop.seconds, hop.stuck if self.held else None)
        return self.drawn[key]

    def _effort(self, hop: Hop, z: Floats) -> Floats:
        return hop.with_stuck(z) if self.held else hop.effort(z)

    def _key(self, hop: Hop) -> tuple[str, tuple[str, ...]]:
        """What its law depends on: outages are those of its layers."""
        return hop.name, hop.layers if self.held else ()


@lru_cache(maxsize=512)
def _drawn(scores: Scores, name: str, seconds: Times, stuck: Stuck | None) -> Floats:
    """Kept from one question to the next; not to be written to."""
    out = drawn_at(seconds, stuck, scores(name))
    out.setflags(write=False)
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How long ways take in some conditions; clocks are kept by hop."""

    conditions: Conditions
    chance: Chance
    clocks: dict[tuple[str, tuple[str, ...], str], Clock] = field(default_factory=dict)

    def clock(self, hop: Hop) -> Clock:
        """How a hop goes."""
        key = (hop.name, hop.layers, hop.venue)
        if key not in self.clocks:
            self.clocks[key] = self.conditions.clock(hop)
        return self.clocks[key]

    def at_score(self, way: Way, z: float) -> float:
        """When money arrives if every hop takes as long as score `z` says, seconds from the start."""
        moment = 0.0
        for hop in way.hops:
            moment = self.clock(hop).once(moment, self.chance.point(hop, z))
        return moment

    def arrivals(self, way: Way, sent: Floats | None = None) -> Floats:
        """When money arrives, seconds from the start, draw by draw; hops' times are independent of one another. sent : when it
        leaves, 0 when left out."""
        moment = np.zeros(1) if sent is None else sent
        for hop in way.hops:
            effort = self.chance.draws(hop)
            moment = self.clock(hop).over(moment, effort if sent is None else np.resize(effort, sent.size))
        return moment

    def ranked(self, ways: Sequence[Way]) -> list[Way]:
        """The soonest first, by their 90 % points, then by their medians."""
        return sorted(ways, key=lambda way: (self.at_score(way, Z90), self.at_score(way, 0.0), way.words))
