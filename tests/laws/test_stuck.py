"""Laws of transfers that may be held up: the mixture against plain drawing, what is left to wait, and outages met by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.scenario.catalogue import packaged
from perpbook.treasury.facts import Stuck, Times
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.law import arrives_within, drawn_at, left_at, left_of, rest_by, seconds_at, seconds_by
from perpbook.treasury.stuck import HALTS, YEAR_SECONDS, Case, Seen, stuck_by, waits_of, with_stuck
from perpbook.treasury.stuck_kept import KEPT, kept_text, reckoned_facts

FACTS = reckoned_facts()
KNOWN = [(route.seconds, stuck) for route in FACTS.routes.values() if route.seconds for stuck in route.stuck.values()]


@st.composite
def laws(draw: st.DrawFn) -> tuple[Times, Stuck]:
    least = draw(st.floats(0.0, 1e4))
    typical, p90, worst = (least + sum(draw(st.lists(st.floats(0.1, 1e5), min_size=k, max_size=k))) for k in (1, 2, 3))
    points = sorted((typical, p90, worst))
    held = Times(least=points[0], typical=points[0] + draw(st.floats(10.0, 1e5)), worst=points[2] + 2e5)
    times = Times(least=least, typical=points[0], p90=draw(st.sampled_from([None, points[1]])), worst=points[2])
    return times, Stuck(chance=draw(st.floats(0.0, 1.0)), seconds=held)


def by_drawing(times: Times, stuck: Stuck, count: int = 400_000) -> np.ndarray:
    """Slow and plain: toss for stuck, then draw from one law or the other."""
    chance = np.random.default_rng(5)
    tossed = chance.random(count) < stuck.chance
    z = chance.standard_normal(count)
    return np.where(tossed, seconds_at(stuck.seconds, z), seconds_at(times, z))


@pytest.mark.parametrize("chance", [0.0, 0.02, 0.3, 1.0])
def test_the_mixture_is_what_tossing_and_drawing_gives(chance: float) -> None:
    times = Times(least=20.0, typical=60.0, p90=200.0, worst=1_800.0)
    stuck = Stuck(chance=chance, seconds=Times(least=60.0, typical=7_200.0, p90=39_600.0, worst=90_000.0))
    drawn = by_drawing(times, stuck)
    moments = np.array([25.0, 60.0, 300.0, 7_200.0, 50_000.0])
    seen = np.array([(drawn > one).mean() for one in moments])
    assert left_of(times, stuck, moments) == pytest.approx(seen, abs=4.0 * np.sqrt(0.25 / drawn.size))
    shares = np.array([0.05, 0.5, 0.9, 0.97])
    within = np.array([(drawn <= one).mean() for one in seconds_by(times, stuck, shares)])
    assert within == pytest.approx(shares, abs=0.004)


@pytest.mark.parametrize("passed", [30.0, 600.0, 5_000.0])
def test_what_is_still_to_wait_is_that_of_the_draws_that_are_not_there_yet(passed: float) -> None:
    times = Times(least=20.0, typical=60.0, worst=1_800.0)
    stuck = Stuck(chance=0.2, seconds=Times(least=60.0, typical=7_200.0, worst=90_000.0))
    drawn = by_drawing(times, stuck)
    rest = drawn[drawn > passed] - passed
    shares = np.array([0.1, 0.5, 0.9])
    found = rest_by(times, stuck, np.array([passed]), shares)
    assert np.array([(rest <= one).mean() for one in found]) == pytest.approx(shares, abs=0.015)
    more = np.array([100.0, 3_600.0])
    seen = [(rest <= one).mean() for one in more]
    assert arrives_within(times, stuck, np.array([passed]), more) == pytest.approx(seen, abs=0.015)


@given(laws(), st.lists(st.floats(-4.0, 4.0), min_size=2, max_size=20))
def test_a_law_and_its_inverse_agree_and_rise(law: tuple[Times, Stuck], scores: list[float]) -> None:
    times, stuck = law
    z = np.sort(np.array(scores))
    found = drawn_at(times, stuck, z)
    assert (np.diff(found) >= -1e-9 * found[1:]).all() and found[0] >= times.least * (1.0 - 1e-12)
    assert (np.diff(left_of(times, stuck, np.unique(found))) <= 1e-15).all()
    calm = seconds_at(times, z)
    inner = calm > times.least * (1.0 + 1e-9) + 1e-6
    back = left_at(times, calm)
    assert seconds_by(times, None, 1.0 - back)[inner] == pytest.approx(calm[inner], rel=1e-5)


@given(laws(), st.floats(0.0, 0.99), st.floats(0.0, 1e5))
def test_the_longer_it_has_waited_the_less_is_left_of_the_whole(
    law: tuple[Times, Stuck], share: float, passed: float
) -> None:
    times, stuck = law
    ends = [float(one + rest_by(times, stuck, np.array([one]), np.array([share]))[0]) for one in (0.0, passed)]
    assert ends[1] >= ends[0] * (1.0 - 1e-9) and ends[1] >= passed
    assert ends[0] == pytest.approx(float(seconds_by(times, stuck, np.array([share]))[0]), rel=1e-6, abs=1e-6)


def test_a_stuck_transfer_takes_longer_than_a_usual_one_and_is_rare() -> None:
    for times, stuck in KNOWN:
        assert 0.0 < stuck.chance < 0.05 and stuck.seconds.typical > times.typical
        assert stuck.seconds.typical < stuck.seconds.worst <= times.typical + 92 * 86_400


def test_outages_met_by_chance_are_those_of_a_long_life_lived_through() -> None:
    # Outages at random for 4,000 years, transfers at random moments: how many meet one, and what they wait.
    travel = 900.0
    waits = waits_of([Case(travel=travel, seen=(Seen(seconds=3_600.0, years=0.05),) * 3, years=0.05)])
    rate, middle, spread = (float(one[0]) for one in (waits.rate, waits.middle, waits.spread))
    chance = np.random.default_rng(8)
    horizon = 4_000.0 * YEAR_SECONDS
    begins = np.sort(chance.uniform(0.0, horizon, chance.poisson(rate * horizon)))
    ends = begins + np.exp(middle + spread * chance.standard_normal(begins.size))
    sent = chance.uniform(0.0, horizon, 300_000)
    before = np.searchsorted(begins, sent + travel) - 1
    # Outages are far apart: the last that began before arrival is the only one that matters.
    met = (before >= 0) & (ends[before] > sent)
    assert met.mean() == pytest.approx(float(waits.chance[0]), rel=0.06)
    rest = (ends[before] - np.maximum(sent, begins[before]))[met]
    for share in (0.5, 0.9):
        assert (rest <= float(waits.held_by(share)[0])).mean() == pytest.approx(share, abs=0.02)


def test_nothing_seen_leaves_the_prior_and_every_outage_makes_it_likelier() -> None:
    none, one, two = stuck_by(
        [Case(travel=60.0, seen=(Seen(seconds=HALTS[0], years=4.0),) * count, years=4.0) for count in range(3)]
    )
    assert 0.0 < none.chance < one.chance < two.chance
    assert one.chance / none.chance == pytest.approx(3.0, rel=0.35) and (none.incidents, two.incidents) == (0, 2)


def test_a_catalogue_outage_counts_where_it_stopped_money_and_nowhere_else() -> None:
    routes = FACTS.routes
    bridge, beside = routes["hyperliquid-bridge-in"].stuck, routes["hyperliquid-cctp-in"].stuck
    pair = ("arbitrum", "hyperliquid-l1")
    assert bridge[pair].incidents == beside[pair].incidents + 1, "the lock of November 2025"
    over = routes["cctp-fast"].stuck
    assert over[("arbitrum", "base")].incidents > over[("arbitrum", "ethereum")].incidents, "the halts of Base"
    assert FACTS.withdrawal.stuck is not None and FACTS.withdrawal.stuck.incidents == 4, "of Binance"


def test_what_is_kept_is_what_the_facts_and_the_storms_give() -> None:
    # After a change of either: make stuck
    found = with_stuck(packaged_facts(), packaged().values())
    assert list(FACTS.routes) == list(found.routes)
    pairs = [(FACTS.withdrawal.stuck, found.withdrawal.stuck), (FACTS.deposit.stuck, found.deposit.stuck)]
    for name, route in found.routes.items():
        assert list(FACTS.routes[name].stuck) == list(route.stuck)
        pairs += zip(FACTS.routes[name].stuck.values(), route.stuck.values(), strict=True)
    for kept, reckoned in pairs:
        assert figures(kept) == pytest.approx(figures(reckoned), rel=1e-9)


def figures(stuck: Stuck | None) -> list[float]:
    assert stuck is not None and stuck.seconds.p90 is not None
    times = (stuck.seconds.least, stuck.seconds.typical, stuck.seconds.p90, stuck.seconds.worst)
    return [stuck.chance, *times, stuck.incidents, stuck.years]


def test_facts_are_kept_as_they_are_written() -> None:
    assert KEPT.read_text(encoding="utf-8") == kept_text(FACTS)
