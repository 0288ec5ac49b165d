"""What is known of layers' health: four clocks for each, who agreed on them, and what stands in its accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

HEAD, BATCHES, EXITS, ACCESS = "head", "batches", "exits", "access"
CLOCKS = (HEAD, BATCHES, EXITS, ACCESS)
"""Whether blocks come; whether they are posted below; whether the way out goes on; whether one can see and send."""


class State(Enum):
    """How a clock stands. UNKNOWN: nobody could be believed; it is never read as OK."""

    OK = "ok"
    DEGRADED = "degraded"
    RECOVERING = "recovering"
    HALTED = "halted"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"


SPIKE = 5.0
"""Gas is dear at so many times what is usual: our judgement."""

STOPPED = (State.HALTED, State.ROLLED_BACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockView:
    """One clock. age_s : how far it is behind, seconds (of access: None). since_ns : since when it stands so. until_ns : end of
    the grace. watched : False where nobody asked for it, or the layer has no such clock."""

    clock: str
    state: State
    why: str = ""
    age_s: float | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    watched: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Who was believed. height, hash : a block they all have, some way below the tip. time_s : of the tip that counts, seconds
    since 1970. left_out : by provider, why. `why` : why there is no agreement, "" where there is."""

    providers: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    tip: int | None = None
    time_s: int | None = None
    height: int | None = None
    hash: str = ""
    why: str = "nobody was asked"

    @property
    def agreed(self) -> bool:
        """True where enough providers said the same."""
        return not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Gwei: what the next block's base fee is, its median of late, and what a blob's gas costs where there are blobs. usual,
    high : a year's median and 99 % point, None where no facts have them."""

    base_gwei: float
    median_gwei: float
    blob_gwei: float | None = None
    usual_gwei: float | None = None
    high_gwei: float | None = None

    @property
    def times_usual(self) -> float:
        """The base fee over what is usual; 1 where nothing is known of that."""
        usual = self.usual_gwei if self.usual_gwei else self.median_gwei
        return self.base_gwei / usual if usual > 0.0 else 1.0

    @property
    def dear(self) -> bool:
        """True above the 99 % point of a year, where that is known, and above `SPIKE` times what is usual."""
        return self.times_usual >= SPIKE and (self.high_gwei is None or self.base_gwei > self.high_gwei)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account holds: `units` of the coin's smallest, `decimals` of them to one; `why` it is not known, "" where it is."""

    account: str
    asset: str
    units: int | None
    decimals: int | None = None
    why: str = ""

    @property
    def amount(self) -> float | None:
        """In whole coins; None for not known."""
        return None if self.units is None or self.decimals is None else self.units / 10.0**self.decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerHealth:
    """One layer as it was seen. notes : where its clocks disagree, and what else to know."""

    layer: str
    name: str
    as_of_ns: int
    clocks: Mapping[str, ClockView]
    agreement: Agreement
    fees: Fees | None = None
    balances: tuple[Balance, ...] = ()
    notes: tuple[str, ...] = ()

    def state_of(self, clock: str) -> State:
        """How a clock stands; UNKNOWN where it is not there."""
        found = self.clocks.get(clock)
        return found.state if found else State.UNKNOWN

    def watched(self, clock: str) -> bool:
        """Whether somebody asked for it."""
        found = self.clocks.get(clock)
        return found is not None and found.watched

    @property
    def worst(self) -> State:
        """The worst of the clocks that are watched: what stopped, then what is not known, then the rest."""
        states = {one.state for one in self.clocks.values() if one.watched}
        order = (State.ROLLED_BACK, State.HALTED, State.UNKNOWN, State.RECOVERING, State.DEGRADED)
        return next((one for one in order if one in states), State.OK if states else State.UNKNOWN)
