"""How often a transfer meets an outage and how long it is held, reckoned from the outages of the catalogue that stop it.

Outages come at a rate of lambda = 1/2 / T + sum 1 / T_k: one for each that was seen, over the years T_k in which what failed was
watched, and half of one (Jeffreys' prior of a Poisson rate) over the longest of them. How long each lasts is lognormal, the
logarithms of those seen shrunk towards `HALTS` as if `PRIOR` of them had been seen before. A transfer that takes m seconds meets
one with the chance 1 - exp(-lambda (E[D] + m)): it leaves while one lasts, or one begins while it is under way. It then waits for
the rest of it, r seconds or more with the chance (E[(D - r)+] + m P(D > r)) / (E[D] + m).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.model.units import SECOND_NS
from perpbook.scenario.overlay import Absence
from perpbook.scenario.storm import Storm
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import Facts, Stuck, Times
from perpbook.treasury.hops import Hop, Kind, over_route
from perpbook.treasury.law import Z90, chance_below

WATCHED_SINCE = "2023-01-01"
"""Where facts do not say since when a thing runs: from here on sources were read for what failed. An outage that is older
begins the watch on the first day of its year."""

HALTS = (7_200.0, 39_600.0)
"""Median and 90 % point of how long a layer stood still, seconds: 17 halts of rollups and appchains, 2022 to 2026."""

PRIOR = 2.0
"""Outages that `HALTS` counts for."""

YEAR_SECONDS = 365.0 * 86_400.0
LONGEST = 92.0 * 86_400.0
"""Nothing is held for longer, seconds: what a guardian's pause may last at most, three months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One outage: how many seconds it lasted, and the years in which what failed was watched."""

    seconds: float
    years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A transfer of `travel` seconds (the median), the outages that would have stopped it, and the longest watch in years."""

    travel: float
    seen: tuple[Seen, ...]
    years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Laws of outages, arrays alike: `rate` a second; logarithms of their lengths have mean `middle` and deviation `spread`;
    `travel` seconds under way."""

    rate: Floats
    middle: Floats
    spread: Floats
    travel: Floats

    @property
    def mean(self) -> Floats:
        """How long an outage lasts on average, seconds."""
        out: Floats = np.exp(self.middle + self.spread**2 / 2.0)
        return out

    @property
    def chance(self) -> Floats:
        """That a transfer meets an outage."""
        out: Floats = -np.expm1(-self.rate * (self.mean + self.travel))
        return out

    def held(self, seconds: Floats) -> Floats:
        """The chance that a transfer that meets an outage waits for more than so many seconds (above 0)."""
        log = np.log(seconds)
        over = chance_below((self.middle - log) / self.spread)
        rest = self.mean * chance_below((self.middle + self.spread**2 - log) / self.spread) - seconds * over
        out: Floats = (rest + self.travel * over) / (self.mean + self.travel)
        return out

    def held_by(self, share: float) -> Floats:
        """What a transfer that meets an outage waits, seconds up to `LONGEST`, in no more than that share of cases."""
        low, high = np.zeros(self.rate.shape), np.full(self.rate.shape, LONGEST)
        for _ in range(60):
            middle = (low + high) / 2.0
            more = self.held(middle) > 1.0 - share
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        return high


def waits_of(cases: Sequence[Case]) -> Waits:
    """The laws of cases."""
    median, late = HALTS
    middle, spread = math.log(median), math.log(late / median) / Z90
    rows = []
    for one in cases:
        rate = (0.5 / one.years + sum(1.0 / seen.years for seen in one.seen)) / YEAR_SECONDS
        logs = np.log([max(seen.seconds, 1.0) for seen in one.seen])
        count = PRIOR + logs.size
        mean = (PRIOR * middle + float(logs.sum())) / count
        squares = PRIOR * (spread**2 + (middle - mean) ** 2) + float(((logs - mean) ** 2).sum())
        rows.append((rate, mean, math.sqrt(squares / count), one.travel))
    rates, middles, spreads, travels = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Waits(rate=rates, middle=middles, spread=spreads, travel=travels)


def stuck_by(cases: Sequence[Case]) -> list[Stuck]:
    """The chance and the whole time of transfers that meet an outage: the median, and then what they wait."""
    waits = waits_of(cases)
    points = [waits.travel + waits.held_by(share) for share in (0.5, 0.9, 0.99)]
    return [
        Stuck(
            chance=float(waits.chance[k]),
            seconds=Times(
                least=one.travel, typical=float(points[0][k]), p90=float(points[1][k]), worst=float(points[2][k])
            ),
            incidents=len(one.seen),
            years=one.years,
        )
        for k, one in enumerate(cases)
    ]


def with_stuck(facts: Facts, storms: Iterable[Storm]) -> Facts:
    """Facts with the chances that their routes are stuck, by pair of layers, and the doors of exchanges, whose figures are those
    of one of them."""
    record = Record.of(facts, storms)
    doors = [
        Hop(kind=kind, name=DOOR, words="", seconds=door.seconds, venue=DOOR, wallet=DOOR)
        for kind, door in ((Kind.OUT, facts.withdrawal), (Kind.IN, facts.deposit))
    ]
    hops = [
        over_route(one, start, end)
        for one in facts.routes.values()
        for start in (one.starts if one.seconds else ())
        for end in one.ends
        if start != end
    ]
    out, into, *found = stuck_by([record.case(hop) for hop in (*doors, *hops)])
    by_route: dict[str, dict[tuple[str, str], Stuck]] = {}
    for hop, stuck in zip(hops, found, strict=True):
        by_route.setdefault(hop.name, {})[(hop.layers[0], hop.layers[1])] = stuck
    return replace(
        facts,
        routes={one.id: replace(one, stuck=by_route.get(one.id, {})) for one in facts.routes.values()},
        withdrawal=replace(facts.withdrawal, stuck=out),
        deposit=replace(facts.deposit, stuck=into),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One that was: the storm that tells of it, what it is, when it began, how many seconds it took away."""

    storm: str
    absence: Absence
    began: date
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What failed, until `as_of`."""

    facts: Facts
    as_of: date
    outages: tuple[tuple[Outage, Conditions], ...]

    @staticmethod
    def of(facts: Facts, storms: Iterable[Storm]) -> Record:
        """Of the outages that storms tell of."""
        outages = tuple(
            (one, Conditions(facts=facts, absences=(one.absence,), step_ns=SECOND_NS, steps=1))
            for one in _outages(storms)
        )
        return Record(facts=facts, as_of=date.fromisoformat(facts.as_of["routes"]), outages=outages)

    def case(self, hop: Hop) -> Case:
        """What one hop would have met; a storm counts once, for as long as its longest outage."""
        found: dict[str, Seen] = {}
        for one, conditions in self.outages:
            if any(pace.rate == 0.0 for pace in conditions.paces(hop)):
                longest = max(one.seconds, found[one.storm].seconds if one.storm in found else 0.0)
                found[one.storm] = Seen(seconds=longest, years=self._years(self._since(one.absence), one.began))
        begins = [hop.route.since if hop.route else "", *(self.facts.layers[layer].since for layer in hop.layers)]
        # A way is as old as the youngest thing it needs.
        years = self._years(max([one for one in begins if one], default=WATCHED_SINCE))
        longest_watch = max([years, *(one.years for one in found.values())])
        return Case(travel=hop.seconds.typical, seen=tuple(found.values()), years=longest_watch)

    def _since(self, absence: Absence) -> str:
        """Since when what an outage is of runs, or is watched."""
        if absence.where == "layer":
            layer = self.facts.layer_id(absence.name)
            return (self.facts.layers[layer].since if layer else "") or WATCHED_SINCE
        named = [one.since for one in self.facts.routes.values() if absence.name in (one.id, one.family) and one.since]
        return min(named, default=WATCHED_SINCE)

    def _years(self, since: str, began: date | None = None) -> float:
        start = date.fromisoformat(since)
        if began is not None and began < start:
            start = date(began.year, 1, 1)
        return (self.as_of - start).days / 365.0


DOOR = "binance"
"""Whose figures the doors of exchanges have."""


def _outages(storms: Iterable[Storm]) -> Iterator[Outage]:
    for storm in storms:
        for one in storm.outages if storm.kind == "incident" else ():
            erased = 60.0 * one.factor if one.kind == "rollback" else 0.0
            absence = Absence(
                where=one.where, name=one.name, kind=one.kind, start_step=0, end_step=1, factor=max(one.factor, 1.0)
            )
            seconds = (one.span.until_ns - one.span.at_ns) / SECOND_NS + erased
            yield Outage(storm=storm.name, absence=absence, began=_day(storm.began), seconds=seconds)


def _day(began: str) -> date:
    """The day of a time that may be known to the month only."""
    return date.fromisoformat(f"{began[:7]}-01" if len(began) < 10 or began[7] == "." else began[:10])
