"""A task from facts: every way from money that can go to a need, when it arrives in these conditions, what it shares with others.

A way that another beats in cost, time and amount while needing no more than this one is left out. Coins are changed where an
exchange does it: as they leave it, or as they land there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perpbook.model.account import Account
from perpbook.model.market import STABLECOINS
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import RISKS, Facts, SharedCap
from perpbook.treasury.failures import Single
from perpbook.treasury.hops import Hop, Kind
from perpbook.treasury.law import drawn_by
from perpbook.treasury.pots import CHANGE_COST, Pot, leaving, price_of, settles, weight_of
from perpbook.treasury.standing_money import WALLET, gas_token
from perpbook.treasury.task import Cut, Failure, Lane, Need, Spare, Task
from perpbook.treasury.ways import Chance, Traffic, Way, least_sent, ways_onto, ways_to

CUSTODIAL = "custodial"
"""The risk class of what an exchange pays out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The trader's own figures. fees : by route, (dollars, fraction of the amount), where facts have none or these are better.
    caps : most dollars by route, or by the pool of a limit that everybody shares. in_flight : most dollars under way by risk
    class."""

    fees: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    caps: Mapping[str, float] = field(default_factory=dict)
    in_flight: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What lanes are made of. accounts : the book's, by id; terms by venue; prices by coin. promise : the probability of every
    arrival; `surer` : by place, of those there, where it is another. waiting : what a dollar under way costs a second."""

    facts: Facts
    accounts: Mapping[str, Account]
    terms: Mapping[str, VenueTerms]
    conditions: Conditions
    chance: Chance
    prices: Mapping[str, float] = field(default_factory=dict)
    promise: float = 0.95
    surer: Mapping[str, float] = field(default_factory=dict)
    waiting: float = 0.0
    own: Own = field(default_factory=Own)

    def promised(self, need: Need) -> float:
        """The probability of every arrival for a need."""
        return self.surer.get(need.place, self.promise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The task and, by number of its lanes, the ways they go."""

    task: Task
    ways: tuple[Way, ...]


def task_of(
    desk: Desk,
    needs: Sequence[Need],
    spares: Sequence[Spare],
    cuts: Sequence[Cut] = (),
    failures: Sequence[Failure] = (),
) -> Task:
    """The task alone: see `network_of`."""
    return network_of(desk, needs, spares, cuts, failures).task


def network_of(
    desk: Desk,
    needs: Sequence[Need],
    spares: Sequence[Spare],
    cuts: Sequence[Cut] = (),
    failures: Sequence[Failure] = (),
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
        pipes=limits_of(desk, used), in_flight=desk.own.in_flight, waiting=desk.waiting, probability=desk.promise,
        together=together(lanes, needs),
    )  # fmt: skip
    return Network(task=task, ways=tuple(ways))


def together(lanes: Sequence[Lane], needs: Sequence[Need]) -> tuple[tuple[int, ...], ...]:
    """Lanes that are one transfer: the same way from the same money to one place, for several needs of it."""
    found: dict[object, list[int]] = {}
    for lane in lanes:
        need = needs[lane.need]
        found.setdefault((replace(lane, number=0, need=0), need.place, need.assets), []).append(lane.number)
    return tuple(tuple(one) for one in found.values() if len(one) > 1)


def limits_of(desk: Desk, pipes: Iterable[str]) -> dict[str, float]:
    """Most dollars by pipe where there is a figure: a route's own limit, the trader's part of one that everybody shares."""
    out: dict[str, float] = {}
    for name in pipes:
        known = [desk.own.caps[name]] if name in desk.own.caps else []
        if name in desk.facts.routes:
            most = desk.facts.routes[name].cap.most
            known += [most] if most is not None else []
        else:
            known += [
                one.ours * most for one in pools_of(desk.facts, name) if one.ours is not None and (most := one.most())
            ]
        if known:
            out[name] = min(known)
    return out


def pools_of(facts: Facts, name: str) -> list[SharedCap]:
    """The limits of a pool that everybody shares."""
    return [one for route in facts.routes.values() for one in route.cap.shared if one.pool == name]


def pipes_of(way: Way) -> tuple[str, ...]:
    """Routes of a way and the pools that they draw on."""
    routes = [hop.route for hop in way.hops if hop.route]
    return tuple(dict.fromkeys([*(one.id for one in routes), *(cap.pool for one in routes for cap in one.cap.shared)]))


def _between(desk: Desk, traffic: Traffic, spare: Spare, need: Need) -> Iterator[tuple[Lane, Way]]:
    """Lanes from a spare to a need, numbered later."""
    for pot, changed in _pots(desk, spare):
        for way, landing in _ways(desk, pot, need):
            seconds = traffic.arrivals(way)
            fees, unknown = _fees(desk, way)
            worth, changes = landing
            fixed, rate = sum(one for one, _ in fees), sum(one for _, one in fees)
            lane = Lane(
                number=0, spare=0, need=0, words=_words(way, pot, spare), fixed=fixed, rate=rate,
                least=_least(desk, way, fees, changed), most=math.inf,
                seconds=drawn_by(seconds, desk.promised(need)),
                typical=drawn_by(seconds, 0.5),
                pipes=pipes_of(way),
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


def _fees(desk: Desk, way: Way) -> tuple[list[tuple[float, float]], tuple[str, ...]]:
    """(dollars, fraction) by hop of a way, and figures that nobody knows."""
    fees, unknown = [], []
    for hop in way.hops:
        dollars, share = desk.own.fees.get(hop.name) or _fee(desk, hop)
        if dollars is None or share is None:
            unknown.append(f"the fee of {hop.name}")
        fees.append((dollars or 0.0, share or 0.0))
    return fees, tuple(dict.fromkeys(unknown))


def _least(desk: Desk, way: Way, fees: Sequence[tuple[float, float]], changed: int) -> float:
    """The least that must leave, dollars: routes count coins, which may be worth more than a dollar each, and the coin may be
    changed before it leaves."""
    coin = way.pot.asset
    worth = max(price_of(coin, desk.prices) or 1.0, 1.0) if coin in STABLECOINS else 1.0
    return least_sent(way.hops, [(one / worth, rate) for one, rate in fees]) * worth / (1.0 - changed * CHANGE_COST)


def _fee(desk: Desk, hop: Hop) -> tuple[float | None, float | None]:
    """(dollars, fraction) that facts know of a hop's fee; what is paid in the layer's own coin at that coin's price."""
    dollars, share = hop.fee.dollars, None if hop.fee.bps is None else hop.fee.bps * 1e-4
    if hop.fee.native and dollars is not None:
        coin = gas_token(hop.layers[0], desk.facts)
        price = price_of(coin, desk.prices)
        amount = hop.fee.native.get(coin)
        dollars = None if amount is None or price is None else dollars + amount * price
    return dollars, share


def _risk(way: Way) -> str:
    """The class of whom it trusts most."""
    kinds = [hop.route.risk for hop in way.hops if hop.route]
    kinds += [CUSTODIAL for hop in way.hops if hop.kind is Kind.OUT and hop.words]
    return max(kinds, key=RISKS.index, default=CUSTODIAL)


def domains_of(facts: Facts, way: Way) -> frozenset[str]:
    """Everything a way does not go without, by every name that a failure may have: hops and routes, their families and domains,
    layers and theirs, venues that pay out or credit, its coin ("coin:USDC")."""
    names = {f"coin:{way.pot.asset}", *way.needs, *way.layers, *(hop.name for hop in way.hops)}
    for hop in way.hops:
        names |= {domain for layer in hop.layers for domain in facts.layers[layer].domains}
        if hop.route is not None:
            names |= {hop.route.id, hop.route.family}
        if hop.wallet:
            names |= {hop.wallet, hop.venue}
    return frozenset(names)


def undominated(found: Sequence[tuple[Lane, Way]]) -> list[tuple[Lane, Way]]:
    """Those that no other beats: as cheap, as soon and as roomy, with nothing needed or unknown that this one does not."""
    claims = [_claim(lane) for lane, _ in found]
    return [
        pair
        for k, pair in enumerate(found)
        if not any(_beats(other, claims[k], earlier=j < k) for j, other in enumerate(claims) if j != k)
    ]


Claim = tuple[tuple[float, ...], frozenset[str], frozenset[str]]
"""Of a lane: figures of which less is better, what it needs, and what is not known of it."""


def _claim(lane: Lane) -> Claim:
    figures = (
        lane.fixed, lane.rate + lane.converts, lane.seconds, lane.typical, lane.least, -lane.most, -lane.worth,
    )  # fmt: skip
    return figures, _needed(lane), frozenset(lane.unknown)


def _beats(one: Claim, other: Claim, *, earlier: bool) -> bool:
    (mine, needs, unknown), (its, its_needs, its_unknown) = one, other
    within = unknown <= its_unknown and needs <= its_needs
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


def asked_failures(singles: Iterable[Single]) -> tuple[Failure, ...]:
    """Failures that take ways or places away; a coin that falls takes neither."""
    return tuple(one.failure for one in singles if one.failure.domains or one.failure.places)
