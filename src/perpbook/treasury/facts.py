"""What is known of layers, routes and venues: how money moves, how long that takes, what it costs, and who says so.

Seconds and dollars. `typical` is read as the median of a time and `worst` as its 99 % point. None: not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CANONICAL = ("canonical", "validators")
"""Kinds of routes that are a layer's own way out."""

RISKS = ("canonical", "issuer", "solver", "external", "custodial", "inherited")
"""Who must be honest and awake: the layer itself, the coin's issuer, a solver who pays first, validators or a pool of others, an
exchange; "inherited": whatever an aggregator picks."""

PERCENTS = ("p10", "p50", "p90", "p99", "p999")
"""Names of the percentiles of a base fee."""


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
class Stuck:
    """The chance that a transfer meets an outage, a fraction, and the whole time of one that does. `incidents` in
    `years` of watching are what both are reckoned from; `own` : transfers of the trader's that moved the chance since."""

    chance: float
    seconds: Times
    incidents: int = 0
    years: float = 0.0
    own: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What a transfer costs: dollars each, basis points of the amount, so much of the gas coin of where it leaves (`native`, by
    coin), and what has no figure (`plus`)."""

    dollars: float | None = None
    bps: float | None = None
    plus: str = ""
    native: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCap:
    """What all users of a `pool` may take out together within `seconds`: the larger of `fraction` of all deposits and
    `dollars`. None: not known. `ours` : the part of it that the trader may count on, a fraction, and `deposits` of everybody,
    dollars: None for not told."""

    pool: str
    seconds: float | None = None
    fraction: float | None = None
    dollars: float | None = None
    ours: float | None = None
    deposits: float | None = None

    def most(self, deposits: float | None = None) -> float | None:
        """Dollars per window for all together, at least; None where nothing is known. deposits : in place of those told."""
        held = self.deposits if deposits is None else deposits
        share = self.fraction * held if self.fraction is not None and held is not None else None
        known = [one for one in (share, self.dollars) if one is not None]
        return max(known) if known else None

    @property
    def own(self) -> float | None:
        """Dollars per window that the trader counts on: the part of `most` that is his, all of it where he tells no part."""
        most = self.most()
        return None if most is None else most * (1.0 if self.ours is None else self.ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """How much may go at once, dollars. `note` says what has no figure."""

    least: float = 0.0
    most: float | None = None
    note: str = ""
    shared: tuple[SharedCap, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """How far figures are to be trusted: which have no source, where the others are from, and which are the trader's own."""

    confidence: str
    sources: tuple[str, ...]
    unverified: tuple[str, ...] = ()
    note: str = ""
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gas:
    """What transactions of a layer are paid in and with. `token` : the coin, "" where transactions are free. `gwei` : base fee
    (1e-9 of the coin for a unit of gas) by `PERCENTS` and "max", over `window`. `units` : gas by action. `exit` : the
    actions that bring everything away. `plus` : what has no figure. `free` : True where nothing is paid."""

    token: str
    gwei: Mapping[str, float] = field(default_factory=dict)
    window: str = ""
    units: Mapping[str, float] = field(default_factory=dict)
    exit: tuple[str, ...] = ()
    plus: str = ""
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How to see whether a layer lives. `warn_seconds`, `crit_seconds` : age of the newest block. `feed` : address of the
    uptime feed on the layer, whose answer counts only `grace_seconds` after a recovery. `status_page`, `batches` (what tells
    that its batches reach the layer below), `proofs` (what tells that exits work), `reads` : what to ask of it."""

    warn_seconds: float | None = None
    crit_seconds: float | None = None
    feed: str = ""
    grace_seconds: float | None = None
    status_page: str = ""
    batches: str = ""
    proofs: str = ""
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A chain where money sits. `domains` are what fails together; `settles_to` the layer below it, "" for none. `access` : the
    kind of door through which it is read. `operator` : who runs it alone. `clouds` : providers it, or the usual way to it,
    was seen to fall with. `chain_id` : by EIP-155, `network` : the name of a chain without one. `since` : the day from
    which it runs for all, "" for not known."""

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
    chain_id: int | None = None
    network: str = ""
    access: str = ""
    operator: str = ""
    clouds: tuple[str, ...] = ()
    gas: Gas | None = None
    health: Health = field(default_factory=Health)
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way between layers, for every pair of its starts and ends. `seconds` None: not known, `points` is what is known of it.
    `risk` : one of `RISKS`. `failures` : how it goes wrong. `leaving`, `arriving` : the sender's own actions there, paid in
    gas. `stuck` : by start and end, empty where it is not reckoned."""

    id: str
    family: str
    kind: str
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    assets: tuple[str, ...]
    seconds: Times | None
    fee: Fee
    cap: Cap
    domains: tuple[str, ...]
    witness: Witness
    risk: str = "inherited"
    points: Mapping[str, float] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    arriving: tuple[str, ...] = ()
    since: str = ""
    stuck: Mapping[tuple[str, str], Stuck] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Figures that nobody knows and that a transfer needs: its times and its fee."""
        times = [f"seconds.{name}" for name in ("least", "typical", "worst") if name not in self.points]
        fees = [
            f"fee.{name}" for name, value in (("dollars", self.fee.dollars), ("bps", self.fee.bps)) if value is None
        ]
        return (*(times if self.seconds is None else ()), *fees)


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
    stuck: Stuck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it, by id, with the date of each file. issuers : by coin, who makes it. chains : kept by what they depend on, see
    `ways`."""

    layers: Mapping[str, Layer]
    routes: Mapping[str, Route]
    venues: Mapping[str, Venue]
    withdrawal: Door
    deposit: Door
    as_of: Mapping[str, str] = field(default_factory=dict)
    issuers: Mapping[str, str] = field(default_factory=dict)
    chains: dict[tuple[str | int, ...], Any] = field(init=False, repr=False, compare=False, default_factory=dict)

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
