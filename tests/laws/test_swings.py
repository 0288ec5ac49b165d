"""What margins may lose is what the book's own margin says at the prices of the past, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpbook.kernels.margin import account_margins
from perpbook.kernels.types import Floats
from perpbook.treasury.standing import Standing, standing_of
from perpbook.treasury.swings import Pool, Swings, block_rows, margins_at, swings_of
from tests.laws.strategies import Situation, situations


def pool_of(standing: Standing, moves: Floats) -> Pool:
    """The same moves (n, 3) for every asset."""
    assets = tuple(dict.fromkeys(one.asset for one in standing.arrays.columns))
    every = np.repeat(moves[:, None, :], len(assets), axis=1)
    return Pool(assets=assets, moves=every, step_seconds=3_600.0, block=2.0, source="a test")


def some_moves(seed: int, count: int = 60) -> Floats:
    chance = np.random.default_rng(seed)
    close = np.exp(0.03 * chance.standard_normal(count))
    wick = np.exp(np.abs(0.01 * chance.standard_normal((2, count))))
    return np.stack([close, np.maximum(close, 1.0) * wick[0], np.minimum(close, 1.0) / wick[1]], axis=1)


def swings(standing: Standing, moves: Floats, buffer: float = 0.25, steps: int = 6) -> Swings:
    rows = block_rows(moves.shape[0], 3.0, 40, steps, np.random.default_rng(5))
    return swings_of(standing, pool_of(standing, moves), buffer, rows)


@given(situations(), st.integers(0, 99))
@settings(max_examples=8)
def test_margins_of_many_prices_are_those_of_the_kernel_at_each(found: Situation, seed: int) -> None:
    standing = standing_of(found.snapshot, found.terms)
    prices = standing.arrays.prices
    lanes = prices[:, None] * np.exp(0.4 * np.random.default_rng(seed).standard_normal((prices.size, 4)))
    equity, need = margins_at(standing.lines, lanes)
    for lane in range(4):
        own, asked = np.empty(standing.equity.size), np.empty(standing.equity.size)
        account_margins(standing.lines, lanes[:, lane].copy(), own, asked)
        np.testing.assert_allclose(equity[:, lane], own, rtol=1e-12, atol=1e-6)
        np.testing.assert_allclose(need[:, lane], asked, rtol=1e-12, atol=1e-9)


@given(situations(), st.integers(0, 99))
@settings(max_examples=8)
def test_what_is_lacking_is_found_again_draw_by_draw(found: Situation, seed: int) -> None:
    """Slowly: every draw gone through by the kernel, price by price."""
    standing, moves = standing_of(found.snapshot, found.terms), some_moves(seed)
    rows = block_rows(moves.shape[0], 3.0, 3, 4, np.random.default_rng(seed))
    fast = swings_of(standing, pool_of(standing, moves), 0.25, rows)
    for draw in range(3):
        level, most = 1.0, np.full(standing.equity.size, -np.inf)
        for step, row in enumerate(rows[draw]):
            for kind in range(3):
                own, asked = np.empty(most.size), np.empty(most.size)
                account_margins(standing.lines, standing.arrays.prices * level * moves[row, kind], own, asked)
                most = np.maximum(most, 1.25 * asked - own)
            level *= moves[row, 0]
            np.testing.assert_allclose(fast.shortfall[draw, :, step], most, rtol=1e-9, atol=1e-4)


@given(situations(), st.integers(0, 99), st.floats(0.5, 0.95))
@settings(max_examples=8)
def test_more_time_more_certainty_and_more_buffer_never_need_less(found: Situation, seed: int, share: float) -> None:
    standing, moves = standing_of(found.snapshot, found.terms), some_moves(seed)
    one = swings(standing, moves)
    wider = swings(standing, moves, buffer=0.5)
    later, earlier = one.lacking(share, 4 * 3_600.0), one.lacking(share, 600.0)
    assert (later >= earlier - 1e-9).all()
    assert (one.lacking(0.99, 7_200.0) >= one.lacking(share, 7_200.0) - 1e-9).all()
    assert (wider.lacking(share, 7_200.0) >= one.lacking(share, 7_200.0) - 1e-9).all()
    assert (one.drained(7_200.0) >= 0.0).all()


@given(situations(), st.integers(0, 99))
@settings(max_examples=8)
def test_an_account_lasts_until_the_quantile_of_what_is_lacking_is_above_nothing(found: Situation, seed: int) -> None:
    one = swings(standing_of(found.snapshot, found.terms), some_moves(seed))
    for account in range(one.above.size):
        lasts = one.lasts(account, 0.9)
        if one.above[account] <= 0.0:
            assert lasts == 0.0
        elif np.isinf(lasts):
            assert one.lacking(0.9, 6 * 3_600.0)[account] <= 0.0
        else:
            step = int(lasts // 3_600.0)
            assert one.lacking(0.9, (step + 1) * 3_600.0)[account] > 0.0
            assert step == 0 or one.lacking(0.9, step * 3_600.0)[account] <= 0.0


@given(situations())
@settings(max_examples=8)
def test_prices_that_stand_still_ask_for_nothing_more(found: Situation) -> None:
    standing = standing_of(found.snapshot, found.terms)
    one = swings(standing, np.ones((60, 3)))
    np.testing.assert_allclose(one.lacking(0.99, 3_600.0), -one.above, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(one.day_flow, 0.0, atol=1e-6)
    np.testing.assert_allclose(one.drained(3_600.0), 0.0, atol=1e-5)


def of_one(law: Any) -> Any:
    """A law of one example."""
    return law.hypothesis.inner_test


@pytest.mark.slow
@given(situations(), st.integers(0, 99), st.floats(0.5, 0.95))
@settings(max_examples=120)
def test_all_of_it_holds_of_many_books(found: Situation, seed: int, share: float) -> None:
    of_one(test_margins_of_many_prices_are_those_of_the_kernel_at_each)(found, seed)
    of_one(test_what_is_lacking_is_found_again_draw_by_draw)(found, seed)
    of_one(test_more_time_more_certainty_and_more_buffer_never_need_less)(found, seed, share)
    of_one(test_an_account_lasts_until_the_quantile_of_what_is_lacking_is_above_nothing)(found, seed)
    of_one(test_prices_that_stand_still_ask_for_nothing_more)(found)


def test_blocks_run_on_past_the_end_and_begin_as_often_as_asked() -> None:
    rows = block_rows(50, 5.0, 4_000, 30, np.random.default_rng(1))
    assert rows.min() == 0 and rows.max() == 49
    goes_on = (np.diff(rows, axis=1) % 50 == 1).mean()
    assert goes_on == pytest.approx(0.8 + 0.2 / 50, abs=0.005)
