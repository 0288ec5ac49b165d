"""Money sent in a run: what is known when it leaves, which way it takes, what that costs, and when it really arrives.

Seconds count from the run's start. Nobody knows an outage that has not begun, nor the end of one that has: the way is chosen by
what is known, the arrival comes by what is so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perpbook.model.account import Account
from perpbook.model.market import STABLECOINS
from perpbook.model.units import SECOND_NS
from perpbook.scenario.overlay import Absence
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.cheapest import unknown_fees
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import Facts
from perpbook.treasury.gas_toll import Toll, Units
from perpbook.treasury.law import Z90, Z99
from perpbook.treasury.pots import Pot, weight_of
from perpbook.treasury.ways import Chance, Traffic, Way, ways_onto, ways_to

BLIND = {"layer": ("rpc", "rollback"), "venue": ("api", "halt")}
"""Absences in which nobody can see what a place holds."""

SOONEST, CHEAPEST = 16, 4
"""Ways of one pot that are looked at: so many of the soonest, by their 90 % points, and of the cheapest."""

PLENTY = 1e15
"""Dollars of a pot whose ways are looked for whatever it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """A coin is off its peg from `start` to `end`, seconds."""

    coin: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """All that is away in a run. absences : in steps of a second; one that lasts to step `horizon` has no end in it."""

    facts: Facts
    absences: tuple[Absence, ...] = ()
    fallen: tuple[Fallen, ...] = ()
    horizon: int = 0

    @property
    def conditions(self) -> Conditions:
        """As they are, future and all."""
        return Conditions(facts=self.facts, absences=self.absences, step_ns=SECOND_NS, steps=self.horizon)

    def begun(self, now: float) -> tuple[Absence, ...]:
        """What has begun and is not over."""
        return tuple(one for one in self.absences if one.start_step < now < one.end_step)

    def known(self, now: float) -> Conditions:
        """As they look to somebody at `now`, who counts from then: what has begun goes on, nothing else comes."""
        on = tuple(replace(one, start_step=0, end_step=1) for one in self.begun(now))
        return Conditions(facts=self.facts, absences=on, step_ns=SECOND_NS, steps=1)

    def off_peg(self, now: float) -> frozenset[str]:
        """Coins that are seen to be off their peg."""
        return frozenset(one.coin.upper() for one in self.fallen if one.start < now < one.end)

    def blind(self, now: float, *, venue: str = "", layer: str = "") -> str:
        """Why nobody sees what a venue's account, or a layer, holds; "" where it is seen."""
        door = self.facts.venues.get(venue)
        names = {venue, door.wallet if door else ""} - {""}
        under = {self.facts.layer_id(layer), door.layer if door else None} - {None, ""}
        for one in self.begun(now):
            if one.kind not in BLIND.get(one.where, ()):
                continue
            mine = names if one.where == "venue" else under
            if one.name == "*" and mine:
                return f"every {one.where} {one.kind}"
            if one.name in mine or self.facts.layer_id(one.name) in mine:
                return f"{one.name} {one.kind}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A way from a pot as it looks when money would leave: seconds by its median, 90 % and 99 % points; its costs, dollars:
    `fixed` and `rate` (a fraction) of the routes, `gas` of the transactions; `unknown` counts those that have no figure."""

    way: Way
    typical: float
    soon: float
    promised: float
    gas: float
    unknown: int = 0

    def fee(self, dollars: float) -> float:
        """What sending so many dollars costs, on top."""
        return self.way.fee_fixed + self.gas + self.way.fee_rate * dollars

    @property
    def least(self) -> float:
        """The least that goes this way at once."""
        return max((hop.route.cap.least for hop in self.way.hops if hop.route is not None), default=0.0)

    def carries(self, dollars: float) -> float:
        """How much of a pot of so many dollars can go, the costs paid from it; 0 where that is too little."""
        most = min((dollars - self.way.fee_fixed - self.gas) / (1.0 + self.way.fee_rate), self.way.dollars)
        return most if most >= max(self.least, 0.0) else 0.0


Score = Callable[[str, int], float]
"""A standard normal score of a hop's chance by its name, for the transfer of that number."""


Looked = tuple[tuple[Absence, ...], str, str, str]
"""What has begun, a pot's name and coin, a destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A way and what no storm changes of it: units of gas, how many of its costs have no figure, and `fees` of its routes for
    ten thousand dollars."""

    way: Way
    units: Units
    unknown: int
    fees: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A way that is not stopped, and seconds by its 90 % point."""

    way: Priced
    soon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Finds ways between places of a book and draws when money arrives. accounts : by id; toll : what gas costs, None for
    nothing. Ways are kept once found."""

    sky: Sky
    accounts: Mapping[str, Account]
    terms: Mapping[str, VenueTerms]
    score: Score
    toll: Toll | None = None
    found: dict[tuple[str, str, str], tuple[Priced, ...]] = field(default_factory=dict)
    points: Chance = field(default_factory=lambda: Chance(scores=lambda name: np.zeros(1)))
    traffic: dict[tuple[Absence, ...], Traffic] = field(default_factory=dict)
    open: dict[Looked, tuple[Open, ...]] = field(default_factory=dict)
    seen: dict[tuple[Looked, int], Offer] = field(default_factory=dict)

    def offers(self, pots: Sequence[Pot], destination: str, now: float) -> list[tuple[Pot, Offer]]:
        """What leads from some pots to an account or a layer as things look at `now`, the soonest first; nothing that would not
        arrive while they look so."""
        off = self.sky.off_peg(now)
        out = []
        for pot in pots:
            if destination in (pot.account, pot.name) or not self._takes(pot, destination, off):
                continue
            out += [(pot, offer) for offer in self._offers(pot, destination, now)]
        return sorted(out, key=lambda one: (one[1].soon, one[1].typical, one[1].fee(1e4), one[1].way.words))

    def signed(self, offer: Offer, now: float) -> Offer:
        """The offer at what its gas costs in the very transaction."""
        return replace(offer, gas=self._gas([self.toll.units(offer.way.hops)], now, paid=True)[0] if self.toll else 0.0)

    def arrival(self, way: Way, number: int, now: float) -> float:
        """When the transfer of that number, sent at `now`, arrives; inf: not in the run."""
        chance = Chance(scores=lambda name: np.array([self.score(name, number)]))
        return float(Traffic(conditions=self.sky.conditions, chance=chance).arrivals(way, np.array([now]))[0])

    def stopped(self, way: Way, now: float) -> bool:
        """Whether something that has begun holds money on a way, as far as anybody knows."""
        traffic = self._traffic(now)
        return any(traffic.clock(hop).rates[0] == 0.0 for hop in way.hops)

    def held_by(self, way: Way, left: float, arrives: float) -> tuple[str, ...]:
        """What was away on a way while money was on it."""
        paces = [one for hop in way.hops for one in self.sky.conditions.paces(hop)]
        return tuple(dict.fromkeys(one.why for one in paces if one.start < arrives and one.end > left))

    def _takes(self, pot: Pot, destination: str, off: frozenset[str]) -> bool:
        """Whether a coin counts in full where it goes; one off its peg goes only where nothing changes it for another."""
        account = self.accounts.get(destination)
        if account is None:
            return not (pot.account and pot.asset.upper() in off)
        terms = self.terms[account.venue]
        if account.venue not in self.sky.facts.venues or weight_of(pot.asset, account, terms, self.sky.facts) < 1.0:
            return False
        own = any(one.asset == pot.asset for one in account.collateral) or terms.settle == pot.asset
        return pot.asset.upper() not in off or (own and not self.sky.facts.venues[account.venue].networks)

    def _offers(self, pot: Pot, destination: str, now: float) -> list[Offer]:
        """The soonest ways of one pot, and the cheapest by their costs as they look at `now`."""
        key = (self.sky.begun(now), pot.name, pot.asset, destination)
        ways = self._open(key, pot, destination, now)
        gas = self._gas([one.way.units for one in ways], now)
        numbers = range(len(ways))
        by_cost = sorted((one.way.unknown, one.way.fees + gas[k], one.soon, k) for k, one in enumerate(ways))
        cheap = [k for *_, k in by_cost[:CHEAPEST] if k >= SOONEST]
        return [self._offer(key, number, gas[number], now) for number in (*numbers[:SOONEST], *cheap)]

    def _open(self, key: Looked, pot: Pot, destination: str, now: float) -> tuple[Open, ...]:
        """Ways that are not stopped, the soonest first."""
        if key not in self.open:
            traffic = self._traffic(now)
            ways = [Open(way=one, soon=traffic.at_score(one.way, Z90)) for one in self._ways(pot, destination)]
            self.open[key] = tuple(sorted((one for one in ways if math.isfinite(one.soon)), key=lambda one: one.soon))
        return self.open[key]

    def _offer(self, key: Looked, number: int, gas: float, now: float) -> Offer:
        if (key, number) not in self.seen:
            one, traffic = self.open[key][number], self._traffic(now)
            way = one.way.way
            self.seen[key, number] = Offer(
                way=way, soon=one.soon, typical=traffic.at_score(way, 0.0), promised=traffic.at_score(way, Z99),
                gas=0.0, unknown=one.way.unknown,
            )  # fmt: skip
        return replace(self.seen[key, number], gas=gas)

    def _traffic(self, now: float) -> Traffic:
        """Ways as they look at `now`."""
        on = self.sky.begun(now)
        if on not in self.traffic:
            self.traffic[on] = Traffic(conditions=self.sky.known(now), chance=self.points)
        return self.traffic[on]

    def _gas(self, units: Sequence[Units], now: float, *, paid: bool = False) -> list[float]:
        return self.toll.dollars(units, self.sky.known(now), now, paid=paid) if self.toll else [0.0] * len(units)

    def _ways(self, pot: Pot, destination: str) -> tuple[Priced, ...]:
        key = (pot.name, pot.asset, destination)
        if key not in self.found:
            full, facts = replace(pot, dollars=PLENTY), self.sky.facts
            account = self.accounts.get(destination)
            if account is None:
                layer = facts.layer_id(destination)
                ways = ways_onto(facts, full, layer) if layer is not None else []
            else:
                known = account.venue in facts.venues
                ways = ways_to(facts, full, facts.venues[account.venue], account.id) if known else []
            toll = self.toll or Toll(facts=facts)
            self.found[key] = tuple(_priced(way, toll) for way in ways)
        return self.found[key]


def _priced(way: Way, toll: Toll) -> Priced:
    return Priced(
        way=way,
        units=toll.units(way.hops),
        unknown=len(unknown_fees(way)) + toll.unknown(way.hops),
        fees=way.fee_fixed + 1e4 * way.fee_rate,
    )


def main_coin(account: Account, unit: str, priced: Collection[str] = ()) -> str:
    """The stablecoin that an account's money is in: the one it has most of but for those `priced` apart, else its `unit`."""
    held = [(one.amount, one.asset) for one in account.collateral if one.asset in STABLECOINS and one.amount > 0.0]
    return max([one for one in held if one[1] not in priced], default=(0.0, unit))[1]
