"""Laws of the band: the cheapest there is, at its ends the laws that are known, and lived through it costs what is said."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.treasury.economics import (
    YEAR_SECONDS,
    Band,
    Drift,
    Toll,
    band_at,
    best_band,
    best_interval,
    drifts_of,
    together,
)

DRIFTS = st.builds(
    Drift, asset=st.just("BTC"), dollars=st.just(0.0), spread=st.floats(1e2, 1e7), sigma=st.floats(0.05, 3.0),
    price=st.floats(1e-9, 1e-4),
)  # fmt: skip
TOLLS = st.builds(
    Toll, gas=st.one_of(st.just(0.0), st.floats(1e-6, 1e3)), rate=st.floats(0.0, 0.01), seconds=st.floats(0.0, 3_600.0),
    least=st.floats(0.0, 1_000.0),
)  # fmt: skip


@given(DRIFTS, TOLLS, st.floats(0.3, 3.0), st.floats(0.3, 3.0))
def test_no_other_band_costs_less(drift: Drift, toll: Toll, wider: float, larger: float) -> None:
    best = best_band(drift, toll)
    size = max(best.size * larger, toll.least)
    across = max((best.edge + best.inside) * wider, size)
    other = band_at(drift, toll, 0.5 * (across + size), 0.5 * (across - size))
    assert best.cost <= other.cost * (1.0 + 1e-9)


@given(DRIFTS, st.floats(1e-6, 1e3))
def test_gas_alone_is_the_fourth_root(drift: Drift, gas: float) -> None:
    found = best_band(drift, Toll(gas=gas, rate=0.0))
    assert found.edge == pytest.approx((12.0 * gas * drift.spread**2 / drift.price) ** 0.25, rel=1e-9)
    assert found.inside == pytest.approx(0.0, abs=1e-9 * found.edge)
    assert best_band(drift, Toll(gas=16.0 * gas, rate=0.0)).edge == pytest.approx(2.0 * found.edge, rel=1e-9)


@given(DRIFTS, st.floats(1e-6, 0.01))
def test_proportional_cost_alone_is_the_cube_root(drift: Drift, rate: float) -> None:
    found = best_band(drift, Toll(gas=0.0, rate=rate))
    assert found.edge == pytest.approx((1.5 * rate * drift.spread**2 / drift.price) ** (1.0 / 3.0), rel=1e-9)
    assert found.size == pytest.approx(0.0, abs=1e-9 * found.edge)
    assert found.trading == pytest.approx(2.0 * found.risk, rel=1e-9)


def test_one_coin_has_the_band_of_janecek_and_shreve() -> None:
    equity, share, sigma, aversion, rate = 100_000.0, 0.6, 0.5, 2.0, 5e-4
    drift = drifts_of({"BTC": share * equity}, ["BTC"], np.array([[sigma**2]]), equity, aversion)[0]
    width = (1.5 / aversion * rate * share**2 * (1.0 - share) ** 2) ** (1.0 / 3.0)
    assert best_band(drift, Toll(gas=0.0, rate=rate)).edge == pytest.approx(width * equity, rel=1e-9)


@given(DRIFTS, TOLLS, st.floats(1.0, 50.0))
def test_dearer_gas_is_never_a_finer_band(drift: Drift, toll: Toll, times: float) -> None:
    cheap, dear = best_band(drift, toll), best_band(drift, replace(toll, gas=toll.gas * times))
    assert dear.edge >= cheap.edge * (1.0 - 1e-9) and dear.size >= cheap.size * (1.0 - 1e-9)
    assert dear.trades <= cheap.trades * (1.0 + 1e-9) and dear.cost >= cheap.cost * (1.0 - 1e-9)


@given(DRIFTS, TOLLS, st.floats(1.0, 3_600.0))
def test_latency_costs_what_drift_does_meanwhile_and_moves_no_band(drift: Drift, toll: Toll, seconds: float) -> None:
    late, soon = best_band(drift, replace(toll, seconds=seconds)), best_band(drift, replace(toll, seconds=0.0))
    assert (late.edge, late.inside) == (soon.edge, soon.inside)
    more = 0.5 * drift.price * drift.spread**2 * seconds / YEAR_SECONDS
    assert late.risk - soon.risk == pytest.approx(more, rel=1e-6, abs=1e-9 * soon.risk)


@given(DRIFTS, st.floats(1e-3, 1e3), st.floats(1e-5, 0.01))
def test_a_band_beats_the_clock(drift: Drift, gas: float, rate: float) -> None:
    toll = Toll(gas=gas, rate=rate)
    years = best_interval(drift, toll) / YEAR_SECONDS
    traded = drift.spread * math.sqrt(2.0 * years / math.pi)
    clock = (gas + rate * traded) / years + 0.25 * drift.price * drift.spread**2 * years
    assert best_band(drift, toll).cost <= clock


@pytest.mark.parametrize(("gas", "rate"), [(2.0, 0.0), (0.5, 0.02)])
def test_a_walk_that_is_lived_through_is_cheapest_near_the_band(gas: float, rate: float) -> None:
    drift, toll = Drift(asset="BTC", dollars=0.0, spread=1.0, sigma=1.0, price=0.002), Toll(gas=gas, rate=rate)
    best = best_band(drift, toll)
    told = {(edge, inside): _lived(drift, toll, edge, inside) for edge, inside in _bands_around(best)}
    for (edge, inside), cost in told.items():
        assert cost == pytest.approx(band_at(drift, toll, edge, inside).cost, rel=0.05)
    middle = told[round(best.edge), round(best.inside)]
    assert middle <= 1.03 * min(told.values())
    assert middle < 0.93 * max(told.values())


def _bands_around(best: Band) -> list[tuple[int, int]]:
    """The band in whole steps, and others half and twice as wide."""
    edge, inside = round(best.edge), round(best.inside)
    return [(edge, inside), (edge * 2, inside * 2), (max(edge // 2, inside // 2 + 1), inside // 2), (edge * 2, inside)]


def _lived(drift: Drift, toll: Toll, edge: int, inside: int, walks: int = 1_500) -> float:
    """Dollars a year of walks in steps of one dollar (a spread of 1 has one a year), each band kept by hand."""
    trades, square, counted, at = 0, 0, 0, np.full(walks, inside)
    for number, row in enumerate(np.random.default_rng(7).integers(0, 2, (3_000, walks), dtype=np.int8)):
        at = at + (2 * row - 1)
        out = np.abs(at) >= edge
        at = np.where(out, np.sign(at) * inside, at)
        if number >= 800:
            trades, square, counted = trades + int(out.sum()), square + int(at @ at), counted + walks
    return (trades * (toll.gas + toll.rate * (edge - inside)) + 0.5 * drift.price * square) / counted


def test_orders_on_their_way_leave_what_drifts_meanwhile() -> None:
    rng, edge, late, steps, walks = np.random.default_rng(3), 12, 40, 2_500, 600
    at, moves, true = np.zeros(walks), np.zeros((late, walks)), 0.0
    for step in range(steps):
        moves[step % late] = rng.choice((-1.0, 1.0), walks)
        at = at + moves[step % late]
        at = np.where(np.abs(at) >= edge, 0.0, at)
        if step == 0:
            past = [at] * late
        past.append(at)
        true += float(((past.pop(0) + moves.sum(axis=0)) ** 2).sum()) if step > 10 * late else 0.0
    drift = Drift(asset="BTC", dollars=0.0, spread=1.0, sigma=1.0, price=1.0)
    told = band_at(drift, Toll(gas=1.0, rate=0.0, seconds=late * YEAR_SECONDS), edge, 0.0)
    assert true / ((steps - 10 * late - 1) * walks) == pytest.approx(told.off**2, rel=0.05)


def test_exposure_in_step_with_equity_stays_where_it_is() -> None:
    assert drifts_of({"BTC": 5e4}, ["BTC"], np.array([[0.25]]), 5e4, 2.0) == ()
    assert together((), Toll(gas=1.0, rate=0.0)).cost == 0.0
