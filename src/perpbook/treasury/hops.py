"""One step of a way for money: out of a venue, over a route, into a venue, or between accounts of one venue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from perpbook.kernels.types import Floats
from perpbook.treasury.facts import Facts, Fee, Route, Stuck, Times, Venue
from perpbook.treasury.law import drawn_at, seconds_at


class Kind(Enum):
    """What a hop does."""

    OUT = "out"
    ROUTE = "route"
    IN = "in"
    MOVE = "move"


FREE = Fee(dollars=0.0, bps=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """`layers` are those it needs, the first being where it leaves; `venue` (and whose `wallet` that is) for doors; `seconds`
    its times, `name` what its chance is drawn by."""

    kind: Kind
    name: str
    words: str
    seconds: Times
    layers: tuple[str, ...] = ()
    venue: str = ""
    wallet: str = ""
    route: Route | None = None
    fee: Fee = FREE
    stuck: Stuck | None = None

    def effort(self, z: Floats) -> Floats:
        """Seconds in calm at standard normal scores."""
        return seconds_at(self.seconds, z)

    def with_stuck(self, z: Floats) -> Floats:
        """As `effort`, with the chance of being stuck."""
        return drawn_at(self.seconds, self.stuck, z)


def exactly(seconds: float) -> Times:
    """A time without chance."""
    return Times(least=seconds, typical=seconds, worst=seconds)


def doors_out(facts: Facts, venue: Venue, asset: str) -> dict[str, Hop]:
    """By layer, the hop that brings a coin from a venue onto it."""
    keeper = facts.venues[venue.wallet] if venue.wallet else venue
    if keeper.layer:
        # Routes that start there count their own time; this is the venue's consent.
        hop = Hop(
            kind=Kind.OUT, name=f"out:{venue.id}", words="", seconds=exactly(0.0), layers=(keeper.layer,), venue=venue.id,
            wallet=keeper.id,
        )  # fmt: skip
        return {keeper.layer: hop}
    if asset not in keeper.assets:
        return {}
    return {
        layer: Hop(
            kind=Kind.OUT, name=f"withdrawal:{keeper.id}", words=f"withdrawal to {facts.layers[layer].name}",
            seconds=facts.withdrawal.seconds, layers=(layer,), venue=venue.id, wallet=keeper.id, fee=facts.withdrawal.fee,
            stuck=facts.withdrawal.stuck,
        )
        for layer in keeper.networks
    }  # fmt: skip


def doors_in(facts: Facts, venue: Venue, asset: str) -> dict[str, Hop]:
    """By layer, the hop that brings a coin from it into a venue."""
    keeper = facts.venues[venue.wallet] if venue.wallet else venue
    if keeper.layer:
        hop = Hop(
            kind=Kind.IN, name=f"credit:{venue.id}", words="", seconds=exactly(keeper.credit_seconds), layers=(keeper.layer,),
            venue=venue.id, wallet=keeper.id,
        )  # fmt: skip
        return {keeper.layer: hop}
    if asset not in keeper.assets:
        return {}
    return {
        layer: Hop(
            kind=Kind.IN, name=f"deposit:{keeper.id}", words=f"deposit to {keeper.name}", seconds=facts.deposit.seconds,
            layers=(layer,), venue=venue.id, wallet=keeper.id, fee=facts.deposit.fee, stuck=facts.deposit.stuck,
        )
        for layer in keeper.networks
    }  # fmt: skip


def arrival_on(layer: str) -> Hop:
    """Where a way that ends on a layer ends: it is there at once."""
    return Hop(kind=Kind.IN, name=f"on:{layer}", words="", seconds=exactly(0.0), layers=(layer,))


def move_within(facts: Facts, venue: Venue) -> Hop:
    """Between accounts of one venue: taken to be at once."""
    keeper = venue.wallet or venue.id
    return Hop(
        kind=Kind.MOVE, name=f"move:{keeper}", words=f"moved within {facts.venues[keeper].name}", seconds=exactly(0.0),
        layers=(venue.layer,) if venue.layer else (), venue=venue.id, wallet=keeper,
    )  # fmt: skip


def over_route(route: Route, start: str, end: str) -> Hop:
    """From one layer to another, over a route whose times are known."""
    assert route.seconds is not None, "a route without times carries nothing"
    return Hop(
        kind=Kind.ROUTE, name=route.id, words=route.id, seconds=route.seconds, layers=(start, end), route=route, fee=route.fee,
        stuck=route.stuck.get((start, end)),
    )  # fmt: skip
