"""The state machine of one clock: what was seen goes in, how the clock stands comes out. It reads no time of its own.

A clock is ok below `warn` seconds and halted from `crit` on. It comes back more slowly than it goes: from degraded only below
half of `warn`, from halted only below `warn`, and then it is recovering for a grace, in which it must stay below `warn`, and
degraded for as long as it is not to be trusted again. What a layer's own flag says of its recovery lengthens the grace, never
shortens it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from perpbook.model.health import State
from perpbook.model.units import SECOND_NS

AHEAD_S = 15.0
"""How far a chain's clock may be ahead of this machine's before the two disagree."""

CLEAR = 0.5
"""Below this share of `warn` a degraded clock is well again."""

GRACE_S = 3_600.0
WARY_S = 86_400.0
"""An hour of grace is what Chainlink's consumers of uptime feeds keep; halts repeat within a day (incidents of 2023 and 2026)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Seconds: degraded from `warn`, halted from `crit`; after a halt recovering for `grace`, then degraded for `wary`."""

    warn: float
    crit: float
    grace: float = GRACE_S
    wary: float = WARY_S

    def __post_init__(self) -> None:
        assert 0.0 < self.warn <= self.crit and self.grace >= 0.0 and self.wary >= 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen at a moment. age_s : how far the clock is behind; None where nobody could be believed. down : the layer's
    own flag says that it is away. up_since_ns : since when that flag says that it is not. unsure : why, though the age is
    known, it cannot be called well ("" where it can)."""

    at_ns: int
    age_s: float | None
    why: str = ""
    down: bool = False
    up_since_ns: int | None = None
    rolled_back: bool = False
    unsure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a clock remembers. state : as it is shown. known : as it was when it was last known, None for never. seen_ns : when
    that was. since_ns : since when `state` holds. alive_ns : since when it lives again after a halt. rolled_ns : when it last
    rolled back. grace_until_ns : before then it is not out of its grace."""

    state: State = State.UNKNOWN
    known: State | None = None
    since_ns: int = 0
    seen_ns: int = 0
    alive_ns: int | None = None
    rolled_ns: int | None = None
    grace_until_ns: int = 0


def step(memory: Memory, sight: Sight, bounds: Bounds) -> Memory:
    """How a clock stands after a sight."""
    why = unknown_because(memory, sight)
    if why:
        return _shown(memory, State.UNKNOWN, sight.at_ns)
    assert sight.age_s is not None
    after = replace(memory, seen_ns=sight.at_ns)
    if sight.rolled_back:
        after = replace(after, rolled_ns=sight.at_ns, alive_ns=None)
    state, after = _judged(after, sight, sight.age_s, bounds)
    known = replace(after, known=state)
    if sight.unsure and state in (State.OK, State.DEGRADED):
        state = State.UNKNOWN
    return _shown(known, state, sight.at_ns)


def unknown_because(memory: Memory, sight: Sight) -> str:
    """Why a sight says nothing, "" where it does."""
    if sight.age_s is None or math.isnan(sight.age_s):
        return sight.why or "nobody could be asked"
    if sight.at_ns < memory.seen_ns:
        return "this machine's clock has gone back since the last look"
    if sight.age_s < -AHEAD_S:
        return f"its clock is {-sight.age_s:,.0f} s ahead of this machine's: one of them is wrong"
    if sight.up_since_ns is not None and sight.up_since_ns > sight.at_ns + AHEAD_S * SECOND_NS:
        return "its flag is of a time to come"
    return ""


def standing(memory: Memory, now_ns: int, stale_s: float) -> State:
    """How a clock stands at a moment when nobody looked: what is older than `stale_s` is not known."""
    old = now_ns - memory.seen_ns > stale_s * SECOND_NS or now_ns < memory.seen_ns - AHEAD_S * SECOND_NS
    return State.UNKNOWN if old or memory.known is None else memory.state


def _judged(memory: Memory, sight: Sight, age: float, bounds: Bounds) -> tuple[State, Memory]:
    """The state that a known sight makes, and what is remembered of the way out of a halt."""
    grace_ns = round(bounds.grace * SECOND_NS)
    if memory.rolled_ns is not None and sight.at_ns < memory.rolled_ns + grace_ns:
        return State.ROLLED_BACK, memory
    if sight.rolled_back:
        return State.ROLLED_BACK, memory
    before = memory.known
    stopped = before in (State.HALTED, State.ROLLED_BACK)
    if sight.down or age >= bounds.crit or (before is State.HALTED and age >= bounds.warn):
        return State.HALTED, replace(memory, alive_ns=None)
    if stopped or (before is State.RECOVERING and age >= bounds.warn):
        memory = replace(memory, alive_ns=sight.at_ns)
    began = max((one for one in (memory.alive_ns, sight.up_since_ns) if one is not None), default=None)
    if began is not None:
        memory = replace(memory, grace_until_ns=began + grace_ns)
        if sight.at_ns < memory.grace_until_ns:
            return State.RECOVERING, memory
    wary = began is not None and sight.at_ns < memory.grace_until_ns + round(bounds.wary * SECOND_NS)
    slow = age >= bounds.warn or (before is State.DEGRADED and age >= CLEAR * bounds.warn)
    return (State.DEGRADED if wary or slow else State.OK), memory


def _shown(memory: Memory, state: State, at_ns: int) -> Memory:
    return memory if memory.state is state and memory.since_ns else replace(memory, state=state, since_ns=at_ns)
