"""A task from facts: every way from money that can go to a need, when it arrives in these conditions, what it shares with others.

A way that another beats in cost, time and amount while needing no more than this one is left out. Coins are changed where an
exchange does it: as they leave it, or as they land there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from perpbook.model.account import Account
from perpbook.model.market import STABLECOINS
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import Facts
from perpbook.treasury.pots import CHANGE_COST, Pot, leaving, settles, weight_of
from perpbook.treasury.task import Cut, Failure, Lane, Need, Spare, Task
from perpbook.treasury.ways import Chance, Traffic, Way, ways_onto, ways_to

RISKS = ("internal", "canonical", "cctp", "validators", "liquidity")
"""Kinds of routes by whose word the money goes, the safest first: the riskiest of a way is its risk class."""

DOOR = "exchange"
"""The risk class of a way over no route: an exchange pays it out."""

WALLET = "wallet:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The trader's own figures. fees : by route, (dollars, fraction of the amount), where facts have none or these are better.
    caps : most dollars by route, the share of a limit that everybody uses. in_flight : most dollars under way by risk class."""

    fees: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    in_flight: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What lanes are made of. accounts : the book's, by id; terms by venue. promise : the probability of every arrival."""

    facts: Facts
    accounts: Mapping[str, Account]
    terms: Mapping[str, VenueTerms]
    conditions: Conditions
    chance: Chance
    promise: float = 0.95
    waiting: float = 0.0
    own: Own = field(default_factory=Own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The task and, by number of its lanes, the ways they go."""

    task: Task
    ways: tuple[Way, ...]


def task_of(
    desk: Desk, needs: Sequence[Need], spares: Sequence[Spare], cuts: Sequence[Cut] = (), failures: Sequence[Failure] = ()
) -> Task:
    """The task alone: see `network_of`."""
    return network_of(desk, needs, spares, cuts, failures).task


def network_of(
    desk: Desk, needs: Sequence[Need], spares: Sequence[Spare], cuts: Sequence[Cut] = (), failures: Sequence[Failure] = ()
) -> Network:
    """Every lane that counts from spares to needs."""
    traffic = Traffic(conditions=desk.conditions, chance=desk.chance)
    lanes: list[Lane] = []
    ways: list[Way] = []
    for from_number, spare in enumerate(spares):
        for to_number, need in enumerate(needs):
            found = [*_between(desk, traffic, spare, need)]
            for lane, way in undominated(found):
                lanes.append(replace(lane, number=len(lanes), spare=from_number, need=to_number))
                ways.append(way)
    used = dict.fromkeys(name for lane in lanes for name in lane.pipes)
    task = Task(
        needs=tuple(needs), spares=tuple(spares), lanes=tuple(lanes), cuts=tuple(cuts), failures=tuple(failures),
        pipes={name: limit for name in used if (limit := _limit(desk, name)) is not None}, in_flight=desk.own.in_flight,
        waiting=desk.waiting, probability=desk.promise,
    )  # fmt: skip
    return Network(task=task, ways=tuple(ways))


def _limit(desk: Desk, route: str) -> float | None:
    """Most dollars over a route: the facts' figure, the trader's own where it is less."""
    known = [one for one in (desk.facts.routes[route].cap.most, desk.own.caps.get(route)) if one is not None]
    return min(known, default=None)


def _between(desk: Desk, traffic: Traffic, spare: Spare, need: Need) -> Iterator[tuple[Lane, Way]]:
    """Lanes from a spare to a need, numbered later."""
    for pot, changed in _pots(desk, spare):
        for way, landing in _ways(desk, pot, need):
            seconds = traffic.arrivals(way)
            fixed, rate, unknown = _fees(desk, way)
            worth, changes = landing
            lane = Lane(
                number=0, spare=0, need=0, words=_words(way, pot, spare), fixed=fixed, rate=rate,
                least=max((hop.route.cap.least for hop in way.hops if hop.route), default=0.0), most=spare.dollars,
                seconds=float(np.quantile(seconds, desk.promise, method="inverted_cdf")),
                typical=float(np.quantile(seconds, 0.5, method="inverted_cdf")),
                pipes=tuple(dict.fromkeys(hop.route.id for hop in way.hops if hop.route)),
                domains=domains_of(desk.facts, way), risk=_risk(way), converts=(changed + changes) * CHANGE_COST,
                unknown=unknown, worth=worth,
            )  # fmt: skip
            yield lane, way


def _words(way: Way, pot: Pot, spare: Spare) -> str:
    return way.words if pot.asset == spare.asset else f"as {pot.asset}, {way.words}"


def _pots(desk: Desk, spare: Spare) -> Iterator[tuple[Pot, int]]:
    """The spare's money in every coin as which it can leave, with how often it is changed for that."""
    place = spare.place
    start = Pot(name=place, asset=spare.asset, dollars=spare.dollars)
    if place in desk.facts.layers:
        yield replace(start, layer=place), 0
        return
    venue = place.removeprefix(WALLET) if place.startswith(WALLET) else desk.accounts[place].venue
    if venue in desk.facts.venues:
        for coin in leaving(spare.asset, desk.facts, venue):
            yield replace(start, asset=coin, account=place, venue=venue), int(coin != spare.asset)


def _ways(desk: Desk, pot: Pot, need: Need) -> Iterator[tuple[Way, tuple[float, int]]]:
    """Ways to a need, with what a dollar counts for there and how often coins are changed as they land."""
    if need.place in desk.facts.layers:
        if not need.assets or pot.asset in need.assets:
            yield from ((way, (1.0, 0)) for way in ways_onto(desk.facts, pot, need.place))
        return
    account = desk.accounts[need.place]
    venue = desk.facts.venues.get(account.venue)
    worth = weight_of(pot.asset, account, desk.terms[account.venue], desk.facts)
    if venue is None or worth <= 0.0:
        return
    wanted = set(need.assets) or settles(account, desk.terms[account.venue])
    changed = int(pot.asset not in wanted and pot.asset in STABLECOINS and worth == 1.0)
    yield from ((way, (worth, changed)) for way in ways_to(desk.facts, pot, venue, account.id))


def _fees(desk: Desk, way: Way) -> tuple[float, float, tuple[str, ...]]:
    """(dollars, fraction, figures that nobody knows) of a way."""
    fixed, rate, unknown = 0.0, 0.0, []
    for hop in way.hops:
        mine = desk.own.fees.get(hop.name)
        dollars, share = mine if mine is not None else (hop.fee.dollars, None if hop.fee.bps is None else hop.fee.bps * 1e-4)
        if dollars is None or share is None:
            unknown.append(f"the fee of {hop.name}")
        fixed, rate = fixed + (dollars or 0.0), rate + (share or 0.0)
    return fixed, rate, tuple(dict.fromkeys(unknown))


def _risk(way: Way) -> str:
    kinds = [hop.route.kind for hop in way.hops if hop.route]
    return max(kinds, key=RISKS.index, default=DOOR)


def domains_of(facts: Facts, way: Way) -> frozenset[str]:
    """Everything a way does not go without, by every name that a failure may have: routes, their families and domains, layers and
    theirs, venues that pay out or credit, its coin."""
    names = {way.pot.asset, *way.needs, *way.layers}
    for hop in way.hops:
        names |= {domain for layer in hop.layers for domain in facts.layers[layer].domains}
        if hop.route is not None:
            names |= {hop.route.id, hop.route.family}
        if hop.wallet:
            names |= {hop.wallet, hop.venue}
    return frozenset(names)


def undominated(found: Sequence[tuple[Lane, Way]]) -> list[tuple[Lane, Way]]:
    """Those that no other beats: as cheap, as soon and as roomy, with nothing needed or unknown that this one does not."""
    return [
        pair
        for k, pair in enumerate(found)
        if not any(_beats(other, pair[0], earlier=j < k) for j, (other, _) in enumerate(found) if j != k)
    ]


def _beats(one: Lane, other: Lane, *, earlier: bool) -> bool:
    mine = (one.fixed, one.rate + one.converts, one.seconds, one.typical, one.least, -one.most, -one.worth)
    its = (other.fixed, other.rate + other.converts, other.seconds, other.typical, other.least, -other.most, -other.worth)
    within = set(one.unknown) <= set(other.unknown) and _needed(one) <= _needed(other)
    return within and all(a <= b for a, b in zip(mine, its, strict=True)) and (mine != its or earlier)


def _needed(lane: Lane) -> frozenset[str]:
    """What it needs; a route is told by its family, of which routes fail together."""
    return lane.domains - frozenset(lane.pipes)


def home_of(facts: Facts, account: Account) -> frozenset[str]:
    """What an account does not live without: its venue, and the layer that is on with what that rests on."""
    venue = facts.venues.get(account.venue)
    if venue is None:
        return frozenset({account.venue})
    keeper = venue.wallet or venue.id
    layer = facts.venues[keeper].layer
    return frozenset({account.venue, keeper, *((layer, *facts.layers[layer].domains) if layer else ())})


def single_failures(desk: Desk, network: Network) -> tuple[Failure, ...]:
    """One failure for each family of routes, protocol, layer and exchange that some lane needs, with the places it takes along."""
    facts, names = desk.facts, set[str]()
    for lane, way in zip(network.task.lanes, network.ways, strict=True):
        if not lane.unknown:
            names |= {name for name in _needed(lane) if name not in STABLECOINS and name != way.pot.asset}
    layers = {name for name in names if name in facts.layers}
    out = []
    for name in sorted(names):
        gone = frozenset({name}) | (facts.led_by(name) if name in layers else frozenset())
        places = {one.id for one in desk.accounts.values() if home_of(facts, one) & gone}
        places |= {one.id for one in facts.layers.values() if one.id in gone or set(one.domains) & gone}
        out.append(Failure(name=f"{name} lost", domains=gone, places=frozenset(places)))
    return tuple(out)

