"""What is known of layers, routes and venues: how money moves, how long that takes, what it costs, and who says so.

Seconds and dollars. `typical` is read as the median of a time and `worst` as its 99 % point. None: not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CANONICAL = ("canonical", "validators")
"""Kinds of routes that are a layer's own way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something takes, seconds: the least, the median, the 90 % point where it is known, and the 99 % point."""

    least: float
    typical: float
    worst: float
    p90: float | None = None

    def __post_init__(self) -> None:
        points = [self.least, self.typical, *([self.p90] if self.p90 is not None else []), self.worst]
        assert points == sorted(points) and self.least >= 0.0, "times rise from least to worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What a transfer costs: dollars each, basis points of the amount, and what has no figure (`plus`)."""

    dollars: float | None = None
    bps: float | None = None
    plus: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """How much may go at once, dollars. `note` says what has no figure."""

    least: float = 0.0
    most: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """How far figures are to be trusted: which have no source, and where the others are from."""

    confidence: str
    sources: tuple[str, ...]
    unverified: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A chain where money sits. `domains` are what fails together; `settles_to` the layer below it, "" for none."""

    id: str
    name: str
    kind: str
    domains: tuple[str, ...]
    witness: Witness
    aliases: tuple[str, ...] = ()
    settles_to: str = ""
    block_seconds: float | None = None
    finality_seconds: tuple[float, float] | None = None
    exit_seconds: tuple[float, float] | None = None
    single_operator: bool = False
    forced_inclusion_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way between layers, for every pair of its starts and ends."""

    id: str
    family: str
    kind: str
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    assets: tuple[str, ...]
    seconds: Times
    fee: Fee
    cap: Cap
    domains: tuple[str, ...]
    witness: Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """A venue and its door: the `layer` it lives on with the seconds until it credits, or the `networks` of an exchange
    that keeps its users' money, or the `wallet` of another venue."""

    id: str
    name: str
    witness: Witness
    layer: str = ""
    networks: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    wallet: str = ""
    credit_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What every exchange that keeps its users' money takes to pay out, or to credit."""

    seconds: Times
    fee: Fee
    witness: Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it, by id, with the date of each file."""

    layers: Mapping[str, Layer]
    routes: Mapping[str, Route]
    venues: Mapping[str, Venue]
    withdrawal: Door
    deposit: Door
    as_of: Mapping[str, str] = field(default_factory=dict)

    def layer_id(self, name: str) -> str | None:
        """The id of a layer by its id or another name of it; None for no layer."""
        if name in self.layers:
            return name
        return next((one.id for one in self.layers.values() if name in one.aliases), None)

    def led_by(self, layer: str) -> frozenset[str]:
        """Domains that are away when this layer is: those of which every other layer settles on it."""
        return frozenset(
            domain
            for domain in self.layers[layer].domains
            if all(
                one.id == layer or self._settles_on(one, layer) for one in self.layers.values() if domain in one.domains
            )
        )

    def _settles_on(self, layer: Layer, below: str) -> bool:
        while layer.settles_to:
            if layer.settles_to == below:
                return True
            layer = self.layers[layer.settles_to]
        return False
