"""Laws of the built-in strategies: nothing is known early, pairs cancel, a basket is as large as asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.model.bars import Bars, Settlements
from perpbook.strategies.catalogue import build
from perpbook.strategies.table import TargetTable
from perpbook.strategies.windows import held, hysteresis, rolling
from tests.unit.strategy_bars import BTC, ETH, HL_BTC, HL_ETH, Past, bars_of

LEGS = (BTC, ETH, HL_BTC, HL_ETH)
COUNT = 60

RUNS: dict[str, tuple[str, dict[str, str]]] = {
    "hold": ("hold", {}),
    "averages": ("trend", {"fast": "2", "slow": "5"}),
    "averages by volatility": (
        "trend",
        {"fast": "3", "slow": "7", "vol_target": "0.5", "vol_bars": "4", "rescale": "6"},
    ),
    "breakout": ("breakout", {"enter": "6", "leave": "3", "short": "no"}),
    "carry": ("carry", {"lookback": "8", "horizon": "24", "entry": "0.0001", "fee": "0.0001", "slippage": "0"}),
    "basis": ("basis", {"window": "6", "entry": "1.5", "fee": "0", "slippage": "0"}),
    "equal risk": ("equal_risk", {"window": "5", "every": "4", "gross": "1.7"}),
}


@cache
def history(seed: int) -> Bars:
    """Two assets on two venues that nearly agree, holes, and funding by 1 and 8 hours."""
    rng = np.random.default_rng(seed)
    assets = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, (2, COUNT)), axis=1))
    closes = np.concatenate([assets, assets * np.exp(rng.normal(0, 0.002, (2, COUNT)))])
    stale = rng.random((4, COUNT)) < rng.choice([0.0, 0.2])
    past = {}
    for row, leg in enumerate(LEGS):
        every = 8 if row < 2 else 1
        paid = [(float(hour), float(rng.normal(0, 2e-4)), float(every)) for hour in range(every, COUNT, every)]
        last = np.maximum.accumulate(np.where(stale[row], 0, np.arange(COUNT)))
        past[leg] = Past(closes=closes[row, last].tolist(), stale=np.flatnonzero(stale[row]).tolist(), funding=paid)
    return bars_of(past)


def after(bars: Bars, bar: int, seed: int) -> Bars:
    """The same history up to the close of a bar, and another one from then on."""
    other, close_ns = history(seed), int(bars.open_ns[bar]) + bars.bar_ns
    prices = {}
    for name in ("open", "high", "low", "close", "stale"):
        values = getattr(bars, name).copy()
        values[:, bar + 1 :] = getattr(other, name)[:, bar + 1 :]
        prices[name] = values
    settled = []
    for one, new in zip(bars.settlements, other.settlements, strict=True):
        rates = np.where(one.times_ns > close_ns, new.rates * 10, one.rates)
        settled.append(Settlements(times_ns=one.times_ns, rates=rates, interval_ns=one.interval_ns))
    return replace(bars, settlements=tuple(settled), **prices)


def known_by(table: TargetTable, bar: int) -> tuple[list[int], list[list[float]]]:
    upto = table.bar <= bar
    return table.bar[upto].tolist(), np.nan_to_num(table.exposure[upto], nan=9e9).tolist()


def standing(table: TargetTable) -> np.ndarray:
    """(T, n) the targets in force after each row, 0 before the first."""
    out, last = np.zeros(table.exposure.shape), np.zeros(len(table.legs))
    for row, values in enumerate(table.exposure):
        last = np.where(np.isnan(values), last, values)
        out[row] = last
    return out


seeds = st.integers(0, settings().max_examples - 1)
"""Of as many histories as the profile tries examples: every law is asked of the same ones, which are made once."""


@pytest.mark.parametrize("run", RUNS)
@given(seed=seeds, other=seeds, bar=st.integers(0, COUNT - 2))
def test_the_future_changes_nothing_decided_before_it(run: str, seed: int, other: int, bar: int) -> None:
    name, options = RUNS[run]
    bars = history(seed)
    before = known_by(build(name, options, bars, LEGS), bar)
    assert before == known_by(build(name, options, after(bars, bar, other), LEGS), bar)


@pytest.mark.parametrize("run", RUNS)
@given(seed=seeds)
def test_a_stale_leg_is_left_alone(run: str, seed: int) -> None:
    name, options = RUNS[run]
    bars = history(seed)
    table = build(name, options, bars, LEGS)
    assert np.isnan(table.exposure[bars.stale[:, table.bar].T == 1]).all()
    assert not np.isnan(table.exposure).all(axis=1).any(), "no row says nothing"


@pytest.mark.parametrize("run", RUNS)
def test_every_strategy_finds_something_to_do(run: str) -> None:
    name, options = RUNS[run]
    found = [build(name, options, history(seed), LEGS).exposure for seed in range(10)]
    assert sum(np.count_nonzero(np.nan_to_num(one)) for one in found) > (20 if run != "hold" else 10)


@pytest.mark.parametrize("run", ["carry", "basis"])
@given(seed=seeds)
def test_the_legs_of_a_pair_cancel(run: str, seed: int) -> None:
    name, options = RUNS[run]
    exposure = build(name, options, history(seed), LEGS).exposure
    for first, second in ((0, 2), (1, 3)):
        assert np.array_equal(np.isnan(exposure[:, first]), np.isnan(exposure[:, second]))
        assert (np.nan_to_num(exposure[:, first] + exposure[:, second]) == 0.0).all()


@given(seed=seeds, gross=st.floats(0.01, 50.0))
def test_the_weights_in_force_add_up_to_the_gross_asked(seed: int, gross: float) -> None:
    options = {"window": "5", "every": "3", "gross": repr(gross)}
    table = build("equal_risk", options, history(seed), LEGS)
    assert np.allclose(standing(table).sum(axis=1), gross, rtol=1e-12)
    assert (standing(table) >= 0).all()


@given(seed=seeds)
def test_what_is_held_never_changes(seed: int) -> None:
    table = build("hold", {"weights": "0.1,-0.2,0.3,0.4"}, history(seed), LEGS)
    assert np.array_equal(np.count_nonzero(~np.isnan(table.exposure), axis=0), [1, 1, 1, 1])
    assert np.nansum(table.exposure, axis=0).tolist() == [0.1, -0.2, 0.3, 0.4]


@given(seed=seeds, factor=st.floats(0.01, 1e5))
def test_a_trend_does_not_depend_on_the_unit_of_price(seed: int, factor: float) -> None:
    bars = history(seed)
    scaled = replace(bars, **{name: getattr(bars, name) * factor for name in ("open", "high", "low", "close")})
    for run in ("averages", "breakout"):
        one, two = (build(*RUNS[run], past, LEGS) for past in (bars, scaled))
        assert known_by(one, COUNT) == known_by(two, COUNT)


FOLDS: Mapping[str, np.ufunc] = {"sum": np.add, "max": np.maximum, "min": np.minimum}


@pytest.mark.parametrize("fold", FOLDS)
@given(values=st.lists(st.floats(-1e6, 1e6), max_size=40), window=st.integers(1, 12))
def test_a_rolling_window_is_what_a_loop_finds(fold: str, values: list[float], window: int) -> None:
    found = rolling(np.array(values, dtype=np.float64), window, FOLDS[fold])
    for last in range(len(values)):
        if last + 1 < window:
            assert np.isnan(found[last])
        else:
            one = FOLDS[fold].reduce(values[last + 1 - window : last + 1])
            assert found[last] == pytest.approx(one, abs=1e-8)


@given(switches=st.lists(st.sampled_from(["on", "off", ""]), max_size=30))
def test_a_switch_stays_as_it_was_put(switches: list[str]) -> None:
    found = held(np.array([one == "on" for one in switches], bool), np.array([one == "off" for one in switches], bool))
    state = False
    for word, seen in zip(switches, found, strict=True):
        state = word == "on" or (state and word != "off")
        assert seen == state


@given(
    scores=st.lists(st.floats(-3, 3) | st.just(float("nan")), max_size=40),
    enter=st.floats(0.1, 2),
    leave=st.floats(-3, 2),
)
def test_hysteresis_is_what_a_loop_finds(scores: list[float], enter: float, leave: float) -> None:
    leave = min(leave, enter)
    found = hysteresis(np.array(scores, dtype=np.float64), enter, leave)
    side = 0
    for score, seen in zip(scores, found, strict=True):
        if side and (side * score < leave or side * score < -enter):
            side = 0
        if abs(score) > enter:
            side = 1 if score > 0 else -1
        assert seen == side
