"""Laws of layers' health: a clock is never ok without a fresh quorum, grace is kept, age only makes it worse; liars change
nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from perpbook.health.clocks import Bounds, Memory, Sight, standing, step
from perpbook.health.evm import Feed
from perpbook.health.judge import LayerMemory, judged
from perpbook.health.node import Tip
from perpbook.health.quorum import Seen, group_of, needed_of, settled
from perpbook.health.reading import Anchor, Lag, Reading
from perpbook.health.status_pages import StatusPage
from perpbook.health.watched_load import packaged_clocks, watch_of
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
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.health_conditions import absences_of, conditions_of, meaning_of
from perpbook.treasury.hops import Hop, Kind, over_route

BOUNDS = Bounds(warn=5.0, crit=30.0)
START_NS = 1_800_000_000 * SECOND_NS
RANK = [State.OK, State.DEGRADED, State.RECOVERING, State.HALTED, State.ROLLED_BACK]
FACTS = packaged_facts()
ROUTES: list[Hop] = [over_route(one, one.starts[0], one.ends[-1]) for one in FACTS.routes.values() if one.seconds]

ages = st.one_of(st.none(), st.floats(-40.0, 120.0), st.just(float("nan")))
steps_s = st.integers(1, 5_000)


@st.composite
def sights(draw: st.DrawFn) -> list[Sight]:
    """Looks at a layer, one after another."""
    now, out = START_NS, []
    for gap in draw(st.lists(steps_s, min_size=1, max_size=12)):
        now += gap * SECOND_NS
        up = draw(st.one_of(st.none(), st.integers(0, 200_000)))
        out.append(
            Sight(
                at_ns=now, age_s=draw(ages), why="?", down=draw(st.booleans()) and draw(st.booleans()),
                up_since_ns=None if up is None else now - up * SECOND_NS, rolled_back=draw(st.integers(0, 9)) == 0,
                unsure=draw(st.sampled_from(["", "", "", "no feed"])),
            )
        )  # fmt: skip
    return out


def after(seen: Sequence[Sight]) -> Memory:
    memory = Memory()
    for sight in seen:
        memory = step(memory, sight, BOUNDS)
    return memory


@given(sights())
def test_a_clock_is_never_ok_without_somebody_to_believe_at_that_moment(seen: list[Sight]) -> None:
    memory, last = after(seen), seen[-1]
    if memory.state in (State.OK, State.DEGRADED):
        assert last.age_s is not None and -15.0 <= last.age_s < BOUNDS.crit and not last.unsure and not last.down
    if memory.state is State.OK:
        assert last.age_s is not None and last.age_s < BOUNDS.warn


@given(sights(), st.integers(1, 10_000))
def test_what_is_older_than_asked_is_unknown(seen: list[Sight], late_s: int) -> None:
    memory = after(seen)
    stale_ns = memory.seen_ns + 60 * SECOND_NS
    assert standing(memory, stale_ns + late_s * SECOND_NS, 60.0) is State.UNKNOWN
    assert standing(memory, memory.seen_ns - 20 * SECOND_NS, 60.0) is State.UNKNOWN


@given(sights())
def test_after_a_halt_a_clock_is_neither_ok_nor_degraded_before_the_grace(seen: list[Sight]) -> None:
    memory, halted_ns = Memory(), None
    for sight in seen:
        memory = step(memory, sight, BOUNDS)
        if memory.state in STOPPED:
            halted_ns = sight.at_ns
        elif halted_ns is not None and sight.at_ns - halted_ns < 3_600 * SECOND_NS:
            assert memory.state in (State.RECOVERING, State.UNKNOWN)
        if memory.state is State.OK and sight.up_since_ns is not None:
            assert sight.at_ns - sight.up_since_ns >= 90_000 * SECOND_NS


@given(sights(), st.floats(-15.0, 60.0), st.floats(0.0, 60.0))
def test_an_older_head_never_looks_better(seen: list[Sight], age: float, older: float) -> None:
    before = after(seen[:-1])
    last = replace(seen[-1], unsure="", age_s=age)
    young, old = (step(before, replace(last, age_s=one), BOUNDS).state for one in (age, age + older))
    assert RANK.index(young) <= RANK.index(old)


@given(sights())
def test_a_clock_that_goes_back_is_told_and_remembers_what_it_knew(seen: list[Sight]) -> None:
    memory = after(seen)
    back = step(memory, Sight(at_ns=memory.seen_ns - 1, age_s=0.0), BOUNDS)
    assert memory.seen_ns == 0 or (back.state is State.UNKNOWN and back.known is memory.known)


def honest(count: int, height: int) -> list[Seen]:
    tips = [Tip(height=height + k % 2, hash=f"h{height}", time_s=1_000 + k % 2) for k in range(count)]
    return [Seen(provider=f"p{k}", chain="1", tip=tip) for k, tip in enumerate(tips)]


@st.composite
def liars(draw: st.DrawFn) -> Seen:
    """A provider that is away, of another chain, far off, or near with whatever it likes."""
    tip = Tip(height=draw(st.integers(0, 10_000)), hash="lie", time_s=draw(st.integers(0, 10_000)))
    return Seen(
        provider="", chain=draw(st.sampled_from(["1", "2"])), tip=tip, fault=draw(st.sampled_from(["", "away"]))
    )


@given(st.integers(2, 6), st.integers(100, 9_000), st.data())
def test_fewer_liars_than_honest_providers_change_neither_block_nor_height_for_the_younger(
    count: int, height: int, data: st.DataObject
) -> None:
    more = [replace(data.draw(liars()), provider=f"x{k}") for k in range(data.draw(st.integers(0, count - 1)))]
    seen = data.draw(st.permutations(honest(count, height) + more))
    group = group_of(seen, "1", 5)
    blocks = {
        name: Tip(height=height - 3, hash="true" if name[0] == "p" else "false", time_s=900) for name in group.tips
    }
    found = settled(group, blocks)
    if len([one for one in seen if one.provider[0] == "p"]) >= needed_of(len(seen)):
        assert found.agreed and found.hash == "true"
        assert found.time_s is not None and found.time_s <= 1_001
        assert {f"p{k}" for k in range(count)} == set(found.providers)
        assert set(found.left_out) == {one.provider for one in more}


def test_of_two_heads_the_older_counts_and_of_three_the_middle_one() -> None:
    times = {"a": 900, "b": 1_000, "c": 5_000}
    block = Tip(height=90, hash="h", time_s=800)
    for names, counts in (("ab", 900), ("abc", 1_000)):
        seen = [Seen(provider=one, chain="1", tip=Tip(height=100, hash="t", time_s=times[one])) for one in names]
        assert settled(group_of(seen, "1", 5), dict.fromkeys(names, block)).time_s == counts


@given(st.lists(liars(), min_size=0, max_size=1))
def test_one_provider_is_never_a_quorum(seen: list[Seen]) -> None:
    group = group_of(seen, "1", 5)
    assert group.why and not settled(group, {}).agreed


states = st.sampled_from(list(State))


@st.composite
def healths(draw: st.DrawFn) -> LayerHealth:
    """A layer with clocks in any state."""
    clocks = {
        clock: ClockView(
            clock=clock, state=draw(states), watched=clock in (HEAD, ACCESS) or draw(st.booleans()),
            until_ns=START_NS + draw(st.integers(0, 9_000)) * SECOND_NS,
        )
        for clock in CLOCKS
    }  # fmt: skip
    layer = draw(st.sampled_from(sorted(FACTS.layers)))
    return LayerHealth(layer=layer, name=layer, as_of_ns=START_NS, clocks=clocks, agreement=Agreement())


@given(healths())
def test_what_is_not_known_to_live_carries_nothing_and_what_recovers_lets_nothing_out(health: LayerHealth) -> None:
    conditions = conditions_of([health], FACTS)
    head, access = health.state_of(HEAD), health.state_of(ACCESS)
    for hop in ROUTES:
        first = [one for one in conditions.paces(hop) if one.start == 0.0 and one.rate == 0.0]
        if health.layer in hop.layers and (head in (*STOPPED, State.UNKNOWN) or access is State.UNKNOWN):
            assert first and not conditions.clock(hop).calm
        if health.layer == hop.layers[0] and head is State.RECOVERING:
            assert first


@given(healths())
def test_health_only_ever_takes_ways_away_and_calm_takes_none(health: LayerHealth) -> None:
    away = absences_of(health)
    assert all(one.where == "layer" and one.name == health.layer and one.end_step > one.start_step for one in away)
    well = all(health.state_of(one) in (State.OK, State.DEGRADED) for one in (HEAD, ACCESS, BATCHES, EXITS))
    if well:
        assert not away and meaning_of(health).startswith("transfers may begin")
    assert health.worst in State


def test_a_grace_ends_when_it_says_and_money_may_come_in_meanwhile() -> None:
    clocks = {
        HEAD: ClockView(clock=HEAD, state=State.RECOVERING, until_ns=START_NS + 600 * SECOND_NS),
        ACCESS: ClockView(clock=ACCESS, state=State.OK),
    }
    health = LayerHealth(layer="arbitrum", name="", as_of_ns=START_NS, clocks=clocks, agreement=Agreement())
    conditions = conditions_of([health], FACTS)
    route = next(one for one in FACTS.routes.values() if {"arbitrum", "base"} <= {*one.starts} & {*one.ends})
    out, into = over_route(route, "arbitrum", "base"), over_route(route, "base", "arbitrum")
    assert out.kind is Kind.ROUTE and conditions.clock(into).calm
    (pace,) = conditions.paces(out)
    assert (pace.start, pace.end, pace.rate) == (0.0, 600.0, 0.0)


def test_a_rollback_that_is_seen_while_the_clock_is_wrong_is_not_forgotten() -> None:
    watch = watch_of("arbitrum", FACTS, packaged_clocks())
    agreed = Agreement(providers=("a", "b"), tip=120, time_s=START_NS // SECOND_NS, height=100, hash="new", why="")
    before = LayerMemory(anchor=Anchor(height=90, hash="old"))
    reading = Reading(
        agreement=agreed, rolled_back="block 90 is another one than before", final=Lag(seconds=1.0, of="")
    )
    early, kept = judged(watch, reading, before, START_NS - 60 * SECOND_NS)
    assert early.state_of(HEAD) is State.UNKNOWN and kept.anchor == before.anchor
    late, kept = judged(watch, reading, kept, START_NS)
    assert late.state_of(HEAD) is State.ROLLED_BACK and kept.anchor == Anchor(height=100, hash="new")


def test_a_status_page_that_is_away_or_cries_out_is_told_and_only_the_cry_closes() -> None:
    watch = watch_of("arbitrum", FACTS, packaged_clocks())
    agreed = Agreement(providers=("a", "b"), tip=120, time_s=START_NS // SECOND_NS, height=100, hash="new", why="")
    pages: list[tuple[StatusPage | str, State, list[str]]] = [
        ("gone", State.DEGRADED, []),
        (StatusPage(level=0, said="well"), State.OK, []),
        (StatusPage(level=2, said="away"), State.HALTED, ["rpc"]),
    ]
    for page, state, kinds in pages:
        reading = Reading(agreement=agreed, page=page, final=Lag(seconds=1.0, of=""), feed=Feed(down=False, since_s=1))
        seen, _ = judged(replace(watch, batches=None), reading, LayerMemory(), START_NS)
        assert seen.state_of(ACCESS) is state and [one.kind for one in absences_of(seen)] == kinds
        assert bool(seen.notes) is (state is not State.OK)
