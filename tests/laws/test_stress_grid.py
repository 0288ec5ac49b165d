"""The stress grid is the scalar reckoning, lane by lane: blocks, pruning and vectors do not show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.kernels.lanes import WIDTH, in_order_of_slope, price_bounds, stress_grid
from perpbook.kernels.margin import account_margins, lines_at
from perpbook.kernels.types import Floats, Lines
from perpbook.margin.arrays import book_arrays
from tests.laws.lines import breakpoints, random_lines
from tests.laws.strategies import Situation, between, situations

REORDERED = 1e-12
"""Relative to the sum of the sizes of all terms: sums may be taken in another order, nothing else may differ."""


def grid_of(lines: Lines, prices: Floats) -> tuple[Floats, Floats]:
    shape = lines.cash.size, prices.shape[1]
    equity, maintenance = np.full(shape, np.nan), np.full(shape, np.nan)
    stress_grid(in_order_of_slope(lines), np.ascontiguousarray(prices), equity, maintenance)
    return equity, maintenance


def scalar(lines: Lines, prices: Floats) -> tuple[Floats, Floats]:
    shape = lines.cash.size, prices.shape[1]
    equity, maintenance = np.empty(shape), np.empty(shape)
    for lane in range(prices.shape[1]):
        own, need = np.empty(shape[0]), np.empty(shape[0])
        account_margins(lines, np.ascontiguousarray(prices[:, lane]), own, need)
        equity[:, lane], maintenance[:, lane] = own, need
    return equity, maintenance


def weights(lines: Lines, prices: Floats) -> tuple[Floats, Floats]:
    """What rounding is measured by, per account and lane: gross equity, gross terms of the requirement."""
    shape = lines.cash.size, prices.shape[1]
    equity, maintenance = np.abs(lines.cash)[:, None] * np.ones(shape), np.zeros(shape)
    for a in range(shape[0]):
        for i in range(lines.start[a], lines.start[a + 1]):
            at = prices[lines.column[i]]
            equity[a] += np.abs(lines.delta[i]) * at
            if lines.pieces[i]:
                used = slice(0, lines.pieces[i])
                maintenance[a] += (np.abs(lines.slope[i, used, None] * at) + np.abs(lines.offset[i, used, None])).max(0)
                maintenance[a] += lines.reciprocal[i] / at
    return equity, maintenance


def assert_same_grid(lines: Lines, prices: Floats) -> None:
    fast, slow, weight = grid_of(lines, prices), scalar(lines, prices), weights(lines, prices)
    for ours, theirs, gross in zip(fast, slow, weight, strict=True):
        assert (np.abs(ours - theirs) <= REORDERED * gross).all()


price_rows = st.integers(1, 40).flatmap(
    lambda lanes: st.lists(st.lists(between(1.0, 1e4), min_size=lanes, max_size=lanes), min_size=3, max_size=3)
)


@given(random_lines(), price_rows)
def test_every_lane_is_the_scalar_reckoning(lines: Lines, prices: list[list[float]]) -> None:
    assert_same_grid(lines, np.array(prices))


@given(random_lines(), st.data())
def test_lines_left_out_never_show_even_where_they_cross(lines: Lines, data: st.DataObject) -> None:
    knots = breakpoints(lines) or [100.0]
    near = st.builds(
        lambda knot, ulps, far: float(knot * (1 + ulps * 2.0**-52) * far),
        st.sampled_from(knots), st.integers(-3, 3), st.sampled_from((1.0, 1.0 + 1e-9, 1.0 - 1e-9, 1.01, 0.99)),
    )  # fmt: skip
    lanes = data.draw(st.integers(1, 12))
    prices = np.array([data.draw(st.lists(near, min_size=lanes, max_size=lanes)) for _ in range(3)])
    assert_same_grid(lines, prices)


@given(situations(), st.integers(1, 9), st.data())
def test_real_books_too(found: Situation, lanes: int, data: st.DataObject) -> None:
    arrays = book_arrays(found.snapshot.book, found.snapshot.market, found.terms)
    columns = arrays.prices.size
    moves = np.array([[data.draw(between(-0.95, 4.0)) for _ in range(lanes)] for _ in range(columns)])
    assert_same_grid(lines_at(arrays.held), arrays.prices[:, None] * (1.0 + moves.reshape(columns, lanes)))


@given(random_lines(), price_rows, st.randoms(use_true_random=False))
def test_permuting_scenarios_permutes_results(lines: Lines, prices: list[list[float]], chance: object) -> None:
    rows = np.array(prices)
    order = list(range(rows.shape[1]))
    chance.shuffle(order)  # type: ignore[attr-defined]
    for plain, permuted in zip(grid_of(lines, rows), grid_of(lines, rows[:, order]), strict=True):
        assert np.array_equal(plain[:, order], permuted)


@given(random_lines(), price_rows)
def test_a_scenario_gives_the_same_alone_as_among_others(lines: Lines, prices: list[list[float]]) -> None:
    rows = np.array(prices)
    weight = weights(lines, rows[:, :1])
    for one, (many, alone) in enumerate(zip(grid_of(lines, rows), grid_of(lines, rows[:, :1]), strict=True)):
        assert (np.abs(many[:, :1] - alone) <= REORDERED * weight[one]).all()


@given(st.lists(between(1e-6, 1e9), min_size=1, max_size=70))
def test_bounds_of_a_block_are_its_least_and_largest_price(prices: list[float]) -> None:
    assert price_bounds(np.array(prices)) == (min(prices), max(prices))


def wide_book() -> Lines:
    """Two accounts over three columns, tiers that change within the prices tried."""
    return Lines(
        start=np.array([0, 6, 7], dtype=np.int64),
        column=np.array([0, 0, 1, 1, 1, 2, 2], dtype=np.int64),
        delta=np.array([5.0, -3.0, 1.0, 2.0, -7.0, 0.5, 11.0]),
        slope=np.array([[0.01, 0.02, 0.05], [0.02, 0, 0], [0.0, 0.3, 0.6], [0.1, 0, 0], [0.4, 0, 0], [0, 0, 0], [0.2, 0.9, 0]]),
        offset=np.array([[0, -1.0, -4.9], [0, 0, 0], [9.0, -21.0, -57.0], [0, 0, 0], [-1.0, 0, 0], [0, 0, 0], [0, -80.0, 0]]),
        pieces=np.array([3, 1, 3, 1, 1, 0, 2], dtype=np.int64),
        reciprocal=np.array([0, 40.0, 0, 0, 0, 0, 0]),
        cash=np.array([1000.0, -50.0]),
    )  # fmt: skip


@pytest.mark.parametrize("lanes", [1, 2, 7, 8, 9, 15, 17, 63, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH + 5])
def test_any_number_of_lanes_is_filled_to_the_last(lanes: int) -> None:
    draw = np.random.default_rng(20_261_123)
    prices = 100.0 * np.exp(draw.normal(0.0, 0.4, (3, lanes)))
    assert_same_grid(wide_book(), prices)


@pytest.mark.parametrize("lanes", [WIDTH + 1, 2 * WIDTH + 5])
def test_which_block_a_scenario_falls_in_does_not_show(lanes: int) -> None:
    draw = np.random.default_rng(7)
    prices = 100.0 * np.exp(np.sort(draw.normal(0.0, 0.4, (3, lanes)), axis=1))
    order, weight = draw.permutation(lanes), weights(wide_book(), prices)
    for one, (plain, permuted) in enumerate(
        zip(grid_of(wide_book(), prices), grid_of(wide_book(), prices[:, order]), strict=True)
    ):
        assert (np.abs(plain[:, order] - permuted) <= REORDERED * weight[one][:, order]).all()
