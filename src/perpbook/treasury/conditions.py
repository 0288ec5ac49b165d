"""What a storm does to money under way: when nothing moves, when it moves slower, and what waits.

Whatever a hop needs (layers, its route, a venue's door) goes on at its own pace, at a fraction of it, or not at all. A hop that
takes d seconds in calm is over when d seconds of that pace are used up; so an outage stops what is in flight too, and money that
leaves later never arrives earlier.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.model.units import SECOND_NS
from perpbook.treasury.facts import CANONICAL, Facts
from perpbook.treasury.hops import Hop, Kind

if TYPE_CHECKING:
    from perpbook.scenario.overlay import Absence

STOPS_A_LAYER = ("halt", "rpc", "rollback")
STOPS_A_DOOR = {
    "api": (Kind.OUT, Kind.MOVE),
    "halt": (Kind.OUT, Kind.IN, Kind.MOVE),
    "withdrawals": (Kind.OUT,),
    "frozen": (Kind.OUT,),
}
"""What a venue's absence stops: paying out, crediting, moving between its own accounts."""

MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """From `start` to `end` (seconds; inf: as far as the drill looks) a hop goes at `rate` of its pace, and what leaves waits
    `wait` seconds or until the end, whichever is first. `why` : in words."""

    start: float
    end: float
    rate: float = 1.0
    wait: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Pace through time: `rates[k]` from `knots[k]` on; `work` is the pace used up by each knot. `waits` : see `Pace`."""

    knots: Floats
    rates: Floats
    work: Floats
    waits: tuple[Pace, ...] = ()

    @property
    def calm(self) -> bool:
        """True where nothing stops it or slows it down."""
        return self.knots.size == 1 and self.rates[0] == 1.0 and not self.waits

    def over(self, start: Floats, effort: Floats) -> Floats:
        """When a hop that leaves at `start` and takes `effort` seconds in calm is over; inf: not while the drill looks."""
        if self.calm:
            out: Floats = start + effort
            return out
        left = np.where(np.isfinite(start), start, 0.0)
        for one in self.waits:
            within = (left >= one.start) & (left < one.end)
            left = np.where(within, np.minimum(left + one.wait, one.end), left)
        first = np.searchsorted(self.knots, left, side="right") - 1
        used = self.work[first] + self.rates[first] * (left - self.knots[first]) + effort
        last = np.searchsorted(self.work, used, side="right") - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = np.where(used > self.work[last], (used - self.work[last]) / self.rates[last], 0.0)
        done = np.where((self.rates[last] > 0.0) & np.isfinite(start), self.knots[last] + rest, np.inf)
        return done

    def once(self, start: float, effort: float) -> float:
        """`over` of one departure, to the bit."""
        if self.calm or not math.isfinite(start):
            return start + effort if self.calm else math.inf
        left = start
        for one in self.waits:
            if one.start <= left < one.end:
                left = min(left + one.wait, one.end)
        first = self.knots.searchsorted(left, side="right") - 1
        used = float(self.work[first] + self.rates[first] * (left - self.knots[first]) + effort)
        last = self.work.searchsorted(used, side="right") - 1
        knot, rate, work = float(self.knots[last]), float(self.rates[last]), float(self.work[last])
        if rate <= 0.0:
            return math.inf
        return knot + (used - work) / rate if used > work else knot


UNHINDERED = Clock(knots=np.zeros(1), rates=np.ones(1), work=np.zeros(1))


def clock_of(paces: Sequence[Pace]) -> Clock:
    """All of them at once: paces multiply."""
    if not paces:
        return UNHINDERED
    moments = {0.0} | {edge for one in paces for edge in (one.start, one.end) if 0.0 < edge < np.inf}
    knots = np.array(sorted(moments))
    rates = np.ones(knots.size)
    for one in paces:
        rates[(knots >= one.start) & (knots < one.end)] *= one.rate
    work = np.concatenate([[0.0], np.cumsum(rates[:-1] * np.diff(knots))])
    return Clock(knots=knots, rates=rates, work=work, waits=tuple(one for one in paces if one.wait > 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Absences of a storm on the facts. step_ns : a step's length; an absence that lasts to step `steps` has no end known."""

    facts: Facts
    absences: tuple[Absence, ...] = ()
    step_ns: int = SECOND_NS
    steps: int = 0

    def plus(self, other: Conditions) -> Conditions:
        """Both at once; what has no end known has none here. Steps are equally long."""
        assert self.step_ns == other.step_ns
        steps = max(self.steps, other.steps)
        both = tuple(
            replace(one, end_step=steps) if one.end_step >= of.steps else one
            for of in (self, other)
            for one in of.absences
        )
        return Conditions(facts=self.facts, absences=both, step_ns=self.step_ns, steps=steps)

    def clock(self, hop: Hop) -> Clock:
        """How a hop goes."""
        return clock_of(tuple(self.paces(hop)))

    def paces(self, hop: Hop) -> Iterator[Pace]:
        """What of the storm a hop feels."""
        for one in self.absences:
            start = one.start_step * self.step_ns / SECOND_NS
            end = np.inf if one.end_step >= self.steps else one.end_step * self.step_ns / SECOND_NS
            why = f"{one.name if one.name != '*' else 'every ' + one.where} {one.kind}"
            if one.where == "layer":
                pace = self._layer(one, hop)
                early = one.factor * MINUTE if one.kind == "rollback" else 0.0
            else:
                pace, early = (_route(one, hop) if one.where == "route" else _door(one, hop)), 0.0
            if pace is not None:
                rate, wait = pace
                yield Pace(start=max(0.0, start - early), end=end, rate=rate, wait=wait, why=why)

    def _layer(self, one: Absence, hop: Hop) -> tuple[float, float] | None:
        """(rate, wait) of a hop while a layer is away, None where it does not feel it."""
        name = self.facts.layer_id(one.name)
        touched = bool(hop.layers) if one.name == "*" else name in hop.layers
        if one.kind in STOPS_A_LAYER:
            together = one.kind == "halt" and name is not None and bool(self.facts.led_by(name) & self._needs(hop))
            return (0.0, 0.0) if touched or together else None
        if one.kind == "exits":
            leaves = (
                hop.route is not None and hop.route.kind in CANONICAL and (one.name == "*" or name == hop.layers[0])
            )
            return (0.0, 0.0) if leaves else None
        if one.kind == "departures":
            leaves = touched and (one.name == "*" or name == hop.layers[0]) and self._departs(hop)
            return (0.0, 0.0) if leaves else None
        if not touched or one.kind == "gas":
            return None
        return (1.0 / one.factor, 0.0) if one.kind == "congestion" else (1.0, one.factor)

    def _departs(self, hop: Hop) -> bool:
        """Whether a hop takes money off its first layer: over a route, or to an exchange that does not live on it."""
        into_exchange = hop.kind is Kind.IN and bool(hop.wallet) and not self.facts.venues[hop.wallet].layer
        return hop.kind is Kind.ROUTE or into_exchange

    def _needs(self, hop: Hop) -> frozenset[str]:
        """Domains without which a hop does not go: its route's, and its layers'."""
        own = frozenset(domain for layer in hop.layers for domain in self.facts.layers[layer].domains)
        return own | (frozenset(hop.route.domains) if hop.route else frozenset())


def _route(one: Absence, hop: Hop) -> tuple[float, float] | None:
    if hop.route is None or one.name not in ("*", hop.route.id, hop.route.family):
        return None
    return (0.0, 0.0) if one.kind == "closed" else (1.0 / one.factor, 0.0)


def _door(one: Absence, hop: Hop) -> tuple[float, float] | None:
    named = bool(hop.venue) and (one.name == "*" or one.name == hop.venue or one.name == hop.wallet)
    return (0.0, 0.0) if named and hop.kind in STOPS_A_DOOR[one.kind] else None
