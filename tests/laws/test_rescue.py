"""Laws of money under way: times met, storms never speed it up, and two ways to reckon the gap agree."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drill import example
from perpbook.engine.drill import run_drill
from perpbook.engine.surroundings import calm
from perpbook.kernels.paths import empty_steps, fill_path, new_brush
from perpbook.kernels.types import Floats
from perpbook.scenario.overlay import Absence
from perpbook.scenario.sources import normal_source
from perpbook.scenario.storm import OUTAGES
from perpbook.treasury.barrier import YEAR_SECONDS, Motion, OneFactor, closed_form
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.facts import Times
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.hops import Hop, doors_in, doors_out, move_within, over_route
from perpbook.treasury.law import Z90, Z99, seconds_at
from perpbook.treasury.lead import lead_of
from perpbook.treasury.pots import Pot
from perpbook.treasury.rescue import Deaths, late_by, next_best, own_of
from perpbook.treasury.ways import Chance, Traffic, ways_to

FACTS = packaged_facts()
HOPS: list[Hop] = [over_route(one, one.starts[0], one.ends[-1]) for one in FACTS.routes.values() if one.seconds] + [
    hop
    for venue in FACTS.venues.values()
    for hop in (*doors_out(FACTS, venue, "USDC").values(), *doors_in(FACTS, venue, "USDC").values(), move_within(FACTS, venue))
]  # fmt: skip
STEPS, MINUTE_NS = 40, 60_000_000_000


@st.composite
def absences(draw: st.DrawFn) -> Absence:
    where = draw(st.sampled_from(sorted(OUTAGES)))
    kind = draw(st.sampled_from(sorted(OUTAGES[where])))
    routes = {one.family for one in FACTS.routes.values()} | set(FACTS.routes)
    names = {"layer": set(FACTS.layers), "route": routes, "venue": set(FACTS.venues)}[where]
    start = draw(st.integers(0, STEPS - 1))
    return Absence(
        where=where, name=draw(st.sampled_from(["*", *sorted(names)])), kind=kind, start_step=start,
        end_step=draw(st.integers(start + 1, STEPS)), factor=draw(st.floats(1.0, 20.0)),
    )  # fmt: skip


def scores(name: str) -> Floats:
    return np.random.default_rng(sum(name.encode())).standard_normal(200)


def traffic(*away: Absence) -> Traffic:
    conditions = Conditions(facts=FACTS, absences=away, step_ns=MINUTE_NS, steps=STEPS)
    return Traffic(conditions=conditions, chance=Chance(scores=scores))


def test_every_time_of_the_facts_is_met_by_its_law() -> None:
    doors = [FACTS.withdrawal.seconds, FACTS.deposit.seconds]
    for times in [route.seconds for route in FACTS.routes.values() if route.seconds] + doors:
        met = seconds_at(times, np.array([0.0, Z99]))
        assert met == pytest.approx([times.typical, times.worst], rel=1e-9, abs=1e-6)
        if times.p90 is not None:
            assert seconds_at(times, np.array([Z90]))[0] == pytest.approx(times.p90)
        rising = seconds_at(times, np.linspace(-6, 6, 200))
        assert (np.diff(rising) >= 0.0).all() and rising[0] >= times.least


def test_three_points_make_a_lognormal_above_the_least() -> None:
    # (T - 10) lognormal with median 90 and 99 % point 990: its 90 % point is 10 + 90 * 11^(z90 / z99) = 347.2.
    found = seconds_at(Times(least=10.0, typical=100.0, worst=1000.0), np.array([Z90]))[0]
    assert found == pytest.approx(10.0 + 90.0 * 11.0 ** (Z90 / Z99)) and found == pytest.approx(347.2, abs=0.1)


@given(st.lists(absences(), max_size=4), absences(), st.sampled_from(HOPS), st.floats(0, 2_000), st.floats(0, 3_000))
def test_a_storm_never_speeds_money_up_and_leaving_later_never_helps(
    away: list[Absence], more: Absence, hop: Hop, sent: float, effort: float
) -> None:
    def over(storm: list[Absence], at: float) -> float:
        clock = traffic(*storm).clock(hop)
        found = float(clock.over(np.array([at]), np.array([effort]))[0])
        assert clock.once(at, effort) == found
        return found

    assert over([], sent) == pytest.approx(sent + effort)
    assert sent + effort <= over(away, sent) + 1e-6
    assert over(away, sent) <= over(away, sent + 60.0) + 1e-6
    if "lag" not in {one.kind for one in (*away, more)}:
        assert over(away, sent) <= over([*away, more], sent) + 1e-6


@given(st.floats(0, 3_600), st.floats(1, 3_000), st.sampled_from([hop.name for hop in HOPS if hop.route]))
def test_what_is_stopped_goes_on_where_it_was(sent: float, effort: float, name: str) -> None:
    closed = Absence(where="route", name=name, kind="closed", start_step=5, end_step=20, factor=1.0)
    route = FACTS.routes[name]
    hop = over_route(route, route.starts[0], route.ends[-1])
    found = traffic(closed).clock(hop).over(np.array([sent]), np.array([effort]))[0]
    idle = (
        900.0
        if sent + effort > 300.0 and sent <= 300.0
        else max(0.0, 1_200.0 - sent)
        if sent < 1_200.0 and sent > 300.0
        else 0.0
    )
    assert found == pytest.approx(sent + effort + idle, abs=1e-6) or sent + effort == pytest.approx(300.0)


def test_what_shares_a_domain_stands_still_with_its_layer() -> None:
    halted = Absence(where="layer", name="noble", kind="halt", start_step=0, end_step=STEPS, factor=1.0)
    over_noble = over_route(FACTS.routes["dydx-out"], "dydx-chain", "arbitrum")
    assert traffic(halted).clock(over_noble).over(np.zeros(1), np.ones(1))[0] == np.inf
    beside = over_route(FACTS.routes["across"], "base", "arbitrum")
    assert traffic(halted).clock(beside).over(np.zeros(1), np.ones(1))[0] == 1.0


def test_the_second_way_shares_no_route_and_the_ranked_are_in_order() -> None:
    pot = Pot(name="Arbitrum", asset="USDC", dollars=1e5, layer="arbitrum")
    ways = ways_to(FACTS, pot, FACTS.venues["hyperliquid"], "hl")
    still, alive = traffic(), Deaths(step=np.full(5, 9.0), steps=9, step_seconds=60.0, inside=np.zeros(5))
    ranked = still.ranked(ways)
    points = [still.at_score(way, Z90) for way in ranked]
    assert points == sorted(points) and {"hyperliquid-bridge-in", "across"} <= {way.words for way in ways}
    second = next_best(still, ways, ranked[0], own_of(FACTS, FACTS.venues["hyperliquid"]), alive)
    assert second is not None and not second.way.routes & ranked[0].routes


def test_a_way_without_routes_is_not_its_own_second() -> None:
    pots = [Pot(name=name, asset="USDC", dollars=1e5, layer=name) for name in ("solana", "arbitrum")]
    still, alive = traffic(), Deaths(step=np.full(5, 9.0), steps=9, step_seconds=60.0, inside=np.zeros(5))
    venue = FACTS.venues["drift"]
    direct, *others = still.ranked([way for pot in pots for way in ways_to(FACTS, pot, venue, "drift-main")])
    assert not direct.routes and others
    own = own_of(FACTS, venue)
    second = next_best(still, [direct, *others], direct, own, alive)
    assert second is not None and second.way is not direct
    assert next_best(still, [direct], direct, own, alive) is None
    assert lead_of(still, [direct], own, 0.95).second is None


def test_more_delay_is_never_less_often_too_late() -> None:
    chance = np.random.default_rng(5)
    deaths = Deaths(
        step=chance.integers(0, 30, 400).astype(float), steps=24, step_seconds=600.0, inside=chance.random(400)
    )
    arrivals = chance.exponential(4_000.0, 400)
    counts = [late_by(deaths, arrivals * k) for k in (0.5, 1.0, 2.0, np.inf)]
    assert [one.late for one in counts] == sorted(one.late for one in counts) and counts[-1].late == counts[-1].dies
    assert all(one.least <= one.late <= one.most <= one.dies for one in counts)


def touched(volatility_year: float, barrier: float, paths: int, steps: int, seconds: float) -> Floats:
    """(paths,) the step in which a Brownian price with bridges inside steps first touches a barrier below; `steps` for none."""
    source = normal_source(np.array([volatility_year * math.sqrt(seconds / YEAR_SECONDS)]), np.eye(1))
    brush, room, out = new_brush(1, steps), empty_steps(1, steps), np.full(paths, float(steps))
    for path in range(paths):
        fill_path(source, 3, path, brush, room)
        hit = np.flatnonzero(room.low[0] <= barrier)
        out[path] = hit[0] if hit.size else steps
    return out


def test_the_closed_form_and_the_futures_agree_for_one_price() -> None:
    paths, steps, seconds, barrier = 800, 60, 900.0, 0.985
    chance = np.random.default_rng(8)
    deaths = Deaths(
        step=touched(0.8, barrier, paths, steps, seconds), steps=steps, step_seconds=seconds, inside=chance.random(paths)
    )  # fmt: skip
    arrivals = seconds_at(Times(least=600.0, typical=7_200.0, worst=40_000.0), chance.standard_normal(paths))
    factor = OneFactor(asset="BTC", barriers=(barrier,), rings=(1.0,))
    closed = closed_form(factor, Motion(volatility=0.8), arrivals, arrivals, steps * seconds)
    late = late_by(deaths, arrivals)
    assert 0.1 < closed.late < closed.dies < 0.9
    for count, said in ((late.late, closed.late), (late.dies, closed.dies)):
        assert abs(count / paths - said) < 4.0 * math.sqrt(said * (1.0 - said) / paths)
    assert closed.late_after_alarm == closed.late  # The alarm rings already, in calm.


def test_the_alarm_rings_before_death_and_a_strain_of_one_is_none() -> None:
    fall = np.linspace(1.0, 0.8, 12) * np.ones((10, 1))
    drill = replace(example(4, steps=12), surroundings=replace(calm(10, 12), factor=fall))
    drill = replace(drill, journey=replace(drill.journey, playbook=None))
    plain, same = run_drill(drill, threads=1), run_drill(replace(drill, strain=np.ones(4)), threads=1)
    assert np.array_equal(plain.figures, same.figures) and np.array_equal(plain.died, same.died)
    alarms = [run_drill(replace(drill, strain=np.full(4, by)), threads=1).died for by in (1.2, 8.0)]
    assert (alarms[1] <= alarms[0]).all() and (alarms[0] <= plain.died).all() and (alarms[1] < plain.died).any()
