"""What has happened, as a person says it ("arbitrum halted"), as one of the single failures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from perpbook.errors import InputError
from perpbook.model.book import Book
from perpbook.scenario.table_reader import nearest
from perpbook.treasury.facts import Facts
from perpbook.treasury.failures import Kind, Single, away_layer, keeper_of, venue_failures
from perpbook.treasury.task import Failure

HALTED, UNREACHABLE, ROLLED_BACK, HACKED, FROZEN, CLOSED, FALLEN = (
    "halted", "unreachable", "rolled back", "hacked", "frozen", "closed", "fallen",
)  # fmt: skip
STATES = {
    HALTED: ("halted", "halt", "down", "stands still", "stopped"),
    UNREACHABLE: ("unreachable", "rpc", "api down"),
    ROLLED_BACK: ("rolled back", "rollback", "reorganised"),
    HACKED: ("hacked", "hack", "exploited"),
    FROZEN: ("withdrawals frozen", "withdrawals closed", "frozen", "withdrawals"),
    CLOSED: ("closed", "paused", "locked", "stuck"),
    FALLEN: ("fallen", "falls", "depegged", "depeg"),
}
OF = {
    "layer": (HALTED, UNREACHABLE, ROLLED_BACK),
    "venue": (HALTED, HACKED, FROZEN),
    "bridge": (CLOSED, HACKED),
    "coin": (FROZEN, FALLEN),
}
"""What can be said of each kind of thing."""

LOST = (ROLLED_BACK, HACKED)
"""After these nobody waits for the same thing to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A failure that has happened. what : "layer", "venue", "bridge" or "coin"; id : of it in the facts."""

    single: Single
    what: str
    id: str
    state: str

    @property
    def lost(self) -> bool:
        """Whether what is behind it may not come back."""
        return self.state in LOST


def incident_of(text: str, book: Book, facts: Facts, fall: float) -> Incident:
    """The incident that a text names.

    Raises
    ------
    InputError : it names nothing known, or a state that such a thing cannot be in.
    """
    name, state = _parted(text)
    what, found = _named(name, book, facts)
    if state not in OF[what]:
        raise InputError(f'--when "{text}": a {what} is {" or ".join(OF[what])}')
    make = {"layer": _layer, "venue": _venue, "bridge": _bridge, "coin": _coin}[what]
    return Incident(single=make(found, state, book, facts, fall), what=what, id=found, state=state)


def _parted(text: str) -> tuple[str, str]:
    words = re.sub(r"\s+", " ", text.strip().lower())
    for state, said in STATES.items():
        for one in sorted(said, key=len, reverse=True):
            if words.endswith(f" {one}"):
                name = words.removesuffix(one).strip()
                return re.sub(r" (is|was|has been)$", "", name), state
    known = ", ".join(STATES)
    raise InputError(f'--when "{text}": write a name and what happened to it, like "arbitrum halted" ({known})')


def _named(name: str, book: Book, facts: Facts) -> tuple[str, str]:
    """(kind of thing, its id)."""
    for venue in facts.venues.values():
        if name in (venue.id.lower(), venue.name.lower()):
            return "venue", venue.id
    layers = {one.id.lower(): one.id for one in facts.layers.values()}
    layers |= {one.name.lower(): one.id for one in facts.layers.values()}
    layers |= {alias.lower(): one.id for one in facts.layers.values() for alias in one.aliases}
    if name in layers:
        return "layer", layers[name]
    families = {one.family for one in facts.routes.values()} | set(facts.routes)
    domains = {domain for one in facts.routes.values() for domain in one.domains}
    if name in families | domains:
        return "bridge", name
    coins = {one.balance.asset for one in book.layers} | {two.asset for one in book.accounts for two in one.collateral}
    by_coin = {one.lower(): one for one in sorted(coins | {"USDC", "USDT"})}
    if name in by_coin:
        return "coin", by_coin[name]
    known = (*facts.venues, *layers, *sorted(families | domains), *by_coin)
    raise InputError(f'--when names "{name}", which is no venue, layer, bridge or coin here: {nearest(name, known)}')


def _layer(found: str, state: str, book: Book, facts: Facts, fall: float) -> Single:
    how = "rpc" if state == UNREACHABLE else "halt"
    return away_layer(book, facts, (found,), f"{facts.layers[found].name} {state}", "moves nothing", Kind.LAYER, how)


def _venue(found: str, state: str, book: Book, facts: Facts, fall: float) -> Single:
    keeper = keeper_of(facts, found)
    names = frozenset(one.id for one in book.accounts if keeper_of(facts, one.venue) == keeper)
    halted, frozen = venue_failures(facts, keeper, names)
    single = frozen if state == FROZEN else halted
    name = f"{facts.venues[keeper].name} {'pays nothing out' if state == FROZEN else state}"
    return replace(single, failure=replace(single.failure, name=name))


def _bridge(found: str, state: str, book: Book, facts: Facts, fall: float) -> Single:
    routes = [one for one in facts.routes.values() if found in (one.id, one.family) or found in one.domains]
    return Single(
        failure=Failure(name=f"{found} {state}", domains=frozenset({found}) | {one.id for one in routes}),
        kind=Kind.FAMILY,
        does="carries nothing",
        away=tuple(("route", one.id, "closed") for one in routes),
    )


def _coin(found: str, state: str, book: Book, facts: Facts, fall: float) -> Single:
    kind = Kind.COIN_FROZEN if state == FROZEN else Kind.COIN_FALLS
    return Single(
        failure=Failure(name=f"{found} {state}", domains=frozenset({f"coin:{found}"})),
        kind=kind,
        does="moves nowhere" if state == FROZEN else f"is worth {1.0 - fall:.2f} of what it was",
        coin=found,
        fall=0.0 if state == FROZEN else fall,
    )
