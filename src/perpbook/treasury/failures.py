"""Every single thing whose loss a book would feel: venues, exchanges' wallets, layers, bridge families, what several of them rest
on, stablecoins, and how layers are reached. Each with what it does, in the words of `conditions` and of `task`.

A failure stops; it takes nothing away. What is behind it is out of reach while it lasts. A coin that falls is worth less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from perpbook.model.book import Book
from perpbook.model.market import STABLECOINS
from perpbook.scenario.overlay import Absence
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import Facts
from perpbook.treasury.task import Failure
from perpbook.treasury.ways import Way

LOOK_SECONDS = 60 * 86_400
"""How far conditions look: longer than any route takes but a canonical exit that is paused."""


class Kind(Enum):
    """What fails."""

    VENUE = "venue"
    CUSTODIAN = "custodian"
    LAYER = "layer"
    FAMILY = "bridge family"
    DOMAIN = "what bridges rest on"
    COIN_FROZEN = "stablecoin frozen"
    COIN_FALLS = "stablecoin falls"
    PROVIDER = "provider"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One failure. away : (where, name, kind) as storms say it. closed : accounts that cannot trade. unpaid : accounts that pay
    nothing out. layers : where money does not move. coin : which is frozen, or falls by `fall` of its price."""

    failure: Failure
    kind: Kind
    does: str
    away: tuple[tuple[str, str, str], ...] = ()
    closed: frozenset[str] = frozenset()
    unpaid: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    coin: str = ""
    fall: float = 0.0

    @property
    def name(self) -> str:
        """As a reader calls it."""
        return self.failure.name

    def conditions(self, facts: Facts, lasting_seconds: float) -> Conditions:
        """How money travels while it lasts; a second is a step."""
        end = int(min(lasting_seconds, LOOK_SECONDS))
        gone = tuple(
            Absence(where=where, name=name, kind=kind, start_step=0, end_step=end, factor=1.0)
            for where, name, kind in self.away
        )
        return Conditions(facts=facts, absences=gone, steps=LOOK_SECONDS)


def failures_of(book: Book, facts: Facts, ways: Iterable[Way], fall: float) -> tuple[Single, ...]:
    """Every one that touches an account, a balance, a transfer or a way of the book. fall : of a coin's price, a fraction."""
    used = tuple(ways)
    found = [
        *_venues(book, facts),
        *_layers(book, facts, used),
        *_families(facts, used),
        *_domains(facts, used),
        *_coins(book, fall),
        *_providers(book, facts, used),
    ]
    return tuple({one.name: one for one in found}.values())


def keeper_of(facts: Facts, venue: str) -> str:
    """Whose wallet a venue's money is in."""
    return (facts.venues[venue].wallet or venue) if venue in facts.venues else venue


def _venues(book: Book, facts: Facts) -> Iterator[Single]:
    by_keeper: dict[str, list[str]] = {}
    for one in book.accounts:
        by_keeper.setdefault(keeper_of(facts, one.venue), []).append(one.id)
    for keeper, names in by_keeper.items():
        halted, frozen = venue_failures(facts, keeper, frozenset(names))
        yield halted
        if keeper in facts.venues and facts.venues[keeper].networks:
            yield frozen


def venue_failures(facts: Facts, keeper: str, accounts: frozenset[str]) -> tuple[Single, Single]:
    """That a venue with these accounts of ours stands still, then that its wallet pays nothing out."""
    name = facts.venues[keeper].name if keeper in facts.venues else keeper
    halted = Single(
        failure=Failure(name=name, domains=frozenset({keeper}), places=accounts | {f"wallet:{keeper}"}),
        kind=Kind.VENUE,
        does="trades nothing, pays nothing out, credits nothing",
        away=(("venue", keeper, "halt"),),
        closed=accounts,
        unpaid=accounts,
    )
    frozen = Single(
        failure=Failure(name=f"{name} withdrawals", domains=frozenset({f"withdrawal:{keeper}"}), places=accounts),
        kind=Kind.CUSTODIAN,
        does="pays nothing out",
        away=(("venue", keeper, "frozen"),),
        unpaid=accounts,
    )
    return halted, frozen


def _layers(book: Book, facts: Facts, ways: Sequence[Way]) -> Iterator[Single]:
    for one in used_layers(book, facts, ways):
        yield away_layer(book, facts, (one,), facts.layers[one].name, "stands still", Kind.LAYER)


def used_layers(book: Book, facts: Facts, ways: Iterable[Way]) -> tuple[str, ...]:
    """Layers of the book's venues and balances, and those on its ways."""
    used = {facts.venues[one.venue].layer for one in book.accounts if one.venue in facts.venues}
    used |= {facts.layer_id(one.layer) or "" for one in book.layers} | {layer for way in ways for layer in way.layers}
    return tuple(one for one in facts.layers if one in used)


def away_layer(
    book: Book, facts: Facts, layers: Sequence[str], name: str, does: str, kind: Kind, how: str = "halt"
) -> Single:
    """Layers that stand still, or that nobody reaches (`how` "rpc"), with those that go with them."""
    gone = frozenset(layers) | (_with(facts, layers) if how == "halt" else frozenset())
    accounts = frozenset(
        one.id for one in book.accounts if one.venue in facts.venues and facts.venues[one.venue].layer in gone
    )
    rest = frozenset(one.layer for one in book.layers if facts.layer_id(one.layer) in gone)
    return Single(
        failure=Failure(name=name, domains=gone, places=accounts | rest | gone),
        kind=kind,
        does=does,
        away=tuple(("layer", one, how) for one in layers),
        closed=accounts,
        unpaid=accounts,
        layers=gone,
    )


def _with(facts: Facts, layers: Sequence[str]) -> frozenset[str]:
    """Layers that stand still when these do: those whose domains they lead."""
    led = frozenset(domain for one in layers for domain in facts.led_by(one))
    return frozenset(one.id for one in facts.layers.values() if led & set(one.domains))


def _families(facts: Facts, ways: Sequence[Way]) -> Iterator[Single]:
    used = dict.fromkeys(hop.route.family for way in ways for hop in way.hops if hop.route)
    for family in used:
        routes = frozenset(one.id for one in facts.routes.values() if one.family == family)
        yield Single(
            failure=Failure(name=family, domains=routes | {family}),
            kind=Kind.FAMILY,
            does="carries nothing",
            away=(("route", family, "closed"),),
        )


def _domains(facts: Facts, ways: Sequence[Way]) -> Iterator[Single]:
    """What several families rest on, beyond layers."""
    used = dict.fromkeys(domain for way in ways for hop in way.hops if hop.route for domain in hop.route.domains)
    layers = {domain for one in facts.layers.values() for domain in one.domains}
    for domain in used:
        routes = [one for one in facts.routes.values() if domain in one.domains]
        if domain in layers or len({one.family for one in routes}) < 2:
            continue
        yield Single(
            failure=Failure(name=domain, domains=frozenset({domain}) | {one.id for one in routes}),
            kind=Kind.DOMAIN,
            does=f"takes {', '.join(dict.fromkeys(one.family for one in routes))} with it",
            away=tuple(("route", one.id, "closed") for one in routes),
        )


def _coins(book: Book, fall: float) -> Iterator[Single]:
    held = [one.asset for account in book.accounts for one in account.collateral if one.amount > 0.0]
    held += [one.balance.asset for one in book.layers] + [one.asset for one in book.transfers]
    for coin in dict.fromkeys(one for one in held if one in STABLECOINS and one != "USD"):
        yield Single(
            failure=Failure(name=f"{coin} frozen", domains=frozenset({f"coin:{coin}"})),
            kind=Kind.COIN_FROZEN,
            does="moves nowhere",
            coin=coin,
        )
        yield Single(
            failure=Failure(name=f"{coin} falls", domains=frozenset()),
            kind=Kind.COIN_FALLS,
            does=f"is worth {1.0 - fall:.2f} of what it was",
            coin=coin,
            fall=fall,
        )


def _providers(book: Book, facts: Facts, ways: Sequence[Way]) -> Iterator[Single]:
    """A provider or cloud takes with it the layers that are reached by nothing else. Where the book names nobody for a layer, the
    clouds that it was seen to fall with stand in."""
    yield from _paths(book, facts, Kind.PROVIDER, {one.layer: one.providers for one in book.access})
    clouds = {one.layer: one.clouds for one in book.access}
    named = {facts.layer_id(one) for one in clouds}
    for layer in used_layers(book, facts, ways):
        if layer not in named and facts.layers[layer].clouds:
            clouds[layer] = facts.layers[layer].clouds
    yield from _paths(book, facts, Kind.CLOUD, clouds)


def _paths(book: Book, facts: Facts, kind: Kind, by: Mapping[str, Sequence[str]]) -> Iterator[Single]:
    for name in dict.fromkeys(one for names in by.values() for one in names if one):
        lost = [layer for layer, names in by.items() if set(names) == {name}]
        layers = [layer for layer in (facts.layer_id(one) for one in lost) if layer is not None]
        if layers:
            does = f"leaves {', '.join(lost)} out of our reach"
            yield away_layer(book, facts, layers, f"{kind.value} {name}", does, kind, "rpc")
        else:
            empty = Failure(name=f"{kind.value} {name}", domains=frozenset({f"{kind.value}:{name}"}))
            yield Single(failure=empty, kind=kind, does="is replaced: every layer is reached by another")
