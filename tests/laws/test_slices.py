"""Slices, ladders, resting or taking, and the chance to die on the way: laws and known cases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.errors import InputError
from perpbook.execution.chances import YEAR_SECONDS, Barrier
from perpbook.execution.maker import Costs, Touch, choose, fill_chance
from perpbook.execution.slices import (
    chance_before_done,
    even,
    front_loaded,
    ladder,
    slowest_within,
    square_root_impact,
    urgency,
)

DAY = 86_400.0


@given(lots=st.integers(1, 10**7), slices=st.integers(1, 60), bend=st.floats(0, 600))
def test_slices_are_whole_and_add_up_and_never_grow(lots: int, slices: int, bend: float) -> None:
    made = front_loaded(lots, slices, 1.0, bend)
    assert sum(made.lots) == lots and min(made.lots) > 0 and len(made.lots) <= slices
    assert all(later <= earlier + 1 for earlier, later in zip(made.lots, made.lots[1:], strict=False))
    assert made.left()[-1] == pytest.approx(0.0, abs=1e-12)


def test_a_path_is_that_of_almgren_and_chriss() -> None:
    bend, lots = urgency(1e-6, 0.3, 2.0e-4, 100.0), 10**9
    assert bend == pytest.approx(100 * math.sqrt(1e-6 * 0.09 / 2e-4))
    left = front_loaded(lots, 5, 1.0, bend).left()
    assert left == pytest.approx([math.sinh(bend * (1 - k / 5)) / math.sinh(bend) for k in range(1, 6)], abs=1e-8)
    assert even(10, 4, 1.0).lots == (2, 3, 3, 2) or sum(even(10, 4, 1.0).lots) == 10


@given(lots=st.integers(1, 1000), rungs=st.integers(1, 20))
def test_a_ladder_stays_between_its_ends(lots: int, rungs: int) -> None:
    made = ladder(lots, rungs, 100.0, 98.0)
    assert sum(size for _, size in made) == lots
    assert made[0][0] == 100.0 and all(98.0 <= price <= 100.0 for price, _ in made)


def test_square_root_impact_is_explicit_in_y() -> None:
    assert square_root_impact(400.0, 10_000.0, 0.04, 1.0) == pytest.approx(0.008)
    assert square_root_impact(400.0, 10_000.0, 0.04, 0.5) == pytest.approx(0.004)
    with pytest.raises(InputError, match="volume"):
        square_root_impact(1.0, 0.0, 0.1, 1.0)


BARRIER = Barrier(at=0.2, drift=0.4, spread=1_000.0)


@pytest.mark.parametrize("intervals", [1, 2, 7, 30])
def test_waiting_without_selling_is_one_first_passage(intervals: int) -> None:
    alike = [replace(BARRIER, at=BARRIER.at * (1 + 1e-9 * number)) for number in range(intervals)]
    found = chance_before_done(alike, 10 * DAY / intervals)
    assert chance_before_done([BARRIER] * intervals, 10 * DAY / intervals) == pytest.approx(
        BARRIER.chance(10 * DAY), rel=1e-3
    )
    assert found == pytest.approx(BARRIER.chance(10 * DAY), rel=2e-3)


def test_a_gain_kills_as_it_should() -> None:
    short = Barrier(at=-0.2, drift=0.4, spread=1_000.0)
    assert chance_before_done([short] * 3, 2 * DAY) == pytest.approx(short.chance(6 * DAY), rel=2e-3)


def shrinking(left: float) -> list[Barrier]:
    """A long of one asset with 10 % equity and a flat requirement of 2 % of what is left, in plain dollars."""
    return [Barrier(at=(10.0 - 2.0 * left) / (60.0 * left), drift=0.0, spread=60.0 * left)] if left > 0 else []


def simulated(lefts: Sequence[float], seconds: float) -> float:
    chance, paths, fine = np.random.default_rng(11), 20_000, 200
    loss, alive = np.zeros(paths), np.ones(paths, dtype=bool)
    for left in lefts:
        spread = 60.0 * left * math.sqrt(seconds / YEAR_SECONDS / fine)
        for _ in range(fine):
            loss += spread * chance.standard_normal(paths)
            alive &= loss < 10.0 - 2.0 * left - 0.5826 * spread
    return float(1 - alive.mean())


@pytest.mark.parametrize("bend", [0.0, 3.0])
def test_the_chance_on_the_way_is_what_paths_say(bend: float) -> None:
    made = front_loaded(1_000, 6, 3 * DAY, bend)
    found = chance_before_done([shrinking(left)[0] for left in made.left()[:-1]], made.every_seconds)
    assert found == pytest.approx(simulated(made.left()[:-1], made.every_seconds), abs=0.008)


@given(days=st.floats(0.01, 30), more=st.floats(1, 3))
@settings(max_examples=10)
def test_slower_is_never_safer_and_front_loading_is_never_more_dangerous(days: float, more: float) -> None:
    def of(seconds: float, bend: float) -> float:
        made = front_loaded(1_000, 5, seconds, bend)
        return chance_before_done([shrinking(left)[0] for left in made.left()[:-1]], seconds)

    assert of(days * DAY, 0.0) <= of(days * more * DAY, 0.0) * 1.001 + 1e-6
    assert of(days * DAY, 4.0) <= of(days * DAY, 0.0) * 1.001 + 1e-6


@given(budget=st.floats(1e-6, 0.5))
@settings(max_examples=6)
def test_a_budget_is_kept_or_said_not_to_be(budget: float) -> None:
    found = slowest_within(budget, shrinking, 500, 10, (60.0, 10 * DAY))
    assert found.kept == (found.chance <= budget)
    assert sum(found.schedule.lots) == 500 and found.schedule.seconds <= 10 * DAY + 1e-6


def test_a_budget_that_no_schedule_keeps_is_told() -> None:
    def near(left: float) -> list[Barrier]:
        return [Barrier(at=0.01, drift=0.0, spread=60.0 * left)] if left > 0 else []

    found = slowest_within(1e-6, near, 500, 5, (DAY, 2 * DAY))
    assert not found.kept and found.chance > 1e-6
    assert slowest_within(1e-6, near, 500, 1, (DAY, 2 * DAY)).kept


@given(ahead=st.floats(0, 50), more=st.floats(0, 50), own=st.floats(0.1, 10), seconds=st.floats(0, 600))
def test_a_longer_queue_or_less_time_never_helps_a_fill(ahead: float, more: float, own: float, seconds: float) -> None:
    for variance in (None, 2.0):
        first = fill_chance(Touch(ahead=ahead, own=own, volume=0.3, trade_size=0.5, variance=variance), seconds)
        queue = fill_chance(Touch(ahead=ahead + more, own=own, volume=0.3, trade_size=0.5, variance=variance), seconds)
        time = fill_chance(Touch(ahead=ahead, own=own, volume=0.3, trade_size=0.5, variance=variance), seconds / 2)
        assert 0.0 <= queue <= first + 1e-12 and time <= first + 1e-12 <= 1 + 2e-12


def test_fills_are_a_poisson_tail() -> None:
    touch, mean = Touch(ahead=2.0, own=1.0, volume=0.1, trade_size=1.0), 4.0
    fewer = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(3))
    assert fill_chance(touch, 40.0) == pytest.approx(1 - fewer)


def costs(adverse: float, drift: float = 0.0) -> Costs:
    return Costs(
        price=100.0, half_spread=0.02, maker_fee_rate=0.0001, taker_fee_rate=0.0005, adverse=adverse, drift=drift
    )


def test_the_trap_turns_resting_into_taking_and_is_named() -> None:
    touch = Touch(ahead=5.0, own=1.0, volume=1.0, trade_size=0.5)
    kind, harsh = choose(touch, costs(0.0), 10.0), choose(touch, costs(0.12), 10.0)
    assert kind.rest and not harsh.rest
    assert "moving through" in harsh.sentence and "would seem cheaper" in harsh.sentence


@given(adverse=st.floats(0, 0.2), drift=st.floats(0.001, 0.2), ahead=st.floats(0, 40))
def test_rest_from_the_threshold_on(adverse: float, drift: float, ahead: float) -> None:
    found = choose(Touch(ahead=ahead, own=1.0, volume=0.4, trade_size=0.3), costs(adverse, drift), 60.0)
    if abs(found.fill_chance - found.threshold) > 1e-9:
        assert found.rest == (found.fill_chance > found.threshold)


@pytest.mark.parametrize("wrong", [{"ahead": -1.0}, {"own": 0.0}, {"volume": math.nan}, {"trade_size": 0.0}])
def test_a_queue_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        fill_chance(Touch(**{"ahead": 1.0, "own": 1.0, "volume": 1.0, "trade_size": 1.0, **wrong}), 1.0)
