"""The grid is what a slow reader would make of the rows, whatever is missing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from perpbook.history.align import Rows, place_rows
from perpbook.model.units import HOUR_NS
from perpbook.scenario.generate import DESK, Plan, generate

START = 1_704_067_200 * 1_000_000_000
MINUTES = 15 * 60 * 1_000_000_000


Into = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]


def empty(count: int) -> Into:
    return np.empty(count), np.empty(count), np.empty(count), np.empty(count), np.empty(count, dtype=np.uint8)


Prices = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def _picked(prices: Prices, rows: NDArray[np.bool_]) -> Prices:
    return prices[0][rows], prices[1][rows], prices[2][rows], prices[3][rows]


@st.composite
def series(draw: st.DrawFn) -> tuple[Rows, int, int]:
    """Rows of a quarter of an hour, some missing; how many make a bar; how many bars."""
    parts, count = draw(st.sampled_from([1, 2, 4])), draw(st.integers(1, 12))
    slots = sorted(draw(st.sets(st.integers(0, parts * count - 1), max_size=parts * count)))
    seed = draw(st.integers(0, 2**32 - 1))
    raw = np.random.default_rng(seed).uniform(50, 150, (4, len(slots)))
    top, bottom = raw.max(axis=0), raw.min(axis=0)
    times = START + np.array(slots, dtype=np.int64) * MINUTES
    return Rows(times_ns=times, bar_ns=MINUTES, prices=(raw[0], top, bottom, raw[3])), parts, count


def slow(rows: Rows, parts: int, count: int, before: float) -> tuple[list[list[float]], list[int]]:
    """Bar by bar in plain Python."""
    out, stale, last = [], [], before
    for bar in range(count):
        start = START + bar * parts * MINUTES
        mine = [n for n, t in enumerate(rows.times_ns.tolist()) if start <= t < start + parts * MINUTES]
        stale.append(0 if mine else 1)
        if mine:
            opened, high, low, close = rows.prices
            bars = [float(opened[mine[0]]), max(high[mine].tolist()), min(low[mine].tolist()), float(close[mine[-1]])]
            last = bars[3]
        else:
            bars = [last] * 4
        out.append(bars)
    return out, stale


@given(series())
def test_bars_are_those_a_slow_reader_makes(case: tuple[Rows, int, int]) -> None:
    rows, parts, count = case
    into = empty(count)
    holes, torn = place_rows(rows, START, parts * MINUTES, 77.0, into)
    bars, stale = slow(rows, parts, count, 77.0)
    assert np.array_equal(np.stack(into[:4], axis=1), np.array(bars)) and into[4].tolist() == stale
    assert holes == sum(stale) and torn <= count - holes


@given(series(), st.sampled_from([2, 4]))
def test_resampling_twice_is_resampling_once(case: tuple[Rows, int, int], more: int) -> None:
    rows, _, count = case
    steps = count * 4 // (2 * more) * more
    if steps == 0:
        return
    inside = rows.times_ns < START + steps * 2 * MINUTES
    rows = Rows(times_ns=rows.times_ns[inside], bar_ns=MINUTES, prices=_picked(rows.prices, inside))
    once = empty(steps // more)
    place_rows(rows, START, 2 * more * MINUTES, 77.0, once)
    half = empty(steps)
    place_rows(rows, START, 2 * MINUTES, 77.0, half)
    fresh = half[4] == 0
    times = START + np.flatnonzero(fresh) * 2 * MINUTES
    middle = Rows(times_ns=times, bar_ns=2 * MINUTES, prices=_picked(half[:4], fresh))
    twice = empty(steps // more)
    place_rows(middle, START, 2 * more * MINUTES, 77.0, twice)
    for number in range(5):
        assert np.array_equal(once[number], twice[number])


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_a_made_up_market_is_one_that_could_be(seed: int, assets: int) -> None:
    plan = Plan(assets=DESK[:assets], start_ns=START, bar_ns=HOUR_NS, count=500)
    made, again = (generate(plan, np.random.default_rng(seed)) for _ in range(2))
    for one, same in zip(made, again, strict=True):
        assert np.array_equal(one.close, same.close) and np.array_equal(one.rates, same.rates)
        assert (one.low > 0).all() and np.isfinite(one.high).all()
        assert (one.high >= np.maximum(one.open, one.close)).all() and (
            one.low <= np.minimum(one.open, one.close)
        ).all()
        assert np.array_equal(one.open[1:], one.close[:-1])
        assert (np.abs(one.rates) <= plan.cap).all() and np.array_equal(
            np.diff(one.funding_ns), np.full(one.rates.size - 1, 8 * HOUR_NS)
        )


def test_a_made_up_market_clusters_moves_together_and_pays_for_trends() -> None:
    made = generate(Plan(assets=DESK[:2], start_ns=START, bar_ns=HOUR_NS, count=24 * 2_000), np.random.default_rng(3))
    moves = [np.diff(np.log(one.close)) for one in made]
    assert np.corrcoef(moves[0], moves[1])[0, 1] > 0.6
    size = np.abs(moves[0]) - np.abs(moves[0]).mean()
    assert (size[1:] * size[:-1]).mean() / size.var() > 0.1
    assert ((moves[0] - moves[0].mean()) ** 4).mean() / moves[0].var() ** 2 > 6
    log = np.log(made[0].close)
    at = (made[0].funding_ns - START) // HOUR_NS
    later = at >= 72
    trend = log[np.maximum(at[later] - 1, 0)] - log[at[later] - 72]
    assert np.corrcoef(trend, made[0].rates[later])[0, 1] > 0.3
