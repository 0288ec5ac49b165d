"""What the guard may do, how fast things must be known, and what it trades: given in whole, never changed by a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from perpbook.model.action import Leg
from perpbook.model.contract import Contract
from perpbook.model.units import DAY_NS, SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Dollars that may be traded in one action, and in any hour and day."""

    action: float
    hour: float
    day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Nanoseconds. fresh : how long the guard waits for accounts and books read again after an approval. skew : by how much a
    venue's clock may lag ours. again : between two questions about the same thing. order : how long an order may rest. absent :
    from a lost request until a venue's word that it never came counts. dedupe : for how long a venue surely refuses a second
    order of the same id. refill : from an order that found less than it was for to the next. unknown : how long an order may be
    unknown before somebody is paged. verify : how long positions may take to show what was traded. rest : how long a rule is
    quiet after a person said no. flatten : between two slices of a flatten. decide : at most between two decisions."""

    fresh: int = 10 * SECOND_NS
    skew: int = SECOND_NS // 2
    again: int = 2 * SECOND_NS
    order: int = 10 * SECOND_NS
    absent: int = 10 * SECOND_NS
    dedupe: int = 600 * SECOND_NS
    unknown: int = 30 * SECOND_NS
    verify: int = 30 * SECOND_NS
    rest: int = 600 * SECOND_NS
    refill: int = 5 * SECOND_NS
    flatten: int = 5 * SECOND_NS
    decide: int = 30 * SECOND_NS
    old: int = 60 * SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A venue's timer that cancels orders. by_symbol : of one contract each, else of an account."""

    by_symbol: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """accounts : their venues, by id.  contracts : by (venue, symbol), with lots and ticks.  collar : how far a limit price may
    stand from the book's middle, and the middle from where it was when proposed, fraction.  cost_max : of a proposal where who
    decides does not say, fraction of its notional.  expiry_ns : how long a proposal waits.  slice : dollars in one order at
    most.  fees : a taker's by venue, fraction.  bands : rules that approve themselves within these dollars, a key standing for
    those below it.  rests : venues at which orders that only make smaller may rest.  timers, dead_man_ns : venues' own, and for
    how long they are set, 0 for never.  quiet : from when to when, nanoseconds of a UTC day, nothing approves itself.  arming :
    False for paper: always armed.  playbook, terms : digests of what decides."""

    accounts: Mapping[str, str]
    contracts: Mapping[tuple[str, str], Contract]
    caps: Caps
    collar: float
    slice: float
    expiry_ns: int
    cost_max: float = 0.01
    fees: Mapping[str, float] = field(default_factory=dict)
    bands: Mapping[str, Caps] = field(default_factory=dict)
    rests: frozenset[str] = frozenset()
    timers: Mapping[str, Timer] = field(default_factory=dict)
    dead_man_ns: int = 0
    quiet: tuple[int, int] | None = None
    arming: bool = True
    playbook: str = ""
    terms: str = ""
    timing: Timing = Timing()

    def __post_init__(self) -> None:
        assert 0.0 < self.collar < 1.0 and self.slice > 0.0 and self.expiry_ns > 0, "a collar, a slice and an expiry"
        assert all(part > 0.0 for part in (self.caps.action, self.caps.hour, self.caps.day)), (
            "caps are dollars above nothing"
        )

    def band(self, rule: str) -> Caps | None:
        """Within what a rule approves itself: by its own key, or one above it; None where it may not."""
        above = [rule.rsplit(".", cut)[0] for cut in range(rule.count(".") + 1)]
        return next((self.bands[key] for key in above if key in self.bands), None)

    def is_quiet(self, now_ns: int) -> bool:
        """Whether nothing approves itself now."""
        if self.quiet is None:
            return False
        (first, last), now = self.quiet, now_ns % DAY_NS
        return first <= now < last if first < last else now >= first or now < last

    def dollars(self, venue: str, symbol: str, quantity: float, price: float) -> float:
        """What a quantity is worth at a price; an inverse contract's quantity is dollars already."""
        contract = self.contracts[venue, symbol]
        return abs(quantity) if contract.is_inverse else abs(quantity) * price

    def traded(self, legs: Iterable[Leg]) -> float:
        """Dollars that legs come to at their limit prices."""
        return math.fsum(self.dollars(leg.venue, leg.symbol, leg.quantity, leg.limit_price) for leg in legs)
