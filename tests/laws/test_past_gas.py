"""Laws of gas of the past: a fee is looked up as a slow search would, paid as it is then, chosen by as it was known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.engine.treasurer import Policy, Treasurer
from perpbook.scenario.overlay import Absence
from perpbook.treasury.courier import Sky
from perpbook.treasury.gas_toll import Toll, transactions
from perpbook.treasury.past_gas import LONGEST, GasPast, Past
from tests.laws.test_treasurer import BARS, FACTS, HOUR, pair, run, treasurer

RISE = [3_000.0 * (1.0 + 0.006 * bar) for bar in range(BARS)]
KEPT = Policy(alarm=0.3, calm=0.12, reserves={"arbitrum": 15_000.0})
LAYERS = ("ethereum", "arbitrum", "base")
ETH = 2_500.0


def past(values: list[float], width: float = HOUR, first: float = -HOUR) -> Past:
    return Past(
        starts=np.array([first + width * row for row in range(len(values))], dtype=np.float64),
        width=width,
        values=np.array(values),
    )


@st.composite
def series(draw: st.DrawFn) -> Past:
    width = draw(st.sampled_from([60.0, HOUR, 24.0 * HOUR]))
    rows = sorted(draw(st.sets(st.integers(-5, 60), max_size=20)))
    return Past(
        starts=np.array(rows, dtype=float) * width, width=width, values=np.arange(1, len(rows) + 1, dtype=np.float64)
    )


@given(series(), st.integers(-5, 70), st.floats(0.0, 0.999))
def test_a_row_is_known_when_it_is_over_and_stands_while_it_lasts(one: Past, row: int, part: float) -> None:
    now = (row + part) * one.width
    pairs = list(zip(one.starts.tolist(), one.values.tolist(), strict=True))
    lasting = [value for start, value in pairs if start <= now < start + one.width]
    over = [(start, value) for start, value in pairs if start + one.width <= now]
    fresh = over and now - over[-1][0] <= 2.0 * one.width + LONGEST
    assert one.lasting(now) == (lasting[0] if lasting else None)
    assert one.ended(now) == (over[-1][1] if fresh else None)


def test_the_finest_series_that_has_a_moment_tells_its_fee() -> None:
    hourly, daily = past([50.0, 60.0], first=0.0), past([10.0, 20.0, 30.0], width=24.0 * HOUR, first=-24.0 * HOUR)
    gas = GasPast(fees={"ethereum": (hourly, daily)})
    assert gas.fee("ethereum", 1.5 * HOUR, paid=True) == 60.0 and gas.fee("ethereum", 1.5 * HOUR) == 50.0
    assert gas.fee("ethereum", 5.0 * HOUR, paid=True) == 20.0 and gas.fee("ethereum", -HOUR, paid=True) == 10.0
    assert gas.fee("ethereum", 200.0 * HOUR) is None and gas.fee("base", HOUR, paid=True) is None


def payer(fees: dict[str, list[float]], policy: Policy = KEPT) -> Treasurer:
    plain = treasurer(pair(RISE), policy=policy)
    told = GasPast(fees={layer: (past(values),) for layer, values in fees.items()})
    return replace(
        plain, courier=replace(plain.courier, toll=Toll(facts=FACTS, prices={"ETH": ETH}, past=told), open={}, seen={})
    )


def reckoned(holder: Treasurer, fees: dict[str, list[float]]) -> list[float]:
    """Gas of every transfer, row by row: units of the facts times the fee of the hour it left in."""
    out = []
    for one in holder.sent:
        dollars = 0.0
        for layer, actions in (done for hop in one.way.hops for done in transactions(hop)):
            gas = FACTS.layers[layer].gas
            if gas is None or gas.free or gas.token != "ETH" or any(name not in gas.units for name in actions):
                continue
            gwei = fees[layer][int(one.left // HOUR) + 1] if layer in fees else gas.gwei["p50"]
            dollars += sum(gas.units[name] for name in actions) * gwei * 1e-9 * ETH
        out.append(dollars)
    return out


gwei = st.lists(st.floats(0.0, 900.0), min_size=BARS + 2, max_size=BARS + 2)


@settings(max_examples=2, deadline=None)
@given(st.fixed_dictionaries({layer: gwei for layer in LAYERS}))
def test_a_transfer_pays_the_fee_of_the_hour_it_leaves_in_and_no_dollar_is_lost(fees: dict[str, list[float]]) -> None:
    holder = payer(fees)
    outcome = run(pair(RISE), holder)
    assert holder.sent and [one.gas for one in holder.sent] == pytest.approx(reckoned(holder, fees))
    ours = [one for one in holder.sent if one.source in ("short", "long")]
    assert outcome.attribution()["gas"] == pytest.approx(-sum(one.fee + one.gas for one in ours), abs=1e-6)
    left = sum(one.dollars + one.fee + one.gas for one in holder.sent if one.source not in ("short", "long"))
    back = sum(one.dollars for one in holder.sent if one.destination not in ("short", "long") and one.due < BARS)
    there = sum(one.balance.amount for one in pair(RISE).book.layers)
    moving = sum(one.dollars for one in holder.sent if one.due >= BARS)
    assert float(outcome.outside[-1]) == pytest.approx(there - left + back + moving, abs=1e-6)


@settings(max_examples=2, deadline=None)
@given(gwei, st.integers(0, BARS - 2), st.floats(1.5, 50.0))
def test_fees_that_come_later_change_nothing_of_what_was_done(fees: list[float], bar: int, times: float) -> None:
    later = [one if row <= bar + 2 else one * times for row, one in enumerate(fees)]
    first, second = payer({layer: fees for layer in LAYERS}), payer({layer: later for layer in LAYERS})
    for one in (first, second):
        run(pair(RISE), one)
    done = [
        [(one.bar, one.source, one.dollars, one.gas, one.way.words) for one in holder.sent if one.bar <= bar]
        for holder in (first, second)
    ]
    assert done[0] == done[1]


def test_a_reserve_comes_another_way_while_the_cheap_ones_gas_is_dear() -> None:
    calm = replace(KEPT, alarm=0.99, calm=0.9)
    usual, dear = payer({}, calm), payer({"base": [50.0] * (BARS + 2)}, calm)
    for one in (usual, dear):
        run(pair(RISE), one)
    first, other = usual.sent[0], dear.sent[0]
    assert (first.why, other.why) == ("reserve", "reserve") and first.way.words != other.way.words
    assert other.fee + other.gas > first.fee + first.gas
    assert "base" not in other.way.layers


def test_who_is_told_never_to_top_up_keeps_reserves_alone() -> None:
    holder = payer({}, replace(KEPT, tops_up=False))
    run(pair(RISE), holder)
    assert {one.why for one in holder.sent} == {"reserve"}


def test_a_storm_makes_the_fee_of_its_time_dearer() -> None:
    toll = Toll(facts=FACTS, prices={"ETH": ETH}, past=GasPast(fees={"ethereum": (past([100.0] * 9),)}))
    dear = Absence(where="layer", name="ethereum", kind="gas", start_step=0, end_step=BARS * HOUR, factor=3.0)
    units = (("ethereum", 65_000.0),)
    for away, times in (((), 1.0), ((dear,), 3.0)):
        known = Sky(facts=FACTS, absences=away, horizon=BARS * HOUR).known(HOUR)
        assert toll.dollars([units], known, HOUR, paid=True) == pytest.approx([65_000.0 * 100e-9 * ETH * times])
