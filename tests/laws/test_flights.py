"""When money under way comes: what is known of it is that it has not come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.model.units import SECOND_NS
from perpbook.runs.rescue import scores_by_name
from perpbook.runs.treasury_conditions import conditions_of
from perpbook.snapshot import load_snapshot
from perpbook.treasury.conditions import Conditions
from perpbook.treasury.flights import Forecast, arriving_within, counted_on, forecast_of, weighted_points
from perpbook.treasury.holdings import Flight, Holding, Holdings
from perpbook.treasury.law import left_at, rest_by
from perpbook.treasury.stuck_kept import reckoned_facts
from perpbook.treasury.ways import Chance, Traffic

BOOK = load_snapshot(Path(__file__).parents[2] / "src/perpbook/examples/desk/book.toml").book
FACTS = reckoned_facts()
ROUTE = FACTS.routes["hyperliquid-cctp-in"]
CALM = Traffic(conditions=Conditions(facts=FACTS), chance=Chance(scores=scores_by_name(3, 20_000)))
FEW = replace(CALM, chance=Chance(scores=scores_by_name(3, 1_000)))
"""For what holds of any draws."""
HALT = Traffic(conditions=conditions_of(FACTS, "arbitrum-halt")[0], chance=CALM.chance)


def flight(gone: float | None, ways: tuple[str, ...] = ("hyperliquid-cctp-in",), told: float | None = None) -> Flight:
    def moment(seconds: float) -> int:
        return BOOK.as_of_ns + round(seconds * SECOND_NS)

    return Flight(
        asset="USDC", dollars=1_000.0, source="arbitrum", destination="hl-main", ways=ways,
        departed_ns=None if gone is None else moment(-gone), arrives_ns=None if told is None else moment(told),
    )  # fmt: skip


def seen(gone: float | None, traffic: Traffic = CALM) -> Forecast:
    return forecast_of(flight(gone), BOOK, FACTS, traffic)


@pytest.mark.parametrize("gone", [0.0, 100.0, 200.0])
def test_what_is_left_is_the_law_of_one_route_given_that_it_has_not_come(gone: float) -> None:
    """Against the closed form of the mixture; a second for the credit, and one of sampling."""
    stuck = ROUTE.stuck["arbitrum", "hyperliquid-l1"]
    assert ROUTE.seconds is not None
    found, credit = seen(gone), 1.0
    wanted = rest_by(ROUTE.seconds, stuck, np.array([max(gone - credit, 0.0)] * 2), np.array([0.5, 0.95]))
    assert found.typical == pytest.approx(float(wanted[0]) + credit, rel=0.05, abs=2.0)
    assert found.most == pytest.approx(float(wanted[1]) + credit, rel=0.1, abs=4.0)
    held, free = (
        stuck.chance * float(left_at(stuck.seconds, np.array(gone))),
        (1.0 - stuck.chance) * float(left_at(ROUTE.seconds, np.array(gone))),
    )
    assert found.stuck == pytest.approx(held / (held + free), rel=0.15)


def test_the_longer_it_does_not_come_the_likelier_something_holds_it_up() -> None:
    chances = [seen(gone).stuck for gone in (0.0, 120.0, 300.0, 600.0, 1_800.0, 7_200.0, 86_400.0)]
    assert chances == sorted(chances) and chances[0] < 0.01 and chances[-1] > 0.9
    assert seen(0.0).counts and not seen(86_400.0).counts


@given(st.floats(0.0, 3_000.0))
@settings(max_examples=20)
def test_an_outage_never_brings_it_sooner(gone: float) -> None:
    calm, storm = seen(gone), seen(gone, HALT)
    assert calm.typical is not None and storm.typical is not None and calm.most is not None and storm.most is not None
    assert storm.typical >= calm.typical - 1e-6 and storm.most >= calm.most - 1e-6
    assert storm.stuck == calm.stuck, "the halt begins now: it says nothing of what happened before"


def test_what_the_sender_was_told_leaves_the_slow_ways_out() -> None:
    every = forecast_of(flight(0.0, ()), BOOK, FACTS, FEW)
    told = forecast_of(flight(0.0, (), 600.0), BOOK, FACTS, FEW)
    assert every.most is not None and told.most is not None and told.most <= every.most
    assert forecast_of(flight(100.0, (), -20.0), BOOK, FACTS, FEW).late


def test_what_cannot_be_known_is_not_said() -> None:
    assert forecast_of(flight(0.0, ("dydx-in",)), BOOK, FACTS, FEW).typical is None
    unknown = forecast_of(replace(flight(0.0, ()), source="bank"), BOOK, FACTS, FEW)
    assert unknown.typical is None and "no way" in unknown.why
    assert "not known" in seen(None).why
    ages = forecast_of(flight(1e9), BOOK, FACTS, FEW)
    assert (ages.stuck, ages.typical) == (1.0, None)


def test_what_is_likely_held_up_is_not_counted_on() -> None:
    sent = flight(86_400.0)
    held = Holding(place="hl-main", asset="USDC", arriving=1_000.0)
    before = Holdings(holdings={("hl-main", "USDC"): held}, flights=(sent,))
    forecasts = (forecast_of(sent, BOOK, FACTS, FEW),)
    after = counted_on(before, forecasts)
    assert after.holdings["hl-main", "USDC"] == replace(held, arriving=0.0, locked=1_000.0)
    assert "not counted on" in after.notes[0] and arriving_within(forecasts, "hl-main", 1e9) == 0.0
    assert arriving_within((seen(0.0),), "hl-main", 1e9) == 1_000.0
    assert arriving_within((seen(0.0),), "hl-main", 1.0) == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(1, 5)), min_size=1, max_size=12), st.floats(0.01, 0.99))
def test_weighted_points_are_those_of_the_values_written_out(pairs: list[tuple[float, int]], share: float) -> None:
    values, weights = np.array([one for one, _ in pairs]), np.array([float(count) for _, count in pairs])
    written = np.repeat(values, weights.astype(int))
    below = (written <= weighted_points(values, weights, [share])[0]).mean()
    assert below >= share - 1e-9
