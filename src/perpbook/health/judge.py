"""From readings to health: four sights, four steps, and where the clocks disagree. It asks nobody and reads no time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perpbook.health.clocks import Bounds, Memory, Sight, standing, step, unknown_because
from perpbook.health.evm import Feed
from perpbook.health.reading import Anchor, Lag, Reading
from perpbook.health.status_pages import StatusPage
from perpbook.health.watched import Watch
from perpbook.health.watched_load import CRIT_TIMES
from perpbook.model.health import (
    ACCESS,
    BATCHES,
    CLOCKS,
    EXITS,
    HEAD,
    STOPPED,
    Agreement,
    ClockView,
    LayerHealth,
    State,
)
from perpbook.model.units import SECOND_NS

ACCESS_BOUNDS = Bounds(warn=1.0, crit=2.0, grace=0.0, wary=0.0)
"""Access is no matter of seconds: 1 is trouble, 2 is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMemory:
    """What is remembered of a layer from look to look."""

    clocks: Mapping[str, Memory] = field(default_factory=dict)
    anchor: Anchor | None = None


def judged(watch: Watch, reading: Reading, memory: LayerMemory, now_ns: int) -> tuple[LayerHealth, LayerMemory]:
    """A layer's health after a reading, and what to remember of it."""
    sights = {
        HEAD: (head_sight(watch, reading, now_ns), watch.clocks.head),
        BATCHES: (batch_sight(watch, reading, now_ns), _batch_bounds(watch)),
        EXITS: (exit_sight(watch, reading, now_ns), watch.exits.bounds if watch.exits else ACCESS_BOUNDS),
        ACCESS: (access_sight(reading, now_ns), ACCESS_BOUNDS),
    }
    views, kept = {}, dict(memory.clocks)
    for clock in CLOCKS:
        sight, bounds = sights[clock]
        if isinstance(sight, str) or bounds is None:
            why = sight if isinstance(sight, str) else "nobody knows how long it takes at worst"
            views[clock] = ClockView(clock=clock, state=State.UNKNOWN, why=why, watched=False)
            continue
        before = memory.clocks.get(clock, Memory())
        kept[clock] = step(before, sight, bounds)
        views[clock] = _view(clock, before, kept[clock], sight, bounds)
    agreement = reading.agreement
    anchor = memory.anchor
    if agreement.height is not None and views[HEAD].state is not State.UNKNOWN:  # Else a rollback would be forgotten.
        anchor = Anchor(height=agreement.height, hash=agreement.hash)
    health = LayerHealth(
        layer=watch.layer, name=watch.name, as_of_ns=now_ns, clocks=views, agreement=agreement, fees=reading.fees,
        balances=reading.balances, notes=(*reading.notes, *_disagreements(reading, views)),
    )  # fmt: skip
    return health, LayerMemory(clocks=kept, anchor=anchor)


def recalled(watch: Watch, memory: LayerMemory, now_ns: int, stale_s: float) -> LayerHealth:
    """A layer's health as it is remembered; what is older than `stale_s` is not known."""
    views = {}
    for clock in CLOCKS:
        kept = memory.clocks.get(clock)
        if kept is None:
            views[clock] = ClockView(clock=clock, state=State.UNKNOWN, why="nobody asked", watched=False)
            continue
        state = standing(kept, now_ns, stale_s)
        ago = f"last seen {(now_ns - kept.seen_ns) / SECOND_NS:,.0f} s ago" if kept.known is not None else "never seen"
        until = kept.grace_until_ns if state is State.RECOVERING else None
        views[clock] = ClockView(clock=clock, state=state, why=ago, since_ns=kept.since_ns, until_ns=until)
    nobody = Agreement(why="nobody was asked now")
    return LayerHealth(layer=watch.layer, name=watch.name, as_of_ns=now_ns, clocks=views, agreement=nobody)


def head_sight(watch: Watch, reading: Reading, now_ns: int) -> Sight:
    """How old the newest block is; the uptime feed governs only the way back."""
    agreement, feed = reading.agreement, reading.feed
    if not agreement.agreed or agreement.time_s is None:
        return Sight(at_ns=now_ns, age_s=None, why=agreement.why)
    age = (now_ns - agreement.time_s * SECOND_NS) / SECOND_NS
    down, since = (feed.down, feed.since_s * SECOND_NS) if isinstance(feed, Feed) else (False, None)
    unsure = f"its uptime feed cannot be read: {feed}" if isinstance(feed, str) else ""
    return Sight(
        at_ns=now_ns, age_s=age, down=down, up_since_ns=None if down else since, rolled_back=bool(reading.rolled_back),
        unsure=unsure,
    )  # fmt: skip


def batch_sight(watch: Watch, reading: Reading, now_ns: int) -> Sight | str:
    """How long ago a batch was posted below, or how far finality is behind."""
    if watch.base:
        return "settles by itself"
    found = reading.batches if watch.batches else reading.final
    if watch.clocks.reader not in ("evm", "starknet") and not watch.batches:
        return "nobody asked"
    if found is None:
        return Sight(at_ns=now_ns, age_s=None, why=reading.agreement.why)
    return _lag_sight(found, _batch_bounds(watch), now_ns)


def exit_sight(watch: Watch, reading: Reading, now_ns: int) -> Sight | str:
    """How long ago proofs or roots were posted, and whether the way out is paused."""
    if watch.exits is None and watch.pause is None:
        return "settles by itself" if watch.base else "nobody asked"
    if isinstance(reading.paused, str):
        return Sight(at_ns=now_ns, age_s=None, why=reading.paused)
    lag = reading.exits if watch.exits else Lag(seconds=0.0, of="")
    sight = _lag_sight(
        lag if lag is not None else "nothing was read", watch.exits.bounds if watch.exits else None, now_ns
    )
    paused = reading.paused is True
    return Sight(at_ns=now_ns, age_s=sight.age_s, why=sight.why, down=paused)


def access_sight(reading: Reading, now_ns: int) -> Sight:
    """Whether one can see: how many providers are left out, and what the operator's page says."""
    agreement, page = reading.agreement, reading.page
    if not agreement.agreed:
        return Sight(at_ns=now_ns, age_s=None, why=agreement.why)
    told = page.level if isinstance(page, StatusPage) else 0 if page is None else 1
    return Sight(at_ns=now_ns, age_s=float(max(1 if agreement.left_out or reading.special else 0, told)))


def _lag_sight(found: Lag | str, bounds: Bounds | None, now_ns: int) -> Sight:
    if isinstance(found, str):
        return Sight(at_ns=now_ns, age_s=None, why=found)
    if found.at_least and bounds is not None and found.seconds < bounds.crit:
        return Sight(
            at_ns=now_ns, age_s=None, why=f"nothing is found in the {found.seconds:,.0f} s that could be looked through"
        )
    return Sight(at_ns=now_ns, age_s=found.seconds)


def _batch_bounds(watch: Watch) -> Bounds | None:
    if watch.batches:
        return watch.batches.bounds
    if not watch.final_s:
        return None
    return Bounds(warn=watch.final_s, crit=CRIT_TIMES * watch.final_s, grace=0.0, wary=0.0)


def _view(clock: str, before: Memory, after: Memory, sight: Sight, bounds: Bounds) -> ClockView:
    until = after.grace_until_ns if after.state is State.RECOVERING else None
    if after.state is State.ROLLED_BACK and after.rolled_ns is not None:
        until = after.rolled_ns + round(bounds.grace * SECOND_NS)
    why = (
        unknown_because(before, sight)
        or (sight.unsure if after.state is State.UNKNOWN else "")
        or _why(after, sight, bounds)
    )
    return ClockView(
        clock=clock, state=after.state, why=why, age_s=None if clock == ACCESS else sight.age_s, since_ns=after.since_ns,
        until_ns=until,
    )  # fmt: skip


def _why(after: Memory, sight: Sight, bounds: Bounds) -> str:
    """Why a clock that is known stands as it does."""
    if after.state is State.ROLLED_BACK:
        return "its past is another one than before"
    if after.state is State.HALTED:
        if sight.down:
            return "it says so itself"
        return "not yet below what is usual" if sight.age_s is not None and sight.age_s < bounds.crit else ""
    if after.state is State.DEGRADED and sight.age_s is not None and sight.age_s < bounds.warn:
        return "it was halted not long ago" if after.grace_until_ns else "not yet well again"
    return ""


def _disagreements(reading: Reading, views: Mapping[str, ClockView]) -> list[str]:
    """Where clocks and witnesses contradict one another."""
    head, out = views[HEAD].state, []
    feed, page = reading.feed, reading.page
    if head is State.HALTED and isinstance(feed, Feed) and not feed.down:
        out.append(
            "its uptime feed still says up: it is written on the layer itself, so in a halt it shows what was before"
        )
    if isinstance(feed, Feed) and feed.down and (views[HEAD].age_s or 0.0) < 60.0:
        out.append("blocks come, and its uptime feed says down: it counts as halted until the feed says up")
    if head in STOPPED and isinstance(page, StatusPage) and page.level == 0:
        out.append(f'its blocks have stopped, and its status page says "{page.said}"')
    if head is State.OK and isinstance(page, StatusPage) and page.level == 2:
        out.append(f'its blocks come, and its status page says "{page.said}"')
    for clock, what in ((BATCHES, "nothing is posted below"), (EXITS, "the way out stands still")):
        if views[clock].state is State.HALTED and head is State.OK:
            out.append(f"its blocks come, and {what}")
    if isinstance(page, str):
        out.append(f"its status page cannot be read: {page}")
    out += [one for one in (reading.rolled_back, reading.special) if one]
    fees = reading.fees
    if fees is not None and fees.dear:
        out.append(f"gas is dear: {fees.base_gwei:.4g} gwei, {fees.times_usual:,.0f} times what is usual")
    return out
