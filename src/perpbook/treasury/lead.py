"""How long a place must live from what it has: until money comes over the second-best way, the best one being gone.

The second way shares no route with the first and, where that can be, nothing that fails with it, beyond what stands at the
place's own door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.model.account import Account
from perpbook.treasury.facts import Facts
from perpbook.treasury.law import drawn_by
from perpbook.treasury.pots import Pot, weight_of
from perpbook.treasury.rescue import Treasury, apart_from, own_of
from perpbook.treasury.ways import Traffic, Way, ways_onto, ways_to

LOOKED_AT = 24
"""Ways whose arrival is drawn: the soonest by their 90 % points."""

LONGEST_SECONDS = 7 * 86_400.0
"""No place is made to live longer than this by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """One way with the seconds within which it arrives in the promised share of draws, and mostly; inf: not."""

    way: Way
    seconds: float
    typical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """How long until money comes: by the best way, and by the best that shares nothing with it. None: there is none, and `why`
    says so."""

    first: Coming | None = None
    second: Coming | None = None
    why: str = ""

    @property
    def seconds(self) -> float:
        """What the place must live through, `LONGEST_SECONDS` at most."""
        way = self.second or self.first
        return min(way.seconds, LONGEST_SECONDS) if way else LONGEST_SECONDS

    @property
    def least(self) -> float:
        """Dollars that go by the best way at least."""
        return self.first.way.least if self.first else 0.0


def lead_to_account(treasury: Treasury, account: Account, promised: float) -> Lead:
    """The lead of an account. promised : the share of draws in which money has come, such as 0.95."""
    facts = treasury.facts
    if account.venue not in facts.venues:
        return Lead(why=f"no route to {account.venue} is known")
    venue, found = facts.venues[account.venue], list[Way]()
    for pot in treasury.pots:
        weight = weight_of(pot.asset, account, treasury.terms[account.venue], facts)
        if pot.account != account.id and weight > 0.0:
            found += ways_to(facts, replace(pot, dollars=pot.dollars * weight), venue, account.id)
    return lead_of(_traffic(treasury), found, own_of(facts, venue), promised)


def lead_to_layer(treasury: Treasury, layer: str, assets: Iterable[str], promised: float) -> Lead:
    """The lead of a layer, for money in one of `assets`."""
    facts, wanted = treasury.facts, set(assets)
    found = [way for pot in treasury.pots if pot.asset in wanted for way in ways_onto(facts, pot, layer)]
    own = frozenset({layer, *facts.layers[layer].domains})
    return lead_of(_traffic(treasury), found, own, promised)


def feeding_layer(treasury: Treasury, account: Account, layers: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Of `layers` the one from which money comes to an account soonest, and the coins that the account takes from there; ""
    for none."""
    facts, traffic, best = treasury.facts, _traffic(treasury), list[tuple[float, str, str]]()
    if account.venue not in facts.venues:
        return "", ()
    for layer in layers:
        for asset in coins_taken(treasury, account, facts):
            pot = Pot(name=layer, asset=asset, dollars=1e6, layer=layer)
            ways = traffic.ranked(ways_to(facts, pot, facts.venues[account.venue], account.id))
            if ways and np.isfinite(seconds := traffic.at_score(ways[0], 0.0)):
                best.append((seconds, layer, asset))
    if not best:
        return "", ()
    layer = min(best)[1]
    return layer, tuple(dict.fromkeys(asset for _, where, asset in sorted(best) if where == layer))


def coins_taken(treasury: Treasury, account: Account, facts: Facts) -> tuple[str, ...]:
    """Coins that money can come in for an account's margin: those that routes carry and that count there."""
    if account.venue not in facts.venues:
        return ()
    carried = sorted({asset for route in facts.routes.values() for asset in route.assets})
    terms = treasury.terms[account.venue]
    return tuple(asset for asset in carried if weight_of(asset, account, terms, facts) > 0.0)


def lead_of(traffic: Traffic, ways: Sequence[Way], own: frozenset[str], promised: float) -> Lead:
    """The best of some ways, and the best that shares nothing with it beyond `own`."""
    coming = sorted(
        (_coming(traffic, way, promised) for way in traffic.ranked(ways)[:LOOKED_AT]),
        key=lambda one: (one.seconds, one.typical, one.way.words),
    )
    alive = [one for one in coming if np.isfinite(one.seconds)]
    if not alive:
        return Lead(why="no money of the book has a way to it" if not ways else "no way to it is open")
    first = alive[0]
    second = None
    for others in apart_from(first.way, traffic.ranked(ways), own):
        found = [_coming(traffic, way, promised) for way in others[:LOOKED_AT]]
        open_ = [one for one in found if np.isfinite(one.seconds)]
        second = second or min(open_, key=lambda one: (one.seconds, one.way.words), default=None)
    return Lead(first=first, second=second, why="" if second else "there is one way to it only")


def _coming(traffic: Traffic, way: Way, promised: float) -> Coming:
    """A way's promise, what meets an outage taken never to keep it: (1 - p) F(t) is at least the share that is promised."""
    seconds: Floats = traffic.arrivals(way)
    free = float(np.prod([1.0 - hop.stuck.chance for hop in way.hops if hop.stuck is not None]))
    kept = promised <= free
    return Coming(
        way=way,
        seconds=drawn_by(seconds, promised / free) if kept else float("inf"),
        typical=drawn_by(seconds, 0.5),
    )


def _traffic(treasury: Treasury) -> Traffic:
    return Traffic(conditions=treasury.conditions, chance=treasury.chance)
